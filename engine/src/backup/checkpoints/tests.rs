use super::*;
use crate::keyspace::tables::FORMAT;

const HOUR: Millis = 3_600_000;

fn manifest(create_ts: Millis) -> Manifest {
    Manifest {
        form: FORM.to_owned(),
        id: CheckpointId::new(create_ts),
        create_ts,
        engine_version: "0.1.0".to_owned(),
        data_format: FORMAT,
        sequence: 1,
        files: Vec::new(),
    }
}

#[test]
fn those_go_that_are_too_many_or_too_old_and_never_the_newest() {
    let manifests = [9, 8, 7, 6].map(|hour| manifest(hour * HOUR));
    let ids =
        |indexes: &[usize]| -> Vec<_> { indexes.iter().map(|at| &manifests[*at].id).collect() };
    let beyond = |max_count, max_age| {
        beyond(&CheckpointSettings { max_count, max_age }, &manifests, 10 * HOUR)
    };

    assert_eq!(beyond(4, 100 * HOUR), ids(&[]));
    assert_eq!(beyond(2, 100 * HOUR), ids(&[2, 3]));
    assert_eq!(beyond(4, 2 * HOUR), ids(&[2, 3]));
    assert_eq!(beyond(4, 0), ids(&[1, 2, 3]));
}
