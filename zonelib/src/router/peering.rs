//! Zones beside zones: what is behind one router reaches what is behind another, and back, with its own addresses.
//!
//! Both routers get routes to each other's networks by their addresses on the network that they share outside, and leave
//! the addresses of each other's zones untranslated. A router of another host does its half there.

use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{LiveRouter, RouterError, RouterRecords};
use crate::host;
use crate::journal::{Failure, Journal, Recovered, StateDir, Subject};
use crate::net::address::overlap;
use crate::net::inside::Change;
use crate::net::{ApplyError, Names, Outside, Peer, Peering, PlanError, Remembered, Router, Segment, Step, View};
use crate::store::{Directory, Key, Record, Records, Store, StoreError};

/// Bytes of the longest description of a router.
const LIMIT: u64 = 64 << 10;

/// A router as other hosts need to know it, in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Half {
    /// The form of the file.
    version: u32,
    /// What the router is called.
    pub router: String,
    /// Its addresses on the outside network.
    pub outside: Vec<IpAddr>,
    /// The networks behind it.
    pub networks: Vec<IpNet>,
}

/// Why there is no peering.
#[derive(Debug, thiserror::Error)]
pub enum PeeringError {
    /// It makes no sense.
    #[error("{0}")]
    Refused(String),
    /// The host and the records.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The records.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record could not be changed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A router has not taken it.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// It failed, and this is what became of it.
    #[error(transparent)]
    Failed(Box<Failure<PeeringError>>),
}

fn refused<T>(text: String) -> Result<T, PeeringError> {
    Err(PeeringError::Refused(text))
}

impl Half {
    /// A router of this host.
    ///
    /// # Errors
    /// It routes nothing, or has no address outside.
    pub fn of(router: &str, segments: &[Segment]) -> Result<Self, PeeringError> {
        let own = Own::find(router, segments)?;
        let networks = own.segments.iter().flat_map(|segment| segment.networks()).collect();
        Ok(Self { version: 1, router: router.to_owned(), outside: addresses(own.outside), networks })
    }

    /// Reads a file that another host has printed.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, PeeringError> {
        let fail = |problem: String| PeeringError::Refused(format!("{}: {problem}", path.display()));
        let read = std::fs::canonicalize(path).and_then(|path| host::read_small(&path, LIMIT));
        let text = read.map_err(|error| fail(error.to_string()))?;
        let version: Result<Versioned, _> = serde_json::from_slice(&text);
        match version {
            Ok(Versioned { version: 1 }) => {}
            Ok(Versioned { version }) => return Err(fail(format!("has form {version}; print it with this zonekit"))),
            Err(error) => return Err(fail(format!("is no description of a router: {error}"))),
        }
        let half: Self =
            serde_json::from_slice(&text).map_err(|error| fail(format!("is no description of a router: {error}")))?;
        if let Some(net) = half.networks.iter().find(|net| crate::net::address::network(&net.to_string()).is_err()) {
            return Err(fail(format!("`{net}` is no network for zones")));
        }
        if Key::of(&[&half.router]).as_str() != half.router || half.networks.is_empty() || half.outside.is_empty() {
            return Err(fail("has no name, no networks or no address outside".to_owned()));
        }
        Ok(half)
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// A router of this host, with what it routes.
struct Own<'s> {
    router: &'s Router,
    segments: Vec<&'s Segment>,
    outside: &'s Outside,
}

impl<'s> Own<'s> {
    fn find(name: &str, all: &'s [Segment]) -> Result<Self, PeeringError> {
        let segments: Vec<&Segment> = all.iter().filter(|segment| segment.router.zone_name() == name).collect();
        let Some(first) = segments.first() else {
            return refused(format!("`{name}` routes no segment of this host; `net-list` names the routers"));
        };
        if matches!(first.router, Router::Proxy(_)) {
            return refused(format!("`{name}` is kept by its administrator, who has to give it the routes by hand"));
        }
        match segments.iter().find_map(|segment| segment.outside.as_ref()) {
            Some(outside) => Ok(Self { router: &first.router, segments, outside }),
            None => refused(format!("router `{name}` has no address outside")),
        }
    }
}

fn addresses(outside: &Outside) -> Vec<IpAddr> {
    let ipv4 = outside.ipv4.map(|net| IpAddr::V4(net.addr()));
    ipv4.into_iter().chain(outside.ipv6.map(|net| IpAddr::V6(net.addr()))).collect()
}

/// Refuses two sides that share no network outside, or have addresses in common.
fn check(own: &Own<'_>, half: &Half) -> Result<(), PeeringError> {
    let near: Vec<IpNet> = own.outside.ipv4.map(IpNet::V4).into_iter().chain(own.outside.ipv6.map(IpNet::V6)).collect();
    let name = own.router.zone_name();
    if !half.outside.iter().any(|address| near.iter().any(|net| net.contains(address))) {
        return refused(format!("routers `{name}` and `{}` have no network in common outside", half.router));
    }
    for (segment, network) in own.segments.iter().flat_map(|one| one.networks().map(move |network| (one, network))) {
        if let Some(other) = half.networks.iter().find(|other| overlap(**other, network)) {
            return refused(format!(
                "{other} behind `{}` overlaps {network} of the segment `{}`",
                half.router, segment.name
            ));
        }
    }
    Ok(())
}

/// What a router of this host is to be to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A peer of this one, which is of this host too.
    Here(String),
    /// A peer of one of another host.
    Elsewhere(Half),
    /// A peer no more.
    NoMore(String),
}

/// A router of this host, and what is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The router: a zone, or `global`.
    pub router: String,
    /// What is wanted.
    pub wish: Wish,
}

/// What is done, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Joined {
    /// The peering.
    pub peering: Peering,
    /// Steps on the records.
    pub steps: Vec<Step>,
    /// What becomes of the routers of this host.
    pub routers: Vec<Told>,
    /// What the other host has to know of the router.
    pub half: Half,
}

/// What a router is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The router.
    pub router: String,
    /// It runs, and takes it at once.
    pub running: bool,
    /// What becomes of its files.
    pub files: Vec<Change>,
    /// What has it read them.
    pub commands: Vec<String>,
}

/// What is to be done to the records.
struct Decided {
    step: Step,
    peering: Peering,
    begins: bool,
}

impl Decided {
    /// The peerings, once it is done.
    fn assume(&self, peerings: &mut Vec<Peering>) {
        if self.begins {
            peerings.push(self.peering.clone());
        } else {
            peerings.retain(|other| other.key() != self.peering.key());
        }
    }

    fn joined(&self, state: &StateDir, store: &dyn Store, half: Half) -> Result<Joined, PeeringError> {
        let mut routers = Vec::new();
        for router in sides(&self.peering) {
            let live = match LiveRouter::find(router, state) {
                Err(RouterError::NotInstalled(_)) if !self.begins => continue,
                live => live?,
            };
            let records = RouterRecords::read_as_if(router, store, |peerings| self.assume(peerings))?;
            let (planned, running) = (live.plan_refresh(&records), live.is_running());
            live.close()?;
            let (files, commands) = planned?;
            routers.push(Told { router: router.zone_name().to_owned(), running, files, commands });
        }
        Ok(Joined { peering: self.peering.clone(), steps: vec![self.step.clone()], routers, half })
    }
}

impl Joined {
    /// What people check: every command, every file with what it will say.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text: String = self.steps.iter().map(|step| format!("# {}\n", step.describe())).collect();
        for told in &self.routers {
            for file in &told.files {
                let file = file.text(&format!("router `{}`", told.router));
                file.lines().for_each(|line| text.push_str(&format!("{}\n", format!("# {line}").trim_end())));
            }
            if !told.running {
                text.push_str(&format!("# router `{}` does not run, and reads this when it does\n", told.router));
            }
            told.commands.iter().for_each(|line| text.push_str(&format!("{line}\n")));
        }
        text
    }
}

impl Join {
    /// What would be done; nothing is changed.
    ///
    /// # Errors
    /// [`PeeringError`]: what [`Join::run`] would refuse.
    pub fn plan(&self, state: &StateDir) -> Result<Joined, PeeringError> {
        let store = Directory::new(state);
        let view = View::take(&store)?;
        self.decide(&view, &store)?.joined(state, &store, Half::of(&self.router, &view.segments)?)
    }

    /// Does it.
    ///
    /// # Errors
    /// [`PeeringError`]: nothing of it is left, unless it says so.
    pub fn run(&self, state: &StateDir, recovered: &dyn Fn(&Recovered)) -> Result<Joined, PeeringError> {
        let store = Directory::new(state);
        let one = self.router.as_str();
        let subject = match one.parse() {
            Ok(zone) => Subject::Whole(zone),
            Err(_) if one == Router::Global.zone_name() => Subject::Global,
            Err(error) => return refused(error.to_string()),
        };
        let done = Journal::during(state, &subject, ("net-peer", false), recovered, |journal| {
            let _names = Names::hold(&store)?;
            let view = View::take(&store)?;
            let decided = self.decide(&view, &store)?;
            // One that is not there could not be told.
            let joined = decided.joined(state, &store, Half::of(one, &view.segments)?)?;
            crate::net::apply(&joined.steps, journal, &store, &mut |_| {})?;
            refresh(&joined.peering, state, &store, journal)?;
            Ok(joined)
        });
        done.map_err(|failure| match failure {
            Failure::Undone(error) => error,
            failure => PeeringError::Failed(Box::new(failure)),
        })
    }

    fn decide(&self, view: &View, store: &dyn Store) -> Result<Decided, PeeringError> {
        let one = self.router.as_str();
        let peering = match &self.wish {
            Wish::NoMore(other) => {
                let key = Key::of(&[one.min(other), one.max(other)]);
                let Some(peering) = store.get::<Peering>(&key)? else {
                    return refused(format!("`{one}` and `{other}` are no peers; `net-list` names those that are"));
                };
                return Ok(Decided { step: Step::forget::<Peering>(&key), peering, begins: false });
            }
            Wish::Here(other) => here((one, other), view)?,
            Wish::Elsewhere(far) => elsewhere(one, far, view)?,
        };
        if store.get::<Peering>(&peering.key())?.is_some() {
            return refused(format!("`{one}` and `{}` are peers already", peering.other.name()));
        }
        Ok(Decided { step: Step::remember(Remembered::Peering(peering.clone())), peering, begins: true })
    }
}

/// Two routers of this host.
fn here((one, other): (&str, &str), view: &View) -> Result<Peering, PeeringError> {
    let (near, far) = (Own::find(one, &view.segments)?, Own::find(other, &view.segments)?);
    if one == other {
        return refused(format!("`{one}` cannot be its own peer"));
    }
    check(&near, &Half::of(other, &view.segments)?)?;
    Ok(Peering { one: near.router.clone(), other: Peer::Here(far.router.clone()) })
}

/// A router of this host, and one of another.
fn elsewhere(one: &str, far: &Half, view: &View) -> Result<Peering, PeeringError> {
    let near = Own::find(one, &view.segments)?;
    if view.segments.iter().any(|segment| segment.router.zone_name() == far.router) {
        return refused(format!("`{0}` is a router of this host too; give the other one another name", far.router));
    }
    for network in &far.networks {
        if let Some((other, whose)) = view.overlapping(*network) {
            return Err(PlanError::Overlap { network: *network, other, whose }.into());
        }
    }
    check(&near, far)?;
    let Half { router, outside, networks, .. } = far.clone();
    Ok(Peering { one: near.router.clone(), other: Peer::Elsewhere { name: router, outside, networks } })
}

/// The sides of a peering that are on this host.
fn sides(peering: &Peering) -> impl Iterator<Item = &Router> {
    let other = if let Peer::Here(router) = &peering.other { Some(router) } else { None };
    std::iter::once(&peering.one).chain(other)
}

/// Has the routers of a peering do as the records say. One that is gone has forgotten it.
///
/// # Errors
/// [`RouterError`].
fn refresh(peering: &Peering, state: &StateDir, store: &dyn Store, journal: &mut Journal) -> Result<(), RouterError> {
    for router in sides(peering) {
        let live = match LiveRouter::find(router, state) {
            Err(RouterError::NotInstalled(_)) => continue,
            live => live?,
        };
        live.refresh(store, journal)?;
        live.close()?;
    }
    Ok(())
}
