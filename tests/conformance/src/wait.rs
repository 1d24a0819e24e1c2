//! Waiting for a condition. A test says what it waits for, never for how long: the deadline is there
//! so that a failure ends.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// How long anything may take before the test fails. Long, because machines are slow and shared.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer.
pub async fn eventually<T, P, F>(what: &str, probe: P) -> T
where
    P: FnMut() -> F,
    F: Future<Output = Option<T>>,
{
    let found = before_the_deadline(probe).await;
    found.unwrap_or_else(|| panic!("never happened: {what}"))
}

/// The same, for whoever has more to say than what never happened.
pub async fn before_the_deadline<T, P, F>(mut probe: P) -> Option<T>
where
    P: FnMut() -> F,
    F: Future<Output = Option<T>>,
{
    let start = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return Some(found);
        }
        if start.elapsed() >= DEADLINE {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for something that has to come.
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    let outcome = tokio::time::timeout(DEADLINE, future).await;
    outcome.unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}
