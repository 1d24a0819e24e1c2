//! Input that nobody sends by mistake. None of it may harm another actor.

mod clients;
mod envoys;
