//! The stories. Each file is one promise to the people who use the two programs.
#![expect(clippy::unwrap_used, reason = "a failed setup should stop the story")]

/// Every hostile bundle is refused with the code that it deserves.
mod corpus;
