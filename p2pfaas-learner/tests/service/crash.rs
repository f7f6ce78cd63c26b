//! The program is killed at any moment, and never loses what a finished checkpoint had.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde_json::Value;

use crate::support::{LONG, Program, batch};

const ROUNDS: u32 = 200;
/// Entries a batch.
const BATCH: u64 = 50;

/// One connection for many requests.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(LONG))?;
        Ok(Client(BufReader::new(stream)))
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> std::io::Result<Vec<u8>> {
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut length = None;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line == "\r\n" {
                break;
            }
            if let Some(number) = line.strip_prefix("Content-Length: ") {
                length = number.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.expect("a length")];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }

    fn stats(&mut self) -> std::io::Result<Value> {
        Ok(serde_json::from_slice(&self.ask("GET", "/learner/stats", "")?).expect("JSON"))
    }
}

fn number(stats: &Value, name: &str) -> u64 {
    stats[name].as_u64().expect("a number")
}

/// What must be there after the kill: the largest number trained that some reading told, if two
/// checkpoints were finished after it. The first of the two may have been begun before the reading;
/// the second was not.
fn safe(readings: &[(u64, u64)]) -> u64 {
    let finished = readings.last().map_or(0, |(_, checkpoints)| *checkpoints);
    let safe = readings.iter().filter(|(_, checkpoints)| checkpoints + 2 <= finished);
    safe.map(|(trained, _)| *trained).max().unwrap_or(0)
}

#[test]
fn killed_at_any_moment_it_goes_on_with_all_that_a_finished_checkpoint_had() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_260_101);
    let (mut must_have, mut any_checkpoint, mut proofs) = (0, false, 0);
    for round in 0..ROUNDS {
        let program = Program::start(folder.path(), &["--checkpoint-interval=5ms"]);
        let said = &program.first_log;
        assert!(!said.contains("WARN"), "round {round}: no checkpoint is ever damaged\n{said}");
        assert!(!any_checkpoint || said.contains("going on with the agent"), "round {round}: {said}");

        let mut client = Client::connect(program.http).expect("it listens");
        let stats = client.stats().expect("it answers");
        let trained = number(&stats, "trained_items");
        assert!(trained >= must_have, "round {round}: {trained} of {must_have} are left");
        // What the checkpoint says goes together: every experience that came is trained or waits.
        let received = number(&stats, "received");
        assert_eq!(received, trained + number(&stats, "pending_entries"), "round {round}");
        let mut next = if received == 0 { 0 } else { number(&stats, "eid_max_seen") + 1 };
        assert_eq!(next, received, "round {round}");
        must_have = must_have.max(trained);

        // Half of the kills come soon, the others after some checkpoints.
        let waits_for = if round % 2 == 0 { 0 } else { 3 };
        let delay = Duration::from_micros(rng.random_range(0..20_000));
        let (mut program, mut killer) = (Some(program), None);
        let mut readings = vec![(trained, number(&stats, "checkpoints"))];
        loop {
            if readings.last().is_some_and(|(_, checkpoints)| *checkpoints >= waits_for)
                && let Some(program) = program.take()
            {
                killer = Some(std::thread::spawn(move || {
                    std::thread::sleep(delay);
                    drop(program);
                }));
            }
            let Ok(_) = client.ask("POST", "/train_batch", &batch(next..next + BATCH)) else { break };
            next += BATCH;
            let Ok(stats) = client.stats() else { break };
            assert_eq!(number(&stats, "checkpoint_errors"), 0);
            readings.push((number(&stats, "trained_items"), number(&stats, "checkpoints")));
        }
        killer.expect("it did not end by itself").join().expect("killed");
        any_checkpoint |= readings.last().is_some_and(|(_, checkpoints)| *checkpoints > 0);
        proofs += u32::from(safe(&readings) > must_have);
        must_have = must_have.max(safe(&readings));
    }
    assert!(proofs >= ROUNDS / 4, "only {proofs} rounds could tell");
}
