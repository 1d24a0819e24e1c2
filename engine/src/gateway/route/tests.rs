//! Where requests go.

use axum::{body::Body, extract::Request};
use proptest::prelude::*;

use super::*;

const ID: &str = "ln7dve1jzrfjiwp5fd3mz91nr2cl00";

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

fn routed_as(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
) -> Option<Result<Route, GatewayError>> {
    let request = request(method, uri, headers);
    route(Head { method: request.method(), uri: request.uri(), headers: request.headers() })
}

fn actor(uri: &str, headers: &[(&str, &str)]) -> Routed {
    match routed_as("GET", uri, headers) {
        Some(Ok(Route::Actor(routed))) => *routed,
        other => panic!("{uri}: {other:?}"),
    }
}

fn code(uri: &str, headers: &[(&str, &str)]) -> String {
    match routed_as("GET", uri, headers) {
        Some(Err(error)) => format!("{}.{}", error.wire().0, error.wire().1),
        other => panic!("{uri}: {other:?}"),
    }
}

fn is_for_the_api(uri: &str, headers: &[(&str, &str)]) -> bool {
    routed_as("GET", uri, headers).is_none()
}

fn id() -> Target {
    Target::Id(ID.parse().unwrap())
}

#[test]
fn an_id_in_the_path_leads_to_its_actor() {
    let routed = actor(&format!("/gateway/{ID}/abc?x=1&y=%20z"), &[]);
    assert_eq!(routed.target, id());
    assert_eq!(routed.path, "/abc?x=1&y=%20z");
    assert_eq!((routed.token, routed.skip_ready_wait), (None, false));

    let bare = actor(&format!("/gateway/{ID}"), &[]);
    assert_eq!(bare.path, "/");
    let with_token = actor(&format!("/gateway/{ID}@to%6Ben/x?"), &[]);
    assert_eq!((with_token.target, with_token.token.as_deref()), (id(), Some("token")));
    assert_eq!(with_token.path, "/x?");
    let encoded = actor(&format!("/gateway/%6c{}/x", &ID[1..]), &[]);
    assert_eq!(encoded.target, id());
}

#[test]
fn what_is_no_id_leads_to_nobody() {
    assert_eq!(actor("/gateway/notanid/x", &[]).target, Target::Nobody);
    assert_eq!(actor("/gateway/ab/x", &[]).target, Target::Nobody);
}

#[test]
fn a_malformed_path_is_the_apis() {
    for path in [
        "/gateway",
        "/gateway/",
        "/gateway//x",
        "/gateway/@token/x",
        "/gateway/%FF/x",
        "/actors",
        "/",
    ] {
        assert!(is_for_the_api(path, &[]), "{path}");
    }
    assert!(is_for_the_api(&format!("/gateway/{ID}@/x"), &[]));
    assert!(is_for_the_api(&format!("/gateway/{ID}/a//b"), &[]));
    assert!(is_for_the_api("/envoys/connect", &[("upgrade", "websocket")]));
}

#[test]
fn a_query_leads_to_the_actor_with_that_key() {
    let routed = actor(
        "/gateway/coun%74er/action/x?a=%20&rvt-namespace=default&rvt-method=get&b&rvt-token=t",
        &[],
    );

    let Target::Query(query) = routed.target else { panic!("no query") };
    assert_eq!((query.name.as_str(), query.namespace.as_str()), ("counter", "default"));
    assert_eq!(routed.path, "/action/x?a=%20&b");
    assert_eq!(routed.token.as_deref(), Some("t"));

    let alone = actor("/gateway/counter?rvt-namespace=default&rvt-method=get", &[]);
    assert_eq!(alone.path, "/");
}

#[test]
fn mistakes_in_a_query_have_codes() {
    let query = "rvt-namespace=default&rvt-method=get";
    assert_eq!(code(&format!("/gateway/a@b/x?{query}"), &[]), "guard.query_path_token_syntax");
    assert_eq!(code(&format!("/gateway/?{query}"), &[]), "guard.query_empty_actor_name");
}

#[test]
fn headers_lead_to_an_actor_below_request_only() {
    let headers = [("x-rivet-target", "actor"), ("x-rivet-actor", ID)];
    for path in ["/request", "/request/q", "/request?x=%20"] {
        let routed = actor(path, &headers);
        assert_eq!((routed.target, routed.path.as_str()), (id(), path));
    }
    for path in ["/", "/requests", "/x"] {
        assert_eq!(code(path, &headers), "guard.no_route", "{path}");
    }
    assert_eq!(code("/request", &headers[..1]), "guard.missing_header");
    assert_eq!(code("/x", &[("x-rivet-target", "moon")]), "guard.no_route");
    assert!(is_for_the_api("/actors", &[("x-rivet-target", "api-public")]));
}

#[test]
fn the_path_wins_over_the_headers() {
    let headers = [("x-rivet-target", "actor"), ("x-rivet-actor", "notanid")];

    let routed = actor(&format!("/gateway/{ID}/action/x"), &headers);

    assert_eq!((routed.target, routed.path.as_str()), (id(), "/action/x"));
}

#[test]
fn skipping_the_wait_is_asked_for_in_every_form() {
    let by_header = |value| {
        let skip = ("x-rivet-skip-ready-wait", value);
        actor("/request", &[("x-rivet-target", "actor"), ("x-rivet-actor", ID), skip])
    };
    assert!(by_header("1").skip_ready_wait && by_header("true").skip_ready_wait);
    assert!(!by_header("0").skip_ready_wait && !by_header("false").skip_ready_wait);
    let wrong =
        [("x-rivet-target", "actor"), ("x-rivet-actor", ID), ("x-rivet-skip-ready-wait", "maybe")];
    assert_eq!(code("/request", &wrong), "guard.invalid_header");
    let socket =
        [("upgrade", "websocket"), ("sec-websocket-protocol", "rivet, rivet_skip_ready_wait")];
    assert!(actor(&format!("/gateway/{ID}/connect"), &socket).skip_ready_wait);
}

#[test]
fn subprotocols_lead_a_socket_to_an_actor_on_any_path() {
    let offered = format!("rivet, rivet_target.actor, rivet_actor.%6c{}", &ID[1..]);
    let socket = [("upgrade", "websocket"), ("sec-websocket-protocol", offered.as_str())];

    let routed = actor("/websocket/x?y", &socket);

    assert_eq!((routed.target, routed.path.as_str()), (id(), "/websocket/x?y"));
    let nobody = [("upgrade", "websocket"), ("sec-websocket-protocol", "rivet_target.actor")];
    assert_eq!(code("/x", &nobody), "guard.missing_header");
    let unknown = [("upgrade", "websocket"), ("sec-websocket-protocol", "rivet_target.moon")];
    assert_eq!(code("/x", &unknown), "guard.no_route");
}

#[test]
fn a_socket_to_anything_else_is_refused() {
    assert_eq!(code("/actors", &[("upgrade", "websocket")]), "guard.websocket_not_supported");
    assert_eq!(code("/gateway//x", &[("upgrade", "websocket")]), "guard.websocket_not_supported");
    assert_eq!(code("/health/ws", &[("upgrade", "websocket")]), "guard.no_route");
}

#[test]
fn preflights_are_answered_before_anything_is_looked_at() {
    let path = format!("/gateway/{ID}/x");
    for (uri, headers) in [
        (path.as_str(), &[][..]),
        ("/gateway/a/x?rvt-bad=1", &[]),
        ("/x", &[("x-rivet-target", "actor")]),
    ] {
        let preflight = routed_as("OPTIONS", uri, headers);
        assert!(matches!(preflight, Some(Ok(Route::Preflight))), "{uri}");
    }
    assert!(routed_as("OPTIONS", "/actors", &[]).is_none());
}

#[test]
fn a_missing_route_names_host_and_path_but_no_query() {
    let headers = [("x-rivet-target", "moon"), ("host", "127.0.0.1:6420")];
    let Some(Err(error)) = routed_as("GET", "/x?secret=1", &headers) else { panic!() };

    assert_eq!(error.to_string(), "No route found for hostname 127.0.0.1, path /x.");
}

proptest! {
    #[test]
    fn path_and_query_reach_the_actor_byte_for_byte(
        rest in "([a-zA-Z0-9%._~!$&'()*,;=:@-]{1,8}/?){0,4}",
        query in proptest::option::of("[a-zA-Z0-9%._~!$&'()*,;=:@/?+-]{0,30}"),
    ) {
        prop_assume!(!query.as_deref().is_some_and(query::is_present));
        let forwarded = match &query {
            None => format!("/{rest}"),
            Some(query) => format!("/{rest}?{query}"),
        };
        let request = request("GET", &format!("/gateway/{ID}{forwarded}"), &[]);
        let head =
            Head { method: request.method(), uri: request.uri(), headers: request.headers() };

        let Some(Ok(Route::Actor(routed))) = route(head) else { panic!("not routed") };
        prop_assert_eq!(routed.path, forwarded);
    }
}
