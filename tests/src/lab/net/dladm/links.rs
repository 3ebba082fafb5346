//! Etherstubs, vnics and VLANs come and go. Source: `do_create_etherstub()`, `do_delete_etherstub()`, `do_create_vnic()`,
//! `do_delete_vnic_common()`, `do_create_vlan()`, `do_delete_vlan()`, `do_rename_link()`.

use super::super::super::options::Options;
use super::super::super::zfs::{Done, Refused};
use super::super::model::{Class, GLOBAL, Link, Network};
use super::super::{Call, name};
use super::{misused, properties};

const LONG: &[(&str, char)] = &[
    ("temporary", 't'),
    ("link", 'l'),
    ("mac-address", 'm'),
    ("mac-prefix", 'r'),
    ("slot", 'n'),
    ("vlan-id", 'v'),
    ("prop", 'p'),
    ("force", 'f'),
    ("root-dir", 'R'),
];

/// The largest number of a VLAN.
const VLANS: u16 = 4094;

fn read<const N: usize>(call: &mut Call<'_>, words: &[String], spec: &str) -> Result<(Options, [String; N]), Refused> {
    let read = Options::read(words, spec, LONG).ok();
    let found = read.and_then(|options| {
        let names = options.exactly::<N>()?.map(str::to_owned);
        Some((options, names))
    });
    found.ok_or_else(|| misused(call))
}

/// Puts a link where it belongs: now, and after the next boot.
fn add(network: &mut Network, link: &str, made: &Link) {
    network.links.insert(link.to_owned(), made.clone());
    if !made.temporary {
        let kept = Link { zone: None, ..made.clone() };
        network.saved.insert(link.to_owned(), kept);
    }
}

pub(super) fn create_etherstub(call: &mut Call<'_>, words: &[String]) -> Done {
    let (options, [stub]) = read(call, words, "tR:")?;
    name::check(call, &stub)?;
    let network = call.network();
    if network.links.contains_key(&stub) || network.saved.contains_key(&stub) {
        return Err(call.dies("etherstub creation failed: object already exists"));
    }
    let serial = network.next();
    let made = Link { temporary: options.has('t'), ..Link::new(Class::Etherstub, serial) };
    add(network, &stub, &made);
    Ok(())
}

pub(super) fn delete_etherstub(call: &mut Call<'_>, words: &[String]) -> Done {
    let (options, [stub]) = read(call, words, "tR:")?;
    delete(call, &stub, Class::Etherstub, options.has('t'))
}

pub(super) fn delete_vnic(call: &mut Call<'_>, words: &[String]) -> Done {
    let (options, [vnic]) = read(call, words, "tR:")?;
    delete(call, &vnic, Class::Vnic, options.has('t'))
}

fn delete(call: &mut Call<'_>, link: &str, class: Class, temporary: bool) -> Done {
    let Some(found) = call.network().links.get(link).cloned() else {
        return Err(call.dies(format!("invalid link name '{link}'")));
    };
    // What is no etherstub and no vnic is refused later.
    if found.class != class && !matches!(found.class, Class::Etherstub | Class::Vnic) && class == Class::Vnic {
        return Err(call.dies("vnic deletion failed: invalid argument"));
    }
    if found.class != class {
        let kind = if class == Class::Etherstub { "an etherstub" } else { "a vnic" };
        return Err(call.dies(format!("'{link}' is not {kind}")));
    }
    if let Some(why) = call.network().busy(link) {
        return Err(call.dies(format!("vnic deletion failed: {why}")));
    }
    call.network().links.remove(link);
    if !temporary {
        call.network().saved.remove(link);
    }
    Ok(())
}

/// The address that is asked for by `-m`, `-r` and `-n`, and its kind.
#[derive(Debug, PartialEq)]
enum Wanted {
    Auto,
    Random(Vec<u8>),
    Factory,
    Fixed([u8; 6]),
}

fn wanted(call: &mut Call<'_>, options: &Options) -> Result<Wanted, Refused> {
    let Some(text) = options.get('m') else { return Ok(Wanted::Auto) };
    if !text.is_empty() && "random".starts_with(text) {
        let prefix = options.get('r').unwrap_or("2:8:20");
        let byte = |part: &str| u8::from_str_radix(part, 16).ok().filter(|_| part.len() <= 2);
        let bytes: Option<Vec<u8>> = prefix.split(':').map(byte).collect();
        let bytes = bytes.filter(|bytes| bytes.len() < 6 && bytes[0] & 1 == 0);
        return bytes.map(Wanted::Random).ok_or_else(|| call.dies("invalid MAC address prefix"));
    }
    if !text.is_empty() && "auto".starts_with(text) {
        return Ok(Wanted::Auto);
    }
    if !text.is_empty() && "factory".starts_with(text) {
        return Ok(Wanted::Factory);
    }
    match name::mac(text) {
        Some(mac) => Ok(Wanted::Fixed(mac)),
        None => Err(call.dies("invalid MAC address")),
    }
}

pub(super) fn create_vnic(call: &mut Call<'_>, words: &[String]) -> Done {
    let (options, [vnic]) = read(call, words, "tfR:l:m:n:p:r:v:H")?;
    let Some(over) = options.get('l').map(str::to_owned) else { return Err(misused(call)) };
    let wanted = wanted(call, &options)?;
    let vid = vid(call, &options)?.unwrap_or(0);
    if options.has('f') && vid == 0 {
        return Err(call.dies("-f option can only be used with -v"));
    }
    name::check(call, &vnic)?;
    let Some(lower) = call.network().links.get(&over).cloned() else {
        return Err(call.dies(format!("invalid link name '{over}'")));
    };
    let mut set = Vec::new();
    for text in options.all('p') {
        set.extend(properties::list(call, text)?);
    }
    for (property, value) in &set {
        properties::check(call, property, value, &vnic, false)?;
    }
    let temporary = options.has('t');
    let refusal = refusal(call.network(), &vnic, &over, &lower, (&wanted, vid), temporary);
    if let Some(why) = refusal {
        return Err(call.dies(format!("vnic creation over {over} failed: {why}")));
    }
    let network = call.network();
    let serial = network.next();
    let (mac, mac_kind) = address(network, &wanted, &over, serial);
    let properties = set.into_iter().collect();
    let over = Some(over);
    add(
        network,
        &vnic,
        &Link { over, mac: Some(mac), mac_kind, vid, temporary, properties, ..Link::new(Class::Vnic, serial) },
    );
    Ok(())
}

/// What `-v` says.
fn vid(call: &mut Call<'_>, options: &Options) -> Result<Option<u16>, Refused> {
    if options.all('v').count() > 1 {
        return Err(call.dies("the option -v cannot be specified more than once"));
    }
    match options.get('v').map(|text| (text, text.parse::<u16>())) {
        None => Ok(None),
        Some((_, Ok(vid))) if (1..=VLANS).contains(&vid) => Ok(Some(vid)),
        Some((text, _)) => Err(call.dies(format!("invalid VLAN identifier '{text}'"))),
    }
}

/// Without a name it is that of the link, with the VLAN in thousands before its number.
pub(super) fn create_vlan(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "tfR:l:v:p:", LONG).map_err(|_| misused(call))?;
    let vid = vid(call, &options)?;
    let given = options.one().ok_or_else(|| misused(call))?.map(str::to_owned);
    let (Some(vid), Some(over)) = (vid, options.get('l').map(str::to_owned)) else { return Err(misused(call)) };
    let driver = over.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let number = over[driver.len()..].parse::<u32>().ok().filter(|number| *number < 1000);
    let vlan = match (given, number) {
        (Some(name), _) if name.len() > 31 => return Err(call.dies(format!("vlan name too long '{name}'"))),
        (Some(name), _) => name,
        (None, Some(number)) => format!("{driver}{}", u32::from(vid) * 1000 + number),
        (None, None) => return Err(call.dies(format!("invalid link name '{over}'"))),
    };
    let Some(lower) = call.network().links.get(&over).cloned() else {
        return Err(call.dies(format!("invalid link name '{over}'")));
    };
    let network = call.network();
    let temporary = options.has('t');
    // It has the address of the link itself.
    let same = |link: &Link| link.over.as_ref() == Some(&over) && link.vid == vid && link.mac == lower.mac;
    let why = if matches!(lower.class, Class::Vnic | Class::Vlan) || !name::is_link(&vlan) {
        Some("invalid argument")
    } else if network.links.contains_key(&vlan) || network.saved.contains_key(&vlan) {
        Some("object already exists")
    } else if lower.temporary && !temporary {
        Some("can't create persistent object on top of temporary object")
    } else if network.links.values().any(same) {
        Some("MAC address is already in use")
    } else {
        None
    };
    if let Some(why) = why {
        return Err(call.dies(format!("create operation failed: {why}")));
    }
    let serial = network.next();
    let made = Link {
        over: Some(over),
        mac: lower.mac,
        vid,
        temporary,
        forced: options.has('f'),
        ..Link::new(Class::Vlan, serial)
    };
    add(network, &vlan, &made);
    Ok(())
}

pub(super) fn delete_vlan(call: &mut Call<'_>, words: &[String]) -> Done {
    let (options, [vlan]) = read(call, words, "tR:")?;
    let network = call.network();
    let why = match network.links.get(&vlan).map(|found| found.class) {
        None => Some("object not found"),
        Some(Class::Vlan) => network.busy(&vlan),
        Some(_) => Some("invalid argument"),
    };
    if let Some(why) = why {
        return Err(call.dies(format!("delete operation failed: {why}")));
    }
    network.links.remove(&vlan);
    if !options.has('t') {
        network.saved.remove(&vlan);
    }
    Ok(())
}

fn refusal(
    network: &Network,
    vnic: &str,
    over: &str,
    lower: &Link,
    (wanted, vid): (&Wanted, u16),
    temporary: bool,
) -> Option<&'static str> {
    if matches!(lower.class, Class::Vnic | Class::Vlan) {
        return Some("invalid argument");
    }
    if lower.zone.is_some() {
        return Some("link busy");
    }
    if network.links.contains_key(vnic) || network.saved.contains_key(vnic) {
        return Some("object already exists");
    }
    if lower.temporary && !temporary {
        return Some("can't create persistent object on top of temporary object");
    }
    if *wanted == Wanted::Factory {
        return Some("all factory MAC addresses are in use");
    }
    let Wanted::Fixed(mac) = wanted else { return None };
    if mac[0] & 1 == 1 {
        return Some("invalid MAC address value");
    }
    let same = |link: &&Link| link.over.as_deref() == Some(over) && link.mac == Some(*mac) && link.vid == vid;
    let taken = lower.mac == Some(*mac) || network.links.values().any(|link| same(&link));
    taken.then_some("MAC address is already in use")
}

/// A random address is new on its segment.
fn address(network: &Network, wanted: &Wanted, over: &str, serial: u64) -> ([u8; 6], String) {
    let prefix = match wanted {
        Wanted::Fixed(mac) => return (*mac, "fixed".to_owned()),
        Wanted::Random(prefix) => prefix.clone(),
        Wanted::Auto | Wanted::Factory => vec![2, 8, 0x20],
    };
    let mut seed = serial ^ u64::from(std::process::id()) << 20;
    loop {
        seed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        let mut mac = [0; 6];
        mac.copy_from_slice(&seed.to_be_bytes()[..6]);
        mac[..prefix.len()].copy_from_slice(&prefix);
        if !network.over(over).any(|other| network.links[other].mac == Some(mac)) {
            return (mac, "random".to_owned());
        }
    }
}

pub(super) fn rename(call: &mut Call<'_>, words: &[String]) -> Done {
    let (_, [from, to]) = read(call, words, "R:")?;
    let network = call.network();
    let why = if !name::is_link(&to) || !name::is_link(&from) {
        Some("invalid argument")
    } else if !network.links.contains_key(&from) {
        Some("object not found")
    } else if network.links.contains_key(&to) || network.saved.contains_key(&to) {
        Some("object already exists")
    } else if network.links[&from].zone.is_some() || network.plumbed(&from).is_some() {
        Some("link busy")
    } else {
        None
    };
    if let Some(why) = why {
        return Err(call.dies(format!("rename operation failed: {why}")));
    }
    for links in [&mut network.links, &mut network.saved] {
        if let Some(link) = links.remove(&from) {
            links.insert(to.clone(), link);
        }
        for link in links.values_mut().filter(|link| link.over.as_ref() == Some(&from)) {
            link.over = Some(to.clone());
        }
    }
    network.flows.values_mut().filter(|flow| flow.link == from).for_each(|flow| flow.link.clone_from(&to));
    if let Some(kept) = network.kept.get_mut(GLOBAL)
        && let Some(interface) = kept.interfaces.remove(&from)
    {
        kept.interfaces.insert(to, interface);
    }
    Ok(())
}
