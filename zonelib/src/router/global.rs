//! The global zone as a router: its segments, and what has to be switched on for them.
//!
//! What was switched on is remembered, and is as it was before when the last segment goes.

use std::io;

use serde::{Deserialize, Serialize};

use crate::host::{self, HostCommand, HostError, Setting};
use crate::journal::{Failure, Journal, JournalError, Recovered, StateDir, Subject, Undo};
use crate::net::files::smf::Service;
use crate::net::inside::Change;
use crate::net::{
    ApplyError, Names, PlanError, Removed, Router, Segment, SegmentName, Step, View, WantedGlobal, apply,
    forget_global, plan_global,
};
use crate::root::{Tree, remove_empty_folder};
use crate::store::{Directory, Expect, Key, Record, Records, Store, StoreError};

use super::{LiveRouter, RouterError, RouterRecords};

/// How the global zone was before it became a router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GlobalBefore {
    settings: Vec<Setting>,
    /// Folders that it had not, from the top.
    #[serde(default)]
    folders: Vec<String>,
}

impl Record for GlobalBefore {
    const KIND: &'static str = "global-router";
    const VERSION: u32 = 1;

    fn key(&self) -> Key {
        before_key()
    }
}

fn before_key() -> Key {
    Key::of(&["before"])
}

/// Folders that a router has files in, and the global zone may have for other reasons too.
const FOLDERS: [&str; 5] = ["etc/ipf", "etc/zonekit", "etc/dnsmasq.d", "lib/svc/manifest", "lib/svc/manifest/site"];

/// Exit statuses of `svcadm enable -s`: the service is in maintenance, or what it depends on is not there. Source:
/// svcadm(8).
const DID_NOT_COME_UP: [Option<i32>; 2] = [Some(3), Some(4)];

/// Why the global zone is no router, or is one still.
#[derive(Debug, thiserror::Error)]
pub enum GlobalError {
    /// What is wanted cannot be.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The global zone lacks programs.
    #[error("the global zone has no {}; install that, and try again", .0.join(" and no "))]
    Missing(Vec<&'static str>),
    /// Its services are guarded in another way than by rules in files, which would end.
    #[error(
        "the firewall of the global zone has policy `{0}`, in place of which rules in files would come; put what it does \
         into /etc/ipf/ipf.conf, set its policy to `custom`, and try again"
    )]
    Firewall(String),
    /// A step failed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A setting could not be had, or be set.
    #[error("{}: {source}{}", setting.describe(), advice(setting, source))]
    Setting {
        /// The setting.
        setting: Setting,
        /// Why.
        source: HostError,
    },
    /// The files were not taken.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// The records are not known.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be written how to take it back.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why it is as before, unless it says that something is left.
pub type Failed = Box<Failure<GlobalError>>;

fn undone(error: GlobalError) -> Failed {
    Box::new(Failure::Undone(error))
}

/// What to do about an interface that is set up for this boot only, and a service that does not come up.
fn advice(setting: &Setting, error: &HostError) -> String {
    match (setting, error) {
        (Setting::Service { fmri, enabled: true }, HostError::Failed { status, .. })
            if DID_NOT_COME_UP.contains(&status.code()) =>
        {
            let log = fmri.trim_start_matches("svc:/").replace('/', "-");
            format!("; it does not come up, and /var/svc/log/{log}.log tells why")
        }
        _ if error.says("temporary object") => "; make the interface persistent by ipadm(8) first".to_owned(),
        _ => String::new(),
    }
}

/// What was done, or would be, in words, and the segments that it was about.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// What is done, in order.
    pub steps: Vec<Told>,
    /// Files of the global zone that changed.
    pub files: Vec<Change>,
    /// The segments.
    pub segments: Vec<Segment>,
}

/// Something that is done.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// In words.
    pub what: String,
    /// The command lines that do it.
    pub commands: Vec<String>,
}

impl Done {
    fn step(&mut self, step: &Step) {
        self.steps.push(Told { what: step.describe(), commands: step.command_line().into_iter().collect() });
    }

    fn setting(&mut self, setting: &Setting) {
        let commands = setting.commands().iter().map(HostCommand::line).collect();
        self.steps.push(Told { what: setting.describe(), commands });
    }

    /// The files that would change, were the segments these, and what is run to have them read.
    fn foresee(
        &mut self,
        state: &StateDir,
        store: &Directory,
        change: impl FnOnce(&mut RouterRecords),
    ) -> Result<(), GlobalError> {
        let mut records = RouterRecords::read(&Router::Global, store)?;
        change(&mut records);
        let router = LiveRouter::find(&Router::Global, state)?;
        let planned = router.plan_refresh(&records);
        router.close()?;
        let (files, commands) = planned?;
        self.files = files;
        if !commands.is_empty() {
            self.steps.push(Told { what: "have the files of the global zone read".to_owned(), commands });
        }
        Ok(())
    }
}

fn service(service: Service, enabled: bool) -> Setting {
    Setting::Service { fmri: service.fmri(), enabled }
}

/// What has to be switched on: before there are files, and after.
fn settings(segments: &[Segment]) -> (Vec<Setting>, Vec<Setting>) {
    let mut before = vec![Setting::FilterPolicy { policy: "custom".to_owned() }, service(Service::Filter, true)];
    for segment in segments {
        let outside = segment.outside.iter().map(|outside| &outside.interface);
        for link in outside.chain(&segment.inside) {
            let families = [(segment.gateway4.is_some(), false), (segment.gateway6.is_some(), true)];
            for (_, ipv6) in families.into_iter().filter(|(has, _)| *has) {
                let setting = Setting::Forwarding { link: link.clone(), ipv6, on: true };
                if !before.contains(&setting) {
                    before.push(setting);
                }
            }
        }
    }
    (before, vec![service(Service::Dnsmasq, true)])
}

/// That the router's interfaces on segments forward nothing more.
fn silenced(segments: &[Segment]) -> Vec<Setting> {
    let of_segment = |segment: &Segment| {
        let families = [(segment.gateway4.is_some(), false), (segment.gateway6.is_some(), true)];
        let inside = segment.inside.clone();
        let has = families.into_iter().filter(|(has, _)| *has).map(|(_, ipv6)| ipv6);
        has.filter_map(move |ipv6| Some(Setting::Forwarding { link: inside.clone()?, ipv6, on: false }))
            .collect::<Vec<_>>()
    };
    segments.iter().flat_map(of_segment).collect()
}

/// Whether a setting outlives a segment: those of its own interface go with that.
fn lasts(setting: &Setting, segments: &[Segment]) -> bool {
    let inside = |link| segments.iter().any(|segment| segment.inside.as_ref() == Some(link));
    !matches!(setting, Setting::Forwarding { link, .. } if inside(link))
}

fn set(setting: &Setting, journal: &mut Journal, done: &mut Done) -> Result<(), GlobalError> {
    if host::interrupted() {
        return Err(RouterError::Interrupted.into());
    }
    let fail = |source| GlobalError::Setting { setting: setting.clone(), source };
    let current = setting.current().map_err(fail)?;
    if current == *setting {
        return Ok(());
    }
    done.setting(setting);
    journal.step(Undo::Setting { setting: current })?;
    setting.set().map_err(fail)
}

/// Makes the global zone a router of networks. With `dry` nothing is done.
///
/// # Errors
/// [`GlobalError`]; everything is as before then.
pub fn route(
    wanted: &WantedGlobal,
    state: &StateDir,
    dry: bool,
    recovered: impl FnOnce(&Recovered),
    tell: &mut dyn FnMut(&str),
) -> Result<Done, Failed> {
    if !dry {
        super::only_root().map_err(|error| undone(error.into()))?;
    }
    let store = Directory::new(state);
    let check = || -> Result<(), GlobalError> {
        let traits = LiveRouter::find(&Router::Global, state)?.traits()?;
        let missing: Vec<_> = traits.missing().into_iter().filter(|what| *what != "haproxy").collect();
        if !missing.is_empty() {
            return Err(GlobalError::Missing(missing));
        }
        let asked = Setting::FilterPolicy { policy: "custom".to_owned() };
        match asked.current() {
            Ok(Setting::FilterPolicy { policy }) if !matches!(policy.as_str(), "none" | "custom") => {
                Err(GlobalError::Firewall(policy))
            }
            Ok(_) => Ok(()),
            Err(source) => Err(GlobalError::Setting { setting: asked, source }),
        }
    };
    check().map_err(undone)?;
    if dry {
        let planned = View::take(&store).and_then(|mut view| plan_global(wanted, &mut view));
        let plan = planned.map_err(|error| undone(error.into()))?;
        let mut done = Done { segments: plan.segments.clone(), ..Done::default() };
        plan.steps.iter().for_each(|step| done.step(step));
        let (before, after) = settings(&plan.segments);
        before.iter().filter(|setting| changes(setting)).for_each(|setting| done.setting(setting));
        let segments = plan.segments;
        let foreseen = done.foresee(state, &store, |records| records.segments.extend(segments));
        foreseen.map_err(undone)?;
        after.iter().filter(|setting| changes(setting)).for_each(|setting| done.setting(setting));
        return Ok(done);
    }
    let done = Journal::during(state, &Subject::Global, ("global-router", false), recovered, |journal| {
        let _names = Names::hold(&store)?;
        let plan = plan_global(wanted, &mut View::take(&store)?)?;
        let mut done = Done { segments: plan.segments.clone(), ..Done::default() };
        let (before, after) = settings(&plan.segments);
        remember(before.iter().chain(&after), &plan.segments, &store, journal)?;
        apply(&plan.steps, journal, &store, &mut |step| {
            tell(&step.describe());
            done.step(step);
        })?;
        for setting in &before {
            set(setting, journal, &mut done)?;
        }
        done.files = refresh(state, &store, journal)?;
        for setting in &after {
            set(setting, journal, &mut done)?;
        }
        if host::interrupted() {
            return Err(RouterError::Interrupted.into());
        }
        Ok(done)
    });
    done.map_err(Box::new)
}

/// Writes down how the settings are, unless that was done when the first segment came.
fn remember<'s>(
    settings: impl Iterator<Item = &'s Setting>,
    segments: &[Segment],
    store: &Directory,
    journal: &mut Journal,
) -> Result<(), GlobalError> {
    let key = before_key();
    let mut record = match store.get::<GlobalBefore>(&key)? {
        Some(known) => known,
        None => GlobalBefore { settings: Vec::new(), folders: absent_folders()? },
    };
    let same = |one: &Setting, other: &Setting| match (one, other) {
        (Setting::Service { fmri: one, .. }, Setting::Service { fmri: other, .. }) => one == other,
        (Setting::FilterPolicy { .. }, Setting::FilterPolicy { .. }) => true,
        (
            Setting::Forwarding { link: one, ipv6: one_family, .. },
            Setting::Forwarding { link: other, ipv6: other_family, .. },
        ) => (one, one_family) == (other, other_family),
        _ => false,
    };
    for setting in settings.filter(|setting| lasts(setting, segments)) {
        if !record.settings.iter().any(|known| same(known, setting)) {
            let fail = |source| GlobalError::Setting { setting: setting.clone(), source };
            record.settings.push(setting.current().map_err(fail)?);
        }
    }
    journal.step(store.undo(GlobalBefore::KIND, &key)?)?;
    Ok(store.put(&record, Expect::Anything)?)
}

fn here() -> Result<Tree, RouterError> {
    let path = host::place("/");
    Tree::open(&path).map_err(|source| RouterError::Root { path, source })
}

fn folder(path: &str) -> impl FnOnce(io::Error) -> RouterError {
    let path = host::place(&format!("/{path}"));
    move |source| RouterError::Root { path, source }
}

fn absent_folders() -> Result<Vec<String>, RouterError> {
    let tree = here()?;
    let mut absent = Vec::new();
    for path in FOLDERS {
        match tree.open_dir(path.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => absent.push(path.to_owned()),
            found => drop(found.map_err(folder(path))?),
        }
    }
    Ok(absent)
}

/// Removes those that nothing is in, from the bottom.
fn remove_folders(paths: &[String]) -> Result<(), RouterError> {
    let tree = here()?;
    paths.iter().rev().try_for_each(|path| remove_empty_folder(&tree, path.as_bytes()).map_err(folder(path)))
}

/// Whether it is another way now. What cannot be looked at yet is so.
fn changes(setting: &Setting) -> bool {
    setting.current().map_or(true, |current| current != *setting)
}

fn refresh(state: &StateDir, store: &dyn Store, journal: &mut Journal) -> Result<Vec<Change>, GlobalError> {
    let router = LiveRouter::find(&Router::Global, state)?;
    let mut changes = router.refresh(store, journal)?;
    changes.extend(router.set_ingresses(store, journal)?);
    router.close()?;
    Ok(changes)
}

fn is_last(view: &View) -> bool {
    view.routed_by_global().count() == 1
}

/// How the global zone is to be again when it routes something no more.
struct Restored {
    /// What is set before the interface goes. What is taken back makes that anew, and then sets this.
    first: Vec<Setting>,
    /// What is set when the files are as they are to be.
    then: Vec<Setting>,
    /// Folders that it had not.
    folders: Vec<String>,
}

impl Restored {
    fn after(segments: &[Segment], last: bool, store: &Directory) -> Result<Self, GlobalError> {
        let before = store.get::<GlobalBefore>(&before_key())?.filter(|_| last);
        let (restored, folders) = before.map(|before| (before.settings, before.folders)).unwrap_or_default();
        // A name service that is to stop does not have to read its files again first.
        let (mut first, mut then): (Vec<Setting>, Vec<Setting>) =
            restored.into_iter().partition(|setting| *setting == service(Service::Dnsmasq, false));
        first.extend(silenced(segments));
        then.reverse();
        Ok(Self { first, then, folders })
    }
}

fn foresee_forgotten(view: &View, removed: Removed, state: &StateDir, store: &Directory) -> Result<Done, GlobalError> {
    let mut done = Done { segments: removed.segments.clone(), ..Done::default() };
    let Restored { first, then, .. } = Restored::after(&removed.segments, is_last(view), store)?;
    first.iter().filter(|setting| changes(setting)).for_each(|setting| done.setting(setting));
    removed.steps.iter().for_each(|step| done.step(step));
    done.foresee(state, store, |records| records.segments.retain(|segment| !removed.segments.contains(segment)))?;
    then.iter().filter(|setting| changes(setting)).for_each(|setting| done.setting(setting));
    Ok(done)
}

/// Has the global zone route a segment no more. With the last one, everything is as it was before the first.
///
/// # Errors
/// [`GlobalError`]; everything is as before then.
pub fn forget(
    name: &SegmentName,
    state: &StateDir,
    dry: bool,
    recovered: impl FnOnce(&Recovered),
    tell: &mut dyn FnMut(&str),
) -> Result<Done, Failed> {
    let store = Directory::new(state);
    if dry {
        let planned = View::take(&store).and_then(|view| Ok((forget_global(name, &view, &store)?, view)));
        let (removed, view) = planned.map_err(|error| undone(error.into()))?;
        return foresee_forgotten(&view, removed, state, &store).map_err(undone);
    }
    super::only_root().map_err(|error| undone(error.into()))?;
    let done = Journal::during(state, &Subject::Global, ("global-router", false), recovered, |journal| {
        let _names = Names::hold(&store)?;
        let view = View::take(&store)?;
        let removed = forget_global(name, &view, &store)?;
        let last = is_last(&view);
        let mut done = Done { segments: removed.segments.clone(), ..Done::default() };
        let Restored { first, then, folders } = Restored::after(&done.segments, last, &store)?;
        for setting in &first {
            set(setting, journal, &mut done)?;
        }
        let mut tell = |step: &Step| {
            tell(&step.describe());
            done.step(step);
        };
        apply(&removed.steps, journal, &store, &mut tell)?;
        done.files = refresh(state, &store, journal)?;
        for setting in &then {
            set(setting, journal, &mut done)?;
        }
        // Files that are put back bring their folders along.
        remove_folders(&folders)?;
        if last {
            journal.step(store.undo(GlobalBefore::KIND, &before_key())?)?;
            store.remove(GlobalBefore::KIND, &before_key())?;
        }
        if host::interrupted() {
            return Err(RouterError::Interrupted.into());
        }
        Ok(done)
    });
    done.map_err(Box::new)
}
