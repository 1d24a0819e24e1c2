//! The id under which a request is found everywhere: in its answer, the log, the audit log, the app.

use axum::http::{HeaderMap, HeaderName};

use crate::keyspace::Id;

/// The header that carries it, of requests and of answers.
pub const RAY_ID: HeaderName = HeaderName::from_static("x-rivet-ray-id");

/// How long an id is that a client gives: an id of the engine, a UUID and a trace id are within.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=36;

/// The id of the request: the one that its client gave, when it looks like one, or a new one.
///
/// What a client gives is written into logs and close frames, so it has neither room nor letters for
/// anything else: no token of the engine is one.
pub fn ray_id(headers: &HeaderMap, datacenter_label: u16) -> String {
    let given = headers.get(RAY_ID).and_then(|value| value.to_str().ok());
    match given.filter(|given| is_ray_id(given)) {
        Some(given) => given.to_owned(),
        None => Id::random(datacenter_label).to_string(),
    }
}

fn is_ray_id(text: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    LENGTHS.contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &str) -> String {
        ray_id(&[(RAY_ID, given.parse().unwrap())].into_iter().collect(), 1)
    }

    #[test]
    fn an_id_that_a_client_gives_is_kept() {
        let ours = Id::random(1).to_string();
        let uuid = "0b5c0f9e-1f3a-4c1e-9f0a-3f6d2a9c1b7e";
        for given in [ours.as_str(), uuid, "4bf92f3577b34da6a3ce929d0e0e4736"] {
            assert_eq!(of(given), given);
        }
    }

    #[test]
    fn what_does_not_look_like_one_is_replaced() {
        let long = "a".repeat(37);
        let odd = [
            "",
            "short",
            &long,
            "rvt_0123456789abcdef",
            "sk_0123456789abcdef",
            "0123 456789abcdef",
            "ABCDEF0123456789",
        ];
        for given in odd {
            assert!(of(given).parse::<Id>().is_ok(), "{given}");
        }
        assert!(ray_id(&HeaderMap::new(), 1).parse::<Id>().is_ok());
    }
}
