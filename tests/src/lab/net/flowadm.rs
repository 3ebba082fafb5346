//! A stand-in for flowadm(8): `add-flow`, `remove-flow`, `show-flow`, `set-flowprop`. Source: `flowadm.c` of
//! illumos-gate, flowadm(8).

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
    if verb != "show-flow" && !call.is_global() {
        return Err(call.dies(format!("{verb}: permission denied")));
    }
    match verb.as_str() {
        "add-flow" => add(call, rest),
        "remove-flow" => remove(call, rest),
        "show-flow" => show(call, rest),
        "set-flowprop" => set(call, rest),
        _ => Err(misused(call)),
    }
}

fn misused(call: &mut Call<'_>) -> Refused {
    call.host.complain("usage: flowadm <subcommand> <args>...");
    said(1)
}

fn add(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "tl:a:p:R:", LONG).map_err(|_| misused(call))?;
    let Some(name) = options.one().ok_or_else(|| misused(call))?.map(str::to_owned) else {
        return Err(call.dies("flow name is required"));
    };
    let Some(link) = options.get('l').map(str::to_owned) else { return Err(call.dies("link is required")) };
    let valid =
        name.len() <= LONGEST && name.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"_-.".contains(&letter));
    if !valid {
        return Err(call.dies(format!("invalid flow name '{name}'")));
    }
    if !call.network().links.contains_key(&link) {
        return Err(call.dies(format!("invalid link name '{link}'")));
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
                "priority" => ["low", "medium", "high", "rt"].contains(&value.as_str()),
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
                return Err(call.dies(format!("invalid link name '{link}'")));
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
        None => Err(call.dies(format!("invalid flow '{name}'"))),
    }
}

const FIELDS: &[&str] = &["flow", "link", "ipaddr", "proto", "lport", "rport", "dsfld"];

fn show(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "pPl:o:S", LONG).map_err(|_| misused(call))?;
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
        let address = address
            .map(|(name, value)| if name == "local_ip" { format!("LCL:{value}") } else { format!("RMT:{value}") });
        let address = address.unwrap_or_default();
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
