//! `VERIFY.txt`: how to check a bundle with tools that every host has.

/// The file as every bundle carries it: a text to read that is also a program for `sh`.
pub const VERIFY_TXT: &str = include_str!("VERIFY.txt");
