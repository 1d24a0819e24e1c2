//! One request over one connection, piece by piece where a test wants that.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::engine::PATIENCE;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A connection for one request.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    pub(crate) fn request(
        mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> io::Result<Answer> {
        self.head(method, path, token, body.len())?;
        self.write(body)?;
        self.answer()
    }

    pub(crate) fn head(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        length: usize,
    ) -> io::Result<()> {
        let authorization =
            token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        self.write(&format!(
            "{method} {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n{authorization}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        ))
    }

    /// Begins a request with a body of `length` bytes. When this returns, the engine is at work on it, and
    /// waits for the body.
    pub(crate) fn begin(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        length: usize,
    ) -> io::Result<()> {
        const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        self.write(&format!(
            "{method} {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             expect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        ))?;
        let mut said = [0; GO_ON.len()];
        self.0.read_exact(&mut said)?;
        assert_eq!(said, GO_ON, "{}", String::from_utf8_lossy(&said));
        Ok(())
    }

    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes())
    }

    pub(crate) fn answer(mut self) -> io::Result<Answer> {
        let mut text = String::new();
        self.0.read_to_string(&mut text).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => io::Error::new(ErrorKind::TimedOut, "no answer came"),
            _ => error,
        })?;
        let broken = || io::Error::new(io::ErrorKind::UnexpectedEof, text.clone());
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(broken)?;
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        // A process that was killed may have sent only a part, which is no answer.
        if body.len() < length {
            return Err(broken());
        }
        Ok(Answer { status, body: body.to_owned() })
    }
}
