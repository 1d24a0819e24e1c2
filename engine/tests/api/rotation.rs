//! `/admin/token/rotate`: the token file counts at once, and stays the only place where tokens come from.

use std::fs;

use axum::http::Method;
use camino::Utf8PathBuf;
use camino_tempfile::Utf8TempDir;
use serde_json::{Value, json};

use crate::support::{Answer, App, TOKEN};

const OTHER: &str = "rvt_other-other-other-other";

struct Site {
    app: App,
    path: Utf8PathBuf,
    _dir: Utf8TempDir,
}

impl Site {
    /// An engine whose token file holds the token of the tests.
    async fn new() -> Self {
        let dir = camino_tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens.json");
        fs::write(&path, tokens(&[(TOKEN, None)])).unwrap();
        Self { app: App::with_token_file(&path).await, path, _dir: dir }
    }

    async fn rotate(&self) -> Answer {
        self.app.post("/admin/token/rotate", &json!({})).await
    }

    async fn lets_in(&self, token: &str) -> bool {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        self.app.send(Method::GET, "/namespaces", &headers, "").await.status == 200
    }
}

fn tokens(accepted: &[(&str, Option<u64>)]) -> String {
    let lines = accepted.iter().map(|(token, end)| json!({"token": token, "not_after": end}));
    json!({"tokens": lines.collect::<Vec<_>>()}).to_string()
}

#[tokio::test]
async fn the_file_counts_at_once_and_what_is_accepted_is_told_without_a_token() {
    let site = Site::new().await;
    let end = site.app.lifecycle().now() + 3_600_000;
    fs::write(&site.path, tokens(&[(OTHER, None), (TOKEN, Some(end))])).unwrap();

    let answer = site.rotate().await;

    assert_eq!(answer.status, 200, "{}", answer.json());
    assert!(site.lets_in(OTHER).await);
    let told = answer.json();
    let about = |index: usize| {
        let one = &told["tokens"][index];
        (one["not_after_ts"].clone(), one["is_yours"].clone())
    };
    assert_eq!(told["tokens"].as_array().unwrap().len(), 2);
    assert_eq!(about(0), (Value::Null, json!(false)));
    assert_eq!(about(1), (json!(end), json!(true)));
    assert!(told["read_ts"].is_u64());
    let fingerprint = told["tokens"][0]["fingerprint"].as_str().unwrap();
    assert!(fingerprint.len() == 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let text = told.to_string();
    assert!(!text.contains(TOKEN) && !text.contains(OTHER), "{text}");
}

#[tokio::test]
async fn a_rotation_may_end_the_token_that_asks_for_it() {
    let site = Site::new().await;
    fs::write(&site.path, tokens(&[(OTHER, None)])).unwrap();

    let answer = site.rotate().await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["tokens"][0]["is_yours"], false);
    assert!(!site.lets_in(TOKEN).await);
    assert!(site.lets_in(OTHER).await);
    assert_eq!(site.rotate().await.status, 403);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_changes_nothing_and_the_answer_says_what_is_wrong() {
    let site = Site::new().await;
    let short = tokens(&[("short", None)]);
    for (content, code) in [
        ("{broken", "malformed"),
        (r#"{"tokens":[]}"#, "empty"),
        ("", "empty"),
        (short.as_str(), "invalid_token"),
    ] {
        fs::write(&site.path, content).unwrap();
        let refused = site.rotate().await;
        let json = refused.json();
        assert_eq!(refused.status, 422, "{json}");
        assert_eq!((&json["group"], &json["code"]), (&json!("token_file"), &json!(code)));
        assert!(json["message"].as_str().unwrap().contains(site.path.as_str()), "{json}");
        assert!(!json.to_string().contains("short"), "{json}");
    }
    fs::remove_file(&site.path).unwrap();
    assert_eq!(site.rotate().await.json()["code"], "unreadable");
    assert!(site.lets_in(TOKEN).await);
}

#[tokio::test]
async fn a_token_of_the_configuration_cannot_be_rotated_and_the_answer_says_what_can() {
    let app = App::new().await;

    let refused = app.post("/admin/token/rotate", &json!({})).await;

    assert_eq!(refused.status, 409);
    let json = refused.json();
    assert_eq!((&json["group"], &json["code"]), (&json!("token_file"), &json!("not_configured")));
    assert!(json["message"].as_str().unwrap().contains("auth.admin_token_file"), "{json}");
}

#[tokio::test]
async fn who_rotated_and_who_tried_in_vain_is_written_down() {
    let site = Site::new().await;
    site.rotate().await;
    fs::write(&site.path, "{broken").unwrap();
    site.rotate().await;

    let entries = site.app.get("/audit").await.json();

    let said = |index: usize, field: &str| entries["entries"][index][field].clone();
    assert_eq!(entries["entries"].as_array().unwrap().len(), 2);
    assert_eq!((said(0, "path"), said(0, "status")), (json!("/admin/token/rotate"), json!(422)));
    assert_eq!(said(0, "error"), "token_file.malformed");
    assert_eq!((said(1, "status"), said(1, "actor")), (json!(200), json!({"kind": "admin"})));
}
