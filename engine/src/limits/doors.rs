//! Who may connect, as long as there is room.

use std::{net::IpAddr, sync::Arc};

use super::{Limit, Share, Shares, Slot, Slots};

/// Room for connections, in all and for each address.
#[derive(Debug, Clone)]
pub struct Doors {
    all: Slots,
    per_address: Shares<IpAddr>,
}

/// A connection that was let in: it counts until the last copy is dropped. A WebSocket takes one along
/// when it leaves its connection.
#[derive(Debug, Clone)]
pub struct Admission {
    _held: Arc<(Slot, Share<IpAddr>)>,
}

impl Doors {
    /// Room for `all` connections, of which each address may have `per_address`; 0 is any number.
    pub fn new(all: usize, per_address: usize) -> Self {
        Self { all: Slots::new(all), per_address: Shares::new(per_address) }
    }

    /// Lets a connection in, or says which limit it met.
    pub fn admit(&self, address: IpAddr) -> Result<Admission, Limit> {
        let share = self.per_address.take(address).ok_or(Limit::ConnectionsPerAddress)?;
        let slot = self.all.take().ok_or(Limit::Connections)?;
        Ok(Admission { _held: Arc::new((slot, share)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_has_enough_leaves_room_for_others() {
        let doors = Doors::new(3, 2);
        let (one, other): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
        let held = [doors.admit(one).unwrap(), doors.admit(one).unwrap()];

        assert_eq!(doors.admit(one).unwrap_err(), Limit::ConnectionsPerAddress);
        let last = doors.admit(other).unwrap();
        assert_eq!(doors.admit(other).unwrap_err(), Limit::Connections);

        let copies = held.clone();
        drop(held);
        assert!(doors.admit(other).is_err(), "a copy counts as well");
        drop(copies);
        assert!(doors.admit(one).is_ok());
        drop(last);
    }
}
