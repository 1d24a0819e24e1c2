//! Stories support.
