//! An actor's key: a list of texts in clients, one text in the engine.

/// The key that `rvt-key` names, as it is stored. It arrives decoded; commas part it, and nothing
/// at all is the key without parts.
pub(super) fn from_param(param: &str) -> String {
    if param.is_empty() {
        return serialized(std::iter::empty());
    }
    serialized(param.split(','))
}

/// One text for the parts of a key: `/` between them, `\` before what would read otherwise.
fn serialized<'k>(parts: impl Iterator<Item = &'k str>) -> String {
    let mut text = String::new();
    for (index, part) in parts.enumerate() {
        if index > 0 {
            text.push('/');
        }
        if part.is_empty() {
            text.push_str("\\0");
        }
        for character in part.chars() {
            if matches!(character, '\\' | '/') {
                text.push('\\');
            }
            text.push(character);
        }
    }
    if text.is_empty() {
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_stored_as_clients_of_upstream_store_them() {
        for (param, stored) in [
            ("", "/"),
            ("a", "a"),
            ("a,b", "a/b"),
            ("a,", "a/\\0"),
            (",", "\\0/\\0"),
            ("a/b", "a\\/b"),
            ("a\\b,c", "a\\\\b/c"),
            ("ä b", "ä b"),
        ] {
            assert_eq!(from_param(param), stored, "{param:?}");
        }
    }

    proptest! {
        #[test]
        fn different_keys_are_stored_differently(
            keys in proptest::collection::vec("[a/\\\\0,]{0,5}", 2..20)
        ) {
            let mut seen = HashMap::new();
            for key in keys {
                let before = seen.insert(from_param(&key), key.clone());
                prop_assert!(before.is_none_or(|before| before == key));
            }
        }
    }
}
