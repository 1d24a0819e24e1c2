//! Pools of the same name in two namespaces have nothing to do with each other.

use super::*;
use crate::envoys::ConnectionOf;

const NOW: Millis = 1_000;

fn envoys() -> Envoys {
    Envoys::new(Thresholds { eligible: 10_000, lost: 15_000 })
}

fn connect(envoys: &Envoys, namespace_id: Id, version: u32) -> Arc<EnvoyConnection> {
    let (connection, _) = EnvoyConnection::new(ConnectionOf {
        envoy: EnvoyId { namespace_id, key: "an-envoy".into() },
        namespace: "some".into(),
        pool: "pool".into(),
        version,
        protocol_version: 8,
    });
    envoys.attach(&connection, NOW);
    connection
}

#[test]
fn an_actor_is_placed_and_counted_in_its_own_namespace() {
    let (envoys, here, there) = (envoys(), Id::random(1), Id::random(1));
    let theirs = connect(&envoys, there, 1);
    envoys.place(theirs.envoy(), "pool", Id::random(1), NOW);

    assert_eq!(envoys.pick(&here, "pool", NOW), None);
    assert_eq!(envoys.actors_in_pool(&here, "pool"), 0);
    assert!(envoys.list(&here).is_empty());
    assert_eq!(envoys.protocol_version(&here, "pool"), None);
    assert_eq!(envoys.pick(&there, "pool", NOW).as_ref(), Some(theirs.envoy()));
    assert_eq!(envoys.actors_in_pool(&there, "pool"), 1);
}

#[test]
fn a_newer_version_of_a_pool_drains_no_envoy_of_the_other_namespace() {
    let (envoys, here, there) = (envoys(), Id::random(1), Id::random(1));
    let ours = connect(&envoys, here, 1);
    connect(&envoys, there, 1);

    let older = envoys.older_than(&here, "pool", 2);

    assert_eq!(older.iter().map(|one| one.envoy()).collect::<Vec<_>>(), [ours.envoy()]);
}
