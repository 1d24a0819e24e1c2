//! When a bundle was made: said by the caller, by `SOURCE_DATE_EPOCH`, or now. The only reader of
//! the clock on this side.

use std::fmt;

use jiff::Timestamp;

use super::{ProduceError, RecipeError};

const EXPECTED: &str = "RFC 3339, for example 2027-01-01T00:00:00Z";
const EXPECTED_EPOCH: &str = "seconds since 1970-01-01, as a number";

/// A time of creation, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Created(Timestamp);

impl Created {
    /// From `--created` (RFC 3339 or seconds), else from `SOURCE_DATE_EPOCH`, else now.
    pub(crate) fn decide(flag: Option<&str>, epoch: Option<&str>) -> Result<Self, ProduceError> {
        match (flag, epoch.filter(|epoch| !epoch.is_empty())) {
            (Some(text), _) => parse(text)
                .or_else(|| parse_epoch(text))
                .map(Self)
                .ok_or_else(|| bad("--created", text, EXPECTED)),
            (None, Some(text)) => parse_epoch(text)
                .map(Self)
                .ok_or_else(|| bad("SOURCE_DATE_EPOCH", text, EXPECTED_EPOCH)),
            (None, None) => {
                let now = Timestamp::now().as_second();
                Ok(Self(Timestamp::from_second(now).expect("it was a timestamp before")))
            }
        }
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(self) -> u64 {
        u64::try_from(self.0.as_second()).expect("times before 1970 are refused")
    }
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `product.not_after` in seconds.
pub(super) fn parse_not_after(text: &str) -> Result<u64, RecipeError> {
    let seconds = parse(text).and_then(|time| u64::try_from(time.as_second()).ok());
    seconds.ok_or_else(|| RecipeError::Value {
        field: "product.not_after".into(),
        found: text.to_owned(),
        expected: EXPECTED.into(),
    })
}

fn parse(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    (time.as_second() >= 0 && time.subsec_nanosecond() == 0).then_some(time)
}

fn parse_epoch(text: &str) -> Option<Timestamp> {
    let seconds: u32 = text.parse().ok()?;
    Timestamp::from_second(i64::from(seconds)).ok()
}

fn bad(origin: &'static str, found: &str, expected: &'static str) -> ProduceError {
    ProduceError::Time { origin, found: found.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_environment() {
        let created = Created::decide(Some("2026-01-02T03:04:05Z"), Some("7")).unwrap();
        assert_eq!(created.to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(Created::decide(None, Some("7")).unwrap().seconds(), 7);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (flag, epoch) in [
            (Some("soon"), None),
            (None, Some("-1")),
            (None, Some("1.5")),
            (Some("1960-01-01T00:00:00Z"), None),
        ] {
            assert!(Created::decide(flag, epoch).is_err(), "{flag:?} {epoch:?}");
        }
    }
}
