//! What browsers are told: every page may talk to actors, as far as the actors let it.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

/// Puts the headers on an answer. They win over those of the actor.
pub(super) fn apply(headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
    const ANY: HeaderValue = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.cloned().unwrap_or(ANY));
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANY);
    if origin.is_some() {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// The answer to a browser that asks before it sends the request itself.
pub(super) fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS, PATCH");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let allowed = wanted.unwrap_or(HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_mirrored_and_named_in_vary() {
        let mut headers = HeaderMap::new();
        headers.insert("access-control-allow-origin", "http://of-the-actor".parse().unwrap());
        headers.insert("vary", "Accept".parse().unwrap());

        apply(&mut headers, Some(&"http://page".parse().unwrap()));

        assert_eq!(headers["access-control-allow-origin"], "http://page");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        let vary: Vec<_> = headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["Accept", "Origin"]);
    }

    #[test]
    fn without_an_origin_everybody_is_meant() {
        let mut headers = HeaderMap::new();

        apply(&mut headers, None);

        assert_eq!(headers["access-control-allow-origin"], "*");
        assert!(!headers.contains_key("vary"));
    }

    #[test]
    fn a_preflight_allows_what_it_asks_for() {
        let mut asked = HeaderMap::new();
        asked.insert("access-control-request-headers", "x-rivet-token, a".parse().unwrap());

        assert_eq!(preflight(&asked).headers()["access-control-allow-headers"], "x-rivet-token, a");
        assert_eq!(preflight(&HeaderMap::new()).headers()["access-control-allow-headers"], "*");
        assert_eq!(preflight(&asked).status(), StatusCode::NO_CONTENT);
    }
}
