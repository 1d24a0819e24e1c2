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
    /// The files, in the order in which they are applied. What is wrong goes to `problems`.
    pub(super) fn files(&self, problems: &mut Vec<ConfigError>) -> Vec<PathBuf> {
        if self.given.is_empty() && !self.fallback.is_dir() {
            return Vec::new();
        }
        let paths = if self.given.is_empty() {
            std::slice::from_ref(&self.fallback)
        } else {
            self.given.as_slice()
        };
        let mut files = Vec::new();
        for path in paths {
            match at(path) {
                Ok(found) => files.extend(found),
                Err(problem) => problems.push(problem),
            }
        }
        files
    }
}

fn at(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    if path.is_dir() {
        in_directory(path)
    } else if !path.exists() {
        // Starting without it would mean starting with something else than was asked for.
        Err(ConfigError::Missing(path.to_owned()))
    } else if has_known_extension(path) {
        Ok(vec![path.to_owned()])
    } else {
        Err(ConfigError::Extension(path.to_owned()))
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
