//! What zones there are, and what is known of one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::{self, IpType, Zone, ZoneConfig, ZoneName};
use crate::journal::{self, StateDir, Subject};
use crate::net::{Attachment, Ingress, Peer, Peering, Place, Router, Segment, VlanId};
use crate::store::{Directory, Records, StoreError};

use super::destroy::Destroy;
use super::record::{self, Share, ZoneRecord};
use super::{Kind, Size, ZoneError};

/// A zone in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub zone: String,
    /// Its number while it is active.
    pub id: Option<u32>,
    /// Its state, as zoneadm(8) has it; `gone` when only what was made for it is left, and `unfinished` when an
    /// operation has not ended that makes or destroys it.
    pub state: String,
    /// Its brand.
    pub brand: String,
    /// The type that it was made as; `None` when `create-zone` has not made it.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// Its addresses, with the length of their networks.
    pub addresses: Vec<String>,
    /// Its routers.
    pub routers: Vec<String>,
}

/// A place of a zone on a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// The link.
    pub link: String,
    /// The link of the host, or the etherstub of the segment, that it is on.
    pub over: Option<String>,
    /// The VLAN of that which it is in.
    pub vlan: Option<VlanId>,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// The segment, when it is on one.
    pub segment: Option<String>,
    /// The router of that.
    pub router: Option<String>,
    /// Where the zone sends what is for other networks.
    pub gateways: Vec<String>,
    /// The Ethernet address of its vnic.
    pub mac: Option<String>,
    /// Limits.
    pub flow: Vec<String>,
}

/// All that is known of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// As in a list.
    #[serde(flatten)]
    pub row: Row,
    /// Whether it has a network stack of its own.
    pub exclusive_ip: bool,
    /// It boots with the host.
    pub autoboot: bool,
    /// Bytes of memory that it may use, or a machine has.
    pub memory: Option<u64>,
    /// Processors that it may use, or a machine has.
    pub cpus: Option<String>,
    /// Disks and CDs of a machine: as what, and the volume or file.
    pub disks: Vec<String>,
    /// Its places on networks.
    pub interfaces: Vec<Interface>,
    /// Networks that it is the router of.
    pub router_for: Vec<String>,
    /// The zones behind it.
    pub behind: Vec<String>,
    /// The routers whose zones reach those behind it, and the other way round.
    pub peers: Vec<String>,
    /// What it lets in, by ingress.
    pub ingresses: Vec<String>,
    /// Directories that it shares.
    pub shares: Vec<String>,
    /// Datasets that it administers.
    pub datasets: Vec<String>,
    /// Accounts that it shares.
    pub users: Vec<String>,
    /// The template that it shares.
    pub template: Option<String>,
    /// An operation on it that did not end.
    pub unfinished: Option<String>,
    /// What `destroy-zone` would do.
    pub would_go: Vec<String>,
    /// Why it would refuse; empty when it would not. Those behind it are in `behind`.
    pub would_refuse: Vec<String>,
    /// What would stay then.
    pub would_stay: Vec<String>,
}

fn addresses(attachments: &[&Attachment]) -> Vec<String> {
    attachments.iter().flat_map(|attachment| attachment.addresses()).map(|net| net.to_string()).collect()
}

/// Zones and segments as they are remembered.
struct Known {
    records: BTreeMap<String, ZoneRecord>,
    attachments: Vec<Attachment>,
    segments: Vec<Segment>,
}

impl Known {
    fn of(store: &Directory, damaged: &mut Vec<StoreError>) -> Result<Self, ZoneError> {
        let records: Vec<ZoneRecord> = store.list_readable(damaged)?;
        Ok(Self {
            records: records.into_iter().map(|record| (record.zone.to_string(), record)).collect(),
            attachments: store.list_readable(damaged)?,
            segments: store.list_readable(damaged)?,
        })
    }

    /// The zones that something is remembered of.
    fn names(&self) -> BTreeSet<ZoneName> {
        let attached = self.attachments.iter().map(|attachment| attachment.zone.clone());
        self.records.values().map(|record| record.zone.clone()).chain(attached).collect()
    }

    /// What is left of a zone that is not there.
    fn left_of(&self, zone: &ZoneName, state: &str) -> Row {
        let record = self.records.get(zone.as_str());
        let zone = Zone {
            id: None,
            name: zone.to_string(),
            state: state.to_owned(),
            zonepath: record.map(|record| record.zonepath.clone()).unwrap_or_default(),
            uuid: String::new(),
            brand: record.map_or_else(|| "-".to_owned(), |record| record.kind.brand().to_owned()),
            ip_type: String::new(),
        };
        self.row(&zone)
    }

    fn row(&self, zone: &Zone) -> Row {
        let own: Vec<&Attachment> =
            self.attachments.iter().filter(|attachment| attachment.zone.as_str() == zone.name).collect();
        let mut routers = Vec::new();
        for attachment in own.iter().filter(|attachment| !attachment.forwards) {
            let segment = self.segments.iter().find(|segment| Some(&segment.name) == attachment.segment());
            let router = segment.map(|segment| segment.router.zone_name().to_owned());
            routers.extend(router.filter(|router| !routers.contains(router)));
        }
        Row {
            zone: zone.name.clone(),
            id: zone.id,
            state: zone.state.clone(),
            brand: zone.brand.clone(),
            kind: self.records.get(&zone.name).map(|record| record.kind),
            zonepath: zone.zonepath.clone(),
            addresses: addresses(&own),
            routers,
        }
    }
}

/// All zones of the host, in the order of zoneadm(8), and those of which only records are left. What could not be read of
/// the records goes to `damaged`, and is missing from the rows.
///
/// # Errors
/// [`ZoneError`].
pub fn list(state: &StateDir, damaged: &mut Vec<StoreError>) -> Result<Vec<Row>, ZoneError> {
    let store = Directory::new(state);
    let known = Known::of(&store, damaged)?;
    let zones = config::zones(Path::new("/")).map_err(|error| ZoneError::Refused(error.to_string()))?;
    let mut rows: Vec<Row> = zones.iter().map(|zone| known.row(zone)).collect();
    for name in known.names().into_iter().filter(|name| !zones.iter().any(|zone| zone.name == name.as_str())) {
        let pending = journal::pending(state, Subject::Whole(name.clone()))?.is_some();
        rows.push(known.left_of(&name, if pending { "unfinished" } else { "gone" }));
    }
    Ok(rows)
}

/// All about one.
///
/// # Errors
/// [`ZoneError`]: there is none.
pub fn describe(zone: &ZoneName, state: &StateDir) -> Result<Description, ZoneError> {
    let zones = config::zones(Path::new("/")).map_err(|error| ZoneError::Refused(error.to_string()))?;
    let found = zones.iter().find(|found| found.name == zone.as_str());
    let store = Directory::new(state);
    let Some(found) = found else {
        let is_left = Known::of(&store, &mut Vec::new())?.names().contains(zone);
        return Err(ZoneError::Refused(if is_left {
            format!(
                "zone `{zone}` is gone, but not all that was made for it; `destroy-zone -z {zone}` takes it away, and with -N tells what"
            )
        } else {
            format!("there is no zone `{zone}`; `list-zones` names them")
        }));
    };
    let record: Option<ZoneRecord> = store.get(&record::key(zone))?;
    let (attachments, segments): (Vec<Attachment>, Vec<Segment>) = (store.list()?, store.list()?);
    let config = ZoneConfig::read(&config::file(zone))?;
    let records = record.clone().map(|record| (zone.to_string(), record)).into_iter().collect();
    let known = Known { records, attachments, segments };
    let routed: Vec<&Segment> = known.segments.iter().filter(|segment| segment.router.zone() == Some(zone)).collect();
    let names: Vec<_> = routed.iter().map(|segment| &segment.name).collect();
    let on = |attachment: &&Attachment| attachment.segment().is_some_and(|name| names.contains(&name));
    let mut behind: Vec<String> = known.attachments.iter().filter(on).map(|one| one.zone.to_string()).collect();
    behind.retain(|name| name != zone.as_str());
    behind.sort();
    behind.dedup();
    let unfinished = journal::pending(state, Subject::Whole(zone.clone()))?.map(|found| found.operation);
    let destroy = Destroy { zone: zone.clone(), with_datasets: false };
    // Those behind a router come first.
    let mut would_refuse = Vec::new();
    let teardown = match behind.is_empty().then(|| destroy.look(&store, false)) {
        None => Default::default(),
        Some(Err(error @ ZoneError::Network(_))) => {
            would_refuse = error.problems();
            Default::default()
        }
        Some(looked) => looked?,
    };
    let cap = config.rctls.iter().find(|rctl| rctl.name == "zone.cpu-cap");
    let cap = cap.and_then(|rctl| rctl.values.first()?.limit.parse::<u64>().ok());
    let attribute = |name: &str| config.attrs.iter().find(|attr| attr.name == name).map(|attr| attr.value.clone());
    let ram = attribute("ram").and_then(|ram| ram.parse::<Size>().ok());
    Ok(Description {
        row: known.row(found),
        exclusive_ip: config.ip_type == IpType::Exclusive,
        autoboot: config.autoboot,
        memory: config.capped_memory.or(ram.map(Size::bytes)),
        cpus: cap.map(|hundredths| format!("{}.{:02}", hundredths / 100, hundredths % 100)).or(attribute("vcpus")),
        disks: disks(&config),
        peers: peers(zone, &store)?,
        ingresses: ingresses(zone, &store)?,
        interfaces: interfaces(zone, &known),
        router_for: routed.iter().flat_map(|segment| segment.networks()).map(|net| net.to_string()).collect(),
        shares: record.iter().flat_map(|record| &record.shares).map(shown).collect(),
        datasets: config.datasets.iter().map(ToString::to_string).collect(),
        users: record.iter().flat_map(|record| record.users.clone()).collect(),
        template: record.and_then(|record| record.template),
        unfinished,
        would_go: teardown.lines(zone),
        would_refuse,
        would_stay: teardown.staying,
        behind,
    })
}

fn shown(share: &Share) -> String {
    let (directory, special) = (share.directory.display(), share.special.display());
    format!("{directory} from {special}, {}", if share.read_only { "read-only" } else { "writable" })
}

/// Source: bhyve(7), attributes.
fn disks(config: &ZoneConfig) -> Vec<String> {
    let is_disk = |name: &str| ["bootdisk", "disk", "cdrom"].iter().any(|kind| name.starts_with(kind));
    let disks = config.attrs.iter().filter(|attr| is_disk(&attr.name));
    disks.map(|attr| format!("{} {}", attr.name, attr.value)).collect()
}

fn peers(zone: &ZoneName, store: &Directory) -> Result<Vec<String>, ZoneError> {
    let all: Vec<Peering> = store.list()?;
    let of_zone = |router: &Router| router.zone() == Some(zone);
    let other = |peering: &Peering| match &peering.other {
        other if of_zone(&peering.one) => Some(other.name().to_owned()),
        Peer::Here(other) if of_zone(other) => Some(peering.one.zone_name().to_owned()),
        _ => None,
    };
    Ok(all.iter().filter_map(other).collect())
}

fn ingresses(zone: &ZoneName, store: &Directory) -> Result<Vec<String>, ZoneError> {
    let all: Vec<Ingress> = store.list()?;
    let own = all.iter().filter(|ingress| ingress.router.zone() == Some(zone));
    let shown = |ingress: &Ingress| {
        let host = ingress.host.as_ref().map(|host| format!(" for {host}")).unwrap_or_default();
        format!("`{}` at port {}{host} to {}:{}", ingress.name, ingress.port, ingress.zone, ingress.zone_port)
    };
    Ok(own.map(shown).collect())
}

fn interfaces(zone: &ZoneName, known: &Known) -> Vec<Interface> {
    let own = known.attachments.iter().filter(|attachment| attachment.zone == *zone);
    let interface = |attachment: &Attachment| {
        let segment = known.segments.iter().find(|segment| Some(&segment.name) == attachment.segment());
        Interface {
            link: attachment.link.to_string(),
            over: match &attachment.place {
                Place::Link(over) => Some(over.to_string()),
                Place::Segment(_) => segment.map(|segment| segment.etherstub.to_string()),
            },
            vlan: attachment.vlan,
            addresses: addresses(&[attachment]),
            segment: segment.map(|segment| segment.name.to_string()),
            router: segment
                .map(|segment| segment.router.zone_name().to_owned())
                .filter(|router| router != zone.as_str()),
            gateways: attachment.gateways.iter().map(ToString::to_string).collect(),
            mac: attachment.mac.map(|mac| mac.to_string()),
            flow: attachment.flow.iter().flat_map(|flow| flow.limits.properties()).collect(),
        }
    };
    own.map(interface).collect()
}

/// How a zone is reached by ssh: its address, and that of the router that it is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Where the zone is.
    pub address: std::net::IpAddr,
    /// The router that connections have to go through.
    pub through: Option<std::net::IpAddr>,
    /// Its sshd is that of Solaris 10.
    pub is_old: bool,
}

/// Looks how a zone is reached.
///
/// # Errors
/// [`ZoneError`]: there is none, it has no address, or its router has none.
pub fn reach(zone: &ZoneName, state: &StateDir) -> Result<Reach, ZoneError> {
    let store = Directory::new(state);
    let config_file = config::file(zone);
    if !config_file.exists() {
        return Err(ZoneError::Refused(format!("there is no zone `{zone}`; `list-zones` names them")));
    }
    let config = ZoneConfig::read(&config_file)?;
    let is_old = config.brand.as_ref().is_some_and(|brand| brand.to_string() == Kind::S10.brand());
    let attachments: Vec<Attachment> = store.list()?;
    let own = attachments.iter().filter(|attachment| attachment.zone == *zone);
    let found = own.clone().find_map(|attachment| Some((attachment, attachment.addresses().next()?.addr())));
    let Some((attachment, address)) = found else {
        // Made by other tools: what its configuration says.
        let text = config.networks.iter().find_map(|net| net.address.as_ref().or(net.allowed_address.as_ref()));
        let address = text.and_then(|text| text.split('/').next()?.parse().ok());
        let address = address.ok_or_else(|| ZoneError::Refused(format!("no address of zone `{zone}` is known")))?;
        return Ok(Reach { address, through: None, is_old });
    };
    let segments: Vec<Segment> = store.list()?;
    let segment = segments.iter().find(|segment| Some(&segment.name) == attachment.segment());
    // The router itself is reached from outside.
    let router = segment.filter(|segment| segment.router.zone() != Some(zone)).and_then(|segment| {
        let router = segment.router.zone()?;
        Some((router, segment.outside.as_ref()))
    });
    let through = match router {
        None => None,
        Some((router, outside)) => {
            let outside = outside.and_then(|outside| {
                let ipv4 = outside.ipv4.map(|net| std::net::IpAddr::V4(net.addr()));
                ipv4.or(outside.ipv6.map(|net| std::net::IpAddr::V6(net.addr())))
            });
            let unknown =
                || ZoneError::Refused(format!("the address of router `{router}` of zone `{zone}` is not known"));
            Some(outside.ok_or_else(unknown)?)
        }
    };
    Ok(Reach { address, through, is_old })
}
