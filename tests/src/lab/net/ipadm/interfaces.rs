//! `create-if`, `delete-if`, `show-if`. Source: `do_create_if()`, `do_delete_if()`, `i_ipadm_create_if()`.

use super::super::super::zfs::Done;
use super::super::Call;
use super::super::model::{Class, GLOBAL, Interface, Network};
use super::super::ofmt::Format;
use super::{misused, read};

/// Why an interface cannot be plumbed in the stack of a zone; none where it can.
pub(super) fn refusal(
    network: &Network,
    zone: &str,
    uuid: &str,
    interface: &str,
    temporary: bool,
) -> Option<&'static str> {
    if network.stacks.get(zone).is_some_and(|stack| stack.interfaces.contains_key(interface)) {
        return Some("Interface already exists");
    }
    let kept = network.kept.get(uuid).is_some_and(|kept| kept.interfaces.contains_key(interface));
    if kept {
        return Some(if temporary {
            "Persistent operation on temporary object"
        } else {
            "Operation not supported on disabled object"
        });
    }
    let Some(link) = network.links.get(interface) else { return Some("Could not open DLPI link") };
    match &link.zone {
        Some(holder) if holder != zone => return Some("Interface already in use"),
        None if zone != GLOBAL => return Some("Could not open DLPI link"),
        _ => {}
    }
    // An etherstub is a switch, and carries no IP.
    (link.class == Class::Etherstub).then_some("Could not open DLPI link")
}

/// Plumbs one: now, and after the next boot.
pub(super) fn plumb(call: &mut Call<'_>, interface: &str, temporary: bool) {
    let made = Interface { temporary, ..Interface::default() };
    call.stack().interfaces.insert(interface.to_owned(), made.clone());
    if !temporary {
        call.kept().interfaces.insert(interface.to_owned(), made);
    }
}

pub(super) fn create(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "t")?;
    let Some([interface]) = options.exactly().map(|[one]: [&str; 1]| [one.to_owned()]) else {
        return Err(misused(call));
    };
    let (zone, uuid) = (call.zone.clone(), call.uuid.clone());
    if let Some(why) = refusal(call.network(), &zone, &uuid, &interface, options.has('t')) {
        return Err(call.warns(format!("Could not create {interface} : {why}")));
    }
    plumb(call, &interface, options.has('t'));
    Ok(())
}

/// The addresses go with it, and the routes by it.
pub(super) fn delete(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "")?;
    let Some([interface]) = options.exactly().map(|[one]: [&str; 1]| [one.to_owned()]) else {
        return Err(misused(call));
    };
    let there = call.stack().interfaces.get(&interface).cloned();
    if there.is_none() && !call.kept().interfaces.contains_key(&interface) {
        return Err(call.warns(format!("Could not delete {interface}: Interface does not exist")));
    }
    if there.is_some_and(|found| found.imposed) {
        return Err(call.warns(format!("Could not delete {interface}: Operation not permitted on from-gz interface")));
    }
    if call.network().shared.iter().any(|found| found.link == interface) && call.is_global() {
        return Err(call.warns(format!("Could not delete {interface}: Device busy")));
    }
    call.stack().interfaces.remove(&interface);
    call.kept().interfaces.remove(&interface);
    super::super::routes::refresh(call.stack());
    Ok(())
}

const FIELDS: &[&str] = &["ifname", "state", "current", "persistent"];

pub(super) fn show(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "po:")?;
    let Some(name) = options.one().map(|name| name.map(str::to_owned)) else { return Err(misused(call)) };
    let format = Format::new(FIELDS, &FIELDS.join(","), options.get('o'), options.has('p'));
    let format = format.map_err(|why| call.warns(why))?;
    let mut names: Vec<String> = call.stack().interfaces.keys().cloned().collect();
    for kept in call.kept().interfaces.keys() {
        if !names.contains(kept) {
            names.push(kept.clone());
        }
    }
    names.sort_by_key(|name| (name != "lo0", name.clone()));
    if let Some(name) = &name {
        names.retain(|found| found == name);
        if names.is_empty() {
            return Err(call.warns(format!("Could not get interface(s): Interface does not exist: {name}")));
        }
    }
    let mut rows = Vec::new();
    for name in names {
        rows.push(row(call, &name));
    }
    for line in format.lines(&rows) {
        call.host.say(&line);
    }
    Ok(())
}

fn row(call: &mut Call<'_>, name: &str) -> Vec<String> {
    let persistent = if call.kept().interfaces.contains_key(name) { "-46" } else { "---" };
    let (state, current) = match call.stack().interfaces.get(name) {
        None => ("disabled", "------------".to_owned()),
        Some(_) if name == "lo0" => ("ok", "-m-v------46".to_owned()),
        Some(found) => {
            let up = found.addresses.values().any(|address| address.state == "ok");
            let imposed = if found.imposed { 'Z' } else { '-' };
            (if up { "ok" } else { "down" }, format!("bm-------{imposed}46"))
        }
    };
    [name, state, &current, persistent].map(str::to_owned).to_vec()
}
