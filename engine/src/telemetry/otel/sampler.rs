//! Which traces are recorded.

use super::context::TraceContext;

/// How many different values the part of a trace's id has that decides.
const VALUES: u64 = 1 << 63;

/// Follows the caller where there is one, and takes a share of all other traces, by their ids: so
/// everybody who samples with the same ratio records the same traces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampler {
    /// Ids below are recorded.
    below: u64,
}

impl Sampler {
    /// Records this share of the traces that begin here, from 0 to 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of 2^63, as near as a float comes"
    )]
    pub(super) fn new(ratio: f64) -> Self {
        Self { below: (ratio.clamp(0.0, 1.0) * VALUES as f64) as u64 }
    }

    /// Whether a trace is recorded.
    pub(super) fn records(self, parent: Option<&TraceContext>, trace_id: &[u8; 16]) -> bool {
        if let Some(parent) = parent {
            return parent.sampled;
        }
        // The last eight bytes are those that are random in every trace.
        let decides = u128::from_be_bytes(*trace_id) & u128::from(u64::MAX);
        decides >> 1 < u128::from(self.below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace_id(low: u64) -> [u8; 16] {
        u128::from(low).to_be_bytes()
    }

    #[test]
    fn all_or_none_are_recorded_at_the_ends() {
        for low in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(Sampler::new(1.0).records(None, &trace_id(low)), "{low}");
            assert!(!Sampler::new(0.0).records(None, &trace_id(low)), "{low}");
        }
    }

    #[test]
    fn a_share_of_the_ids_is_recorded() {
        let quarter = Sampler::new(0.25);
        let recorded = (0..1000_u64)
            .filter(|step| quarter.records(None, &trace_id(step * (u64::MAX / 1000))))
            .count();

        assert!((249..=251).contains(&recorded), "{recorded}");
    }

    #[test]
    fn the_caller_decides_where_there_is_one() {
        let parent = |sampled| TraceContext { trace_id: [1; 16], span_id: [1; 8], sampled };

        assert!(Sampler::new(0.0).records(Some(&parent(true)), &[1; 16]));
        assert!(!Sampler::new(1.0).records(Some(&parent(false)), &[1; 16]));
    }
}
