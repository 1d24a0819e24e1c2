//! An actor from its creation to its destruction.

mod alarm;
mod crash;
mod destroy;
mod restart;
mod sleep;
mod start;
