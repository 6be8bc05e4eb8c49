//! Public hosts, by name and by address, and a DNS resolver for uploads and downloads.
//!
//! The service decides where bytes go, and must not make this machine send bytes to a neighbour: a
//! name of public form can resolve to a private address. The resolver returns public addresses
//! only, except for hosts named by the user. A company's own storage, or a private endpoint of a
//! public storage, has a private address as well; naming its host with `--upload-host` is the
//! user's consent. Where a proxy resolves names, refusing private addresses is up to the proxy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

/// Domains under which a machine finds itself or its neighbours: reserved for this purpose (RFC
/// 6761, 6762 and 8375, and ICANN for `internal`), or in use and in no public zone.
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

/// Domains of this machine itself.
const LOOPBACK_SUFFIXES: [&str; 2] = ["localdomain", "localhost"];

/// A host, named by the user as the service's storage, and all hosts below it. Never the machine of
/// the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSuffix(String);

impl HostSuffix {
    /// Parses a suffix. `example.com`, `.example.com` and `*.example.com` are equal. Fails for a
    /// single label, since a label would allow the hosts of half the world.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim_start_matches("*.").trim_start_matches('.');
        match Host::parse(name.trim_end_matches('.')) {
            Ok(Host::Domain(name)) if can_be_upload_host(&name) => Ok(Self(name)),
            _ => Err(
                "the name of a host or domain is expected, such as s3.eu-central-1.amazonaws.com \
                 or storage.example.internal, without https:// and path"
                    .to_owned(),
            ),
        }
    }

    /// Returns true if `host` is the named host or below it.
    pub(super) fn matches(&self, host: &str) -> bool {
        is_in_domain(host.trim_end_matches('.'), &self.0)
    }
}

/// Returns true if a user may allow a host or domain for bytes.
pub(super) fn can_be_upload_host(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.contains('.')
        && !PRIVATE_SUFFIXES.contains(&name.as_str())
        && !LOOPBACK_SUFFIXES.iter().any(|own| is_in_domain(&name, own))
}

/// Returns true if a name can belong to a public host.
pub(super) fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.contains('.')
        && !PRIVATE_SUFFIXES
            .iter()
            .any(|suffix| is_in_domain(&name, suffix))
}

/// Returns true if a name is `suffix` or, by whole labels, below it.
pub(super) fn is_in_domain(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Returns true if an address belongs to the public internet.
pub(super) fn is_public_address(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// Returns true if an address belongs to a company's network: private (RFC 1918, and `fc00::/7`),
/// or shared behind a carrier's NAT (RFC 6598), which clouds use for endpoints as well. False for
/// this machine, its link (where clouds keep the keys of their machines) and multicast groups.
fn is_company_address(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        // This network, addresses behind a provider's NAT, protocol assignments, benchmarks,
        // multicast and everything above.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224;
    !is_special
}

/// Returns true if a version 6 address is public. All public addresses are below `2000::/3` today.
/// Some addresses, there and elsewhere, lead to a version 4 address, which then decides.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // Mapped (::ffff:0:0/96), translated (64:ff9b::/96), and 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // Protocol assignments (Teredo among them) and documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Function for resolving a name. Calls may block for a while.
pub(super) type NameLookUp = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// Resolves a name with the system's resolver.
pub(super) fn look_up_by_system(name: &str) -> io::Result<Vec<SocketAddr>> {
    Ok((name, 0).to_socket_addrs()?.collect())
}

/// Resolver with public addresses only, except for hosts named by the user.
#[derive(Debug)]
pub(super) struct PublicResolver {
    /// Host of the proxy: chosen by the user, and mostly private.
    pub(super) proxy_host: Option<String>,
    /// Hosts with consent for addresses of the company's network.
    pub(super) upload_hosts: Vec<HostSuffix>,
    pub(super) look_up: NameLookUp,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let look_up = self.look_up;
        let is_proxy = self.proxy_host.as_deref() == Some(name.as_str());
        let reach = if self
            .upload_hosts
            .iter()
            .any(|host| host.matches(name.as_str()))
        {
            AddressScope::PublicOrCompany
        } else {
            AddressScope::Public
        };
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::task::spawn_blocking(move || look_up(name.as_str())).await??;
            if is_proxy {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            Ok(Box::new(reach.allowed_addresses(&host, found)?.into_iter()) as Addrs)
        })
    }
}

/// Addresses allowed for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AddressScope {
    /// Addresses of the public internet.
    Public,
    /// Addresses of the public internet and of the company's network.
    PublicOrCompany,
}

impl AddressScope {
    fn allows(self, ip: IpAddr) -> bool {
        is_public_address(ip) || (self == Self::PublicOrCompany && is_company_address(ip))
    }

    /// Returns the allowed addresses of a host. Fails with [`PrivateHostError`] if none of the
    /// addresses is allowed.
    fn allowed_addresses(
        self,
        host: &str,
        found: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, PrivateHostError> {
        let refused = found
            .iter()
            .map(SocketAddr::ip)
            .find(|ip| !self.allows(*ip));
        let taken: Vec<_> = found
            .into_iter()
            .filter(|address| self.allows(address.ip()))
            .collect();
        match refused {
            Some(address) if taken.is_empty() => Err(PrivateHostError {
                host: host.to_owned(),
                address,
            }),
            _ => Ok(taken),
        }
    }
}

/// A host whose addresses are all private, so nothing is sent there.
#[derive(Debug, thiserror::Error)]
#[error(
    "{host} has the private address {address} here, and is not contacted{}",
    upload_host_advice(host, *address)
)]
pub(super) struct PrivateHostError {
    host: String,
    address: IpAddr,
}

/// Returns advice about a private address, or an empty text where there is none.
fn upload_host_advice(host: &str, address: IpAddr) -> String {
    if !is_company_address(address) || !can_be_upload_host(host) {
        return String::new();
    }
    format!(
        "; if the address is your company's way to the storage, allow the host with --upload-host \
         {host}"
    )
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

    fn addresses(ips: &[&str]) -> Vec<SocketAddr> {
        let address = |ip: &&str| SocketAddr::new(ip.parse().unwrap(), 0);
        ips.iter().map(address).collect()
    }

    #[test]
    fn of_a_hosts_addresses_only_the_public_ones_are_used() {
        let within =
            |ips: &[&str]| AddressScope::Public.allowed_addresses("a.example", addresses(ips));
        let both = within(&["10.0.0.1", "52.218.0.1"]);
        assert_eq!(both.unwrap(), addresses(&["52.218.0.1"]));
        let refused = within(&["10.0.0.1", "fe80::1"]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a.example has the private address 10.0.0.1 here, and is not contacted; if the address \
             is your company's way to the storage, allow the host with --upload-host a.example"
        );
    }

    #[test]
    fn a_host_that_is_named_may_have_addresses_of_the_companys_network_and_no_nearer_ones() {
        let within = |ip: &str| {
            AddressScope::PublicOrCompany.allowed_addresses("a.example", addresses(&[ip]))
        };
        for taken in [
            "52.218.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::ffff:10.0.0.1",
            "fd12::1",
        ] {
            assert_eq!(within(taken).unwrap(), addresses(&[taken]), "{taken}");
        }
        for refused in [
            "127.0.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "ff02::1",
        ] {
            let why = within(refused).unwrap_err().to_string();
            assert!(why.ends_with(", and is not contacted"), "{why}");
        }
    }

    #[tokio::test]
    async fn only_hosts_that_are_named_lead_to_addresses_of_the_companys_network() {
        let resolver = PublicResolver {
            proxy_host: Some("proxy.corp".to_owned()),
            upload_hosts: vec![HostSuffix::parse("named.example").unwrap()],
            look_up: |_| Ok(vec![SocketAddr::from(([10, 0, 0, 1], 0))]),
        };
        for (host, leads_there) in [
            ("named.example", true),
            ("bucket.named.example", true),
            ("proxy.corp", true),
            ("unnamed.example", false),
        ] {
            let found = resolver.resolve(host.parse().unwrap()).await;
            let found = found.ok().map(Iterator::collect::<Vec<_>>);
            let expected = leads_there.then(|| addresses(&["10.0.0.1"]));
            assert_eq!(found, expected, "{host}");
        }
    }
}
