//! `/admin/…`: what an operator does with the engine as a whole.

mod checkpoints;
mod drain;
mod storage;
mod tokens;

use std::sync::Arc;

pub(super) use self::{
    checkpoints::{archive, create, download, list, remove, ticket},
    drain::{begin, end, progress},
    storage::{compact, statistics},
    tokens::rotate,
};
use crate::{
    auth::TokenFile,
    backup::{Checkpoints, Tickets},
    drain::Drain,
    storage::Database,
};

/// What the answers below `/admin` need.
#[derive(Debug, Clone)]
pub struct Admin {
    /// The store.
    pub database: Database,
    /// Its checkpoints.
    pub checkpoints: Checkpoints,
    /// Who may download one of them without a token.
    pub tickets: Tickets,
    /// Held by the compaction that runs.
    pub compacting: Arc<tokio::sync::Mutex<()>>,
    /// Emptying the engine.
    pub drain: Drain,
    /// The file of admin tokens, where they are in one.
    pub token_file: Option<TokenFile>,
}
