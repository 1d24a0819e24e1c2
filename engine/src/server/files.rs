//! How many files the process may have open. Each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the process needs besides connections: the store, its logs, libraries, ports.
const RESERVED: usize = 1024;

/// Raises the process's own limit as far as it may, and tells how many connections fit.
pub(super) fn room_for_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(error) => {
            tracing::warn!(%error, "the limit on open files could not be raised");
            limit.current
        }
    };
    tracing::info!(files = current, before = limit.current, "limit on open files");
    let files = current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    room(files)
}

/// At least a quarter of `files` stays for everything else where there are few.
fn room(files: usize) -> usize {
    files.saturating_sub(RESERVED).max(files / 4)
}

/// The smaller of what is wanted and what fits; 0, any number, becomes what fits.
pub(super) fn fitting(wanted: usize, room: usize) -> usize {
    if wanted == 0 { room } else { wanted.min(room) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_for_the_store_and_some_connections_are_always_possible() {
        assert_eq!(room(65_536), 64_512);
        assert_eq!(room(1024), 256);
    }

    #[test]
    fn no_more_connections_are_let_in_than_there_are_files() {
        assert_eq!(fitting(65_536, 4_000), 4_000);
        assert_eq!(fitting(100, 4_000), 100);
        assert_eq!(fitting(0, 4_000), 4_000);
    }
}
