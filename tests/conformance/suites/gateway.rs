//! Requests and sockets of clients, on their way to an actor.

mod access;
mod cors;
mod hibernation;
mod http;
mod http_buffered;
mod http_streaming;
mod query;
mod ready;
mod routing;
mod websocket;
