//! Load for a learner service: batches over HTTP, states over the websocket, as old clients send them.
//!
//! ```text
//! service_load HTTP_ADDRESS WEBSOCKET_ADDRESS [ENTRIES] [BATCH] [STATES] [ACTS]
//! ```
//!
//! Prints experiences a second from the first one sent to the last one trained, and the times of
//! actions over the websocket, without training and beside it. Any learner that speaks the protocol
//! can be measured.

use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Experiences that may still wait for a window to fill when the load counts as trained.
const REMAINDER: u64 = 20;
/// For the last experiences to be trained.
const TRAINING_TIMEOUT: Duration = Duration::from_secs(120);
/// Digits of an experience's number: it is written into a prepared text.
const DIGITS: usize = 16;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [http, websocket, numbers @ ..] = &arguments[..] else {
        return Err(Error::other(
            "usage: service_load HTTP_ADDRESS WEBSOCKET_ADDRESS [ENTRIES] [BATCH] [STATES] [ACTS]",
        ));
    };
    let number = |place: usize, otherwise: u64| {
        numbers.get(place).map_or(Ok(otherwise), |text| text.parse().map_err(Error::other))
    };
    let (entries, batch, states, acts) =
        (number(0, 1_000_000)?, number(1, 1_000)?, number(2, 10_000)?, number(3, 20_000)?);

    print_times("acts alone", act(websocket, states, acts, &AtomicBool::new(false))?);
    let done = AtomicBool::new(false);
    let (trained, times) = std::thread::scope(|scope| {
        let trained = scope.spawn(|| {
            let trained = train(http, entries, batch, states);
            done.store(true, Ordering::Release);
            trained
        });
        let times = act(websocket, states, u64::MAX, &done);
        (trained.join(), times)
    });
    let seconds = trained.map_err(|_| Error::other("training failed"))??;
    print_times("acts beside training", times?);
    println!("trained beside acts      {:10.0} experiences/s", entries as f64 / seconds);
    println!(
        "trained alone            {:10.0} experiences/s",
        entries as f64 / train(http, entries, batch, states)?
    );
    Ok(())
}

fn print_times(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| {
        times.get((share * times.len() as f64) as usize).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    println!(
        "{name:24} {:10} acts, p50 {:.0} us, p99 {:.0} us, p99.9 {:.0} us",
        times.len(),
        at(0.5),
        at(0.99),
        at(0.999)
    );
}

/// Five numbers, of which `states` different ones come.
fn state(number: u64, states: u64) -> [u64; 5] {
    // Multiplying by an odd constant visits the states in no obvious order.
    let place = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % states;
    [place % 2, place / 2 % 10, place / 20 % 10, place / 200 % 10, place / 2_000]
}

/// Sends the experiences on one connection; seconds until they are trained.
fn train(address: &str, entries: u64, batch: u64, states: u64) -> Result<f64> {
    let mut connection = Http::connect(address)?;
    let stats = connection.stats()?;
    let (first, before) = (stats("eid_max_seen")? + 1, stats("trained_items")?);
    // Texts of some batches, with the places of their numbers.
    let bodies: Vec<_> = (0..16).map(|body| prepared(body * batch..(body + 1) * batch, states)).collect();
    let (mut bodies, start) = (bodies, Instant::now());
    let mut next = first;
    for round in 0..entries.div_ceil(batch) as usize {
        let count = bodies.len();
        let (body, places) = &mut bodies[round % count];
        for place in places {
            let digits = format!("{next:0DIGITS$}");
            body[*place..*place + DIGITS].copy_from_slice(digits.as_bytes());
            next += 1;
        }
        let answer = connection.ask("POST", "/train_batch", body)?;
        if answer != b"ok" {
            return Err(Error::other(String::from_utf8_lossy(&answer).into_owned()));
        }
    }
    loop {
        let stats = connection.stats()?;
        if stats("pending_entries")? <= REMAINDER && stats("trained_items")? > before {
            return Ok(start.elapsed().as_secs_f64());
        }
        if start.elapsed() > TRAINING_TIMEOUT {
            return Err(Error::other("not trained in time"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn prepared(numbers: std::ops::Range<u64>, states: u64) -> (Vec<u8>, Vec<usize>) {
    let (mut body, mut places) = (b"[".to_vec(), Vec::new());
    for number in numbers {
        if !places.is_empty() {
            body.push(b',');
        }
        body.extend(b"{\"eid\":\"");
        places.push(body.len());
        let [a, b, c, d, e] = state(number, states);
        let state = format!("{a}.000000,{b}.000000,{c}.000000,{d}.000000,{e}.000000");
        let (action, reward) = (number % 14, number % 3 % 2);
        let rest = format!("\",\"state\":\"{state}\",\"action\":\"{action}.000000\",\"reward\":{reward}}}");
        body.extend([b'0'; DIGITS]);
        body.extend(rest.as_bytes());
    }
    body.push(b']');
    (body, places)
}

/// Asks for actions one after the other; their times.
fn act(address: &str, states: u64, acts: u64, done: &AtomicBool) -> Result<Vec<Duration>> {
    let mut stream = BufReader::new(connect(address)?);
    let head = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.get_mut().write_all(head.as_bytes())?;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(Error::other("no websocket"));
        }
    }
    let mut times = Vec::new();
    for number in 0..acts {
        if done.load(Ordering::Acquire) {
            break;
        }
        let [a, b, c, d, e] = state(number, states);
        let text = format!("[{a}.0,{b}.0,{c}.0,{d}.0,{e}.0]");
        // A mask of zeros changes nothing.
        let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        let start = Instant::now();
        stream.get_mut().write_all(&frame)?;
        let mut head = [0; 2];
        stream.read_exact(&mut head)?;
        let mut answer = vec![0; usize::from(head[1])];
        stream.read_exact(&mut answer)?;
        times.push(start.elapsed());
        if head[0] != 0x81 {
            return Err(Error::other(String::from_utf8_lossy(&answer).into_owned()));
        }
    }
    Ok(times)
}

fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One connection for many requests.
struct Http(BufReader<TcpStream>);

impl Http {
    fn connect(address: &str) -> Result<Self> {
        Ok(Http(BufReader::new(connect(address)?)))
    }

    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>> {
        let length = body.len();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        request.extend(body);
        self.0.get_mut().write_all(&request)?;
        let mut length = None;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(Error::other("the connection was closed"));
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        let mut answer = vec![0; length.ok_or_else(|| Error::other("an answer without length"))?];
        self.0.read_exact(&mut answer)?;
        Ok(answer)
    }

    fn stats(&mut self) -> Result<impl Fn(&str) -> Result<u64> + use<>> {
        let stats: serde_json::Value = serde_json::from_slice(&self.ask("GET", "/learner/stats", b"")?)?;
        Ok(move |name: &str| stats[name].as_u64().ok_or_else(|| Error::other(format!("no {name}"))))
    }
}
