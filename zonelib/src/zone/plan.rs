//! From a request that is fine, and what was found on the host, to steps. Planning changes nothing.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::config::ZoneName;
use crate::host;
use crate::journal::StateDir;
use crate::net::files::cloud_init;
use crate::net::inside::{Brand, Tenant, lx_attributes, name_servers, zone_files};
use crate::net::{self, Attachment, PlanError, Router, Segment, SegmentName, View};
use crate::router::host_servers;
use crate::store::Directory;

use super::accounts::Account;
use super::check::Found;
use super::configuration::{Configuration, of_machine, shares};
use super::destroy::is_filled;
use super::inside::Edit;
use super::kind::FromImage;
use super::places::Places;
use super::record::{Made, Share, ZoneRecord};
use super::request::{One, Request};
use super::seed::{GuestFacts, image};
use super::step::{Files, Shown, Step, told_file};
use super::wiring::{Behind, NewRouter};
use super::{Kind, Problems, ZONES, ZoneError};

/// Where directories of zones are.
pub(super) const DATA: &str = "/export/zonedata";
/// What stands for the operation in a plan that is only looked at.
pub(super) const NO_OPERATION: &str = "OPERATION";

/// What is done for one zone.
#[derive(Clone, Debug)]
pub struct ZonePlan {
    /// Its name.
    pub zone: ZoneName,
    /// Its type.
    pub kind: Kind,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// Its addresses, with the lengths of their networks.
    pub addresses: Vec<IpNet>,
    /// What is done first, for all zones, while nobody else is given names.
    pub ground: Vec<Step>,
    /// What is done then, in order.
    pub steps: Vec<Step>,
    /// What people should know.
    pub notes: Vec<String>,
}

/// What is done for the zones of a request.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The zones, in order.
    pub zones: Vec<ZonePlan>,
}

impl ZonePlan {
    /// All steps, in the order in which they are done for one zone.
    pub fn all(&self) -> impl Iterator<Item = &Step> {
        self.ground.iter().chain(&self.steps)
    }
}

/// A plan as JSON.
#[derive(Debug, serde::Serialize)]
pub struct PlanReport {
    version: u32,
    zones: Vec<ZoneReport>,
}

#[derive(Debug, serde::Serialize)]
struct ZoneReport {
    zone: String,
    #[serde(rename = "type")]
    kind: Kind,
    brand: &'static str,
    zonepath: PathBuf,
    addresses: Vec<IpNet>,
    steps: Vec<Shown>,
    notes: Vec<String>,
}

impl Plan {
    /// For programs.
    #[must_use]
    pub fn report(&self) -> PlanReport {
        let zone = |plan: &ZonePlan| ZoneReport {
            zone: plan.zone.to_string(),
            kind: plan.kind,
            brand: plan.kind.brand(),
            zonepath: plan.zonepath.clone(),
            addresses: plan.addresses.clone(),
            steps: plan.all().map(Step::show).collect(),
            notes: plan.notes.clone(),
        };
        PlanReport { version: 1, zones: self.zones.iter().map(zone).collect() }
    }

    /// For people: what is done, each command below it, and each file indented.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for plan in &self.zones {
            let (zone, brand, zonepath) = (&plan.zone, plan.kind.brand(), plan.zonepath.display());
            text.push_str(&format!("zone `{zone}`, brand {brand}, in {zonepath}:\n"));
            for step in plan.all() {
                text.push_str(&shown(&step.show()));
            }
            for note in &plan.notes {
                text.push_str(&format!("  note: {note}\n"));
            }
        }
        text
    }
}

/// A step of a plan, for people.
#[must_use]
pub fn shown(step: &Shown) -> String {
    let mut text = format!("  {}\n", step.what);
    if let Some(command) = &step.command {
        text.push_str(&format!("    $ {}\n", printable(command)));
    }
    for file in &step.files {
        text.push_str(&format!("    {}:\n", printable(&file.path)));
        for line in file.text.lines() {
            text.push_str(&format!("      {}\n", printable(line)));
        }
    }
    text
}

/// Without what would change a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// What planning knows.
pub(super) struct Planning<'p> {
    pub(super) request: &'p Request,
    pub(super) found: &'p Found,
    pub(super) state: &'p StateDir,
    pub(super) store: &'p Directory,
    /// None when it is only looked at.
    pub(super) operation: Option<&'p str>,
}

/// What is planned for the zones before.
struct Sofar {
    places: Places,
    volumes: Vec<String>,
    /// The network, where somebody wants of it.
    view: Option<View>,
}

impl Sofar {
    fn segment(&self, name: &SegmentName) -> Option<&Segment> {
        self.view.as_ref().and_then(|view| view.segment(name))
    }
}

impl Request {
    /// The zonepath of a zone of it.
    #[must_use]
    pub fn zonepath(&self, zone: &ZoneName) -> PathBuf {
        let zones = if self.zones == Path::new(ZONES) { host::place(ZONES) } else { self.zones.clone() };
        zones.join(zone.as_str())
    }
}

impl Planning<'_> {
    /// The plan, as far as there can be one; what is in the way goes to `problems`.
    pub(super) fn plan(&self, zones: &[One], problems: &mut Problems) -> Option<Plan> {
        let places = problems.heed(Places::look())?;
        let wants = zones.iter().any(|one| self.request.wanted(one).is_some());
        let view = if wants { Some(problems.heed(View::take(self.store).map_err(ZoneError::from))?) } else { None };
        let mut sofar = Sofar { places, volumes: Vec::new(), view };
        let plans = zones.iter().map(|one| self.zone(one, &mut sofar, problems)).collect();
        Some(Plan { zones: plans })
    }

    /// The network of one zone, beside what is planned for those before it.
    fn network(&self, one: &One, sofar: &mut Sofar, problems: &mut Problems) -> Option<net::Plan> {
        let (wanted, view) = (self.request.wanted(one)?, sofar.view.as_mut()?);
        match net::plan(&wanted, view) {
            Ok(plan) => {
                view.assume(&plan);
                Some(plan)
            }
            Err(error) => {
                // What does not go together has been said of the flags.
                let said = !problems.is_empty();
                let fresh = error.each().into_iter().filter(|error| !(said && matches!(error, PlanError::Wishes(_))));
                fresh.for_each(|error| problems.push(error.to_string()));
                None
            }
        }
    }

    fn zone(&self, one: &One, sofar: &mut Sofar, problems: &mut Problems) -> ZonePlan {
        let request = self.request;
        let network = self.network(one, sofar, problems).unwrap_or_default();
        let mut plan = ZonePlan {
            zone: one.name.clone(),
            kind: request.kind,
            zonepath: request.zonepath(&one.name),
            addresses: network.attachments.iter().flat_map(Attachment::addresses).collect(),
            ground: network.steps.iter().cloned().map(|step| Step::Network(Box::new(step))).collect(),
            steps: Vec::new(),
            notes: network.notes.clone(),
        };
        if request.kind == Kind::Bhyve && of_machine(&network.resources).len() < network.resources.len() {
            plan.notes.push(format!(
                "nobody looks which addresses `{}` sends from: its brand would make an interface of each that it is bound to",
                one.name
            ));
        }
        let mut made = Vec::new();
        let data = host::place(DATA).join(one.name.as_str());
        self.directories(&data, &mut plan, &mut made, (&mut sofar.places, problems));
        self.datasets(one, &mut plan, &mut made);
        let disks = self.volumes(one, &mut plan, &mut made, &mut sofar.volumes);
        let disks = problems.heed(disks).unwrap_or_default();
        let shares = shares(request, &data, &self.found.accounts);
        let datasets: Vec<String> = one.datasets.iter().map(ToString::to_string).collect();
        let configuration = Configuration {
            request,
            zonepath: &plan.zonepath,
            operation: self.operation.unwrap_or(NO_OPERATION),
            networks: &network.resources,
            shares: &shares,
            datasets: &datasets,
            accounts: &self.found.accounts,
            volumes: &disks,
            attributes: &self.attributes(one, &network, sofar),
        };
        let commands = problems.heed(configuration.commands()).map(|commands| commands.file()).unwrap_or_default();
        let (zonepath, file) = (plan.zonepath.clone(), told_file(self.state, &one.name));
        plan.steps.push(Step::Configure { zone: one.name.clone(), zonepath, file, commands });
        self.installation(one, &mut plan, self.files(one, &network, sofar));
        plan.steps.extend(self.seed(one, &plan, &network, sofar));
        let known = |name: &SegmentName| sofar.segment(name);
        let behind = Behind::all(&one.name, &network.attachments, known);
        for behind in behind {
            let runs = problems.heed(behind.router_runs()).unwrap_or(true);
            if !runs {
                let (router, zone) = (behind.router.zone_name(), &one.name);
                plan.notes.push(format!(
                    "router `{router}` does not run: `{zone}` has no way out until `zoneadm -z {router} boot`"
                ));
            }
            plan.steps.push(Step::Join { behind: Box::new(behind), runs });
        }
        let record = self.record(&plan, made, shares, datasets);
        plan.steps.push(Step::Remember(Box::new(record)));
        if request.boot {
            plan.steps.push(Step::Boot { zone: one.name.clone() });
        }
        plan
    }

    /// The directory of zonepaths, and those that are made for the zone.
    fn directories(
        &self,
        data: &Path,
        plan: &mut ZonePlan,
        made: &mut Vec<Made>,
        (places, problems): (&mut Places, &mut Problems),
    ) {
        let zonepath = plan.zonepath.clone();
        let mut ensure = |places: &mut Places, found: Result<&Path, ZoneError>| {
            let steps = found.and_then(|path| places.ensure(path));
            for (step, thing) in problems.heed(steps).unwrap_or_default() {
                plan.ground.push(step);
                made.push(thing);
            }
        };
        let zonepaths = zonepath.parent().filter(|above| above.is_absolute());
        zonepaths.into_iter().for_each(|zonepaths| ensure(places, Ok(zonepaths)));
        for directory in &self.request.directories {
            ensure(places, Ok(data));
            // One file system for all of a zone's.
            places.plain_below(data);
            let directory = data.join(directory.strip_prefix("/").unwrap_or(directory));
            let checked = without_links(data, &directory);
            if checked.is_ok() && is_filled(&directory) {
                let path = directory.display();
                plan.notes.push(format!("the directory {path} is there already, and has something in it"));
            }
            ensure(places, checked.map(|()| directory.as_path()));
        }
    }

    /// What will be remembered of a zone.
    fn record(&self, plan: &ZonePlan, made: Vec<Made>, shares: Vec<Share>, datasets: Vec<String>) -> ZoneRecord {
        let request = self.request;
        ZoneRecord {
            zone: plan.zone.clone(),
            kind: request.kind,
            zonepath: plan.zonepath.clone(),
            operation: self.operation.unwrap_or(NO_OPERATION).to_owned(),
            made,
            shares,
            datasets,
            users: request.users.iter().map(ToString::to_string).collect(),
            template: request.template.as_ref().map(ToString::to_string),
            image: request.image.clone(),
            routers: Vec::new(),
        }
    }

    fn datasets(&self, one: &One, plan: &mut ZonePlan, made: &mut Vec<Made>) {
        let mut missing = Vec::new();
        for dataset in &one.datasets {
            let mut above = Some(dataset.as_str());
            let mut chain = Vec::new();
            while let Some(name) = above {
                let planned = missing.iter().any(|planned| planned == name);
                if planned || self.found.datasets.contains_key(name) {
                    break;
                }
                chain.push(name.to_owned());
                above = name.rsplit_once('/').map(|(parent, _)| parent);
            }
            missing.extend(chain.into_iter().rev());
        }
        for dataset in missing {
            let handed = one.datasets.iter().any(|given| given.as_str() == dataset);
            plan.ground.push(Step::MakeDelegated { dataset: dataset.clone(), handed });
            made.push(if handed { Made::Delegated { dataset } } else { Made::Parent { dataset } });
        }
    }

    /// The disks of a machine; new ones get the first number that is free.
    fn volumes(
        &self,
        one: &One,
        plan: &mut ZonePlan,
        made: &mut Vec<Made>,
        taken: &mut Vec<String>,
    ) -> Result<Vec<String>, ZoneError> {
        let request = self.request;
        if let Some(volume) = &request.volume {
            return Ok(vec![volume.to_string()]);
        }
        let mut disks = Vec::new();
        for volume in &request.new_volumes {
            let parent = volume.parent.as_ref().map_or("rpool", |parent| parent.as_str());
            let dataset = free_volume(parent, &one.name, taken)?;
            taken.push(dataset.clone());
            plan.ground.push(Step::MakeVolume { dataset: dataset.clone(), size: volume.size });
            made.push(Made::Volume { dataset: dataset.clone() });
            disks.push(dataset);
        }
        Ok(disks)
    }

    /// The name servers of a zone.
    fn servers(&self, network: &net::Plan, sofar: &Sofar) -> Vec<IpAddr> {
        let attachments: Vec<&Attachment> = network.attachments.iter().collect();
        let segments: Vec<Segment> = attachments
            .iter()
            .filter_map(|attachment| attachment.segment().and_then(|name| sofar.segment(name)))
            .cloned()
            .collect();
        name_servers(&attachments, &segments, &host_servers())
    }

    fn with_tenant<R>(&self, one: &One, network: &net::Plan, sofar: &Sofar, then: impl FnOnce(&Tenant<'_>) -> R) -> R {
        let attachments: Vec<&Attachment> = network.attachments.iter().collect();
        let mut segments = attachments.iter().filter_map(|attachment| sofar.segment(attachment.segment()?));
        then(&Tenant {
            zone: &one.name,
            brand: match self.request.kind {
                Kind::S10 => Brand::Solaris10,
                Kind::Lx => Brand::Lx,
                Kind::Bhyve => Brand::Bhyve,
                _ => Brand::Illumos,
            },
            attachments: &attachments,
            gone: &[],
            domain: segments.find_map(|segment| segment.domain.as_ref()),
            servers: &self.servers(network, sofar),
            settings: &self.found.settings,
        })
    }

    /// What the brand of a system is told of the network that reads no files.
    fn attributes(&self, one: &One, network: &net::Plan, sofar: &Sofar) -> Vec<(&'static str, String)> {
        let request = self.request;
        self.with_tenant(one, network, sofar, |tenant| match request.kind {
            Kind::Lx => lx_attributes(&request.kernel.clone().unwrap_or_default(), tenant.domain, tenant.servers),
            Kind::Bhyve if request.brand_makes_seed() => cloud_init::attributes(&tenant.guest("", &[])),
            _ => Vec::new(),
        })
    }

    fn files(&self, one: &One, network: &net::Plan, sofar: &Sofar) -> Files {
        if self.request.cloud_init_iso {
            return Files::Of(Vec::new());
        }
        if self.request.kind != Kind::Router {
            return Files::Of(self.with_tenant(one, network, sofar, zone_files));
        }
        Files::Router(Box::new(NewRouter {
            router: Router::Zone(one.name.clone()),
            segments: network.segments.clone(),
            attachments: network.attachments.clone(),
            forwarders: host_servers(),
        }))
    }

    fn installation(&self, one: &One, plan: &mut ZonePlan, files: Files) {
        let request = self.request;
        plan.steps.push(Step::Install {
            zone: one.name.clone(),
            zonepath: plan.zonepath.clone(),
            arguments: self.install_arguments(),
        });
        plan.steps.push(Step::Inside {
            zone: one.name.clone(),
            kind: request.kind,
            zonepath: plan.zonepath.clone(),
            files,
            edits: self.edits(),
        });
        for asked in &request.konfigure {
            plan.steps.push(Step::Konfigure { zone: one.name.clone(), request: asked.to_string() });
        }
    }

    /// The seed that the brand of a machine does not make.
    fn seed(&self, one: &One, plan: &ZonePlan, network: &net::Plan, sofar: &Sofar) -> Option<Step> {
        if !self.request.cloud_init_iso {
            return None;
        }
        let segments = network.attachments.iter().filter_map(|attachment| sofar.segment(attachment.segment()?));
        let facts = self.with_tenant(one, network, sofar, |tenant| GuestFacts {
            zone: one.name.clone(),
            attachments: network.attachments.clone(),
            segments: segments.cloned().collect(),
            servers: tenant.servers.to_vec(),
            domain: tenant.domain.cloned(),
            keys: tenant.settings.keys.clone(),
            password: tenant.settings.password.clone(),
        });
        Some(Step::Seed {
            zone: one.name.clone(),
            kind: plan.kind,
            zonepath: plan.zonepath.clone(),
            command: image::command(self.state, &one.name),
            facts: Box::new(facts),
        })
    }

    fn install_arguments(&self) -> Vec<String> {
        let request = self.request;
        let mut arguments = self.found.router_packages.clone();
        let mut add = |flag: &str, value: &str| arguments.extend([flag.to_owned(), value.to_owned()]);
        request.overlays.iter().for_each(|name| add("-o", name.as_str()));
        request.add_overlays.iter().for_each(|name| add("-O", name.as_str()));
        request.packages.iter().for_each(|name| add("-p", name));
        request.add_packages.iter().for_each(|name| add("-P", name));
        if let Some(template) = &self.found.template {
            add("-T", &template.to_string_lossy());
        }
        if let (FromImage::Flag(flags), Some(image)) = (request.kind.image(), &request.image) {
            arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
            arguments.push(image.to_string_lossy().into_owned());
        }
        arguments
    }

    fn edits(&self) -> Vec<Edit> {
        let kind = self.request.kind;
        let mut edits = Vec::new();
        if kind.is_illumos() {
            edits.extend(host_file("etc/default/init"));
        }
        let account = |account: &Account| Edit::Account { account: account.clone(), role: kind != Kind::Lx };
        edits.extend(self.found.accounts.iter().map(account));
        let keys = &self.found.settings.keys;
        if !keys.is_empty() && kind.is_illumos() {
            edits.push(Edit::RootKeys { keys: cloud_init::authorized_keys(keys) });
        }
        if self.request.blank {
            edits.push(Edit::Blank);
        }
        edits
    }
}

/// What is shared with a zone has to lie where it is said to.
fn without_links(data: &Path, directory: &Path) -> Result<(), ZoneError> {
    let is_link = |way: &&Path| std::fs::symlink_metadata(way).is_ok_and(|found| found.is_symlink());
    let ways = directory.ancestors().take_while(|way| *way != data);
    let Some(link) = ways.filter(is_link).last() else { return Ok(()) };
    let problem = "is a symbolic link, as an earlier zone may have left it; see what it is, and remove it";
    Err(ZoneError::Refused(format!("{}: {problem}", link.display())))
}

/// A file of the host that zones have the same.
fn host_file(path: &str) -> Option<Edit> {
    let bytes = std::fs::read(host::place(&format!("/{path}"))).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(Edit::Write { path: path.to_owned(), text, mode: 0o644 })
}

fn free_volume(parent: &str, zone: &ZoneName, taken: &[String]) -> Result<String, ZoneError> {
    for number in 0..1000 {
        let name = format!("{parent}/{zone}_bhvol{number}");
        if !taken.contains(&name) && host::zfs::Datasets::only(&name)?.is_none() {
            return Ok(name);
        }
    }
    Err(ZoneError::Refused(format!("`{parent}` has no free name for a volume of zone `{zone}`")))
}
