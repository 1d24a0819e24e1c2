//! The dashboard: a page, its script and its style, built into the program.
//!
//! The files are those of `dashboard/dist/`, compressed by the build script; nothing of them is a
//! secret, and nothing of them is made at run time. What the page shows it asks of the API, with
//! the token of whoever looks at it.

mod answer;

/// A file of the dashboard.
#[derive(Debug)]
pub struct File {
    /// Its name below `/ui/`; the page has none.
    pub name: &'static str,
    /// Its `Content-Type`.
    media_type: &'static str,
    /// Its bytes, compressed with gzip: the only form there is.
    gzip: &'static [u8],
}

// FILES, sorted by name.
include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// The file called `name`, if there is one.
pub fn file(name: &str) -> Option<&'static File> {
    let index = FILES.binary_search_by(|file| file.name.cmp(name)).ok()?;
    FILES.get(index)
}

/// Every file there is.
pub fn files() -> &'static [File] {
    FILES
}

impl File {
    /// Whether the name changes with the bytes, so that what a browser has of it stays true.
    fn is_immutable(&self) -> bool {
        !self.name.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found_by_its_name() {
        assert!(FILES.is_sorted_by_key(|file| file.name));
        for found in FILES {
            assert!(std::ptr::eq(found, file(found.name).unwrap()));
        }
        assert!(file("nothing.js").is_none());
    }

    /// The engine is carried by hand, and may weigh a quarter of upstream's.
    #[test]
    fn all_files_together_stay_small() {
        let bytes: usize = FILES.iter().map(|file| file.gzip.len()).sum();
        assert!(bytes < 60 << 10, "{bytes} bytes");
    }
}
