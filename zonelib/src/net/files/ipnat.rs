//! `ipnat.conf`: zones go out under their router's address. Source: ipnat(5), and the IPFilter 4.1 of illumos.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Routing, RoutingError, text};

/// Outside ports that translated connections get. An explicit range, for two reasons: `auto` gives each inside address
/// a small share of the ports and never tries another one, and changes no port at all for IPv6.
const PORTS: &str = "1025:65000";

/// The rules of a router.
///
/// # Errors
/// [`RoutingError::SamePort`].
pub fn rules(routing: &Routing<'_>) -> Result<String, RoutingError> {
    let mut lines = Vec::new();
    let own: Vec<IpNet> = routing.segments.iter().flat_map(|segment| segment.networks()).collect();
    for interface in routing.outsides() {
        for segment in routing.segments_through(interface) {
            let translated = segment.networks().filter(|network| !(segment.routable_ipv6 && network.addr().is_ipv6()));
            for network in translated {
                map(&mut lines, interface.as_str(), network, &routing.beside_of(network), &own);
            }
        }
    }
    for redirection in routing.redirections()? {
        let to_router = match redirection.outside {
            Some(address) => format!("{address}/32"),
            // Here `0/32` would not be the interface's address, as it is in a map rule: it would match nothing.
            None => "0/0".to_owned(),
        };
        let (interface, port, to, protocol) =
            (redirection.interface, redirection.port, redirection.to, redirection.protocol);
        lines.push(format!("rdr {interface} {to_router} port {port} -> {to} port {port} {protocol}"));
    }
    Ok(text(&lines))
}

/// The rules for one network. Of rules whose sources have masks of the same length the first one wins, so whatever is
/// excluded stands above; and a rule that gets no port lets the next one try, which is why the plain rule comes last:
/// it also takes what has no ports.
fn map(lines: &mut Vec<String>, interface: &str, network: IpNet, beside: &[IpNet], own: &[IpNet]) {
    let (to, source) = match (network, covering(beside, own)) {
        (IpNet::V4(_), covering) => ("0/32", covering),
        (IpNet::V6(_), covering) => ("0/128", covering),
    };
    let source = match source {
        // A rule names only one exception.
        Some(one) => format!("from {network} ! to {one}"),
        None => {
            for peer in beside {
                lines.push(format!("map {interface} from {network} to {peer} -> 0/0"));
            }
            network.to_string()
        }
    };
    lines.push(format!("map {interface} {source} -> {to} portmap tcp/udp {PORTS}"));
    lines.push(format!("map {interface} {source} -> {to}"));
}

/// The one network that is exactly those of all peers, with the router's own ones if need be, whose zones never
/// reach each other through the outside interface.
fn covering(beside: &[IpNet], own: &[IpNet]) -> Option<IpNet> {
    let first = beside.first()?;
    let same = |network: &&IpNet| network.addr().is_ipv4() == first.addr().is_ipv4();
    let with_own: Vec<IpNet> = beside.iter().chain(own.iter().filter(same)).copied().collect();
    [beside, &with_own].into_iter().map(aggregate).find(|merged| merged.len() == 1).map(|merged| merged[0])
}

fn aggregate(networks: &[IpNet]) -> Vec<IpNet> {
    let ipv4: Vec<Ipv4Net> =
        networks.iter().filter_map(|net| if let IpNet::V4(net) = net { Some(*net) } else { None }).collect();
    let ipv6: Vec<Ipv6Net> =
        networks.iter().filter_map(|net| if let IpNet::V6(net) = net { Some(*net) } else { None }).collect();
    let ipv4 = Ipv4Net::aggregate(&ipv4).into_iter().map(IpNet::V4);
    ipv4.chain(Ipv6Net::aggregate(&ipv6).into_iter().map(IpNet::V6)).collect()
}
