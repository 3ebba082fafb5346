//! What a seed tells a guest: from the records of networks, and for what these do not know from the zone's configuration.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::{self, ConfigError, IpType, Network, ZoneConfig, ZoneName};
use crate::host::{LinkName, dladm};
use crate::net::credentials::{self, small_file};
use crate::net::files::{CryptedPassword, SshKey, cloud_init};
use crate::net::inside::name_servers;
use crate::net::{Attachment, Autoconfiguration, Domain, Mode, Place, Segment};
use crate::router::host_servers;
use crate::store::{Record, Records, Store};

use super::{SeedFile, SeedRequest};
use crate::zone::ZoneError;
use crate::zone::step::indexed;

/// How user-data may begin. Source: the documentation of cloud-init, user-data formats.
const BEGINNINGS: [&str; 8] = [
    "#cloud-config",
    "#!",
    "#include",
    "#cloud-boothook",
    "#part-handler",
    "## template: jinja",
    "Content-Type: multipart",
    "MIME-Version:",
];
/// Bytes of the longest name of an instance.
const INSTANCE_LIMIT: usize = 255;

/// What a guest is told of itself.
#[derive(Clone, Debug)]
pub struct GuestFacts {
    pub(in crate::zone) zone: ZoneName,
    pub(in crate::zone) attachments: Vec<Attachment>,
    /// Those that it is on.
    pub(in crate::zone) segments: Vec<Segment>,
    pub(in crate::zone) servers: Vec<IpAddr>,
    pub(in crate::zone) domain: Option<Domain>,
    pub(in crate::zone) keys: Vec<SshKey>,
    pub(in crate::zone) password: Option<CryptedPassword>,
}

impl GuestFacts {
    fn none(zone: &ZoneName) -> Self {
        Self {
            zone: zone.clone(),
            attachments: Vec::new(),
            segments: Vec::new(),
            servers: Vec::new(),
            domain: None,
            keys: Vec::new(),
            password: None,
        }
    }

    /// The files of a seed.
    pub(in crate::zone) fn files(&self, instance: &str) -> Vec<SeedFile> {
        let attachments: Vec<&Attachment> = self.attachments.iter().collect();
        let segments: Vec<&Segment> = self.segments.iter().collect();
        let guest = cloud_init::Guest {
            zone: &self.zone,
            instance,
            attachments: &attachments,
            segments: &segments,
            domain: self.domain.as_ref(),
            servers: &self.servers,
            keys: &self.keys,
            password: self.password.as_ref(),
        };
        cloud_init::seed(&guest).into_iter().map(|(name, text)| SeedFile { name, text }).collect()
    }
}

/// All that goes into a seed.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) instance: String,
    facts: GuestFacts,
    user_data: Option<String>,
    /// The zone's configuration, when it has one.
    pub(super) config: Option<ZoneConfig>,
    pub(super) notes: Vec<String>,
}

impl Told {
    /// Finds out. Nothing is changed.
    pub(super) fn look(request: &SeedRequest, store: &dyn Store) -> Result<Self, ZoneError> {
        let zone = &request.zone;
        let config = match ZoneConfig::read(&config::file(zone)) {
            Ok(config) => Some(config),
            Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let facts = GuestFacts::none(zone);
        let mut told = Self { instance: String::new(), facts, user_data: None, config, notes: Vec::new() };
        told.networks(zone, store)?;
        if told.config.is_none() && told.facts.attachments.is_empty() {
            return Err(ZoneError::Refused(format!(
                "there is no zone `{zone}`, and none of that name is on a network; `list-zones` names them"
            )));
        }
        let facts = &mut told.facts;
        facts.segments = store.list()?;
        let attachments: Vec<&Attachment> = facts.attachments.iter().collect();
        facts.segments.retain(|segment| attachments.iter().any(|one| one.segment() == Some(&segment.name)));
        facts.servers = match &request.servers[..] {
            [] => name_servers(&attachments, &facts.segments, &host_servers()),
            servers => servers.to_vec(),
        };
        facts.domain = request.domain.clone().or_else(|| facts.segments.iter().find_map(|one| one.domain.clone()));
        told.instance = instance(request)?;
        told.credentials(request)?;
        Ok(told)
    }

    fn networks(&mut self, zone: &ZoneName, store: &dyn Store) -> Result<(), ZoneError> {
        for key in store.keys(Attachment::KIND)? {
            if key.parts().next() == Some(zone.as_str()) {
                self.facts.attachments.extend(store.get::<Attachment>(&key)?);
            }
        }
        let known = self.facts.attachments.clone();
        let networks = self.config.iter().filter(|config| config.ip_type == IpType::Exclusive);
        let networks: Vec<Network> = networks.flat_map(|config| config.networks.clone()).collect();
        for network in networks.iter().filter(|net| !known.iter().any(|one| one.link.as_str() == net.physical)) {
            self.facts.attachments.push(attachment(zone, network)?);
        }
        for attachment in &self.facts.attachments {
            let link = &attachment.link;
            let why = match (attachment.mode, attachment.mac) {
                (Mode::Shared, _) => "is on the network stack of the global zone",
                (_, None) => "is no vnic of this host, so that its Ethernet address is not known",
                _ => continue,
            };
            self.notes.push(format!("the seed says nothing of `{link}`, which {why}"));
        }
        self.facts.attachments.retain(|attachment| attachment.mode == Mode::Exclusive && attachment.mac.is_some());
        Ok(())
    }

    fn credentials(&mut self, request: &SeedRequest) -> Result<(), ZoneError> {
        let refused = |error: credentials::CredentialsError| ZoneError::Refused(error.to_string());
        for path in &request.keys {
            self.facts.keys.extend(credentials::keys(path).map_err(refused)?);
        }
        if let Some(path) = &request.password {
            self.facts.password = Some(credentials::guest_password(path).map_err(refused)?);
        }
        let Some(path) = &request.user_data else { return Ok(()) };
        let text = small_file(path).map_err(refused)?;
        if !BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)) {
            return Err(ZoneError::Refused(format!(
                "{}: is no user-data: cloud-init goes by its first line, such as `#cloud-config` or `#!/bin/sh`",
                path.display()
            )));
        }
        self.user_data = Some(text);
        Ok(())
    }

    /// The files.
    pub(super) fn files(&self) -> Vec<SeedFile> {
        let mut files = self.facts.files(&self.instance);
        if let (Some(given), Some(file)) = (&self.user_data, files.iter_mut().find(|file| file.name == "user-data")) {
            file.text.clone_from(given);
        }
        files
    }
}

/// A network as zonecfg(8) has it.
fn attachment(zone: &ZoneName, network: &Network) -> Result<Attachment, ZoneError> {
    let refuse = |error: String| ZoneError::Refused(format!("the configuration of zone `{zone}`: {error}"));
    let link: LinkName =
        network.physical.parse().map_err(|error: crate::net::LinkNameError| refuse(error.to_string()))?;
    let mac = dladm::vnic_called(&link).map_err(crate::net::PlanError::from)?.and_then(|vnic| vnic.mac);
    let mut found = Attachment {
        zone: zone.clone(),
        place: Place::Link(link.clone()),
        mode: Mode::Exclusive,
        link,
        vlan: None,
        ipv4: None,
        ipv6: None,
        autoconfiguration: Autoconfiguration::Off,
        mac,
        flow: None,
        gateways: Vec::new(),
        forwards: false,
        openings: Vec::new(),
    };
    if let Some(text) = &network.allowed_address {
        // zonecfg(8) takes host names too, which say nothing here.
        let whole = || text.parse::<IpAddr>().map(IpNet::from);
        match text.parse::<IpNet>().or_else(|_| whole()) {
            Ok(IpNet::V4(net)) => found.ipv4 = Some(net),
            Ok(IpNet::V6(net)) => found.ipv6 = Some(net),
            Err(_) => return Err(refuse(format!("`{}` is no address", text.escape_debug()))),
        }
    }
    if let Some(text) = &network.defrouter {
        let gateway = text.parse().map_err(|_| refuse(format!("`{}` is no address", text.escape_debug())))?;
        found.gateways.push(gateway);
    }
    Ok(found)
}

/// The zone's UUID, unless another name is given.
fn instance(request: &SeedRequest) -> Result<String, ZoneError> {
    if let Some(given) = &request.instance {
        let plain =
            !given.is_empty() && given.len() <= INSTANCE_LIMIT && given.bytes().all(|byte| byte.is_ascii_graphic());
        let why = || format!("`{}` is no name of an instance: up to 255 letters without blanks", given.escape_debug());
        return if plain { Ok(given.clone()) } else { Err(ZoneError::Refused(why())) };
    }
    indexed(&request.zone)?.and_then(|found| found.uuid).ok_or_else(|| {
        let zone = &request.zone;
        ZoneError::Refused(format!(
            "zone `{zone}` is not installed, and so has no UUID yet; install it first, or give --instance-id"
        ))
    })
}
