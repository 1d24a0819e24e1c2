//! What a loss of power leaves on a disk: rebuilt from the calls that a process made.
//!
//! The model is that of a journaling file system in its harshest reading. What was synced is there. Of
//! what was written and not synced, any pages may be there or not. A sync makes names durable that
//! were made before it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const PAGE: usize = 4096;

/// A call, in the order in which calls were completed.
#[derive(Debug)]
pub(crate) struct Call {
    at: u128,
    name: String,
    arguments: String,
    result: i64,
}

#[derive(Debug, Default, Clone)]
struct Content {
    current: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Open {
    File { content: usize, position: usize },
    Directory,
}

/// The disk below a directory.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    contents: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    open: BTreeMap<i64, Open>,
    /// How many requests were answered with success.
    pub(crate) acknowledged: usize,
}

/// Reads what `strace -ff` wrote to `PREFIX.*`.
pub(crate) fn calls(prefix: &Path) -> Vec<Call> {
    let name = prefix.file_name().unwrap().to_str().unwrap();
    let mut calls = Vec::new();
    for entry in fs::read_dir(prefix.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with(name) {
            let text = fs::read(&path).unwrap();
            calls.extend(String::from_utf8_lossy(&text).lines().filter_map(call));
        }
    }
    calls.sort_by_key(|call| call.at);
    calls
}

/// `SECONDS.NANOSECONDS NAME(ARGUMENTS) = RESULT <SECONDS.NANOSECONDS>`
fn call(line: &str) -> Option<Call> {
    let (start, rest) = line.split_once(' ')?;
    let (name, rest) = rest.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let (result, took) = result.rsplit_once(" <")?;
    let nanoseconds = |text: &str| -> Option<u128> {
        let (seconds, rest) = text.split_once('.')?;
        Some(seconds.parse::<u128>().ok()? * 1_000_000_000 + rest.parse::<u128>().ok()?)
    };
    Some(Call {
        at: nanoseconds(start)? + nanoseconds(took.trim_end_matches('>'))?,
        name: name.to_owned(),
        arguments: arguments.trim_end().trim_end_matches(')').to_owned(),
        result: result.split_whitespace().next()?.parse().ok()?,
    })
}

/// The texts in quotes, all of them in hexadecimal.
fn texts(arguments: &str) -> Vec<Vec<u8>> {
    let quoted = arguments.split('"').skip(1).step_by(2);
    let bytes = |text: &str| {
        text.split("\\x").skip(1).map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect()
    };
    quoted.map(bytes).collect()
}

/// The number at the beginning of an argument.
fn number(argument: &str) -> Option<i64> {
    argument.trim().parse().ok()
}

impl Disk {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            contents: Vec::new(),
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            open: BTreeMap::new(),
            acknowledged: 0,
        }
    }

    /// Carries out a call. Says whether it changed what is on the disk.
    pub(crate) fn apply(&mut self, call: &Call) -> bool {
        if call.result < 0 {
            return false;
        }
        let first = call.arguments.split(',').next().and_then(number);
        match call.name.as_str() {
            "openat" => self.open_file(call),
            "accept4" | "accept" => drop(self.open.remove(&call.result)),
            "rename" => {
                let paths = self.paths(call);
                let [Some(from), Some(to)] = &paths[..] else { return false };
                let Some(content) = self.names.remove(from) else { return false };
                self.names.insert(to.clone(), content);
            }
            "unlink" => {
                let paths = self.paths(call);
                let Some(Some(path)) = paths.first() else { return false };
                return self.names.remove(path).is_some();
            }
            "fsync" | "fdatasync" => {
                let Some(open) = first.and_then(|file| self.open.get(&file)) else { return false };
                if let Open::File { content, .. } = open {
                    let content = &mut self.contents[*content];
                    content.synced.clone_from(&content.current);
                }
                self.durable.clone_from(&self.names);
            }
            "ftruncate" => {
                let length = call.arguments.rsplit(',').next().and_then(number).unwrap();
                let Some(Open::File { content, .. }) = first.and_then(|file| self.open.get(&file))
                else {
                    return false;
                };
                self.contents[*content].current.resize(usize::try_from(length).unwrap(), 0);
            }
            "write" | "writev" | "pwrite64" | "sendto" | "sendmsg" => {
                return first.is_some_and(|file| self.write(file, call));
            }
            _ => return false,
        }
        true
    }

    fn open_file(&mut self, call: &Call) {
        let Some(Some(path)) = self.paths(call).into_iter().next() else {
            self.open.remove(&call.result);
            return;
        };
        if call.arguments.contains("O_DIRECTORY") || path.is_dir() {
            self.open.insert(call.result, Open::Directory);
            return;
        }
        let content = self.names.get(&path).copied().unwrap_or_else(|| {
            self.contents.push(Content::default());
            self.names.insert(path, self.contents.len() - 1);
            self.contents.len() - 1
        });
        if call.arguments.contains("O_TRUNC") {
            self.contents[content].current.clear();
        }
        self.open.insert(call.result, Open::File { content, position: 0 });
    }

    fn write(&mut self, file: i64, call: &Call) -> bool {
        let bytes = texts(&call.arguments).concat();
        let Some(open) = self.open.get_mut(&file) else {
            self.acknowledged += usize::from(bytes.starts_with(b"HTTP/1.1 200"));
            return false;
        };
        let Open::File { content, position } = open else { return false };
        let bytes = &bytes[..usize::try_from(call.result).unwrap()];
        let at = if call.name == "pwrite64" {
            usize::try_from(call.arguments.rsplit(',').next().and_then(number).unwrap()).unwrap()
        } else {
            *position += bytes.len();
            *position - bytes.len()
        };
        let current = &mut self.contents[*content].current;
        if current.len() < at + bytes.len() {
            current.resize(at + bytes.len(), 0);
        }
        current[at..at + bytes.len()].copy_from_slice(bytes);
        true
    }

    /// The paths that a call names, where they lie below the root.
    fn paths(&self, call: &Call) -> Vec<Option<PathBuf>> {
        let path = |text: Vec<u8>| PathBuf::from(String::from_utf8(text).unwrap());
        let below = |path: PathBuf| path.starts_with(&self.root).then_some(path);
        texts(&call.arguments).into_iter().map(|text| below(path(text))).collect()
    }

    /// Writes what a loss of power at this moment leaves into `target`. `chance` decides, page by
    /// page, about what was not synced.
    pub(crate) fn lose_power(&self, target: &Path, mut chance: impl FnMut() -> bool) {
        let names = if chance() { &self.names } else { &self.durable };
        for (path, content) in names {
            let Content { current, synced } = &self.contents[*content];
            let mut left = synced.clone();
            for (page, bytes) in current.chunks(PAGE).enumerate() {
                let at = page * PAGE;
                let is_synced = synced.get(at..at + bytes.len()) == Some(bytes);
                if !is_synced && chance() {
                    left.resize(left.len().max(at + bytes.len()), 0);
                    left[at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
            let path = target.join(path.strip_prefix(&self.root).unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, left).unwrap();
        }
    }
}
