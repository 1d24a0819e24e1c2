//! How much is in flight to actors at this moment, and how much may be.

use super::GatewayError;
use crate::{
    keyspace::Id,
    limits::{ConcurrencyLimits, Limit, Share, Shares},
};

/// What is in flight.
#[derive(Debug)]
pub(super) struct Load {
    requests: Counts,
    sockets: Counts,
}

/// Something that an actor and its namespace have in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct InProgress {
    _of: (Share<Id>, Share<Id>),
}

#[derive(Debug)]
struct Counts {
    per_actor: (Shares<Id>, Limit),
    per_namespace: (Shares<Id>, Limit),
}

impl Load {
    pub(super) fn new(limits: ConcurrencyLimits) -> Self {
        Self {
            requests: Counts {
                per_actor: (Shares::new(limits.requests_per_actor), Limit::RequestsPerActor),
                per_namespace: (
                    Shares::new(limits.requests_per_namespace),
                    Limit::RequestsPerNamespace,
                ),
            },
            sockets: Counts {
                per_actor: (Shares::new(limits.sockets_per_actor), Limit::SocketsPerActor),
                per_namespace: (
                    Shares::new(limits.sockets_per_namespace),
                    Limit::SocketsPerNamespace,
                ),
            },
        }
    }

    /// One more request to `actor`.
    pub(super) fn request(&self, actor: Id, namespace: Id) -> Result<InProgress, GatewayError> {
        self.requests.take(actor, namespace)
    }

    /// One more socket to `actor`.
    pub(super) fn socket(&self, actor: Id, namespace: Id) -> Result<InProgress, GatewayError> {
        self.sockets.take(actor, namespace)
    }

    /// How many requests are in flight.
    pub(super) fn requests(&self) -> usize {
        self.requests.all()
    }

    /// How many of them are for `actor`.
    pub(super) fn requests_to(&self, actor: &Id) -> usize {
        self.requests.per_actor.0.of(actor)
    }

    /// How many sockets there are.
    pub(super) fn sockets(&self) -> usize {
        self.sockets.all()
    }
}

impl Counts {
    fn all(&self) -> usize {
        // There are fewer namespaces than actors.
        self.per_namespace.0.total()
    }

    fn take(&self, actor: Id, namespace: Id) -> Result<InProgress, GatewayError> {
        let take = |(shares, limit): &(Shares<Id>, Limit), owner| {
            let too_many = GatewayError::TooMany { limit: *limit, max: shares.max() };
            shares.take(owner).ok_or(too_many)
        };
        Ok(InProgress {
            _of: (take(&self.per_actor, actor)?, take(&self.per_namespace, namespace)?),
        })
    }
}
