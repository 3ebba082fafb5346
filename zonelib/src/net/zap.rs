//! The networks that zap of Tribblix made, as it remembers them: `rconfig.NETWORK` a segment, and
//! `zconfig.ZONE` a zone, lines of `key: value` in `/var/zap/zones`.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use ipnet::{IpNet, Ipv4Net};

use super::address::overlap;
use super::{
    AskedAddress, Attachment, Autoconfiguration, LinkName, Mode, Outside, Place, Router, Segment, SegmentName, View,
};
use crate::config::{ConfigError, Network, ZoneConfig, ZoneName, file};
use crate::host::read_small;

/// Where zap keeps them.
pub const FOLDER: &str = "/var/zap/zones";
/// Bytes of the longest of its files.
const LIMIT: u64 = 64 << 10;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Segments.
    pub segments: Vec<Segment>,
    /// Attachments.
    pub attachments: Vec<Attachment>,
    /// Files that could not be used, and why.
    pub problems: Vec<(PathBuf, String)>,
}

type Lines = HashMap<String, Vec<String>>;

/// Reads them. Router zones stay in their administrators' hands: zap has configured them in its own way.
///
/// # Errors
/// The folder cannot be read.
pub fn read(folder: &Path, view: &View) -> io::Result<Found> {
    let mut found = Found::default();
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    let mut each = |prefix: &str, take: &mut dyn FnMut(&str, &Lines, &mut Found) -> Result<(), String>| {
        for name in names.iter().filter_map(|name| name.strip_prefix(prefix)) {
            let path = folder.join(format!("{prefix}{name}"));
            let done = lines(&path).and_then(|lines| take(name, &lines, &mut found));
            if let Err(problem) = done {
                found.problems.push((path, problem));
            }
        }
    };
    each("rconfig.", &mut |name, lines, found| {
        let segment = segment(name, lines, view)?;
        refuse_overlap(&segment, found, view)?;
        found.segments.push(segment);
        Ok(())
    });
    each("zconfig.", &mut |name, lines, found| {
        let attachments = attachments(name, lines, &found.segments, view)?;
        refuse_twice(&attachments, found, view)?;
        found.attachments.extend(attachments);
        Ok(())
    });
    Ok(found)
}

fn lines(path: &Path) -> Result<Lines, String> {
    let bytes = read_small(path, LIMIT).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let mut found = Lines::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (key, value) = line.split_once(':').ok_or_else(|| format!("line {}: has no colon", number + 1))?;
        found.entry(key.trim().to_owned()).or_default().push(value.trim().to_owned());
    }
    Ok(found)
}

fn one<'l>(lines: &'l Lines, key: &str) -> Result<&'l str, String> {
    lines.get(key).and_then(|values| values.first()).map(String::as_str).ok_or_else(|| format!("has no `{key}`"))
}

/// The octets that matter: `10.1` is 10.1.0.0/16.
fn network(octets: &str) -> Result<Ipv4Net, String> {
    let bad = || format!("`{octets}` is no beginning of an IPv4 address");
    let octet = |part: &str| part.parse::<u8>().ok().filter(|octet| octet.to_string() == part).ok_or_else(bad);
    let parts: Vec<u8> = octets.split('.').map(octet).collect::<Result<_, _>>()?;
    let octet = |index: usize| parts.get(index).copied().unwrap_or(0);
    let length = u8::try_from(parts.len() * 8).ok().filter(|length| (8..=24).contains(length)).ok_or_else(bad)?;
    let address = Ipv4Addr::new(octet(0), octet(1), octet(2), 0);
    let text = format!("{address}/{length}");
    super::address::network(&text).map_err(|error| error.to_string())?;
    Ipv4Net::new(address, length).map_err(|error| error.to_string())
}

/// One address is one zone's.
fn refuse_twice(new: &[Attachment], found: &Found, view: &View) -> Result<(), String> {
    for (zone, address) in new.iter().flat_map(|one| one.addresses().map(move |net| (&one.zone, net.addr()))) {
        let has = |one: &&Attachment| one.addresses().any(|net| net.addr() == address);
        let imported = found.attachments.iter().find(has).map(|one| one.zone.as_str());
        if let Some(user) = imported.or_else(|| view.zone_with(address)).filter(|user| *user != zone.as_str()) {
            return Err(format!("{address} is in use by zone `{user}`"));
        }
    }
    Ok(())
}

/// zap looks for networks that a new one is in, and not for those in it. Which of two an address is on nobody could tell.
fn refuse_overlap(new: &Segment, found: &Found, view: &View) -> Result<(), String> {
    let others = found.segments.iter().chain(view.segments.iter().filter(|known| known.name != new.name));
    for (other, network) in others.flat_map(|other| other.networks().map(move |network| (other, network))) {
        if let Some(own) = new.networks().find(|own| overlap(*own, network)) {
            return Err(format!("{own} overlaps {network} of the segment `{}`; one of them has to go", other.name));
        }
    }
    Ok(())
}

/// The segment that a file tells of.
fn segment(name: &str, lines: &Lines, view: &View) -> Result<Segment, String> {
    let net = network(name)?;
    let link = |text: &str| text.parse::<LinkName>().map_err(|error| error.to_string());
    let etherstub = link(one(lines, "interface")?)?;
    let shared_vnic = one(lines, "shared-interface").ok().map(link).transpose()?;
    let gateway: Ipv4Addr = one(lines, "gateway")?.parse().map_err(|_| "`gateway` is no IPv4 address".to_owned())?;
    if !net.contains(&gateway) {
        return Err(format!("the gateway {gateway} is not on {net}"));
    }
    let zone = one(lines, "zone")?;
    let (router, networks) = match zone {
        "global" => (Router::Global, Vec::new()),
        zone => {
            let zone: ZoneName = zone.parse().map_err(|error: crate::config::ZoneNameError| error.to_string())?;
            let config = configuration(&zone)?;
            (Router::Proxy(zone), config.networks)
        }
    };
    let on_stub = view.survey.vnics_on(&etherstub);
    let own = |name: &str| {
        networks.iter().any(|net| net.physical == name) || (zone == "global" && name.starts_with(super::VNICS))
    };
    let inside =
        on_stub.iter().find(|vnic| own(&vnic.name) && (zone != "global" || view.survey.is_plumbed(&vnic.name)));
    let shared_mac = shared_vnic.as_ref().and_then(|link| view.survey.vnic(link.as_str())?.mac);
    Ok(Segment {
        name: SegmentName::of(net.into()),
        ipv4: Some(net),
        ipv6: None,
        gateway4: Some(gateway),
        gateway6: None,
        mtu: view.survey.link(etherstub.as_str()).and_then(|link| link.mtu),
        etherstub,
        shared_mac,
        shared_vnic,
        inside: inside.and_then(|vnic| vnic.name.parse().ok()),
        inside_mac: inside.and_then(|vnic| vnic.mac),
        outside: outside(&router, &networks, lines, view),
        router,
        domain: None,
        routable_ipv6: false,
        filter_aaaa: false,
        ipv6_addresses: Default::default(),
    })
}

/// zap puts the interface outside first.
fn outside(router: &Router, networks: &[Network], lines: &Lines, view: &View) -> Option<Outside> {
    let near = view.survey.way_out();
    if *router == Router::Global {
        let near = near?;
        let interface: LinkName = near.interface.parse().ok()?;
        let ipv4 = view.survey.addresses_on(interface.as_str()).find_map(|found| match (found.address, found.length) {
            (IpAddr::V4(address), Some(length)) => Ipv4Net::new(address, length).ok(),
            _ => None,
        });
        let gateways = near.gateway.into_iter().collect();
        return Some(Outside { over: interface.clone(), interface, vlan: None, ipv4, ipv6: None, gateways });
    }
    let interface: LinkName = networks.first()?.physical.parse().ok()?;
    let vnic = view.survey.vnic(interface.as_str())?;
    let (over, vlan) = (vnic.over.parse().ok()?, vnic.vlan);
    let public = lines.get("public-ip")?.first()?.split_whitespace().next()?.parse::<Ipv4Addr>().ok()?;
    let near = view.survey.neighbourhood(public.into());
    let length = near.as_ref().map_or(32, |near| near.network.prefix_len());
    let gateways = near.and_then(|near| near.gateway).into_iter().collect();
    Some(Outside { interface, over, vlan, ipv4: Ipv4Net::new(public, length).ok(), ipv6: None, gateways })
}

fn configuration(zone: &ZoneName) -> Result<ZoneConfig, String> {
    ZoneConfig::read(&file(zone)).map_err(|error| match error {
        ConfigError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            format!("its zone `{zone}` is not on this host; remove the file if it has gone for good")
        }
        error => error.to_string(),
    })
}

fn attachments(name: &str, lines: &Lines, segments: &[Segment], view: &View) -> Result<Vec<Attachment>, String> {
    let zone: ZoneName = name.parse().map_err(|error: crate::config::ZoneNameError| error.to_string())?;
    let config = configuration(&zone)?;
    let exclusive = one(lines, "ip-type")? == "exclusive";
    let mut found = Vec::new();
    for (index, text) in lines.get("address").map_or(&[][..], Vec::as_slice).iter().enumerate() {
        let address = text.parse::<AskedAddress>().map_err(|error| error.to_string())?.address;
        let has = |net: &&Network| {
            let given = if exclusive { &net.allowed_address } else { &net.address };
            let given = given.as_deref().map(|given| given.split('/').next().unwrap_or(given));
            given == Some(text.as_str())
        };
        // Those of routers say no address; they are in the order of the addresses.
        let net = config.networks.iter().find(has).or_else(|| config.networks.get(index).filter(|_| exclusive));
        let net = net.ok_or_else(|| format!("the configuration of zone `{zone}` has no network with {address}"))?;
        let link: LinkName = net.physical.parse().map_err(|error: crate::host::LinkNameError| error.to_string())?;
        let forwards = segments.iter().any(|segment| segment.router.zone() == Some(&zone));
        found.push(attachment(&zone, link, address, (exclusive, forwards), segments, view)?);
    }
    for segment in segments.iter().filter(|segment| segment.router.zone() == Some(&zone)) {
        found.extend(super::inside(segment));
    }
    Ok(found)
}

fn attachment(
    zone: &ZoneName,
    link: LinkName,
    address: IpAddr,
    (exclusive, forwards): (bool, bool),
    segments: &[Segment],
    view: &View,
) -> Result<Attachment, String> {
    let segment = segments.iter().find(|segment| segment.network_of(address).is_some());
    let near = view.survey.neighbourhood(address);
    let vnic = view.survey.vnic(link.as_str());
    let place = match segment {
        Some(segment) => Place::Segment(segment.name.clone()),
        None if exclusive => {
            let over = vnic.map(|vnic| vnic.over.as_str()).ok_or_else(|| format!("the vnic `{link}` is gone"))?;
            Place::Link(over.parse().map_err(|error: crate::host::LinkNameError| error.to_string())?)
        }
        None => Place::Link(link.clone()),
    };
    let network =
        segment.and_then(|segment| segment.network_of(address)).or_else(|| near.as_ref().map(|near| near.network));
    let length = network.map_or(if address.is_ipv4() { 32 } else { 128 }, |net| net.prefix_len());
    let net = IpNet::new(address, length).map_err(|error| error.to_string())?;
    let (ipv4, ipv6) = match net {
        IpNet::V4(net) => (Some(net), None),
        IpNet::V6(net) => (None, Some(net)),
    };
    let gateway = match segment {
        Some(segment) => segment.gateway_for(address),
        None => near.and_then(|near| near.gateway),
    };
    Ok(Attachment {
        zone: zone.clone(),
        place,
        mode: if exclusive { Mode::Exclusive } else { Mode::Shared },
        mac: vnic.filter(|_| exclusive).and_then(|vnic| vnic.mac),
        vlan: vnic.filter(|_| exclusive).and_then(|vnic| vnic.vlan),
        link,
        ipv4,
        ipv6,
        autoconfiguration: Autoconfiguration::Off,
        flow: None,
        gateways: gateway.filter(|_| exclusive).into_iter().collect(),
        forwards,
        openings: Vec::new(),
    })
}
