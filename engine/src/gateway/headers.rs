//! Headers on their way to an actor and back.

use std::collections::HashMap;

use axum::http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode, header,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};

use super::{GatewayError, access};
use crate::telemetry::RAY_ID;

/// What the actor gets: every header, with one value for each name. The engine's own tokens are
/// taken out where they open anything.
pub(super) fn to_actor(
    headers: &HeaderMap,
    ray_id: &str,
    forward_tokens: bool,
) -> HashMap<String, String> {
    let mut to_actor = HashMap::with_capacity(headers.keys_len() + 1);
    for name in headers.keys() {
        if !forward_tokens && *name == access::TOKEN_HEADER {
            continue;
        }
        let separator = if *name == header::COOKIE { "; " } else { ", " };
        let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let mut text = String::new();
        if let Some(first) = values.next() {
            text.push_str(&String::from_utf8_lossy(first));
        }
        for value in values {
            text.push_str(separator);
            text.push_str(&String::from_utf8_lossy(value));
        }
        if !forward_tokens && *name == header::SEC_WEBSOCKET_PROTOCOL {
            text = access::without_tokens(&text);
        }
        to_actor.insert(name.as_str().to_owned(), text);
    }
    to_actor.insert(RAY_ID.as_str().to_owned(), ray_id.to_owned());
    to_actor
}

/// The status of the actor's answer.
pub(super) fn status(status: u16) -> Result<StatusCode, GatewayError> {
    StatusCode::from_u16(status).ok().filter(|status| status.as_u16() >= 200).ok_or_else(|| {
        GatewayError::InvalidResponse { detail: format!("{status} is not the status of an answer") }
    })
}

/// The headers of the actor's answer. How the body is framed is up to the server; the actor's word
/// on its length counts only for a body that the server does not see whole.
pub(super) fn from_actor(headers: HashMap<String, String>, length_counts: bool) -> HeaderMap {
    // And two of the engine's own. Room for many more costs more than to make room when they come.
    let mut from_actor = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in headers {
        let name = HeaderName::try_from(name);
        let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) else { continue };
        let is_length = value.to_str().is_ok_and(|text| text.parse::<u64>().is_ok());
        let kept = match name {
            TRANSFER_ENCODING => false,
            CONTENT_LENGTH => length_counts && is_length,
            _ => true,
        };
        if kept {
            from_actor.append(name, value);
        }
    }
    from_actor
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_actor_gets_every_header_once() {
        let given = headers(&[
            ("host", b"h"),
            ("X-Twice", b"a"),
            ("x-twice", b"b"),
            ("cookie", b"a=1"),
            ("cookie", b"b=2"),
            ("connection", b"keep-alive"),
            ("authorization", b"Bearer of-the-actor"),
            ("x-latin", b"\xe4"),
        ]);

        let to_actor = to_actor(&given, "ray", true);

        assert_eq!(to_actor["x-twice"], "a, b");
        assert_eq!(to_actor["cookie"], "a=1; b=2");
        assert_eq!(to_actor["connection"], "keep-alive");
        assert_eq!(to_actor["authorization"], "Bearer of-the-actor");
        assert_eq!(to_actor["x-latin"], "\u{fffd}");
        assert_eq!(to_actor["x-rivet-ray-id"], "ray");
        assert_eq!(to_actor.len(), 7);
    }

    #[test]
    fn tokens_that_open_the_engine_do_not_reach_the_actor() {
        let given = headers(&[
            ("x-rivet-token", b"secret"),
            ("sec-websocket-protocol", b"rivet, rivet_token.secret, rivet_encoding.bare"),
        ]);

        let without = to_actor(&given, "ray", false);
        assert!(!without.contains_key("x-rivet-token"));
        assert_eq!(without["sec-websocket-protocol"], "rivet, rivet_encoding.bare");

        let with = to_actor(&given, "ray", true);
        assert_eq!(with["x-rivet-token"], "secret");
    }

    #[test]
    fn an_answers_framing_is_up_to_the_server() {
        let given = |length: &str| {
            HashMap::from([
                ("Content-Length".to_owned(), length.to_owned()),
                ("transfer-encoding".to_owned(), "chunked".to_owned()),
                ("set-cookie".to_owned(), "a=1".to_owned()),
                ("not a name".to_owned(), "x".to_owned()),
                ("x-split".to_owned(), "a\r\nb: c".to_owned()),
            ])
        };

        assert_eq!(from_actor(given("5"), false).len(), 1);
        assert_eq!(from_actor(given("5"), true)["content-length"], "5");
        assert!(!from_actor(given("5, 5"), true).contains_key("content-length"));
    }

    #[test]
    fn a_status_that_is_no_answers_is_refused() {
        assert_eq!(status(200).unwrap(), StatusCode::OK);
        for refused in [0, 42, 100, 101, 1000] {
            assert!(status(refused).is_err(), "{refused}");
        }
    }
}
