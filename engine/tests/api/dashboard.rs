//! The dashboard's files: open to everybody, kept by browsers, and bound by a policy.

use std::io::Read as _;

use axum::http::Method;
use serde_json::json;

use crate::support::{Answer, App};

const GZIP: (&str, &str) = ("accept-encoding", "gzip, deflate, br");

async fn browse(app: &App, path: &str) -> Answer {
    app.send(Method::GET, path, &[GZIP], "").await
}

fn unpacked(answer: &Answer) -> String {
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
    text
}

/// The names of the files that the page asks for.
fn named_by(page: &str) -> Vec<String> {
    let parts = page.split('"');
    let named = parts.filter(|part| [".js", ".css", ".svg"].iter().any(|end| part.ends_with(end)));
    named.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_page_and_all_that_it_names_need_no_token() {
    let app = App::new().await;

    let page = browse(&app, "/ui/").await;

    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let names = named_by(&unpacked(&page));
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        let file = browse(&app, &format!("/ui/{name}")).await;
        assert_eq!(file.status, 200, "{name}");
        assert!(!unpacked(&file).is_empty());
    }
    // What the page shows needs one.
    for data in ["/figures?namespace=default", "/actors/names?namespace=default", "/namespaces"] {
        assert_eq!(browse(&app, data).await.status, 403, "{data}");
    }
}

#[tokio::test]
async fn people_end_up_at_the_page_behind_any_prefix() {
    let app = App::new().await;

    for path in ["/", "/ui"] {
        let answer = browse(&app, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (308, Some("ui/")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_policy_lets_the_page_run_its_own_files_and_ask_its_own_engine() {
    let app = App::new().await;
    let page = browse(&app, "/ui/").await;
    let names = named_by(&unpacked(&page));
    let mut answers = vec![page];
    for name in names {
        answers.push(browse(&app, &format!("/ui/{name}")).await);
    }

    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        let rules: Vec<_> = policy.split(';').map(str::trim).collect();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ] {
            assert!(rules.contains(&rule), "{rule}: {policy}");
        }
        for loose in ["unsafe", "http:", "https:", "data:", "*"] {
            assert!(!policy.contains(loose), "{loose}: {policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        let permissions = answer.header("permissions-policy").unwrap();
        for device in ["camera", "geolocation", "microphone", "payment", "usb"] {
            assert!(permissions.contains(&format!("{device}=()")), "{device}: {permissions}");
        }
    }
}

#[tokio::test]
async fn the_page_names_nothing_outside_and_has_no_code_of_its_own() {
    let app = App::new().await;

    let page = unpacked(&browse(&app, "/ui/").await);

    assert!(!page.contains("://") && !page.contains("//\""), "{page}");
    assert!(page.contains("<script src=") && !page.contains("<script>"), "{page}");
    assert!(!page.contains("<style") && !page.contains("style="), "{page}");
}

#[tokio::test]
async fn browsers_keep_files_for_good_and_ask_again_for_the_page() {
    let app = App::new().await;
    let page = browse(&app, "/ui/").await;
    let script = named_by(&unpacked(&page)).into_iter().find(|name| name.contains(".js")).unwrap();
    let script = format!("/ui/{script}");

    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let kept = browse(&app, &script).await;
    assert_eq!(kept.header("cache-control"), Some("public, max-age=31536000, immutable"));

    for (path, answer) in [("/ui/", page), (&script, kept)] {
        let tag = answer.header("etag").unwrap();
        let again = app.send(Method::GET, path, &[GZIP, ("if-none-match", tag)], "").await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), Some(tag));
        assert!(again.header("content-security-policy").is_some());
        let other = app.send(Method::GET, path, &[GZIP, ("if-none-match", "\"other\"")], "").await;
        assert_eq!(other.status, 200);
    }
}

#[tokio::test]
async fn who_does_not_take_gzip_is_told_how_to_ask() {
    let app = App::new().await;

    let answer = app.as_stranger(Method::GET, "/ui/").await;

    assert_eq!(answer.status, 406);
    assert!(String::from_utf8(answer.body.clone()).unwrap().contains("Accept-Encoding: gzip"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn nothing_else_is_below_ui() {
    let app = App::new().await;

    for path in
        ["/ui/nothing.js", "/ui/index.html", "/ui/..%2fCargo.toml", "/ui/a/b", "/ui//", "/uix"]
    {
        let answer = browse(&app, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["code"], json!("not_found"), "{path}");
    }
}

#[tokio::test]
async fn the_files_are_only_read() {
    let app = App::new().await;

    let head = app.send(Method::HEAD, "/ui/", &[GZIP], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for path in ["/", "/ui", "/ui/", "/ui/dashboard.js"] {
            let answer = app.send(method.clone(), path, &[GZIP], "").await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
}
