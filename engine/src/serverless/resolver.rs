//! Names become addresses that the policy allows.

use std::{net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{
    names::{Names, Unresolved},
    outbound::{Blocked, Policy},
};

/// Asks what a name stands for, and passes on what may be called.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    policy: Arc<Policy>,
    names: Names,
}

impl Resolver {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self { policy, names: Names::default() }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = resolver.names.addresses(host).await;
            let found = found.map_err(|Unresolved(host)| Blocked::Unresolved(host))?;
            let allowed = resolver.policy.allowed(host, found)?;
            let addresses = allowed.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok::<Addrs, _>(Box::new(addresses))
        })
    }
}
