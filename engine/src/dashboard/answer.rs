//! How a file is answered: what the browser may keep of it, and what the page may do.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::File;

/// The page runs its own script, wears its own style, shows its own pictures and talks to where it
/// came from. Nothing else: no inline code, no other host, no frame in or around it, no text that
/// becomes markup.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What every answer says to the browser.
const RULES: [(&str, &str); 7] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    // Neither a page that opened this one nor one that it opens gets hold of it, its session included.
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

const NOT_COMPRESSED: &str =
    "The dashboard is kept compressed: ask with `Accept-Encoding: gzip`, as browsers do.\n";

impl File {
    /// The answer to a GET with these headers.
    pub fn answer(&self, asked: &HeaderMap) -> Response {
        let mut response = self.content(asked);
        let headers = response.headers_mut();
        for (name, value) in RULES {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }

    fn content(&self, asked: &HeaderMap) -> Response {
        if !takes_gzip(asked) {
            return (StatusCode::NOT_ACCEPTABLE, NOT_COMPRESSED).into_response();
        }
        let tag = self.tag();
        let known = has_tag(asked, &tag);
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(Bytes::from_static(self.gzip)).into_response()
        };
        let headers = response.headers_mut();
        if !known {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let kept =
            if self.is_immutable() { "public, max-age=31536000, immutable" } else { "no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }

    /// The `ETag`: a digest of the bytes, in quotes.
    fn tag(&self) -> String {
        let digest = Sha256::digest(self.gzip);
        format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest))
    }
}

/// Whether the client says that it takes gzip. One that says nothing could not show it.
fn takes_gzip(asked: &HeaderMap) -> bool {
    items(asked, &header::ACCEPT_ENCODING).any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
        matches!(coding.trim(), "gzip" | "x-gzip" | "*") && !refused
    })
}

/// Whether the client has the bytes with this tag already.
fn has_tag(asked: &HeaderMap, tag: &str) -> bool {
    items(asked, &header::IF_NONE_MATCH)
        .any(|item| item == "*" || item.strip_prefix("W/").unwrap_or(item) == tag)
}

fn items<'h>(asked: &'h HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = asked.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_counts_only_where_the_client_takes_it() {
        for taken in ["gzip", "br, gzip;q=0.5", "deflate,gzip", "*", "gzip; q=1"] {
            assert!(takes_gzip(&asked(header::ACCEPT_ENCODING, taken)), "{taken}");
        }
        for refused in ["", "br", "identity", "gzip;q=0", "gzip; q=0.0", "gzipped"] {
            assert!(!takes_gzip(&asked(header::ACCEPT_ENCODING, refused)), "{refused}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_tag_is_known_in_any_of_the_forms_that_browsers_send() {
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(has_tag(&asked(header::IF_NONE_MATCH, known), "\"a\""), "{known}");
        }
        assert!(!has_tag(&asked(header::IF_NONE_MATCH, "\"b\""), "\"a\""));
    }
}
