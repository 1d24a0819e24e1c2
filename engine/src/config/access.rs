//! Who is let in: tokens, and when there are none.

use std::{fmt, net::IpAddr, path::PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    ConfigError,
    merge::Merged,
    values::{boolean, number, one_of, text},
};

/// Text that is never shown, and wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for those who compare it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who is let in.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// A token that is valid as long as the process runs.
    pub admin_token: Option<Secret>,
    /// A file of tokens, which may change while the process runs.
    pub admin_token_file: Option<PathBuf>,
    /// Who may reach actors through the gateway.
    pub gateway: GatewayAccess,
    /// How many wrong tokens an address may try in a minute before it has to wait; 0: any number.
    pub failures_per_minute: u32,
}

impl Default for AuthSettings {
    /// Without a token.
    fn default() -> Self {
        Self {
            admin_token: None,
            admin_token_file: None,
            gateway: GatewayAccess::Token,
            failures_per_minute: 100,
        }
    }
}

/// Who may reach actors through the gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GatewayAccess {
    /// Those with a token.
    #[default]
    Token,
    /// Everybody who knows where an actor is, as upstream has it.
    Open,
}

impl AuthSettings {
    /// Whether everybody is let in: the operator asked for it, or nobody but this host is there.
    pub fn is_open(&self) -> bool {
        self.admin_token.is_none() && self.admin_token_file.is_none()
    }
}

/// Who is let in by an engine that listens on `hosts`.
///
/// Without a word about tokens an engine that only this host reaches is open: that is how the
/// client library starts one for development, and what it expects.
pub(super) fn auth(merged: &mut Merged, hosts: [IpAddr; 3]) -> Result<AuthSettings, ConfigError> {
    let admin_token = match merged.take("auth.admin_token") {
        None => None,
        Some((Value::String(token), _)) => Some(Secret::new(token)),
        // A token of digits only, written without quotes.
        Some((Value::Number(token), _)) => Some(Secret::new(token.to_string())),
        Some((_, origin)) => {
            return Err(ConfigError::Value {
                origin,
                key: "auth.admin_token".to_owned(),
                expected: "text".to_owned(),
                // It is a secret, even in the wrong form.
                found: String::new(),
            });
        }
    };
    let admin_token_file = text(merged, "auth.admin_token_file")?.map(PathBuf::from);
    let open = boolean(merged, "auth.insecure_allow_unauthenticated")?;
    let gateway = one_of(
        merged,
        "auth.gateway",
        &[("token", GatewayAccess::Token), ("open", GatewayAccess::Open)],
    )?;
    let gateway = gateway.unwrap_or_default();
    // Beyond a thousand a second, nothing is limited any more.
    let failures = number(merged, "auth.failures_per_minute", 60_000)?;
    let failures_per_minute = failures
        .and_then(|failures| u32::try_from(failures).ok())
        .unwrap_or(AuthSettings::default().failures_per_minute);
    let auth = AuthSettings { admin_token, admin_token_file, gateway, failures_per_minute };
    match (auth.is_open(), open) {
        (true, Some(true)) | (false, Some(false) | None) => Ok(auth),
        (true, None) if hosts.iter().all(IpAddr::is_loopback) => Ok(auth),
        (true, Some(false) | None) => Err(ConfigError::NoToken),
        (false, Some(true)) => Err(ConfigError::Contradiction(
            "`auth.insecure_allow_unauthenticated` is true and an admin token is configured: \
             remove one of them"
                .to_owned(),
        )),
    }
}
