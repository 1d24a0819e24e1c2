//! The stories. Each file is one promise to the people who use the two programs.
#![expect(clippy::unwrap_used, reason = "a failed setup should stop the story")]

/// An install runs rivetkit apps that nobody adapted to it.
mod apps;
/// What was done over the engine's API can be read back.
mod audit;
/// A bundle can be checked and made again without believing rivetctl.
mod by_hand;
/// Every hostile bundle is refused with the code that it deserves.
mod corpus;
/// An install that was killed is finished by running the same command again.
mod crashes;
/// The product comes up on a host without a network, and goes without a trace.
mod delivery;
/// What does not fit is refused, and the host stays as it was.
mod refusals;
/// The token changes while the product runs.
mod rotation;
/// Checking a bundle touches nothing.
mod silence;
/// The upstream engine is delivered like ours.
mod upstream;
