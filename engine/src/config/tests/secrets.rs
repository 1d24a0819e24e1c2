//! What may be a secret is shown nowhere.

use super::*;
use crate::config::keys::Key;

const SECRET: &str = "hunter2hunter2hunter2";

/// Everything that is said about a configuration: what `config show` prints, and what is wrong.
fn all_that_is_said(sources: &Sources, environment: &Environment) -> String {
    let found = Found::read(sources, environment);
    let entries = found.entries();
    let shown = format!("{}{}", Entry::text(&entries), Entry::list(&entries));
    let loaded = found.loaded();
    let warnings = loaded.as_ref().map(|loaded| loaded.warnings.concat()).unwrap_or_default();
    let problems = loaded.as_ref().err().map(ToString::to_string).unwrap_or_default();
    format!("{shown}{warnings}{problems}{loaded:?}")
}

fn of_file(name: &str, text: &str) -> String {
    let dir = directory(&[(name, text)]);
    let given = vec![dir.path().join(name).into_std_path_buf()];
    all_that_is_said(&Sources { given, fallback: "/x".into() }, &environment(&[]))
}

#[test]
fn a_file_that_does_not_parse_is_named_with_the_place_and_nothing_of_its_text() {
    for (name, text, place) in [
        // A comma is missing behind the token.
        ("a.json", format!("{{\"auth\": {{\n\"admin_token\": \"{SECRET}\" \"x\": 1}}}}"), "line 2"),
        ("a.json5", format!("{{auth: {{admin_token: '{SECRET}}}}}"), "line 1"),
        ("a.jsonc", format!("{{auth: {{admin_token: {SECRET}}}}}"), "line 1"),
        ("a.yaml", format!("auth:\n  admin_token: \"{SECRET}\n"), "line"),
        ("a.yaml", format!("auth:\n  admin_token: {SECRET}: x\n"), "line 2"),
        ("a.yaml", format!("auth:\n  admin_token: *{SECRET}\n"), "line 2"),
        ("a.yaml", format!("auth:\n  admin_token: !{SECRET} x\n"), "line 2"),
    ] {
        let said = of_file(name, &text);

        assert!(said.contains(name) && said.contains("the file is not"), "{said}");
        assert!(said.contains(place), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_mistake_in_a_file_is_one_line() {
    let dir = directory(&[("a.json", "{\n\"guard\": {\"port\": 1 \"host\": 2}\n}")]);
    let given = vec![dir.path().join("a.json").into_std_path_buf()];

    let refused = refusal(load(&Sources { given, fallback: "/x".into() }, &environment(&[TOKEN])));

    assert_eq!(refused.lines().count(), 1, "{refused}");
}

#[test]
fn a_token_that_stands_where_a_block_belongs_is_not_shown() {
    let said = of_file("a.yaml", &format!("auth: {SECRET}\n"));

    assert!(said.contains("`auth` must be a table of keys"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_token_of_many_digits_is_text_and_not_shown() {
    let digits = "123456789012345678901234567890";
    let dir = directory(&[("a.yaml", &format!("auth: {{admin_token: {digits}}}\n"))]);
    let given = vec![dir.path().join("a.yaml").into_std_path_buf()];
    let sources = Sources { given, fallback: "/x".into() };

    let said = all_that_is_said(&sources, &environment(&[]));

    assert!(!said.contains("1234567"), "{said}");
    let settings = load(&sources, &environment(&[])).unwrap().settings;
    assert_eq!(settings.auth.admin_token.unwrap().expose(), digits);
}

#[test]
fn every_secret_of_the_table_is_masked_wherever_it_is_set() {
    let secrets: Vec<_> = keys::all().filter(|key| Key::is_secret(key)).collect();
    assert!(secrets.len() > 10, "{}", secrets.len());
    for key in secrets {
        let path = key.path.replace('*', "one");
        let name = format!("RIVET__{}", path.replace('.', "__").to_uppercase());
        let nothing = Sources { given: vec![], fallback: "/nonexistent".into() };
        let mut in_file = SECRET.to_owned();
        for segment in path.rsplit('.') {
            in_file = format!("{{{segment}: {in_file}}}");
        }

        let said = [
            all_that_is_said(&nothing, &environment(&[(&name, SECRET)])),
            of_file("a.yaml", &in_file),
            of_file("a.yaml", &in_file.replace(SECRET, &format!("[{SECRET}]"))),
        ];

        for said in said {
            assert!(!said.contains("hunter2"), "{path}: {said}");
        }
    }
}
