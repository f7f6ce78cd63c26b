//! How long a body is, and the chunked coding (RFC 9112, section 7.1).

use bytes::{Buf, BytesMut};

use super::ClientError;

/// A line of the coding longer than this is an attack or a mistake.
const MAX_LINE_BYTES: usize = 4 << 10;

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Known(usize),
    Chunked,
    UntilClose,
}

#[derive(Debug, Clone, Copy)]
enum Expect {
    Size,
    Data(usize),
    EndOfData,
    Trailer,
}

/// Puts a chunked body together, piece by piece.
pub(super) struct Chunks {
    pub body: BytesMut,
    expect: Expect,
    max_bytes: usize,
}

impl Chunks {
    pub(super) fn new(max_bytes: usize) -> Self {
        Chunks { body: BytesMut::new(), expect: Expect::Size, max_bytes }
    }

    /// Takes what it can from `read`; true when the body is complete.
    pub(super) fn take_from(&mut self, read: &mut BytesMut) -> Result<bool, ClientError> {
        loop {
            match self.expect {
                Expect::Data(0) => self.expect = Expect::EndOfData,
                Expect::Data(_) if read.is_empty() => return Ok(false),
                Expect::Data(left) => {
                    let part = read.split_to(left.min(read.len()));
                    self.body.extend_from_slice(&part);
                    self.expect = Expect::Data(left - part.len());
                }
                Expect::Size | Expect::EndOfData | Expect::Trailer => {
                    let Some(line) = line(read)? else { return Ok(false) };
                    match self.expect {
                        Expect::Size => self.expect = self.size(&line)?,
                        Expect::EndOfData if line.is_empty() => self.expect = Expect::Size,
                        Expect::Trailer if line.is_empty() => return Ok(true),
                        Expect::Trailer => {}
                        _ => return Err(bad("a chunk is longer than it says")),
                    }
                }
            }
        }
    }

    fn size(&self, line: &[u8]) -> Result<Expect, ClientError> {
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let text = std::str::from_utf8(digits).unwrap_or_default().trim();
        let proper = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = proper.then(|| usize::from_str_radix(text, 16).ok()).flatten();
        match size.ok_or_else(|| bad("a chunk without a size"))? {
            0 => Ok(Expect::Trailer),
            size if size > self.max_bytes - self.body.len().min(self.max_bytes) => {
                Err(ClientError::TooLarge(self.max_bytes))
            }
            size => Ok(Expect::Data(size)),
        }
    }
}

/// Takes a line without its end; `None` when it is not all there.
fn line(read: &mut BytesMut) -> Result<Option<BytesMut>, ClientError> {
    match read.iter().take(MAX_LINE_BYTES).position(|byte| *byte == b'\n') {
        Some(end) => {
            let mut line = read.split_to(end);
            read.advance(1);
            if line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            Ok(Some(line))
        }
        None if read.len() >= MAX_LINE_BYTES => Err(bad("a line without an end")),
        None => Ok(None),
    }
}

fn bad(what: &str) -> ClientError {
    ClientError::BadAnswer(format!("broken chunked coding: {what}"))
}
