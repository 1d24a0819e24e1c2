//! A connection whose bytes are acknowledged as soon as they are read.
//!
//! Envoys write an answer in several small pieces and leave Nagle's algorithm on (RFC 896): the
//! second piece waits for the acknowledgement of the first. A receiver may hold that back (RFC
//! 1122, section 4.2.3.2), which Linux does for about 40 ms, and every answer would take as long.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A TCP connection with prompt acknowledgements. Any other connection is left as it is.
#[derive(Debug)]
pub struct PromptAcks(Stream);

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Other(TokioIo<Upgraded>),
}

impl PromptAcks {
    /// The connection in `upgraded`, and what was read of it already.
    pub(super) fn of(upgraded: Upgraded) -> (Self, Vec<u8>) {
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => (Self(Stream::Tcp(parts.io.into_inner())), parts.read_buf.into()),
            Err(upgraded) => (Self(Stream::Other(TokioIo::new(upgraded))), Vec::new()),
        }
    }
}

impl AsyncRead for PromptAcks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Stream::Tcp(stream) => {
                let read = Pin::new(&mut *stream).poll_read(context, buffer);
                if read.is_ready() {
                    // The kernel forgets it by and by, so it is said each time. A connection that
                    // has ended takes no options, and needs none.
                    let _ = rustix::net::sockopt::set_tcp_quickack(&*stream, true);
                }
                read
            }
            Stream::Other(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for PromptAcks {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Other(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Stream::Other(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Other(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
