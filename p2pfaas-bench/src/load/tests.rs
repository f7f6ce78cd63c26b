use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::job::{Outcome, Phase};
use crate::testing::experiment;

/// A server that reads requests and answers none until it is told to.
struct Stub {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    open: CancellationToken,
}

impl Stub {
    async fn start(answer: &'static str) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, open) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let (counter, gate) = (Arc::clone(&requests), open.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer, Arc::clone(&counter), gate.clone()));
            }
        });
        Stub { address, requests, open }
    }
}

async fn serve(mut stream: TcpStream, answer: &str, requests: Arc<AtomicUsize>, gate: CancellationToken) {
    let mut text = Vec::new();
    while stream.read_buf(&mut text).await.is_ok_and(|count| count > 0) {
        // Jobs here send no payload: the request ends with its head.
        while let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") {
            text.drain(..end + 4);
            requests.fetch_add(1, Ordering::SeqCst);
            gate.cancelled().await;
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

fn steady(rate: u32, duration_s: f64) -> Experiment {
    traffic("deterministic", rate, duration_s)
}

fn traffic(kind: &str, rate: u32, duration_s: f64) -> Experiment {
    experiment(&format!(
        "[cluster]\nnodes = 1\n[traffic]\nkind = \"{kind}\"\nrate = {rate}\n\
         [[jobs]]\nfunction = \"echo\"\ndeadline_s = 0.05\n[[policy]]\nname = \"NoScheduler\"\n\
         [run]\nduration_s = {duration_s}\n"
    ))
}

fn targets(address: SocketAddr) -> Targets {
    Targets {
        node_ids: vec!["node-0".into()],
        functions: vec![vec![function_uri(&address.to_string(), "echo").unwrap()]],
        payloads: vec![vec![Bytes::new()]],
    }
}

/// Does something when a second of the run has come.
struct When<F: FnMut()>(f64, F);

impl<F: FnMut()> Watch for When<F> {
    fn at(&mut self, second: f64) {
        if second >= self.0 {
            (self.1)();
        }
    }
}

fn run(
    experiment: &Experiment,
    answer: &'static str,
    when_s: f64,
    then: impl Fn(&Stub, &CancellationToken),
) -> Run {
    run_session(experiment, Session::run(experiment, 1), answer, when_s, then)
}

fn run_session(
    experiment: &Experiment,
    session: Session,
    answer: &'static str,
    when_s: f64,
    then: impl Fn(&Stub, &CancellationToken),
) -> Run {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stub = runtime.block_on(Stub::start(answer));
    let cancel = CancellationToken::new();
    let (sender, mut receiver) = mpsc::channel(4_096);
    let mut sent_when = None;
    let mut watch = When(when_s, || {
        sent_when.get_or_insert_with(|| stub.requests.load(Ordering::SeqCst));
        then(&stub, &cancel);
    });
    let targets = targets(stub.address);
    let driven = drive(experiment, session, &targets, &cancel, sender, &mut watch).unwrap();
    let mut records = Vec::new();
    while let Some(batch) = receiver.blocking_recv() {
        records.extend(batch);
    }
    records.sort_by_key(|record| record.arrival.number);
    Run { records, sent_when: sent_when.unwrap_or(0), sent: stub.requests.load(Ordering::SeqCst), driven }
}

struct Run {
    records: Vec<JobRecord>,
    sent_when: usize,
    sent: usize,
    driven: Driven,
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\
                  x-p2pfaas-timing-execution-time-seconds: 0.1\r\n\r\n";

#[test]
fn jobs_are_sent_on_schedule_although_none_is_answered() {
    let experiment = steady(100, 0.5);
    let due = Schedule::new(&experiment.traffic, 1, experiment.horizon_s()).count();
    // The gate opens only when every job is due: whoever waited for answers would have sent one.
    let run = run(&experiment, OK, 0.5, |stub, _| {
        while stub.requests.load(Ordering::SeqCst) < due {
            std::thread::yield_now();
        }
        stub.open.cancel();
    });
    assert!((49..=51).contains(&due), "{due}");
    assert_eq!((run.sent, run.records.len()), (due, due));
    assert!(run.records.iter().all(|record| record.outcome == Outcome::Served));
    assert!(run.records.iter().all(|record| record.executed_by == Some(0)));
}

#[test]
fn poisson_jobs_are_due_at_the_instants_of_the_schedule_however_slow_the_answers_are() {
    let experiment = traffic("poisson", 30, 2.0);
    let due: Vec<_> = Schedule::new(&experiment.traffic, 1, experiment.horizon_s()).collect();
    // The server is shut until all of them were due.
    let run = run(&experiment, OK, 2.0, |stub, _| stub.open.cancel());
    let instants: Vec<_> = run.records.iter().map(|record| record.arrival).collect();
    assert_eq!(instants, due);
    assert!(run.records.iter().all(|record| record.sent_s.unwrap() >= record.arrival.at_s));
    // tests/poisson.rs shows that these are Poisson at 30 jobs/s; a generator that sent 23 would lack a quarter.
    assert!((40..=80).contains(&due.len()), "{}", due.len());
}

#[test]
fn latency_counts_from_the_instant_when_the_job_was_due() {
    let experiment = steady(100, 0.5);
    let run = run(&experiment, OK, 0.5, |stub, _| stub.open.cancel());
    for record in &run.records {
        let (sent_s, answered_s) = (record.sent_s.unwrap(), record.answered_s.unwrap());
        assert!(record.arrival.at_s <= sent_s && sent_s <= answered_s);
        // The server was shut until half a second: whoever was due early waited longest.
        assert!(record.latency_s().unwrap() >= 0.5 - record.arrival.at_s);
        assert!(!record.in_time() || record.arrival.at_s > 0.4);
    }
}

#[test]
fn an_interrupted_run_records_what_is_under_way_as_cancelled_and_forgets_what_was_not_due() {
    let experiment = steady(100, 60.0);
    let run = run(&experiment, OK, 0.2, |_, cancel| cancel.cancel());
    assert!(run.driven.ended_s < 60.0, "{:?}", run.driven);
    assert!(!run.records.is_empty() && run.records.len() < 6_000);
    assert!(run.records.iter().all(|record| record.outcome == Outcome::Cancelled));
    assert!(run.sent_when <= run.records.len());
}

#[test]
fn errors_become_outcomes_by_status_and_code() {
    let dropped =
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 27\r\n\r\n{\"code\":400,\"message\":\"-\"} ";
    let run = run(&steady(100, 0.05), dropped, 0.0, |stub, _| stub.open.cancel());
    assert!(!run.records.is_empty());
    for record in run.records {
        assert_eq!((record.outcome, record.status, record.code), (Outcome::Dropped, Some(500), Some(400)));
        assert_eq!(record.executed_by, None);
    }
}

#[test]
fn a_node_that_is_not_there_is_a_failure_with_its_reason() {
    // Bound and closed again: nobody listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (sender, mut receiver) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let mut watch = When(f64::MAX, || ());
    let experiment = steady(100, 0.05);
    let session = Session::run(&experiment, 1);
    drive(&experiment, session, &targets(address), &cancel, sender, &mut watch).unwrap();
    let record = receiver.blocking_recv().unwrap().remove(0);
    assert_eq!(record.outcome, Outcome::Failed);
    assert!(record.error.as_deref().is_some_and(|error| error.contains("cannot connect")), "{record:?}");
}

#[test]
fn jobs_of_the_cool_down_are_sent_and_marked() {
    let mut experiment = steady(100, 0.2);
    (experiment.warmup_s, experiment.cooldown_s) = (0.1, 0.1);
    let run = run(&experiment, OK, 0.0, |stub, _| stub.open.cancel());
    let of = |phase| run.records.iter().filter(|record| record.phase == phase).count();
    assert_eq!((of(Phase::Warmup), of(Phase::Measured), of(Phase::Cooldown)), (10, 20, 10));
    assert!(run.records.iter().all(|record| record.outcome == Outcome::Served));
    assert_eq!((run.driven.ended_s, run.driven.usage.unsent), (0.4, 0));
}

#[test]
fn more_jobs_than_may_be_under_way_are_not_sent_and_counted() {
    let experiment = steady(100, 0.5);
    let session = Session { room: 3, ..Session::run(&experiment, 1) };
    let run = run_session(&experiment, session, OK, 0.5, |stub, _| stub.open.cancel());
    let unsent: Vec<_> = run.records.iter().filter(|record| record.sent_s.is_none()).collect();
    // Until half a second nobody is answered.
    assert!(unsent.len() >= 40 && unsent.len() as u64 == run.driven.usage.unsent, "{}", unsent.len());
    assert_eq!((run.sent, run.records.len()), (50 - unsent.len(), 50));
    assert!(unsent.iter().all(|record| record.outcome == Outcome::Failed));
    assert!(unsent[0].error.as_deref().is_some_and(|error| error.contains("not sent")));
}

#[test]
fn a_tracing_id_holds_only_what_may_stand_in_a_header() {
    assert_eq!(tag("quick start;ü", 3), "quick_start__-3");
}
