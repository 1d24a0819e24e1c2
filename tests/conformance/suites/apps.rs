//! Apps and clients made with rivetkit, as their authors write them.

mod boot;
mod features;
mod restarts;
mod tokens;
