//! Who a request to an actor is from, and whether they may reach it.
//!
//! Clients put the token wherever the form of address has room for it, and into several places at
//! once. `Authorization` is the actor's: it is never held against a request, but a token of ours in
//! it is as good as anywhere.

use axum::http::{HeaderMap, HeaderValue, header};

use super::{
    GatewayError, percent,
    query::Query,
    route::{Routed, Target},
};
use crate::{
    auth::{
        self, ActorRef, ClientAddress, Credential, Demand, Denied, Gate, NamespaceId, NamespaceRef,
        Operation, Place, Presented, Resource,
    },
    keyspace::Id,
    lifecycle::Lifecycle,
    websocket,
};

/// The header that clients put it in.
pub(super) use crate::auth::TOKEN_HEADER;

/// What the subprotocol that carries it begins with.
pub(super) const TOKEN_SUBPROTOCOL: &str = "rivet_token.";

/// Whose token a request carries.
pub(super) fn identify(
    gate: &Gate,
    routed: &Routed,
    headers: &HeaderMap,
    from: Option<ClientAddress>,
    is_websocket: bool,
) -> Result<Credential, GatewayError> {
    let mut presented = Presented::default();
    if let Some(token) = headers.get(TOKEN_HEADER) {
        presented.add(token.as_bytes());
    }
    if let Some(token) = &routed.token {
        presented.add(token.as_bytes());
    }
    for offered in websocket::offered_subprotocols(headers) {
        let token = offered.strip_prefix(TOKEN_SUBPROTOCOL).map(percent::decode);
        if let Some(Ok(token)) = token {
            presented.add(token.into_owned().into_bytes());
        }
    }
    let authorization = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    if let Some(token) = authorization.and_then(auth::bearer) {
        presented.add_spare(token);
    }
    gate.identify(&presented, from).map_err(|denied| match denied {
        Denied::NotProvided if is_websocket => GatewayError::NoSocketToken,
        denied => GatewayError::Forbidden(denied),
    })
}

/// The route, when its actor may be reached with `credential`. A route by key then names the very
/// actor that was looked at.
pub(super) async fn admit(
    gate: &Gate,
    lifecycle: &Lifecycle,
    credential: &Credential,
    routed: Routed,
) -> Result<Routed, GatewayError> {
    let door = Door { gate, lifecycle, credential };
    let Some(namespace) = credential.namespace() else {
        // Which actor it is makes no difference, so nothing is looked up.
        door.ask(Place::Engine, Operation::Read, ActorRef::default())?;
        return Ok(routed);
    };
    // Boxed: what may be looked up for it is not for every request to carry.
    let target = Box::pin(door.target(namespace, routed.target)).await?;
    Ok(Routed { target, ..routed })
}

/// The way of one credential to an actor.
struct Door<'d> {
    gate: &'d Gate,
    lifecycle: &'d Lifecycle,
    credential: &'d Credential,
}

impl Door<'_> {
    async fn target(&self, own: &NamespaceRef, target: Target) -> Result<Target, GatewayError> {
        match target {
            Target::Nobody => Err(GatewayError::actor_not_found()),
            Target::Id(id) => self.by_id(own, id).await,
            Target::Query(query) => self.by_key(own, query).await,
        }
    }

    /// An actor of another namespace does not exist.
    async fn by_id(&self, namespace: &NamespaceRef, id: Id) -> Result<Target, GatewayError> {
        let identity = self.lifecycle.identity(id).await?;
        let identity = identity.filter(|identity| identity.namespace_id == namespace.id.0);
        let identity = identity.ok_or_else(GatewayError::actor_not_found)?;
        let actor =
            ActorRef { id: Some(id), name: Some(&identity.name), key: identity.key.as_deref() };
        let place = Place::Id(NamespaceId(identity.namespace_id));
        self.ask(place, Operation::Read, actor)?;
        Ok(Target::Id(id))
    }

    async fn by_key(&self, own: &NamespaceRef, query: Query) -> Result<Target, GatewayError> {
        let found = if *own.name == *query.namespace {
            self.lifecycle.find(&query.namespace, &query.name, &query.key).await?
        } else {
            None
        };
        let actor = ActorRef { id: found, name: Some(&query.name), key: Some(&query.key) };
        let place = Place::Named(&query.namespace);
        self.ask(place, Operation::Read, actor)?;
        if let Some(id) = found {
            return Ok(Target::Id(id));
        }
        if query.create.is_some() {
            self.ask(place, Operation::Create, actor)?;
        }
        Ok(Target::Query(query))
    }

    fn ask(
        &self,
        place: Place<'_>,
        operation: Operation,
        actor: ActorRef<'_>,
    ) -> Result<(), GatewayError> {
        let demand = Demand { place, resource: Resource::ActorGateway, operation, actor };
        self.gate.authorize(self.credential, &demand).map_err(GatewayError::Forbidden)
    }
}

/// The list of subprotocols without those that carry tokens.
pub(super) fn without_tokens(subprotocols: &str) -> String {
    let others = subprotocols.split(',').map(str::trim);
    let others: Vec<_> = others.filter(|one| !one.starts_with(TOKEN_SUBPROTOCOL)).collect();
    others.join(", ")
}

#[cfg(test)]
mod tests;
