//! `create-addr`, `delete-addr`, `show-addr`. Source: `do_create_addr()`, `do_delete_addr()`, `ipadm_addr.c` of
//! libipadm.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

use super::super::super::options::Options;
use super::super::super::zfs::{Done, Refused};
use super::super::Call;
use super::super::model::Address;
use super::super::ofmt::Format;
use super::super::routes;
use super::{interfaces, misused, read};

/// Source: `i_ipadm_validate_aobjname()`: a letter, then letters and digits.
fn is_object(name: &str) -> bool {
    name.len() < 32
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|letter| letter.is_ascii_alphanumeric())
}

/// `IF/NAME`; refused where it is none.
fn object(call: &mut Call<'_>, text: &str) -> Result<(String, String), Refused> {
    match text.split_once('/') {
        Some((interface, name)) if is_object(name) && !interface.is_empty() && interface.len() < 32 => {
            Ok((interface.to_owned(), name.to_owned()))
        }
        _ => Err(call.warns(format!("invalid address object name: {text}"))),
    }
}

/// An address with the length that it says, or that of its class; IPv6 has 64. Source: `i_ipadm_set_addr()`, which
/// asks netmasks(5) first.
pub(in super::super) fn address(text: &str) -> Option<IpNet> {
    if text.contains('/') {
        return text.parse().ok();
    }
    let bare: IpAddr = text.parse().ok()?;
    let length = match bare {
        IpAddr::V6(_) => 64,
        IpAddr::V4(four) => match four.octets()[0] {
            0..=127 => 8,
            128..=191 => 16,
            _ => 24,
        },
    };
    IpNet::new(bare, length).ok()
}

pub(super) fn create(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "tT:a:dw:1h:i:p:")?;
    let Some([text]) = options.exactly().map(|[one]: [&str; 1]| [one.to_owned()]) else { return Err(misused(call)) };
    let (interface, name) = object(call, &text)?;
    let made = match options.get('T') {
        Some("static") => fixed(call, &options)?,
        Some("dhcp") => Address::new("dhcp", None),
        Some("addrconf") => Address::new("addrconf", None),
        _ => return Err(misused(call)),
    };
    let made = Address { temporary: options.has('t'), ..made };
    if let Some(why) = object_refusal(call, &interface, &name, &made) {
        return Err(call.warns(format!("Could not create address: {why}")));
    }
    let (zone, uuid) = (call.zone.clone(), call.uuid.clone());
    if !call.stack().interfaces.contains_key(&interface) {
        if let Some(why) = interfaces::refusal(call.network(), &zone, &uuid, &interface, made.temporary) {
            return Err(call.warns(format!("Could not create address: {why}")));
        }
        interfaces::plumb(call, &interface, made.temporary);
    }
    let value = link_local(call, &interface, &made);
    let made = settle(call, &interface, Address { value, ..made });
    if !made.temporary {
        let kept = call.kept().interfaces.entry(interface.clone()).or_default();
        kept.addresses.insert(name.clone(), made.clone());
    }
    call.stack().interfaces.entry(interface).or_default().addresses.insert(name, made);
    routes::refresh(call.stack());
    Ok(())
}

impl Address {
    /// One that is up.
    pub(in super::super) fn new(kind: &str, value: Option<IpNet>) -> Self {
        Self { kind: kind.to_owned(), value, state: "ok".to_owned(), legacy: false, temporary: false }
    }
}

fn fixed(call: &mut Call<'_>, options: &Options) -> Result<Address, Refused> {
    let text = options.get('a').and_then(|text| text.split(',').next()).map(str::to_owned);
    let Some(text) = text else { return Err(misused(call)) };
    let text = text.strip_prefix("local=").unwrap_or(&text);
    let Some(value) = address(text) else {
        return Err(call.warns("Error in setting local address: Invalid argument provided"));
    };
    let unusable = value.addr().is_unspecified() || value.addr().is_multicast();
    let of_network = value.prefix_len() < 31
        && value.addr().is_ipv4()
        && [value.network(), value.broadcast()].contains(&value.addr());
    if unusable || of_network {
        return Err(call.warns("Could not create address: Invalid argument provided"));
    }
    let state = if options.has('d') { "down" } else { "ok" };
    Ok(Address { state: state.to_owned(), ..Address::new("static", Some(value)) })
}

fn object_refusal(call: &mut Call<'_>, interface: &str, name: &str, made: &Address) -> Option<&'static str> {
    let temporary = made.temporary;
    let kept = call.kept().interfaces.get(interface).is_some_and(|found| found.addresses.contains_key(name));
    let found = call.stack().interfaces.get(interface).cloned();
    if kept || found.as_ref().is_some_and(|found| found.addresses.contains_key(name)) {
        return Some("Address object already exists");
    }
    if found.as_ref().is_some_and(|found| found.imposed) && !temporary {
        return Some("Operation not permitted on from-gz interface");
    }
    let on_temporary = found.as_ref().is_some_and(|found| found.temporary);
    if on_temporary && !temporary {
        return Some("Persistent operation on temporary object");
    }
    let addrconf = found.iter().flat_map(|found| found.addresses.values()).any(|address| address.kind == "addrconf");
    if made.kind == "addrconf" && addrconf {
        return Some("Addrconf already in progress");
    }
    // An interface without a link-local address takes no other of IPv6.
    let six = made.value.is_some_and(|value| value.addr().is_ipv6());
    if six && !addrconf {
        return Some("Can't assign requested address");
    }
    let here = call.stack().interfaces.values().flat_map(|found| found.addresses.values()).any(|address| {
        made.value.is_some() && address.value.map(|value| value.addr()) == made.value.map(|value| value.addr())
    });
    here.then_some("Address already in use")
}

/// `addrconf` begins with the link-local address that comes from the MAC address. Source: RFC 4291, appendix A.
fn link_local(call: &mut Call<'_>, interface: &str, made: &Address) -> Option<IpNet> {
    if made.kind != "addrconf" {
        return made.value;
    }
    let mac = call.network().links.get(interface)?.mac?;
    Some(of_mac(mac))
}

pub(in super::super) fn of_mac(mac: [u8; 6]) -> IpNet {
    let [a, b, c, d, e, f] = mac.map(u16::from);
    let address = Ipv6Addr::new(0xfe80, 0, 0, 0, (a ^ 2) << 8 | b, c << 8 | 0xff, 0xfe00 | d, e << 8 | f);
    Ipv6Net::new_assert(address, 10).into()
}

/// An address that another stack of the segment has is a duplicate, which is no failure.
fn settle(call: &mut Call<'_>, interface: &str, made: Address) -> Address {
    let Some(value) = made.value.filter(|_| made.state == "ok") else { return made };
    let network = call.network();
    let taken = network.addresses_on(network.segment(interface)).contains(&value.addr());
    if taken { Address { state: "duplicate".to_owned(), ..made } } else { made }
}

pub(super) fn delete(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "r")?;
    let Some([text]) = options.exactly().map(|[one]: [&str; 1]| [one.to_owned()]) else { return Err(misused(call)) };
    let Some((interface, name)) = text.split_once('/').map(|(one, other)| (one.to_owned(), other.to_owned())) else {
        return Err(call.warns(format!("invalid address object name: {text}")));
    };
    let kept = call.kept().interfaces.get_mut(&interface).and_then(|found| found.addresses.remove(&name));
    let imposed = call.stack().interfaces.get(&interface).is_some_and(|found| found.imposed);
    if imposed {
        return Err(call.warns("could not delete address: Operation not permitted on from-gz interface"));
    }
    let there = call.stack().interfaces.get_mut(&interface).and_then(|found| found.addresses.remove(&name));
    if kept.is_none() && there.is_none() {
        return Err(call.warns("could not delete address: Object not found"));
    }
    routes::refresh(call.stack());
    Ok(())
}

const FIELDS: &[&str] = &["addrobj", "type", "state", "current", "persistent", "addr"];

pub(super) fn show(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = read(call, words, "po:")?;
    let Some(name) = options.one().map(|name| name.map(str::to_owned)) else { return Err(misused(call)) };
    let format = Format::new(FIELDS, "addrobj,type,state,addr", options.get('o'), options.has('p'));
    let format = format.map_err(|why| call.warns(why))?;
    let mut rows = rows(call);
    if let Some(name) = &name {
        let wanted =
            |object: &str| if name.ends_with('/') { object.starts_with(name.as_str()) } else { object == name };
        rows.retain(|row| wanted(&row[0]));
        if rows.is_empty() {
            return Err(call.warns("Address object not found"));
        }
    }
    for line in format.lines(&rows) {
        call.host.say(&line);
    }
    Ok(())
}

fn rows(call: &mut Call<'_>) -> Vec<Vec<String>> {
    let now = call.stack().interfaces.clone();
    let kept = call.kept().interfaces.clone();
    let mut rows = vec![
        row("lo0/v4", &Address::new("static", Some(IpNet::new_assert(Ipv4Addr::LOCALHOST.into(), 8))), true),
        row("lo0/v6", &Address::new("static", Some(IpNet::new_assert(Ipv6Addr::LOCALHOST.into(), 128))), true),
    ];
    for (interface, found) in now.iter().filter(|(name, _)| name.as_str() != "lo0") {
        for (name, address) in &found.addresses {
            let persistent = kept.get(interface).is_some_and(|kept| kept.addresses.contains_key(name));
            let object = if address.legacy { "?" } else { name };
            rows.push(row(&format!("{interface}/{object}"), address, persistent));
        }
    }
    for (interface, found) in &kept {
        for (name, address) in &found.addresses {
            if !now.get(interface).is_some_and(|now| now.addresses.contains_key(name)) {
                let disabled = Address { state: "disabled".to_owned(), ..address.clone() };
                rows.push(row(&format!("{interface}/{name}"), &disabled, true));
            }
        }
    }
    rows
}

fn row(object: &str, address: &Address, persistent: bool) -> Vec<String> {
    let value = match (address.value, address.kind.as_str()) {
        (Some(value), _) => value.to_string(),
        (None, "dhcp") => "?".to_owned(),
        (None, _) => String::new(),
    };
    let current = if address.state == "disabled" { "-----" } else { "U----" };
    let persistent = if persistent { "U--" } else { "---" };
    [object, &address.kind, &address.state, current, persistent, &value].map(str::to_owned).to_vec()
}
