//! The HTTP API.

mod access;
mod actor_list;
mod actor_operations;
mod actors;
mod conventions;
mod datacenters;
mod envoys;
mod health;
mod namespaces;
mod runner_configs;
