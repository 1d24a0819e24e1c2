//! Where everything of a site lies, and the conditions under which a directory may be one.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
};

use bundle_spec::text::Name;
use camino::{Utf8Path, Utf8PathBuf};
use rustix::{fs::Access, process::geteuid};

use super::{SiteError, durable};
use crate::error::FileError;

/// Where the site is when rivetctl runs as root.
const SYSTEM_ROOT: &str = "/var/lib/rivetctl";

/// The flag that every command of the site takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SiteArgs {
    /// Directory of the site [default: /var/lib/rivetctl for root, else the user's data directory]
    #[arg(long, value_name = "DIR", env = "RIVETCTL_ROOT")]
    root: Option<PathBuf>,
}

/// The directory in which a host keeps trust, installs and records. It may not exist yet.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    root: Utf8PathBuf,
}

/// The directory of one install.
#[derive(Debug, Clone)]
pub(crate) struct InstallDir {
    name: Name,
    path: Utf8PathBuf,
}

impl SiteArgs {
    /// Finds the site and refuses one that somebody else could change. Changes nothing.
    pub(crate) fn site(&self) -> Result<Site, SiteError> {
        let root = match &self.root {
            Some(root) => root.clone(),
            None if geteuid().is_root() => SYSTEM_ROOT.into(),
            None => user_data().ok_or(SiteError::NoRoot)?.join("rivetctl"),
        };
        let root = std::path::absolute(&root).map_err(FileError::on("find", root.display()))?;
        let root =
            Utf8PathBuf::from_path_buf(root).map_err(|path| SiteError::PathNotText { path })?;
        let site = Site { root };
        site.check()?;
        Ok(site)
    }
}

impl Site {
    /// The directory itself.
    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Where the trusted roots and the release memory of each product are.
    pub(crate) fn trust(&self) -> Utf8PathBuf {
        self.root.join("trust")
    }

    /// The hash-chained record of what was done.
    pub(crate) fn audit_log(&self) -> Utf8PathBuf {
        self.root.join("audit.log")
    }

    /// Where the record of each finished install goes.
    pub(crate) fn receipts(&self) -> Utf8PathBuf {
        self.root.join("receipts")
    }

    /// The directory of the install `name`, whether it exists or not.
    pub(crate) fn install(&self, name: &Name) -> InstallDir {
        InstallDir { name: name.clone(), path: self.root.join("installs").join(name.as_str()) }
    }

    /// The installs of this site, by name.
    pub(crate) fn installs(&self) -> Result<Vec<InstallDir>, SiteError> {
        let dir = self.root.join("installs");
        let mut names: Vec<Name> = match dir.read_dir_utf8() {
            Ok(entries) => entries
                .filter_map(Result::ok)
                .filter_map(|entry| entry.file_name().parse().ok())
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(FileError::on("list", &dir)(error).into()),
        };
        names.sort();
        let installs = names.iter().map(|name| self.install(name));
        Ok(installs.filter(|install| install.state_file().exists()).collect())
    }

    /// An install that exists.
    pub(crate) fn existing(&self, name: &Name) -> Result<InstallDir, SiteError> {
        let install = self.install(name);
        if install.state_file().exists() {
            return Ok(install);
        }
        let found: Vec<String> =
            self.installs()?.iter().map(|install| install.name().to_string()).collect();
        let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
        Err(SiteError::NoInstall { name: name.to_string(), root: self.root.clone(), found })
    }

    /// Makes the directories that every site has.
    pub(crate) fn create(&self) -> Result<(), SiteError> {
        if let Some(parent) = self.root.parent() {
            fs::create_dir_all(parent).map_err(FileError::on("create directory", parent))?;
        }
        for dir in [self.root.clone(), self.trust(), self.root.join("installs"), self.receipts()] {
            durable::create_dir(&dir, durable::PRIVATE_DIR)?;
        }
        Ok(())
    }

    /// Refuses a root that another user could swap or write, or that we cannot write.
    fn check(&self) -> Result<(), SiteError> {
        let us = geteuid().as_raw();
        for path in self.root.ancestors() {
            match path.symlink_metadata() {
                Ok(found) if found.is_symlink() && found.uid() != 0 && found.uid() != us => {
                    return Err(SiteError::ForeignLink {
                        path: path.to_owned(),
                        owner: found.uid(),
                    });
                }
                _ => (),
            }
        }
        match self.root.metadata() {
            Ok(found) if !found.is_dir() => {
                return Err(SiteError::NotADirectory { path: self.root.clone() });
            }
            Ok(found) if found.uid() != us => {
                return Err(SiteError::ForeignRoot {
                    path: self.root.clone(),
                    owner: found.uid(),
                    us,
                });
            }
            Ok(found) if found.permissions().mode() & 0o022 != 0 => {
                let mode = found.permissions().mode() & 0o7777;
                return Err(SiteError::OpenRoot { path: self.root.clone(), mode });
            }
            _ => (),
        }
        let nearest =
            self.root.ancestors().find(|path| path.exists()).unwrap_or(Utf8Path::new("/"));
        rustix::fs::access(nearest.as_std_path(), Access::WRITE_OK | Access::EXEC_OK).map_err(
            |source| SiteError::Unwritable { path: nearest.to_owned(), us, source: source.into() },
        )
    }
}

impl InstallDir {
    /// The install's name.
    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// What the install is and how far it got.
    pub(crate) fn state_file(&self) -> Utf8PathBuf {
        self.path.join("state.json")
    }

    /// Held by whoever changes the install.
    pub(crate) fn lock_file(&self) -> Utf8PathBuf {
        self.path.join("lock")
    }

    /// The rendered files of generation `number`.
    pub(crate) fn generation(&self, number: u64) -> Utf8PathBuf {
        self.path.join("generations").join(number.to_string())
    }

    /// The link to the generation that runs.
    pub(crate) fn current(&self) -> Utf8PathBuf {
        self.path.join("current")
    }

    /// The engine's data.
    pub(crate) fn data(&self) -> Utf8PathBuf {
        self.path.join("data")
    }

    /// Secrets; nobody but us enters.
    pub(crate) fn secrets(&self) -> Utf8PathBuf {
        self.path.join("secrets")
    }

    /// The part of the secrets that the engine reads.
    pub(crate) fn engine_secrets(&self) -> Utf8PathBuf {
        self.secrets().join("engine")
    }

    /// Logs of what runs outside containers.
    pub(crate) fn logs(&self) -> Utf8PathBuf {
        self.path.join("logs")
    }

    /// Makes the install's own directory, so that it can be locked.
    pub(crate) fn create(&self) -> Result<(), SiteError> {
        Ok(durable::create_dir(&self.path, durable::PRIVATE_DIR)?)
    }

    /// Makes the directories below it.
    pub(crate) fn create_tree(&self) -> Result<(), SiteError> {
        let private = [self.data(), self.secrets(), self.engine_secrets(), self.logs()];
        durable::create_dir(&self.path.join("generations"), durable::PRIVATE_DIR)?;
        for dir in private {
            durable::create_dir(&dir, durable::PRIVATE_DIR)?;
        }
        Ok(())
    }
}

fn user_data() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(root: &Utf8Path) -> Result<Site, SiteError> {
        SiteArgs { root: Some(root.into()) }.site()
    }

    #[test]
    fn a_root_that_others_can_write_is_refused() {
        let dir = camino_tempfile::tempdir().unwrap();
        let root = dir.path().join("site");
        fs::create_dir(&root).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();

        assert!(matches!(at(&root), Err(SiteError::OpenRoot { mode: 0o777, .. })));
    }

    #[test]
    fn a_file_in_the_place_of_the_root_is_refused() {
        let dir = camino_tempfile::tempdir().unwrap();
        let root = dir.path().join("site");
        fs::write(&root, "").unwrap();

        assert!(matches!(at(&root), Err(SiteError::NotADirectory { .. })));
    }

    #[test]
    fn a_link_or_a_directory_of_another_user_is_refused() {
        if !geteuid().is_root() {
            return; // Only root can hand things to another user.
        }
        let dir = camino_tempfile::tempdir().unwrap();
        let (link, foreign) = (dir.path().join("link"), dir.path().join("foreign"));
        std::os::unix::fs::symlink("/tmp", &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(4242), None).unwrap();
        fs::create_dir(&foreign).unwrap();
        std::os::unix::fs::chown(&foreign, Some(4242), None).unwrap();

        assert!(matches!(at(&link.join("x")), Err(SiteError::ForeignLink { owner: 4242, .. })));
        assert!(matches!(at(&foreign), Err(SiteError::ForeignRoot { owner: 4242, .. })));
    }

    #[test]
    fn looking_at_a_site_makes_nothing() {
        let dir = camino_tempfile::tempdir().unwrap();
        let site = at(&dir.path().join("a/b")).unwrap();

        assert!(site.installs().unwrap().is_empty());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
