//! Which actor a request is for, and what the actor is to see of it. Pure: a head in, a route out.
//!
//! Four forms of address, in this order: `/gateway/{id}…`, `/gateway/{name}…?rvt-…`, the header
//! `x-rivet-target`, and for sockets the subprotocol `rivet_target.…`.

use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};

use super::{
    GatewayError, percent,
    query::{self, Query},
};
use crate::{keyspace::Id, websocket};

const TARGET_HEADER: &str = "x-rivet-target";
const ACTOR_HEADER: &str = "x-rivet-actor";
const SKIP_HEADER: &str = "x-rivet-skip-ready-wait";
const TARGET_SUBPROTOCOL: &str = "rivet_target.";
const ACTOR_SUBPROTOCOL: &str = "rivet_actor.";
const SKIP_SUBPROTOCOL: &str = "rivet_skip_ready_wait";

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'r> {
    pub(super) method: &'r Method,
    pub(super) uri: &'r Uri,
    pub(super) headers: &'r HeaderMap,
}

/// What a request of the gateway is.
#[derive(Debug)]
pub(super) enum Route {
    /// A browser's question before the request.
    Preflight,
    /// A request to an actor.
    Actor(Box<Routed>),
}

impl Route {
    fn to(routed: Routed) -> Self {
        Self::Actor(Box::new(routed))
    }
}

/// A request to an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Routed {
    /// The actor.
    pub(super) target: Target,
    /// Path and query as the actor sees them.
    pub(super) path: String,
    /// The token in the path or the query.
    pub(super) token: Option<String>,
    /// Whether an actor that starts is good enough.
    pub(super) skip_ready_wait: bool,
}

/// An actor that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// By its id.
    Id(Id),
    /// By its key.
    Query(Query),
    /// By something that is nobody's id.
    Nobody,
}

/// The route of a request, or `None` when it is not for the gateway.
pub(super) fn route(head: Head<'_>) -> Option<Result<Route, GatewayError>> {
    let is_websocket = websocket::is_websocket(head.headers);
    let path = head.uri.path();
    if path == "/health/ws" {
        return Some(Err(no_route(head)));
    }
    if let Some(rest) = path.strip_prefix("/gateway/")
        && !path.contains("//")
    {
        if *head.method == Method::OPTIONS {
            return Some(Ok(Route::Preflight));
        }
        if let Some(routed) = by_path(head, rest, is_websocket) {
            return Some(routed.map(Route::to));
        }
    }
    if path == "/envoys/connect" {
        return None;
    }
    if is_websocket { Some(by_subprotocol(head).map(Route::to)) } else { by_header(head) }
}

/// `None`: the path only looks like ours.
fn by_path(head: Head<'_>, rest: &str, is_websocket: bool) -> Option<Result<Routed, GatewayError>> {
    let (segment, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let query = head.uri.query();
    if let Some(query) = query.filter(|query| query::is_present(query)) {
        return by_query(segment, rest, query);
    }
    let (id, token) = match segment.split_once('@') {
        None => (segment, None),
        Some((_, "")) => return None,
        Some((id, token)) => (id, Some(token)),
    };
    let id = percent::decode(id).ok().filter(|id| !id.is_empty())?;
    let token = token.map(percent::decode).transpose().ok()?.map(std::borrow::Cow::into_owned);
    let path = match query {
        None => format!("/{rest}"),
        Some(query) => format!("/{rest}?{query}"),
    };
    let skip = if is_websocket { Ok(offers_skip(head)) } else { skip_header(head) };
    Some(skip.map(|skip_ready_wait| Routed { target: by_id(&id), path, token, skip_ready_wait }))
}

fn by_query(segment: &str, rest: &str, query: &str) -> Option<Result<Routed, GatewayError>> {
    if segment.contains('@') {
        return Some(Err(GatewayError::QueryPathTokenSyntax));
    }
    let name = percent::decode(segment).ok()?;
    let others = query::without_params(query);
    let path = if others.is_empty() { format!("/{rest}") } else { format!("/{rest}?{others}") };
    let routed = query::parse(&name, query).map(|params| Routed {
        target: Target::Query(params.query),
        path,
        token: params.token,
        skip_ready_wait: params.skip_ready_wait,
    });
    Some(routed)
}

fn by_header(head: Head<'_>) -> Option<Result<Route, GatewayError>> {
    let target = head.headers.get(TARGET_HEADER)?;
    match target.to_str() {
        Ok("actor") => {}
        // Who asks for these asks for what there is without the header.
        Ok("api-public" | "envoy" | "runner") => return None,
        _ => return Some(Err(no_route(head))),
    }
    if *head.method == Method::OPTIONS {
        return Some(Ok(Route::Preflight));
    }
    let path = head.uri.path();
    if path != "/request" && !path.starts_with("/request/") {
        return Some(Err(no_route(head)));
    }
    let Some(id) = head.headers.get(ACTOR_HEADER) else {
        return Some(Err(GatewayError::MissingHeader { header: ACTOR_HEADER }));
    };
    let target = id.to_str().map_or(Target::Nobody, by_id);
    let routed = skip_header(head).map(|skip_ready_wait| Routed {
        target,
        path: unchanged(head.uri),
        token: None,
        skip_ready_wait,
    });
    Some(routed.map(Route::to))
}

fn by_subprotocol(head: Head<'_>) -> Result<Routed, GatewayError> {
    let offered = |prefix: &str| {
        websocket::offered_subprotocols(head.headers).find_map(|text| text.strip_prefix(prefix))
    };
    match offered(TARGET_SUBPROTOCOL) {
        Some("actor") => {}
        // Nothing else in this engine speaks WebSocket.
        None | Some("api-public" | "envoy" | "runner") => {
            return Err(GatewayError::WebSocketNotSupported);
        }
        Some(_) => return Err(no_route(head)),
    }
    let Some(id) = offered(ACTOR_SUBPROTOCOL) else {
        return Err(GatewayError::MissingHeader { header: "rivet_actor" });
    };
    let target = percent::decode(id).map_or(Target::Nobody, |id| by_id(&id));
    Ok(Routed {
        target,
        path: unchanged(head.uri),
        token: None,
        skip_ready_wait: offers_skip(head),
    })
}

fn by_id(id: &str) -> Target {
    id.parse().map_or(Target::Nobody, Target::Id)
}

fn unchanged(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

fn offers_skip(head: Head<'_>) -> bool {
    websocket::offered_subprotocols(head.headers).any(|offered| offered == SKIP_SUBPROTOCOL)
}

fn skip_header(head: Head<'_>) -> Result<bool, GatewayError> {
    match head.headers.get(SKIP_HEADER).map(HeaderValue::as_bytes) {
        None | Some(b"false" | b"0") => Ok(false),
        Some(b"true" | b"1") => Ok(true),
        Some(_) => Err(GatewayError::InvalidHeader {
            header: SKIP_HEADER,
            detail: "expected true, false, 1, or 0",
        }),
    }
}

fn no_route(head: Head<'_>) -> GatewayError {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(head.uri.host()).unwrap_or_default();
    // Without the port, which says nothing about the route. An IPv6 address keeps its brackets.
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    GatewayError::NoRoute { host: host.to_owned(), path: head.uri.path().to_owned() }
}

#[cfg(test)]
mod tests;
