//! Key-value requests.

use rivet_conformance::{
    engine::Engine,
    envoy::{
        Envoy,
        kv::{all, prefix, range},
    },
    namespace::Namespace,
    protocol::{KvRequestData, KvResponseData},
    wait::now_ms,
};

async fn actor() -> (Envoy, String) {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    (envoy, actor)
}

async fn filled() -> (Envoy, String) {
    let (envoy, actor) = actor().await;
    let pairs = [("a", "1"), ("b", "2"), ("c", "3"), ("ca", "33"), ("d", "4")];
    envoy.kv_put(&actor, &pairs).await.unwrap();
    (envoy, actor)
}

#[tokio::test]
async fn a_get_answers_what_exists_once_and_in_the_order_asked() {
    let (envoy, actor) = filled().await;
    let found = envoy.kv_get(&actor, &["c", "zz", "a", "a"]).await.unwrap();
    assert_eq!(found.pairs(), ["c=3", "a=1"]);
    assert_eq!(envoy.kv_get(&actor, &["zz"]).await.unwrap().pairs(), [""; 0]);
}

#[tokio::test]
async fn values_carry_when_they_were_written_and_by_which_engine() {
    let before = now_ms();
    let (envoy, actor) = filled().await;
    let found = envoy.kv_get(&actor, &["a"]).await.unwrap();
    let metadata = &found.metadata[0];
    assert!((before..=now_ms()).contains(&metadata.update_ts), "{metadata:?}");
    let version = String::from_utf8(metadata.version.clone()).unwrap();
    assert!(version.split('.').count() >= 3, "{version}");
}

#[tokio::test]
async fn a_put_replaces() {
    let (envoy, actor) = filled().await;
    envoy.kv_put(&actor, &[("a", "new")]).await.unwrap();
    assert_eq!(envoy.kv_get(&actor, &["a"]).await.unwrap().pairs(), ["a=new"]);
}

#[tokio::test]
async fn a_list_is_in_the_order_of_the_keys_bytes() {
    let (envoy, actor) = filled().await;
    let everything = envoy.kv_list(&actor, all(), None, None).await.unwrap();
    assert_eq!(everything.pairs(), ["a=1", "b=2", "c=3", "ca=33", "d=4"]);
    assert_eq!(everything.metadata.len(), 5);
    let last = envoy.kv_list(&actor, all(), Some(true), Some(2)).await.unwrap();
    assert_eq!(last.pairs(), ["d=4", "ca=33"]);
    let none = envoy.kv_list(&actor, all(), None, Some(0)).await.unwrap();
    assert_eq!(none.pairs(), [""; 0]);
}

#[tokio::test]
async fn a_list_may_be_narrowed_to_a_prefix() {
    let (envoy, actor) = filled().await;
    let found = envoy.kv_list(&actor, prefix("c"), Some(false), None).await.unwrap();
    assert_eq!(found.pairs(), ["c=3", "ca=33"]);
    let found = envoy.kv_list(&actor, prefix(""), None, Some(1)).await.unwrap();
    assert_eq!(found.pairs(), ["a=1"]);
    let found = envoy.kv_list(&actor, prefix("c"), Some(true), Some(1)).await.unwrap();
    assert_eq!(found.pairs(), ["ca=33"]);
}

#[tokio::test]
async fn a_range_includes_its_end_unless_told_otherwise() {
    let (envoy, actor) = filled().await;
    let found = envoy.kv_list(&actor, range("b", "d", false), None, None).await.unwrap();
    assert_eq!(found.pairs(), ["b=2", "c=3", "ca=33", "d=4"]);
    let found = envoy.kv_list(&actor, range("b", "d", true), None, None).await.unwrap();
    assert_eq!(found.pairs(), ["b=2", "c=3", "ca=33"]);
}

#[tokio::test]
async fn deleting_what_is_not_there_is_no_error() {
    let (envoy, actor) = filled().await;
    envoy.kv_delete(&actor, &["a", "zz"]).await.unwrap();
    assert_eq!(envoy.kv_get(&actor, &["a", "b"]).await.unwrap().pairs(), ["b=2"]);
}

#[tokio::test]
async fn deleting_a_range_leaves_its_end() {
    let (envoy, actor) = filled().await;
    envoy.kv_delete_range(&actor, "b", "d").await.unwrap();
    let left = envoy.kv_list(&actor, all(), None, None).await.unwrap();
    assert_eq!(left.pairs(), ["a=1", "d=4"]);
    envoy.kv_delete_range(&actor, "z", "a").await.unwrap();
    let left = envoy.kv_list(&actor, all(), None, None).await.unwrap();
    assert_eq!(left.pairs(), ["a=1", "d=4"]);
}

#[tokio::test]
async fn dropping_deletes_everything_of_this_actor_alone() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let (one, two) = (namespace.running_actor(&envoy).await, namespace.running_actor(&envoy).await);
    envoy.kv_put(&one, &[("a", "1")]).await.unwrap();
    envoy.kv_put(&two, &[("a", "2")]).await.unwrap();
    let dropped = envoy.kv(&one, KvRequestData::KvDropRequest).await;
    assert_eq!(dropped, KvResponseData::KvDropResponse);
    assert_eq!(envoy.kv_list(&one, all(), None, None).await.unwrap().pairs(), [""; 0]);
    assert_eq!(envoy.kv_list(&two, all(), None, None).await.unwrap().pairs(), ["a=2"]);
}

#[tokio::test]
async fn requests_of_one_actor_are_answered_in_order() {
    let (envoy, actor) = actor().await;
    let texts: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let writes = texts.iter().map(|text| {
        let (envoy, actor) = (&envoy, &actor);
        async move { envoy.kv_put(actor, &[("a", text.as_str())]).await }
    });
    for outcome in futures_util::future::join_all(writes).await {
        outcome.unwrap();
    }
    assert_eq!(envoy.kv_get(&actor, &["a"]).await.unwrap().pairs(), ["a=49"]);
}

#[tokio::test]
async fn an_actor_of_another_namespace_is_out_of_reach() {
    let engine = Engine::shared().await;
    let (here, there) = (Namespace::new(engine).await, Namespace::new(engine).await);
    let (owner, stranger) = (here.envoy().await, there.envoy().await);
    let actor = here.running_actor(&owner).await;
    owner.kv_put(&actor, &[("a", "1")]).await.unwrap();
    let refused = stranger.kv_get(&actor, &["a"]).await;
    assert_eq!(refused.unwrap_err(), "actor does not exist");
    assert!(stranger.kv_put(&actor, &[("a", "2")]).await.is_err());
    assert_eq!(owner.kv_get(&actor, &["a"]).await.unwrap().pairs(), ["a=1"]);
}

#[tokio::test]
async fn an_id_that_is_none_is_told_so() {
    let (envoy, _actor) = actor().await;
    let refused = envoy.kv_get("abc", &["a"]).await;
    assert_eq!(refused.unwrap_err(), "invalid input length: expected at least 4 characters");
}
