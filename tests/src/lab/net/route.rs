//! A stand-in for route(8): `add`, `delete`, `change`, `get`, `flush`, `show`. Refusals are worded as in `route.c` of
//! illumos-gate; the exit status is the number of the error.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use super::super::zfs::{Done, Refused, refused};
use super::Call;
use super::model::Route;
use super::routes::{self, shown};
use super::words::said;

/// Numbers of errors of illumos. Source: `sys/errno.h`.
const ESRCH: u8 = 3;
const EEXIST: u8 = 17;
const ENETUNREACH: u8 = 128;

#[derive(Debug, Default)]
struct Asked {
    persistent: bool,
    flush_first: bool,
    /// Another root, whose file alone is changed.
    root: Option<PathBuf>,
    rest: Vec<String>,
}

/// `route`.
pub(super) fn route(call: &mut Call<'_>, words: &[String]) -> Done {
    let asked = read(words).ok_or_else(|| misused(call))?;
    let reads = asked.rest.first().is_some_and(|verb| verb == "get" || verb == "show");
    if !call.owns_stack() && !reads {
        return Err(refused("route: insufficient privileges"));
    }
    if asked.flush_first {
        call.stack().routes.retain(|route| !route.is_static);
    }
    let rest = asked.rest.clone();
    match rest.split_first().map(|(verb, rest)| (verb.as_str(), rest)) {
        Some(("add", rest)) => change(call, &asked, rest, true),
        Some(("delete", rest)) => change(call, &asked, rest, false),
        Some(("change", _)) if asked.persistent => Err(refused("route: \"change\" is not supported with -p")),
        Some(("change", rest)) => replace(call, rest),
        Some(("get", rest)) => get(call, rest),
        Some(("flush", [])) => {
            call.stack().routes.retain(|route| !route.is_static);
            Ok(())
        }
        Some(("show", [])) if asked.persistent => show(call, &asked),
        None if asked.flush_first => Ok(()),
        _ => Err(misused(call)),
    }
}

fn misused(call: &mut Call<'_>) -> Refused {
    call.host.complain("usage: route [-fnpqv] [-R <root-dir>] cmd [[-<qualifers>] args]");
    said(1)
}

fn read(words: &[String]) -> Option<Asked> {
    let mut asked = Asked::default();
    let mut words = words.iter();
    while let Some(word) = words.as_slice().first().filter(|word| word.starts_with('-')) {
        words.next();
        for letter in word[1..].chars() {
            match letter {
                'p' => asked.persistent = true,
                'f' => asked.flush_first = true,
                'n' | 'q' | 'v' => {}
                'R' => asked.root = Some(words.next()?.into()),
                _ => return None,
            }
        }
    }
    asked.rest = words.cloned().collect();
    Some(asked)
}

/// A route as it is written after the verb.
#[derive(Debug)]
struct Written {
    to: IpNet,
    gateway: IpAddr,
    interface: Option<String>,
    /// The words, as the file keeps them.
    line: String,
}

fn parse(words: &[String]) -> Option<Written> {
    let (mut six, mut operands, mut interface, mut mask) = (false, Vec::new(), None, None);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-inet6" => six = true,
            "-inet" => six = false,
            "-net" | "-host" | "-static" | "-reject" | "-blackhole" => {}
            "-ifp" => interface = Some(rest.next()?.clone()),
            "-netmask" => mask = Some(rest.next()?.parse::<IpAddr>().ok()?),
            other if other.starts_with('-') => return None,
            other => operands.push(other),
        }
    }
    let [to, gateway] = operands[..] else { return None };
    let mut to = routes::destination(to, six)?;
    if let Some(mask) = mask {
        to = IpNet::with_netmask(to.addr(), mask).ok()?;
    }
    let gateway: IpAddr = gateway.parse().ok()?;
    (gateway.is_ipv6() == six).then(|| Written { to: to.trunc(), gateway, interface, line: words.join(" ") })
}

impl Written {
    fn words(&self) -> String {
        let host = self.to.prefix_len() == self.to.max_prefix_len();
        format!("{} {}: gateway {}", if host { "host" } else { "net" }, shown(self.to), self.gateway)
    }

    fn route(&self) -> Route {
        Route { to: self.to, gateway: Some(self.gateway), interface: self.interface.clone(), is_static: true }
    }

    fn is(&self, route: &Route) -> bool {
        route.to == self.to && route.gateway == Some(self.gateway)
    }
}

/// `add` and `delete`: the live table, unless another root is meant, and with `-p` the file.
fn change(call: &mut Call<'_>, asked: &Asked, words: &[String], add: bool) -> Done {
    let Some(written) = parse(words) else { return Err(misused(call)) };
    if asked.root.is_some() && !asked.persistent {
        return Err(refused("route: -R requires -p"));
    }
    if asked.root.is_none() {
        let live = if add { add_live(call, &written) } else { delete_live(call, &written) };
        match live {
            Err(error) if !(asked.persistent && [EEXIST, ESRCH].contains(&error.status)) => return Err(error),
            _ => {}
        }
    }
    if asked.persistent { change_file(call, asked, &written, add) } else { Ok(()) }
}

fn add_live(call: &mut Call<'_>, written: &Written) -> Done {
    let words = written.words();
    let stack = call.stack();
    let failure = if stack.routes.iter().any(|route| route.is_static && written.is(route)) {
        Some(("entry exists", EEXIST))
    } else if stack.onlink(written.gateway).is_none() && !written.gateway.is_loopback() {
        Some(("Network is unreachable", ENETUNREACH))
    } else {
        stack.routes.push(written.route());
        None
    };
    tell(call, "add", &words, failure)
}

fn delete_live(call: &mut Call<'_>, written: &Written) -> Done {
    let routes = &mut call.stack().routes;
    let at = routes.iter().position(|route| route.is_static && written.is(route));
    let failure = match at {
        Some(at) => {
            routes.remove(at);
            None
        }
        None => Some(("not in table", ESRCH)),
    };
    tell(call, "delete", &written.words(), failure)
}

/// Failures too are told on standard output.
fn tell(call: &mut Call<'_>, verb: &str, words: &str, failure: Option<(&str, u8)>) -> Done {
    match failure {
        None => {
            call.host.say(&format!("{verb} {words}"));
            Ok(())
        }
        Some((why, status)) => {
            call.host.say(&format!("{verb} {words}: {why}"));
            Err(said(status))
        }
    }
}

fn change_file(call: &mut Call<'_>, asked: &Asked, written: &Written, add: bool) -> Done {
    let root = asked.root.clone().unwrap_or_else(|| call.root.clone());
    let failed = |error: std::io::Error| refused(format!("route: {}: {error}", root.join(routes::FILE).display()));
    let mut lines = routes::kept(&root).map_err(failed)?;
    let words = |line: &String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let same = |line: &String| parse(&words(line)).is_some_and(|kept| kept.is_same(written));
    let at = lines.iter().position(same);
    let verb = if add { "add" } else { "delete" };
    match (add, at) {
        (true, Some(_)) => return Err(refused(format!("add persistent {}: entry exists", written.words()))),
        (false, None) => return Err(refused(format!("delete persistent {}: not in file", written.words()))),
        (true, None) => lines.push(written.line.clone()),
        (false, Some(at)) => drop(lines.remove(at)),
    }
    routes::keep(&root, &lines).map_err(failed)?;
    call.host.say(&format!("{verb} persistent {}", written.words()));
    Ok(())
}

impl Written {
    fn is_same(&self, other: &Self) -> bool {
        self.to == other.to && self.gateway == other.gateway
    }
}

fn replace(call: &mut Call<'_>, words: &[String]) -> Done {
    let Some(written) = parse(words) else { return Err(misused(call)) };
    let found = call.stack().routes.iter_mut().find(|route| route.is_static && route.to == written.to);
    let failure = match found {
        Some(route) => {
            *route = written.route();
            None
        }
        None => Some(("not in table", ESRCH)),
    };
    tell(call, "change", &written.words(), failure)
}

/// Lines that are kept for a root are applied when its stack comes up (svc:/network/routing-setup).
pub(super) fn apply_kept(call: &mut Call<'_>) {
    for line in routes::kept(&call.root).unwrap_or_default() {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        if let Some(written) = parse(&words) {
            let stack = call.stack();
            if stack.onlink(written.gateway).is_some() && !stack.routes.iter().any(|route| written.is(route)) {
                stack.routes.push(written.route());
            }
        }
    }
}

fn get(call: &mut Call<'_>, words: &[String]) -> Done {
    let six = words.iter().any(|word| word == "-inet6");
    let operands: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let [text] = operands[..] else { return Err(misused(call)) };
    let net = routes::destination(text, six).ok_or_else(|| refused(format!("{text}: bad value")))?;
    let stack = call.stack();
    let Some(found) = stack.route_to(net.addr()).cloned() else {
        call.host.say(&format!(" {text}: not in table"));
        return Err(said(ESRCH));
    };
    let interface = stack.way_out(&found);
    let default = found.to.prefix_len() == 0;
    let (to, mask) = if default {
        ("default".to_owned(), "default".to_owned())
    } else {
        (found.to.network().to_string(), found.to.netmask().to_string())
    };
    let mut lines =
        vec![format!("   route to: {}", net.addr()), format!("destination: {to}"), format!("       mask: {mask}")];
    let mut flags = vec!["UP"];
    if let Some(gateway) = found.gateway {
        lines.push(format!("    gateway: {gateway}"));
        flags.push("GATEWAY");
    }
    flags.push("DONE");
    if found.is_static {
        flags.push("STATIC");
    }
    lines.push(format!("  interface: {interface}"));
    lines.push(format!("      flags: <{}>", flags.join(",")));
    lines.push(" recvpipe  sendpipe  ssthresh    rtt,ms rttvar,ms  hopcount      mtu     expire".to_owned());
    let mtu = call.network().mtu(&interface);
    lines.push(format!("       0         0         0         0         0         0      {mtu}         0"));
    lines.iter().for_each(|line| call.host.say(line));
    Ok(())
}

fn show(call: &mut Call<'_>, asked: &Asked) -> Done {
    let root = asked.root.clone().unwrap_or_else(|| call.root.clone());
    let lines = routes::kept(&root).map_err(|error| refused(format!("route: {error}")))?;
    if lines.is_empty() {
        call.host.say("No persistent routes are defined");
    }
    for line in lines {
        call.host.say(&format!("persistent: route add {line}"));
    }
    Ok(())
}
