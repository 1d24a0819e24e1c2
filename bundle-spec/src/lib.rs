//! The rivet bundle format.
