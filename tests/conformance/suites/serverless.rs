//! Pools whose apps the engine starts by a request.

mod actors;
mod metadata;
