//! Clients that dawdle, leave, or send giants. They come from an address of their own: a node gives one address at most
//! half of its connections.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use crate::http;
use crate::node::Node;

/// Connections with a head that never ends, or a body that never comes.
pub async fn dawdle(node: SocketAddr, connections: usize) -> Vec<TcpStream> {
    let mut dawdlers = Vec::new();
    for number in 0..connections {
        let bytes: &[u8] = if number % 2 == 0 {
            b"POST /func"
        } else {
            b"POST /function/sleep HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n0"
        };
        if let Some(mut stream) = connect(node).await {
            let _ = stream.write_all(bytes).await;
            dawdlers.push(stream);
        }
    }
    dawdlers
}

/// A client that is gone before its answer.
pub async fn leave(node: SocketAddr) {
    if let Some(mut stream) = connect(node).await {
        let _ = stream.write_all(&http::call(b"0.01")).await;
    }
}

/// More than a node takes, promised and sent.
pub async fn send_giant(node: SocketAddr) {
    let Some(mut stream) = connect(node).await else { return };
    let head = "POST /function/sleep HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\n";
    let giant = vec![b'x'; 1 << 20];
    // The node may close in the middle of it.
    if stream.write_all(head.as_bytes()).await.is_ok() {
        for _ in 0..4 {
            let _ = stream.write_all(&giant).await;
        }
    }
}

/// All of them, again and again, until this is dropped: what is served meanwhile is served beside them.
pub async fn pester(nodes: &[Node]) {
    loop {
        for node in nodes {
            let dawdlers = dawdle(node.address, 100).await;
            for _ in 0..10 {
                leave(node.address).await;
                sleep(Duration::from_millis(50)).await;
            }
            send_giant(node.address).await;
            drop(dawdlers);
        }
    }
}

async fn connect(node: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind("127.0.0.2:0".parse().expect("an address")).ok()?;
    socket.connect(node).await.ok()
}
