//! The payload's members against the manifest: names, lengths, order, padding and the end.

use std::io::{Read, Seek};

use crate::{
    archive::{
        Member,
        reader::{Next, Reader},
    },
    digest::Sha256Digest,
    error::BundleError,
    manifest::Manifest,
};

/// Walks all headers from `SHA256SUMS` to the end of the file; says where each blob starts.
pub(super) fn walk<R: Read + Seek>(
    reader: &mut Reader<R>,
    manifest: &Manifest,
) -> Result<Vec<u64>, BundleError> {
    let start = reader.position();
    let sums = manifest.sums_text().into_bytes();
    expect(reader, manifest, Member::Sums, sums.len() as u64)?;
    if reader.content(Member::Sums, sums.len() as u64)? != sums {
        return Err(BundleError::Sums);
    }
    let verify_txt = manifest.verify_txt;
    expect(reader, manifest, Member::VerifyTxt, verify_txt.size)?;
    let found = Sha256Digest::of(&reader.content(Member::VerifyTxt, verify_txt.size)?);
    if found != verify_txt.digest {
        let (member, expected) = (Member::VerifyTxt.to_string(), verify_txt.digest);
        return Err(BundleError::BlobDigest { member, found, expected });
    }
    let mut places = Vec::with_capacity(manifest.blobs.len());
    for blob in &manifest.blobs {
        let member = Member::Blob(blob.digest);
        expect(reader, manifest, member, blob.size)?;
        places.push(reader.skip(member, blob.size)?);
    }
    if let Next::Member { member, .. } = reader.peek()? {
        return Err(BundleError::BlobList {
            difference: format!("{member} is not in the manifest"),
        });
    }
    reader.end()?;
    let (found, expected) = (reader.length() - start, manifest.payload_size);
    if found != expected {
        return Err(BundleError::Length { found, expected });
    }
    Ok(places)
}

/// Takes the header of the member that the manifest puts here.
fn expect<R: Read + Seek>(
    reader: &mut Reader<R>,
    manifest: &Manifest,
    expected: Member,
    size: u64,
) -> Result<(), BundleError> {
    let at = reader.position();
    let difference = match reader.peek()? {
        Next::Member { member, size: found } if member == expected => {
            if found == size {
                return reader.take_header(expected, size);
            }
            match expected {
                Member::Sums => return Err(BundleError::Sums),
                _ => format!("{expected} has {found} bytes, and the manifest says {size}"),
            }
        }
        Next::Member { member, .. } if is_listed(manifest, member) => {
            let (found, expected) = (member.to_string(), expected.to_string());
            return Err(BundleError::Order { at, found, expected });
        }
        Next::Member { member, .. } => format!("{member} is not in the manifest"),
        Next::End => format!("{expected} is in the manifest and not in the archive"),
    };
    Err(BundleError::BlobList { difference })
}

fn is_listed(manifest: &Manifest, member: Member) -> bool {
    match member {
        Member::Blob(digest) => manifest.blob_size(&digest).is_some(),
        Member::Manifest
        | Member::Signature(_)
        | Member::Root { .. }
        | Member::Sums
        | Member::VerifyTxt => true,
    }
}
