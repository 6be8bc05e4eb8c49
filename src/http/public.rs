//! Which hosts are public, by name and by number, and a resolver that leads to no others.
//!
//! The service decides where bytes go, so its word must not make this machine send them to a
//! neighbour: a name that looks public can resolve to a private address. Where a proxy does the
//! resolving, that is the proxy's to refuse.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Names under which a machine finds itself or its neighbours: reserved for that (RFC 6761, 6762
/// and 8375, and ICANN for `internal`), or in use for it and in no public zone.
const PRIVATE_SUFFIXES: [&str; 10] = [
    "corp",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "private",
];

/// Whether a name can be that of a public host.
pub(super) fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.contains('.')
        && !PRIVATE_SUFFIXES
            .iter()
            .any(|suffix| is_below(&name, suffix))
}

/// Whether a name is `suffix` or, by whole labels, below it.
pub(super) fn is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether an address is one of the public internet.
pub(super) fn is_public_address(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        // This network, addresses behind a provider's NAT, protocols, benchmarks, multicast and
        // what is above it.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224;
    !is_special
}

/// All that is public in version 6 is below `2000::/3` today. Some addresses, there and elsewhere,
/// lead to one of version 4, which then decides.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // Mapped (::ffff:0:0/96), translated (64:ff9b::/96), and 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // Protocols (Teredo among them) and documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// How a name is looked up; it may take a while.
pub(super) type LookUp = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// As the system looks names up.
pub(super) fn by_system(name: &str) -> io::Result<Vec<SocketAddr>> {
    Ok((name, 0).to_socket_addrs()?.collect())
}

/// Resolves names to public addresses alone.
#[derive(Debug)]
pub(super) struct PublicOnly {
    /// The proxy's own name, which the user has chosen and which mostly is a private one.
    pub(super) proxy: Option<String>,
    pub(super) look_up: LookUp,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let look_up = self.look_up;
        let is_proxy = self.proxy.as_deref() == Some(name.as_str());
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::task::spawn_blocking(move || look_up(name.as_str())).await??;
            if is_proxy {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            Ok(Box::new(public_of(&host, found)?.into_iter()) as Addrs)
        })
    }
}

/// Those addresses of a host that are public; there must be one.
fn public_of(host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, PrivateHost> {
    let private = found.first().map(SocketAddr::ip);
    let public: Vec<_> = found
        .into_iter()
        .filter(|address| is_public_address(address.ip()))
        .collect();
    match private {
        Some(address) if public.is_empty() => Err(PrivateHost {
            host: host.to_owned(),
            address,
        }),
        _ => Ok(public),
    }
}

/// A host that only has addresses in a private network.
#[derive(Debug, thiserror::Error)]
#[error("{host} leads to the private address {address} from here, where no upload is sent")]
struct PrivateHost {
    host: String,
    address: IpAddr,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_neighbours_are_told_from_public_ones() {
        for public in [
            "52.218.0.1",
            "100.63.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "2600:1f18::1",
            "::ffff:52.218.0.1",
            "64:ff9b::52.218.0.1",
            "2002:34da:1::1",
        ] {
            assert!(is_public_address(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public_address(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn names_of_neighbours_are_told_from_public_ones() {
        for public in [
            "s3.amazonaws.com",
            "EXAMPLE.com.",
            "local.example.com",
            "mylocal.com",
        ] {
            assert!(is_public_name(public), "{public}");
        }
        for private in [
            "intranet",
            "nas.LOCAL",
            "nas.local.",
            "a.localhost",
            "x.home.arpa",
            "x.corp",
            "",
        ] {
            assert!(!is_public_name(private), "{private}");
        }
    }

    #[test]
    fn of_a_hosts_addresses_only_the_public_ones_are_used() {
        let addresses = |ips: &[&str]| {
            let address = |ip: &&str| SocketAddr::new(ip.parse().unwrap(), 0);
            ips.iter().map(address).collect::<Vec<_>>()
        };
        let both = public_of("a.example", addresses(&["10.0.0.1", "52.218.0.1"]));
        assert_eq!(both.unwrap(), addresses(&["52.218.0.1"]));
        let refused = public_of("a.example", addresses(&["10.0.0.1", "fe80::1"])).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a.example leads to the private address 10.0.0.1 from here, where no upload is sent"
        );
    }
}
