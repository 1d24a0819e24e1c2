//! Scoped tokens as text: JWS in compact form (RFC 7515), signed with `EdDSA` over Ed25519 (RFC 8037).
//! Pure: keys and texts in, claims out.
//!
//! Nothing in a token says how it is to be checked: the algorithm is fixed, and the key is one of the
//! engine's own, looked up by its id.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::Grant;
use crate::keyspace::Id;

/// What every token begins with: `{"` in base64.
pub(super) const BEGINNING: &[u8] = b"eyJ";

/// The longest token that is looked at, in bytes. The engine writes none that is longer.
pub(super) const MAX_BYTES: usize = 8 << 10;

const ALGORITHM: &str = "EdDSA";
const ISSUER: &str = "rivet-engine";

#[derive(Debug, Serialize, Deserialize)]
struct Header<'h> {
    alg: &'h str,
    kid: Id,
    typ: &'h str,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// Who signs: always this engine.
    iss: String,
    /// The token's id.
    pub(super) jti: Id,
    /// The namespace, by id and by name.
    pub(super) namespace_id: Id,
    pub(super) namespace: String,
    /// For whom it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sub: Option<String>,
    /// The secret token that it was issued with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) issuer_token_id: Option<Id>,
    /// When it was issued and when it ends, in seconds since 1970.
    pub(super) iat: u64,
    pub(super) exp: u64,
    pub(super) grants: Vec<Grant>,
}

/// The claims of a token without the part that is the same in all of them.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) jti: Id,
    pub(super) namespace_id: Id,
    pub(super) namespace: String,
    pub(super) sub: Option<String>,
    pub(super) issuer_token_id: Option<Id>,
    pub(super) iat: u64,
    pub(super) exp: u64,
    pub(super) grants: Vec<Grant>,
}

impl From<Said> for Claims {
    fn from(said: Said) -> Self {
        let Said { jti, namespace_id, namespace, sub, issuer_token_id, iat, exp, grants } = said;
        let iss = ISSUER.to_owned();
        Self { iss, jti, namespace_id, namespace, sub, issuer_token_id, iat, exp, grants }
    }
}

/// The token that says `claims`, signed with the key `kid`.
pub(super) fn sign(claims: &Claims, kid: Id, key: &SigningKey) -> String {
    let header = Header { alg: ALGORITHM, kid, typ: "JWT" };
    let part = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
    let json = "ids, texts and numbers are JSON";
    let header = part(serde_json::to_vec(&header).expect(json));
    let claims = part(serde_json::to_vec(claims).expect(json));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

/// What a token says, and the key of those that `find` knows which has signed it. Whether it is still
/// valid is up to the caller.
pub(super) fn verify(
    token: &[u8],
    find: impl Fn(&Id) -> Option<VerifyingKey>,
) -> Option<(Id, Claims)> {
    if token.len() > MAX_BYTES {
        return None;
    }
    let token = std::str::from_utf8(token).ok()?;
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header = decode(header)?;
    let Header { alg, kid, .. } = serde_json::from_slice::<Header<'_>>(&header).ok()?;
    if alg != ALGORITHM {
        return None;
    }
    let signature = Signature::from_slice(&decode(signature)?).ok()?;
    find(&kid)?.verify_strict(signed.as_bytes(), &signature).ok()?;
    let claims: Claims = serde_json::from_slice(&decode(claims)?).ok()?;
    (claims.iss == ISSUER).then_some((kid, claims))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{GrantTarget, GrantedResource, Operation};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn id(filler: u8) -> Id {
        let mut bytes = [filler; Id::LENGTH];
        bytes[0] = 1;
        Id::from_slice(&bytes).unwrap()
    }

    fn claims() -> Claims {
        Claims::from(Said {
            jti: id(1),
            namespace_id: id(2),
            namespace: "default".to_owned(),
            sub: Some("somebody".to_owned()),
            issuer_token_id: None,
            iat: 10,
            exp: 20,
            grants: vec![Grant {
                resource: GrantedResource::ActorGateway,
                target: GrantTarget::Any,
                operations: vec![Operation::Read],
            }],
        })
    }

    fn known(kid: &Id) -> Option<VerifyingKey> {
        (*kid == id(9)).then(|| key(1).verifying_key())
    }

    fn read(token: &str) -> Option<Claims> {
        verify(token.as_bytes(), known).map(|(_, claims)| claims)
    }

    #[test]
    fn what_was_signed_is_read_back() {
        let token = sign(&claims(), id(9), &key(1));

        assert_eq!(read(&token), Some(claims()));
        assert!(token.as_bytes().starts_with(BEGINNING));
    }

    #[test]
    fn a_token_says_what_it_is_in_the_words_of_the_standard() {
        let token = sign(&claims(), id(9), &key(1));
        let part = |index| {
            let part: &str = token.split('.').nth(index).unwrap();
            String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };

        assert_eq!(part(0), format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"JWT"}}"#, id(9)));
        let said: serde_json::Value = serde_json::from_str(&part(1)).unwrap();
        assert_eq!((&said["iat"], &said["exp"]), (&10.into(), &20.into()));
        assert_eq!((&said["sub"], &said["iss"]), (&"somebody".into(), &"rivet-engine".into()));
        assert_eq!(said["grants"][0]["resource"], "actor_gateway");
    }

    #[test]
    fn a_token_that_another_key_signed_is_none() {
        assert_eq!(read(&sign(&claims(), id(9), &key(2))), None);
        assert_eq!(read(&sign(&claims(), id(8), &key(1))), None);
    }

    #[test]
    fn no_character_of_a_token_can_be_changed() {
        let token = sign(&claims(), id(9), &key(1));
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(verify(&changed, known), None, "{index}");
        }
    }

    #[test]
    fn a_token_cannot_choose_another_algorithm() {
        let token = sign(&claims(), id(9), &key(1));
        let (_, rest) = token.split_once('.').unwrap();
        for alg in ["none", "HS256", "ES256", "eddsa"] {
            let header = format!(r#"{{"alg":"{alg}","kid":"{}","typ":"JWT"}}"#, id(9));
            let header = URL_SAFE_NO_PAD.encode(header);
            assert_eq!(read(&format!("{header}.{rest}")), None, "{alg}");
            // Not even when the rest of it is right.
            let claims = rest.split('.').next().unwrap();
            let signed = format!("{header}.{claims}");
            let signature = URL_SAFE_NO_PAD.encode(key(1).sign(signed.as_bytes()).to_bytes());
            assert_eq!(read(&format!("{signed}.{signature}")), None, "{alg}");
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in ["", ".", "..", "eyJ", "eyJ.eyJ.eyJ", "a.b.c.d", &"e".repeat(MAX_BYTES + 1)] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
