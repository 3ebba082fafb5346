//! The network part alone, for zones that other tools have made: links, records, the zone's configuration, its files,
//! and what its router has to know.

use std::cell::Cell;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::Serialize;

use crate::config::{ConfigError, IpType, NetResourceChange, Network, ZoneConfig, ZoneName, file};
use crate::journal::{Failure, Journal, Recovered, RootOf, StateDir, Subject, Undo};
use crate::net::inside::{self, Brand, Content, InsideError, Settings, Tenant, ZoneFile};
use crate::net::{self, Attachment, Ingress, LinkName, Names, Removed, Router, Step, View, Wanted};
use crate::router::{LiveRouter, RouterError, RouterRecords};
use crate::store::{Directory, Records, Store};

use super::ZoneError;
use super::check::only_global;
use super::error::go_on;
use super::step::indexed;
use super::wiring::{Behind, bring_up_to_date, left_to_know};

/// Brands whose zones configure their interfaces by files of illumos.
const WITH_FILES: [&str; 7] = ["sparse-root", "whole-root", "alien-root", "ipkg", "lipkg", "sparse", "illumos"];
/// What begins the names of the files that an interface has.
const INTERFACE_FILES: [&str; 4] = ["etc/hostname", "etc/defaultrouter", ROUTES, "etc/inet/ndpd.conf"];
/// The file of routes.
const ROUTES: &str = "etc/inet/static_routes";

/// What is said to the zone's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configuring {
    /// All of it, by zonecfg(8).
    Done,
    /// Nothing: somebody else does it, or makes the zone first.
    Left,
}

/// What is done, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Wiring {
    /// Steps on the host, in order.
    pub steps: Vec<Step>,
    /// What the configuration of the zone needs, for zonecfg(8); empty when it is among the steps.
    pub zonecfg: Vec<String>,
    /// What becomes of files of the zone, such as `write /etc/hostname.znic0`.
    pub files: Vec<String>,
    /// Routers that are told.
    pub routers: Vec<String>,
    /// What people should know.
    pub notes: Vec<String>,
}

impl Wiring {
    /// What people check: every command, every file.
    #[must_use]
    pub fn text(&self) -> String {
        let steps = self.steps.iter().map(|step| match step.command_line() {
            Some(line) => format!("{line}\n"),
            None => format!("# {}\n", step.describe()),
        });
        let routers = self.routers.iter().map(|router| format!("# tell router `{router}`\n"));
        let files = self.files.iter().map(|file| format!("# {file} in the zone\n"));
        let zonecfg = self.zonecfg.iter().map(|line| format!("# to zonecfg: {line}\n"));
        steps.chain(zonecfg).chain(routers).chain(files).collect()
    }

    /// What the configuration of the zone needs, a command a line, for `zonecfg -f`.
    #[must_use]
    pub fn zonecfg_text(&self) -> String {
        self.zonecfg.iter().flat_map(|line| line.split("; ")).map(|line| format!("{line}\n")).collect()
    }
}

/// A zone, and networks that it is to be on.
#[derive(Clone, Debug)]
pub struct Attach {
    /// What is wanted.
    pub wanted: Wanted,
    /// What becomes of the configuration.
    pub configuring: Configuring,
}

/// A zone, and networks that it is to leave.
#[derive(Clone, Debug)]
pub struct Detach {
    /// The zone.
    pub zone: ZoneName,
    /// The address that goes; `None`: all, and the segments that it routes.
    pub address: Option<IpAddr>,
}

/// What is found out before.
struct Found {
    config: Option<ZoneConfig>,
    root: Option<RootOf>,
    running: bool,
}

impl Found {
    fn look(zone: &ZoneName) -> Result<Self, ZoneError> {
        let config = match ZoneConfig::read(&file(zone)) {
            Ok(config) => Some(config),
            Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let indexed = indexed(zone)?.filter(|found| found.state == "installed" && config.is_some());
        let brand = config.as_ref().and_then(|config| config.brand.as_ref());
        let has_files = brand.is_some_and(|brand| WITH_FILES.contains(&brand.to_string().as_str()));
        let zones = if indexed.is_some() { crate::config::zones("/".as_ref()) } else { Ok(Vec::new()) };
        let zones = zones.map_err(|error| ZoneError::Refused(error.to_string()))?;
        let running = zones.iter().any(|found| found.name == zone.as_str() && found.is_active());
        let root = |zonepath: PathBuf| RootOf::Zone { zone: zone.clone(), zonepath };
        let root = indexed.filter(|_| has_files).map(|found| root(found.zonepath));
        Ok(Self { config, root, running })
    }
}

impl Attach {
    /// What would be done; nothing is changed.
    ///
    /// # Errors
    /// [`ZoneError`]: what [`Attach::run`] would refuse.
    pub fn plan(&self, state: &StateDir) -> Result<Wiring, ZoneError> {
        only_global()?;
        let store = Directory::new(state);
        let found = Found::look(&self.wanted.zone)?;
        Ok(self.look(&found, &store, &mut View::take(&store)?)?.wiring)
    }

    fn look(&self, found: &Found, store: &dyn Store, view: &mut View) -> Result<Prepared, ZoneError> {
        let zone = &self.wanted.zone;
        let plan = net::plan(&self.wanted, view)?;
        if plan.attachments.is_empty() {
            return Err(ZoneError::Refused("no address is given; --help tells how".to_owned()));
        }
        let mut wiring = Wiring { steps: plan.steps.clone(), notes: plan.notes.clone(), ..Wiring::default() };
        let changes = self.configuration(found, &plan)?;
        match self.configuring {
            Configuring::Left => wiring.zonecfg = changes.iter().map(NetResourceChange::text).collect(),
            Configuring::Done => wiring.steps.extend(changes.into_iter().map(|change| Step::Zonecfg { change })),
        }
        let behind = Behind::all(zone, &plan.attachments, |name| view.segment(name));
        wiring.routers = behind.iter().map(|behind| behind.router.zone_name().to_owned()).collect();
        let mut own: Vec<Attachment> = existing(zone, view, store)?;
        own.extend(plan.attachments);
        let mut files = if found.root.is_some() { interface_files(zone, &own, &[]) } else { Vec::new() };
        let updated: Vec<Router> = itself(zone, view, &mut files).into_iter().collect();
        wiring.routers.extend(updated.iter().map(|router| router.zone_name().to_owned()));
        wiring.files = shown(&files, &[]);
        if found.running {
            wiring.notes.push(format!("zone `{zone}` runs, and will have it when it boots next"));
        }
        Ok(Prepared { wiring, behind, files, updated })
    }

    fn configuration(&self, found: &Found, plan: &net::Plan) -> Result<Vec<NetResourceChange>, ZoneError> {
        let zone = &self.wanted.zone;
        let Some(ip_type) = plan.ip_type else { return Ok(Vec::new()) };
        let before = match &found.config {
            Some(config) => config.ip_type,
            None if self.configuring == Configuring::Left => IpType::Shared,
            None => {
                let text = format!(
                    "there is no zone `{zone}`; make it first, or use --print for what its configuration needs"
                );
                return Err(ZoneError::Refused(text));
            }
        };
        let networks = found.config.as_ref().map_or(0, |config| config.networks.len());
        if before != ip_type && networks > 0 {
            let (has, needs) = match ip_type {
                IpType::Exclusive => ("addresses on the global zone's stack", "-i"),
                IpType::Shared => ("a stack of its own", "-x"),
            };
            return Err(ZoneError::Refused(format!(
                "zone `{zone}` has {has}, and cannot have both; use {needs}, or take its networks away first"
            )));
        }
        let set = NetResourceChange::SetIpType { zone: zone.clone(), ip_type, before };
        let add = |network: &Network| NetResourceChange::AddNet { zone: zone.clone(), network: network.clone() };
        let set = (before != ip_type).then_some(set);
        Ok(set.into_iter().chain(plan.resources.iter().map(add)).collect())
    }

    /// Does it, all or nothing. `tell` is told each step, and `recovered` what a killed operation had left.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub fn run(
        &self,
        state: &StateDir,
        tell: &dyn Fn(&str),
        recovered: &dyn Fn(&Recovered),
    ) -> Result<Wiring, ZoneError> {
        only_global()?;
        let store = Directory::new(state);
        let subject = Subject::Whole(self.wanted.zone.clone());
        let begun = Cell::new(false);
        let done = Journal::during(state, &subject, ("net-attach", false), recovered, |journal| {
            let names = Names::hold(&store)?;
            let found = Found::look(&self.wanted.zone)?;
            let prepared = self.look(&found, &store, &mut View::take(&store)?)?;
            begun.set(true);
            net::apply(&prepared.wiring.steps, journal, &store, &mut |step| tell(&step.describe()))?;
            prepared.finish(&found, (state, &store), journal, tell)?;
            prepared.update((state, &store), journal, tell)?;
            drop(names);
            Ok::<Wiring, ZoneError>(prepared.wiring)
        });
        done.map_err(|failure| refused_or_undone(failure, begun.get()))
    }
}

/// All that is to be done.
struct Prepared {
    wiring: Wiring,
    behind: Vec<Behind>,
    files: Vec<ZoneFile>,
    /// Routers that have more to be told than where the zone is.
    updated: Vec<Router>,
}

impl Prepared {
    /// What is not on the host's own network: routers and the zone's files.
    fn finish(
        &self,
        found: &Found,
        (state, store): (&StateDir, &dyn Store),
        journal: &mut Journal,
        tell: &dyn Fn(&str),
    ) -> Result<(), ZoneError> {
        for behind in &self.behind {
            go_on()?;
            tell(&format!("tell router `{}`", behind.router.zone_name()));
            let router = LiveRouter::find(&behind.router, state)?;
            router.admit(&behind.zone, store, journal)?;
            router.close()?;
        }
        write_files(found, state, &self.files, journal, tell)
    }

    /// What routers have to know besides.
    fn update(
        &self,
        (state, store): (&StateDir, &dyn Store),
        journal: &mut Journal,
        tell: &dyn Fn(&str),
    ) -> Result<(), ZoneError> {
        for router in &self.updated {
            go_on()?;
            tell(&format!("bring router `{}` up to date", router.zone_name()));
            bring_up_to_date(router, state, store, journal)?;
        }
        Ok(())
    }
}

impl Detach {
    /// What would be done; nothing is changed.
    ///
    /// # Errors
    /// [`ZoneError`]: what [`Detach::run`] would refuse.
    pub fn plan(&self, state: &StateDir) -> Result<Wiring, ZoneError> {
        only_global()?;
        let store = Directory::new(state);
        Ok(self.look(&Found::look(&self.zone)?, &store, &View::take(&store)?)?.wiring)
    }

    fn look(&self, found: &Found, store: &dyn Store, view: &View) -> Result<Prepared, ZoneError> {
        let zone = &self.zone;
        let mut removed = match self.address {
            Some(address) => net::detach_address(zone, address, view, store)?,
            None => net::detach(zone, view, store)?,
        };
        if found.running {
            return Err(ZoneError::Refused(format!("zone `{zone}` runs, and has its links; halt it first")));
        }
        if let Some(config) = &found.config {
            removed.unconfigure(zone, config);
        }
        let behind = Behind::all(zone, &removed.attachments, |name| view.segment(name));
        let mut updated = self.updated(&removed, &behind, store)?;
        let Removed { steps, attachments, notes, .. } = removed;
        let routers = behind.iter().map(|behind| behind.router.zone_name().to_owned()).collect();
        let is_left = |one: &Attachment| !attachments.contains(one);
        let all = existing(zone, view, store)?;
        let own: Vec<Attachment> = all.iter().filter(|one| is_left(one)).cloned().collect();
        let gone: Vec<LinkName> = attachments.iter().map(|one| one.link.clone()).collect();
        let mut files = if found.root.is_some() { interface_files(zone, &own, &gone) } else { Vec::new() };
        if found.root.is_some() {
            files.extend(lost_route(&interface_files(zone, &all, &[]), &files));
        }
        updated.extend(itself(zone, view, &mut files).filter(|router| !updated.contains(router)));
        let names = shown(&files, &gone);
        let wiring = Wiring { steps, files: names, routers, notes, ..Wiring::default() };
        Ok(Prepared { wiring, behind, files, updated })
    }

    /// Does it, all or nothing. `tell` is told each step, and `recovered` what a killed operation had left.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub fn run(
        &self,
        state: &StateDir,
        tell: &dyn Fn(&str),
        recovered: &dyn Fn(&Recovered),
    ) -> Result<Wiring, ZoneError> {
        only_global()?;
        let store = Directory::new(state);
        let subject = Subject::Whole(self.zone.clone());
        let begun = Cell::new(false);
        let done = Journal::during(state, &subject, ("net-detach", false), recovered, |journal| {
            let names = Names::hold(&store)?;
            let found = Found::look(&self.zone)?;
            let prepared = self.look(&found, &store, &View::take(&store)?)?;
            if prepared.wiring.steps.is_empty() {
                return Err(ZoneError::Refused(format!("zone `{}` is on no network that zonekit knows", self.zone)));
            }
            begun.set(true);
            net::apply(&prepared.wiring.steps, journal, &store, &mut |step| tell(&step.describe()))?;
            write_files(&found, state, &prepared.files, journal, tell)?;
            for behind in &prepared.behind {
                tell(&format!("have router `{}` forget the zone", behind.router.zone_name()));
                self.forget(behind, state, &store, journal)?;
            }
            prepared.update((state, &store), journal, tell)?;
            drop(names);
            Ok::<Wiring, ZoneError>(prepared.wiring)
        });
        done.map_err(|failure| refused_or_undone(failure, begun.get()))
    }
}

impl Detach {
    /// Routers that more changes for than where the zone is. The zone itself stays: one that was a router is none then.
    fn updated(&self, removed: &Removed, behind: &[Behind], store: &dyn Store) -> Result<Vec<Router>, ZoneError> {
        let mut routers = left_to_know(removed, behind);
        // A way in to the zone may lead to the address that goes.
        let ways: Vec<Ingress> = store.list()?;
        routers.extend(ways.into_iter().filter(|way| way.zone == self.zone).map(|way| way.router));
        let own = removed.segments.iter().map(|segment| segment.router.clone());
        routers.extend(own.filter(|router| !matches!(router, Router::Proxy(_))));
        routers.sort();
        routers.dedup();
        Ok(routers)
    }

    /// What is left of the zone behind the router, after one of several attachments has gone, stays.
    fn forget(
        &self,
        behind: &Behind,
        state: &StateDir,
        store: &dyn Store,
        journal: &mut Journal,
    ) -> Result<(), ZoneError> {
        let router = match LiveRouter::find(&behind.router, state) {
            // What has gone has forgotten it.
            Err(RouterError::NotInstalled(_)) => return Ok(()),
            router => router?,
        };
        let rest = RouterRecords::read_for(&behind.router, &self.zone, store)?;
        match rest.attachments.iter().any(|one| one.zone == self.zone) {
            true => router.admit(&self.zone, store, journal)?,
            false => router.dismiss(&self.zone, journal)?,
        };
        Ok(router.close()?)
    }
}

/// Of what was refused before anything was begun nothing had to be undone.
fn refused_or_undone(failure: Failure<ZoneError>, begun: bool) -> ZoneError {
    match failure {
        Failure::Undone(error) if !begun => error,
        failure => failure.into(),
    }
}

/// The attachments that a zone has.
fn existing(zone: &ZoneName, view: &View, store: &dyn Store) -> Result<Vec<Attachment>, ZoneError> {
    let mut found = Vec::new();
    for key in view.attachments_of(zone) {
        found.extend(store.get::<Attachment>(key)?);
    }
    Ok(found)
}

/// The files by which a zone configures its interfaces; what else is in it is the business of whoever made it.
fn interface_files(zone: &ZoneName, attachments: &[Attachment], gone: &[LinkName]) -> Vec<ZoneFile> {
    let attachments: Vec<&Attachment> = attachments.iter().collect();
    let settings = Settings::default();
    let tenant = Tenant {
        zone,
        brand: Brand::Illumos,
        attachments: &attachments,
        gone,
        domain: None,
        servers: &[],
        settings: &settings,
    };
    let ours = |file: &ZoneFile| INTERFACE_FILES.iter().any(|begin| file.path.starts_with(begin));
    inside::zone_files(&tenant).into_iter().filter(ours).collect()
}

/// The zone itself, when it is a router: its rules are for all its interfaces. It writes its routes itself then.
fn itself(zone: &ZoneName, view: &View, files: &mut Vec<ZoneFile>) -> Option<Router> {
    let router = view.routed_by(zone).map(|segment| &segment.router).find(|router| matches!(router, Router::Zone(_)));
    if router.is_some() {
        files.retain(|file| file.path != ROUTES);
    }
    router.cloned()
}

/// The default route that a zone has no longer, unless somebody has written another one.
fn lost_route(before: &[ZoneFile], after: &[ZoneFile]) -> Option<ZoneFile> {
    const FILE: &str = "etc/defaultrouter";
    let of = |files: &[ZoneFile]| files.iter().find(|file| file.path == FILE).map(|file| file.content.clone());
    match (of(before), of(after)) {
        (Some(Content::Whole(text)), None) => Some(ZoneFile::new(FILE, Content::GoneIf(text))),
        _ => None,
    }
}

/// In words. Files that are not to be there are told of the interfaces that go alone.
fn shown(files: &[ZoneFile], gone: &[LinkName]) -> Vec<String> {
    let word = |file: &ZoneFile| match &file.content {
        Content::GoneIf(_) => Some(format!("remove /{}", file.path)),
        Content::Gone => {
            gone.iter().any(|link| file.path.ends_with(&format!(".{link}"))).then(|| format!("remove /{}", file.path))
        }
        Content::Block(lines) if lines.is_empty() => None,
        _ => Some(format!("write /{}", file.path)),
    };
    files.iter().filter_map(word).collect()
}

fn write_files(
    found: &Found,
    state: &StateDir,
    files: &[ZoneFile],
    journal: &mut Journal,
    tell: &dyn Fn(&str),
) -> Result<(), ZoneError> {
    let Some(root) = found.root.as_ref().filter(|_| !files.is_empty()) else { return Ok(()) };
    tell(&format!("write files of {}", root.called()));
    let place = |opened: NotWritten| match opened {
        NotWritten::Root(source) => ZoneError::Refused(format!("the root of {}: {source}", root.called())),
        NotWritten::File(error) => error.into(),
    };
    let before = root.within(state, |tree| Ok(inside::plan(tree, files)?)).map_err(place)?;
    for change in &before {
        let (path, before) = (change.path.clone(), change.saved());
        journal.step(Undo::ZoneFile { root: root.clone(), state: state.path().to_owned(), path, before })?;
    }
    root.within(state, |tree| Ok(inside::write(tree, files).map(drop)?)).map_err(place)
}

enum NotWritten {
    Root(std::io::Error),
    File(InsideError),
}

impl From<std::io::Error> for NotWritten {
    fn from(error: std::io::Error) -> Self {
        Self::Root(error)
    }
}

impl From<InsideError> for NotWritten {
    fn from(error: InsideError) -> Self {
        Self::File(error)
    }
}
