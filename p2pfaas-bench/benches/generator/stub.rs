//! A server in a thread of its own that reads requests and gives each the answer of a node.

use std::net::TcpListener as StdListener;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a node answers for a job that it ran itself.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: application/octet-stream\r\n\
    X-P2pfaas-Version: 0.1.0\r\n\
    X-P2pfaas-Scheduler: PowerOfNScheduler(1, 2, true, 1)\r\n\
    X-P2pfaas-Timing-Execution-Time-Seconds: 0.000012\r\n\
    X-P2pfaas-Timing-Total-Time-Seconds: 0.000034\r\n\
    X-P2pfaas-Timing-Total-Seconds-List: [0.000034]\r\n\
    X-P2pfaas-Timing-Scheduling-Time-Seconds: 0.000005\r\n\
    X-P2pfaas-Timing-Scheduling-Seconds-List: [0.000005]\r\n\
    Content-Length: 3\r\n\
    Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\nabc";

/// Where it listens.
pub fn start() -> String {
    let listener = StdListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    listener.set_nonblocking(true).expect("a listener");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(serve(stream))),
                    // Out of descriptors: others have to end first.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        });
    });
    address
}

async fn serve(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut read = BytesMut::with_capacity(8 << 10);
    while stream.read_buf(&mut read).await.is_ok_and(|count| count > 0) {
        // A head, and a body of three bytes, which the client sends in one piece.
        while let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            if read.len() < end + 7 {
                break;
            }
            read.advance(end + 7);
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
        }
    }
}
