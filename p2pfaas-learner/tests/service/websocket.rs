//! The websocket, frame by frame.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::{LONG, Rig};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub fn handshake(address: SocketAddr, path: &str, more: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(LONG)).expect("a timeout");
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("an answer") == 1 {
        answer.push(byte[0]);
    }
    (stream, String::from_utf8(answer).expect("UTF-8"))
}

/// A frame as clients send it: masked.
fn frame(opcode: u8, content: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut frame = vec![0x80 | opcode];
    match content.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(content.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Opcode byte and content of the next frame.
fn receive(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).expect("a frame");
    let mut content = vec![0; usize::from(head[1])];
    assert!(head[1] < 126, "a short frame, not masked");
    stream.read_exact(&mut content).expect("its content");
    (head[0], content)
}

pub fn ask(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(&frame(1, text.as_bytes())).expect("sent");
    let (opcode, content) = receive(stream);
    assert_eq!(opcode, 0x81);
    String::from_utf8(content).expect("UTF-8")
}

#[test]
fn a_state_is_answered_with_action_and_epsilon_many_times_on_any_path() {
    let rig = Rig::new();
    let (mut stream, answer) = handshake(rig.websocket, "/any/path?x=1", "");
    assert_eq!(
        answer,
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
    let mut epsilon = 0.9;
    for _ in 0..100 {
        let answer = ask(&mut stream, "[0.0, 1.0, 2]");
        let expected = ["0.00000", "1.00000"].map(|action| format!("{action},{epsilon:.5}"));
        assert!(expected.contains(&answer), "{answer}");
        if epsilon > 0.1 {
            epsilon = f64::max(epsilon * 0.99, 0.1);
        }
    }
    stream.write_all(&frame(9, b"hi")).expect("sent");
    assert_eq!(receive(&mut stream), (0x8a, b"hi".to_vec()), "a ping is answered");
    assert_eq!(rig.stats()["inferences"], 100);
}

#[test]
fn a_bad_frame_closes_its_connection_and_no_other() {
    let rig = Rig::new();
    let (mut other, _) = handshake(rig.websocket, "/", "");
    let long = format!("[{}1]", "1,".repeat(1_024));
    for bad in ["", "x", "{}", "[1,", "[\"a\"]", "[null]", "[1] x", "[1e999]", "\"nan\"", long.as_str()] {
        let (mut stream, _) = handshake(rig.websocket, "/", "");
        stream.write_all(&frame(1, bad.as_bytes())).expect("sent");
        let (opcode, content) = receive(&mut stream);
        assert_eq!((opcode, &content[..2]), (0x88, &1007_u16.to_be_bytes()[..]), "{bad}");
    }
    let (mut stream, _) = handshake(rig.websocket, "/", "");
    stream.write_all(&frame(2, b"[1]")).expect("sent");
    assert_eq!(receive(&mut stream).0, 0x88, "not a text frame");

    // Larger than any state: the connection just ends.
    let (mut stream, _) = handshake(rig.websocket, "/", "");
    stream.write_all(&frame(1, &vec![b' '; 40_000])).expect("sent");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);

    assert!(ask(&mut other, "[1]").ends_with(",0.90000"));
    assert_eq!(rig.stats()["inferences"], 1);
}

#[test]
fn a_web_page_gets_no_websocket() {
    let rig = Rig::new();
    let (_, answer) = handshake(rig.websocket, "/", "Origin: http://a.example\r\n");
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
}
