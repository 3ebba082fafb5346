//! A stand-in for flowadm(8): `add-flow`, `remove-flow`, `show-flow`, `set-flowprop`, `show-flowprop`. Source:
//! `flowadm.c`, `flowattr.c`, `flowprop.c` of illumos-gate, flowadm(8).

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::options::Options;
use super::super::zfs::{Done, Refused};
use super::Call;
use super::dladm::bandwidth;
use super::model::Flow;
use super::ofmt::Format;
use super::words::{pairs, said};

const LONG: &[(&str, char)] = &[
    ("temporary", 't'),
    ("link", 'l'),
    ("attr", 'a'),
    ("prop", 'p'),
    ("output", 'o'),
    ("parsable", 'P'),
    ("parseable", 'P'),
];

/// The longest name of a flow.
const LONGEST: usize = 31;

/// `flowadm`.
pub(super) fn flowadm(call: &mut Call<'_>, words: &[String]) -> Done {
    let Some((verb, rest)) = words.split_first() else { return Err(misused(call)) };
    if !verb.starts_with("show-") && !call.is_global() {
        return Err(call.dies(format!("{verb}: permission denied")));
    }
    match verb.as_str() {
        "add-flow" => add(call, rest),
        "remove-flow" => remove(call, rest),
        "show-flow" => show(call, rest),
        "set-flowprop" => set(call, rest),
        "show-flowprop" => show_properties(call, rest),
        _ => Err(misused(call)),
    }
}

fn misused(call: &mut Call<'_>) -> Refused {
    call.host.complain("usage: flowadm <subcommand> <args>...");
    said(1)
}

fn add(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "tl:a:p:R:", LONG).map_err(|_| misused(call))?;
    let Some(link) = options.get('l').map(str::to_owned) else { return Err(call.dies("link is required")) };
    if !call.network().links.contains_key(&link) {
        return Err(call.dies(format!("invalid link '{link}'")));
    }
    let Some([name]) = options.exactly().map(|[name]: [&str; 1]| [name.to_owned()]) else {
        return Err(call.dies("flow name is required"));
    };
    if name.len() > LONGEST {
        return Err(call.dies("flow name too long"));
    }
    let Some(attributes) = options.get('a').and_then(pairs).filter(|list| attributes_valid(list)) else {
        return Err(call.dies("invalid flow attribute specified"));
    };
    let properties = properties(call, &options)?;
    let network = call.network();
    let same = |flow: &Flow| flow.link == link && flow.attributes == attributes;
    if network.flows.contains_key(&name) || network.flows.values().any(same) {
        return Err(call.dies("add flow failed: object already exists"));
    }
    // Flows of one link differ in the values of one and the same set of attributes.
    let kinds = |list: &[(String, String)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if network.flows.values().any(|flow| flow.link == link && kinds(&flow.attributes) != kinds(&attributes)) {
        return Err(call.dies("add flow failed: flow attribute is not compatible with existing flows"));
    }
    network.flows.insert(name, Flow { link, attributes, properties, temporary: options.has('t') });
    Ok(())
}

fn attributes_valid(list: &[(String, String)]) -> bool {
    let has = |wanted: &str| list.iter().any(|(name, _)| name == wanted);
    let valid = |(name, value): &(String, String)| match name.as_str() {
        "local_ip" | "remote_ip" => value.parse::<IpAddr>().is_ok() || value.parse::<IpNet>().is_ok(),
        "transport" => ["tcp", "udp", "sctp", "icmp", "icmpv6"].contains(&value.as_str()),
        "local_port" | "remote_port" => has("transport") && value.parse::<u16>().is_ok_and(|port| port > 0),
        "dsfield" => true,
        _ => false,
    };
    !list.is_empty() && list.iter().all(valid)
}

fn properties(call: &mut Call<'_>, options: &Options) -> Result<BTreeMap<String, String>, Refused> {
    let mut found = BTreeMap::new();
    for text in options.all('p') {
        let Some(list) = pairs(text) else { return Err(call.dies("invalid flow property specified")) };
        for (name, value) in list {
            let valid = match name.as_str() {
                "maxbw" => bandwidth(&value).is_some_and(|bits| bits >= 1_200_000),
                "priority" => ["low", "medium", "high"].contains(&value.to_lowercase().as_str()),
                _ => false,
            };
            if !valid && name == "maxbw" && bandwidth(&value).is_some() {
                return Err(call.dies("add flow failed: minimum value for maxbw is 1200K"));
            }
            if !valid {
                return Err(call.dies("invalid flow property specified"));
            }
            found.insert(name, value);
        }
    }
    Ok(found)
}

fn remove(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "tl:R:", LONG).map_err(|_| misused(call))?;
    let name = options.one().ok_or_else(|| misused(call))?.map(str::to_owned);
    match (options.get('l').map(str::to_owned), name) {
        (Some(_), Some(_)) | (None, None) => Err(misused(call)),
        (Some(link), None) => {
            if !call.network().links.contains_key(&link) {
                return Err(call.dies(format!("invalid link '{link}'")));
            }
            call.network().flows.retain(|_, flow| flow.link != link);
            Ok(())
        }
        (None, Some(name)) => match call.network().flows.remove(&name) {
            Some(_) => Ok(()),
            None => Err(call.dies("remove flow failed: object not found")),
        },
    }
}

fn set(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "tp:R:", LONG).map_err(|_| misused(call))?;
    let Some([name]) = options.exactly().map(|[name]: [&str; 1]| [name.to_owned()]) else { return Err(misused(call)) };
    let wanted = properties(call, &options)?;
    match call.network().flows.get_mut(&name) {
        Some(flow) => {
            flow.properties.extend(wanted);
            Ok(())
        }
        // Of a flow that is not there the first property is complained about.
        None => {
            let property = wanted.keys().next().cloned().unwrap_or_default();
            Err(call.dies(format!("warning: invalid flow property '{property}'")))
        }
    }
}

const FIELDS: &[&str] = &["flow", "link", "ipaddr", "proto", "lport", "rport", "dsfld"];

fn show(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "pPl:o:", LONG).map_err(|_| misused(call))?;
    let name = options.one().ok_or_else(|| misused(call))?.map(str::to_owned);
    let parsable = options.has('p');
    let format = Format::new(FIELDS, &FIELDS.join(","), options.get('o'), parsable).map_err(|why| call.dies(why))?;
    if let Some(name) = &name
        && !call.network().flows.contains_key(name)
    {
        return Err(call.dies(format!("invalid flow: '{name}'")));
    }
    let link = options.get('l').map(str::to_owned);
    let row = |(name, flow): (&String, &Flow)| {
        let value = |wanted: &[&str]| {
            let found = flow.attributes.iter().find(|(name, _)| wanted.contains(&name.as_str()));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let address = flow.attributes.iter().find(|(name, _)| name.ends_with("_ip"));
        let address = address.map(|(name, value)| addressed(name, value)).unwrap_or_default();
        vec![
            name.clone(),
            flow.link.clone(),
            address,
            value(&["transport"]),
            value(&["local_port"]),
            value(&["remote_port"]),
            value(&["dsfield"]),
        ]
    };
    let flows = &call.network().flows;
    let wanted = flows.iter().filter(|(found, flow)| {
        name.as_ref().is_none_or(|name| name == *found) && link.as_ref().is_none_or(|link| *link == flow.link)
    });
    let rows: Vec<Vec<String>> = wanted.map(row).collect();
    for line in format.lines(&rows) {
        call.host.say(&line);
    }
    Ok(())
}

/// An address with the length of its network, and two spaces. Source: `dladm_flow_attr_ip2str()`.
fn addressed(name: &str, value: &str) -> String {
    let net: Option<IpNet> = value.parse().ok().or_else(|| value.parse::<IpAddr>().ok().map(IpNet::from));
    let side = if name == "local_ip" { "LCL" } else { "RMT" };
    net.map(|net| format!("{side}:{net}  ")).unwrap_or_default()
}

const PROPERTY_FIELDS: &[&str] = &["flow", "property", "value", "default", "possible"];

fn show_properties(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "p:cPl:o:", LONG).map_err(|_| misused(call))?;
    let name = options.one().ok_or_else(|| misused(call))?.map(str::to_owned);
    let wanted = options.get('p').unwrap_or("maxbw,priority").to_owned();
    if !wanted.split(',').all(|property| ["maxbw", "priority"].contains(&property)) {
        return Err(call.dies("invalid flow properties specified"));
    }
    let link = options.get('l').map(str::to_owned);
    if let Some(link) = &link
        && !call.network().links.contains_key(link)
    {
        return Err(call.dies(format!("invalid link '{link}'")));
    }
    let format = Format::new(PROPERTY_FIELDS, &PROPERTY_FIELDS.join(","), options.get('o'), options.has('c'));
    let format = format.map_err(|why| call.dies(why))?;
    if let Some(name) = &name
        && !call.network().flows.contains_key(name)
    {
        return Err(call.dies(format!("invalid flow: '{name}'")));
    }
    let flows = call.network().flows.iter().filter(|(found, flow)| match (&name, &link) {
        (Some(name), _) => name == *found,
        (None, Some(link)) => *link == flow.link,
        (None, None) => true,
    });
    let row = |(name, flow): (&String, &Flow), property: &str| {
        // One that is not set is shown so in parsable output too.
        let value = flow.properties.get(property).map_or_else(|| "--".to_owned(), |value| value_shown(property, value));
        vec![name.clone(), property.to_owned(), value, String::new(), String::new()]
    };
    let rows: Vec<Vec<String>> =
        flows.flat_map(|found| wanted.split(',').map(move |property| row(found, property))).collect();
    for line in format.lines(&rows) {
        call.host.say(&line);
    }
    Ok(())
}

/// Source: `dladm_bw2str()`, `dladm_pri2str()`.
fn value_shown(property: &str, value: &str) -> String {
    if property == "priority" {
        return value.to_lowercase();
    }
    let kilobits = bandwidth(value).unwrap_or_default() / 1000;
    match (kilobits / 1000, kilobits % 1000) {
        (whole, 0) => format!("{whole:5}"),
        (0, part) => format!("0.{part:03}"),
        (whole, part) => format!("{whole:5}.{part:03}"),
    }
}
