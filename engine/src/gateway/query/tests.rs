//! What parameters say, and what is said about wrong ones.

use proptest::prelude::*;

use super::*;

const GET: &str = "rvt-namespace=default&rvt-method=get";
const CREATE: &str = "rvt-namespace=default&rvt-method=getOrCreate";

fn code(query: &str) -> String {
    let (group, code, _) = parse("counter", query).unwrap_err().wire();
    format!("{group}.{code}")
}

fn detail(query: &str) -> String {
    match parse("counter", query).unwrap_err() {
        GatewayError::QueryInvalidParams { detail } => detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_query_that_a_client_of_upstream_sends_is_understood() {
    let params = parse(
        "counter",
        "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=a%2Cb\
         &rvt-crash-policy=sleep&rvt-token=dev&x=1",
    )
    .unwrap();

    let create = Create {
        pool: "default".to_owned(),
        input: None,
        region: None,
        crash_policy: CrashPolicy::Sleep,
    };
    let query = Query {
        namespace: "default".to_owned(),
        name: "counter".to_owned(),
        key: "a/b".to_owned(),
        create: Some(create),
    };
    let expected = Params { query, token: Some("dev".to_owned()), skip_ready_wait: false };
    assert_eq!(params, expected);
}

#[test]
fn a_pool_wins_over_a_runner_and_all_parameters_of_a_new_actor_count() {
    let query = format!(
        "{CREATE}&rvt-runner=r&rvt-pool=p+q&rvt-input=oA&rvt-region=eu&rvt-crash-policy=destroy\
         &rvt-skip-ready-wait=1"
    );

    let params = parse("counter", &query).unwrap();

    let create = params.query.create.unwrap();
    assert_eq!(create.pool, "p q");
    assert_eq!(create.input.as_deref(), Some(&b"\xa0"[..]));
    assert_eq!(create.region.as_deref(), Some("eu"));
    assert_eq!(create.crash_policy, CrashPolicy::Destroy);
    assert!(params.skip_ready_wait);
    assert_eq!(params.query.key, "/");
}

#[test]
fn wrong_parameters_are_named() {
    assert_eq!(
        detail(&format!("{GET}&rvt-bad=1")),
        "unknown field `bad`, expected one of `namespace`, `method`, `runner`, `pool`, `key`, \
         `input`, `region`, `crash-policy`, `token`, `skip-ready-wait`"
    );
    assert_eq!(detail("rvt-method=get"), "missing field `namespace`");
    assert_eq!(detail("rvt-namespace=default"), "missing field `method`");
    assert_eq!(
        detail("rvt-namespace=a&rvt-method=foo"),
        "unknown method: foo, expected get or getOrCreate"
    );
    assert_eq!(
        detail(&format!("{CREATE}&rvt-pool=p&rvt-crash-policy=explode")),
        "unknown crash policy: explode, expected restart, sleep, or destroy"
    );
    assert_eq!(
        detail(&format!("{GET}&rvt-skip-ready-wait=maybe")),
        "invalid type: string \"maybe\", expected a boolean"
    );
}

#[test]
fn every_other_mistake_has_a_code_of_its_own() {
    assert_eq!(code(&format!("{GET}&rvt-method=get")), "guard.query_duplicate_param");
    assert_eq!(code(CREATE), "guard.query_missing_pool");
    for field in ["input=oA", "region=default", "crash-policy=sleep"] {
        assert_eq!(
            code(&format!("{GET}&rvt-{field}")),
            "guard.query_get_disallowed_params",
            "{field}"
        );
    }
    let create = format!("{CREATE}&rvt-pool=p");
    assert_eq!(code(&format!("{create}&rvt-input=%21")), "guard.query_invalid_base64_input");
    assert_eq!(code(&format!("{create}&rvt-input=_w")), "guard.query_invalid_cbor_input");
    assert_eq!(code(&format!("{GET}&rvt-key=%FF")), "guard.query_invalid_percent_encoding");
    let unnamed = parse("", GET).unwrap_err();
    assert!(matches!(unnamed, GatewayError::QueryEmptyActorName));
}

#[test]
fn a_pool_is_tolerated_where_none_is_needed() {
    assert!(parse("counter", &format!("{GET}&rvt-pool=p&rvt-runner=r")).is_ok());
}

proptest! {
    #[test]
    fn every_byte_that_is_not_ours_stays(
        others in proptest::collection::vec("[a-z%=+.~!-]{0,8}", 0..6),
        at in 0_usize..6,
    ) {
        prop_assume!(others.iter().all(|pair| !pair.starts_with(PREFIX)));
        let mut pairs = others.clone();
        pairs.insert(at.min(pairs.len()), "rvt-namespace=a%20b".to_owned());

        prop_assert_eq!(without_params(&pairs.join("&")), others.join("&"));
    }

    #[test]
    fn no_query_makes_the_parser_fail_otherwise(query in ".{0,200}") {
        let _ = parse("counter", &query);
    }
}
