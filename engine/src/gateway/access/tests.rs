//! Which requests are let in.

use std::sync::Arc;

use axum::http::HeaderName;

use super::*;
use crate::{
    clock::ManualClock,
    config::{AuthSettings, Secret},
    gateway::route::Target,
    telemetry::Metrics,
};

const TOKEN: &str = "rvt_aaaaaaaaaaaaaaaaaaaa";

fn gate() -> Gate {
    let settings = AuthSettings {
        admin_token: Some(Secret::new(TOKEN.to_owned())),
        ..AuthSettings::default()
    };
    let metrics = Arc::new(Metrics::new().unwrap());
    Gate::new(&settings, ManualClock::at(0), metrics).unwrap().0
}

fn asked(token: Option<&str>, given: &[(&str, &str)], is_websocket: bool) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    let routed = Routed {
        target: Target::Nobody,
        path: "/".to_owned(),
        token: token.map(str::to_owned),
        skip_ready_wait: false,
    };
    match identify(&gate(), &routed, &headers, None, is_websocket) {
        Ok(_) => "let in".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_valid_token_is_found_wherever_clients_put_it() {
    let subprotocol = format!("rivet, rivet_token.{TOKEN}");
    let bearer = format!("Bearer {TOKEN}");

    assert_eq!(asked(Some(TOKEN), &[], false), "let in");
    assert_eq!(asked(None, &[("x-rivet-token", TOKEN)], false), "let in");
    assert_eq!(asked(None, &[("sec-websocket-protocol", &subprotocol)], true), "let in");
    assert_eq!(asked(None, &[("authorization", &bearer)], false), "let in");
    assert_eq!(asked(Some("wrong"), &[("x-rivet-token", TOKEN)], false), "let in");
}

#[test]
fn the_actors_own_authorization_is_not_held_against_a_request() {
    let own = ("authorization", "Bearer of-the-actor");

    assert_eq!(asked(Some(TOKEN), &[own], false), "let in");
    assert_eq!(asked(None, &[own], false), "Access denied: Token not provided");
}

#[test]
fn a_refusal_says_whether_there_was_a_token() {
    assert_eq!(asked(None, &[], false), "Access denied: Token not provided");
    assert_eq!(
        asked(Some(""), &[("x-rivet-token", "")], false),
        "Access denied: Token not provided"
    );
    assert_eq!(asked(Some("dev"), &[], false), "Access denied: Invalid token");
    assert_eq!(asked(None, &[], true), "Missing rivet_token subprotocol.");
    assert_eq!(
        asked(None, &[("sec-websocket-protocol", "rivet_token.dev")], true),
        "Access denied: Invalid token"
    );
}
