//! The connection of an app to the engine.

mod balance;
mod commands;
mod events;
mod eviction;
mod handshake;
mod liveness;
mod stopping;
mod wire;
