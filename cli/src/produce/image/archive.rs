//! Files inside a `docker save` archive, read where they lie: the archive is not unpacked.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
};

use bundle_spec::manifest::Platform;
use camino::Utf8Path;

use super::{Files, Found, ImageError, require_file, saved};
use crate::{error::FileError, produce::located::Located};

/// Links are followed this far: Docker writes one level.
const MAX_LINKS: u32 = 8;

/// Names in an archive and what they lead to.
#[derive(Debug, Default)]
pub(super) struct Entries(BTreeMap<String, Target>);

#[derive(Debug)]
pub(super) enum Target {
    File(Located),
    Link(String),
}

/// Finds an image in the archive at `path`.
pub(super) fn find(
    path: &Utf8Path,
    reference: &str,
    platform: Platform,
) -> Result<Found, ImageError> {
    let whole = require_file(path)?;
    let mut magic = [0; 4];
    let read = whole.open().and_then(|mut file| file.read(&mut magic));
    let read = read.map_err(FileError::on("read", path))?;
    match magic[..read] {
        [0x1f, 0x8b, ..] => {
            return Err(ImageError::Shape { found: "it is compressed with gzip".into() });
        }
        [0x28, 0xb5, 0x2f, 0xfd] => {
            return Err(ImageError::Shape { found: "it is compressed with zstd".into() });
        }
        _ => (),
    }
    let file = File::open(path).map_err(FileError::on("read", path))?;
    let entries =
        list(file, path).map_err(|error| ImageError::Shape { found: error.to_string() })?;
    saved::find(&entries, reference, platform)
}

/// Lists an archive without reading the content of its files.
fn list(file: File, path: &Utf8Path) -> io::Result<Entries> {
    let mut entries = Entries::default();
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let located = Located {
            path: path.to_owned(),
            offset: entry.raw_file_position(),
            length: entry.size(),
        };
        entries.insert(&entry, || Ok(located))?;
    }
    Ok(entries)
}

impl Entries {
    /// Records an entry; `locate` is only asked for regular files.
    pub(super) fn insert<R: Read>(
        &mut self,
        entry: &tar::Entry<'_, R>,
        locate: impl FnOnce() -> io::Result<Located>,
    ) -> io::Result<()> {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.trim_start_matches("./").to_owned();
        let kind = entry.header().entry_type();
        let target = if kind.is_file() {
            Target::File(locate()?)
        } else if let (true, Some(to)) =
            (kind.is_symlink() || kind.is_hard_link(), entry.link_name_bytes())
        {
            let to = String::from_utf8_lossy(&to).into_owned();
            Target::Link(if kind.is_symlink() { beside(&name, &to) } else { to })
        } else {
            return Ok(());
        };
        self.0.insert(name, target);
        Ok(())
    }
}

impl Files for Entries {
    fn get(&self, name: &str) -> Option<Located> {
        let mut name = name;
        for _ in 0..MAX_LINKS {
            match self.0.get(name)? {
                Target::File(located) => return Some(located.clone()),
                Target::Link(to) => name = to,
            }
        }
        None
    }
}

/// The name that a symlink's target has inside the archive.
fn beside(name: &str, target: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => (),
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_resolved_inside_the_archive() {
        assert_eq!(beside("b/layer.tar", "../a/layer.tar"), "a/layer.tar");
        assert_eq!(beside("x", "../../../etc/passwd"), "etc/passwd");
    }

    #[test]
    fn links_in_a_circle_lead_nowhere() {
        let mut entries = Entries::default();
        entries.0.insert("a".into(), Target::Link("b".into()));
        entries.0.insert("b".into(), Target::Link("a".into()));
        assert_eq!(entries.get("a"), None);
    }
}
