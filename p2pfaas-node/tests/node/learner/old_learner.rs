//! A learner that behaves as the old one, byte by byte: websocket frames in and out, batches over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use p2pfaas_node::LearnerAddress;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::support::*;

/// What it does with a question.
#[derive(Clone)]
pub enum Manner {
    /// Answers with this text.
    Says(&'static str),
    /// Never answers.
    Silent,
    /// Closes the connection.
    Closes,
}

/// A running old learner. Dropped, it is gone, and its connections with it.
pub struct OldLearner {
    websocket: SocketAddr,
    http: Stub,
    frames: Arc<std::sync::Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl OldLearner {
    pub async fn start(manner: Manner) -> OldLearner {
        OldLearner::at("127.0.0.1:0", "127.0.0.1:0", manner, "200 OK").await
    }

    /// At these addresses; `status` is its answer to a batch.
    pub async fn at(websocket: &str, http: &str, manner: Manner, status: &'static str) -> OldLearner {
        let http = Stub::at(http, move |_| answer(status, &[], b"ok")).await;
        let listener = TcpListener::bind(websocket).await.expect("a free address");
        let websocket = listener.local_addr().expect("bound");
        let frames = Arc::new(std::sync::Mutex::new(Vec::new()));
        let notes = frames.clone();
        let accepting = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                serving.spawn(serve(stream, manner.clone(), notes.clone()));
            }
        });
        OldLearner { websocket, http, frames, accepting }
    }

    pub fn address(&self) -> LearnerAddress {
        LearnerAddress {
            host: "127.0.0.1".into(),
            port: self.http.address().port(),
            websocket_port: self.websocket.port(),
        }
    }

    /// Questions so far.
    pub fn frames(&self) -> Vec<String> {
        self.frames.lock().expect("unpoisoned").clone()
    }

    /// Requests over HTTP so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.http.seen()
    }
}

impl Drop for OldLearner {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, notes: Arc<std::sync::Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    assert!(head.starts_with("GET / HTTP/1.1\r\n"), "{head}");
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_string())
    });
    let accept = derive_accept_key(key.expect("a key").as_bytes());
    let switch = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nServer: Python/3.8 websockets/10.3\r\n\r\n"
    );
    if stream.write_all(switch.as_bytes()).await.is_err() {
        return;
    }
    while let Some(text) = read_text(&mut stream).await {
        notes.lock().expect("unpoisoned").push(text);
        match manner {
            Manner::Says(text) => {
                let frame = [&[0x81, text.len() as u8], text.as_bytes()].concat();
                if stream.write_all(&frame).await.is_err() {
                    return;
                }
            }
            Manner::Silent => {}
            Manner::Closes => return,
        }
    }
}

/// The text of one short masked frame, as every client must send it.
async fn read_text(stream: &mut TcpStream) -> Option<String> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.ok()?;
    if head[0] != 0x81 {
        return None;
    }
    assert!(head[1] & 0x80 != 0, "a client masks");
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).await.ok()?;
    let mut text = vec![0; usize::from(head[1] & 0x7f)];
    stream.read_exact(&mut text).await.ok()?;
    for (index, byte) in text.iter_mut().enumerate() {
        *byte ^= mask[index % 4];
    }
    String::from_utf8(text).ok()
}
