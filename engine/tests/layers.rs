//! Keeps the engine's imports pointing one way, and its routes in one table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lowest first: a module may name those before it.
const LAYERS: [&str; 25] = [
    "clock",
    "limits",
    "names",
    "websocket",
    "keyspace",
    "storage",
    "outbound",
    "actor",
    "directory",
    "actor_data",
    "telemetry",
    "config",
    "auth",
    "audit",
    "backup",
    "envoys",
    "lifecycle",
    "vitals",
    "session",
    "gateway",
    "drain",
    "serverless",
    "dashboard",
    "api",
    "server",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_owned(), text)
    };
    found.into_iter().map(read).collect()
}

fn layer_of(path: &Path) -> Option<usize> {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    let name = first.trim_end_matches(".rs");
    if ["lib", "main"].contains(&name) {
        return None;
    }
    let layer = LAYERS.iter().position(|layer| *layer == name);
    assert!(layer.is_some(), "{name} is not in the list of layers");
    layer
}

/// The modules that `text` names with `crate::`, alone or in braces.
fn named(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, marker) in text.match_indices("crate::") {
        let rest = &text[at + marker.len()..];
        match rest.strip_prefix('{') {
            None => names.push(first_word(rest)),
            Some(list) => names.extend(top_level_items(list).into_iter().map(first_word)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// What stands between the commas of a list in braces, up to the brace that ends it.
fn top_level_items(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0_i32, 0, Vec::new());
    for (index, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&list[start..index]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    items
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[test]
fn imports_point_one_way() {
    for (path, text) in sources() {
        let Some(own) = layer_of(&path) else { continue };
        for name in named(&text) {
            let Some(other) = LAYERS.iter().position(|layer| *layer == name) else { continue };
            assert!(
                other <= own,
                "{}: {} must not use {name}, which is above it",
                path.display(),
                LAYERS[own]
            );
        }
    }
}

#[test]
fn the_reader_of_imports_sees_nested_ones() {
    let text = "use crate::{\n    api::Api,\n    auth::{Gate, x::Y},\n    clock,\n};\nfn f() { crate::server::run() }";

    assert_eq!(named(text), ["api", "auth", "clock", "server"]);
}

/// A route that is not in the table would have no access policy.
#[test]
fn only_the_table_adds_routes() {
    for (path, text) in sources() {
        let adds = text.matches(".route(").count() + text.matches(".nest(").count();
        let allowed = usize::from(path == Path::new("api/routes.rs"));
        assert_eq!(adds, allowed, "{}", path.display());
    }
}

/// Only telemetry writes to standard output, and only `main` to standard error.
#[test]
fn nothing_else_prints() {
    for (path, text) in sources() {
        let prints = text.contains("println!") || text.contains("eprintln!");
        assert!(!prints, "{}", path.display());
    }
}

/// The audit log is append-only: entries are written, and those beyond the operator's bounds deleted, in one
/// place each. What erases ranges of rows is made for the data of actors alone.
#[test]
fn only_the_audit_log_writes_its_entries_and_only_it_deletes_them() {
    let (mut puts, mut deletes, mut erases) = (Vec::new(), Vec::new(), Vec::new());
    for (path, text) in sources() {
        let path = path.display().to_string();
        let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
        let count = |what: &str| text.matches(what).count();
        if !is_test {
            puts.extend(vec![path.clone(); count("put::<AuditEntries>")]);
            deletes.extend(vec![path.clone(); count("delete::<AuditEntries>")]);
            erases.extend((count(".erase::<") > 0).then_some(path));
        }
    }

    assert_eq!((puts, deletes), (vec!["audit.rs".to_owned()], vec!["audit.rs".to_owned()]));
    assert!(erases.iter().all(|path| path.starts_with("actor_data")), "{erases:?}");
}
