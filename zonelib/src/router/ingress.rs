//! Ways in: adding and removing them.

use crate::config::ZoneName;
use crate::host;
use crate::journal::{Failure, Journal, Recovered, StateDir, Subject};
use crate::net::inside::Change;
use crate::net::{Attachment, Domain, Ingress, IngressKind, IngressName, Names, Remembered, Router, Segment, Step};
use crate::store::{Directory, Record, Records, Store, StoreError};

use super::{LiveRouter, RouterError, RouterRecords};

/// A way in that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedIngress {
    /// What it is called.
    pub name: IngressName,
    /// How its connections are told from others.
    pub kind: IngressKind,
    /// The host name that is asked for.
    pub host: Option<Domain>,
    /// The router's port.
    pub port: u16,
    /// The zone.
    pub zone: ZoneName,
    /// The zone's port.
    pub zone_port: u16,
    /// The router; unless somebody says, the one that the zone is behind.
    pub router: Option<Router>,
}

/// A way in that was added or removed, or would be.
#[derive(Clone, Debug)]
pub struct Done {
    /// The way in.
    pub ingress: Ingress,
    /// What changed in the router.
    pub changes: Vec<Change>,
    /// Command lines by which a router that runs would check and read that.
    pub commands: Vec<String>,
    /// The router runs; otherwise nothing has looked at the files yet.
    pub running: bool,
}

/// Why a way in was not added or removed, and what became of the changes.
pub type Failed = Box<Failure<IngressError>>;

fn undone(error: IngressError) -> Failed {
    Box::new(Failure::Undone(error))
}

/// Why a way in was not added or removed.
#[derive(Debug, thiserror::Error)]
pub enum IngressError {
    /// The zone is not behind a router.
    #[error("zone `{0}` is behind no router of this host; `net-list` shows which zones are")]
    NoRouter(ZoneName),
    /// The zone is behind several.
    #[error("zone `{zone}` is behind routers {}; say which by --router", .routers.join(" and "))]
    Routers {
        /// The zone.
        zone: ZoneName,
        /// The routers.
        routers: Vec<String>,
    },
    /// The zone is not behind this one.
    #[error("zone `{zone}` is not behind router {router}")]
    NotBehind {
        /// The zone.
        zone: ZoneName,
        /// The router.
        router: String,
    },
    /// Its router is somebody else's work.
    #[error("router {0} is kept by its own administrator; only there can an ingress be made")]
    Proxy(String),
    /// There is one already.
    #[error("router {router} has an ingress `{name}` at port {port} already; remove that first")]
    Exists {
        /// The router.
        router: String,
        /// The name.
        name: IngressName,
        /// The port.
        port: u16,
    },
    /// There is none.
    #[error("there is no ingress `{0}`{1}; `ingress list` shows those that there are")]
    Unknown(IngressName, String),
    /// There are several.
    #[error("there are several ingresses `{name}`: {}; say which by port, or by --router", .which.join(", "))]
    Several {
        /// The name.
        name: IngressName,
        /// Routers and ports.
        which: Vec<String>,
    },
    /// The records are not known.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The router does not take it.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// It could not be written down.
    #[error(transparent)]
    Step(#[from] crate::net::ApplyError),
}

/// All ways in, by router, port and name.
///
/// # Errors
/// [`StoreError`].
pub fn list(state: &StateDir) -> Result<Vec<Ingress>, StoreError> {
    let mut all: Vec<Ingress> = Directory::new(state).list()?;
    all.sort_by(|one, other| (&one.router, one.port, &one.name).cmp(&(&other.router, other.port, &other.name)));
    Ok(all)
}

/// The router by which a zone is reached.
fn router_of(wanted: &WantedIngress, store: &dyn Store) -> Result<Router, IngressError> {
    let zone = &wanted.zone;
    let segments: Vec<Segment> = store.list()?;
    let mut routers: Vec<Router> = Vec::new();
    for key in store.keys(Attachment::KIND)? {
        if key.parts().next() != Some(zone.as_str()) {
            continue;
        }
        let Some(attachment) = store.get::<Attachment>(&key)?.filter(|attachment| !attachment.forwards) else {
            continue;
        };
        let segment = segments.iter().find(|segment| Some(&segment.name) == attachment.segment());
        routers.extend(segment.map(|segment| segment.router.clone()));
    }
    routers.sort_unstable();
    routers.dedup();
    let router = match (&wanted.router, &routers[..]) {
        (_, []) => return Err(IngressError::NoRouter(zone.clone())),
        (Some(asked), routers) => {
            let same = |router: &&Router| router.zone_name() == asked.zone_name();
            let not = || IngressError::NotBehind { zone: zone.clone(), router: asked.zone_name().to_owned() };
            routers.iter().find(same).ok_or_else(not)?
        }
        (None, [one]) => one,
        (None, several) => {
            let routers = several.iter().map(|router| router.zone_name().to_owned()).collect();
            return Err(IngressError::Routers { zone: zone.clone(), routers });
        }
    };
    match router {
        Router::Proxy(name) => Err(IngressError::Proxy(name.to_string())),
        router => Ok(router.clone()),
    }
}

/// Adds a way in: it is written down, and its router lets it in. With `dry` nothing is done.
///
/// # Errors
/// [`IngressError`]; everything is as before then.
pub fn add(
    wanted: &WantedIngress,
    state: &StateDir,
    dry: bool,
    recovered: impl FnOnce(&Recovered),
) -> Result<Done, Failed> {
    let store = Directory::new(state);
    let router = router_of(wanted, &store).map_err(undone)?;
    let ingress = Ingress {
        router: router.clone(),
        name: wanted.name.clone(),
        host: wanted.host.clone(),
        kind: wanted.kind,
        port: wanted.port,
        zone: wanted.zone.clone(),
        zone_port: wanted.zone_port,
    };
    let step = Step::remember(Remembered::Ingress(ingress.clone()));
    let preview = |records: &mut RouterRecords| records.ingresses.push(ingress.clone());
    let there = |store: &Directory| match store.get::<Ingress>(&ingress.key())? {
        None => Ok(()),
        Some(_) => Err(IngressError::Exists {
            router: router.zone_name().to_owned(),
            name: ingress.name.clone(),
            port: ingress.port,
        }),
    };
    change(&ingress, &step, (state, &store), dry, preview, there, recovered)
}

/// Removes a way in, named by its name and, where that is not enough, by port or router.
///
/// # Errors
/// [`IngressError`]; everything is as before then.
pub fn remove(
    (name, port, router): (&IngressName, Option<u16>, Option<&Router>),
    state: &StateDir,
    dry: bool,
    recovered: impl FnOnce(&Recovered),
) -> Result<Done, Failed> {
    let store = Directory::new(state);
    let find = || -> Result<Ingress, IngressError> {
        let mut found: Vec<Ingress> = list(state)?;
        found.retain(|ingress| {
            ingress.name == *name
                && port.is_none_or(|port| ingress.port == port)
                && router.is_none_or(|router| ingress.router.zone_name() == router.zone_name())
        });
        match &found[..] {
            [one] => Ok(one.clone()),
            [] => Err(IngressError::Unknown(
                name.clone(),
                port.map(|port| format!(" at port {port}")).unwrap_or_default(),
            )),
            several => {
                let which = |one: &Ingress| format!("port {} of {}", one.port, one.router.zone_name());
                Err(IngressError::Several { name: name.clone(), which: several.iter().map(which).collect() })
            }
        }
    };
    let ingress = match find() {
        Err(IngressError::Unknown(..)) if !dry => {
            settle(state);
            find()
        }
        found => found,
    };
    let ingress = ingress.map_err(undone)?;
    let step = Step::forget::<Ingress>(&ingress.key());
    let preview = |records: &mut RouterRecords| records.ingresses.retain(|other| *other != ingress);
    change(&ingress, &step, (state, &store), dry, preview, |_| Ok(()), recovered)
}

/// Undoes what killed operations on routers left, for they may have taken away a record that comes back. What cannot be
/// undone now stays in its journal.
fn settle(state: &StateDir) {
    for subject in state.subjects().unwrap_or_default() {
        if matches!(subject, Subject::Global | Subject::Whole(_)) {
            let _ = Journal::begin_now(state, subject, "settle");
        }
    }
}

/// Changes the record of a way in, and its router after it.
fn change(
    ingress: &Ingress,
    step: &Step,
    (state, store): (&StateDir, &Directory),
    dry: bool,
    preview: impl FnOnce(&mut RouterRecords),
    first: impl Fn(&Directory) -> Result<(), IngressError>,
    recovered: impl FnOnce(&Recovered),
) -> Result<Done, Failed> {
    let done = |changes, running| Done { ingress: ingress.clone(), changes, commands: Vec::new(), running };
    if dry {
        let look = || -> Result<Done, IngressError> {
            first(store)?;
            let mut records = RouterRecords::read(&ingress.router, store)?;
            preview(&mut records);
            let router = LiveRouter::find(&ingress.router, state)?;
            let changes = router.plan_ingresses(&records);
            let running = router.is_running();
            router.close()?;
            let (changes, commands) = changes?;
            Ok(Done { commands, ..done(changes, running) })
        };
        return look().map_err(undone);
    }
    super::only_root().map_err(|error| undone(error.into()))?;
    let subject = ingress.router.zone().cloned().map_or(Subject::Global, Subject::Whole);
    let changed = Journal::during(state, subject, ("ingress", false), recovered, |journal| {
        // Others may change the rules of the same router.
        let _names = Names::hold(store)?;
        first(store)?;
        let router = LiveRouter::find(&ingress.router, state)?;
        let changed = apply(step, &router, store, journal);
        let running = router.is_running();
        // What is taken back opens the root anew.
        let closed = router.close();
        let changes = changed?;
        closed?;
        if host::interrupted() {
            return Err(RouterError::Interrupted.into());
        }
        Ok(done(changes, running))
    });
    changed.map_err(Box::new)
}

fn apply(
    step: &Step,
    router: &LiveRouter,
    store: &Directory,
    journal: &mut Journal,
) -> Result<Vec<Change>, IngressError> {
    crate::net::apply(std::slice::from_ref(step), journal, store, &mut |_| {})?;
    Ok(router.set_ingresses(store, journal)?)
}
