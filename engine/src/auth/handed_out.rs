//! The token that the engine hands to apps which it starts: they connect back with it.
//!
//! Whoever registers a serverless pool names the URL that gets this token, and a secret token is
//! enough to register one. So it is worth something in the pool's namespace alone, and ends.

use super::{
    Grant, GrantTarget, GrantedResource, Issuer, NamespaceRef, NewScopedToken, Operation,
    TokenStore, TokenStoreError,
};
use crate::config::Secret;

/// How long the token lasts beyond the request that it comes with, in seconds: an app that is late
/// to leave may lose its connection meanwhile.
const GRACE: u64 = 60 * 60;

impl TokenStore {
    /// A token for an app of a pool that is started by a request of `lifespan` seconds; `None`
    /// where everybody is let in.
    pub async fn hand_out(
        &self,
        namespace: NamespaceRef,
        pool: &str,
        lifespan: u32,
    ) -> Result<Option<Secret>, TokenStoreError> {
        if !self.is_needed() {
            return Ok(None);
        }
        let issued = self.issue(NewScopedToken {
            namespace,
            subject: Some(format!("pool {pool}")),
            issuer: Issuer::Admin,
            duration: u64::from(lifespan) + GRACE,
            grants: of_an_app(),
        });
        Ok(Some(issued.await?.token))
    }
}

/// What an app does: connect, and use actors as a client.
fn of_an_app() -> Vec<Grant> {
    use Operation::{Create, Delete, List, Read, Update};

    let grant = |resource, operations: &[Operation]| Grant {
        resource,
        target: GrantTarget::Any,
        operations: operations.to_vec(),
    };
    vec![
        grant(GrantedResource::Envoy, &[Create, List]),
        grant(GrantedResource::Actor, &[Create, Read, Update, Delete, List]),
        grant(GrantedResource::ActorGateway, &[Create, Read]),
        grant(GrantedResource::ActorKv, &[Read]),
        grant(GrantedResource::RunnerConfig, &[List]),
        grant(GrantedResource::Datacenter, &[List]),
    ]
}
