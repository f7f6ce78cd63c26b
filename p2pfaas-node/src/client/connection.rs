//! One connection: a request out, an answer in.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::body::{Chunks, Length};
use super::{CallSettings, ClientError};

/// A head larger than this is not an answer.
const MAX_HEAD_BYTES: usize = 64 << 10;
const MAX_HEADERS: usize = 100;
/// A body up to this size goes out in one piece with the head.
const SMALL_BODY_BYTES: usize = 16 << 10;
const READ_BYTES: usize = 8 << 10;

pub(super) struct Connection {
    stream: TcpStream,
    read: BytesMut,
    write: BytesMut,
}

/// The head of an answer.
struct Head {
    status: StatusCode,
    headers: HeaderMap,
    length: Length,
    keep_alive: bool,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Connection { stream, read: BytesMut::new(), write: BytesMut::new() }
    }

    /// Whether an idle connection is open and nothing has come on it unasked.
    pub(super) fn is_quiet(&self) -> bool {
        let nothing = self.stream.try_read(&mut [0]);
        nothing.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Puts together the head of a request, which goes out with the next exchange.
    pub(super) fn write_head_of(&mut self, host: &str, request: &Request<Bytes>) {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        self.write_head(&[]);
        let out = &mut self.write;
        for part in [request.method().as_str(), " ", path, " HTTP/1.1\r\nhost: ", host] {
            out.extend_from_slice(part.as_bytes());
        }
        for (name, value) in request.headers() {
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
        }
        out.extend_from_slice(b"\r\ncontent-length: ");
        push_decimal(out, request.body().len());
        out.extend_from_slice(b"\r\n\r\n");
    }

    /// The head of a request, in parts.
    pub(super) fn write_head(&mut self, parts: &[&[u8]]) {
        self.write.clear();
        parts.iter().for_each(|part| self.write.extend_from_slice(part));
    }

    /// Sends the head that was written, and a body. The answer, and whether the connection can be used
    /// again.
    pub(super) async fn exchange(
        &mut self,
        body: &Bytes,
        settings: &CallSettings,
    ) -> Result<(Response<Bytes>, bool), ClientError> {
        // Who refuses a request need not read it to its end: its answer may be there all the same.
        let sent = self.send(body).await;
        let head = loop {
            let head = match (&sent, self.head(settings.all_headers).await) {
                (Err(error), Err(_)) => return Err(ClientError::BadAnswer(error.to_string())),
                (_, head) => head?,
            };
            // 100 Continue and the like come before the answer.
            if !head.status.is_informational() {
                break head;
            }
        };
        let body = self.body(head.length, settings.max_answer_bytes).await?;
        let mut response = Response::new(body);
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        let reusable =
            sent.is_ok() && head.keep_alive && head.length != Length::UntilClose && self.read.is_empty();
        Ok((response, reusable))
    }

    async fn send(&mut self, body: &Bytes) -> std::io::Result<()> {
        let out = &mut self.write;
        if body.len() <= SMALL_BODY_BYTES {
            out.extend_from_slice(body);
            return self.stream.write_all(out).await;
        }
        self.stream.write_all(out).await?;
        self.stream.write_all(body).await
    }

    async fn head(&mut self, all_headers: bool) -> Result<Head, ClientError> {
        loop {
            if let Some(head) = parse_head(&mut self.read, all_headers)? {
                return Ok(head);
            }
            if self.read.len() > MAX_HEAD_BYTES {
                return Err(ClientError::BadAnswer(format!("its head has more than {MAX_HEAD_BYTES} bytes")));
            }
            self.fill("before the answer was there").await?;
        }
    }

    async fn body(&mut self, length: Length, max_bytes: usize) -> Result<Bytes, ClientError> {
        match length {
            Length::Known(length) if length > max_bytes => Err(ClientError::TooLarge(max_bytes)),
            Length::Known(length) => {
                self.read.reserve(length.saturating_sub(self.read.len()));
                while self.read.len() < length {
                    self.fill("in the middle of the answer").await?;
                }
                Ok(self.read.split_to(length).freeze())
            }
            Length::Chunked => {
                let mut chunks = Chunks::new(max_bytes);
                while !chunks.take_from(&mut self.read)? {
                    self.fill("in the middle of the answer").await?;
                }
                Ok(chunks.body.freeze())
            }
            Length::UntilClose => loop {
                // Also what has come together with the head.
                if self.read.len() > max_bytes {
                    return Err(ClientError::TooLarge(max_bytes));
                }
                if self.stream.read_buf(&mut self.read).await.map_err(broken)? == 0 {
                    return Ok(self.read.split().freeze());
                }
            },
        }
    }

    async fn fill(&mut self, when: &str) -> Result<(), ClientError> {
        self.read.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.read).await.map_err(broken)? {
            0 => Err(ClientError::BadAnswer(format!("the connection closed {when}"))),
            _ => Ok(()),
        }
    }
}

fn broken(error: std::io::Error) -> ClientError {
    ClientError::BadAnswer(error.to_string())
}

fn push_decimal(out: &mut BytesMut, number: usize) {
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Takes a whole head out of `read`; `None` when it is not all there.
fn parse_head(read: &mut BytesMut, all_headers: bool) -> Result<Option<Head>, ClientError> {
    let bad = |what: String| ClientError::BadAnswer(format!("not HTTP/1.1: {what}"));
    let mut parsed = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut parsed);
    let size = match response.parse(read).map_err(|error| bad(error.to_string()))? {
        httparse::Status::Complete(size) => size,
        httparse::Status::Partial => return Ok(None),
    };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or_else(|| bad("a status that cannot be".into()))?;
    let mut head = Head {
        status,
        headers: HeaderMap::new(),
        length: Length::UntilClose,
        keep_alive: response.version == Some(1),
    };
    let mut known_length = None;
    let mut chunked = false;
    for header in response.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let length = std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse().ok());
            let length = length.ok_or_else(|| bad("a content-length that is no number".into()))?;
            if known_length.is_some_and(|known| known != length) {
                return Err(bad("two lengths".into()));
            }
            known_length = Some(length);
        } else if is("transfer-encoding") {
            chunked = header.value.eq_ignore_ascii_case(b"chunked");
            if !chunked {
                return Err(bad("a transfer encoding other than chunked".into()));
            }
        } else if is("connection") {
            head.keep_alive &= !header.value.eq_ignore_ascii_case(b"close");
        } else if (all_headers || somebody_reads(header.name))
            && let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(header.name.as_bytes()), HeaderValue::from_bytes(header.value))
        {
            head.headers.append(name, value);
        }
    }
    let bodiless =
        status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    head.length = match (bodiless, chunked, known_length) {
        (true, _, _) => Length::Known(0),
        (_, true, _) => Length::Chunked,
        (_, _, Some(length)) => Length::Known(length),
        (_, _, None) => Length::UntilClose,
    };
    read.advance(size);
    Ok(Some(head))
}

fn somebody_reads(name: &str) -> bool {
    let begins =
        |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    begins("x-") || begins("p2pfaas-") || name.eq_ignore_ascii_case(header::CONTENT_TYPE.as_str())
}

/// An answer, taken as it would be from a connection that brings these bytes and then closes.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz(bytes: &[u8]) {
    const MAX_BYTES: usize = 1 << 20;
    let mut read = BytesMut::from(bytes);
    while let Ok(Some(head)) = parse_head(&mut read, true) {
        if head.length == Length::Chunked {
            let mut chunks = Chunks::new(MAX_BYTES);
            if !matches!(chunks.take_from(&mut read), Ok(true)) {
                return;
            }
            assert!(chunks.body.len() <= MAX_BYTES);
        }
        if !head.status.is_informational() {
            return;
        }
    }
}
