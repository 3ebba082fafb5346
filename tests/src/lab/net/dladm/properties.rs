//! Properties of links. Source: `set_linkprop()`, `print_linkprop_cb()`, `linkprop.c` of libdladm, dladm(8).

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::super::options::Options;
use super::super::super::zfs::{Done, Refused};
use super::super::Call;
use super::super::model::{Class, Link, Network};
use super::super::ofmt::Format;
use super::super::words::said;
use super::misused;

const LONG: &[(&str, char)] = &[
    ("temporary", 't'),
    ("prop", 'p'),
    ("root-dir", 'R'),
    ("parsable", 'c'),
    ("parseable", 'c'),
    ("persistent", 'P'),
    ("output", 'o'),
];

/// Each with its permission, its default, and its possible values.
const KNOWN: &[(&str, &str, &str, &str)] = &[
    ("autopush", "rw", "", ""),
    ("zone", "rw", "", ""),
    ("state", "r-", "up", "up,down"),
    ("mtu", "rw", "1500", ""),
    ("maxbw", "rw", "", ""),
    ("cpus", "rw", "", ""),
    ("priority", "rw", "high", "low,medium,high"),
    ("protection", "rw", "", "mac-nospoof,restricted,ip-nospoof,dhcp-nospoof"),
    ("mac-address", "rw", "", ""),
    ("allowed-ips", "rw", "", ""),
    ("allowed-dhcp-cids", "rw", "", ""),
    ("promisc-filtered", "rw", "on", "off,on"),
];

/// The most addresses of `allowed-ips`. Source: `MPT_MAXCNT`.
const MOST_ADDRESSES: usize = 32;

/// Least bandwidth, in bits a second.
const LEAST: u64 = 1_200_000;

/// `name=value[,value...][,name=value...]`, as `dladm_parse_link_props()` reads it.
pub(super) fn list(call: &mut Call<'_>, text: &str) -> Result<Vec<(String, String)>, Refused> {
    let mut found: Vec<(String, String)> = Vec::new();
    for word in text.split(',') {
        match (word.split_once('='), found.last_mut()) {
            (Some((name, value)), _) => found.push((name.to_owned(), value.to_owned())),
            (None, Some((_, value))) => *value = format!("{value},{word}"),
            (None, None) => return Err(call.dies(format!("invalid link property list '{text}'"))),
        }
    }
    Ok(found)
}

fn known(name: &str) -> Option<&'static (&'static str, &'static str, &'static str, &'static str)> {
    KNOWN.iter().find(|(known, ..)| *known == name)
}

/// Whether a value passes; refuses it as dladm does.
pub(super) fn check(call: &mut Call<'_>, name: &str, value: &str, link: &str, temporary: bool) -> Done {
    let Some((_, permission, _, possible)) = known(name) else {
        return Err(call.dies(format!("invalid link property '{name}'")));
    };
    let cannot = |call: &mut Call<'_>, why: &str| {
        Err(call.dies(format!("cannot set link property '{name}' on '{link}': {why}")))
    };
    if *permission == "r-" {
        return cannot(call, "read-only property");
    }
    let one_of = !possible.is_empty() && !value.split(',').all(|part| possible.split(',').any(|known| known == part));
    if one_of || value.is_empty() {
        let possible = possible.to_owned();
        return Err(call.dies(format!("link property '{name}' must be one of: {possible}")));
    }
    match name {
        "zone" if !temporary => cannot(call, "operation not supported"),
        "mtu" => match value.parse::<u32>() {
            Ok(mtu) if (576..=9000).contains(&mtu) => Ok(()),
            _ => cannot(call, "invalid argument"),
        },
        "maxbw" => match bandwidth(value) {
            None => cannot(call, "invalid argument"),
            Some(bits) if bits < LEAST => cannot(call, "minimum value for maxbw is 1200K"),
            Some(_) => Ok(()),
        },
        "allowed-ips" => {
            let addresses: Vec<&str> = value.split(',').collect();
            if addresses.len() > MOST_ADDRESSES || !addresses.iter().all(|text| is_allowed(text)) {
                return cannot(call, "invalid IP address");
            }
            Ok(())
        }
        "mac-address" if super::super::name::mac(value).is_none() => cannot(call, "invalid MAC address value"),
        _ => Ok(()),
    }
}

/// Megabits unless it says otherwise. Source: `dladm_str2bw()`.
pub(in super::super) fn bandwidth(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let factor = match &text[end..] {
        "K" | "k" => 1000,
        "" | "M" | "m" => 1_000_000,
        "G" | "g" => 1_000_000_000,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(factor)
}

/// An address, or a network without host bits. Source: `check_allowedips()`.
fn is_allowed(text: &str) -> bool {
    match text.parse::<IpNet>() {
        Ok(net) => net.trunc() == net,
        Err(_) => text.parse::<IpAddr>().is_ok(),
    }
}

/// The exit status is that of the last property.
pub(super) fn set(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "tR:p:", LONG).map_err(|_| misused(call))?;
    let Some([link]) = options.exactly().map(|[link]: [&str; 1]| [link.to_owned()]) else { return Err(misused(call)) };
    let mut wanted = Vec::new();
    for text in options.all('p') {
        wanted.extend(list(call, text)?);
    }
    if wanted.is_empty() {
        return Err(call.dies("link property must be specified"));
    }
    if !call.network().links.contains_key(&link) {
        return Err(call.dies(format!("invalid link name '{link}'")));
    }
    let mut done = Ok(());
    for (name, value) in wanted {
        done = check(call, &name, &value, &link, options.has('t'))
            .and_then(|()| set_one(call, &link, &name, &value, options.has('t')));
    }
    done
}

fn set_one(call: &mut Call<'_>, link: &str, name: &str, value: &str, temporary: bool) -> Done {
    let network = call.network();
    let why = match name {
        "mtu" => mtu_refusal(network, link, value),
        "mac-address" if network.links[link].class == Class::Etherstub => Some("operation not supported"),
        "protection" | "allowed-ips" if network.links[link].class == Class::Etherstub => {
            Some("operation not supported")
        }
        _ => None,
    };
    if let Some(why) = why {
        return Err(call.dies(format!("cannot set link property '{name}' on '{link}': {why}")));
    }
    if name == "zone" {
        return Err(call.dies("the lab gives links to zones that boot, and to no others"));
    }
    let apply = |found: &mut Link| {
        if name == "mac-address" {
            found.mac = super::super::name::mac(value);
            "fixed".clone_into(&mut found.mac_kind);
        } else {
            found.properties.insert(name.to_owned(), value.to_owned());
        }
    };
    network.links.get_mut(link).map(apply);
    if !temporary {
        network.saved.get_mut(link).map(apply);
    }
    Ok(())
}

/// A link that IP uses keeps its MTU; a vnic's is no larger than that of the link below, and a stub's is no smaller
/// than those of the vnics that have one of their own. Source: `mac_set_mtu()`, `vnic_m_setprop()`.
fn mtu_refusal(network: &Network, link: &str, value: &str) -> Option<&'static str> {
    let wanted: u32 = value.parse().ok()?;
    if network.plumbed(link).is_some() || network.links[link].zone.is_some() {
        return Some("link busy");
    }
    if let Some(over) = &network.links[link].over {
        return (wanted > network.mtu(over)).then_some("invalid argument");
    }
    let busy = |vnic: &String| network.plumbed(vnic).is_some() || network.links[vnic].zone.is_some();
    network.over(link).any(busy).then_some("link busy")
}

pub(super) fn reset(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "tR:p:", LONG).map_err(|_| misused(call))?;
    let Some([link]) = options.exactly().map(|[link]: [&str; 1]| [link.to_owned()]) else { return Err(misused(call)) };
    if !call.network().links.contains_key(&link) {
        return Err(call.dies(format!("invalid link name '{link}'")));
    }
    let names: Vec<String> = match options.get('p') {
        Some(text) => text.split(',').map(str::to_owned).collect(),
        None => KNOWN.iter().map(|(name, ..)| (*name).to_owned()).collect(),
    };
    for name in &names {
        if known(name).is_none() {
            return Err(call.dies(format!("invalid link property '{name}'")));
        }
        let network = call.network();
        network.links.get_mut(&link).map(|found| found.properties.remove(name));
        if !options.has('t') {
            network.saved.get_mut(&link).map(|found| found.properties.remove(name));
        }
    }
    Ok(())
}

const FIELDS: &[&str] = &["link", "property", "perm", "value", "default", "possible"];

pub(super) fn show(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "p:cPSo:", LONG).map_err(|_| misused(call))?;
    let link = options.one().ok_or_else(|| misused(call))?.map(str::to_owned);
    let known = FIELDS;
    let format = Format::new(known, &FIELDS.join(","), options.get('o'), options.has('c'));
    let format = format.map_err(|why| call.dies(why))?;
    let persistent = options.has('P');
    let zone = call.zone.clone();
    let global = call.is_global();
    let network = call.network();
    let links = if persistent { &network.saved } else { &network.links };
    let seen = |found: &Link| global || found.zone.as_ref() == Some(&zone);
    let names: Vec<String> = match &link {
        Some(link) if links.get(link).is_some_and(seen) => vec![link.clone()],
        Some(link) => {
            let text = format!("invalid link name '{link}'");
            return Err(call.dies(text));
        }
        None => links.iter().filter(|(_, found)| seen(found)).map(|(name, _)| name.clone()).collect(),
    };
    let wanted: Option<Vec<&str>> = options.get('p').map(|text| text.split(',').collect());
    let mut unknown = Vec::new();
    let mut rows = Vec::new();
    for name in names {
        let properties: Vec<&str> = match &wanted {
            Some(wanted) => wanted.clone(),
            None => KNOWN.iter().map(|(name, ..)| *name).collect(),
        };
        for property in properties {
            let Some(entry) = KNOWN.iter().find(|(known, ..)| *known == property) else {
                unknown.push(property.to_owned());
                continue;
            };
            rows.push(row(network, &name, &links[&name], entry));
        }
    }
    for line in format.lines(&rows) {
        call.host.say(&line);
    }
    match unknown.first() {
        Some(name) => {
            call.dies(format!("invalid link property '{name}'"));
            Err(said(1))
        }
        None => Ok(()),
    }
}

fn row(network: &Network, link: &str, found: &Link, entry: &(&str, &str, &str, &str)) -> Vec<String> {
    let (name, permission, default, possible) = entry;
    let value = match *name {
        "mtu" => network.mtu(link).to_string(),
        "zone" => found.zone.clone().unwrap_or_default(),
        "mac-address" => super::super::name::shown(found.mac),
        _ => found.properties.get(*name).cloned().unwrap_or_else(|| (*default).to_owned()),
    };
    [link, name, permission, &value, default, possible].map(|text| (*text).to_owned()).to_vec()
}
