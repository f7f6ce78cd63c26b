//! Asking a service of ours whether it is well: for a container's health check, where no other tool is.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(3);

/// Whether whoever listens on this address answers `GET /health` with 200. A wildcard address stands for loopback.
///
/// # Errors
/// Nobody answers within 3 s (connecting, and each read), or with something else.
pub fn ask_health(listening: SocketAddr) -> io::Result<()> {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let mut stream = TcpStream::connect_timeout(&SocketAddr::new(ip, listening.port()), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    if &status == b"HTTP/1.1 200" {
        Ok(())
    } else {
        Err(io::Error::other(format!("it answered {:?}", String::from_utf8_lossy(&status))))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answered(answer: &'static [u8]) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("is asked");
            let mut question = [0; 1024];
            let length = stream.read(&mut question).expect("a question");
            stream.write_all(answer).expect("answers");
            assert!(question[..length].starts_with(b"GET /health HTTP/1.1\r\n"));
        });
        let well = ask_health(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port));
        server.join().expect("no panic");
        well
    }

    #[test]
    fn only_who_answers_200_is_well() {
        assert!(answered(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n").is_ok());
        assert!(answered(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").is_err());
        assert!(answered(b"HTTP/1.1").is_err());
    }

    #[test]
    fn nobody_is_not_well() {
        let free =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        assert!(ask_health(free).is_err());
    }
}
