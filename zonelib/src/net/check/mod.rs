//! Whether the host is as the records say.

mod flows;
mod lost;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::view::MacOwner;
use super::{
    ApplyError, Attachment, Ingress, LinkName, MacAddress, Mode, Peering, PlanError, Removal, Router, SHARED, Segment,
    Step, Survey, View, VlanId, gateway_addresses,
};
use crate::config::{ConfigError, Zone, ZoneConfig, ZoneName, ZonesError, file, zones};
use crate::host::dladm::LinkClass;
use crate::host::flowadm::{self, HostFlow};
use crate::host::{ListError, NetworkChange};
use crate::journal::{JournalError, StateDir};
use crate::store::{Directory, Record, Records, Store, StoreError};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What, in words.
    pub problem: String,
    /// What somebody should do; empty when `steps` or `stale` mend it.
    pub advice: String,
    /// What mends it, and is safe to do.
    pub steps: Vec<Step>,
    /// A file that a killed writer left, to be removed.
    pub stale: Option<PathBuf>,
}

impl Difference {
    fn told(problem: String, advice: impl Into<String>) -> Self {
        Self { problem, advice: advice.into(), steps: Vec::new(), stale: None }
    }

    fn mended(problem: String, steps: Vec<Step>) -> Self {
        Self { problem, advice: String::new(), steps, stale: None }
    }

    /// Mends it. It may be done again where it has failed.
    ///
    /// # Errors
    /// [`MendError`].
    pub fn mend(&self, store: &dyn Store) -> Result<(), MendError> {
        if let Some(path) = &self.stale {
            std::fs::remove_file(path).map_err(|source| MendError::System { path: path.clone(), source })?;
        }
        Ok(self.steps.iter().try_for_each(|step| step.run(store))?)
    }

    /// Whether it can be mended by doing it.
    #[must_use]
    pub fn is_mendable(&self) -> bool {
        !self.steps.is_empty() || self.stale.is_some()
    }
}

/// Why it could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The records cannot be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journals cannot be listed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What would mend it cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The host cannot be looked at.
    #[error(transparent)]
    List(#[from] ListError),
    /// The zones cannot be listed.
    #[error(transparent)]
    Zones(#[from] ZonesError),
}

/// Why something was not mended.
#[derive(Debug, thiserror::Error)]
pub enum MendError {
    /// A file could not be removed.
    #[error("{}: {source}", path.display())]
    System {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A step failed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Looks at the records, the host and its zones.
///
/// # Errors
/// [`CheckError`].
pub fn look(state: &StateDir) -> Result<Vec<Difference>, CheckError> {
    check(state, Survey::take()?, flowadm::flows()?, &zones(Path::new("/"))?)
}

/// Looks without keeping others from their work: what differs is what is seen twice.
///
/// # Errors
/// [`CheckError`].
pub fn look_beside_others(state: &StateDir) -> Result<Vec<Difference>, CheckError> {
    let before = look(state)?;
    if before.is_empty() {
        return Ok(before);
    }
    let mut found = look(state)?;
    found.retain(|one| before.iter().any(|other| other.problem == one.problem));
    Ok(found)
}

/// Compares the records with the host, its flows and its zones. One damaged record does not keep the others from being
/// looked at. Zones that an operation is under way on are left alone.
///
/// # Errors
/// [`CheckError`].
pub fn check(
    state: &StateDir,
    survey: Survey,
    flows: Vec<HostFlow>,
    zones: &[Zone],
) -> Result<Vec<Difference>, CheckError> {
    let store = Directory::new(state);
    let mut found = Vec::new();
    let segments: Vec<Segment> = readable(&store, &mut found)?;
    let attachments: Vec<Attachment> = readable(&store, &mut found)?;
    let _: Vec<Ingress> = readable(&store, &mut found)?;
    let _: Vec<Peering> = readable(&store, &mut found)?;
    for path in [Segment::KIND, Attachment::KIND, Ingress::KIND, Peering::KIND].map(|kind| store.strangers(kind)) {
        found.extend(path?.into_iter().map(stranger));
    }
    let under_way: HashSet<String> = state.subjects()?.iter().map(|subject| zone_of(&subject.to_string())).collect();
    let keys = store.keys(Attachment::KIND)?;
    let all_segments = segments.len() == store.keys(Segment::KIND)?.len();
    let all_attachments = attachments.len() == keys.len();
    let view = View::of(survey, segments.clone(), keys);
    let flows = flows.into_iter().map(|flow| (flow.name.clone(), flow)).collect();
    let configs = zones.iter().filter_map(|zone| zone.name.parse().ok());
    let configs = configs.map(|zone: ZoneName| (zone.clone(), ZoneConfig::read(&file(&zone)))).collect();
    let mut checker = Checker { view, found, all_segments, under_way, flows, configs, zones: HashMap::new() };
    checker.zones = zones.iter().map(|zone| (zone.name.as_str(), zone)).collect();
    for segment in &segments {
        checker.segment(segment)?;
    }
    for attachment in &attachments {
        checker.attachment(attachment);
    }
    // A segment that cannot be read may have any of them.
    let told = if all_segments { checker.lost() } else { HashSet::new() };
    // What an operation under way has made is not written down yet.
    if checker.under_way.is_empty() && all_segments {
        checker.strange_links(&segments, &told);
    }
    if checker.under_way.is_empty() && all_attachments {
        checker.strange_flows(&attachments, &told);
    }
    Ok(checker.found)
}

/// `whole:web`, `web` and the like are all about `web`.
fn zone_of(subject: &str) -> String {
    subject.rsplit(':').next().unwrap_or(subject).to_owned()
}

fn readable<R: Record>(store: &Directory, found: &mut Vec<Difference>) -> Result<Vec<R>, StoreError> {
    let mut records = Vec::new();
    for key in store.keys(R::KIND)? {
        match store.get(&key) {
            Ok(record) => records.extend(record),
            Err(error) => found.push(Difference::told(error.to_string(), String::new())),
        }
    }
    Ok(records)
}

fn stranger(path: PathBuf) -> Difference {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with('.') && (name.ends_with(".new") || name.ends_with(".restored")) {
        let problem = format!("{}: was left by a writer that was killed", path.display());
        return Difference { problem, advice: String::new(), steps: Vec::new(), stale: Some(path) };
    }
    Difference::told(format!("{}: is no record", path.display()), "move it elsewhere")
}

struct Checker<'c> {
    view: View,
    found: Vec<Difference>,
    under_way: HashSet<String>,
    /// Those of the host, by name.
    /// Every segment could be read.
    all_segments: bool,
    flows: HashMap<String, HostFlow>,
    configs: BTreeMap<ZoneName, Result<ZoneConfig, ConfigError>>,
    zones: HashMap<&'c str, &'c Zone>,
}

/// A step on the host.
fn host(change: NetworkChange) -> Step {
    Step::Host { change }
}

impl Checker<'_> {
    fn segment(&mut self, segment: &Segment) -> Result<(), PlanError> {
        if self.under_way.contains(segment.router.zone_name()) {
            return Ok(());
        }
        let (name, stub) = (&segment.name, &segment.etherstub);
        match self.view.survey.link(stub.as_str()) {
            Some(link) if link.class != LinkClass::Etherstub => {
                let problem = format!("segment `{name}`: `{stub}` is no etherstub");
                self.found.push(Difference::told(
                    problem,
                    format!("rename that link, and check again to have `{stub}` made"),
                ));
                return Ok(());
            }
            Some(_) => {}
            None => {
                let mut steps = vec![host(NetworkChange::CreateEtherstub { link: stub.clone() })];
                let mtu = segment.mtu.filter(|&mtu| mtu != super::STUB_MTU);
                steps.extend(mtu.map(|mtu| host(NetworkChange::SetMtu { link: stub.clone(), mtu })));
                self.found.push(Difference::mended(format!("segment `{name}`: the etherstub `{stub}` is gone"), steps));
            }
        }
        if let Some(zone) = segment.router.zone()
            && !self.zones.contains_key(zone.as_str())
        {
            let problem = format!("segment `{name}`: its router, zone `{zone}`, is gone");
            self.found.push(Difference::told(
                problem,
                format!("make the zone again, or have everything of it forgotten by `net-detach -z {zone}`"),
            ));
        }
        self.shared_vnic(segment)?;
        self.gateway(segment);
        Ok(())
    }

    fn shared_vnic(&mut self, segment: &Segment) -> Result<(), PlanError> {
        let (name, stub) = (&segment.name, &segment.etherstub);
        let vnic = |link: &LinkName, mac| {
            host(NetworkChange::CreateVnic { link: link.clone(), over: stub.clone(), mac, vlan: None })
        };
        let plumb = |link: &LinkName| host(NetworkChange::CreateInterface { link: link.clone() });
        let Some(link) = &segment.shared_vnic else {
            let link = self.view.allocate(SHARED)?;
            let mac = self.view.allocate_mac(stub, &MacOwner::Shared(name));
            let steps = vec![vnic(&link, mac), plumb(&link)];
            let whole = Segment { shared_vnic: Some(link), shared_mac: Some(mac), ..segment.clone() };
            let steps = steps.into_iter().chain([Step::replace(whole.into())]).collect();
            let problem = format!("segment `{name}`: it has no link for zones on the global zone's stack");
            self.found.push(Difference::mended(problem, steps));
            return Ok(());
        };
        if self.view.survey.link(link.as_str()).is_none() {
            let mac = segment.shared_mac.unwrap_or_else(|| self.view.allocate_mac(stub, &MacOwner::Shared(name)));
            let whole = Segment { shared_mac: Some(mac), ..segment.clone() };
            let steps = vec![vnic(link, mac), plumb(link), Step::replace(whole.into())];
            self.found.push(Difference::mended(format!("segment `{name}`: the link `{link}` is gone"), steps));
        } else if !self.view.survey.is_plumbed(link.as_str()) {
            let problem = format!("segment `{name}`: the link `{link}` is not plumbed");
            self.found.push(Difference::mended(problem, vec![plumb(link)]));
        }
        Ok(())
    }

    /// The global zone's own place on a segment; that of a zone is an attachment.
    fn gateway(&mut self, segment: &Segment) {
        let (Router::Global, Some(inside)) = (&segment.router, &segment.inside) else { return };
        let (name, stub) = (&segment.name, &segment.etherstub);
        if self.view.survey.link(inside.as_str()).is_none() {
            let mac = segment.inside_mac.unwrap_or_else(|| self.view.allocate_mac(stub, &MacOwner::Router(name)));
            let whole = Segment { inside_mac: Some(mac), ..segment.clone() };
            let mut steps =
                vec![host(NetworkChange::CreateVnic { link: inside.clone(), over: stub.clone(), mac, vlan: None })];
            steps.extend(gateway_addresses(segment).map(host));
            steps.push(Step::replace(whole.into()));
            let problem = format!("segment `{name}`: the global zone's link `{inside}` is gone");
            self.found.push(Difference::mended(problem, steps));
            return;
        }
        for change in gateway_addresses(segment) {
            let NetworkChange::CreateAddress { address, .. } = &change else { continue };
            if self.view.survey.object_with(address.addr()).is_none() {
                let problem = format!("segment `{name}`: the global zone's address {address} on `{inside}` is gone");
                self.found.push(Difference::mended(problem, vec![host(change)]));
            }
        }
    }

    fn attachment(&mut self, attachment: &Attachment) {
        let zone = &attachment.zone;
        if self.under_way.contains(zone.as_str()) {
            return;
        }
        if !self.zones.contains_key(zone.as_str()) {
            let mut removal = Removal::new(&self.view);
            removal.attachment(attachment.clone());
            let problem = format!("zone `{zone}` is gone, and is still attached to `{}`", attachment.link);
            self.found.push(Difference::mended(problem, removal.done().steps));
            return;
        }
        if attachment.mode == Mode::Exclusive {
            self.vnic(attachment);
        }
        match self.configs.get(zone) {
            Some(Ok(config)) if config.networks.iter().any(|net| net.physical == attachment.link.as_str()) => {}
            Some(Ok(_)) => {
                let problem = format!("zone `{zone}`: its configuration does not have `{}`", attachment.link);
                let advice = format!("add it by zonecfg(8), or detach it: `net-detach -z {zone}`");
                self.found.push(Difference::told(problem, advice));
            }
            Some(Err(error)) => self.found.push(Difference::told(error.to_string(), "see zonecfg(8)")),
            // It is no zone, which has been told.
            None => {}
        }
    }

    fn vnic(&mut self, attachment: &Attachment) {
        let (zone, link) = (&attachment.zone, &attachment.link);
        let over = match &attachment.place {
            super::Place::Link(over) => over.clone(),
            super::Place::Segment(name) => match self.view.segment(name) {
                Some(segment) => segment.etherstub.clone(),
                // It may be one that cannot be read.
                None if !self.all_segments => return,
                None => {
                    let problem = format!("zone `{zone}`: it is on the segment `{name}`, and there is none");
                    return self.found.push(Difference::told(problem, format!("detach it: `net-detach -z {zone}`")));
                }
            },
        };
        let replaced = |mac: MacAddress| Step::replace(Attachment { mac: Some(mac), ..attachment.clone() }.into());
        match (self.view.survey.vnic(link.as_str()).cloned(), attachment.mac) {
            (None, _) if self.view.survey.link(link.as_str()).is_some() => {
                let problem = format!("zone `{zone}`: `{link}` is no vnic");
                self.found.push(Difference::told(problem, "rename that link, and check again to have the vnic made"));
            }
            (None, mac) => {
                let owner = MacOwner::Zone(zone, &attachment.place);
                let mac = mac.unwrap_or_else(|| self.view.allocate_mac(&over, &owner));
                let vnic = NetworkChange::CreateVnic { link: link.clone(), over, mac, vlan: attachment.vlan };
                let mut steps = vec![host(vnic), replaced(mac)];
                let flow = attachment.flow.as_ref().zip(attachment.addresses().next());
                steps.extend(flow.map(|(flow, net)| host(flow.add(link, net.addr()))));
                self.found.push(Difference::mended(format!("zone `{zone}`: the vnic `{link}` is gone"), steps));
            }
            (Some(vnic), _) if vnic.over != over.as_str() => {
                let problem = format!("zone `{zone}`: the vnic `{link}` is on `{}`, not on `{over}`", vnic.over);
                self.found.push(Difference::told(problem, "detach the zone, and attach it again"));
            }
            (Some(vnic), _) if vnic.vlan != attachment.vlan => {
                let vlan =
                    |vlan: Option<VlanId>| vlan.map_or_else(|| "no VLAN".to_owned(), |vlan| format!("VLAN {vlan}"));
                let (now, known) = (vlan(vnic.vlan), vlan(attachment.vlan));
                let problem = format!("zone `{zone}`: the vnic `{link}` is in {now} of `{over}`, not in {known}");
                self.found.push(Difference::told(problem, "detach the zone, and attach it again"));
            }
            (Some(vnic), mac) if vnic.mac != mac => {
                let known = mac.map_or_else(|| "unknown".to_owned(), |mac| mac.to_string());
                let now = vnic.mac.map_or_else(|| "unknown".to_owned(), |mac| mac.to_string());
                let problem = format!("zone `{zone}`: the address of `{link}` is {now}, and was {known}");
                self.found.push(Difference::mended(problem, vnic.mac.map(replaced).into_iter().collect()));
                self.flow(attachment);
            }
            _ => self.flow(attachment),
        }
    }
}
