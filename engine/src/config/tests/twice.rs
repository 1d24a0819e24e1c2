//! Which of two values would count is nobody's guess.

use super::*;

#[test]
fn one_file_that_says_two_things_under_both_spellings_is_refused() {
    let text = "file_system: {path: /a}\ndatabase: {file_system: {path: /b}}\n";

    let refused = refusal(from_files(&[("a.yaml", text)]));

    assert!(refused.contains("`file_system.path` is set twice, to different values"), "{refused}");
    assert!(from_files(&[("a.yaml", &text.replace("/b", "/a"))]).is_ok());
}

/// The parsers take the last one: a block that is there twice would lose its first half.
#[test]
fn a_name_that_is_twice_in_a_table_is_refused_with_its_path() {
    for (name, text, path) in [
        ("a.json", r#"{"guard": {"port": 7000}, "guard": {"tcp_nodelay": true}}"#, "guard"),
        ("a.json5", "{guard: {port: 7000, port: 7001}}", "guard.port"),
        ("a.yaml", "guard:\n  port: 7000\nmetrics: {}\nguard:\n  tcp_nodelay: true\n", "guard"),
        ("a.yaml", "guard: {port: 7000, 'port': 7001}", "guard.port"),
        (
            "a.yaml",
            "topology: {datacenters: [{name: a, datacenter_label: 1, name: b}]}",
            "topology.datacenters.0.name",
        ),
    ] {
        let problems = from_files(&[(name, text)]).unwrap_err();

        let [ConfigError::Repeated { key, .. }] = &problems.0[..] else { panic!("{problems}") };
        assert_eq!(key, path, "{text}");
        assert!(problems.to_string().contains("is there twice"), "{problems}");
    }
}

#[test]
fn what_comes_of_a_block_that_is_there_twice_is_not_said_as_well() {
    let dir = directory(&[("a.yaml", "auth: {admin_token: 0123456789abcdef}\nauth: {}\n")]);
    let given = vec![dir.path().join("a.yaml").into_std_path_buf()];

    let problems = load(&Sources { given, fallback: "/x".into() }, &environment(&[])).unwrap_err();

    assert!(matches!(problems.0[..], [ConfigError::Repeated { .. }]), "{problems}");
}

#[test]
fn the_same_value_twice_is_no_mistake() {
    let text = "{guard: {port: 7000, port: 7000}, metrics: {port: 1}, metrics: {port: 1}}";

    assert_eq!(from_files(&[("a.json5", text)]).unwrap().settings.guard.port, 7000);
}

#[test]
fn a_variable_that_says_it_in_both_letter_cases_is_refused() {
    let refused =
        refusal(from_variables(&[TOKEN, ("RIVET__GUARD__PORT", "1"), ("RIVET__guard__port", "2")]));

    assert!(refused.contains("`guard.port` is set twice"), "{refused}");
    assert!(refused.contains("RIVET__GUARD__PORT") && refused.contains("RIVET__guard__port"));
}

#[test]
fn a_datacenter_with_two_numbers_is_refused() {
    let text = |label: u8| {
        format!(
            "topology: {{datacenter_label: 1, datacenters: {{a: {{datacenter_label: {label}}}}}}}"
        )
    };

    let refused = refusal(from_files(&[("a.yaml", &text(2))]));

    assert!(refused.contains("`topology.datacenter_label` is 1"), "{refused}");
    assert!(refused.contains("has label 2"), "{refused}");
    assert!(from_files(&[("a.yaml", &text(1))]).is_ok());
}
