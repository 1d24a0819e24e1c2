//! The engine: one process that keeps stateful actors on one RocksDB directory.
//!
//! Modules form layers, lowest first. Each imports only those above it in this list
//! (`tests/layers.rs` keeps it so):
//!
//! | module | question it answers |
//! |---|---|
//! | [`clock`] | what time is it? |
//! | [`websocket`] | how is a WebSocket accepted, and how refused? |
//! | [`keyspace`] | what is stored, under which bytes, in which order? |
//! | [`storage`] | how do several reads and writes become one durable step? |
//! | [`directory`] | which namespaces and runner configs exist, and by which rules? |
//! | [`telemetry`] | what do logs and metrics say? |
//! | [`config`] | what did the operator ask for? |
//! | [`auth`] | may this request pass? |
//! | [`gateway`] | how does a client's request reach an actor, and its answer the client? |
//! | [`api`] | which routes exist, and what do they answer? |
//! | [`server`] | how does the process start, serve and stop? |

pub mod clock;
pub mod keyspace;
pub mod storage;
pub mod websocket;

pub mod actor;

pub mod directory;

pub mod actor_data;

pub mod telemetry;

pub mod config;

pub mod auth;

pub mod envoys;

pub mod lifecycle;

pub mod session;

pub mod gateway;

pub mod api;

pub mod server;
