//! A stand-in for ipnat(8), and the grammar of ipnat.conf(5). Source: `ipnat.c` and `ipnat_y.y` of illumos-gate. There
//! are no pools in it, and the number of the line comes with what the kernel refuses, which is no failure.

use std::fs;

use ipnet::IpNet;

use super::super::options::Options;
use super::super::zfs::{Done, Refused, refused};
use super::Call;
use super::model::Filter;
use super::rules::{Family, Tokens, Wrong, is_interface, only_blank, port};
use super::words::said;

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    Map(Map),
    Rdr(Rdr),
    Bimap { interface: String, inside: IpNet, outside: IpNet },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Map {
    pub interface: String,
    pub from: Option<IpNet>,
    /// Where to; the sign says whether it is all but that.
    pub to: Option<(bool, IpNet)>,
    pub target: IpNet,
    /// Of `portmap`: the protocols, and the ports unless that is left to the kernel.
    pub ports: Option<(String, Option<(u16, u16)>)>,
    /// What comes after.
    pub more: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rdr {
    pub interface: String,
    pub from: Option<(bool, IpNet)>,
    pub to: Option<IpNet>,
    pub ports: Option<(u16, u16)>,
    pub targets: Vec<IpNet>,
    pub port: Option<u16>,
    pub protocol: String,
    pub more: Vec<String>,
}

/// Rules up to the first mistake, each with its line.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub rules: Vec<(usize, Rule)>,
    pub wrong: Option<Wrong>,
}

/// Reads a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    if only_blank(text) {
        parsed.wrong = Some(format!("syntax error error at \"\", line {}", text.lines().count().max(1)));
        return parsed;
    }
    let mut tokens = Tokens::new(text);
    while tokens.peek().is_some() {
        if tokens.definition() || tokens.take(";") {
            continue;
        }
        match rule(&mut tokens) {
            Ok(rule) => parsed.rules.push((tokens.line(), rule)),
            Err(wrong) => {
                parsed.wrong = Some(wrong);
                break;
            }
        }
    }
    parsed
}

fn rule(tokens: &mut Tokens) -> Result<Rule, Wrong> {
    if tokens.take("map") {
        return map(tokens).map(Rule::Map);
    }
    if tokens.take("rdr") {
        return rdr(tokens).map(Rule::Rdr);
    }
    if tokens.take("bimap") {
        let interface = interface(tokens)?;
        let inside = some_net(tokens)?;
        tokens.want("->")?;
        let outside = some_net(tokens)?;
        options(tokens)?;
        return Ok(Rule::Bimap { interface, inside, outside });
    }
    Err(tokens.wrong("syntax error"))
}

/// `IN[,OUT]`, of which the last is the one that counts. Longer names are cut.
fn interface(tokens: &mut Tokens) -> Result<String, Wrong> {
    loop {
        let Some(text) = tokens.peek().filter(|text| is_interface(text)) else {
            return Err(tokens.wrong("syntax error"));
        };
        tokens.next();
        if !tokens.take(",") {
            return Ok(text.chars().take(31).collect());
        }
    }
}

fn some_net(tokens: &mut Tokens) -> Result<IpNet, Wrong> {
    let any = || "0.0.0.0/0".parse().map_err(|_| "syntax error".to_owned());
    tokens.net(Family::Both)?.map_or_else(any, Ok)
}

fn map(tokens: &mut Tokens) -> Result<Map, Wrong> {
    let interface = interface(tokens)?;
    let (mut from, mut to) = (None, None);
    if tokens.take("from") {
        from = tokens.net(Family::Both)?;
        port_of_endpoint(tokens)?;
        let not = tokens.take("!");
        tokens.want("to")?;
        to = tokens.net(Family::Both)?.map(|net| (not, net));
        port_of_endpoint(tokens)?;
    } else {
        from = tokens.net(Family::Both)?.or(from);
    }
    tokens.want("->")?;
    tokens.take("range");
    let target = some_net_of(tokens, from)?;
    let (ports, more) = options(tokens)?;
    Ok(Map { interface, from, to, target, ports, more })
}

/// The target after an IPv6 source is read as one of IPv6: `0/32` is `::/32` then.
fn some_net_of(tokens: &mut Tokens, from: Option<IpNet>) -> Result<IpNet, Wrong> {
    let six = from.is_some_and(|net| net.addr().is_ipv6());
    if tokens.peek().is_some_and(|text| text.contains('-')) {
        let text = tokens.word()?;
        let first = text.split('-').next().and_then(|text| text.parse::<std::net::IpAddr>().ok());
        return first.map(IpNet::from).ok_or_else(|| tokens.wrong("syntax error"));
    }
    let family = if six { Family::Six } else { Family::Both };
    tokens.net(family)?.ok_or_else(|| tokens.wrong("syntax error"))
}

fn port_of_endpoint(tokens: &mut Tokens) -> Result<Option<(u16, u16)>, Wrong> {
    if !tokens.take("port") {
        return Ok(None);
    }
    tokens.take("=");
    ports(tokens).map(Some)
}

/// `80`, `8000-8010`, `8000:8010`.
fn ports(tokens: &mut Tokens) -> Result<(u16, u16), Wrong> {
    let found = tokens.peek().and_then(|text| match text.split_once(['-', ':']) {
        Some((first, last)) => Some((port(first)?, port(last)?)),
        None => port(&text).map(|port| (port, port)),
    });
    match found {
        Some(range) => {
            tokens.next();
            Ok(range)
        }
        None => Err(tokens.wrong("syntax error")),
    }
}

const PROTOCOLS: &[&str] = &["tcp", "udp", "tcp/udp", "tcpudp", "icmp", "gre", "ip", "ipv6-icmp", "esp", "ah"];

type Portmap = (String, Option<(u16, u16)>);

/// What may come after the target.
fn options(tokens: &mut Tokens) -> Result<(Option<Portmap>, Vec<String>), Wrong> {
    let (mut portmap, mut more) = (None, Vec::new());
    loop {
        if tokens.take("portmap") {
            let protocol = protocol(tokens)?;
            let range = if tokens.take("auto") { None } else { Some(ports(tokens)?) };
            portmap = Some((protocol, range));
            tokens.take("sequential");
        } else if tokens.take("icmpidmap") {
            tokens.want("icmp")?;
            more.push(format!("icmpidmap icmp {}", tokens.word()?));
        } else if tokens.take("mssclamp") {
            more.push(format!("mssclamp {}", tokens.word()?));
        } else if tokens.take("proxy") {
            tokens.want("port")?;
            more.push(format!("proxy port {} {}", tokens.word()?, tokens.word()?));
        } else if tokens.take("age") || tokens.take("tag") {
            more.push(tokens.word()?);
        } else if tokens.take("frag") || tokens.take("sticky") || tokens.take("round-robin") {
            more.push("frag".to_owned());
        } else {
            return Ok((portmap, more));
        }
    }
}

fn protocol(tokens: &mut Tokens) -> Result<String, Wrong> {
    match tokens.peek() {
        Some(text) if PROTOCOLS.contains(&text.to_ascii_lowercase().as_str()) => {
            tokens.next();
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(tokens.wrong("syntax error")),
    }
}

fn rdr(tokens: &mut Tokens) -> Result<Rdr, Wrong> {
    let interface = interface(tokens)?;
    let not = tokens.take("!");
    let (mut from, to, mut range);
    if tokens.take("from") {
        from = tokens.net(Family::Both)?.map(|net| (not, net));
        port_of_endpoint(tokens)?;
        tokens.want("to")?;
        to = tokens.net(Family::Both)?;
        range = port_of_endpoint(tokens)?;
    } else if not {
        return Err(tokens.wrong("syntax error"));
    } else {
        from = None;
        to = tokens.net(Family::Both)?;
        range = port_of_endpoint(tokens)?;
    }
    from = from.filter(|(not, net)| *not || net.prefix_len() > 0);
    tokens.want("->")?;
    let mut targets = vec![some_net(tokens)?];
    while tokens.take(",") {
        targets.push(some_net(tokens)?);
    }
    let port = port_of_endpoint(tokens)?.map(|(first, _)| first);
    if port.is_some() && range.is_none() {
        return Err(tokens.wrong("syntax error"));
    }
    range = range.filter(|(first, last)| first <= last);
    let with_ports = range.is_some();
    let protocol = match tokens.peek() {
        Some(text) if PROTOCOLS.contains(&text.to_ascii_lowercase().as_str()) => protocol(tokens)?,
        _ if with_ports => "tcp".to_owned(),
        _ => "ip".to_owned(),
    };
    let (_, more) = options(tokens)?;
    Ok(Rdr { interface, from, to, ports: range, targets, port, protocol, more })
}

impl Rule {
    /// As `ipnat -nv` and `ipnat -l` print it.
    pub fn text(&self) -> String {
        let any = |net: &Option<IpNet>| net.map_or("0.0.0.0/0".to_owned(), |net| net.to_string());
        match self {
            Self::Bimap { interface, inside, outside } => format!("bimap {interface} {inside} -> {outside}"),
            Self::Map(map) => {
                let source = match map.to {
                    None => any(&map.from),
                    Some((not, to)) => format!("from {} {}to {to}", any(&map.from), if not { "! " } else { "" }),
                };
                let ports = match &map.ports {
                    None => String::new(),
                    Some((protocol, None)) => format!(" portmap {protocol} auto"),
                    Some((protocol, Some((first, last)))) => format!(" portmap {protocol} {first}:{last}"),
                };
                let more: String = map.more.iter().map(|word| format!(" {word}")).collect();
                format!("map {} {source} -> {}{ports}{more}", map.interface, map.target)
            }
            Self::Rdr(rdr) => {
                let range = match rdr.ports {
                    None => String::new(),
                    Some((first, last)) if first == last => format!(" port {first}"),
                    Some((first, last)) => format!(" port {first}-{last}"),
                };
                let from = rdr.from.map(|(not, net)| format!("{}from {net} to ", if not { "! " } else { "" }));
                let targets: Vec<String> = rdr.targets.iter().map(|target| target.addr().to_string()).collect();
                let port = rdr.port.map(|port| format!(" port {port}")).unwrap_or_default();
                let head = format!("rdr {} {}{}{range}", rdr.interface, from.unwrap_or_default(), any(&rdr.to));
                let more = if rdr.more.is_empty() { "" } else { " round-robin" };
                format!("{head} -> {}{port} {}{more}", targets.join(","), rdr.protocol)
            }
        }
    }
}

/// `ipnat`.
pub(super) fn ipnat(call: &mut Call<'_>, words: &[String]) -> Done {
    let usage = || refused("Usage:\tipnat [-CFhlnrRsv] [-f filename] [-z zonename|-G zonename]");
    let options = Options::read(words, "CdFf:hlnN:M:prRsvz:G:", &[]).map_err(|_| usage())?;
    let outer = turn(call, &options)?;
    if !options.has('n') && !options.has('l') && !call.owns_stack() {
        return Err(refused("/dev/ipnat: open: Permission denied"));
    }
    if !options.has('n') && options.has('C') {
        filter(call, outer).nat.clear();
        call.host.say("0 entries flushed from NAT list");
    }
    if !options.has('n') && options.has('F') {
        filter(call, outer).flushed_sessions += 1;
        call.host.say("0 entries flushed from NAT table");
    }
    let mut done = Ok(());
    for name in options.all('f') {
        done = file(call, name, &options, outer);
    }
    if options.has('l') {
        call.host.say("List of active MAP/Redirect filters:");
        for line in filter(call, outer).nat.clone() {
            call.host.say(&line);
        }
        call.host.say("\nList of active sessions:");
    }
    done
}

/// The zone that `-z` or `-G` names; whether it is about the stack that the global zone alone controls.
pub(super) fn turn(call: &mut Call<'_>, options: &Options) -> Result<bool, Refused> {
    let outer = options.has('G');
    let Some(zone) = options.get('G').or_else(|| options.get('z')).map(str::to_owned) else { return Ok(false) };
    turn_to(call, &zone)?;
    Ok(outer)
}

pub(super) fn turn_to(call: &mut Call<'_>, zone: &str) -> Done {
    if !call.is_global() || !call.turn_to(zone) {
        return Err(refused(format!("Could not find running zone: {zone}")));
    }
    Ok(())
}

pub(super) fn filter<'a>(call: &'a mut Call<'_>, outer: bool) -> &'a mut Filter {
    let stack = call.stack();
    if outer { &mut stack.outer } else { &mut stack.filter }
}

fn file(call: &mut Call<'_>, name: &str, options: &Options, outer: bool) -> Done {
    let place = call.file(name);
    let Ok(bytes) = fs::read(&place) else {
        call.host.complain(&format!("fopen({name}) failed: No such file or directory"));
        return Ok(());
    };
    let parsed = parse(&String::from_utf8_lossy(&bytes));
    for (line, rule) in &parsed.rules {
        let text = rule.text();
        if options.has('v') {
            call.host.say(&text);
        }
        if !options.has('n') {
            apply(call, outer, *line, text, options.has('r'));
        }
    }
    match parsed.wrong {
        // The kernel is not asked.
        Some(wrong) if options.has('n') && wrong.contains("ioctl") => Ok(()),
        Some(wrong) => {
            call.host.complain(&wrong);
            Err(said(u8::from(!wrong.contains("ioctl"))))
        }
        None => Ok(()),
    }
}

fn apply(call: &mut Call<'_>, outer: bool, line: usize, text: String, remove: bool) {
    let rules = &mut filter(call, outer).nat;
    let at = rules.iter().position(|rule| *rule == text);
    match (remove, at) {
        (true, Some(at)) => drop(rules.remove(at)),
        (true, None) => call.host.complain(&format!("{line}:ioctl(delete nat rule): No such process")),
        (false, Some(_)) => call.host.complain(&format!("{line}:ioctl(add/insert nat rule): File exists")),
        (false, None) => rules.push(text),
    }
}
