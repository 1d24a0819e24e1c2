//! `audit.log`: who did what, one JSON object a line, each holding the digest of the line before.
//!
//! Removing or changing a line breaks every digest after it. Only the tail can be cut off unseen,
//! which is why receipts repeat the digest of the last line at their time.

use std::{
    fs::OpenOptions,
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
};

use bundle_spec::digest::Sha256Digest;
use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::{Site, SiteError, durable, lock::Lock, now, timestamp};
use crate::error::FileError;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Digest of the line before, without its line break; of nothing for the first.
    previous: Sha256Digest,
    /// When, by this host's clock.
    time: String,
    /// The user who ran rivetctl.
    uid: u32,
    /// Version of rivetctl.
    rivetctl: String,
    /// What was done, for example `install.done`.
    event: String,
    /// To what.
    subject: String,
    /// Facts, never secrets.
    detail: Vec<(String, String)>,
}

/// Appends a line; when this returns, it is on disk. Gives the digest of the new line.
pub(crate) fn record(
    site: &Site,
    event: &str,
    subject: &str,
    detail: &[(&str, String)],
) -> Result<Sha256Digest, SiteError> {
    let path = site.audit_log();
    let _lock = Lock::wait(&site.root().join("audit.lock"))?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(durable::PRIVATE_FILE)
        .open(&path)
        .map_err(FileError::on("open", &path))?;
    let mut log = Vec::new();
    file.read_to_end(&mut log).map_err(FileError::on("read", &path))?;
    // A line without its break was cut by a crash before anybody was told that it is there.
    let whole = log.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let last = log[..whole]
        .split(|byte| *byte == b'\n')
        .rfind(|line| !line.is_empty())
        .unwrap_or_default();
    let entry = Entry {
        previous: Sha256Digest::of(last),
        time: timestamp(now()),
        uid: rustix::process::getuid().as_raw(),
        rivetctl: env!("CARGO_PKG_VERSION").to_owned(),
        event: event.to_owned(),
        subject: subject.to_owned(),
        detail: detail.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
    };
    let mut line = serde_json::to_vec(&entry).expect("an entry is plain data");
    let digest = Sha256Digest::of(&line);
    line.push(b'\n');
    file.set_len(whole as u64)
        .and_then(|()| file.seek(SeekFrom::End(0)))
        .and_then(|_| file.write_all(&line))
        .and_then(|()| file.sync_all())
        .map_err(FileError::on("write", &path))?;
    Ok(digest)
}

/// Checks the whole chain and gives the number of lines; a log that does not exist has none.
pub(crate) fn check(path: &Utf8Path) -> Result<usize, SiteError> {
    let log = durable::read_if_there(path)?.unwrap_or_default();
    let broken = |line, reason| SiteError::AuditBroken { path: path.to_owned(), line, reason };
    let mut previous = Sha256Digest::of(b"");
    let mut count = 0;
    for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        count += 1;
        let entry: Entry = serde_json::from_slice(line)
            .map_err(|_| broken(count, "is not an entry of the log"))?;
        if entry.previous != previous {
            return Err(broken(count, "does not follow from the line before"));
        }
        previous = Sha256Digest::of(line);
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::tests::site_at;

    #[test]
    fn a_changed_line_is_found() {
        let dir = camino_tempfile::tempdir().unwrap();
        let site = site_at(dir.path());
        for subject in ["one", "two", "three"] {
            record(&site, "install.done", subject, &[]).unwrap();
        }
        assert_eq!(check(&site.audit_log()).unwrap(), 3);

        let changed = std::fs::read_to_string(site.audit_log()).unwrap().replace("two", "TWO");
        std::fs::write(site.audit_log(), changed).unwrap();

        let found = check(&site.audit_log());
        assert!(matches!(found, Err(SiteError::AuditBroken { line: 3, .. })));
    }

    #[test]
    fn a_line_cut_by_a_crash_does_not_break_the_chain() {
        let dir = camino_tempfile::tempdir().unwrap();
        let site = site_at(dir.path());
        record(&site, "trust.add", "acme", &[("by", "hand".into())]).unwrap();
        let mut log = std::fs::read(site.audit_log()).unwrap();
        log.extend_from_slice(b"{\"previous\":\"sha2");
        std::fs::write(site.audit_log(), log).unwrap();

        record(&site, "trust.remove", "acme", &[]).unwrap();

        assert_eq!(check(&site.audit_log()).unwrap(), 2);
    }
}
