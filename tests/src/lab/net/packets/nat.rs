//! Rules of ipnat as rules of nft.
//!
//! The longest mask wins, of the source with `map` and of the destination with `rdr`; the order of the file counts among
//! equals. Linux never translates the answers of a connection that came in untranslated, which IPFilter does, and that
//! is the end of the connection: so they are dropped.

use std::fmt::Write;

use ipnet::IpNet;

use super::super::ipnat::{Map, Rdr, Rule};

/// All chains; nothing for no rules. The device of an interface is told by its name.
pub(super) fn chains(rules: &[Rule], device: &dyn Fn(&str) -> String) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let mut maps: Vec<&Map> =
        rules.iter().filter_map(|rule| if let Rule::Map(map) = rule { Some(map) } else { None }).collect();
    maps.sort_by_key(|map| std::cmp::Reverse(map.from.map_or(0, |net| net.prefix_len())));
    let mut rdrs: Vec<&Rdr> =
        rules.iter().filter_map(|rule| if let Rule::Rdr(rdr) = rule { Some(rdr) } else { None }).collect();
    rdrs.sort_by_key(|rdr| std::cmp::Reverse(rdr.to.map_or(0, |net| net.prefix_len())));
    let both: Vec<(&str, IpNet, IpNet)> = rules
        .iter()
        .filter_map(|rule| {
            if let Rule::Bimap { interface, inside, outside } = rule {
                Some((interface.as_str(), *inside, *outside))
            } else {
                None
            }
        })
        .collect();
    let mut text = "chain nat_in {\ntype nat hook prerouting priority dstnat;\n".to_owned();
    for (interface, inside, outside) in &both {
        let on = on("iifname", interface, device);
        let _ = writeln!(text, "{on}{} {}", net("daddr", *outside), to("dnat", *inside, None));
    }
    rdrs.iter().for_each(|rdr| text += &redirect(rdr, device));
    text += "}\nchain nat_out {\ntype nat hook postrouting priority srcnat;\n";
    for (interface, inside, outside) in &both {
        let on = on("oifname", interface, device);
        let _ = writeln!(text, "{on}{} {}", net("saddr", *inside), to("snat", *outside, None));
    }
    maps.iter().for_each(|map| text += &translate(map, device));
    text += "}\nchain nat_answers {\ntype filter hook forward priority -10;\n";
    maps.iter().for_each(|map| text += &answers(map, device));
    text + "}\n"
}

fn on(word: &str, interface: &str, device: &dyn Fn(&str) -> String) -> String {
    if interface == "*" { String::new() } else { format!("{word} \"{}\" ", device(interface)) }
}

/// `ip saddr 10.0.0.0/8`.
fn net(word: &str, net: IpNet) -> String {
    let family = if net.addr().is_ipv6() { "ip6" } else { "ip" };
    format!("{family} {word} {net}")
}

fn to(word: &str, target: IpNet, ports: Option<String>) -> String {
    let family = if target.addr().is_ipv6() { "ip6" } else { "ip" };
    let address = if target.addr().is_ipv6() { format!("[{}]", target.addr()) } else { target.addr().to_string() };
    match ports {
        Some(ports) => format!("{word} {family} to {address}:{ports}"),
        None if target.prefix_len() == target.max_prefix_len() => format!("{word} {family} to {}", target.addr()),
        None => format!("{word} {family} to {}-{}", target.network(), target.broadcast()),
    }
}

/// What a rule of `map` is about.
fn scope(map: &Map, device: &dyn Fn(&str) -> String) -> String {
    let mut text = on("oifname", &map.interface, device);
    if let Some(from) = map.from {
        text += &format!("{} ", net("saddr", from));
    }
    if let Some((not, to)) = map.to {
        let family = if to.addr().is_ipv6() { "ip6" } else { "ip" };
        text += &format!("{family} daddr {}{to} ", if not { "!= " } else { "" });
    }
    text
}

/// Whether it maps to itself.
fn is_identity(map: &Map) -> bool {
    map.target.prefix_len() == 0
}

fn is_own_address(map: &Map) -> bool {
    map.target.addr().is_unspecified() && map.target.prefix_len() == map.target.max_prefix_len()
}

fn translate(map: &Map, device: &dyn Fn(&str) -> String) -> String {
    let scope = scope(map, device);
    if is_identity(map) {
        return format!("{scope}accept\n");
    }
    if map.target.addr().is_unspecified() && !is_own_address(map) {
        // A packet without a mapping is blocked.
        return format!("{scope}drop\n");
    }
    let (protocol, range) = match &map.ports {
        None => ("", None),
        Some((_, range)) => ("meta l4proto { tcp, udp } ", range.map(|(first, last)| format!("{first}-{last}"))),
    };
    let target = match (is_own_address(map), range) {
        (true, Some(range)) => format!("masquerade to :{range}"),
        (true, None) => "masquerade".to_owned(),
        (false, range) => to("snat", map.target, range),
    };
    format!("{scope}{protocol}{target}\n")
}

fn answers(map: &Map, device: &dyn Fn(&str) -> String) -> String {
    let scope = scope(map, device);
    if is_identity(map) {
        return format!("{scope}accept\n");
    }
    let protocol = if map.ports.is_some() { "meta l4proto { tcp, udp } " } else { "" };
    format!("{scope}{protocol}ct direction reply ct status & (snat | dnat) == 0 drop\n")
}

fn redirect(rdr: &Rdr, device: &dyn Fn(&str) -> String) -> String {
    let mut text = on("iifname", &rdr.interface, device);
    if let Some((not, from)) = rdr.from {
        let family = if from.addr().is_ipv6() { "ip6" } else { "ip" };
        text += &format!("{family} saddr {}{from} ", if not { "!= " } else { "" });
    }
    // `0/32` is no address of the interface: it matches nothing. `0/0` is any.
    if let Some(to) = rdr.to.filter(|to| to.prefix_len() > 0) {
        text += &format!("{} ", net("daddr", to));
    }
    let protocols = match rdr.protocol.as_str() {
        "tcp" => "meta l4proto tcp ",
        "udp" => "meta l4proto udp ",
        "tcp/udp" | "tcpudp" => "meta l4proto { tcp, udp } ",
        _ => "",
    };
    text += protocols;
    match rdr.ports {
        Some((first, last)) if first == last => text += &format!("th dport {first} "),
        Some((first, last)) => text += &format!("th dport {first}-{last} "),
        None => {}
    }
    let Some(target) = rdr.targets.first() else { return String::new() };
    format!("{text}{}\n", to("dnat", *target, rdr.port.map(|port| port.to_string())))
}
