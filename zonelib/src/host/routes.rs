//! Routes of the global zone: netstat(8) lists them all, with their masks.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::parsable::ListError;
use super::{HostCommand, LinkName};

const NETSTAT: &str = "/usr/bin/netstat";
const ROUTE: &str = "/usr/sbin/route";

/// A route of the global zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it leads; a host is a network of one address.
    pub destination: IpNet,
    /// Whom packets are given to; with [`Route::is_direct`] the host's own address.
    pub gateway: IpAddr,
    /// The interface, where the kernel has settled on one.
    pub interface: Option<String>,
    /// As netstat(8) prints them, such as `UG`.
    pub flags: String,
}

impl Route {
    /// The destination is on the interface itself.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        !self.flags.contains(['G', 'R', 'B'])
    }

    /// It is the route for everything that has no other.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.destination.prefix_len() == 0
    }
}

/// All routes of the global zone.
///
/// # Errors
/// [`ListError`].
pub fn routes() -> Result<Vec<Route>, ListError> {
    let netstat = HostCommand::new(NETSTAT).arg("-rnv");
    let out = netstat.run()?;
    parse(&String::from_utf8_lossy(&out))
        .map_err(|line| ListError::Unexpected { command: netstat.line(), line: line.escape_debug().to_string() })
}

/// Both tables of `netstat -rnv`. A route whose interface is open leaves that column blank.
fn parse(text: &str) -> Result<Vec<Route>, String> {
    let mut routes = Vec::new();
    let mut version = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (version, &words[..]) {
            (_, ["IRE", "Table:", table]) => version = Some(*table == "IPv6"),
            (_, []) => {}
            (_, [first, ..]) if first.starts_with("Destination") || first.starts_with("---") => {}
            (Some(false), words) => routes.push(ipv4(words).ok_or(line)?),
            (Some(true), words) => routes.extend(ipv6(words).ok_or(line)?),
            (None, _) => return Err(line.to_owned()),
        }
    }
    Ok(routes)
}

fn ipv4(words: &[&str]) -> Option<Route> {
    let [destination, mask, gateway, rest @ ..] = words else { return None };
    let (interface, flags) = interface_and_flags(rest)?;
    let length = ipnet::ipv4_mask_to_prefix(mask.parse().ok()?).ok()?;
    let address = if *destination == "default" { Ipv4Addr::UNSPECIFIED } else { destination.parse().ok()? };
    let destination = Ipv4Net::new(address, length).ok()?.trunc().into();
    Some(Route { destination, gateway: gateway.parse().ok()?, interface, flags })
}

/// `Some(None)` is a route to many at once.
fn ipv6(words: &[&str]) -> Option<Option<Route>> {
    let [destination, gateway, rest @ ..] = words else { return None };
    let (interface, flags) = interface_and_flags(rest)?;
    let destination: IpNet = match *destination {
        "default" => "::/0".parse().ok()?,
        text if text.contains('/') => text.parse::<IpNet>().ok()?.trunc(),
        text => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    if destination.addr().is_multicast() {
        return Some(None);
    }
    Some(Some(Route { destination, gateway: gateway.parse().ok()?, interface, flags }))
}

/// `[INTERFACE] MTU REF FLAGS OUT IN`. Four flags and six digits have nothing between them. Source: `ire_report_item_v4()`
/// of netstat.c.
fn interface_and_flags(words: &[&str]) -> Option<(Option<String>, String)> {
    let at = words.iter().rposition(|word| word.starts_with(|letter: char| letter.is_ascii_alphabetic()))?;
    let letters = words[at].trim_end_matches(|digit: char| digit.is_ascii_digit());
    let counters = words.len() - at - 1 + usize::from(letters.len() < words[at].len());
    let interface = match &words[..at] {
        [interface, _mtu, _references] => Some((*interface).to_owned()),
        [_mtu, _references] => None,
        _ => return None,
    };
    (counters == 2).then(|| (interface, letters.to_owned()))
}

fn route(verb: &str, destination: IpNet, gateway: IpAddr) -> HostCommand {
    let route = HostCommand::new(ROUTE).args(["-p", verb]);
    let route = if gateway.is_ipv6() { route.arg("-inet6") } else { route };
    route.arg(destination.to_string()).arg(gateway.to_string())
}

/// The command that adds a route of the global zone, now and for every boot.
#[must_use]
pub fn add(destination: IpNet, gateway: IpAddr) -> HostCommand {
    route("add", destination, gateway)
}

/// The command that takes such a route away.
#[must_use]
pub fn delete(destination: IpNet, gateway: IpAddr) -> HostCommand {
    route("delete", destination, gateway)
}

/// What a route is given to, for the names of interfaces that are links.
#[must_use]
pub fn link(route: &Route) -> Option<LinkName> {
    route.interface.as_ref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "
IRE Table: IPv4
  Destination             Mask           Gateway          Device  MTU  Ref Flg  Out  In/Fwd
-------------------- --------------- -------------------- ------ ----- --- --- ----- ------
default              0.0.0.0         192.0.2.1                    1500   3 UG   77522      0
10.9.0.0             255.255.0.0     192.0.2.7            net0    1500   1 UGS      0      0
127.0.0.1            255.255.255.255 127.0.0.1            lo0     8232  20 UH     289    289
192.0.2.0            255.255.255.0   192.0.2.10           net0    1500*  4 U       25      0

IRE Table: IPv6
  Destination/Mask            Gateway                    If    MTU  Ref Flags  Out    In/Fwd
--------------------------- --------------------------- ----- ----- --- ----- ------  ------
::1                         ::1                         lo0    8252   2 UH         0       0
fe80::/10                   fe80::20c:29ff:fe75:b321    net0   1500   2 U          0       0
ff00::/8                    fe80::20c:29ff:fe75:b321    net0   1500   2 U          0       0
default                     fe80::1                     net0   1500   2 UG         0       0
";

    #[test]
    fn both_tables_are_read() {
        let routes = parse(TABLES).unwrap();
        let short = |route: &Route| {
            let interface = route.interface.as_deref().unwrap_or("-");
            format!("{} {} {interface} {}", route.destination, route.gateway, route.is_direct())
        };
        assert_eq!(
            routes.iter().map(short).collect::<Vec<_>>(),
            [
                "0.0.0.0/0 192.0.2.1 - false",
                "10.9.0.0/16 192.0.2.7 net0 false",
                "127.0.0.1/32 127.0.0.1 lo0 true",
                "192.0.2.0/24 192.0.2.10 net0 true",
                "::1/128 ::1 lo0 true",
                "fe80::/10 fe80::20c:29ff:fe75:b321 net0 true",
                "::/0 fe80::1 net0 false",
            ]
        );
        assert!(routes[0].is_default() && routes[6].is_default() && !routes[3].is_default());
    }

    #[test]
    fn flags_and_a_large_counter_have_nothing_between_them() {
        let line = "198.51.100.7 255.255.255.255 192.0.2.7 e1000g0 1500 1 UGHD123456 0";
        let routes = parse(&format!("IRE Table: IPv4\n{line}\n")).unwrap();
        assert_eq!((routes[0].interface.as_deref(), routes[0].flags.as_str()), (Some("e1000g0"), "UGHD"));
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        for text in
            ["nonsense\n", "IRE Table: IPv4\n10.0.0.0 255.0.255.0 1.2.3.4 net0 1 1 U 0 0\n", "IRE Table: IPv6\nx y\n"]
        {
            let line = text.lines().last().unwrap();
            assert_eq!(parse(text).unwrap_err(), line);
        }
        assert_eq!(parse("").unwrap(), []);
    }
}
