//! The rules that a serverless runner config has to meet. Pure.

use hyper::http::{HeaderName, HeaderValue};
use url::Url;

use super::{InvalidRunnerConfig, Limits};
use crate::{keyspace::tables::ServerlessRow, outbound::Policy};

const HEADERS_MAX: usize = 16;
const HEADER_NAME_MAX: usize = 128;
const HEADER_VALUE_MAX: usize = 4096;

/// Refuses a config that could never be called, or would cut its actors off.
pub(super) fn check(config: &ServerlessRow, limits: &Limits) -> Result<(), InvalidRunnerConfig> {
    check_url(&config.url, &limits.outbound)?;
    check_headers(config)?;
    if config.slots_per_runner == 0 {
        return Err(InvalidRunnerConfig::NoSlots);
    }
    let (drain, lifespan) = (config.drain_grace_period, config.request_lifespan);
    if drain >= lifespan {
        return Err(InvalidRunnerConfig::DrainBeyondLifespan { drain, lifespan });
    }
    let (drain_ms, threshold_ms) = (u64::from(drain) * 1000, limits.actor_stop_threshold);
    if drain_ms > threshold_ms {
        return Err(InvalidRunnerConfig::DrainBeyondStop { drain_ms, threshold_ms });
    }
    Ok(())
}

fn check_url(url: &str, policy: &Policy) -> Result<(), InvalidRunnerConfig> {
    Ok(policy.check_url(&Url::parse(url)?)?)
}

fn check_headers(config: &ServerlessRow) -> Result<(), InvalidRunnerConfig> {
    if config.headers.len() > HEADERS_MAX {
        return Err(InvalidRunnerConfig::TooManyHeaders(HEADERS_MAX));
    }
    for (name, value) in &config.headers {
        if name.len() > HEADER_NAME_MAX {
            return Err(InvalidRunnerConfig::HeaderNameTooLong(HEADER_NAME_MAX));
        }
        if value.len() > HEADER_VALUE_MAX {
            return Err(InvalidRunnerConfig::HeaderValueTooLong(HEADER_VALUE_MAX));
        }
        HeaderName::try_from(name).map_err(|_| InvalidRunnerConfig::HeaderName)?;
        HeaderValue::try_from(value).map_err(|_| InvalidRunnerConfig::HeaderValue)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { actor_stop_threshold: 1_800_000, outbound: Policy::default() }
    }

    fn config() -> ServerlessRow {
        ServerlessRow {
            url: "http://app:3000/api/rivet".to_owned(),
            headers: [("x-key".to_owned(), "value".to_owned())].into(),
            request_lifespan: 3600,
            max_concurrent_actors: 10,
            drain_grace_period: 1800,
            slots_per_runner: 1,
            min_runners: 0,
            max_runners: 10,
            runners_margin: 0,
            metadata_poll_interval: None,
        }
    }

    fn refusal(change: impl FnOnce(&mut ServerlessRow)) -> String {
        let mut config = config();
        change(&mut config);
        check(&config, &limits()).unwrap_err().to_string()
    }

    #[test]
    fn a_config_within_all_bounds_is_taken() {
        assert_eq!(check(&config(), &limits()), Ok(()));
    }

    #[test]
    fn urls_that_cannot_be_called_are_refused() {
        let url = |text: &str| refusal(|config| config.url = text.to_owned());

        assert_eq!(url("nope"), "invalid serverless url: relative URL without a base");
        assert_eq!(url("http://a:99999/"), "invalid serverless url: invalid port number");
        assert_eq!(
            url("ftp://a/"),
            "invalid serverless url: scheme \"ftp\" is not allowed, expected http or https"
        );
        assert_eq!(
            url("http://user:password@a/"),
            "invalid serverless url: url must not contain embedded credentials"
        );
        assert_eq!(
            url("http://169.254.169.254/"),
            "invalid serverless url: address 169.254.169.254 is not an allowed destination \
             (link-local)"
        );
    }

    #[test]
    fn headers_beyond_their_bounds_are_refused() {
        let header = |name: &str, value: &str| {
            refusal(|config| config.headers = [(name.to_owned(), value.to_owned())].into())
        };

        assert_eq!(header(&"a".repeat(129), ""), "invalid header name: too long (max 128)");
        assert_eq!(header("a", &"a".repeat(4097)), "invalid header value: too long (max 4096)");
        assert_eq!(header("a b", ""), "invalid header name: invalid HTTP header name");
        assert_eq!(header("a", "b\nc"), "invalid header value: failed to parse header value");
        let many = (0..17).map(|n| (format!("x{n}"), String::new())).collect();
        assert_eq!(refusal(|config| config.headers = many), "too many headers (max 16)");
    }

    #[test]
    fn periods_that_do_not_fit_into_each_other_are_refused() {
        assert_eq!(
            refusal(|config| config.request_lifespan = 900),
            "`drain_grace_period` must be less than `request_lifespan` (1800s >= 900s)"
        );
        let beyond_stop = refusal(|config| {
            config.request_lifespan = 36_000;
            config.drain_grace_period = 2000;
        });
        assert!(beyond_stop.contains("(2000000ms > 1800000ms)"), "{beyond_stop}");
        assert_eq!(refusal(|config| config.slots_per_runner = 0), "`slots_per_runner` cannot be 0");
    }
}
