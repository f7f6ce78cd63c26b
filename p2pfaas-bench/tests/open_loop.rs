//! The load generator against a server that stalls: what it reports is what an open system lives
//! through. A client that waits for its answers would hardly notice.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use p2pfaas_bench::experiment::{Experiment, Known, Place};
use p2pfaas_bench::job::JobRecord;
use p2pfaas_bench::load::{Session, Targets, Watch, drive, function_uri};
use p2pfaas_bench::tally::Tally;
use p2pfaas_core::policy::Registry;
use p2pfaas_sim::arrivals::Schedule;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const RATE: f64 = 200.0;
const DURATION_S: f64 = 10.0;
/// The server stalls for a second, every five.
const STALLS_AT_S: [f64; 2] = [2.0, 7.0];
const STALL: Duration = Duration::from_secs(1);
/// Answers that are on their way from the server, and jobs to it, on a machine that has other work.
const SLOW_MACHINE_S: f64 = 0.1;

/// Answers at once, except while it stalls.
struct Server {
    address: SocketAddr,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    stalls: Mutex<bool>,
    over: Condvar,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, gate) = (listener.local_addr().unwrap(), Arc::new(Gate::default()));
        let doors = Arc::clone(&gate);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let gate = Arc::clone(&doors);
                thread::spawn(move || serve(stream.unwrap(), &gate));
            }
        });
        Server { address, gate }
    }

    /// Stalls for a while. When that really was.
    fn stall(&self) -> (Instant, Instant) {
        let mut stalls = self.gate.stalls.lock().unwrap();
        let began = Instant::now();
        *stalls = true;
        drop(stalls);
        thread::sleep(STALL);
        *self.gate.stalls.lock().unwrap() = false;
        let ended = Instant::now();
        self.gate.over.notify_all();
        (began, ended)
    }
}

/// Requests without a body, one after the other.
fn serve(mut stream: TcpStream, gate: &Gate) {
    let (mut read, mut part) = (Vec::new(), [0; 4_096]);
    while let Ok(count @ 1..) = stream.read(&mut part) {
        read.extend_from_slice(&part[..count]);
        while let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            read.drain(..end + 4);
            drop(gate.over.wait_while(gate.stalls.lock().unwrap(), |stalls| *stalls).unwrap());
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                return;
            }
        }
    }
}

/// A client that sends its next request only after the answer to the last one: its latencies.
fn closed_loop(address: SocketAddr) -> Vec<f64> {
    let mut stream = TcpStream::connect(address).unwrap();
    let (began, mut latencies_s) = (Instant::now(), Vec::new());
    while began.elapsed().as_secs_f64() < DURATION_S {
        let sent = Instant::now();
        stream.write_all(b"POST /function/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").unwrap();
        assert_ne!(stream.read(&mut [0; 4_096]).unwrap(), 0);
        latencies_s.push(sent.elapsed().as_secs_f64());
        thread::sleep(Duration::from_secs_f64(1.0 / RATE).saturating_sub(sent.elapsed()));
    }
    latencies_s
}

fn experiment() -> Experiment {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &["echo"] };
    let text = format!(
        "[cluster]\nnodes = 1\n[traffic]\nkind = \"deterministic\"\nrate = {RATE}\n[[jobs]]\nfunction = \"echo\"\n\
         [[policy]]\nname = \"NoScheduler\"\n[run]\nduration_s = {DURATION_S}\n"
    );
    Experiment::parse(Path::new("stalls.toml"), text, Place::Local, &known).unwrap()
}

/// When the run began, as near as it can be told from outside.
struct Clock(Option<Instant>);

impl Watch for Clock {
    fn at(&mut self, second: f64) {
        // Never too early: the second was looked at before this instant.
        let began = Instant::now() - Duration::from_secs_f64(second.max(0.0));
        self.0 = Some(self.0.map_or(began, |known| known.min(began)));
    }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len()) - 1]
}

#[test]
fn a_server_that_stalls_shows_in_the_percentiles_as_in_an_open_system() {
    let (server, experiment) = (Server::start(), experiment());
    let targets = Targets {
        node_ids: vec!["node-0".into()],
        functions: vec![vec![function_uri(&server.address.to_string(), "echo").unwrap()]],
        payloads: vec![vec![Bytes::new()]],
    };
    let (sender, mut records) = mpsc::channel::<Vec<JobRecord>>(4_096);
    let mut clock = Clock(None);
    let begins = Instant::now();
    let (stalls, closed) = thread::scope(|scope| {
        let stalls = scope.spawn(|| {
            STALLS_AT_S.map(|at_s| {
                thread::sleep(Duration::from_secs_f64(at_s).saturating_sub(begins.elapsed()));
                server.stall()
            })
        });
        let closed = scope.spawn(|| closed_loop(server.address));
        let session = Session::run(&experiment, 1);
        drive(&experiment, session, &targets, &CancellationToken::new(), sender, &mut clock).unwrap();
        (stalls.join().unwrap(), closed.join().unwrap())
    });
    let mut tally = Tally::new(experiment.measured_s());
    while let Some(batch) = records.blocking_recv() {
        batch.iter().for_each(|job| tally.add_record(job));
    }

    // A job that is due in a stall is answered at its end, any other at once.
    let began = clock.0.unwrap();
    let exact_s = |arrival: p2pfaas_sim::arrivals::Arrival| {
        let due = began + Duration::from_secs_f64(arrival.at_s);
        let stall = stalls.iter().find(|(from, until)| (*from..*until).contains(&due));
        stall.map_or(0.0, |(_, until)| (*until - due).as_secs_f64())
    };
    let mut exact: Vec<_> = Schedule::new(&experiment.traffic, 1, DURATION_S).map(exact_s).collect();
    exact.sort_by(f64::total_cmp);
    assert_eq!(tally.counts.served, exact.len() as u64);

    let near = |what: &str, reported_s: f64, exact_s: f64| {
        // Nothing is answered before its time; the histogram rounds by less than 1 %.
        let range = exact_s * 0.99 - 0.005..exact_s * 1.01 + SLOW_MACHINE_S;
        assert!(range.contains(&reported_s), "{what}: {reported_s} s instead of {exact_s} s");
    };
    for share in [0.5, 0.9, 0.95, 0.99] {
        let reported_s = tally.latencies().quantile(share).unwrap();
        near(&format!("{share}"), reported_s, quantile(&exact, share));
    }
    let mean_s = exact.iter().sum::<f64>() / exact.len() as f64;
    near("mean", tally.counts.latency_mean_s().unwrap(), mean_s);
    assert!((0.9..1.1).contains(&quantile(&exact, 0.99)), "{}", quantile(&exact, 0.99));

    // Two of its requests were in a stall: it would have reported that hardly anybody waits.
    let mut closed = closed;
    closed.sort_by(f64::total_cmp);
    let late = closed.iter().filter(|latency_s| **latency_s > 0.5).count();
    assert!(late <= STALLS_AT_S.len(), "{late}");
    assert!(quantile(&closed, 0.99) < 0.5 * quantile(&exact, 0.99), "{}", quantile(&closed, 0.99));
}
