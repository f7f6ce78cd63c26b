//! The service over HTTP.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use pigo_function::service::{ServiceSettings, serve};
use pigo_function::{FaceFunction, InputLimits, Model, Settings, sample};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// An answer: status, head and body.
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

fn request(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: function\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn reply(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head, body: bytes[end + 4..].to_vec() }
}

fn ask(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Reply {
    let mut stream = connect(address);
    // The service may answer and hang up before it has read all of a body that is too long.
    let _ = stream.write_all(&request(method, path, body));
    reply(stream)
}

/// A call whose body the service has asked for, and not got yet.
fn call_in_hand(address: SocketAddr, body_bytes: usize) -> TcpStream {
    let mut stream = connect(address);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: function\r\nExpect: 100-continue\r\n\
         Connection: close\r\nContent-Length: {body_bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut line = [0; 25];
    stream.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Runs the service while `client` talks to it on a thread of its own, then stops it.
fn with_service<T: Send + 'static>(
    settings: ServiceSettings,
    client: impl FnOnce(SocketAddr, oneshot::Sender<()>) -> T + Send + 'static,
) -> T {
    let limits = InputLimits { body_bytes_max: 100_000, ..InputLimits::default() };
    let function = FaceFunction::new(Model::Frontal, Settings { limits, ..Settings::default() }).unwrap();
    run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        // Dropping the sender stops the service, too.
        let told = async { drop(stopped.await) };
        let talk = spawn_blocking(move || client(address, stop));
        serve(listener, Arc::new(function), settings, told).await.unwrap();
        talk.await.unwrap()
    })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn health_and_ready_answer_200() {
    with_service(ServiceSettings::default(), |address, _stop| {
        assert_eq!(ask(address, "GET", "/_/health", b"").status, 200);
        assert_eq!(ask(address, "GET", "/_/ready", b"").status, 200);
        assert_eq!(ask(address, "POST", "/_/health", b"").status, 405);
    });
}

#[test]
fn any_path_takes_a_picture() {
    with_service(ServiceSettings::default(), |address, _stop| {
        for path in ["/", "/function/fn-pigo", "/a/b?c=d"] {
            let reply = ask(address, "POST", path, &sample::crops(96).unwrap()[0]);
            assert_eq!(reply.status, 200);
            assert!(reply.head.contains("content-type: application/json"));
            let json: Value = serde_json::from_slice(&reply.body).unwrap();
            assert!(!json["Faces"].as_array().unwrap().is_empty());
        }
        assert_eq!(ask(address, "GET", "/", b"").status, 405);
    });
}

#[test]
fn errors_are_errors_in_json() {
    with_service(ServiceSettings::default(), |address, _stop| {
        for (body, status) in [(vec![], 400), (b"no picture".to_vec(), 400), (vec![0; 100_001], 413)] {
            let reply = ask(address, "POST", "/", &body);
            assert_eq!(reply.status, status);
            let json: Value = serde_json::from_slice(&reply.body).unwrap();
            assert!(!json["error"].as_str().unwrap().is_empty());
        }
    });
}

#[test]
fn a_call_in_hand_is_finished_after_the_stop() {
    with_service(ServiceSettings::default(), |address, stop| {
        let crop = sample::crops(96).unwrap().swap_remove(0);
        let mut stream = call_in_hand(address, crop.len());
        stop.send(()).unwrap();
        // Only after this are new connections refused: the stop has been heard.
        while TcpStream::connect(address).is_ok() {}
        stream.write_all(&crop).unwrap();
        let reply = reply(stream);
        assert_eq!(reply.status, 200);
    });
}

#[test]
fn the_grace_ends_calls_that_never_do() {
    let settings = ServiceSettings { grace_s: 0, ..ServiceSettings::default() };
    let stream = with_service(settings, |address, stop| {
        let stream = call_in_hand(address, 10);
        stop.send(()).unwrap();
        stream
    });
    // That `with_service` returned is the point; the connection was open all the time.
    drop(stream);
}

#[test]
fn a_body_that_does_not_come_is_408_and_one_call_too_many_429() {
    let settings =
        ServiceSettings { parallel_max: 1, waiting_max: 0, body_timeout_s: 1, ..ServiceSettings::default() };
    with_service(settings, |address, _stop| {
        let slow = call_in_hand(address, 10);
        assert_eq!(ask(address, "POST", "/", &sample::crops(96).unwrap()[0]).status, 429);
        assert_eq!(reply(slow).status, 408);
    });
}
