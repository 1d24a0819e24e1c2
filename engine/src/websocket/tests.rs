//! Handshakes, and what their answers say.

use super::*;

fn request(headers: &[(&str, &str)]) -> Request {
    let mut request = Request::new(Body::empty());
    for (name, value) in headers {
        let name: header::HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    request
}

const COMPLETE: [(&str, &str); 4] = [
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "WebSocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

fn chosen(offered: &[&str]) -> Option<String> {
    let headers: Vec<_> = offered.iter().map(|value| ("sec-websocket-protocol", *value)).collect();
    let chosen = chosen_subprotocol(request(&headers).headers())?;
    Some(chosen.to_str().unwrap().to_owned())
}

#[test]
fn a_handshake_needs_all_of_its_headers() {
    let refused = |left_out: &str| {
        let headers: Vec<_> = COMPLETE.into_iter().filter(|(name, _)| *name != left_out).collect();
        Handshake::of(&mut request(&headers)).unwrap_err()
    };

    assert_eq!(refused("connection"), BadHandshake::Request);
    assert_eq!(refused("upgrade"), BadHandshake::Request);
    assert_eq!(refused("sec-websocket-version"), BadHandshake::Version);
    assert_eq!(refused("sec-websocket-key"), BadHandshake::Key);
    assert_eq!(BadHandshake::Version.response().status(), StatusCode::UPGRADE_REQUIRED);
}

#[test]
fn a_connection_that_cannot_be_handed_over_is_refused() {
    assert_eq!(Handshake::of(&mut request(&COMPLETE)).unwrap_err(), BadHandshake::Request);
}

#[test]
fn the_subprotocol_answered_is_always_one_that_was_offered() {
    assert_eq!(chosen(&[]), None);
    assert_eq!(chosen(&["rivet_encoding.bare, rivet"]).as_deref(), Some("rivet"));
    assert_eq!(chosen(&["rivet_token.a", "rivet"]).as_deref(), Some("rivet"));
    assert_eq!(chosen(&["rivet_token.a, chat"]).as_deref(), Some("chat"));
    assert_eq!(
        chosen(&["rivet_target.actor, rivet_actor.x"]).as_deref(),
        Some("rivet_target.actor")
    );
}

#[test]
fn a_reason_is_cut_between_two_characters() {
    let reason = "é".repeat(80);

    assert_eq!(fitting(&reason).len(), 122);
    assert_eq!(fitting("short"), "short");
}
