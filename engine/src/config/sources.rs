//! Which files are read, and in which order.

use std::path::{Path, PathBuf};

use super::ConfigError;

const EXTENSIONS: [&str; 5] = ["json", "json5", "jsonc", "yaml", "yml"];

/// Where to look for configuration files.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The paths given with `--config`, in order.
    pub given: Vec<PathBuf>,
    /// Where to look when none is given.
    pub fallback: PathBuf,
}

impl Sources {
    /// The files, in the order in which they are applied.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, ConfigError> {
        if self.given.is_empty() {
            return if self.fallback.is_dir() { in_directory(&self.fallback) } else { Ok(vec![]) };
        }
        let mut files = Vec::new();
        for path in &self.given {
            if path.is_dir() {
                files.extend(in_directory(path)?);
            } else if !path.exists() {
                // Starting without it would mean starting with something else than was asked for.
                return Err(ConfigError::Missing(path.clone()));
            } else if has_known_extension(path) {
                files.push(path.clone());
            } else {
                return Err(ConfigError::Extension(path.clone()));
            }
        }
        Ok(files)
    }
}

fn in_directory(directory: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && has_known_extension(&path) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn has_known_extension(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()))
}
