//! rivetctl.
fn main() {}
