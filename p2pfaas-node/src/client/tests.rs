use std::net::SocketAddr;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::body::Chunks;
use super::*;

/// A server that reads a request and answers with these pieces, for each connection in turn; after
/// the pieces of a connection it closes.
async fn script(connections: Vec<Vec<&'static str>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for answers in connections {
            let (mut stream, _) = listener.accept().await.unwrap();
            for answer in answers {
                let mut request = [0; 1024];
                if stream.read(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
                for piece in answer.split_inclusive('|') {
                    stream.write_all(piece.trim_end_matches('|').as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    address
}

async fn get(client: &Client, address: SocketAddr) -> Result<Response<Bytes>, ClientError> {
    client.send(Request::get(format!("http://{address}/x?y=1")).body(Bytes::new()).unwrap()).await
}

#[tokio::test]
async fn bodies_of_every_length_are_read() {
    let client = Client::new(CallSettings::new(1_000));
    let answers = [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe|llo", "hello"),
        (
            "HTTP/1.1 |200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe|\r\n3;x=y\r\nllo\r\n0\r\nt: 1\r\n\r\n",
            "hello",
        ),
        ("HTTP/1.1 200 OK\r\n\r\nhel|lo", "hello"),
        ("HTTP/1.1 100 Continue\r\n\r\n|HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "ok"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
    ];
    for (answer, body) in answers {
        let address = script(vec![vec![answer]]).await;
        assert_eq!(get(&client, address).await.unwrap().body(), body, "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_the_caller_made_goes_out_as_it_is_and_headers_are_kept_if_wanted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority: Authority = listener.local_addr().unwrap().to_string().parse().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut requests = Vec::new();
        for _ in 0..2 {
            let mut request = vec![0; 1024];
            let count = stream.read(&mut request).await.unwrap();
            requests.push(String::from_utf8_lossy(&request[..count]).into_owned());
            let answer = b"HTTP/1.1 200 OK\r\ndate: today\r\nx-own: 1\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
        requests
    });
    let settings = CallSettings { all_headers: true, ..CallSettings::new(10) };
    let endpoint = Endpoint::new(&authority, settings);
    let head: [&[u8]; 3] = [b"POST /a HTTP/1.1\r\nhost: b\r\nx-id: ", b"7", b"\r\ncontent-length: 2\r\n\r\n"];
    let answer = endpoint.send_raw(&head, &Bytes::from_static(b"ok")).await.unwrap();
    assert_eq!(
        (&answer.headers()["date"], &answer.headers()["x-own"]),
        (&"today".parse().unwrap(), &"1".parse().unwrap())
    );
    // Over the same connection.
    let request = Request::get("/c").body(Bytes::new()).unwrap();
    endpoint.send(request).await.unwrap();
    let requests = server.await.unwrap();
    assert_eq!(requests[0], "POST /a HTTP/1.1\r\nhost: b\r\nx-id: 7\r\ncontent-length: 2\r\n\r\nok");
    assert!(requests[1].starts_with("GET /c HTTP/1.1\r\nhost: 127.0.0.1:"), "{}", requests[1]);
}

#[tokio::test]
async fn a_connection_is_used_again_and_a_dead_one_is_replaced() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1";
    let address = script(vec![vec![ok, ok], vec![ok]]).await;
    let client = Client::new(CallSettings::new(1_000));
    for _ in 0..2 {
        get(&client, address).await.unwrap();
    }
    // The first connection closes after two answers. That it is gone is seen before it is used.
    let idle = || client.endpoints.lock().values().next().unwrap().0.idle.lock().len();
    let quiet = || client.endpoints.lock().values().next().unwrap().0.idle.lock()[0].connection.is_quiet();
    assert_eq!(idle(), 1);
    while quiet() {
        tokio::task::yield_now().await;
    }
    get(&client, address).await.unwrap();
}

#[tokio::test]
async fn what_is_no_answer_is_an_error() {
    let client = Client::new(CallSettings::new(10));
    let answers = [
        ("", "closed before"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", "closed in the middle"),
        ("SSH-2.0-x\r\n\r\n", "not HTTP/1.1"),
        ("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "content-length"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "two lengths"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", "transfer encoding"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "chunk without a size"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n", "longer than it says"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n", "larger than 10"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n", "larger than 10"),
        ("HTTP/1.1 200 OK\r\n\r\n01234567890", "larger than 10"),
    ];
    for (answer, reason) in answers {
        let address = script(vec![vec![answer]]).await;
        let error = get(&client, address).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{answer:?}: {error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(matches!(get(&client, address).await, Err(ClientError::Connect { .. })));
    let request = Request::get("https://example.org/").body(Bytes::new()).unwrap();
    assert!(matches!(client.send(request).await, Err(ClientError::BadAddress(_))));
}

proptest! {
    #[test]
    fn chunks_make_the_same_body_wherever_the_pieces_are_cut(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
        cuts in prop::collection::vec(1_usize..20, 1..60),
    ) {
        let mut coded = Vec::new();
        for chunk in &chunks {
            coded.extend(format!("{:x}\r\n", chunk.len()).bytes());
            coded.extend(chunk);
            coded.extend(b"\r\n");
        }
        coded.extend(b"0\r\n\r\nrest");
        let mut taken = Chunks::new(10_000);
        let mut read = bytes::BytesMut::new();
        let mut done = false;
        let mut rest = &coded[..];
        for cut in cuts.iter().cycle() {
            if done || rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at((*cut).min(rest.len()));
            read.extend_from_slice(piece);
            rest = behind;
            done = taken.take_from(&mut read).unwrap();
        }
        prop_assert!(done);
        prop_assert_eq!(&taken.body[..], &chunks.concat()[..]);
        prop_assert_eq!([&read[..], rest].concat(), b"rest");
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut read = bytes::BytesMut::from(&bytes[..]);
        let _ = Chunks::new(50).take_from(&mut read);
    }
}
