//! Actors: created, found, listed, destroyed, and refused in the words of upstream.

use axum::http::{Method, StatusCode};
use rivet_engine::{
    actor::{Event, StopCode},
    keyspace::Id,
};
use serde_json::{Value, json};

use crate::support::{Answer, App};

async fn app() -> App {
    let app = App::new().await;
    app.configure("pool").await;
    app
}

fn wanted(name: &str, key: Option<&str>) -> Value {
    json!({"name": name, "key": key, "runner_name_selector": "pool", "crash_policy": "restart"})
}

async fn create(app: &App, name: &str, key: Option<&str>) -> Value {
    let answer = app.post("/actors?namespace=default", &wanted(name, key)).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()["actor"].clone()
}

fn ids(listed: &Value) -> Vec<String> {
    let actors = listed["actors"].as_array().unwrap();
    actors.iter().map(|actor| actor["actor_id"].as_str().unwrap().to_owned()).collect()
}

async fn only(app: &App, query: &str) -> Value {
    let listed = app.get(&format!("/actors?namespace=default&{query}")).await.json();
    assert_eq!(listed["actors"].as_array().unwrap().len(), 1, "{listed}");
    listed["actors"][0].clone()
}

fn refused(answer: &Answer) -> (String, String, Value) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    (format!("{}.{}", text("group"), text("code")), text("message"), json["metadata"].clone())
}

#[tokio::test]
async fn an_actor_shows_every_moment_of_its_life() {
    let app = app().await;
    let _envoy = app.connect("pool", "envoy-1").await;

    let created = create(&app, "counter", Some("k")).await;

    let id = created["actor_id"].as_str().unwrap();
    assert_eq!(
        created,
        json!({
            "actor_id": id,
            "name": "counter",
            "key": "k",
            "namespace_id": created["namespace_id"],
            "datacenter": "default",
            "runner_name_selector": "pool",
            "crash_policy": "sleep",
            "create_ts": created["create_ts"],
            "start_ts": null,
            "pending_allocation_ts": null,
            "connectable_ts": null,
            "sleep_ts": null,
            "reschedule_ts": null,
            "destroy_ts": null,
        })
    );
    assert!(id.len() == 30 && created["create_ts"].is_u64());

    let actor: Id = id.parse().unwrap();
    let (generation, by_id) = (1, format!("actor_id={id}"));
    app.lifecycle().apply(actor, Event::Running { generation, index: 0 }).await.unwrap();
    let running = only(&app, &by_id).await;
    assert!(running["start_ts"].is_u64());
    assert_eq!(running["connectable_ts"], running["start_ts"]);

    let crash = Event::Stopped {
        generation,
        index: 1,
        code: StopCode::Error,
        message: Some("boom".to_owned()),
    };
    app.lifecycle().apply(actor, crash).await.unwrap();
    let crashed = only(&app, &by_id).await;
    assert_eq!(crashed["error"], json!({"crashed": {"message": "boom"}}));
    assert_eq!(
        (&crashed["start_ts"], &crashed["connectable_ts"]),
        (&running["start_ts"], &Value::Null)
    );
    assert!(crashed["sleep_ts"].is_u64());
}

#[tokio::test]
async fn an_actor_without_an_envoy_says_so_and_when_it_is_tried_again() {
    let app = app().await;

    let waiting = create(&app, "counter", None).await;

    assert_eq!(waiting["error"], "no_envoys");
    assert!(waiting["reschedule_ts"].as_u64() > waiting["create_ts"].as_u64(), "{waiting}");
    assert_eq!(waiting["key"], Value::Null);
}

#[tokio::test]
async fn a_key_is_given_once_and_is_free_again_when_its_actor_is_destroyed() {
    let app = app().await;
    let first = create(&app, "counter", Some("k")).await;
    let id = first["actor_id"].as_str().unwrap();

    let again = app.post("/actors?namespace=default", &wanted("counter", Some("k"))).await;
    let got = app.put("/actors?namespace=default", &wanted("counter", Some("k"))).await.json();
    create(&app, "other", Some("k")).await;

    assert_eq!(
        refused(&again),
        (
            "actor.duplicate_key".to_owned(),
            format!("Actor key 'k' already in use for actor '{id}'"),
            json!({"existing_actor_id": id, "key": "k"}),
        )
    );
    assert_eq!((&got["created"], &got["actor"]["actor_id"]), (&json!(false), &json!(id)));

    for _ in 0..2 {
        let destroyed = app.delete(&format!("/actors/{id}?namespace=default")).await;
        assert_eq!((destroyed.status, destroyed.json()), (StatusCode::OK, json!({})));
    }
    let made = app.put("/actors?namespace=default", &wanted("counter", Some("k"))).await.json();
    assert_eq!(made["created"], true);
    assert_ne!(made["actor"]["actor_id"], id);
    assert_eq!(only(&app, "name=counter&key=k").await, made["actor"]);
}

#[tokio::test]
async fn destroyed_actors_are_found_by_their_id_and_listed_when_asked_for() {
    let app = app().await;
    let kept = create(&app, "counter", None).await["actor_id"].as_str().unwrap().to_owned();
    let gone = create(&app, "counter", None).await["actor_id"].as_str().unwrap().to_owned();
    app.delete(&format!("/actors/{gone}?namespace=default")).await;

    let listed = |query: &'static str| {
        let app = &app;
        async move { app.get(&format!("/actors?namespace=default&name=counter{query}")).await.json() }
    };
    let mut all = ids(&listed("&include_destroyed=true").await);
    all.sort();
    let mut expected = [kept.clone(), gone.clone()];
    expected.sort();

    assert_eq!(ids(&listed("").await), [kept]);
    assert_eq!(all, expected);
    let destroyed = only(&app, &format!("actor_ids={gone}")).await;
    assert!(destroyed["destroy_ts"].is_u64());
}

#[tokio::test]
async fn no_actor_is_lost_or_seen_twice_between_pages() {
    let app = app().await;
    for _ in 0..7 {
        create(&app, "counter", None).await;
    }
    let newest_first = ids(&app.get("/actors?namespace=default&name=counter").await.json());
    assert_eq!(newest_first.len(), 7);
    let removed = &newest_first[3];
    app.delete(&format!("/actors/{removed}?namespace=default")).await;

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = "/actors?namespace=default&name=counter&limit=2&include_destroyed=true";
        let page = app.get(&format!("{path}&cursor={cursor}")).await.json();
        seen.extend(ids(&page));
        match page["pagination"]["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }

    assert_eq!(seen, newest_first);
}

#[tokio::test]
async fn upstreams_cursor_is_understood_and_what_is_none_is_refused() {
    let app = app().await;
    let actor = create(&app, "counter", None).await;
    let page = |cursor: String| {
        let app = &app;
        async move { app.get(&format!("/actors?namespace=default&name=counter&cursor={cursor}")).await }
    };
    let created = actor["create_ts"].as_u64().unwrap();

    assert_eq!(ids(&page(created.to_string()).await.json()), [""; 0]);
    assert_eq!(ids(&page((created + 1).to_string()).await.json()).len(), 1);
    for broken in ["abc", "5-abc", "-"] {
        let reason = page(broken.to_owned()).await.reason();
        assert_eq!(reason, "Failed to deserialize query string: cursor: not a cursor of this list");
    }
}

#[tokio::test]
async fn actors_are_selected_by_ids_or_by_name_and_never_by_both() {
    let app = app().await;
    let id = create(&app, "counter", None).await["actor_id"].as_str().unwrap().to_owned();
    let refusal = |query: String| {
        let app = &app;
        async move { refused(&app.get(&format!("/actors?namespace=default&{query}")).await) }
    };
    let invalid = |message: &str| {
        ("validation.invalid_input".to_owned(), message.to_owned(), json!({"message": message}))
    };
    let nameless = "Name is required when not using actor_ids.";

    assert_eq!(refusal(String::new()).await, invalid(nameless));
    assert_eq!(refusal("actor_ids=abc".to_owned()).await, invalid(nameless));
    assert_eq!(
        refusal("key=a".to_owned()).await,
        invalid("Name is required when key is provided.")
    );
    for both in ["name=a", "key=a"] {
        assert_eq!(
            refusal(format!("actor_id={id}&{both}")).await,
            invalid(
                "Cannot provide both actor_id and (name + key). Use either actor_id or (name + \
                 key)."
            )
        );
    }
    let many: Vec<String> = (0..33).map(|_| Id::random(1).to_string()).collect();
    assert_eq!(
        refusal(format!("actor_ids={}", many.join(","))).await,
        (
            "validation.too_many_actor_ids".to_owned(),
            "Too many actor IDs provided. Maximum is 32, got 33".to_owned(),
            json!({"count": 33, "max": 32}),
        )
    );
    let malformed = app.get("/actors?namespace=default&actor_id=abc").await;
    assert_eq!(
        malformed.reason(),
        "Failed to deserialize query string: actor_id[0]: invalid input length: expected at least \
         4 characters"
    );
    assert_eq!(only(&app, &format!("actor_ids=abc,{id},{}", many[0])).await["actor_id"], id);
}

#[tokio::test]
async fn an_actor_of_another_namespace_is_nobodys() {
    let app = app().await;
    let id = create(&app, "counter", Some("k")).await["actor_id"].as_str().unwrap().to_owned();
    app.post("/namespaces", &json!({"name": "other", "display_name": "Other"})).await;
    let unknown = "The actor does not exist or was destroyed.";

    let listed = app.get(&format!("/actors?namespace=other&actor_ids={id}")).await.json();
    let by_key = app.get("/actors?namespace=other&name=counter&key=k").await.json();
    let destroyed = app.delete(&format!("/actors/{id}?namespace=other")).await;
    let put_to_sleep = app.post(&format!("/actors/{id}/sleep?namespace=other"), &json!({})).await;
    let read = app.get(&format!("/actors/{id}/kv/keys/AQ==?namespace=other")).await;

    assert_eq!((ids(&listed).len(), ids(&by_key).len()), (0, 0));
    for answer in [destroyed, put_to_sleep, read] {
        assert_eq!(
            refused(&answer),
            ("actor.not_found".to_owned(), unknown.to_owned(), Value::Null)
        );
    }
}

#[tokio::test]
async fn actors_that_cannot_be_are_refused_in_the_words_of_upstream() {
    let app = app().await;
    let post = |path: &'static str, body: Value| {
        let app = &app;
        async move { refused(&app.post(path, &body).await) }
    };
    let here = "/actors?namespace=default";
    let with = |name: &str, value: Value| {
        let mut body = wanted("counter", None);
        body[name] = value;
        body
    };

    let no_pool = post(here, with("runner_name_selector", json!("none"))).await;
    assert_eq!(
        no_pool,
        (
            "actor.no_runner_config_configured".to_owned(),
            "No runner config with name 'none' are available in any datacenter for the namespace \
             'default'. Validate a provider is listed that matches the requested pool name."
                .to_owned(),
            json!({"namespace": "default", "pool_name": "none"}),
        )
    );
    let elsewhere = post(here, with("datacenter", json!("nope"))).await;
    assert_eq!(elsewhere.0, "datacenter.not_found");
    let nowhere = post("/actors?namespace=nope", wanted("counter", None)).await;
    assert_eq!(nowhere.0, "namespace.not_found");
    let empty = post(here, with("key", json!(""))).await;
    assert_eq!((&*empty.0, &*empty.1), ("actor.empty_key", "Key label cannot be empty."));
    let long = "k".repeat(1025);
    let too_large = post(here, with("key", json!(long))).await;
    assert_eq!(too_large.0, "actor.key_too_large");
    assert!(too_large.1.starts_with("Key label too large (max 1024 bytes): kkk"));
    assert_eq!(too_large.2["max_size"], 1024);
    let policy = post(here, with("crash_policy", json!("explode"))).await;
    assert!(
        policy
            .1
            .contains("unknown variant `explode`, expected one of `restart`, `sleep`, `destroy`")
    );
    let more = post(here, with("more", json!(1))).await;
    assert!(more.1.contains(
        "more: unknown field `more`, expected one of `datacenter`, `name`, `key`, `input`, \
         `runner_name_selector`, `crash_policy`"
    ));
    let keyless = app.put(here, &wanted("counter", None)).await;
    assert!(keyless.reason().contains("key: invalid type: null, expected a string"));
    // Input that is no base64 counts as none; a long name is a name.
    let lenient = app.post(here, &with("input", json!("%%%"))).await;
    assert_eq!(lenient.status, 200);
    create(&app, &"n".repeat(300), Some(&"k".repeat(1024))).await;
}

#[tokio::test]
async fn paths_about_one_actor_say_what_is_wrong_with_it() {
    let app = app().await;
    let id = create(&app, "counter", None).await["actor_id"].as_str().unwrap().to_owned();
    let unknown = Id::random(1);
    let elsewhere = Id::random(7);
    let kv = |id: &str, key: &str| format!("/actors/{id}/kv/keys/{key}?namespace=default");

    let malformed = app.delete("/actors/abc?namespace=default").await;
    assert_eq!(
        malformed.reason(),
        "Invalid URL: invalid input length: expected at least 4 characters"
    );
    for action in ["sleep", "reschedule"] {
        let path = |id: &str| format!("/actors/{id}/{action}?namespace=default");
        assert_eq!(app.post(&path(&id), &json!({})).await.json(), json!({}));
        let answer = app.post(&path(&unknown.to_string()), &json!({})).await;
        assert_eq!(refused(&answer).0, "actor.not_found");
        let answer = app.post(&path(&elsewhere.to_string()), &json!({})).await;
        assert_eq!(refused(&answer).0, "datacenter.not_found");
        let more = app.post(&path(&id), &json!({"x": 1})).await;
        assert!(more.reason().contains("x: unknown field `x`, there are no fields"));
    }
    assert_eq!(refused(&app.get(&kv(&unknown.to_string(), "AQ==")).await).0, "actor.not_found");
    assert!(app.get(&kv(&id, "A")).await.reason().starts_with("Invalid URL: invalid key"));
    // A slash in the key is part of it when it is encoded.
    for key in ["AQ==", "AQ%3D%3D", "%2F%2F8="] {
        assert_eq!(
            refused(&app.get(&kv(&id, key)).await),
            (
                "actor.kv_key_not_found".to_owned(),
                "The KV key does not exist for this actor.".to_owned(),
                Value::Null,
            )
        );
    }
}

#[tokio::test]
async fn names_become_known_with_the_first_actor_and_are_paged() {
    let app = app().await;
    for name in ["b", "a", "c", "a"] {
        create(&app, name, None).await;
    }
    let names = |query: &'static str| {
        let app = &app;
        async move { app.get(&format!("/actors/names?namespace=default{query}")).await.json() }
    };
    let nothing_said = json!({"metadata": {}});

    assert_eq!(
        names("&limit=2").await,
        json!({
            "names": {"a": nothing_said, "b": nothing_said},
            "pagination": {"cursor": "b"},
        })
    );
    assert_eq!(names("&cursor=b").await["names"], json!({"c": nothing_said}));
    assert_eq!(names("&cursor=c").await, json!({"names": {}, "pagination": {"cursor": null}}));
    let wrong = app.send(Method::DELETE, "/actors/names", &[], "").await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
}
