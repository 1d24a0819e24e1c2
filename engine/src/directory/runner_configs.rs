//! Runner configs: how each pool of a namespace runs its actors, per datacenter.

use std::collections::{BTreeMap, BTreeSet};

use super::{Directory, DirectoryError, namespaces::resolve, serverless};
use crate::{
    keyspace::{
        Id, KeyRange, Order,
        tables::{RunnerConfigKey, RunnerConfigRow, RunnerConfigs, RunnerKind, ServerlessRow},
    },
    storage::Transaction,
};

/// The configs of one pool by datacenter.
pub type PoolConfigs = BTreeMap<String, RunnerConfigRow>;

/// Who starts the processes of a pool, as a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Pools whose processes the engine calls.
    Serverless,
    /// Pools whose processes connect by themselves.
    Normal,
}

impl Variant {
    fn is_of(self, config: &RunnerConfigRow) -> bool {
        match (self, &config.kind) {
            (Self::Serverless, RunnerKind::Serverless(_)) | (Self::Normal, RunnerKind::Normal) => {
                true
            }
            (Self::Serverless, RunnerKind::Normal) | (Self::Normal, RunnerKind::Serverless(_)) => {
                false
            }
        }
    }
}

impl Directory {
    /// Replaces everything that is configured for a pool. Says whether the pool may now be reached
    /// in another way than before.
    pub async fn put_runner_config(
        &self,
        namespace: String,
        pool: String,
        configs: PoolConfigs,
    ) -> Result<bool, DirectoryError> {
        if configs.keys().any(|datacenter| *datacenter != self.datacenter.name) {
            return Err(DirectoryError::DatacenterNotFound);
        }
        let limits = self.limits.clone();
        self.database
            .transact(move |transaction| {
                let namespace_id = resolve(transaction, &namespace)?;
                for config in configs.values() {
                    if let RunnerKind::Serverless(config) = &config.kind {
                        serverless::check(config, &limits)?;
                    }
                }
                let range = RunnerConfigKey::range_of_pool(&namespace_id, &pool);
                let before =
                    transaction.range::<RunnerConfigs>(&range, Order::Ascending, usize::MAX)?;
                for (key, _) in &before {
                    transaction.delete::<RunnerConfigs>(key);
                }
                let before: BTreeMap<_, _> =
                    before.into_iter().map(|(key, config)| (key.datacenter, config)).collect();
                let mut changed = false;
                for (datacenter, config) in &configs {
                    changed |= endpoint_changed(before.get(datacenter), config);
                    let key = RunnerConfigKey {
                        namespace_id,
                        pool: pool.clone(),
                        datacenter: datacenter.clone(),
                    };
                    transaction.put::<RunnerConfigs>(&key, config);
                }
                Ok(changed)
            })
            .await
    }

    /// Removes everything that is configured for a pool. A pool without a config is no error.
    pub async fn delete_runner_config(
        &self,
        namespace: String,
        pool: String,
    ) -> Result<(), DirectoryError> {
        self.database
            .transact(move |transaction| {
                let namespace_id = resolve(transaction, &namespace)?;
                let range = RunnerConfigKey::range_of_pool(&namespace_id, &pool);
                for (key, _) in
                    transaction.range::<RunnerConfigs>(&range, Order::Ascending, usize::MAX)?
                {
                    transaction.delete::<RunnerConfigs>(&key);
                }
                Ok(())
            })
            .await
    }

    /// What is configured for the pools with these names.
    pub async fn runner_configs_of(
        &self,
        namespace: String,
        pools: BTreeSet<String>,
    ) -> Result<BTreeMap<String, PoolConfigs>, DirectoryError> {
        self.database
            .transact(move |transaction| {
                let namespace_id = resolve(transaction, &namespace)?;
                let mut found = BTreeMap::new();
                for pool in &pools {
                    let range = RunnerConfigKey::range_of_pool(&namespace_id, pool);
                    let rows =
                        transaction.range::<RunnerConfigs>(&range, Order::Ascending, usize::MAX)?;
                    collect(&mut found, rows);
                }
                Ok(found)
            })
            .await
    }

    /// What is configured for up to `limit` pools of a namespace, by name, after the pool `after`.
    pub async fn list_runner_configs(
        &self,
        namespace: String,
        variant: Option<Variant>,
        after: Option<String>,
        limit: usize,
    ) -> Result<BTreeMap<String, PoolConfigs>, DirectoryError> {
        self.database
            .transact(move |transaction| {
                let rows = rows_of_namespace(transaction, &namespace)?;
                let mut found = BTreeMap::new();
                let wanted = rows.into_iter().filter(|(key, config)| {
                    after.as_ref().is_none_or(|after| key.pool > *after)
                        && variant.is_none_or(|variant| variant.is_of(config))
                });
                collect(&mut found, wanted);
                Ok(found.into_iter().take(limit).collect())
            })
            .await
    }
}

/// A pool whose processes the engine calls.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerlessPool {
    /// How it is called.
    pub config: ServerlessRow,
    /// Whether processes of an older version are drained.
    pub drain_on_version_upgrade: bool,
}

impl Directory {
    /// Every pool whose processes the engine calls, by namespace and name.
    pub async fn serverless_pools(
        &self,
    ) -> Result<BTreeMap<(Id, String), ServerlessPool>, DirectoryError> {
        let here = self.datacenter.name.clone();
        self.database
            .transact(move |transaction| {
                let all = KeyRange::table::<RunnerConfigs>();
                let rows =
                    transaction.range::<RunnerConfigs>(&all, Order::Ascending, usize::MAX)?;
                let here = rows.into_iter().filter(|(key, _)| key.datacenter == here);
                let pools = here.filter_map(|(key, row)| {
                    Some(((key.namespace_id, key.pool), ServerlessPool::of(row)?))
                });
                Ok(pools.collect())
            })
            .await
    }

    /// How a pool is called, when it is one whose processes the engine calls.
    pub async fn serverless_pool(
        &self,
        namespace_id: Id,
        pool: String,
    ) -> Result<Option<ServerlessPool>, DirectoryError> {
        let datacenter = self.datacenter.name.clone();
        let key = RunnerConfigKey { namespace_id, pool, datacenter };
        self.database
            .transact(move |transaction| {
                Ok(transaction.get::<RunnerConfigs>(&key)?.and_then(ServerlessPool::of))
            })
            .await
    }
}

impl ServerlessPool {
    fn of(row: RunnerConfigRow) -> Option<Self> {
        let drain_on_version_upgrade = row.drain_on_version_upgrade;
        match row.kind {
            RunnerKind::Serverless(config) => Some(Self { config, drain_on_version_upgrade }),
            RunnerKind::Normal => None,
        }
    }
}

fn rows_of_namespace(
    transaction: &mut Transaction<'_>,
    namespace: &String,
) -> Result<Vec<(RunnerConfigKey, RunnerConfigRow)>, DirectoryError> {
    let namespace_id = resolve(transaction, namespace)?;
    let range = RunnerConfigKey::range_of_namespace(&namespace_id);
    Ok(transaction.range::<RunnerConfigs>(&range, Order::Ascending, usize::MAX)?)
}

fn collect(
    pools: &mut BTreeMap<String, PoolConfigs>,
    rows: impl IntoIterator<Item = (RunnerConfigKey, RunnerConfigRow)>,
) {
    for (key, config) in rows {
        pools.entry(key.pool).or_default().insert(key.datacenter, config);
    }
}

/// A pool that connects by itself counts as changed each time: its processes may have moved.
fn endpoint_changed(before: Option<&RunnerConfigRow>, after: &RunnerConfigRow) -> bool {
    match (before.map(|before| &before.kind), &after.kind) {
        (Some(RunnerKind::Serverless(before)), RunnerKind::Serverless(after)) => {
            before.url != after.url || before.headers != after.headers
        }
        (Some(RunnerKind::Normal) | None, RunnerKind::Serverless(_)) | (_, RunnerKind::Normal) => {
            true
        }
    }
}
