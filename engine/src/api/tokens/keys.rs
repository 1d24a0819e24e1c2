//! `/auth/signing-keys`: the keys that sign scoped tokens, as JWKs (RFC 8037), and their rotation.

use axum::{Extension, Json as Answer, extract::State};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Api, access::Noted, body::Json, error::ApiError},
    auth::{Previous, SigningKeySummary},
    keyspace::Id,
};

#[derive(Debug, Serialize)]
pub(in crate::api) struct Listed {
    keys: Vec<Key>,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct Rotated {
    key: Key,
}

#[derive(Debug, Serialize)]
struct Key {
    kid: Id,
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    x: String,
    create_ts: u64,
    /// When another one took its place; `null`: it signs.
    retire_ts: Option<u64>,
    /// No token that it has signed lasts longer.
    used_until: u64,
}

pub(in crate::api) async fn list_keys(State(api): State<Api>) -> Result<Answer<Listed>, ApiError> {
    let keys = api.tokens.signing_keys().await?.into_iter().map(Key::from).collect();
    Ok(Answer(Listed { keys }))
}

/// How a new key takes the place of the others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct RotateRequest {
    /// Whether what the others have signed ends now: somebody else may have got them.
    #[serde(default)]
    revoke_previous: bool,
}

/// Makes a new key, which signs from now on.
pub(in crate::api) async fn rotate_keys(
    State(api): State<Api>,
    Json(request): Json<RotateRequest>,
) -> Result<(Extension<Noted>, Answer<Rotated>), ApiError> {
    let previous = if request.revoke_previous { Previous::Revoke } else { Previous::Keep };
    let key = Key::from(api.tokens.rotate(previous).await?);
    Ok((Noted::created(&key.kid), Answer(Rotated { key })))
}

impl From<SigningKeySummary> for Key {
    fn from(key: SigningKeySummary) -> Self {
        let SigningKeySummary { id, public_key, create_ts, retire_ts, used_until } = key;
        Self {
            kid: id,
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            x: public_key,
            create_ts,
            retire_ts,
            used_until,
        }
    }
}
