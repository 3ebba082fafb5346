//! A stand-in for `netstat -rn`, with and without `-v`, and with `-f inet` or `-f inet6`. Source: `ire_report()` of
//! `netstat.c` of illumos-gate.

use super::super::options::Options;
use super::super::zfs::{Done, misused, refused};
use super::Call;
use super::model::Route;
use super::routes::shown;

/// `netstat`.
pub(super) fn netstat(call: &mut Call<'_>, words: &[String]) -> Done {
    let options =
        Options::read(words, "rnvaf:", &[]).map_err(|_| misused("usage: netstat -r [-anv] [-f address_family]"))?;
    if !options.has('r') || !options.has('n') || !options.operands.is_empty() {
        return Err(misused("netstat: the lab knows -rn alone"));
    }
    let (four, six) = match options.get('f') {
        None => (true, true),
        Some("inet") => (true, false),
        Some("inet6") => (false, true),
        Some(other) => return Err(refused(format!("{other}: unknown address family"))),
    };
    let mut routes = call.stack().routes.clone();
    routes.sort_by_key(|route| (route.to.prefix_len() != 0, route.to));
    let loopback = |text: &str| {
        let to = text.parse().ok()?;
        Some(Route { to, gateway: None, interface: Some("lo0".to_owned()), is_static: false })
    };
    routes.extend(["127.0.0.1/32", "::1/128"].into_iter().filter_map(loopback));
    for (wanted, is_six) in [(four, false), (six, true)] {
        let family = |route: &&Route| route.to.addr().is_ipv6() == is_six;
        if wanted {
            let rows: Vec<&Route> = routes.iter().filter(family).collect();
            table(call, &rows, is_six, options.has('v'));
        }
    }
    Ok(())
}

fn table(call: &mut Call<'_>, routes: &[&Route], six: bool, verbose: bool) {
    let family = if six { "IPv6" } else { "IPv4" };
    let kind = if verbose { "IRE" } else { "Routing" };
    let (head, line) = match (six, verbose) {
        (false, false) => (
            "  Destination           Gateway           Flags  Ref     Use     Interface ",
            "-------------------- -------------------- ----- ----- ---------- --------- ",
        ),
        (false, true) => (
            "  Destination             Mask           Gateway          Device  MTU  Ref Flg  Out  In/Fwd ",
            "-------------------- --------------- -------------------- ------ ----- --- --- ----- ------ ",
        ),
        (true, false) => (
            "  Destination/Mask            Gateway                   Flags Ref   Use    If   ",
            "--------------------------- --------------------------- ----- --- ------- ----- ",
        ),
        (true, true) => (
            "  Destination/Mask            Gateway                    If    MTU  Ref Flags  Out   In/Fwd ",
            "--------------------------- --------------------------- ----- ----- --- ----- ------ ------ ",
        ),
    };
    for text in ["", &format!("{kind} Table: {family}"), head, line] {
        call.host.say(text);
    }
    for route in routes {
        let text = row(call, route, six, verbose);
        call.host.say(&text);
    }
}

fn row(call: &mut Call<'_>, route: &Route, six: bool, verbose: bool) -> String {
    let stack = call.stack();
    let own = |name: &str| {
        let addresses = stack.interfaces.get(name).into_iter().flat_map(|found| found.addresses.values());
        let mut values = addresses.filter_map(|found| found.value).filter(|value| value.addr().is_ipv6() == six);
        values.find(|value| route.to.contains(&value.addr())).map(|value| value.addr().to_string())
    };
    let interface = route.interface.clone().unwrap_or_default();
    let gateway = match route.gateway {
        Some(gateway) => gateway.to_string(),
        None if interface == "lo0" => route.to.addr().to_string(),
        None => own(&interface).unwrap_or_default(),
    };
    let host = route.to.prefix_len() == route.to.max_prefix_len();
    let flags = format!("U{}{}", if route.gateway.is_some() { "G" } else { "" }, if host { "H" } else { "" });
    let mtu = if interface == "lo0" { 8232 } else { call.network().mtu(&interface).max(1500) };
    let bare = match (six, shown(route.to)) {
        (_, text) if text == "default" => text,
        (false, _) => route.to.addr().to_string(),
        (true, text) => text,
    };
    match (six, verbose) {
        (false, false) => format!("{bare:<20} {gateway:<20} {flags:<5} {:>5} {:>10} {interface:<9} ", 2, 0),
        (false, true) => {
            let mask = route.to.netmask();
            format!(
                "{bare:<20} {mask:<15} {gateway:<20} {interface:<6} {mtu:>5} {:>3} {flags:<3} {:>5} {:>6} ",
                2, 0, 0
            )
        }
        (true, false) => format!("{bare:<27} {gateway:<27} {flags:<5} {:>3} {:>7} {interface:<5} ", 2, 0),
        (true, true) => {
            format!("{bare:<27} {gateway:<27} {interface:<5} {mtu:>5} {:>3} {flags:<5} {:>6} {:>6} ", 2, 0, 0)
        }
    }
}
