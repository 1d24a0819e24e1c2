//! What holds for requests in both forms of the tunnel.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    envoy::Options,
    namespace::{Namespace, gateway},
    protocol::{HttpStreamAbortReasonKind, ToEnvoy, ToEnvoyTunnelMessageKind},
    wait::eventually,
};

const LIMIT: usize = 20 << 20;

#[tokio::test]
async fn a_body_of_twenty_mebibytes_passes_and_one_byte_more_does_not() {
    for engine in [Engine::shared().await, Engine::buffering().await] {
        let namespace = Namespace::new(engine).await;
        let envoy = namespace.envoy().await;
        let actor = namespace.running_actor(&envoy).await;
        // Whoever refuses early and closes may break the connection before its answer was read.
        let answer = eventually("an answer that is read", || async {
            let request = gateway("POST", &actor, "/big").body(vec![7; LIMIT + 1]);
            request.open(engine.port()).await.ok()?.collect().await.ok()
        })
        .await;
        assert_eq!(answer.verdict(), "413 guard.invalid_request_body");
        assert_eq!(namespace.call(&actor, "/after").await.text(), "GET /after");
    }
}

#[tokio::test]
async fn a_request_in_flight_moves_to_the_next_generation_when_its_actor_stops() {
    let namespace = Namespace::new(Engine::buffering().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let app = async {
        let first = envoy.request("/hang").await;
        let seen = envoy.inbox().len();
        envoy.wants_sleep(&actor, 1);
        envoy.start_of(&actor, 2).await;
        let second = envoy.request_after(seen, "/hang").await;
        assert_eq!(second.id.message_index, 0);
        envoy.respond(&second.id, 200, &[], b"again");
        first
    };
    let (answer, _) = tokio::join!(namespace.call(&actor, "/hang"), app);
    assert_eq!(answer.text(), "again");
}

#[tokio::test]
async fn a_request_with_effects_is_delivered_once_when_its_actor_stops() {
    let namespace = Namespace::new(Engine::buffering().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let request = gateway("POST", &actor, "/hang");
    let app = async {
        envoy.request("/hang").await;
        let seen = envoy.inbox().len();
        envoy.wants_sleep(&actor, 1);
        if chosen("delivered-once", true, false) {
            let again = envoy.request_after(seen, "/hang").await;
            envoy.respond(&again.id, 200, &[], b"again");
        }
    };
    let (answer, ()) = tokio::join!(namespace.engine().send(request), app);
    let expected = chosen("delivered-once", "200", "503 guard.actor_stopped_while_waiting");
    assert_eq!(answer.verdict(), expected);
}

#[tokio::test]
async fn a_request_in_flight_fails_when_its_actor_is_destroyed() {
    for engine in [Engine::shared().await, Engine::buffering().await] {
        let namespace = Namespace::new(engine).await;
        let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
        let actor = namespace.running_actor(&envoy).await;
        let target = format!("/actors/{actor}");
        let app = async {
            envoy.request("/hang").await;
            namespace.delete(&target).await.ok();
        };
        let (answer, ()) = tokio::join!(namespace.call(&actor, "/hang"), app);
        let also = chosen(
            "destroyed-in-flight",
            "503 guard.actor_stopped_while_waiting",
            "404 actor.not_found",
        );
        let verdict = answer.verdict();
        assert!(verdict == "404 actor.not_found" || verdict == also, "{verdict}");
    }
}

#[tokio::test]
async fn a_handler_that_fails_before_it_answers_is_not_run_twice() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let request = gateway("POST", &actor, "/abort");
    let app = async {
        let mut seen = 0;
        loop {
            let request = envoy.request_after(seen, "/abort").await;
            seen = envoy.inbox().len();
            envoy.abort(&request.id, HttpStreamAbortReasonKind::HandlerError, "x");
        }
    };
    let answer = tokio::select! {
        answer = namespace.engine().send(request) => answer,
        () = app => unreachable!(),
    };
    assert!(answer.status >= 500, "{}", answer.verdict());
    let delivered = envoy.inbox().all(|message| match message {
        ToEnvoy::ToEnvoyTunnelMessage(message) => {
            matches!(message.message_kind, ToEnvoyTunnelMessageKind::ToEnvoyRequestStart(_))
                .then_some(())
        }
        _ => None,
    });
    assert!(delivered.len() <= chosen("handler-error-retry", 2, 1), "{}", delivered.len());
}

#[tokio::test]
async fn an_app_that_does_not_begin_to_answer_is_given_up() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let answer = namespace.call(&actor, "/hang").await;
    assert!(
        ["504 guard.gateway_response_start_timeout", "502 guard.retry_attempts_exceeded"]
            .contains(&answer.verdict().as_str()),
        "{}",
        answer.verdict()
    );
    envoy.kv_put(&actor, &[("a", "1")]).await.unwrap();
}

#[tokio::test]
async fn a_request_that_reaches_an_unknown_actor_in_the_app_passes_its_answer_on() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let app = async {
        let request = envoy.request("/x").await;
        let headers = [("x-rivet-error", "app.custom"), ("content-type", "application/json")];
        let body = br#"{"group":"app","code":"custom","message":"m"}"#;
        envoy.respond(&request.id, 503, &headers, body);
    };
    let (answer, ()) = tokio::join!(namespace.call(&actor, "/x"), app);
    assert_eq!(answer.verdict(), "503 app.custom");
}

#[tokio::test]
async fn many_requests_to_one_actor_are_in_flight_at_once() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let calls = (0..20).map(|number| {
        let (namespace, actor) = (&namespace, &actor);
        async move { namespace.call(actor, &format!("/{number}")).await.text() }
    });
    let app = async {
        // Answered in the opposite order of arrival.
        let mut requests = Vec::new();
        for number in 0..20 {
            requests.push((number, envoy.request(&format!("/{number}")).await));
        }
        for (number, request) in requests.into_iter().rev() {
            envoy.respond(&request.id, 200, &[], number.to_string().as_bytes());
        }
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(calls), app);
    let expected: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(answers, expected);
}
