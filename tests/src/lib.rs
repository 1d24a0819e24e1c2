//! The stage on which the stories in `stories/` play: a connected host, a site without a network,
//! and the medium between them. Everything is real: the two programs, Docker, Compose, files.
//!
//! | question | module |
//! |---|---|
//! | which program runs, in which environment | [`bin`] |
//! | how did it end, and what did it say | [`run`] |
//! | the vendor: keys, root document, bundles of the sample product | [`vendor`] |
//! | the site: its host, its trust store, its installs | [`site`] |
//! | hostile bundles | [`corpus`] |
//!
//! Support panics on any failure of its own, so that a story holds nothing but the story.
#![expect(clippy::unwrap_used, clippy::return_self_not_must_use, reason = "test support")]

pub mod bin;
pub mod corpus;
pub mod run;
pub mod site;
pub mod vendor;
