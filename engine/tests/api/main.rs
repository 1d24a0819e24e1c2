//! The API in one process, without sockets: shapes, messages and access as clients know them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod actors;
mod audit;
mod dashboard;
mod drain;
mod envoys;
mod figures;
mod front;
mod isolation;
mod metrics;
mod namespaces;
mod rotation;
mod runner_configs;
mod serverless;
mod support;
mod tokens;
