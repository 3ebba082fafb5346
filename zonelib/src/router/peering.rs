//! Zones beside zones: what is behind one router reaches what is behind another, and back, with its own addresses.
//!
//! Both routers get routes to each other's networks by their addresses on the network that they share outside, and leave
//! the addresses of each other's zones untranslated. A router of another host does its half there.

use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{LiveRouter, RouterError};
use crate::journal::{Failure, Journal, Recovered, StateDir, Subject};
use crate::net::address::overlap;
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
        let read = || {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut std::io::Read::take(std::fs::File::open(path)?, LIMIT), &mut text)?;
            Ok::<String, std::io::Error>(text)
        };
        let fail = |problem: String| PeeringError::Refused(format!("{}: {problem}", path.display()));
        let text = read().map_err(|error| fail(error.to_string()))?;
        let version: Result<Versioned, _> = serde_json::from_str(&text);
        match version {
            Ok(Versioned { version: 1 }) => {}
            Ok(Versioned { version }) => return Err(fail(format!("has form {version}; print it with this zonekit"))),
            Err(error) => return Err(fail(format!("is no description of a router: {error}"))),
        }
        let half: Self =
            serde_json::from_str(&text).map_err(|error| fail(format!("is no description of a router: {error}")))?;
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

/// What is done to a peering.
enum Verb {
    Begin(Peering),
    End(Peering),
}

/// Makes two routers of this host peers.
///
/// # Errors
/// [`PeeringError`]: nothing of it is left, unless it says so.
pub fn join((one, other): (&str, &str), state: &StateDir, recovered: &dyn Fn(&Recovered)) -> Result<(), PeeringError> {
    operate(state, one, recovered, |view, _| {
        let (near, far) = (Own::find(one, &view.segments)?, Own::find(other, &view.segments)?);
        if one == other {
            return refused(format!("`{one}` cannot be its own peer"));
        }
        check(&near, &Half::of(other, &view.segments)?)?;
        Ok(Verb::Begin(Peering { one: near.router.clone(), other: Peer::Here(far.router.clone()) }))
    })
    .map(drop)
}

/// Makes a router of this host a peer of one of another host; its own half, for that host.
///
/// # Errors
/// As [`join`].
pub fn join_elsewhere(
    (one, far): (&str, &Half),
    state: &StateDir,
    recovered: &dyn Fn(&Recovered),
) -> Result<Half, PeeringError> {
    operate(state, one, recovered, |view, _| {
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
        Ok(Verb::Begin(Peering {
            one: near.router.clone(),
            other: Peer::Elsewhere { name: router, outside, networks },
        }))
    })
}

/// Makes two routers peers no more.
///
/// # Errors
/// As [`join`]; or they are none.
pub fn leave((one, other): (&str, &str), state: &StateDir, recovered: &dyn Fn(&Recovered)) -> Result<(), PeeringError> {
    let (first, second) = (one.min(other), one.max(other));
    operate(state, one, recovered, |_, store| match store.get::<Peering>(&Key::of(&[first, second]))? {
        Some(peering) => Ok(Verb::End(peering)),
        None => refused(format!("`{one}` and `{other}` are no peers; `net-list` names those that are")),
    })
    .map(drop)
}

/// The half of `one` afterwards.
fn operate(
    state: &StateDir,
    one: &str,
    recovered: &dyn Fn(&Recovered),
    decide: impl FnOnce(&View, &dyn Store) -> Result<Verb, PeeringError>,
) -> Result<Half, PeeringError> {
    let store = Directory::new(state);
    let subject = match one.parse() {
        Ok(zone) => Subject::Whole(zone),
        Err(_) if one == Router::Global.zone_name() => Subject::Global,
        Err(error) => return refused(error.to_string()),
    };
    let done = Journal::during(state, &subject, ("net-peer", false), recovered, |journal| {
        let _names = Names::hold(&store)?;
        let view = View::take(&store)?;
        let verb = decide(&view, &store)?;
        let (step, peering) = match verb {
            Verb::Begin(peering) if store.get::<Peering>(&peering.key())?.is_some() => {
                return refused(format!(
                    "`{}` and `{}` are peers already",
                    peering.one.zone_name(),
                    peering.other.name()
                ));
            }
            Verb::Begin(peering) => {
                // One that is not there could not be told.
                sides(&peering).try_for_each(|router| LiveRouter::find(router, state)?.close())?;
                (Step::remember(Remembered::Peering(peering.clone())), peering)
            }
            Verb::End(peering) => (Step::forget::<Peering>(&peering.key()), peering),
        };
        crate::net::apply(&[step], journal, &store, &mut |_| {})?;
        refresh(&peering, state, &store, journal)?;
        Half::of(one, &view.segments)
    });
    done.map_err(|failure| match failure {
        Failure::Undone(error) => error,
        failure => PeeringError::Failed(Box::new(failure)),
    })
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
