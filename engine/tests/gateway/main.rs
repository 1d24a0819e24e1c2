//! The gateway between a client and an app that does what the test says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod drain;
mod http;
mod sockets;
mod support;
