//! The engine: one process that keeps stateful actors on one RocksDB directory.
//!
//! Modules form layers, lowest first. Each imports only those above it in this list
//! (`tests/layers.rs` keeps it so):
//!
//! | module | question it answers |
//! |---|---|
//! | [`clock`] | what time is it? |
//! | [`limits`] | how much may be there at once? |
//! | [`names`] | which addresses does a name stand for? |
//! | [`websocket`] | how is a WebSocket accepted, and how refused? |
//! | [`keyspace`] | what is stored, under which bytes, in which order? |
//! | [`storage`] | how do several reads and writes become one durable step? |
//! | [`outbound`] | where may the engine connect to? |
//! | [`actor`] | what happens in the life of an actor? |
//! | [`directory`] | which namespaces, runner configs and actors exist, and by which rules? |
//! | [`actor_data`] | what do actors keep? |
//! | [`telemetry`] | what do logs and metrics say? |
//! | [`config`] | what did the operator ask for? |
//! | [`auth`] | may this request pass? |
//! | [`audit`] | who did what, and with which result? |
//! | [`backup`] | how is the store copied while it is used, and brought back? |
//! | [`envoys`] | which envoys are there, and what is in flight to them? |
//! | [`lifecycle`] | which step does an actor take next, and who hears of it? |
//! | [`vitals`] | how is the engine? |
//! | [`session`] | what does an envoy say, and what is it told? |
//! | [`gateway`] | how does a client's request reach an actor, and its answer the client? |
//! | [`drain`] | how does the engine become empty, so that it can be stopped? |
//! | [`serverless`] | how are pools called that the engine starts? |
//! | [`dashboard`] | which files is the dashboard made of? |
//! | [`api`] | which routes exist, and what do they answer? |
//! | [`server`] | how does the process start, serve and stop? |

pub mod clock;
pub mod keyspace;
pub mod limits;
pub mod names;
pub mod storage;
pub mod websocket;

pub mod outbound;

pub mod actor;

pub mod directory;

pub mod actor_data;

pub mod telemetry;

pub mod config;

pub mod auth;

pub mod audit;

pub mod backup;

pub mod envoys;

pub mod lifecycle;

pub mod vitals;

pub mod session;

pub mod gateway;

pub mod drain;

pub mod serverless;

pub mod dashboard;

pub mod api;

pub mod server;
