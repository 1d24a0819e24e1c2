//! The bytes on the wire.

use std::collections::HashMap;

use rivet_conformance::{
    engine::Engine,
    envoy::Options,
    namespace::Namespace,
    protocol::{self, *},
    wait::eventually,
};
use vbare::OwnedVersionedData as _;

/// What the published JavaScript encoder makes of these messages.
fn to_envoy_vectors() -> Vec<(ToEnvoy, &'static str)> {
    let checkpoint = |index| ActorCheckpoint { actor_id: "a".to_owned(), generation: 1, index };
    let id = |message_index| MessageId {
        gateway_id: [1, 2, 3, 4],
        request_id: [5, 6, 7, 8],
        message_index,
    };
    let tunnel = |index, message_kind| {
        ToEnvoy::ToEnvoyTunnelMessage(ToEnvoyTunnelMessage { message_id: id(index), message_kind })
    };
    let start = CommandStartActor {
        config: ActorConfig {
            name: "counter".to_owned(),
            key: Some("k1".to_owned()),
            create_ts: 2,
            input: None,
        },
        hibernating_requests: vec![HibernatingRequest {
            gateway_id: [1, 2, 3, 4],
            request_id: [5, 6, 7, 8],
        }],
        preloaded_kv: None,
    };
    vec![
        (
            ToEnvoy::ToEnvoyInit(ToEnvoyInit {
                metadata: ProtocolMetadata {
                    envoy_lost_threshold: 15_000,
                    actor_stop_threshold: 1_800_000,
                    max_response_payload_size: 20_971_520,
                },
            }),
            "00983a00000000000040771b00000000000000400100000000",
        ),
        (ToEnvoy::ToEnvoyPing(ToEnvoyPing { ts: 1 }), "050100000000000000"),
        (
            ToEnvoy::ToEnvoyCommands(vec![CommandWrapper {
                checkpoint: checkpoint(1),
                inner: Command::CommandStartActor(start),
            }]),
            "010101610100000001000000000000000007636f756e74657201026b3102000000000000000001010203040506070800",
        ),
        (
            ToEnvoy::ToEnvoyCommands(vec![CommandWrapper {
                checkpoint: checkpoint(2),
                inner: Command::CommandStopActor(CommandStopActor {
                    reason: StopActorReason::Destroy,
                }),
            }]),
            "010101610100000002000000000000000102",
        ),
        (
            tunnel(
                0,
                ToEnvoyTunnelMessageKind::ToEnvoyRequestStart(ToEnvoyRequestStart {
                    actor_id: "a".to_owned(),
                    actor_generation: None,
                    method: "GET".to_owned(),
                    path: "/x".to_owned(),
                    headers: HashMap::from([("h".to_owned(), "v".to_owned())]),
                    body: None,
                    stream: false,
                    response_stream: false,
                }),
            ),
            "04010203040506070800000001610003474554022f780101680176000000",
        ),
        (
            tunnel(
                0x0102,
                ToEnvoyTunnelMessageKind::ToEnvoyWebSocketClose(ToEnvoyWebSocketClose {
                    code: Some(1000),
                    reason: Some("bye".to_owned()),
                }),
            ),
            "04010203040506070802010701e8030103627965",
        ),
    ]
}

fn encode(message: ToEnvoy) -> Vec<u8> {
    protocol::versioned::ToEnvoy::wrap_latest(message).serialize(8).unwrap()
}

#[test]
fn the_published_types_encode_as_the_published_javascript_does() {
    for (message, expected) in to_envoy_vectors() {
        let said = format!("{message:?}");
        assert_eq!(hex::encode(encode(message)), expected, "{said}");
    }
}

#[tokio::test]
async fn what_the_engine_sends_is_encoded_without_a_version_in_front() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    namespace.running_actor(&envoy).await;
    let frames = envoy.inbox().frames(|_| true);
    assert!(frames.len() >= 2);
    let messages = envoy.inbox().all(|message| Some(message.clone()));
    for (message, frame) in messages.into_iter().zip(frames) {
        assert_eq!(hex::encode(encode(message)), hex::encode(frame));
    }
}

#[tokio::test]
async fn init_tells_the_thresholds() {
    let engine = Engine::start(&[
        ("PEGBOARD__ENVOY_LOST_THRESHOLD", "15000"),
        ("PEGBOARD__ACTOR_STOP_THRESHOLD", "1800000"),
    ])
    .await;
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    let frames = envoy.inbox().frames(|message| matches!(message, ToEnvoy::ToEnvoyInit(_)));
    assert_eq!(hex::encode(&frames[0]), "00983a00000000000040771b00000000000000400100000000");
}

#[tokio::test]
async fn metadata_as_the_published_javascript_encodes_it_is_understood() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    envoy.send_raw(hex::decode("00010107636f756e746572027b7d00").unwrap());
    eventually("the name is listed", || async {
        let names = namespace.get("/actors/names").await.ok();
        names["names"]["counter"].is_object().then_some(())
    })
    .await;
}

#[tokio::test]
async fn frames_that_are_no_message_are_ignored() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    for frame in [&b""[..], &b"\xff\xff\xff"[..], &b"\x01\xff\xff\xff\xff\x0f"[..], &b"\x05"[..]] {
        envoy.send_raw(frame.to_vec());
    }
    let actor = namespace.running_actor(&envoy).await;
    assert_eq!(envoy.kv_put(&actor, &[("a", "1")]).await, Ok(()));
}

#[tokio::test]
async fn protocol_7_is_spoken() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options { protocol: 7, ..Options::default() }).await;
    let actor = namespace.running_actor(&envoy).await;
    assert_eq!(envoy.kv_put(&actor, &[("a", "1")]).await, Ok(()));
    assert_eq!(envoy.kv_get(&actor, &["a"]).await.unwrap().pairs(), ["a=1"]);
    assert_eq!(namespace.call(&actor, "/hello").await.text(), "GET /hello");
}
