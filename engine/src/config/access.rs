//! Who is let in: tokens, and when there are none.

use std::{fmt, net::IpAddr, path::PathBuf};

use zeroize::Zeroizing;

use super::{ConfigError, values::Values};

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

/// Who is let in.
pub(super) fn auth(values: &Values) -> AuthSettings {
    AuthSettings {
        admin_token: values.text_if_set("auth.admin_token").map(Secret::new),
        admin_token_file: values.text_if_set("auth.admin_token_file").map(PathBuf::from),
        gateway: values.meaning(
            "auth.gateway",
            &[("token", GatewayAccess::Token), ("open", GatewayAccess::Open)],
        ),
        failures_per_minute: values.number("auth.failures_per_minute"),
    }
}

/// What keeps an engine that listens on `hosts` from letting in whom `auth` says.
///
/// Without a word about tokens an engine that only this host reaches is open: that is how the
/// client library starts one for development, and what it expects.
pub(super) fn contradiction(
    values: &Values,
    auth: &AuthSettings,
    hosts: [IpAddr; 3],
) -> Option<ConfigError> {
    let open = values.switch_if_set("auth.insecure_allow_unauthenticated");
    match (auth.is_open(), open) {
        (true, Some(true)) | (false, Some(false) | None) => None,
        (true, None) if hosts.iter().all(IpAddr::is_loopback) => None,
        (true, Some(false) | None) => Some(ConfigError::NoToken),
        (false, Some(true)) => Some(ConfigError::Contradiction(
            "`auth.insecure_allow_unauthenticated` is true and an admin token is configured: \
             remove one of them"
                .to_owned(),
        )),
    }
}
