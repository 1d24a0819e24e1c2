//! `/figures`: what is counted, as one document that a page can ask for every few seconds.

use std::collections::BTreeMap;

use axum::{Json as Answer, extract::State};
use serde::Serialize;

use super::{
    Api,
    error::ApiError,
    query::{NamespaceQuery, QueryOf},
};
use crate::{lifecycle::Phase, telemetry::Figures};

/// Up to how many actors are counted one by one.
const COUNTED: usize = 10_000;

#[derive(Debug, Serialize)]
pub(super) struct Document {
    /// When the figures were read, in milliseconds.
    ts: u64,
    #[serde(flatten)]
    engine: Figures,
    /// What the data takes on the disk and in buffers on their way to it, in bytes.
    storage_bytes: u64,
    /// Of the namespace that was asked for.
    actors: Actors,
}

#[derive(Debug, Serialize)]
struct Actors {
    /// How many are in each state; destroyed ones are not counted.
    by_state: BTreeMap<&'static str, usize>,
    /// Whether there are more than were counted.
    more: bool,
}

pub(super) async fn figures(
    State(api): State<Api>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
) -> Result<Answer<Document>, ApiError> {
    let namespace_id = api.lifecycle.namespace_id(&namespace).await?;
    let there = api.directory.count_actors(namespace_id, COUNTED + 1).await?;
    let awake = api.lifecycle.awake(&namespace_id);
    Ok(Answer(Document {
        ts: api.lifecycle.now(),
        engine: api.metrics.figures(),
        storage_bytes: api.directory.storage_bytes()?,
        actors: Actors { by_state: by_state(there.min(COUNTED), &awake), more: there > COUNTED },
    }))
}

/// The actors that are `there`, of which those that are awake are known by their phase.
fn by_state(there: usize, awake: &[Phase]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::from_iter(Phase::ALL.map(|phase| (phase.name(), 0)));
    counts.remove(Phase::Destroyed.name());
    for phase in awake {
        if let Some(count) = counts.get_mut(phase.name()) {
            *count += 1;
        }
    }
    counts.insert(Phase::Sleeping.name(), there.saturating_sub(awake.len()));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_not_awake_sleeps() {
        let counts = by_state(5, &[Phase::Running, Phase::Running, Phase::Pending]);

        let expected =
            [("pending", 1), ("running", 2), ("sleeping", 2), ("starting", 0), ("stopping", 0)];
        assert_eq!(counts, BTreeMap::from(expected));
    }

    #[test]
    fn actors_that_came_while_the_others_were_counted_do_no_harm() {
        assert_eq!(by_state(0, &[Phase::Starting])["sleeping"], 0);
    }
}
