//! How far a drain is, and who is next: decided without a clock and without I/O.

use serde::Serialize;

use crate::clock::Millis;

/// How long an actor with a request in flight is left alone, in milliseconds: most requests are done
/// by then, and an actor that is never without one must not keep the engine from draining.
const BUSY: Millis = 10_000;

/// What the engine does about actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// They start when somebody needs them.
    Serving,
    /// None starts, and some still run or are talked to.
    Draining,
    /// None starts, none runs, and nothing is in flight.
    Drained,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What the engine does about actors.
    pub state: State,
    /// When the drain began, in milliseconds.
    pub since_ts: Option<Millis>,
    /// Actors that run, start or stop.
    pub actors_running: u64,
    /// Requests to actors whose answer has not begun, or streams.
    pub requests_in_flight: usize,
    /// Sockets of clients. Those of actors that sleep stay open, and keep nobody from stopping.
    pub sockets_open: usize,
    /// Envoys that are connected: they stay.
    pub envoys: usize,
}

impl State {
    /// The state of an engine that drains since `since`. `settled`: no start that began before is
    /// under way, so that what was counted stays so.
    pub fn of(since: Option<Millis>, settled: bool, actors: u64, requests: usize) -> Self {
        match since {
            None => Self::Serving,
            Some(_) if settled && actors == 0 && requests == 0 => Self::Drained,
            Some(_) => Self::Draining,
        }
    }
}

/// Whether an actor with so many `requests` in flight is asked to sleep when the engine drains since
/// `since`.
pub fn is_next(requests: usize, since: Millis, now: Millis) -> bool {
    requests == 0 || now.saturating_sub(since) >= BUSY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_drained_when_nothing_runs_nothing_is_in_flight_and_nothing_is_about_to_start() {
        assert_eq!(State::of(Some(1), true, 0, 0), State::Drained);

        assert_eq!(State::of(Some(1), true, 1, 0), State::Draining);
        assert_eq!(State::of(Some(1), true, 0, 1), State::Draining);
        assert_eq!(State::of(Some(1), false, 0, 0), State::Draining);
    }

    #[test]
    fn an_engine_that_was_not_asked_to_drain_serves_even_when_it_has_nothing_to_do() {
        assert_eq!(State::of(None, true, 0, 0), State::Serving);
    }

    #[test]
    fn an_actor_sleeps_at_once_when_nobody_talks_to_it_and_after_a_while_when_somebody_does() {
        assert!(is_next(0, 1000, 1000));
        assert!(!is_next(1, 1000, 1000 + BUSY - 1));
        assert!(is_next(1, 1000, 1000 + BUSY));
        assert!(!is_next(1, 1000, 0), "the clock went back");
    }
}
