//! Which tokens a request to an actor carries, and whether one of them opens it.
//!
//! Clients put the token wherever the form of address has room for it, and into several places at
//! once. `Authorization` is the actor's: it is never held against a request, but a token of ours in
//! it is as good as anywhere.

use axum::http::{HeaderMap, HeaderValue, header};

use super::{GatewayError, percent, route::Routed};
use crate::{
    auth::{Denied, Gate},
    websocket,
};

/// The header that clients put it in.
pub(super) const TOKEN_HEADER: &str = "x-rivet-token";

/// What the subprotocol that carries it begins with.
pub(super) const TOKEN_SUBPROTOCOL: &str = "rivet_token.";

/// Lets a request pass that carries a valid token.
pub(super) fn check(
    gate: &Gate,
    routed: &Routed,
    headers: &HeaderMap,
    is_websocket: bool,
) -> Result<(), GatewayError> {
    let bearer = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    if bearer.and_then(|text| text.strip_prefix(b"Bearer ")).is_some_and(|token| gate.opens(token))
    {
        return Ok(());
    }
    let in_subprotocols = websocket::offered_subprotocols(headers)
        .filter_map(|offered| offered.strip_prefix(TOKEN_SUBPROTOCOL))
        .filter_map(|token| percent::decode(token).ok());
    let in_header = headers.get(TOKEN_HEADER).map(HeaderValue::as_bytes);
    let mut presented: Vec<Vec<u8>> = in_header.into_iter().map(<[u8]>::to_vec).collect();
    presented.extend(routed.token.iter().map(|token| token.as_bytes().to_vec()));
    presented.extend(in_subprotocols.map(|token| token.into_owned().into_bytes()));
    presented.retain(|token| !token.is_empty());
    match gate.check_tokens(presented.iter().map(Vec::as_slice)) {
        Ok(()) => Ok(()),
        Err(Denied::NotProvided) if is_websocket => Err(GatewayError::NoSocketToken),
        Err(denied) => Err(GatewayError::Forbidden(denied)),
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
