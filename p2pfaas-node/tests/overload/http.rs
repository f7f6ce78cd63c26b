//! As little HTTP as clients need that must not be the bottleneck.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A call of the function that sleeps for as many seconds as its body says.
pub fn call(body: &[u8]) -> Vec<u8> {
    let head =
        format!("POST /function/sleep HTTP/1.1\r\nHost: node\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The status of the next answer on a connection.
pub async fn status(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<u16> {
    buffer.clear();
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    head.split(' ').nth(1)?.parse().ok()
}

/// All that comes back for `GET path`, head and body.
pub async fn get(address: SocketAddr, path: &str) -> Option<String> {
    ask(address, format!("GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n").as_bytes()).await
}

/// All that comes back within a second for a question, after which the node closes; `None`: nothing.
pub async fn ask(address: SocketAddr, question: &[u8]) -> Option<String> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(question).await.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.ok()?;
        Some(text)
    };
    timeout(Duration::from_secs(1), asked).await.ok().flatten()
}
