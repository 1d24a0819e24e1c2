//! The rivet bundle format: one signed file that crosses a perimeter, and everything needed to
//! decide whether to believe it.
//!
//! This crate knows bytes, not hosts: no network, no clock of its own, no environment, no output.
//! Its invariant is that nothing of a bundle can be used before its signatures were checked:
//! [`UnverifiedBundle`] offers little more than [`verify`](UnverifiedBundle::verify), and a
//! [`VerifiedBundle`] hands out no byte that it has not just hashed.
//!
//! | question | module |
//! |---|---|
//! | Which bytes may a bundle consist of? | [`archive`] |
//! | What does a bundle promise? | [`manifest`] |
//! | Who may sign it? | [`keys`], [`sshsig`], [`root`] |
//! | Is this bundle what was signed? | [`verify`] |
//! | May this site install it now? | [`policy`] |
//! | How is one made? | [`pack`] |
//! | What can go wrong, and what then? | [`error`] |

pub mod archive;
pub mod chunk;
pub mod digest;
pub mod error;
pub mod keys;
pub mod manifest;
pub mod pack;
pub mod policy;
pub mod root;
pub mod sshsig;
pub mod sums;
pub mod text;
pub mod verify;

pub use digest::Sha256Digest;
pub use error::{BundleError, ErrorCode, Fault};
pub use keys::{KeyId, PublicKey, SecretKey, SignError, Signer};
pub use manifest::{Manifest, Platform};
pub use pack::{BlobStore, Draft, PackError, PackedBundle, SignatureRegion, SignedRoot};
pub use root::{Fingerprint, RootDocument, TrustedRoot};
pub use sshsig::{Purpose, SshSig};
pub use verify::{BlobReader, UnverifiedBundle, VerifiedBundle};
