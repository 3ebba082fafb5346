//! Rules of ipf, and the protection of links, as rules of nft.
//!
//! The last rule that matches wins unless one is quick, so each but leaves a mark, which is looked at in the end. A
//! connection of which a packet has passed by a rule that keeps state is marked itself, and passes.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::ipf::{self, Endpoint, Ports, Rule, Who};
use super::super::model::{Filter, Network};

/// The name of the chains, and where they are on the way in and out.
type Hooks<'a> = (&'a str, i32, i32);

const PASS: u8 = 1;
const BLOCK: u8 = 2;
const KEEP: u8 = 3;

/// Both chains; nothing for no rules.
pub(super) fn chains(filter: &Filter, (name, before, after): Hooks<'_>, device: &dyn Fn(&str) -> String) -> String {
    let read = |lines: &[String], six: bool| ipf::parse(&lines.join("\n"), six).0;
    let rules: Vec<(bool, Rule)> = read(&filter.active, false)
        .into_iter()
        .map(|rule| (false, rule))
        .chain(read(&filter.active6, true).into_iter().map(|rule| (true, rule)))
        .collect();
    if rules.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for (way, hook, priority) in [("in", "prerouting", before), ("out", "postrouting", after)] {
        let word = if way == "in" { "iifname" } else { "oifname" };
        let _ = write!(text, "chain {name}_{way} {{\ntype filter hook {hook} priority {priority};\n");
        let _ = write!(text, "{word} \"lo\" accept\nct mark 1 accept\nmeta mark set 0\n");
        for (six, rule) in rules.iter().filter(|(_, rule)| rule.out == (way == "out")) {
            text += &one(rule, *six, (word, device), &filter.pools);
        }
        let _ = write!(text, "meta mark {KEEP} ct mark set 1 accept\nmeta mark {BLOCK} drop\n}}\n");
    }
    text
}

fn one(
    rule: &Rule,
    six: bool,
    (word, device): (&str, &dyn Fn(&str) -> String),
    pools: &BTreeMap<String, Vec<String>>,
) -> String {
    let mut text = format!("meta nfproto {} ", if six { "ipv6" } else { "ipv4" });
    if let Some(on) = &rule.on {
        text += &format!("{word} \"{}\" ", device(on));
    }
    text += &protocol(rule);
    for (endpoint, side, ports) in [(&rule.from, "saddr", "sport"), (&rule.to, "daddr", "dport")] {
        match who(endpoint, six, side, pools) {
            Some(found) => text += &found,
            None => return String::new(),
        }
        text += &endpoint.ports.as_ref().map(|found| port(found, ports)).unwrap_or_default();
    }
    text += &flags(rule);
    if let Some(kind) = &rule.icmp_type {
        let kind = if kind == "echo" { "echo-request" } else { kind };
        text += &format!("{} type {kind} ", if six { "icmpv6" } else { "icmp" });
    }
    let verdict = match (rule.action.as_str(), rule.quick, rule.keep_state) {
        ("pass", true, true) => "ct mark set 1 accept".to_owned(),
        ("pass", true, false) => "accept".to_owned(),
        ("pass", false, true) => format!("meta mark set {KEEP}"),
        ("pass", false, false) => format!("meta mark set {PASS}"),
        ("block", true, _) => block(rule),
        ("block", false, _) => format!("meta mark set {BLOCK}"),
        _ => return String::new(),
    };
    format!("{text}{verdict}\n")
}

/// Packets that leave are dropped without an answer.
fn block(rule: &Rule) -> String {
    match rule.answer.as_deref() {
        Some("rst") if !rule.out => "reject with tcp reset".to_owned(),
        Some(_) if !rule.out => "reject".to_owned(),
        _ => "drop".to_owned(),
    }
}

fn protocol(rule: &Rule) -> String {
    let ports = rule.from.ports.is_some() || rule.to.ports.is_some();
    match rule.protocol.as_deref() {
        Some("tcp/udp") => "meta l4proto { tcp, udp } ".to_owned(),
        Some("ipv6-icmp") => "meta l4proto ipv6-icmp ".to_owned(),
        Some("ip" | "ipv6") => String::new(),
        Some(name) => format!("meta l4proto {name} "),
        None if ports => "meta l4proto { tcp, udp } ".to_owned(),
        None => String::new(),
    }
}

/// None: it matches nothing.
fn who(endpoint: &Endpoint, six: bool, side: &str, pools: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let family = if six { "ip6" } else { "ip" };
    let sign = if endpoint.not { "!= " } else { "" };
    match &endpoint.who {
        Who::Any => Some(String::new()),
        Who::Net(net) if net.prefix_len() == 0 => (!endpoint.not).then(String::new),
        Who::Net(net) => Some(format!("{family} {side} {sign}{net} ")),
        Who::Interface(_) => Some(format!("fib {} type local ", side)),
        Who::Pool(number) => {
            let fits = |member: &&String| member.contains(':') == six;
            let members: Vec<&String> = pools.get(number)?.iter().filter(fits).collect();
            let (out, within): (Vec<&String>, Vec<&String>) =
                members.into_iter().partition(|member| member.starts_with('!'));
            if within.is_empty() {
                return endpoint.not.then(String::new);
            }
            let list = |all: &[&String]| {
                all.iter().map(|member| member.trim_start_matches('!')).collect::<Vec<_>>().join(", ")
            };
            let mut text = format!("{family} {side} {sign}{{ {} }} ", list(&within));
            if !out.is_empty() && !endpoint.not {
                text += &format!("{family} {side} != {{ {} }} ", list(&out));
            }
            Some(text)
        }
    }
}

fn port(ports: &Ports, word: &str) -> String {
    match ports {
        Ports::Is(sign, port) => {
            let sign = match sign.as_str() {
                "!=" | "ne" => "!= ",
                "<" | "lt" => "< ",
                ">" | "gt" => "> ",
                "<=" | "le" => "<= ",
                ">=" | "ge" => ">= ",
                _ => "",
            };
            format!("th {word} {sign}{port} ")
        }
        Ports::Range(first, last) => format!("th {word} {first}-{last} "),
        Ports::Between(first, last) => format!("th {word} > {first} th {word} < {last} "),
        Ports::Outside(first, last) => format!("th {word} != {first}-{last} "),
    }
}

/// `S/FSRPAU`.
fn flags(rule: &Rule) -> String {
    let Some(text) = &rule.flags else { return String::new() };
    let (wanted, of) = text.split_once('/').unwrap_or((text, "FSRPAU"));
    let word = |letter: char| match letter {
        'F' => Some("fin"),
        'S' => Some("syn"),
        'R' => Some("rst"),
        'P' => Some("psh"),
        'A' => Some("ack"),
        'U' => Some("urg"),
        _ => None,
    };
    let list = |text: &str| text.chars().filter_map(word).collect::<Vec<_>>().join(" | ");
    let value = if wanted.is_empty() { "0".to_owned() } else { list(wanted) };
    format!("tcp flags & ({}) == {value} ", list(of))
}

/// What leaves a link with `protection`. Source: dladm(8): addresses that DHCP gave are let through, which the lab
/// takes for those that a client has.
pub(super) fn protection(network: &Network) -> String {
    let mut text = String::new();
    for link in network.links.values() {
        let Some(kinds) = link.properties.get("protection") else { continue };
        let port = format!("iifname \"p{}\"", link.serial);
        let has = |kind: &str| kinds.split(',').any(|found| found == kind);
        if let (true, Some(mac)) = (has("mac-nospoof"), link.mac) {
            let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
            let _ = writeln!(text, "{port} ether saddr != {mac} drop");
        }
        if has("ip-nospoof") {
            let allowed = link.properties.get("allowed-ips").map(String::as_str).unwrap_or_default();
            let (six, four): (Vec<&str>, Vec<&str>) =
                allowed.split(',').filter(|text| !text.is_empty()).partition(|text| text.contains(':'));
            let four: Vec<&str> = four.into_iter().chain(["0.0.0.0"]).collect();
            let six: Vec<&str> = six.into_iter().chain(["fe80::/10", "::"]).collect();
            let _ = writeln!(text, "{port} ether type ip ip saddr != {{ {} }} drop", four.join(", "));
            let _ = writeln!(text, "{port} ether type arp arp saddr ip != {{ {} }} drop", four.join(", "));
            let _ = writeln!(text, "{port} ether type ip6 ip6 saddr != {{ {} }} drop", six.join(", "));
        }
    }
    if text.is_empty() { text } else { format!("chain leave {{\ntype filter hook prerouting priority 0;\n{text}}}\n") }
}
