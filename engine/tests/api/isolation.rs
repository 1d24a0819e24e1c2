//! Two namespaces in which everything has the same names. Nobody sees, changes or becomes what is the other's.

use std::{net::TcpListener, sync::Arc};

use rivet_engine::{
    actor::Event,
    actor_data::Fence,
    envoys::{ConnectionOf, EnvoyConnection, EnvoyId, OutgoingQueue},
    keyspace::Id,
    lifecycle::LifecycleError,
};
use rivet_envoy_protocol as protocol;
use serde_json::{Value, json};

use crate::support::{Answer, App, patient};

const BOTH: [&str; 2] = ["default", "other"];

/// A pool of the same name in both namespaces.
async fn twins() -> App {
    let app = App::new().await;
    app.post("/namespaces", &json!({"name": "other", "display_name": "Other"})).await;
    for namespace in BOTH {
        let config = json!({"datacenters": {"default": {"normal": {}, "metadata": namespace}}});
        let path = format!("/runner-configs/pool?namespace={namespace}");
        assert_eq!(app.put(&path, &config).await.status, 200);
    }
    app
}

fn wanted(name: &str) -> Value {
    json!({"name": name, "key": "k", "runner_name_selector": "pool", "crash_policy": "sleep"})
}

async fn actor(app: &App, namespace: &str, name: &str) -> String {
    let got = app.put(&format!("/actors?namespace={namespace}"), &wanted(name)).await.json();
    assert_eq!(got["created"], true, "{got}");
    got["actor"]["actor_id"].as_str().unwrap().to_owned()
}

async fn envoy_of(app: &App, namespace: &str, key: &str) -> EnvoyId {
    let namespace_id = app.lifecycle().namespace_id(namespace).await.unwrap();
    EnvoyId { namespace_id, key: key.into() }
}

async fn connect(
    app: &App,
    namespace: &str,
    key: &str,
    protocol_version: u16,
) -> (Arc<EnvoyConnection>, OutgoingQueue) {
    let (connection, outgoing) = EnvoyConnection::new(ConnectionOf {
        envoy: envoy_of(app, namespace, key).await,
        namespace: namespace.into(),
        pool: "pool".into(),
        version: 1,
        protocol_version,
    });
    app.lifecycle().envoys().attach(&connection, app.lifecycle().now());
    app.lifecycle().envoy_connected(&connection).await.unwrap();
    (connection, outgoing)
}

async fn placement(app: &App, namespace: &str, id: &str) -> Value {
    app.get(&format!("/actors/{id}/placement?namespace={namespace}")).await.json()
}

fn ids(listed: &Answer) -> Vec<String> {
    let listed = listed.json();
    let actors = listed["actors"].as_array().unwrap().iter();
    actors.map(|actor| actor["actor_id"].as_str().unwrap().to_owned()).collect()
}

fn code(answer: &Answer) -> String {
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap_or("-").to_owned();
    format!("{} {}.{}", answer.status.as_u16(), text("group"), text("code"))
}

#[tokio::test]
async fn a_key_is_free_in_one_namespace_whoever_has_it_in_the_other() {
    let app = twins().await;
    let [ours, theirs] = [actor(&app, "default", "chat").await, actor(&app, "other", "chat").await];

    assert_ne!(ours, theirs);
    for (namespace, own) in [("default", &ours), ("other", &theirs)] {
        let by_key = app.get(&format!("/actors?namespace={namespace}&name=chat&key=k")).await;
        assert_eq!(ids(&by_key), [own.as_str()], "{namespace}");
        let again = app.put(&format!("/actors?namespace={namespace}"), &wanted("chat")).await;
        assert_eq!(again.json()["actor"]["actor_id"], own.as_str(), "{namespace}");
    }
}

#[tokio::test]
async fn lists_of_actors_and_of_their_names_hold_those_of_the_namespace() {
    let app = twins().await;
    let (ours, theirs) = (actor(&app, "default", "chat").await, actor(&app, "other", "chat").await);
    actor(&app, "other", "theirs").await;
    let gone = actor(&app, "other", "gone").await;
    app.delete(&format!("/actors/{gone}?namespace=other")).await;

    let listed = |query: &'static str| {
        let app = &app;
        async move { ids(&app.get(&format!("/actors?namespace={query}")).await) }
    };
    assert_eq!(listed("default&name=chat").await, [ours.as_str()]);
    assert_eq!(listed("other&name=chat").await, [theirs.as_str()]);
    assert!(listed("default&name=theirs").await.is_empty());
    assert!(listed("default&name=gone&include_destroyed=true").await.is_empty());
    let both =
        app.get(&format!("/actors?namespace=default&actor_id={ours}&actor_id={theirs}")).await;
    assert_eq!(ids(&both), [ours.as_str()]);
    let names = app.get("/actors/names?namespace=default").await.json();
    assert_eq!(names["names"].as_object().unwrap().keys().collect::<Vec<_>>(), ["chat"]);
    let figures = app.get("/figures?namespace=default").await.json();
    let by_state = &figures["actors"]["by_state"];
    assert_eq!((&by_state["pending"], &by_state["sleeping"]), (&json!(1), &json!(0)), "{figures}");
}

#[tokio::test]
async fn an_actor_of_the_other_namespace_is_neither_shown_nor_changed() {
    let app = twins().await;
    let theirs = actor(&app, "other", "chat").await;
    let (_envoy, _outgoing) = connect(&app, "other", "envoy-1", 8).await;
    let at = |rest: &str| format!("/actors/{theirs}{rest}?namespace=default");

    let answers = [
        app.delete(&at("")).await,
        app.post(&at("/sleep"), &json!({})).await,
        app.post(&at("/reschedule"), &json!({})).await,
        app.get(&at("/placement")).await,
        app.get(&at("/kv/keys")).await,
        app.get(&at("/kv/keys/AQ==")).await,
    ];

    for answer in answers {
        assert_eq!(code(&answer), "400 actor.not_found");
    }
    let listed = app.get("/actors?namespace=other&name=chat").await.json();
    assert_eq!(listed["actors"][0]["destroy_ts"], Value::Null);
}

#[tokio::test]
async fn pools_are_listed_replaced_and_removed_in_one_namespace_alone() {
    let app = twins().await;
    let metadata = |namespace: &'static str, query: &'static str| {
        let app = &app;
        async move {
            let path = format!("/runner-configs?namespace={namespace}{query}");
            let listed = app.get(&path).await.json();
            listed["runner_configs"]["pool"]["datacenters"]["default"]["metadata"].clone()
        }
    };
    for query in ["", "&runner_name=pool"] {
        for namespace in BOTH {
            assert_eq!(metadata(namespace, query).await, namespace, "{query}");
        }
    }

    let changed = json!({"datacenters": {"default": {"normal": {}, "metadata": "changed"}}});
    app.put("/runner-configs/pool?namespace=other", &changed).await;
    app.put("/runner-configs/only-theirs?namespace=other", &changed).await;

    let ours = app.get("/runner-configs?namespace=default").await.json();
    assert_eq!(ours["runner_configs"].as_object().unwrap().len(), 1, "{ours}");
    assert_eq!(metadata("default", "").await, "default");
    app.delete("/runner-configs/pool?namespace=other").await;
    assert_eq!(metadata("default", "").await, "default");
    assert_eq!(metadata("other", "").await, Value::Null);
}

#[tokio::test]
async fn envoys_are_listed_and_given_actors_in_their_own_namespace() {
    let app = twins().await;
    let (_envoy, _outgoing) = connect(&app, "other", "envoy-1", 7).await;

    let ours = actor(&app, "default", "chat").await;

    assert_eq!(placement(&app, "default", &ours).await["envoy_key"], Value::Null);
    let listed = app.get("/envoys?namespace=default").await.json();
    assert_eq!(listed["envoys"], json!([]));
    let listed = app.get("/envoys?namespace=other").await.json();
    assert_eq!(listed["envoys"].as_array().unwrap().len(), 1);
    let configs = app.get("/runner-configs?namespace=default").await.json();
    let pool = &configs["runner_configs"]["pool"]["datacenters"]["default"];
    assert_eq!(pool["protocol_version"], Value::Null, "theirs speaks 7");
    let theirs = actor(&app, "other", "chat").await;
    assert_eq!(placement(&app, "other", &theirs).await["envoy_key"], "envoy-1");
}

/// An app of the other namespace that calls itself as ours does, and knows the id of our actor.
#[tokio::test]
async fn an_envoy_of_the_other_namespace_neither_speaks_for_an_actor_nor_touches_its_data() {
    let app = twins().await;
    let ours = actor(&app, "default", "chat").await;
    let (own, _outgoing) = connect(&app, "default", "envoy-1", 8).await;
    let starts = async {
        while placement(&app, "default", &ours).await["state"] != "starting" {
            tokio::task::yield_now().await;
        }
    };
    patient("an actor that starts", starts).await;
    let actor_id: Id = ours.parse().unwrap();
    let stranger = envoy_of(&app, "other", "envoy-1").await;
    let get = || {
        let keys = vec![vec![1]];
        protocol::KvRequestData::KvGetRequest(protocol::KvGetRequest { keys })
    };
    let fence = |namespace_id: Id| Fence {
        namespace_id,
        envoy_key: "envoy-1".to_owned(),
        actor: actor_id,
        generation: Some(1),
    };

    let running = || Event::Running { generation: 1, index: 0 };
    let spoken = app.lifecycle().apply_from(&stranger, actor_id, running()).await;
    let read = app.lifecycle().data().kv(fence(stranger.namespace_id), get()).await;

    assert!(matches!(spoken, Err(LifecycleError::NotFound)), "{spoken:?}");
    assert_eq!(placement(&app, "default", &ours).await["state"], "starting");
    let protocol::KvResponseData::KvErrorResponse(refused) = read else { panic!("{read:?}") };
    assert_eq!(refused.message, "actor does not exist");
    let read = app.lifecycle().data().kv(fence(own.envoy().namespace_id), get()).await;
    assert!(matches!(read, protocol::KvResponseData::KvGetResponse(_)), "{read:?}");
    app.lifecycle().apply_from(own.envoy(), actor_id, running()).await.unwrap();
}

/// Such an actor belongs to the first envoy that speaks for it: of its own namespace.
#[tokio::test]
async fn an_actor_that_a_request_to_its_pool_starts_is_taken_over_in_its_own_namespace() {
    let app = twins().await;
    // It takes connections and never answers, so that the start goes on.
    let pool = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", pool.local_addr().unwrap());
    let config = json!({"datacenters": {"default": {"serverless": {
        "url": url, "request_lifespan": 3600
    }}}});
    app.put("/runner-configs/pool?namespace=default", &config).await;
    let ours = actor(&app, "default", "chat").await;
    let actor_id: Id = ours.parse().unwrap();
    let acknowledged = vec![(actor_id, 1, 0)];
    let (stranger, own) =
        (envoy_of(&app, "other", "envoy-1").await, envoy_of(&app, "default", "envoy-2").await);

    app.lifecycle().commands_acknowledged(&stranger, acknowledged.clone()).await.unwrap();
    let event = Event::Running { generation: 1, index: 0 };
    let spoken = app.lifecycle().apply_from(&stranger, actor_id, event).await;

    assert!(matches!(spoken, Err(LifecycleError::NotFound)), "{spoken:?}");
    assert_eq!(placement(&app, "default", &ours).await["envoy_key"], Value::Null);
    app.lifecycle().commands_acknowledged(&own, acknowledged).await.unwrap();
    assert_eq!(placement(&app, "default", &ours).await["envoy_key"], "envoy-2");
}

#[tokio::test]
async fn tokens_are_listed_and_taken_back_in_their_own_namespace() {
    let app = twins().await;
    for kind in ["secret", "public"] {
        let path = |namespace: &str| format!("/auth/{kind}-tokens?namespace={namespace}");
        let ours = app.post(&path("default"), &json!({})).await.json();

        assert_eq!(app.get(&path("other")).await.json()["tokens"], json!([]));
        let id = ours["token_id"].as_str().unwrap();
        let revoked = app.delete(&format!("/auth/{kind}-tokens/{id}?namespace=other")).await;

        assert_eq!(code(&revoked), "400 token.not_found");
        assert_eq!(app.get(&path("default")).await.json()["tokens"][0]["token_id"], id);
    }
    let grants = json!([{"resource": "actor", "target": "any", "operations": ["list"]}]);
    let body = json!({"namespace": "default", "grants": grants});
    let scoped = app.post("/auth/tokens", &body).await.json();
    let (id, token) = (scoped["token_id"].as_str().unwrap(), scoped["token"].as_str().unwrap());
    let list = || async {
        let path = "/actors?namespace=default&name=chat";
        app.send(axum::http::Method::GET, path, &[("x-rivet-token", token)], "").await.status
    };

    app.delete(&format!("/auth/tokens/{id}?namespace=other")).await;
    assert_eq!(list().await, 200);
    app.delete(&format!("/auth/tokens/{id}?namespace=default")).await;
    assert_eq!(list().await, 403);
}

/// The name of an actor says nothing about whose it is.
#[tokio::test]
async fn a_grant_of_a_name_is_about_the_actors_of_its_own_namespace() {
    let app = twins().await;
    let (ours, theirs) = (actor(&app, "default", "chat").await, actor(&app, "other", "chat").await);
    let grants = json!([
        {"resource": "actor", "target": {"name": "chat"}, "operations": ["read", "update"]},
    ]);
    let body = json!({"namespace": "default", "grants": grants});
    let scoped = app.post("/auth/tokens", &body).await.json();
    let token = scoped["token"].as_str().unwrap();
    let headers = [("x-rivet-token", token), ("content-type", "application/json")];
    let sleep = |id: &str, namespace: &str| {
        let path = format!("/actors/{id}/sleep?namespace={namespace}");
        let app = &app;
        async move { app.send(axum::http::Method::POST, &path, &headers, "{}").await }
    };

    assert_eq!(sleep(&ours, "default").await.status, 200);
    assert_eq!(code(&sleep(&theirs, "default").await), "403 api.forbidden");
    assert_eq!(code(&sleep(&theirs, "other").await), "403 api.forbidden");
    let found = format!("/actors?namespace=default&actor_id={theirs}");
    let found = app.send(axum::http::Method::GET, &found, &headers, "").await;
    assert_eq!(code(&found), "403 api.forbidden");
}

/// An actor by its key is looked up before it is known what a token is good for.
#[tokio::test]
async fn whether_another_namespace_exists_is_not_told_to_whoever_asks_for_an_actor_in_it() {
    let app = twins().await;
    actor(&app, "other", "chat").await;
    let secret = app.post("/auth/secret-tokens?namespace=default", &json!({})).await.json();
    let headers = [("x-rivet-token", secret["token"].as_str().unwrap())];

    for namespace in ["other", "none-such"] {
        let path = format!("/actors?namespace={namespace}&name=chat&key=k");
        let answer = app.send(axum::http::Method::GET, &path, &headers, "").await;
        assert_eq!(code(&answer), "403 api.forbidden", "{namespace}");
    }
}
