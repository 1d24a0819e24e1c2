//! What is sent to an OpenTelemetry collector.

use std::time::Duration;

use super::*;
use crate::telemetry::otel::ExportSettings;

fn export(variables: &[(&str, &str)]) -> ExportSettings {
    from_variables(&[&[TOKEN], variables].concat()).unwrap().settings.otel
}

#[test]
fn nothing_is_sent_unless_somebody_asks_for_it() {
    let defaults = export(&[]);

    assert!(!defaults.enabled);
    assert_eq!(defaults.endpoint.as_str(), "http://localhost:4317/");
    assert!((defaults.sampler_ratio - 0.001).abs() < f64::EPSILON);
    assert_eq!(defaults.service_name, "rivet-engine");
    assert_eq!(defaults.metric_interval, Duration::from_mins(1));
}

#[test]
fn upstreams_variables_set_the_keys() {
    let set = export(&[
        ("RIVET_OTEL_ENABLED", "1"),
        ("RIVET_OTEL_GRPC_ENDPOINT", "http://collector.internal:4317"),
        ("RIVET_OTEL_SAMPLER_RATIO", "1"),
        ("RIVET_SERVICE_NAME", "site-7"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
    ]);
    let keys = export(&[
        ("RIVET__OTEL__ENABLED", "true"),
        ("RIVET__OTEL__GRPC_ENDPOINT", "http://collector.internal:4317/"),
        ("RIVET__OTEL__SAMPLER_RATIO", "1.0"),
        ("RIVET__OTEL__SERVICE_NAME", "site-7"),
        ("RIVET__OTEL__METRIC_INTERVAL_MS", "5000"),
    ]);

    assert!(set.enabled);
    assert_eq!(set, keys);
}

#[test]
fn its_switch_takes_what_switches_take_and_nothing_else() {
    for (text, on) in [("1", true), ("true", true), ("TRUE", true), ("0", false), ("", false)] {
        assert_eq!(export(&[("RIVET_OTEL_ENABLED", text)]).enabled, on, "{text:?}");
    }
    let refused = refusal(from_variables(&[TOKEN, ("RIVET_OTEL_ENABLED", "yes")]));
    assert!(refused.contains("RIVET_OTEL_ENABLED: `otel.enabled` must be true or false"));
    // Elsewhere a number is no switch.
    assert!(from_variables(&[TOKEN, ("RIVET__GUARD__TCP_NODELAY", "1")]).is_err());
}

#[test]
fn two_variables_for_one_key_must_say_the_same() {
    let both = |ours| {
        from_variables(&[TOKEN, ("RIVET_SERVICE_NAME", "a"), ("RIVET__OTEL__SERVICE_NAME", ours)])
    };

    assert!(both("a").is_ok());
    assert!(refusal(both("b")).contains("`otel.service_name` is set twice"));
}

#[test]
fn a_ratio_is_a_number_from_0_to_1() {
    for ratio in ["0", "0.5", "1", " 1e-3 "] {
        assert!(from_variables(&[TOKEN, ("RIVET_OTEL_SAMPLER_RATIO", ratio)]).is_ok(), "{ratio}");
    }
    for ratio in ["-0.1", "1.01", "NaN", "inf", "half", "1/2"] {
        let refused = refusal(from_variables(&[TOKEN, ("RIVET_OTEL_SAMPLER_RATIO", ratio)]));
        assert!(refused.contains("must be a number from 0 to 1"), "{ratio}: {refused}");
    }
}

#[test]
fn a_collector_is_a_url_that_is_called_without_tls() {
    for url in ["http://10.0.0.5:4317", "http://[::1]:4317/", "http://collector"] {
        assert!(from_variables(&[TOKEN, ("RIVET_OTEL_GRPC_ENDPOINT", url)]).is_ok(), "{url}");
    }
    let wrong = [
        "https://collector:4317",
        "collector:4317",
        "grpc://collector:4317",
        "http://user:word@collector:4317",
        "http://{collector}:4317",
        "http://",
    ];
    for url in wrong {
        let refused = refusal(from_variables(&[TOKEN, ("RIVET_OTEL_GRPC_ENDPOINT", url)]));
        assert!(refused.contains("must be a URL of plain HTTP"), "{url}: {refused}");
    }
}
