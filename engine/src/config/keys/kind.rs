//! What values can be, and what is made of those that are written down.

use std::net::IpAddr;

use axum::http::Uri;
use ipnet::IpNet;
use serde_json::{Number, Value};
use url::Url;

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text that is not empty.
    Text,
    /// Text that is never shown.
    Secret,
    /// A path.
    Path,
    /// A URL.
    Url,
    /// A URL that is called without TLS: nothing but `http`, no user name, no password.
    HttpUrl,
    /// An IP address.
    Address,
    /// A whole number.
    Number(Range),
    /// A number with a fraction.
    Fraction,
    /// A number from 0 to 1.
    Ratio,
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A list of texts; in a variable, separated by commas.
    Texts,
    /// A list of networks; in a variable, separated by commas.
    Networks,
    /// A list of datacenters, or a table of them by name.
    Datacenters,
    /// Whatever upstream takes there.
    Any,
}

/// Which whole numbers are taken, and what they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// What they count.
    pub unit: Unit,
    /// The largest one. The smallest one is 0.
    pub max: u64,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Seconds.
    Seconds,
    /// Days.
    Days,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// Its name; nothing for things.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Seconds => "seconds",
            Self::Days => "days",
            Self::Bytes => "bytes",
        }
    }
}

/// A number of things.
pub(super) const COUNT: Kind = number(Unit::Count, u64::MAX);
/// A number of things that fits in 32 bits.
pub(super) const COUNT_32: Kind = number(Unit::Count, u32::MAX as u64);
/// A time in milliseconds.
pub(super) const MILLIS: Kind = number(Unit::Millis, u64::MAX);
/// A time in microseconds.
pub(super) const MICROS: Kind = number(Unit::Micros, u64::MAX);
/// A time in seconds.
pub(super) const SECONDS: Kind = number(Unit::Seconds, u64::MAX);
/// A day in milliseconds.
pub(super) const DAY: u64 = 24 * 60 * 60 * 1000;
/// A size in bytes.
pub(super) const BYTES: Kind = number(Unit::Bytes, u64::MAX);
/// A port; 0 lets the system choose.
pub(super) const PORT: Kind = number(Unit::Count, u16::MAX as u64);

/// Whole numbers from 0 to `max`.
pub(super) const fn number(unit: Unit, max: u64) -> Kind {
    Kind::Number(Range { unit, max })
}

impl Kind {
    /// What an error says that a value should have been.
    pub fn expected(self) -> String {
        match self {
            Self::Text | Self::Path => "text that is not empty".to_owned(),
            Self::Secret => "text".to_owned(),
            Self::Url => "a URL (http://10.0.0.1:6420)".to_owned(),
            Self::HttpUrl => {
                "a URL of plain HTTP without a user name (http://10.0.0.1:4317); TLS is not spoken"
                    .to_owned()
            }
            Self::Address => "an IP address (127.0.0.1, 0.0.0.0, ::)".to_owned(),
            Self::Number(Range { max: u64::MAX, .. }) => {
                "a whole number that is not negative".to_owned()
            }
            Self::Number(Range { max, .. }) => format!("a whole number from 0 to {max}"),
            Self::Fraction => "a number".to_owned(),
            Self::Ratio => "a number from 0 to 1".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Words(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                quoted.join(" or ")
            }
            Self::Texts => "a list of texts that are not empty".to_owned(),
            Self::Networks => "a list of networks (10.0.0.0/8, fd00::/8)".to_owned(),
            Self::Datacenters => "a list or a table of datacenters".to_owned(),
            Self::Any => "a value".to_owned(),
        }
    }

    /// What a variable with this text says.
    pub fn of_variable(self, text: &str) -> Value {
        match self {
            Self::Texts | Self::Networks => {
                text.split(',').map(|item| Value::from(item.trim())).collect()
            }
            Self::Any | Self::Datacenters => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
            }
            _ => Value::String(text.to_owned()),
        }
    }

    /// The value in the form in which it is read and shown, or `None` when it is none of this kind.
    ///
    /// Numbers and switches may be written as text, as in a variable.
    pub fn accept(self, value: &Value) -> Option<Value> {
        let text = || value.as_str().filter(|text| !text.is_empty());
        match self {
            Self::Text | Self::Path => text().map(Value::from),
            Self::Secret => match value {
                // A token of digits only, written without quotes.
                Value::Number(digits) => Some(digits.to_string().into()),
                other => other.as_str().map(Value::from),
            },
            Self::Url => Some(Url::parse(text()?).ok()?.as_str().into()),
            Self::HttpUrl => {
                let url = Url::parse(text()?).ok()?;
                let is_plain = url.scheme() == "http"
                    && url.username().is_empty()
                    && url.password().is_none()
                    // It is sent as a URI, which takes fewer letters.
                    && url.as_str().parse::<Uri>().is_ok();
                is_plain.then(|| url.as_str().into())
            }
            Self::Address => {
                let address: IpAddr = text()?.trim_matches(['[', ']']).parse().ok()?;
                Some(address.to_string().into())
            }
            Self::Number(range) => {
                let number = match value {
                    Value::Number(number) => number.as_u64(),
                    other => other.as_str()?.trim().parse().ok(),
                };
                number.filter(|number| *number <= range.max).map(Value::from)
            }
            Self::Fraction => Number::from_f64(fraction(value)?).map(Value::Number),
            Self::Ratio => {
                let ratio = fraction(value).filter(|ratio| (0.0..=1.0).contains(ratio));
                Number::from_f64(ratio?).map(Value::Number)
            }
            Self::Bool => match value {
                Value::Bool(value) => Some((*value).into()),
                other => match other.as_str()?.to_ascii_lowercase().as_str() {
                    "true" => Some(true.into()),
                    "false" => Some(false.into()),
                    _ => None,
                },
            },
            Self::Words(words) => text().filter(|text| words.contains(text)).map(Value::from),
            Self::Texts => items(value, |text| !text.is_empty()),
            Self::Networks => items(value, |text| text.parse::<IpNet>().is_ok()),
            Self::Datacenters => value.is_array().then(|| value.clone()),
            Self::Any => Some(value.clone()),
        }
    }
}

fn fraction(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        other => other.as_str()?.trim().parse().ok(),
    }
}

fn items(value: &Value, is_one: impl Fn(&str) -> bool) -> Option<Value> {
    let items = value.as_array()?.iter();
    items.map(|item| item.as_str().map(str::trim).filter(|text| is_one(text))).collect()
}
