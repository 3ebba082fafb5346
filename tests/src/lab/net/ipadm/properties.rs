//! Properties of interfaces and protocols. Source: `do_set_prop()`, `do_set_ifprop()`, `ipadm_prop.c` of libipadm.

use super::super::super::options::Options;
use super::super::super::zfs::{Done, Refused};
use super::super::Call;
use super::super::ofmt::Format;
use super::{misused, read};

/// Each with the protocols that have it, the values that it may have, and the first of them as its default. Numbers
/// have none.
const OF_PROTOCOL: &[(&str, &[&str], &[&str])] = &[
    ("forwarding", &["ipv4", "ipv6"], &["off", "on"]),
    ("hostmodel", &["ipv4", "ipv6"], &["weak", "strong", "src-priority"]),
    ("ttl", &["ipv4"], &[]),
    ("hoplimit", &["ipv6"], &[]),
    ("send_redirects", &["ipv4", "ipv6"], &["on", "off"]),
];

const OF_INTERFACE: &[(&str, &[&str], &[&str])] = &[
    ("forwarding", &["ipv4", "ipv6"], &["off", "on"]),
    ("arp", &["ipv4"], &["on", "off"]),
    ("nud", &["ipv6"], &["on", "off"]),
    ("mtu", &["ipv4", "ipv6"], &[]),
    ("metric", &["ipv4", "ipv6"], &[]),
    ("exchange_routes", &["ipv4", "ipv6"], &["on", "off"]),
    ("usesrc", &["ipv4", "ipv6"], &[]),
];

type Known = [(&'static str, &'static [&'static str], &'static [&'static str])];

/// `NAME=VALUE` of `-p`, where the property is known and the value can be.
fn wanted(
    call: &mut Call<'_>,
    options: &Options,
    (verb, known): (&str, &Known),
    protocol: &str,
) -> Result<(String, String), Refused> {
    let Some((name, value)) = options.get('p').and_then(|text| text.split_once('=')) else {
        return Err(misused(call));
    };
    let (name, value) = (name.to_owned(), value.to_owned());
    let found = known.iter().find(|(known, protocols, _)| *known == name && protocols.contains(&protocol));
    let Some((_, _, values)) = found else { return Err(call.warns(format!("{verb}: {name}: Unknown property"))) };
    let fits = if values.is_empty() { value.parse::<u32>().is_ok() } else { values.contains(&value.as_str()) };
    if fits { Ok((name, value)) } else { Err(call.warns(format!("{verb}: {name}: Invalid argument provided"))) }
}

pub(super) fn set_of_interface(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "tm:p:")?;
    let Some([interface]) = options.exactly().map(|[one]: [&str; 1]| [one.to_owned()]) else {
        return Err(misused(call));
    };
    let Some(protocol) = options.get('m').map(str::to_owned).filter(|name| name == "ipv4" || name == "ipv6") else {
        return Err(misused(call));
    };
    let (name, value) = wanted(call, &options, ("set-ifprop", OF_INTERFACE), &protocol)?;
    let Some(found) = call.stack().interfaces.get_mut(&interface) else {
        return Err(call.warns(format!("set-ifprop: {name}: Interface does not exist")));
    };
    if found.temporary && !options.has('t') {
        return Err(call.warns(format!("set-ifprop: {name}: Persistent operation on temporary object")));
    }
    let key = format!("{protocol} {name}");
    found.properties.insert(key.clone(), value.clone());
    if !options.has('t') {
        call.kept().interfaces.entry(interface).or_default().properties.insert(key, value);
    }
    Ok(())
}

pub(super) fn set(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "tp:")?;
    let Some([protocol]) = options.exactly().map(|[one]: [&str; 1]| [one.to_owned()]) else {
        return Err(misused(call));
    };
    if !["ip", "ipv4", "ipv6", "tcp", "udp", "icmp", "sctp"].contains(&protocol.as_str()) {
        return Err(call.warns(format!("invalid protocol '{protocol}' specified")));
    }
    let (name, value) = wanted(call, &options, ("set-prop", OF_PROTOCOL), &protocol)?;
    let key = format!("{protocol} {name}");
    call.stack().properties.insert(key.clone(), value.clone());
    if !options.has('t') {
        call.kept().properties.insert(key, value);
    }
    Ok(())
}

const OF_PROTOCOL_FIELDS: &[&str] = &["proto", "property", "perm", "current", "persistent", "default", "possible"];
const OF_INTERFACE_FIELDS: &[&str] =
    &["ifname", "property", "proto", "perm", "current", "persistent", "default", "possible"];

pub(super) fn show(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "p:co:")?;
    let Some(protocol) = options.one().map(|one| one.map(str::to_owned)) else { return Err(misused(call)) };
    let fields = OF_PROTOCOL_FIELDS;
    let format = Format::new(fields, &fields.join(","), options.get('o'), options.has('c'));
    let format = format.map_err(|why| call.warns(why))?;
    let (now, kept) = (call.stack().properties.clone(), call.kept().properties.clone());
    let mut rows = Vec::new();
    for (name, protocols, values) in OF_PROTOCOL.iter().filter(|(name, ..)| asked(&options, name)) {
        for of in protocols.iter().filter(|of| protocol.as_deref().is_none_or(|asked| asked == **of)) {
            let key = format!("{of} {name}");
            let default = values.first().copied().unwrap_or_default();
            let current = now.get(&key).map_or(default, String::as_str);
            let persistent = kept.get(&key).map_or("", String::as_str);
            rows.push([of, *name, "rw", current, persistent, default, &values.join(",")].map(str::to_owned).to_vec());
        }
    }
    finish(call, &options, "show-prop", &format, &rows)
}

pub(super) fn show_of_interface(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "p:m:co:")?;
    let Some(interface) = options.one().map(|one| one.map(str::to_owned)) else { return Err(misused(call)) };
    let fields = OF_INTERFACE_FIELDS;
    let format = Format::new(fields, &fields.join(","), options.get('o'), options.has('c'));
    let format = format.map_err(|why| call.warns(why))?;
    let (all, kept, global) =
        (call.stack().interfaces.clone(), call.kept().interfaces.clone(), call.stack().properties.clone());
    let wanted = all.iter().filter(|(name, _)| interface.as_ref().is_none_or(|asked| asked == *name));
    let mut rows = Vec::new();
    for (of, found) in wanted {
        for (name, protocols, values) in OF_INTERFACE.iter().filter(|(name, ..)| asked(&options, name)) {
            for protocol in protocols.iter().filter(|of| options.get('m').is_none_or(|asked| asked == **of)) {
                let key = format!("{protocol} {name}");
                let default = values.first().copied().unwrap_or_default();
                let current = found.properties.get(&key).or_else(|| global.get(&key)).map_or(default, String::as_str);
                let persistent = kept.get(of).and_then(|kept| kept.properties.get(&key)).map_or("", String::as_str);
                let row = [of, *name, *protocol, "rw", current, persistent, default, &values.join(",")];
                rows.push(row.map(str::to_owned).to_vec());
            }
        }
    }
    if interface.is_some() && rows.is_empty() {
        return Err(call.warns("show-ifprop: Interface does not exist"));
    }
    finish(call, &options, "show-ifprop", &format, &rows)
}

fn asked(options: &Options, name: &str) -> bool {
    options.get('p').is_none_or(|text| text.split(',').any(|asked| asked == name))
}

fn finish(call: &mut Call<'_>, options: &Options, verb: &str, format: &Format, rows: &[Vec<String>]) -> Done {
    if let (Some(name), true) = (options.get('p'), rows.is_empty()) {
        let text = format!("{verb}: {name}: Unknown property");
        return Err(call.warns(text));
    }
    for line in format.lines(rows) {
        call.host.say(&line);
    }
    Ok(())
}
