//! How much room the disk has, and who may still write.

use std::{fmt, path::PathBuf};

use crate::storage::Purpose;

/// How much room there is, in the order in which it runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Everybody may write.
    Plenty,
    /// What is left is kept for those who have to go on.
    Reserve,
    /// Nobody may write: the database needs the rest for itself.
    Nothing,
}

impl Room {
    /// Whether a write of this purpose is let through.
    pub(super) fn admits(self, purpose: Purpose) -> bool {
        match self {
            Self::Plenty => true,
            Self::Reserve => purpose == Purpose::Upkeep,
            Self::Nothing => false,
        }
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plenty => "plenty",
            Self::Reserve => "the reserve",
            Self::Nothing => "nothing",
        })
    }
}

/// The file system that the data is on.
#[derive(Debug)]
pub(super) struct Space {
    dir: PathBuf,
    /// How many bytes have to stay free. 0: nobody looks.
    min_free: u64,
    room: Room,
}

impl Space {
    pub(super) fn new(dir: PathBuf, min_free: u64) -> Self {
        Self { dir, min_free, room: Room::Plenty }
    }

    /// Looks again. A system that does not say is taken to have room: the write itself will tell.
    pub(super) fn look(&mut self) -> Room {
        if self.min_free == 0 {
            return Room::Plenty;
        }
        let free = rustix::fs::statvfs(&self.dir)
            .map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let now = room(self.room, free, self.min_free);
        if now != self.room {
            match now {
                Room::Plenty => {
                    tracing::info!(free_bytes = free, "the disk has room again: writes are taken");
                }
                Room::Reserve | Room::Nothing => tracing::error!(
                    free_bytes = free,
                    min_free_bytes = self.min_free,
                    left = %now,
                    "RVE-STORE-FULL: the disk is nearly full: writes are refused until there is room"
                ),
            }
            self.room = now;
        }
        now
    }
}

/// The room that `free` bytes are. What was refused comes back with an eighth more than it takes, so
/// that the answer does not change with every byte.
fn room(was: Room, free: u64, min_free: u64) -> Room {
    let back = |from: Room, bytes: u64| if was == from { bytes + min_free / 8 } else { bytes };
    let half = min_free / 2;
    if free >= min_free && (was == Room::Plenty || free >= back(was, min_free)) {
        Room::Plenty
    } else if free >= back(Room::Nothing, half) {
        Room::Reserve
    } else {
        Room::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: u64 = 800;

    #[test]
    fn below_the_reserve_only_upkeep_is_admitted_and_below_half_of_it_nothing() {
        let rooms = [800, 799, 400, 399].map(|free| room(Room::Plenty, free, MIN));

        assert_eq!(rooms, [Room::Plenty, Room::Reserve, Room::Reserve, Room::Nothing]);
        assert!(Room::Reserve.admits(Purpose::Upkeep) && !Room::Reserve.admits(Purpose::Growth));
        assert!(!Room::Nothing.admits(Purpose::Upkeep));
    }

    #[test]
    fn what_was_refused_comes_back_with_a_little_more_room_than_it_takes() {
        assert_eq!(room(Room::Reserve, 800, MIN), Room::Reserve);
        assert_eq!(room(Room::Reserve, 900, MIN), Room::Plenty);
        assert_eq!(room(Room::Nothing, 499, MIN), Room::Nothing);
        assert_eq!(room(Room::Nothing, 500, MIN), Room::Reserve);
        assert_eq!(room(Room::Nothing, 900, MIN), Room::Plenty);
    }
}
