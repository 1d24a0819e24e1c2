//! The one place that says who may do what. Pure: a credential and a demand in, a verdict out.
//!
//! | credential | may |
//! |---|---|
//! | admin | everything |
//! | secret (`sk_`) | everything within its namespace, except secret tokens; issue public and scoped tokens |
//! | public (`pk_`) | find actors of its namespace, create them by key, and call them |
//! | scoped | what its grants say, within its namespace |
//!
//! What is about the engine as a whole (namespaces, signing keys, the audit log, checkpoints, secret tokens) is
//! the admin's alone, and no grant covers it.

use serde::{Deserialize, Serialize};

use super::credential::{Credential, NamespaceId, NamespaceRef};
use crate::keyspace::{Id, tables::NamespaceTokenKind};

/// What something is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Actors, over the API.
    Actor,
    /// Where an actor is, asked over the API by clients that are about to call it.
    ActorResolution,
    /// Actors, through the gateway.
    ActorGateway,
    /// The key-value entries of actors.
    ActorKv,
    /// App processes.
    Envoy,
    /// How pools run their actors.
    RunnerConfig,
    /// The places where actors can run.
    Datacenter,
    /// Namespaces themselves.
    Namespace,
    /// Scoped tokens of a namespace.
    ScopedToken,
    /// Public tokens of a namespace.
    PublicToken,
    /// Secret tokens of a namespace.
    SecretToken,
    /// The keys that sign scoped tokens.
    SigningKey,
    /// The audit log.
    AuditLog,
    /// Copies of all data.
    Checkpoint,
    /// The engine itself.
    Engine,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Make one. For envoys: connect as one.
    Create,
    /// Look at one. For actors through the gateway: call one.
    Read,
    /// Change one.
    Update,
    /// Remove one.
    Delete,
    /// See which there are.
    List,
}

/// Where something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'d> {
    /// In the engine as a whole.
    Engine,
    /// In the namespace with this name, which may not exist.
    Named(&'d str),
    /// In the namespace with this id.
    Id(NamespaceId),
    /// Wherever the credential belongs: whoever answers leaves out what is elsewhere.
    Own,
}

/// Which actor it is done to, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActorRef<'d> {
    /// Its id.
    pub id: Option<Id>,
    /// Its name.
    pub name: Option<&'d str>,
    /// Its key, as it is stored.
    pub key: Option<&'d str>,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand<'d> {
    /// Where.
    pub place: Place<'d>,
    /// To what kind of thing.
    pub resource: Resource,
    /// What.
    pub operation: Operation,
    /// To which actor, where it is about one.
    pub actor: ActorRef<'d>,
}

/// Whether `credential` may do what `demand` says.
pub fn allows(credential: &Credential, demand: &Demand<'_>) -> bool {
    match credential {
        Credential::Open | Credential::Admin => true,
        Credential::Namespace(token) => {
            is_inside(&token.namespace, demand.place)
                && match token.kind {
                    NamespaceTokenKind::Secret => secret_may(demand),
                    NamespaceTokenKind::Public => public_may(demand),
                }
        }
        Credential::Scoped(token) => {
            let Demand { place, resource, operation, actor } = demand;
            is_inside(&token.namespace, *place)
                && token.grants.iter().any(|grant| grant.covers(*resource, *operation, actor))
        }
    }
}

fn is_inside(namespace: &NamespaceRef, place: Place<'_>) -> bool {
    match place {
        Place::Engine => false,
        Place::Named(name) => *namespace.name == *name,
        Place::Id(id) => namespace.id == id,
        Place::Own => true,
    }
}

fn secret_may(demand: &Demand<'_>) -> bool {
    match demand.resource {
        Resource::Actor
        | Resource::ActorResolution
        | Resource::ActorGateway
        | Resource::ActorKv
        | Resource::Envoy
        | Resource::RunnerConfig
        | Resource::ScopedToken
        | Resource::PublicToken => true,
        // Its own namespace, and where actors run.
        Resource::Datacenter | Resource::Namespace => demand.operation == Operation::List,
        Resource::SecretToken
        | Resource::SigningKey
        | Resource::AuditLog
        | Resource::Checkpoint
        | Resource::Engine => false,
    }
}

fn public_may(demand: &Demand<'_>) -> bool {
    matches!(demand.resource, Resource::ActorGateway | Resource::ActorResolution)
        && matches!(demand.operation, Operation::Read | Operation::Create)
}

#[cfg(test)]
mod tests;
