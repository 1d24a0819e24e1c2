//! Under load for a while: nothing that was acknowledged is lost, and nothing grows.

mod backups;
mod disk_full;
mod kills;
mod silence;
mod soak;
