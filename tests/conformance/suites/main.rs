//! One behavior per test, named as a sentence. Every test holds for upstream's engine too, but for what
//! `differences.rs` lists.
//!
//! | suite | what it asks |
//! |---|---|
//! | [`api`] | the HTTP API: shapes, codes, messages, limits, paging, authentication |
//! | [`session`] | the connection of an app: handshake, replay, acknowledgement, loss, balance |
//! | [`lifecycle`] | an actor from creation to destruction |
//! | [`gateway`] | requests and sockets of clients: addressing, waiting, streaming, hibernation |
//! | [`storage`] | key-value pairs, SQLite pages, remote SQL |
//! | [`serverless`] | pools whose apps the engine starts by a request |
//! | [`endurance`] | kills and load for a while |
//! | [`hostile`] | input that nobody sends by mistake |
//! | [`limits`] | more than there is room for: refused by name, and nobody else notices |
//! | [`apps`] | apps and clients made with rivetkit: features, restarts, boot |
//! | [`documents`] | the list of differences, as users read it |
#![expect(clippy::unwrap_used, reason = "tests")]

mod api;
mod apps;
mod documents;
mod endurance;
mod gateway;
mod hostile;
mod lifecycle;
mod limits;
mod serverless;
mod session;
mod storage;
