//! What actors store: key-value pairs, and the pages of a SQLite database.

mod kv;
mod kv_limits;
mod pages;
mod remote;
mod staged;
