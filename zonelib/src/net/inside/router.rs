//! What a router gets, and what changes in it when a zone comes or goes.

use std::io;
use std::net::IpAddr;

use crate::config::ZoneName;
use crate::host::MacAddress;
use crate::net::files::smf::{self, HaproxyPlace, Service};
use crate::net::files::{Routing, RoutingError, dnsmasq, haproxy, ipf, ipnat};
use crate::net::{Attachment, Router};
use crate::populate::split;
use crate::root::Tree;

use super::zone::system_files;
use super::{Brand, Content, InsideError, Settings, Tenant, ZoneFile};

/// Files of a router that are larger are not read.
const LIMIT: u64 = 4 * 1024 * 1024;

/// What is found in a router's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterTraits {
    /// How dnsmasq is to be configured.
    pub dialect: dnsmasq::Dialect,
    /// Where haproxy is; `None` when it has none.
    pub haproxy: Option<HaproxyPlace>,
    /// It has dnsmasq.
    pub dnsmasq: bool,
    /// It has IPFilter.
    pub filter: bool,
}

impl RouterTraits {
    /// Looks into a root. Programs may be reached by links that stay in it.
    ///
    /// # Errors
    /// As `openat(2)`.
    pub fn of(tree: &Tree) -> io::Result<Self> {
        let account = match tree.read(b"etc/passwd", LIMIT) {
            Ok(accounts) => accounts.split(|&byte| byte == b'\n').any(|line| line.starts_with(b"dnsmasq:")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        let mut haproxy = None;
        for place in HaproxyPlace::ALL {
            if haproxy.is_none() && has(tree, place.path())? {
                haproxy = Some(place);
            }
        }
        Ok(Self {
            dialect: dnsmasq::Dialect { account },
            haproxy,
            dnsmasq: has(tree, "/usr/sbin/dnsmasq")?,
            filter: has(tree, "/usr/sbin/ipnat")?,
        })
    }

    /// What a router needs and this one has not.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let needed = [(self.filter, "IPFilter"), (self.dnsmasq, "dnsmasq"), (self.haproxy.is_some(), "haproxy")];
        needed.into_iter().filter(|(has, _)| !has).map(|(_, what)| what).collect()
    }
}

fn has(tree: &Tree, path: &str) -> io::Result<bool> {
    let (parent, name) = split(path.trim_start_matches('/').as_bytes());
    match tree.resolve_dir(parent).and_then(|folder| folder.stat(name)) {
        Ok(found) => Ok(found.is_some()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

/// All files of a router, before its first boot or whenever they are to be put right. `own` are the attachments of the
/// router's zone; the global zone has its own addresses already.
///
/// # Errors
/// [`RoutingError`].
pub fn router_files(
    routing: &Routing<'_>,
    own: &[&Attachment],
    traits: &RouterTraits,
    settings: &Settings,
) -> Result<Vec<ZoneFile>, RoutingError> {
    let mut files = Vec::new();
    if let Router::Zone(zone) | Router::Proxy(zone) = routing.router {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let servers: Vec<IpAddr> = std::iter::once(loopback).chain(routing.forwarders.iter().copied()).collect();
        let tenant = Tenant {
            zone,
            brand: Brand::Illumos,
            attachments: own,
            gone: &[],
            domain: routing.segments.iter().find_map(|segment| segment.domain.as_ref()),
            servers: &servers,
            settings,
        };
        files.extend(system_files(&tenant, routing.beside));
        files.push(ZoneFile::new("etc/nsswitch.conf", Content::Dns));
    }
    files.extend(rules_files(routing)?);
    files.push(ZoneFile::whole(dnsmasq::OWN, dnsmasq::config(routing, traits.dialect)));
    files.push(ZoneFile::block(dnsmasq::MAIN, dnsmasq::INCLUDE.to_owned()));
    // The folders have to be there, and the names of the router itself have to be known.
    files.push(ZoneFile::whole(format!("{}/{}", dnsmasq::NAMES, routing.name()), dnsmasq::own_names(routing)));
    files.push(ZoneFile::whole(format!("{}/{}", dnsmasq::HOSTS, routing.name()), String::new()));
    for (zone, attachments) in routing.zones() {
        files.extend(fragments_of(routing, zone, &attachments, &[]));
    }
    files.extend(ingress_files(routing, traits, &[])?);
    Ok(files)
}

/// What is left of a router that routes nothing any more: what others have written.
#[must_use]
pub fn router_gone(router: &Router, maps: &[String]) -> Vec<ZoneFile> {
    let mut files: Vec<ZoneFile> = ["etc/ipf/ipnat.conf", "etc/ipf/ipf.conf", "etc/ipf/ipf6.conf", dnsmasq::MAIN]
        .map(|path| ZoneFile::block(path, String::new()))
        .to_vec();
    files.push(ZoneFile::gone(dnsmasq::OWN));
    files.push(ZoneFile::gone(dnsmasq::LEASES));
    files.extend(
        [dnsmasq::NAMES, dnsmasq::HOSTS].map(|folder| ZoneFile::gone(format!("{folder}/{}", router.zone_name()))),
    );
    let ingress = |name: &str| ZoneFile::gone(format!("{}/{name}", haproxy::FOLDER));
    files.push(ingress(haproxy::CONFIG));
    files.extend(maps.iter().map(|map| ingress(map)));
    files.push(ZoneFile::gone(smf::INGRESS_MANIFEST));
    files
}

/// The rules of filter and address translation, for which all zones with openings have to be known.
///
/// # Errors
/// [`RoutingError::SamePort`].
pub fn rules_files(routing: &Routing<'_>) -> Result<Vec<ZoneFile>, RoutingError> {
    Ok(vec![
        ZoneFile::block("etc/ipf/ipnat.conf", ipnat::rules(routing)?),
        ZoneFile::block("etc/ipf/ipf.conf", ipf::rules(routing)?),
        ZoneFile::block("etc/ipf/ipf6.conf", ipf::rules6(routing)),
    ])
}

/// The addresses and names of one zone in its router. Of the router's attachments only those of this zone are needed.
/// `stale` are leases that the router has given ([`stale_leases`]).
#[must_use]
pub fn fragments(routing: &Routing<'_>, zone: &ZoneName, stale: &[(IpAddr, MacAddress)]) -> Vec<ZoneFile> {
    match routing.zones().get(zone) {
        Some(attachments) => fragments_of(routing, zone, attachments, stale),
        None => fragments_gone(zone),
    }
}

fn fragments_of(
    routing: &Routing<'_>,
    zone: &ZoneName,
    attachments: &[&Attachment],
    stale: &[(IpAddr, MacAddress)],
) -> Vec<ZoneFile> {
    let file = |folder: &str, text: String| {
        let path = format!("{folder}/{zone}");
        if text.is_empty() { ZoneFile::gone(path) } else { ZoneFile::whole(path, text) }
    };
    vec![
        file(dnsmasq::HOSTS, dnsmasq::dhcp_hosts(attachments, stale)),
        file(dnsmasq::NAMES, dnsmasq::names(routing, attachments)),
    ]
}

/// A zone is no longer behind the router.
#[must_use]
pub fn fragments_gone(zone: &ZoneName) -> Vec<ZoneFile> {
    [dnsmasq::HOSTS, dnsmasq::NAMES].map(|folder| ZoneFile::gone(format!("{folder}/{zone}"))).to_vec()
}

/// The leases that a router has given. None, when there are none or they cannot be read: then an address of a zone that
/// has gone may be free only later.
#[must_use]
pub fn stale_leases(tree: &Tree) -> Vec<(IpAddr, MacAddress)> {
    tree.read(dnsmasq::LEASES.as_bytes(), LIMIT).map(|file| dnsmasq::leases(&file)).unwrap_or_default()
}

/// The files of ways in, and the services of the router, the ingress among them. `maps` are the maps that it has, of
/// which some may be of no use any more ([`maps`]).
///
/// # Errors
/// [`RoutingError`]: ways in cannot be told apart, lead nowhere, or there is no haproxy for them.
pub fn ingress_files(
    routing: &Routing<'_>,
    traits: &RouterTraits,
    maps: &[String],
) -> Result<Vec<ZoneFile>, RoutingError> {
    let made = haproxy::files(routing, "")?;
    let mut files = Vec::new();
    match traits.haproxy {
        Some(place) => files.push(ZoneFile::whole(smf::INGRESS_MANIFEST, smf::ingress_manifest(place))),
        None if made.is_empty() => {}
        None => return Err(RoutingError::NoHaproxy(routing.name().to_owned())),
    }
    let path = |name: &str| format!("{}/{name}", haproxy::FOLDER);
    if made.is_empty() {
        files.push(ZoneFile::gone(path(haproxy::CONFIG)));
    }
    files.extend(maps.iter().filter(|map| !made.contains_key(*map)).map(|map| ZoneFile::gone(path(map))));
    files.extend(made.into_iter().map(|(name, text)| ZoneFile::whole(path(&name), text)));
    if routing.router.zone().is_some() {
        files.push(ZoneFile::whole(smf::PROFILE, smf::profile(&services(routing, traits))));
    }
    Ok(files)
}

/// The names of the maps that a router has.
///
/// # Errors
/// [`InsideError`].
pub fn maps(tree: &Tree) -> Result<Vec<String>, InsideError> {
    let fail = |source| InsideError::System { path: haproxy::FOLDER.to_owned(), source };
    let names = match tree.open_dir(haproxy::FOLDER.as_bytes()).and_then(|folder| folder.list()) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let ours = |name: &String| {
        let number = name.strip_suffix(".map").and_then(|name| name.rsplit_once('-'));
        number.is_some_and(|(kind, port)| matches!(kind, "http" | "tls") && port.parse::<u16>().is_ok())
    };
    Ok(names.into_iter().filter_map(|(name, _)| String::from_utf8(name).ok()).filter(ours).collect())
}

/// The services of a router's zone, and whether they run.
#[must_use]
pub fn services(routing: &Routing<'_>, traits: &RouterTraits) -> Vec<(Service, bool)> {
    let ipv6 = routing.segments.iter().any(|segment| segment.gateway6.is_some());
    let mut services = vec![
        (Service::Forwarding4, routing.segments.iter().any(|segment| segment.gateway4.is_some())),
        // It has its routes.
        (Service::RoutingSetup, true),
        (Service::Routed, false),
        (Service::Filter, true),
        (Service::Dnsmasq, true),
        (Service::DnsClient, true),
    ];
    if ipv6 {
        services.extend([(Service::Neighbours, true), (Service::Forwarding6, true)]);
    }
    if traits.haproxy.is_some() {
        services.push((Service::Ingress, !routing.ingresses.is_empty()));
    }
    services
}
