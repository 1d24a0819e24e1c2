//! The format seen from outside: bundles are packed, broken in one place, and refused by name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod archive;
mod codes;
mod flips;
mod golden;
mod manifest;
mod openssh;
mod pack;
mod payload;
mod policy;
mod roots;
mod sample;
mod signatures;
mod verify_txt;
