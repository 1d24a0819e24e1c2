//! The head of a bundle: manifest, signatures and root documents, before anything is believed.

use std::{
    collections::BTreeSet,
    io::{Read, Seek},
};

use crate::{
    archive::{
        MAX_MANIFEST, MAX_REGION, MAX_ROOTS, MAX_SIGNATURE, MAX_SIGNATURES, Member,
        reader::{Next, Reader},
    },
    error::BundleError,
    keys::{KeyId, PublicKey},
    pack::SignedRoot,
    root::{Fingerprint, MAX_ROOT_BYTES, TrustedRoot},
    sshsig::{Purpose, SshSig},
};

/// What stands before the payload.
#[derive(Debug)]
pub(super) struct Head {
    /// The exact bytes of `manifest.json`.
    pub(super) manifest: Vec<u8>,
    /// Signatures over them, not verified.
    pub(super) signatures: Vec<SshSig>,
    /// Root documents by the version in their names, not verified.
    pub(super) roots: Vec<(u64, SignedRoot)>,
    /// Where the payload starts.
    pub(super) payload: u64,
}

/// Name and content of a signature file.
type SignatureFile = (Member, Vec<u8>);

/// The signature region as it stands in the file.
#[derive(Default)]
struct Region {
    bytes: u64,
    signatures: Vec<SignatureFile>,
    roots: Vec<(u64, Vec<u8>, Vec<SignatureFile>)>,
}

impl Head {
    pub(super) fn read<R: Read + Seek>(reader: &mut Reader<R>) -> Result<Self, BundleError> {
        let manifest = read_manifest(reader)?;
        let mut region = Region::default();
        while let Some((member, size)) = next_of_region(reader)? {
            region.admit(member, size, reader.position())?;
            reader.take_header(member, size)?;
            let content = reader.content(member, size)?;
            region.add(member, content);
        }
        let payload = reader.position();
        let signatures = parse_all(&region.signatures, Purpose::BundleManifest)?;
        let mut roots = Vec::with_capacity(region.roots.len());
        for (version, bytes, files) in region.roots {
            let signatures = parse_all(&files, Purpose::BundleRoot)?;
            roots.push((version, SignedRoot { bytes, signatures }));
        }
        Ok(Self { manifest, signatures, roots, payload })
    }

    /// Follows the carried chain from the root that is trusted to the newest.
    pub(super) fn follow_roots(
        &self,
        trust: &TrustedRoot,
    ) -> Result<(TrustedRoot, Vec<SignedRoot>), BundleError> {
        self.expect_trusted_among_roots(trust)?;
        let mut followed = Vec::new();
        let mut newest = trust.clone();
        let mut before: Option<TrustedRoot> = None;
        for (version, root) in &self.roots {
            let next = if *version <= trust.document().version {
                // Not needed for trust: yet a chain that does not hold is none of our packer's.
                let next = match &before {
                    None => TrustedRoot::self_signed(&root.bytes, &root.signatures),
                    Some(before) => before.advance(&root.bytes, &root.signatures),
                };
                next.map_err(|error| name(error, *version))?
            } else {
                let next = newest.advance(&root.bytes, &root.signatures);
                newest = next.map_err(|error| name(error, *version))?;
                followed.push(root.clone());
                newest.clone()
            };
            if next.document().version != *version {
                let reason = format!("its version is {}", next.document().version);
                return Err(BundleError::RootFormat {
                    document: format!("root/{version}.json"),
                    reason,
                });
            }
            before = Some(next);
        }
        Ok((newest, followed))
    }

    /// A chain that passes the trusted version must pass through the trusted document.
    fn expect_trusted_among_roots(&self, trust: &TrustedRoot) -> Result<(), BundleError> {
        let version = trust.document().version;
        let same_version = self.roots.iter().find(|(carried, _)| *carried == version);
        let Some((_, root)) = same_version else { return Ok(()) };
        if root.bytes == trust.bytes() {
            return Ok(());
        }
        Err(BundleError::RootUnknown {
            version,
            found: Fingerprint::of(&root.bytes).to_string(),
            expected: trust.fingerprint().to_string(),
        })
    }

    /// Every signature must fit the manifest; enough of them must be by distinct release keys.
    pub(super) fn check_signatures(&self, root: &TrustedRoot) -> Result<Vec<KeyId>, BundleError> {
        for signature in &self.signatures {
            signature.verify(Purpose::BundleManifest, &self.manifest)?;
        }
        let release: BTreeSet<KeyId> = root.document().release_signers(&self.signatures);
        if release.is_empty() {
            let keys = self.signatures.iter().map(SshSig::key).map(PublicKey::id);
            let signers: BTreeSet<KeyId> = keys.collect();
            return Err(BundleError::Untrusted { signers: signers.into_iter().collect() });
        }
        let (found, needed) = (release.len(), root.document().release.threshold);
        if (found as u64) < u64::from(needed) {
            return Err(BundleError::Threshold { found, needed });
        }
        Ok(release.into_iter().collect())
    }
}

fn name(error: BundleError, version: u64) -> BundleError {
    match error {
        BundleError::RootFormat { reason, .. } => {
            BundleError::RootFormat { document: format!("root/{version}.json"), reason }
        }
        other => other,
    }
}

fn read_manifest<R: Read + Seek>(reader: &mut Reader<R>) -> Result<Vec<u8>, BundleError> {
    let at = reader.position();
    let order =
        |found: String| BundleError::Order { at, found, expected: "manifest.json".to_owned() };
    match reader.peek()? {
        Next::End => Err(order("the end marker".to_owned())),
        Next::Member { member: Member::Manifest, size } => {
            limit("length of manifest.json", size, MAX_MANIFEST)?;
            reader.take_header(Member::Manifest, size)?;
            reader.content(Member::Manifest, size)
        }
        Next::Member { member, .. } => Err(order(member.to_string())),
    }
}

/// The next member of the signature region, or none when the payload is next.
fn next_of_region<R: Read + Seek>(
    reader: &mut Reader<R>,
) -> Result<Option<(Member, u64)>, BundleError> {
    let at = reader.position();
    let order = |found: String| BundleError::Order { at, found, expected: "SHA256SUMS".to_owned() };
    match reader.peek()? {
        Next::End => Err(order("the end marker".to_owned())),
        Next::Member { member, size } => match member {
            Member::Signature(_) | Member::Root { .. } => Ok(Some((member, size))),
            Member::Sums => Ok(None),
            Member::Manifest | Member::VerifyTxt | Member::Blob(_) => {
                Err(order(member.to_string()))
            }
        },
    }
}

impl Region {
    /// Whether there is room for one more, before any of it is read.
    fn admit(&mut self, member: Member, size: u64, at: u64) -> Result<(), BundleError> {
        match member {
            Member::Root { signer: None, .. } => {
                limit("length of a root document", size, MAX_ROOT_BYTES)?;
                limit("number of root documents", self.roots.len() as u64 + 1, MAX_ROOTS as u64)?;
            }
            Member::Root { version, signer: Some(_) } => {
                limit("length of a signature", size, MAX_SIGNATURE)?;
                let Some((_, _, files)) = self.roots.last().filter(|(last, ..)| *last == version)
                else {
                    let (found, expected) = (member.to_string(), format!("root/{version}.json"));
                    return Err(BundleError::Order { at, found, expected });
                };
                limit(
                    "signatures over one document",
                    files.len() as u64 + 1,
                    MAX_SIGNATURES as u64,
                )?;
            }
            _ => {
                limit("length of a signature", size, MAX_SIGNATURE)?;
                let count = self.signatures.len() as u64 + 1;
                limit("signatures over one document", count, MAX_SIGNATURES as u64)?;
            }
        }
        self.bytes += size;
        limit("bytes of signatures and root documents", self.bytes, MAX_REGION)
    }

    fn add(&mut self, member: Member, content: Vec<u8>) {
        match member {
            Member::Root { version, signer: None } => {
                self.roots.push((version, content, Vec::new()));
            }
            Member::Root { signer: Some(_), .. } => {
                if let Some((_, _, files)) = self.roots.last_mut() {
                    files.push((member, content));
                }
            }
            _ => self.signatures.push((member, content)),
        }
    }
}

/// Reads signature files; each must be for this kind of document and by the key in its name.
fn parse_all(files: &[(Member, Vec<u8>)], purpose: Purpose) -> Result<Vec<SshSig>, BundleError> {
    let parse = |(member, armored): &(Member, Vec<u8>)| {
        let file = member.to_string();
        let signature = SshSig::parse(armored).map_err(|error| error.in_file(&file))?;
        signature.expect_purpose(purpose).map_err(|error| error.in_file(&file))?;
        let key = signature.key().id();
        if matches!(member, Member::Signature(named) | Member::Root { signer: Some(named), .. } if *named != key)
        {
            let reason = format!("it is by key {}, not by the one in its name", key.hex());
            return Err(BundleError::SignatureFormat { file, reason });
        }
        Ok(signature)
    };
    files.iter().map(parse).collect()
}

fn limit(what: &str, found: u64, limit: u64) -> Result<(), BundleError> {
    if found <= limit {
        return Ok(());
    }
    Err(BundleError::Limit { what: what.to_owned(), found, limit })
}
