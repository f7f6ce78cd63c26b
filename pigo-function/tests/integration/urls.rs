//! Pictures by URL, and the addresses that a URL may not lead to.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::thread;

use pigo_function::{
    FaceFunction, FetchSettings, FunctionError, InputLimits, InputMode, Model, Settings, is_public, sample,
};

fn function(allow_private: bool, limits: InputLimits) -> FaceFunction {
    let fetch = FetchSettings { allow_private, timeout_s: 5 };
    let settings = Settings { input: InputMode::Url, fetch, limits, ..Settings::default() };
    FaceFunction::new(Model::Frontal, settings).unwrap()
}

fn guarded() -> FaceFunction {
    function(false, InputLimits::default())
}

fn open() -> FaceFunction {
    function(true, InputLimits::default())
}

/// Answers every connection with these bytes, until the test ends.
fn server(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                request.push(byte[0]);
            }
            // The client may have hung up, having seen enough.
            let _ = stream.write_all(&answer);
        }
    });
    address
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

#[test]
fn a_picture_is_fetched_through_a_redirect() {
    let picture = server(ok(&sample::crops(96).unwrap()[0]));
    let start = server(redirect(&format!("http://{picture}/picture.jpg")));
    assert!(open().call(format!("http://{start}/\n").as_bytes()).unwrap().faces >= 1);
}

#[test]
fn only_public_addresses_are_public() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "5f00::1",
    ] {
        assert!(!is_public(address.parse::<IpAddr>().unwrap()), "{address}");
    }
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "198.20.0.1",
        "203.0.114.1",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2001:4860:4860::8888",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ] {
        assert!(is_public(address.parse::<IpAddr>().unwrap()), "{address}");
    }
}

#[test]
fn urls_into_the_own_network_are_403_in_every_spelling() {
    let port = server(ok(b"secret")).port();
    let function = guarded();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "[fc00::1]",
        "user@127.0.0.1",
    ] {
        let error = function.call(format!("http://{host}:{port}/").as_bytes()).unwrap_err();
        // A spelling that the system does not take for an address leads nowhere: as good.
        let kept_out = match &error {
            FunctionError::ForbiddenAddress(address) => !is_public(*address),
            FunctionError::Fetch(_) | FunctionError::BadUrl(_) => !error.to_string().contains("secret"),
            _ => false,
        };
        assert!(kept_out, "{host}: {error:?}");
    }
    let plain = function.call(format!("http://127.0.0.1:{port}/").as_bytes()).unwrap_err();
    assert_eq!(plain.http_status(), 403);
}

#[test]
fn what_is_no_url_is_400() {
    let function = guarded();
    for body in
        ["", "hello", "/etc/passwd", "file:///etc/passwd", "ftp://example.org/a.jpg", "http://", "//a/b"]
    {
        assert_eq!(function.call(body.as_bytes()).unwrap_err().http_status(), 400, "{body:?}");
    }
    assert_eq!(function.call(b"\xff\xfe").unwrap_err().http_status(), 400);
    let long = format!("http://example.org/{}", "a".repeat(10_000));
    assert_eq!(function.call(long.as_bytes()).unwrap_err().http_status(), 400);
}

#[test]
fn failures_of_the_other_server_are_502() {
    let missing =
        server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec());
    let garbage = server(b"garbage\r\n\r\n".to_vec());
    let silent = server(Vec::new());
    for address in [missing, garbage, silent] {
        let error = open().call(format!("http://{address}/").as_bytes()).unwrap_err();
        assert_eq!(error.http_status(), 502, "{error}");
    }
}

#[test]
fn redirects_without_end_are_502() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let loop_start = server(redirect("/again"));
    assert_eq!(open().call(format!("http://{loop_start}/").as_bytes()).unwrap_err().http_status(), 502);
    assert_eq!(open().call(format!("http://{address}/").as_bytes()).unwrap_err().http_status(), 502);
}

#[test]
fn a_fetched_picture_above_the_limit_is_413_and_one_that_is_no_picture_400() {
    let body = vec![b'a'; 5000];
    let limits = InputLimits { body_bytes_max: 4999, ..InputLimits::default() };
    let url = format!("http://{}/", server(ok(&body)));
    assert_eq!(function(true, limits).call(url.as_bytes()).unwrap_err().http_status(), 413);
    let endless = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".as_slice(), &body].concat();
    let url_endless = format!("http://{}/", server(endless));
    assert_eq!(function(true, limits).call(url_endless.as_bytes()).unwrap_err().http_status(), 413);
    assert_eq!(open().call(url.as_bytes()).unwrap_err().http_status(), 400);
}
