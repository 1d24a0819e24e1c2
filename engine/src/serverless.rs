//! Pools whose processes the engine calls: it starts actors by a request to the pool's URL.
//!
//! ```text
//!   engine ── GET {url}/metadata ──► app      now and then: which protocol, which actors
//!   engine ── POST {url}/start ────► app      one for each generation of an actor
//!          ◄─ event stream ──────────         as long as that generation may run
//!   engine ◄─ /envoys/connect ────── app      everything else, as with any envoy
//! ```
//!
//! Where the engine may connect to is the operator's word ([`crate::outbound`]), and is checked on
//! the address that is called.

mod client;
mod metadata;
mod poll;
mod pools;
mod resolver;
mod sse;
mod start;

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::{Notify, mpsc::UnboundedReceiver};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    client::ClientError,
    metadata::{Metadata, MetadataError},
};
use self::{client::HttpClient, poll::Draining, pools::Pools};
use crate::{
    auth::TokenStore,
    config::ServerlessSettings,
    directory::{Directory, DirectoryError},
    keyspace::{Id, tables::PoolError},
    lifecycle::{Lifecycle, LifecycleError, ServerlessStart},
    outbound::Policy,
};

/// What [`Serverless`] works with.
#[derive(Debug)]
pub struct Parts {
    /// Which pools there are.
    pub directory: Directory,
    /// The life of actors.
    pub lifecycle: Lifecycle,
    /// Where the engine may connect to.
    pub policy: Policy,
    /// How pools are looked after.
    pub settings: ServerlessSettings,
    /// What started apps connect back with.
    pub tokens: TokenStore,
}

/// The caller of serverless pools; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Serverless(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: Directory,
    lifecycle: Lifecycle,
    settings: ServerlessSettings,
    tokens: TokenStore,
    client: HttpClient,
    pools: Pools,
    draining: Draining,
    /// Is notified when runner configs change.
    changed: Notify,
}

/// The metadata of a pool was not refreshed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// No such namespace, or the store failed.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// The store failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Nobody said that the engine calls this pool.
    #[error("no serverless pool is configured under this name")]
    NotServerless,
    /// The pool did not say what it has to.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Serverless {
    /// The caller of the pools in `parts.directory`.
    pub fn new(parts: Parts) -> Result<Self, ClientError> {
        let Parts { directory, lifecycle, policy, settings, tokens } = parts;
        Ok(Self(Arc::new(Inner {
            directory,
            lifecycle,
            pools: Pools::new(settings.successes_to_clear_error),
            settings,
            tokens,
            client: HttpClient::new(policy)?,
            draining: Draining::default(),
            changed: Notify::new(),
        })))
    }

    /// Starts actors and asks pools for their metadata until `stop` is cancelled.
    pub async fn run(
        &self,
        mut starts: UnboundedReceiver<ServerlessStart>,
        stop: CancellationToken,
    ) {
        let tasks = TaskTracker::new();
        let polling = stop.run_until_cancelled(self.poll());
        let starting = async {
            while let Some(Some(start)) = stop.run_until_cancelled(starts.recv()).await {
                let (serverless, stop) = (self.clone(), stop.clone());
                tasks.spawn(async move {
                    stop.run_until_cancelled(serverless.start(start)).await;
                });
            }
        };
        tokio::join!(polling, starting);
        tasks.close();
        tasks.wait().await;
    }

    /// Looks at the runner configs again: one has changed.
    pub fn configs_changed(&self) {
        self.0.changed.notify_one();
    }

    /// What went wrong with a pool last, unless it has worked well since.
    pub fn pool_error(&self, namespace_id: Id, pool: &str) -> Option<PoolError> {
        self.0.pools.error(namespace_id, pool)
    }

    /// The protocol that a pool said it speaks.
    pub fn protocol_version(&self, namespace_id: Id, pool: &str) -> Option<u16> {
        self.0.pools.protocol_version(namespace_id, pool)
    }

    /// Asks a URL for its metadata, and uses none of it.
    pub async fn health_check(
        &self,
        url: &str,
        headers: &BTreeMap<String, String>,
    ) -> Result<Metadata, MetadataError> {
        self.0.client.metadata(url, headers).await
    }

    /// Asks a pool for its metadata now.
    pub async fn refresh(&self, namespace: &str, pool: String) -> Result<(), RefreshError> {
        let namespace_id = self.0.lifecycle.namespace_id(namespace).await?;
        let found = self.0.directory.serverless_pool(namespace_id, pool.clone()).await?;
        let config = found.ok_or(RefreshError::NotServerless)?;
        self.look_at((namespace_id, pool), &config).await?;
        Ok(())
    }
}
