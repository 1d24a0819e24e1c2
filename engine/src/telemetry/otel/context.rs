//! The header `traceparent`, with which a request says which trace it belongs to.
//!
//! The rules are those of the W3C's recommendation "Trace Context", level 1, section 3.2.

use axum::http::HeaderMap;

use super::TRACEPARENT;

/// The only version that is written, and the length of what it writes.
const VERSION: u8 = 0;
const LENGTH: usize = 55;

/// The flag that says that the caller records the trace.
const SAMPLED: u8 = 1;

/// A place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceContext {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) sampled: bool,
}

impl TraceContext {
    /// Where the sender of these headers is, if it says so, once and rightly.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (only, None) = (values.next()?, values.next()) else { return None };
        Self::parse(only.as_bytes())
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let [version] = bytes(text.get(..2)?)?;
        // Later versions may say more, behind what this one says.
        let fits = match text.len() {
            LENGTH => true,
            longer if longer > LENGTH => version > VERSION && text[LENGTH] == b'-',
            _ => false,
        };
        let separated = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
        if version == u8::MAX || !fits || !separated {
            return None;
        }
        let (trace_id, span_id) = (bytes(&text[3..35])?, bytes(&text[36..52])?);
        let [flags] = bytes(&text[53..55])?;
        let is_valid = trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(Self { trace_id, span_id, sampled: flags & SAMPLED != 0 })
    }

    /// What the header says to whom the request is passed on.
    pub(super) fn header(&self) -> String {
        let mut text = String::with_capacity(LENGTH);
        let flags = if self.sampled { SAMPLED } else { 0 };
        for (index, part) in
            [&[VERSION][..], &self.trace_id, &self.span_id, &[flags]].into_iter().enumerate()
        {
            if index > 0 {
                text.push('-');
            }
            for byte in part {
                text.push(digit(byte >> 4));
                text.push(digit(byte & 15));
            }
        }
        text
    }
}

fn digit(value: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(value & 15)])
}

/// The bytes that small hexadecimal digits stand for; large ones are not allowed.
fn bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = value(digits[0])? << 4 | value(digits[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the recommendation.
    const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn parsed(text: &str) -> Option<TraceContext> {
        TraceContext::of(&[(TRACEPARENT, text.parse().unwrap())].into_iter().collect())
    }

    #[test]
    fn what_is_read_is_written_alike() {
        let context = parsed(EXAMPLE).unwrap();

        assert!(context.sampled);
        assert_eq!(context.span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
        assert_eq!(context.header(), EXAMPLE);
        let unsampled = EXAMPLE.replace("-01", "-00");
        assert_eq!(parsed(&unsampled).unwrap().header(), unsampled);
    }

    #[test]
    fn a_later_version_may_say_more() {
        let later = EXAMPLE.replacen("00", "01", 1);

        assert_eq!(parsed(&later), parsed(EXAMPLE));
        assert_eq!(parsed(&format!("{later}-what-comes")), parsed(EXAMPLE));
        // Other flags are not for us.
        assert_eq!(parsed(&EXAMPLE.replace("-01", "-03")), parsed(EXAMPLE));
    }

    #[test]
    fn what_is_no_place_in_a_trace_is_as_if_it_were_not_there() {
        let broken = [
            String::new(),
            "00".to_owned(),
            EXAMPLE[..54].to_owned(),
            format!("{EXAMPLE}-more"),
            EXAMPLE.replacen("00", "ff", 1),
            EXAMPLE.to_uppercase(),
            EXAMPLE.replace('-', "_"),
            EXAMPLE.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            EXAMPLE.replace("b7ad6b7169203331", &"0".repeat(16)),
            EXAMPLE.replace("b7ad", "b7ag"),
            format!("{}x", EXAMPLE.replacen("00", "01", 1)),
        ];
        for text in broken {
            assert_eq!(parsed(&text), None, "{text}");
        }
        let mut twice = HeaderMap::new();
        twice.append(TRACEPARENT, EXAMPLE.parse().unwrap());
        twice.append(TRACEPARENT, EXAMPLE.parse().unwrap());
        assert_eq!(TraceContext::of(&twice), None);
    }
}
