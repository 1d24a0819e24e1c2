//! What a scoped token may do: which operations, on which resource, on which of its kind.

use serde::{Deserialize, Serialize};

use super::policy::{ActorRef, Operation, Resource};
use crate::keyspace::Id;

/// The most grants in one token: it travels in headers.
pub const GRANTS_MAX: usize = 32;

/// The longest name or key in a target, in bytes.
const TEXT_MAX: usize = 1024;

/// One thing that a scoped token may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// On what kind of thing.
    pub resource: GrantedResource,
    /// On which of them.
    pub target: GrantTarget,
    /// What may be done.
    pub operations: Vec<Operation>,
}

/// What can be granted. Tokens, keys, namespaces and the audit log cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantedResource {
    /// Actors, over the API.
    Actor,
    /// Actors, as clients use them: found, created by key, called.
    ActorGateway,
    /// The key-value entries of actors.
    ActorKv,
    /// App processes: their list, and connecting as one.
    Envoy,
    /// How pools run their actors.
    RunnerConfig,
    /// The places where actors can run.
    Datacenter,
}

/// Which actors a grant is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantTarget {
    /// Whatever there is in the namespace.
    Any,
    /// One actor, or whatever else has an id.
    #[serde(untagged)]
    Id(IdTarget),
    /// The actors of a name, or the one of them that has a key.
    #[serde(untagged)]
    Name(NameTarget),
}

/// One actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdTarget {
    /// Its id.
    pub id: Id,
}

/// The actors of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameTarget {
    /// The name.
    pub name: String,
    /// The key, as it is stored; without it all of the name are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Grants that no token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGrants {
    /// A token that may do nothing.
    #[error("a token needs at least one grant")]
    None,
    /// More than fit into a header.
    #[error("a token has at most {GRANTS_MAX} grants")]
    TooMany,
    /// A grant of nothing.
    #[error("a grant needs at least one operation")]
    NoOperation,
    /// A name or key that no actor has.
    #[error("a name or key in a target has 1 to {TEXT_MAX} bytes")]
    Text,
    /// Something that has neither id nor name.
    #[error("only grants on actors can name a target; others take \"any\"")]
    Target,
}

/// Refuses grants that no token is made of.
pub fn check(grants: &[Grant]) -> Result<(), InvalidGrants> {
    if grants.is_empty() {
        return Err(InvalidGrants::None);
    }
    if grants.len() > GRANTS_MAX {
        return Err(InvalidGrants::TooMany);
    }
    grants.iter().try_for_each(Grant::check)
}

impl Grant {
    /// Whether the grant allows `operation` on what is asked for.
    pub(super) fn covers(
        &self,
        resource: Resource,
        operation: Operation,
        actor: &ActorRef<'_>,
    ) -> bool {
        self.resource.covers(resource)
            && self.operations.contains(&operation)
            && self.target.covers(actor)
    }

    fn check(&self) -> Result<(), InvalidGrants> {
        if self.operations.is_empty() {
            return Err(InvalidGrants::NoOperation);
        }
        if self.target != GrantTarget::Any && !self.resource.is_about_actors() {
            return Err(InvalidGrants::Target);
        }
        let fits = |text: &str| (1..=TEXT_MAX).contains(&text.len());
        match &self.target {
            GrantTarget::Name(NameTarget { name, key })
                if !fits(name) || !key.as_deref().is_none_or(fits) =>
            {
                Err(InvalidGrants::Text)
            }
            _ => Ok(()),
        }
    }
}

impl GrantedResource {
    fn is_about_actors(self) -> bool {
        match self {
            Self::Actor | Self::ActorGateway | Self::ActorKv => true,
            Self::Envoy | Self::RunnerConfig | Self::Datacenter => false,
        }
    }

    fn covers(self, asked: Resource) -> bool {
        match self {
            // Finding actors is part of calling them, and of looking after them.
            Self::Actor => matches!(asked, Resource::Actor | Resource::ActorResolution),
            Self::ActorGateway => {
                matches!(asked, Resource::ActorGateway | Resource::ActorResolution)
            }
            Self::ActorKv => asked == Resource::ActorKv,
            Self::Envoy => asked == Resource::Envoy,
            Self::RunnerConfig => asked == Resource::RunnerConfig,
            Self::Datacenter => asked == Resource::Datacenter,
        }
    }
}

impl GrantTarget {
    fn covers(&self, actor: &ActorRef<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Id(IdTarget { id }) => actor.id == Some(*id),
            Self::Name(NameTarget { name, key }) => {
                actor.name == Some(name) && key.as_deref().is_none_or(|key| actor.key == Some(key))
            }
        }
    }
}
