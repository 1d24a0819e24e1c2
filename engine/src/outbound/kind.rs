//! What kind of network an address belongs to (RFC 6890 and its successors).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Everybody's network.
    Public,
    /// This host.
    Loopback,
    /// A network of one owner, in these words.
    Private(&'static str),
    /// Nothing that serves an app, in these words.
    Never(&'static str),
}

/// The kind of `address`, which embeds no other.
pub(super) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

/// The IPv4 address that an IPv6 one stands for, where a packet to it would go there.
pub(super) fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    if let Some(mapped) = six.to_ipv4_mapped() {
        return mapped.into();
    }
    let octets = six.octets();
    let at = |start: usize| {
        Ipv4Addr::new(octets[start], octets[start + 1], octets[start + 2], octets[start + 3])
    };
    match six.segments() {
        // NAT64 and 6to4.
        [0x64, 0xFF9B, 0, 0, 0, 0, ..] => at(12).into(),
        [0x2002, ..] => at(2).into(),
        _ => address,
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [0, ..] => Kind::Never("unspecified"),
        [127, ..] => Kind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private("private"),
        [100, 64..=127, ..] => Kind::Never("shared"),
        [169, 254, ..] => Kind::Never("link-local"),
        [192, 0, 0, _] => Kind::Never("protocol-assignments"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Kind::Never("documentation"),
        [198, 18..=19, ..] => Kind::Never("benchmarking"),
        [224..=239, ..] => Kind::Never("multicast"),
        [255, 255, 255, 255] => Kind::Never("broadcast"),
        [240..=255, ..] => Kind::Never("reserved"),
        _ => Kind::Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        [0xFC00..=0xFDFF, ..] => Kind::Private("unique-local"),
        [0xFE80..=0xFEBF, ..] => Kind::Never("link-local"),
        [0xFF00..=0xFFFF, ..] => Kind::Never("multicast"),
        [0x2001, 0xDB8, ..] => Kind::Never("documentation"),
        _ => Kind::Public,
    }
}
