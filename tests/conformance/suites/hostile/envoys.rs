//! Apps that misbehave.

use rivet_conformance::{
    engine::Engine,
    envoy::{
        Options,
        sqlite::{Fence, page},
    },
    namespace::Namespace,
    protocol::{KvGetRequest, KvRequestData, KvResponseData, MessageId},
};

#[tokio::test]
async fn messages_for_requests_that_nobody_made_are_ignored() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let id = MessageId { gateway_id: [9; 4], request_id: [9; 4], message_index: 0 };
    envoy.respond(&id, 200, &[], b"surprise");
    envoy.chunk(&id, b"surprise", true);
    envoy.say(&id, "surprise");
    envoy.hang_up(&id, Some(1000), None, true);
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
}

#[tokio::test]
async fn an_answer_given_twice_is_given_once() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    for path in ["/one", "/two"] {
        let app = async {
            let request = envoy.request(path).await;
            envoy.respond(&request.id, 200, &[], path.as_bytes());
            envoy.respond(&request.id, 500, &[], b"again");
        };
        let (answer, ()) = tokio::join!(namespace.call(&actor, path), app);
        assert_eq!((answer.status, answer.text().as_str()), (200, path));
    }
}

#[tokio::test]
async fn absurd_lengths_and_unknown_tags_do_no_harm() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let frames: [&[u8]; 6] = [
        // Tags that no version has.
        &[15],
        &[127, 0, 0],
        // A list of 2^63 events, and of 2^32 checkpoints.
        &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        &[2, 0xff, 0xff, 0xff, 0xff, 0x0f],
        // A KV request for an id of 2^28 bytes.
        &[5, 0x80, 0x80, 0x80, 0x80, 0x01, b'a'],
        // Text that is no UTF-8.
        &[5, 2, 0xff, 0xfe, 0, 0, 0, 0, 0, 0],
    ];
    for frame in frames {
        envoy.send_raw(frame.to_vec());
    }
    assert_eq!(envoy.kv_put(&actor, &[("a", "1")]).await, Ok(()));
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
}

#[tokio::test]
async fn page_numbers_up_to_the_greatest_are_answered() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let fence = Fence::generation(1);
    envoy.commit(&actor, vec![page(1, 1)], 1, fence).await.unwrap();
    let found = envoy.get_pages(&actor, [u32::MAX], fence).await.unwrap();
    let page = found.pages.iter().find(|page| page.pgno == u32::MAX).unwrap();
    assert_eq!(page.bytes, None);
}

#[tokio::test]
async fn an_app_that_answers_nothing_harms_no_other() {
    let namespace = Namespace::new(Engine::shared().await).await;
    namespace.pool("dead").await;
    let dead = namespace.envoy_with(Options::serving_by_hand().pool("dead")).await;
    let alive = namespace.envoy().await;
    let body =
        serde_json::json!({"name": "a", "runner_name_selector": "dead", "crash_policy": "sleep"});
    let created = namespace.post("/actors", &body).await.ok();
    let silent = created["actor"]["actor_id"].as_str().unwrap().to_owned();
    dead.start_of(&silent, 1).await;
    namespace.connectable(&silent).await;
    let actor = namespace.running_actor(&alive).await;
    let port = namespace.engine().port();
    let mut waiting = Vec::new();
    for number in 0..50 {
        let request = rivet_conformance::namespace::gateway("GET", &silent, &format!("/{number}"));
        waiting.push(tokio::spawn(request.send(port)));
    }
    dead.request("/49").await;
    for number in 0..20 {
        let path = format!("/{number}");
        assert_eq!(namespace.call(&actor, &path).await.text(), format!("GET {path}"));
    }
    for waiter in waiting {
        waiter.abort();
    }
}

#[tokio::test]
async fn a_slow_request_of_one_actor_does_not_hold_up_another() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let (busy, idle) =
        (namespace.running_actor(&envoy).await, namespace.running_actor(&envoy).await);
    let slow = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000) \
                select count(*) from n";
    let heavy = envoy.execute(&busy, 1, slow, None);
    let light = async {
        for _ in 0..5 {
            envoy.kv_put(&idle, &[("a", "1")]).await.unwrap();
            assert_eq!(namespace.call(&idle, "/x").await.text(), "GET /x");
        }
    };
    let (counted, ()) = tokio::join!(heavy, light);
    assert_eq!(counted.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn requests_for_an_actor_that_does_not_exist_are_answered() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let unknown = "9altld6eln51kd75yyx7ak8b9pbl00";
    let get = KvRequestData::KvGetRequest(KvGetRequest { keys: vec![b"a".to_vec()] });
    let answer = envoy.kv(unknown, get).await;
    let KvResponseData::KvErrorResponse(refused) = answer else { panic!("{answer:?}") };
    assert_eq!(refused.message, "actor does not exist");
    assert!(envoy.get_pages(unknown, [1], Fence::generation(1)).await.is_err());
    assert!(envoy.commit(unknown, vec![page(1, 1)], 1, Fence::generation(1)).await.is_err());
    assert!(envoy.exec(unknown, 1, "select 1").await.is_err());
}
