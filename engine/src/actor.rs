//! The life of an actor as a pure state machine: a row and an event in, the row and effects out.
//!
//! ```text
//!              create                       placed on an envoy
//!                │                        (generation + 1, Start)
//!                ▼                                 │
//!           ┌─────────┐  an envoy is there, wake   ▼            Running   ┌─────────┐
//!        ┌─►│ Pending │──────────────────────► ┌──────────┐ ────────────► │ Running │
//!        │  └─────────┘                        │ Starting │               └─────────┘
//!        │       │ gave up                     └──────────┘          Sleep, Stop intent;
//!  no envoy      ▼             wake, alarm      │   ▲   │            API sleep, reschedule,
//!        │  ┌──────────┐ ───────────────────────┼───┘   │            destroy; envoy leaves
//!        └──│ Sleeping │                        │       │ Stopped(Error),       │ (Stop)
//!           └──────────┘ ◄──────────────────────┘       │ start timeout         ▼
//!             ▲    ▲         Stopped(Error), lost       ▼                ┌──────────┐
//!             │    └──────────────── Sleeping ◄─────────┘                │ Stopping │
//!             └────────────────────── Stopped, when told to sleep ◄──────┤          │
//!                   placed again ◄─── Stopped, when told to move  ◄──────┤          │
//!           ┌───────────┐                                                │          │
//!           │ Destroyed │ ◄──────────── Stopped, when told to go  ◄──────┘
//!           └───────────┘ ◄── Stopped(Ok) without being told, API destroy while asleep
//! ```
//!
//! No I/O, no clock, no await. Whoever runs a step writes the row and the effects in one
//! transaction and carries the effects out after it.

mod backoff;
mod event;
mod rules;
mod step;
mod stop;

pub use self::{
    event::{Effect, Event, Place, StopCode},
    rules::{RetryRules, Rules},
    step::{Context, create, deadline, step},
};

#[cfg(test)]
mod tests;
