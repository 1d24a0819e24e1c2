//! `/admin/…`: what an operator does with the engine as a whole.

mod checkpoints;
mod storage;

use std::sync::Arc;

pub(super) use self::{
    checkpoints::{archive, create, download, list, remove, ticket},
    storage::{compact, statistics},
};
use crate::{
    backup::{Checkpoints, Tickets},
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
}
