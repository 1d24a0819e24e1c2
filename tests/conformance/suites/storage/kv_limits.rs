//! How much fits into one key-value request.

use rivet_conformance::{
    engine::Engine,
    envoy::{Envoy, kv::all},
    namespace::Namespace,
    protocol::{KvPutRequest, KvRequestData, KvResponseData},
};

async fn actor() -> (Envoy, String) {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    (envoy, actor)
}

async fn put(envoy: &Envoy, actor: &str, keys: Vec<Vec<u8>>, values: Vec<Vec<u8>>) -> bool {
    let request = KvRequestData::KvPutRequest(KvPutRequest { keys, values });
    match envoy.kv(actor, request).await {
        KvResponseData::KvPutResponse => true,
        KvResponseData::KvErrorResponse(_) => false,
        other => panic!("{other:?}"),
    }
}

fn keys(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| format!("k{number}").into_bytes()).collect()
}

#[tokio::test]
async fn a_request_names_at_most_128_keys() {
    let (envoy, actor) = actor().await;
    assert!(put(&envoy, &actor, keys(128), vec![b"v".to_vec(); 128]).await);
    assert!(!put(&envoy, &actor, keys(129), vec![b"v".to_vec(); 129]).await);
    let names = keys(129);
    let names: Vec<&str> = names.iter().map(|key| std::str::from_utf8(key).unwrap()).collect();
    assert_eq!(envoy.kv_get(&actor, &names[..128]).await.unwrap().keys.len(), 128);
    let refused = envoy.kv_get(&actor, &names).await;
    assert_eq!(refused.unwrap_err(), "a maximum of 128 keys is allowed");
    assert!(envoy.kv_delete(&actor, &names).await.is_err());
}

#[tokio::test]
async fn a_key_has_at_most_2046_bytes() {
    let (envoy, actor) = actor().await;
    assert!(put(&envoy, &actor, vec![vec![b'k'; 2046]], vec![b"v".to_vec()]).await);
    assert!(!put(&envoy, &actor, vec![vec![b'k'; 2047]], vec![b"v".to_vec()]).await);
}

#[tokio::test]
async fn a_value_has_at_most_128_kibibytes() {
    let (envoy, actor) = actor().await;
    assert!(put(&envoy, &actor, vec![b"k".to_vec()], vec![vec![7; 131_072]]).await);
    assert!(!put(&envoy, &actor, vec![b"k".to_vec()], vec![vec![7; 131_073]]).await);
}

#[tokio::test]
async fn a_put_has_at_most_976_kibibytes() {
    let (envoy, actor) = actor().await;
    assert!(put(&envoy, &actor, keys(7), vec![vec![7; 131_072]; 7]).await);
    assert!(!put(&envoy, &actor, keys(8), vec![vec![7; 130_000]; 8]).await);
}

#[tokio::test]
async fn keys_and_values_come_in_pairs() {
    let (envoy, actor) = actor().await;
    assert!(!put(&envoy, &actor, keys(2), vec![b"v".to_vec()]).await);
    assert_eq!(envoy.kv_list(&actor, all(), None, None).await.unwrap().pairs(), [""; 0]);
}

#[tokio::test]
async fn a_key_may_be_empty_and_so_may_a_put() {
    let (envoy, actor) = actor().await;
    assert!(put(&envoy, &actor, vec![Vec::new()], vec![b"v".to_vec()]).await);
    assert!(put(&envoy, &actor, Vec::new(), Vec::new()).await);
    assert_eq!(envoy.kv_get(&actor, &[""]).await.unwrap().pairs(), ["=v"]);
}
