//! A key held by an ssh-agent: the two messages of its protocol that signing needs.
//!
//! The agent may be a smart card or another machine's; it sees only the bytes to be signed.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use bundle_spec::{KeyId, PublicKey, SignError, Signer};

use super::SigningError;

// Numbers of the agent protocol. Never change.
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// Longest answer that is read; OpenSSH's own limit.
const MAX_MESSAGE: u32 = 256 * 1024;

/// An agent may wait for a person (a touch, a confirmation), but not for ever.
const TIMEOUT: Duration = Duration::from_mins(2);

const ALGORITHM: &[u8] = b"ssh-ed25519";

/// A key whose private half is in the agent.
#[derive(Debug)]
pub(super) struct AgentKey {
    public: PublicKey,
    blob: Vec<u8>,
    socket: String,
}

impl AgentKey {
    /// The agent's key with this id.
    pub(super) fn by_id(id: KeyId) -> Result<Self, SigningError> {
        let socket = std::env::var("SSH_AUTH_SOCK").unwrap_or_default();
        Self::from_socket(&socket, id)
    }

    fn from_socket(socket: &str, id: KeyId) -> Result<Self, SigningError> {
        let no_agent = |source| SigningError::NoAgent { key: id, source };
        if socket.is_empty() {
            return Err(no_agent(io::Error::new(
                io::ErrorKind::NotFound,
                "SSH_AUTH_SOCK is not set",
            )));
        }
        let mut stream = connect(socket).map_err(no_agent)?;
        let answer =
            ask(&mut stream, &[REQUEST_IDENTITIES]).map_err(|error| out_of_protocol(&error))?;
        let (blobs, count) = identities(&answer)
            .ok_or_else(|| SigningError::Agent { found: "not a list of keys".to_owned() })?;
        blobs
            .into_iter()
            .find_map(|blob| {
                let public = public_key_in(&blob)?;
                (public.id() == id).then(|| Self { public, blob, socket: socket.to_owned() })
            })
            .ok_or(SigningError::NotInAgent { key: id, count })
    }

    fn request_signature(&self, data: &[u8]) -> io::Result<[u8; 64]> {
        let mut request = vec![SIGN_REQUEST];
        put_string(&mut request, &self.blob);
        put_string(&mut request, data);
        request.extend_from_slice(&0_u32.to_be_bytes()); // no flags: they concern RSA only
        let answer = ask(&mut connect(&self.socket)?, &request)?;
        signature_in(&answer).ok_or_else(|| {
            io::Error::new(io::ErrorKind::PermissionDenied, "the ssh-agent refused to sign")
        })
    }
}

impl Signer for AgentKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, data: &[u8]) -> Result<[u8; 64], SignError> {
        self.request_signature(data).map_err(SignError::new)
    }
}

fn out_of_protocol(error: &io::Error) -> SigningError {
    SigningError::Agent { found: error.to_string() }
}

fn connect(socket: &str) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

/// Sends one message and reads the answer, type byte first.
fn ask(stream: &mut UnixStream, request: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(request.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(request)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if !(1..=MAX_MESSAGE).contains(&length) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("an answer of {length} bytes"),
        ));
    }
    let mut answer = vec![0; length as usize];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// The key blobs of an identities answer, and how many keys the agent said it has.
fn identities(answer: &[u8]) -> Option<(Vec<Vec<u8>>, usize)> {
    let mut rest = answer.strip_prefix(&[IDENTITIES_ANSWER])?;
    let count = take_u32(&mut rest)? as usize;
    let mut blobs = Vec::new();
    for _ in 0..count {
        blobs.push(take_string(&mut rest)?.to_vec());
        take_string(&mut rest)?; // comment
    }
    Some((blobs, count))
}

fn public_key_in(mut blob: &[u8]) -> Option<PublicKey> {
    let algorithm = take_string(&mut blob)?;
    let key: &[u8; 32] = take_string(&mut blob)?.try_into().ok()?;
    if algorithm != ALGORITHM || !blob.is_empty() {
        return None;
    }
    PublicKey::from_bytes(key).ok()
}

fn signature_in(answer: &[u8]) -> Option<[u8; 64]> {
    let mut rest = answer.strip_prefix(&[SIGN_RESPONSE])?;
    let mut blob = take_string(&mut rest)?;
    let algorithm = take_string(&mut blob)?;
    let signature = take_string(&mut blob)?.try_into().ok()?;
    (algorithm == ALGORITHM).then_some(signature)
}

fn put_string(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("what is signed is a few hundred bytes");
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(bytes);
}

fn take_u32(from: &mut &[u8]) -> Option<u32> {
    let (number, rest) = from.split_first_chunk::<4>()?;
    *from = rest;
    Some(u32::from_be_bytes(*number))
}

fn take_string<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_u32(from)? as usize;
    let (string, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(string)
}

#[cfg(test)]
mod tests;
