//! Routers of this host, as they are: their roots, and what makes a running one take a change.
//!
//! Files follow from the records of the store: whoever has changed a record has the router's files made again, and a
//! router that runs reads them without losing connections. A zone that comes or goes changes two files of its own.

pub mod global;
pub mod ingress;
pub mod peering;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::config::{self, ZoneName, ZonesError, zones};
use crate::host::{self, HostCommand, HostError, Reread, in_zone};
use crate::journal::{Journal, JournalError, RootOf, StateDir, Undo};
use crate::root::Tree;
use crate::storage::{OpenError, OpenRoot};
use crate::store::{Store, StoreError};

use crate::net::Router;
use crate::net::files::smf::HaproxyPlace;
use crate::net::files::{RoutingError, block, dnsmasq, haproxy};
use crate::net::inside::{
    Change, InsideError, RouterTraits, Settings, ZoneFile, fragments, fragments_gone, ingress_files, maps, plan,
    router_files, router_gone, rules_files, stale_leases, write,
};

pub use records::{RouterRecords, host_servers};

/// Why a router has not taken a change. Its files are as before, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// There is no such zone, or it has no root yet.
    #[error("router {0} is not installed")]
    NotInstalled(String),
    /// Its root cannot be opened.
    #[error("{}: {source}", path.display())]
    Root {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The zones are not known.
    #[error(transparent)]
    Zones(#[from] ZonesError),
    /// The records are not known.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files cannot be.
    #[error("router {router}: {source}")]
    Inside {
        /// The router.
        router: String,
        /// Why.
        source: InsideError,
    },
    /// The records do not go together.
    #[error(transparent)]
    Routing(#[from] RoutingError),
    /// It does not take a file.
    #[error("router {router} does not take {what}: {source}")]
    Refused {
        /// The router.
        router: String,
        /// What was to be read.
        what: String,
        /// Why.
        source: HostError,
    },
    /// Its root cannot be opened, or not be closed again.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be written how to take the change back, and so it was not made.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Somebody interrupted.
    #[error("interrupted")]
    Interrupted,
    /// Somebody who may not.
    #[error("only root can change routers; run it as root")]
    NotRoot,
}

/// Refuses who may not change routers, before anything is begun.
fn only_root() -> Result<(), RouterError> {
    if host::is_root() { Ok(()) } else { Err(RouterError::NotRoot) }
}

/// A router of this host.
#[derive(Debug)]
pub struct LiveRouter {
    router: Router,
    root: Root,
    place: RootOf,
    state: StateDir,
    running: bool,
}

#[derive(Debug)]
enum Root {
    Plain(Tree),
    /// Mounted only while it is open.
    Opened(OpenRoot),
}

impl LiveRouter {
    /// Finds a router, and whether it runs. The root of one that does not run may have to be mounted: close it.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn find(router: &Router, state: &StateDir) -> Result<Self, RouterError> {
        let Some(zone) = router.zone() else {
            let path = host::place("/");
            let tree = Tree::open(&path).map_err(|source| RouterError::Root { path, source })?;
            let (root, place) = (Root::Plain(tree), RootOf::Global);
            return Ok(Self { router: router.clone(), root, place, state: state.clone(), running: true });
        };
        let found = zones(Path::new("/"))?.into_iter().find(|found| found.name == zone.as_str());
        let found = found.filter(config::Zone::is_installed);
        let found = found.ok_or_else(|| RouterError::NotInstalled(zone.to_string()))?;
        let root = Root::Opened(OpenRoot::open(state, zone, &found.zonepath, None, false)?);
        let place = RootOf::Zone { zone: zone.clone(), zonepath: found.zonepath };
        Ok(Self { router: router.clone(), root, place, state: state.clone(), running: found.state == "running" })
    }

    /// Closes its root.
    ///
    /// # Errors
    /// [`RouterError::Open`]: it is busy, and is unmounted later.
    pub fn close(self) -> Result<(), RouterError> {
        match self.root {
            Root::Plain(_) => Ok(()),
            Root::Opened(root) => Ok(root.close()?),
        }
    }

    /// Whether it runs, and takes changes at once.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running
    }

    fn tree(&self) -> &Tree {
        match &self.root {
            Root::Plain(tree) => tree,
            Root::Opened(root) => root.tree(),
        }
    }

    fn zone(&self) -> Option<&str> {
        self.router.zone().map(ZoneName::as_str)
    }

    fn inside(&self) -> impl Fn(InsideError) -> RouterError + '_ {
        |source| RouterError::Inside { router: self.router.zone_name().to_owned(), source }
    }

    /// What is found in it.
    ///
    /// # Errors
    /// [`RouterError::Root`].
    pub fn traits(&self) -> Result<RouterTraits, RouterError> {
        let fail = |source| RouterError::Root { path: self.tree().path().to_owned(), source };
        RouterTraits::of(self.tree()).map_err(fail)
    }

    /// Writes files, and has them read if it runs: each is looked at before any is read. How all that is taken back is in
    /// the journal before; whoever began that ends it, when this has failed too.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn bring(&self, files: &[ZoneFile], journal: &mut Journal) -> Result<Vec<Change>, RouterError> {
        let changes = plan(self.tree(), files).map_err(self.inside())?;
        let again = if self.running { rereads(&changes) } else { Vec::new() };
        self.write_down(&changes, !again.is_empty(), journal)?;
        let changes = write(self.tree(), files).map_err(self.inside())?;
        for reread in &again {
            reread.check(self.zone()).map_err(|source| self.refused(reread.describe(), source))?;
        }
        for reread in &again {
            if host::interrupted() {
                return Err(RouterError::Interrupted);
            }
            reread.run(self.zone()).map_err(|source| self.refused(reread.describe(), source))?;
        }
        Ok(changes)
    }

    /// Undone from the last to the first: all files are as they were before they are read again.
    fn write_down(&self, changes: &[Change], runs: bool, journal: &mut Journal) -> Result<(), RouterError> {
        if runs {
            let reversed: Vec<Change> = changes.iter().map(Change::reversed).collect();
            for what in rereads(&reversed).into_iter().rev() {
                journal.step(Undo::Reread { zone: self.zone().map(str::to_owned), what })?;
            }
        }
        let mut known = BTreeSet::new();
        for change in changes {
            let (root, state) = (self.place.clone(), self.state.path().to_owned());
            let folders = change.new_folders(self.tree()).map_err(self.inside())?;
            for path in folders.into_iter().filter(|path| known.insert(path.clone())) {
                journal.step(Undo::ZoneFolder { root: root.clone(), state: state.clone(), path })?;
            }
            journal.step(Undo::ZoneFile { root, state, path: change.path.clone(), before: change.saved() })?;
        }
        Ok(())
    }

    fn refused(&self, what: String, source: HostError) -> RouterError {
        RouterError::Refused { router: self.router.zone_name().to_owned(), what, source }
    }

    /// Lets a zone in: its addresses and names, and what was opened to it.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn admit(&self, zone: &ZoneName, store: &dyn Store, journal: &mut Journal) -> Result<Vec<Change>, RouterError> {
        let records = RouterRecords::read_for(&self.router, zone, store)?;
        let mut files = fragments(&records.routing(), zone, &stale_leases(self.tree()));
        if records.has_openings(zone) {
            files.extend(rules_files(&RouterRecords::read(&self.router, store)?.routing())?);
        }
        self.bring(&files, journal)
    }

    /// Forgets where a zone was.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn dismiss(&self, zone: &ZoneName, journal: &mut Journal) -> Result<Vec<Change>, RouterError> {
        self.bring(&fragments_gone(zone), journal)
    }

    /// Makes all files as the records want them.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn refresh(&self, store: &dyn Store, journal: &mut Journal) -> Result<Vec<Change>, RouterError> {
        self.bring(&self.all_files(&RouterRecords::read(&self.router, store)?)?, journal)
    }

    fn all_files(&self, records: &RouterRecords) -> Result<Vec<ZoneFile>, RouterError> {
        if records.segments.is_empty() {
            return Ok(router_gone(&self.router, &maps(self.tree()).map_err(self.inside())?));
        }
        Ok(router_files(&records.routing(), &records.own(), &self.traits()?, &Settings::default())?)
    }

    /// What would change if the records were these, and what a router that runs would do about it: command lines.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn plan_refresh(&self, records: &RouterRecords) -> Result<(Vec<Change>, Vec<String>), RouterError> {
        self.with_commands(&self.all_files(records)?)
    }

    /// The same, if the ways in were these. A router that runs has its own haproxy look at them first.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn plan_ingresses(&self, records: &RouterRecords) -> Result<(Vec<Change>, Vec<String>), RouterError> {
        let (changes, mut lines) = self.with_commands(&self.files_for_ingresses(records)?)?;
        if let Some(place) = self.checks_ingresses(records)? {
            lines.insert(0, self.check_of_ingresses(place).line());
        }
        Ok((changes, lines))
    }

    fn with_commands(&self, files: &[ZoneFile]) -> Result<(Vec<Change>, Vec<String>), RouterError> {
        let changes = plan(self.tree(), files).map_err(self.inside())?;
        let mut lines = Vec::new();
        for reread in rereads(&changes).into_iter().filter(|_| self.running) {
            let commands = reread.commands(self.zone()).map_err(|source| self.refused(reread.describe(), source))?;
            lines.extend(commands.iter().map(HostCommand::line));
        }
        Ok((changes, lines))
    }

    fn checks_ingresses(&self, records: &RouterRecords) -> Result<Option<HaproxyPlace>, RouterError> {
        Ok(self.traits()?.haproxy.filter(|_| self.running && !records.ingresses.is_empty()))
    }

    fn check_of_ingresses(&self, place: HaproxyPlace) -> HostCommand {
        let config = format!("/{}/{}{}", haproxy::FOLDER, haproxy::CHECKED, haproxy::CONFIG);
        in_zone(self.zone(), place.path(), &["-c", "-q", "-f", &config])
    }

    fn files_for_ingresses(&self, records: &RouterRecords) -> Result<Vec<ZoneFile>, RouterError> {
        let routing = records.routing();
        let maps = maps(self.tree()).map_err(self.inside())?;
        if records.segments.is_empty() {
            return Ok(router_gone(&self.router, &maps));
        }
        let mut files = ingress_files(&routing, &self.traits()?, &maps)?;
        // The filter has to let them in.
        files.extend(rules_files(&routing)?);
        Ok(files)
    }

    /// Has the ways in that the records tell of. A running router checks them before they take the place of those
    /// that it has.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn set_ingresses(&self, store: &dyn Store, journal: &mut Journal) -> Result<Vec<Change>, RouterError> {
        let records = RouterRecords::read(&self.router, store)?;
        let files = self.files_for_ingresses(&records)?;
        if let Some(place) = self.checks_ingresses(&records)? {
            self.check_ingresses(haproxy::files(&records.routing(), haproxy::CHECKED)?, place, journal)?;
        }
        self.bring(&files, journal)
    }

    /// Has the router's own haproxy, which will read them, look at files that lie beside those in use. One of the global
    /// zone may be another version; and the router's own program must not run outside of its zone.
    fn check_ingresses(
        &self,
        files: BTreeMap<String, String>,
        place: HaproxyPlace,
        journal: &mut Journal,
    ) -> Result<(), RouterError> {
        let path = |name: &str| format!("{}/{name}", haproxy::FOLDER);
        let gone: Vec<ZoneFile> = files.keys().map(|name| ZoneFile::gone(path(name))).collect();
        let files: Vec<ZoneFile> = files.into_iter().map(|(name, text)| ZoneFile::whole(path(&name), text)).collect();
        self.write_down(&plan(self.tree(), &files).map_err(self.inside())?, false, journal)?;
        write(self.tree(), &files).map_err(self.inside())?;
        let checked = self.check_of_ingresses(place).run();
        checked.map_err(|source| self.refused("the configuration of its ingress".to_owned(), source))?;
        write(self.tree(), &gone).map_err(self.inside())?;
        Ok(())
    }
}

/// What a running router has to read again.
fn rereads(changes: &[Change]) -> Vec<Reread> {
    let mut found = BTreeSet::new();
    for change in changes {
        let (folder, name) = change.path.rsplit_once('/').unwrap_or_default();
        found.extend(match (change.path.as_str(), folder) {
            (_, dnsmasq::HOSTS | dnsmasq::NAMES) => vec![Reread::Names],
            (dnsmasq::OWN | dnsmasq::MAIN, _) => vec![Reread::Dnsmasq],
            ("etc/ipf/ipnat.conf", _) => vec![Reread::Translation],
            ("etc/ipf/ipf.conf" | "etc/ipf/ipf6.conf", _) => vec![Reread::Filter],
            ("etc/inet/static_routes", _) => routes(change),
            (_, haproxy::FOLDER) if name == haproxy::CONFIG || change.after.is_some() => {
                vec![Reread::Ingress { runs: change.after.is_some() }]
            }
            // Nobody reads a map that goes alone any more, and the rest is read at boot only.
            _ => Vec::new(),
        });
    }
    if found.contains(&Reread::Dnsmasq) {
        found.remove(&Reread::Names);
    }
    if found.contains(&Reread::Ingress { runs: false }) {
        found.remove(&Reread::Ingress { runs: true });
    }
    found.into_iter().collect()
}

/// Whether a line has the form of ours: its root user may have written others between them.
fn is_route(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let words = words.strip_prefix(&["-inet6"]).unwrap_or(&words);
    let [destination, gateway] = words else { return false };
    (*destination == "default" || destination.parse::<IpNet>().is_ok()) && gateway.parse::<IpAddr>().is_ok()
}

/// Routes that came and went with the lines of ours.
fn routes(change: &Change) -> Vec<Reread> {
    let lines = |bytes: Option<&[u8]>| -> BTreeSet<String> {
        let ours = block::get(bytes.unwrap_or_default()).unwrap_or_default();
        String::from_utf8_lossy(ours).lines().filter(|line| is_route(line)).map(str::to_owned).collect()
    };
    let (before, after) = (lines(change.before()), lines(change.after.as_deref()));
    let gone = before.difference(&after).map(|words| Reread::DeleteRoute { words: words.clone() });
    gone.chain(after.difference(&before).map(|words| Reread::AddRoute { words: words.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::files::sample::{rich, simple};

    fn tree() -> (::tests::run::Scratch, Tree) {
        let scratch = ::tests::run::Scratch::new();
        let tree = Tree::open(scratch.path()).unwrap();
        (scratch, tree)
    }

    const TRAITS: RouterTraits = RouterTraits {
        dialect: dnsmasq::Dialect { account: false },
        haproxy: Some(HaproxyPlace::Usual),
        dnsmasq: true,
        filter: true,
    };

    #[test]
    fn only_what_changed_is_read_again() {
        let (_scratch, tree) = tree();
        let files = |sample: &crate::net::files::sample::Sample| {
            router_files(&sample.routing(), &[], &TRAITS, &Settings::default()).unwrap()
        };
        let mut sample = rich();
        write(&tree, &files(&sample)).unwrap();
        assert_eq!(rereads(&plan(&tree, &files(&sample)).unwrap()), []);
        // A zone that comes.
        let mut new = sample.attachments[0].clone();
        new.zone = "new".parse().unwrap();
        new.ipv4 = Some("10.1.0.9/16".parse().unwrap());
        sample.attachments.push(new);
        assert_eq!(rereads(&plan(&tree, &files(&sample)).unwrap()), [Reread::Names]);
        write(&tree, &files(&sample)).unwrap();
        // A peer that goes.
        sample.beside.remove(0);
        let words = "10.2.0.0/24 203.0.113.21".to_owned();
        let wanted = [Reread::Translation, Reread::Filter, Reread::DeleteRoute { words: words.clone() }];
        let changes = write(&tree, &files(&sample)).unwrap();
        assert_eq!(rereads(&changes), wanted);
        let reversed: Vec<Change> = changes.iter().map(Change::reversed).collect();
        assert_eq!(rereads(&reversed), [Reread::Translation, Reread::Filter, Reread::AddRoute { words }]);
        // Ways in.
        sample.ingresses.truncate(1);
        let maps = vec!["http-80.map".to_owned(), "tls-443.map".to_owned()];
        let changes = write(&tree, &ingress_files(&sample.routing(), &TRAITS, &maps).unwrap()).unwrap();
        assert_eq!(rereads(&changes), [Reread::Ingress { runs: true }]);
        sample.ingresses.clear();
        let changes = write(&tree, &ingress_files(&sample.routing(), &TRAITS, &maps).unwrap()).unwrap();
        assert_eq!(rereads(&changes), [Reread::Ingress { runs: false }]);
        // Lines between ours that are none of ours.
        assert!(is_route("-inet6 default fd00::1") && is_route("10.2.0.0/24 203.0.113.21"));
        for line in ["# the way to r2, joe", "10.2.0.0/24 -n", "-n default 1.2.3.4", "10.2.0.0/24 1.2.3.4 more", ""] {
            assert!(!is_route(line), "{line}");
        }
        // Another router.
        let changes = write(&tree, &files(&simple())).unwrap();
        assert!(rereads(&changes).contains(&Reread::Dnsmasq) && !rereads(&changes).contains(&Reread::Names));
    }
}
