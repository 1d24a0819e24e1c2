//! The input of an actor that a query creates: CBOR, passed on as it is.

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use minicbor::{Decoder, data::Type};

use super::GatewayError;

/// base64url; clients leave the padding away, but need not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an array or a map still has to hold.
enum Open {
    /// This many items.
    Items(u64),
    /// Items up to the break.
    UntilBreak,
}

/// The bytes that `text` stands for, which are CBOR.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, GatewayError> {
    let bytes = BASE64.decode(text).map_err(|_| GatewayError::QueryInvalidBase64Input)?;
    match first_item(&bytes) {
        Ok(true) => Ok(bytes),
        Ok(false) | Err(_) => Err(GatewayError::QueryInvalidCborInput),
    }
}

/// Whether `bytes` begin with a whole item. Nothing is built, and nothing recurses.
fn first_item(bytes: &[u8]) -> Result<bool, minicbor::decode::Error> {
    let mut decoder = Decoder::new(bytes);
    let mut open = Vec::new();
    loop {
        match decoder.datatype()? {
            Type::Tag => {
                decoder.tag()?;
                continue;
            }
            Type::Array | Type::ArrayIndef => open.push(opened(decoder.array()?, 1)),
            Type::Map | Type::MapIndef => open.push(opened(decoder.map()?, 2)),
            Type::Break => {
                let Some(Open::UntilBreak) = open.pop() else { return Ok(false) };
                decoder.set_position(decoder.position() + 1);
                ended(&mut open);
            }
            _ => {
                decoder.skip()?;
                ended(&mut open);
            }
        }
        while let Some(Open::Items(0)) = open.last() {
            open.pop();
            ended(&mut open);
        }
        if open.is_empty() {
            return Ok(true);
        }
    }
}

fn opened(length: Option<u64>, items: u64) -> Open {
    length.map_or(Open::UntilBreak, |length| Open::Items(length.saturating_mul(items)))
}

/// An item has ended: whatever holds it has one less to come.
fn ended(open: &mut [Open]) {
    if let Some(Open::Items(left)) = open.last_mut() {
        *left = left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(bytes: &[u8]) -> bool {
        matches!(first_item(bytes), Ok(true))
    }

    #[test]
    fn whole_items_are_accepted() {
        for bytes in [
            &b"\xa0"[..],
            b"\x00",
            b"\xf6",
            b"\xa1\x61a\x82\x01\x02",
            b"\x9f\x01\x9f\xff\xff",
            b"\xbf\x61a\x01\xff",
            b"\x82\x80\xa0",
            b"\xc1\x1a\x51\x4b\x67\xb0",
            b"\x5f\x41a\xff",
            // What stands behind the first item is not looked at.
            b"\xa0\xff",
        ] {
            assert!(accepted(bytes), "{bytes:x?}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for bytes in [
            &b""[..],
            b"\xff",
            b"\x82\x01",
            b"\xa1\x61a",
            b"\x81\xff",
            b"\x9f\x01",
            b"\x62\xff\xff",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x1c",
        ] {
            assert!(!accepted(bytes), "{bytes:x?}");
        }
        assert!(!accepted(&vec![0x81; 100_000]));
    }

    #[test]
    fn base64url_is_read_with_and_without_padding() {
        assert_eq!(decode("oA").unwrap(), [0xa0]);
        assert_eq!(decode("oA==").unwrap(), [0xa0]);
        assert!(matches!(decode("!!"), Err(GatewayError::QueryInvalidBase64Input)));
        assert!(matches!(decode("_w"), Err(GatewayError::QueryInvalidCborInput)));
        assert!(matches!(decode(""), Err(GatewayError::QueryInvalidCborInput)));
    }
}
