//! What every test of `suites/` stands on: an engine, somebody who asks it, and somebody who runs its
//! actors. The engine is a program given from outside; nothing here knows whose it is, except where
//! ours differs on purpose ([`differences`]).
//!
//! | question | module |
//! |---|---|
//! | which program is under test, and whose is it | [`program`] |
//! | an engine process: its ports, its data, its end | [`engine`], [`supervisor`], [`ports`], [`home`] |
//! | what may differ from upstream, and why | [`differences`] |
//! | asking over HTTP | [`http`] |
//! | asking over a WebSocket | [`socket`] |
//! | a namespace and its actors, for one test alone | [`namespace`] |
//! | an app process that does what the test says | [`envoy`] |
//! | an app that the engine starts by a request | [`serverless`] |
//! | an app made with rivetkit, and its clients | [`node`] |
//! | waiting for a condition | [`wait`] |
//!
//! Support panics on any failure of its own, so that a test holds nothing but the behavior.
#![expect(clippy::unwrap_used, clippy::return_self_not_must_use, reason = "test support")]

pub mod differences;
pub mod engine;
pub mod envoy;
pub mod home;
pub mod http;
pub mod namespace;
pub mod node;
pub mod ports;
pub mod program;
pub mod serverless;
pub mod socket;
pub mod supervisor;
pub mod wait;

pub use rivet_envoy_protocol as protocol;
