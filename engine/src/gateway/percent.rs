//! Percent-encoding as URLs use it: a `%` that begins no code stands for itself.

use std::borrow::Cow;

/// What the bytes decode to is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotText;

/// The text that a path segment stands for.
pub(super) fn decode(text: &str) -> Result<Cow<'_, str>, NotText> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    String::from_utf8(bytes(text.as_bytes())).map(Cow::Owned).map_err(|_| NotText)
}

/// The text that a part of a query stands for, where `+` is a space.
pub(super) fn decode_form(text: &str) -> Result<Cow<'_, str>, NotText> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return decode(&spaced).map(|decoded| Cow::Owned(decoded.into_owned()));
    }
    decode(text)
}

fn bytes(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, tail @ ..] = rest {
        let code = match tail {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = code {
            decoded.push(high << 4 | low);
            rest = &tail[2..];
        } else {
            decoded.push(*first);
            rest = tail;
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_percent_sign_that_begins_no_code_stands_for_itself() {
        assert_eq!(decode("a%ZZb%4").unwrap(), "a%ZZb%4");
        assert_eq!(decode("%41%2f%2F").unwrap(), "A//");
        assert_eq!(decode("a+b").unwrap(), "a+b");
        assert_eq!(decode_form("a+b%2B").unwrap(), "a b+");
        assert_eq!(decode("%FF"), Err(NotText));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_what_it_was(text in ".*") {
            let encoded: Vec<_> = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let encoded = encoded.concat();
            prop_assert_eq!(decode(&encoded).unwrap(), text);
        }
    }
}
