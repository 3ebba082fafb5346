//! Taking a zone away with all that was made for it.
//!
//! What is destroyed cannot be brought back, so nothing is undone here: each step may be done again, and giving the
//! command again goes on where it ended. What is remembered of the zone goes last.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::config::{self, IpType, ZoneConfig, ZoneName, command};
use crate::host::zfs::{self, Dataset, Datasets, MADE_PROPERTY};
use crate::host::{self, DatasetName, HostCommand};
use crate::journal::{self, Failure, Journal, JournalError, Recovered, StateDir, Subject};
use crate::net::{self, Names, Router, View};
use crate::root::{Tree, remove_empty_folder, remove_tree};
use crate::store::{Directory, Expect, Record, Records, Store};

use super::ZoneError;
use super::check::only_global;
use super::datasets::{Claims, is_within};
use super::error::go_on;
use super::plan::DATA;
use super::record::{self, Made, ZoneRecord};
use super::step::{ZONEADM, indexed};
use super::wiring::{Behind, bring_up_to_date, left_to_know};

/// What is to be destroyed.
#[derive(Clone, Debug)]
pub struct Destroy {
    /// The zone.
    pub zone: ZoneName,
    /// Datasets that it administers and directories that were made for it go too, with everything in them.
    pub with_datasets: bool,
}

/// One thing that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Going {
    Halt,
    Uninstall,
    Delete,
    Leave(Behind),
    /// So that it is done though all records of the network have gone.
    WriteDown(Box<ZoneRecord>),
    Network(Box<net::Step>),
    Update(Router),
    Made(Made),
    Forget,
}

/// What goes, and what stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Teardown {
    going: Vec<Going>,
    operation: String,
    with_datasets: bool,
    /// Networks go with it.
    routes: bool,
    /// What stays, and why.
    pub staying: Vec<String>,
    /// What people should know.
    pub notes: Vec<String>,
}

impl Teardown {
    /// Whether nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.going.is_empty()
    }

    /// In words, in order.
    #[must_use]
    pub fn lines(&self, zone: &ZoneName) -> Vec<String> {
        let line = |going: &Going| match going {
            Going::Halt => format!("halt zone `{zone}`, if it runs"),
            Going::Uninstall => format!("uninstall zone `{zone}`"),
            Going::Delete => format!("delete the configuration of zone `{zone}`"),
            Going::Leave(behind) => format!("have router `{}` forget zone `{zone}`", behind.router.zone_name()),
            Going::WriteDown(_) => "write down which routers have to be brought up to date".to_owned(),
            Going::Network(step) => step.describe(),
            Going::Update(router) => format!("bring router `{}` up to date", router.zone_name()),
            Going::Made(made) => format!("destroy {}", made.describe()),
            Going::Forget => format!("forget what was made for zone `{zone}`"),
        };
        self.going.iter().map(line).collect()
    }
}

impl Destroy {
    /// What would go; nothing is changed.
    ///
    /// # Errors
    /// [`ZoneError`]: there is no such zone, or something needs it.
    pub fn plan(&self, state: &StateDir) -> Result<Teardown, ZoneError> {
        only_global()?;
        let teardown = self.look(&Directory::new(state), false)?;
        if teardown.is_empty() && journal::pending(state, Subject::Whole(self.zone.clone()))?.is_none() {
            return Err(self.absent());
        }
        Ok(teardown)
    }

    fn absent(&self) -> ZoneError {
        ZoneError::Refused(format!("there is no zone `{}`, and nothing is remembered of one", self.zone))
    }

    /// What is known of the zone, and goes. What is said of what stays is for people who read it before the zone has
    /// gone, or when that is done.
    pub(super) fn look(&self, store: &Directory, done: bool) -> Result<Teardown, ZoneError> {
        let record: Option<ZoneRecord> = store.get(&record::key(&self.zone))?;
        let mut teardown = Teardown { with_datasets: self.with_datasets, ..Teardown::default() };
        if let Some(found) = indexed(&self.zone)? {
            if found.state == "installed" {
                teardown.going.push(Going::Halt);
            }
            if found.state != "configured" {
                teardown.going.push(Going::Uninstall);
            }
            teardown.going.push(Going::Delete);
            teardown.staying.extend(self.handed_over(record.as_ref(), store)?);
        }
        self.look_at_network(store, record.as_ref(), &mut teardown)?;
        if let Some(record) = record {
            teardown.operation.clone_from(&record.operation);
            teardown.staying.extend(self.shared_before(&record));
            for made in record.made.iter().rev() {
                match self.why_stays(made, &record, &teardown.going, done)? {
                    Some(why) => teardown.staying.push(format!("{}{why}", made.describe())),
                    None => teardown.going.push(Going::Made(made.clone())),
                }
            }
            teardown.going.push(Going::Forget);
        }
        Ok(teardown)
    }

    fn look_at_network(
        &self,
        store: &Directory,
        record: Option<&ZoneRecord>,
        teardown: &mut Teardown,
    ) -> Result<(), ZoneError> {
        let mut routers: Vec<Router> = record.map(|record| record.routers.clone()).unwrap_or_default();
        if let Some(view) = self.view(store)? {
            let removed = net::detach(&self.zone, &view, store)?;
            teardown.routes = !removed.segments.is_empty();
            let behind = Behind::all(&self.zone, &removed.attachments, |name| view.segment(name));
            let before = routers.len();
            routers.extend(left_to_know(&removed, &behind).into_iter().filter(|one| one.zone() != Some(&self.zone)));
            routers.sort();
            routers.dedup();
            teardown.going.extend(behind.into_iter().map(Going::Leave));
            if let Some(record) = record.filter(|_| routers.len() > before) {
                let record = ZoneRecord { routers: routers.clone(), ..record.clone() };
                teardown.going.push(Going::WriteDown(Box::new(record)));
            }
            teardown.going.extend(removed.steps.into_iter().map(|step| Going::Network(Box::new(step))));
            teardown.notes = removed.notes;
        }
        teardown.going.extend(routers.into_iter().map(Going::Update));
        Ok(())
    }

    /// The network as it is, when the zone may be on it.
    fn view(&self, store: &Directory) -> Result<Option<View>, ZoneError> {
        let attached = || -> Result<bool, ZoneError> {
            let name = self.zone.as_str();
            let keys = store.keys(net::Attachment::KIND)?;
            Ok(keys.iter().any(|key| key.parts().next() == Some(name)))
        };
        let routes = || -> Result<bool, ZoneError> {
            let segments: Vec<net::Segment> = store.list()?;
            Ok(segments.iter().any(|segment| segment.router.zone() == Some(&self.zone)))
        };
        if attached()? || routes()? { Ok(Some(View::take(store)?)) } else { Ok(None) }
    }

    /// What follows the name of something that was made for the zone, when it stays while these go.
    fn why_stays(
        &self,
        made: &Made,
        record: &ZoneRecord,
        going: &[Going],
        done: bool,
    ) -> Result<Option<String>, ZoneError> {
        match made {
            Made::Delegated { dataset } | Made::Volume { dataset } if is_anothers(dataset, &record.operation)? => {
                Ok(Some(", which is there anew, and was not made for the zone".to_owned()))
            }
            Made::Delegated { dataset } if !self.with_datasets => Ok(Some(if done {
                format!("; `zfs destroy -r {dataset}` destroys it, `zfs inherit zoned {dataset}` gives it to the host")
            } else {
                "; --with-datasets would destroy it".to_owned()
            })),
            Made::Delegated { dataset } | Made::Volume { dataset } => {
                Ok(self.needed(dataset)?.map(|why| format!(": {why}")))
            }
            Made::Directory { path } => {
                Ok(is_kept_by(path, record, going).then(|| ", which has something in it".to_owned()))
            }
            Made::FileSystem { path, .. } if is_kept_by(path, record, going) => {
                Ok(Some(", which has something in it".to_owned()))
            }
            Made::FileSystem { dataset, .. } => held_below(dataset, record, going),
            Made::Parent { .. } => Ok(None),
        }
    }

    /// Directories of the zone that were there before it, and have something in them.
    fn shared_before(&self, record: &ZoneRecord) -> Vec<String> {
        let data = host::place(DATA).join(self.zone.as_str());
        let is_made =
            |path: &Path| record.made.iter().any(|made| matches!(made, Made::Directory { path: made } if made == path));
        let places = record.shares.iter().map(|share| share.special.as_path());
        let before = places.filter(|path| path.starts_with(&data) && !is_made(path) && is_filled(path));
        before.map(|path| format!("the directory {}, which was there before the zone", path.display())).collect()
    }

    /// Why something that was made for the zone has to stay: another zone has it, or somebody has made snapshots of it.
    /// What to do is said too.
    fn needed(&self, dataset: &str) -> Result<Option<String>, ZoneError> {
        let claims = Claims::look(&[&self.zone])?;
        let then = format!("`zfs destroy -r {dataset}` destroys it when nobody needs it");
        if let Some((zone, claimed)) = claims.of(dataset) {
            return Ok(Some(format!("zone `{zone}` has `{claimed}`; {then}")));
        }
        if let Some(zone) = claims.unread.first() {
            let why = format!("the configuration of zone `{zone}` cannot be read, and may name it");
            return Ok(Some(format!("{why}; {then}")));
        }
        let Ok(name) = dataset.parse::<DatasetName>() else { return Ok(None) };
        let found = Datasets::below(&name)?.unwrap_or_default();
        let snapshot = found.iter().find(|found| found.kind == zfs::Kind::Snapshot);
        Ok(snapshot.map(|found| format!("there is the snapshot `{}`; {then}", found.name)))
    }

    /// Datasets that the zone administers and that were there before it, and links that others have given to it.
    fn handed_over(&self, record: Option<&ZoneRecord>, store: &Directory) -> Result<Vec<String>, ZoneError> {
        let Ok(config) = ZoneConfig::read(&config::file(&self.zone)) else { return Ok(Vec::new()) };
        let made = |name: &str| {
            record.is_some_and(|record| {
                record.made.iter().any(|made| matches!(made, Made::Delegated { dataset } if dataset == name))
            })
        };
        let names = config.datasets.iter().map(DatasetName::as_str).filter(|name| !made(name));
        let datasets = names.map(|name| format!("the dataset `{name}`, which was there before the zone"));
        let attachments = store.keys(net::Attachment::KIND)?;
        let ours = |link: &str| {
            let mut links = attachments.iter().map(|key| (key.parts().next(), key.parts().nth(1)));
            links.any(|known| known == (Some(self.zone.as_str()), Some(link)))
        };
        let own_stack = config.ip_type == IpType::Exclusive;
        let links = config.networks.iter().map(|network| network.physical.as_str());
        let mut links: Vec<&str> = links.filter(|link| own_stack && !ours(link)).collect();
        links.dedup();
        let links = links.into_iter().map(|link| format!("the link `{link}`, of which nothing is remembered"));
        Ok(datasets.chain(links).collect())
    }

    /// Destroys it. `tell` is told each step.
    ///
    /// # Errors
    /// [`ZoneError`]; giving the command again goes on.
    pub fn run(
        &self,
        state: &StateDir,
        tell: &dyn Fn(&str),
        recovered: &dyn Fn(&Recovered),
    ) -> Result<Teardown, ZoneError> {
        only_global()?;
        let subject = Subject::Whole(self.zone.clone());
        // One that was kept when it failed is to go too.
        let half_made = journal::recover(state, &subject)?;
        half_made.iter().for_each(recovered);
        let (mut journal, _) = Journal::begin(state, &subject, "destroy-zone", false)?;
        let store = Directory::new(state);
        let mut names = Some(Names::hold(&store)?);
        let mut teardown = self.look(&store, true)?;
        let mut kept = Vec::new();
        if teardown.is_empty() && half_made.is_none() {
            return Err(self.absent());
        }
        // Nobody is to go on a network whose router goes. Others need not be waited for meanwhile.
        if !teardown.routes {
            names = None;
        }
        for (index, (going, line)) in teardown.going.iter().zip(teardown.lines(&self.zone)).enumerate() {
            let unfinished = |error: ZoneError| if index > 0 { ZoneError::Unfinished(Box::new(error)) } else { error };
            go_on().map_err(unfinished)?;
            tell(&line);
            let network = matches!(going, Going::Leave(_) | Going::WriteDown(_) | Going::Network(_) | Going::Update(_));
            if network && names.is_none() {
                names = Some(Names::hold(&store).map_err(|error| unfinished(error.into()))?);
            }
            let done = self.take(going, &teardown, (state, &store), &mut journal);
            // What a router has taken half is taken back; all else stays done.
            match done {
                Ok(()) => {
                    journal.settle()?;
                    if let Going::Made(made @ (Made::Directory { path } | Made::FileSystem { path, .. })) = going
                        && is_filled(path)
                    {
                        kept.push(made.clone());
                    }
                }
                Err(cause) => return Err(unfinished(undone(cause, journal))),
            }
        }
        drop(names);
        // What got something in it while the zone went.
        for made in kept {
            teardown.staying.push(format!("{}, which has something in it", made.describe()));
            teardown.going.retain(|going| *going != Going::Made(made.clone()));
        }
        Ok(teardown)
    }

    fn take(
        &self,
        going: &Going,
        teardown: &Teardown,
        (state, store): (&StateDir, &Directory),
        journal: &mut Journal,
    ) -> Result<(), ZoneError> {
        let zoneadm = || HostCommand::new(ZONEADM).args(["-z", self.zone.as_str()]);
        match going {
            Going::Halt => Ok(zoneadm().arg("halt").run().map(drop)?),
            Going::Uninstall => Ok(zoneadm().args(["uninstall", "-F"]).run().map(drop)?),
            Going::Delete => Ok(command::delete(&self.zone)?),
            Going::Leave(behind) => behind.leave(state, journal),
            Going::WriteDown(record) => Ok(store.put(&**record, Expect::Anything)?),
            Going::Update(router) => bring_up_to_date(router, state, store, journal),
            Going::Network(step) => Ok(step.run(store)?),
            Going::Made(made) => self.take_made(made, teardown),
            Going::Forget => {
                store.remove(ZoneRecord::KIND, &record::key(&self.zone))?;
                Ok(())
            }
        }
    }
}

/// A step has failed.
fn undone(cause: ZoneError, journal: Journal) -> ZoneError {
    let subject = journal.subject().clone();
    match journal.roll_back() {
        Ok(()) => cause,
        Err(left) => Failure::Left { cause, left, subject }.into(),
    }
}

impl Destroy {
    /// Destroys something that was made for the zone, if it still is what was made. Places that others may have put
    /// something into stay then.
    fn take_made(&self, made: &Made, teardown: &Teardown) -> Result<(), ZoneError> {
        match made {
            Made::Directory { path } => self.remove_directory(path).map_err(ZoneError::system(path)),
            Made::FileSystem { dataset, path } => {
                if is_ours(dataset, &teardown.operation)? && is_empty(dataset, path)? {
                    zfs::destroy(dataset)?;
                }
                Ok(())
            }
            Made::Delegated { .. } if !teardown.with_datasets => Ok(()),
            Made::Parent { dataset } => {
                let Ok(name) = dataset.parse::<DatasetName>() else { return Ok(()) };
                let alone = Datasets::below(&name)?.is_some_and(|all| all.iter().count() == 1);
                if alone && is_ours(dataset, &teardown.operation)? { Ok(zfs::destroy(dataset)?) } else { Ok(()) }
            }
            Made::Delegated { dataset } | Made::Volume { dataset } => {
                if !is_ours(dataset, &teardown.operation)? {
                    return Ok(());
                }
                // The zone ran until now, and others may be made at any time.
                match self.needed(dataset)? {
                    None => destroy_tree(dataset),
                    Some(why) => Err(ZoneError::Refused(format!("{}: {why}", made.describe()))),
                }
            }
        }
    }

    /// Removes a directory that was made, if nothing is in it. What is in directories of the zone its root user has put
    /// there: no link is followed.
    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let data = host::place(DATA).join(self.zone.as_str());
        let Some(inside) = path.strip_prefix(&data).ok().filter(|inside| !inside.as_os_str().is_empty()) else {
            return match std::fs::remove_dir(path) {
                Err(error) if !matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => {
                    Err(error)
                }
                _ => Ok(()),
            };
        };
        match Tree::open(&data).and_then(|tree| remove_empty_folder(&tree, inside.as_os_str().as_bytes())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound && !is_link(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether something stays in a directory while these, and the zonepath, go.
fn is_kept_by(path: &Path, record: &ZoneRecord, going: &[Going]) -> bool {
    let goes = |inside: &Path| {
        let is_it = |going: &Going| match going {
            Going::Made(Made::Directory { path } | Made::FileSystem { path, .. }) => path == inside,
            _ => false,
        };
        inside == record.zonepath || going.iter().any(is_it)
    };
    std::fs::read_dir(path).is_ok_and(|entries| entries.flatten().any(|entry| !goes(&entry.path())))
}

/// What follows the name of a file system in which a snapshot or dataset stays while these, and the zonepath, go.
fn held_below(dataset: &str, record: &ZoneRecord, going: &[Going]) -> Result<Option<String>, ZoneError> {
    let Ok(name) = dataset.parse::<DatasetName>() else { return Ok(None) };
    let found = Datasets::below(&name)?.unwrap_or_default();
    let is_zonepath = |found: &&Dataset| found.mountpoint.as_deref().map(Path::new) == Some(&record.zonepath);
    let zonepath = found.iter().find(is_zonepath).map(|found| found.name.as_str());
    let goes = |inner: &str| {
        let is_it = |going: &Going| matches!(going, Going::Made(Made::FileSystem { dataset, .. }) if dataset == inner);
        inner == dataset || zonepath.is_some_and(|above| is_within(inner, above)) || going.iter().any(is_it)
    };
    let kept = found.iter().find(|found| !goes(&found.name));
    Ok(kept.map(|found| {
        let what = if found.kind == zfs::Kind::Snapshot { "snapshot" } else { "dataset" };
        format!(", which has the {what} `{}` in it", found.name)
    }))
}

/// Whether there is anything in a directory.
pub(super) fn is_filled(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
}

/// Something on the way is a symbolic link.
fn is_link(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP)
}

/// Who has made a dataset, if it is there: what a dataset inherits tells of the one above it.
fn maker(dataset: &str) -> Result<Option<Option<String>>, ZoneError> {
    if Datasets::only(dataset)?.is_none() {
        return Ok(None);
    }
    Ok(Some(zfs::own_values(dataset, &[MADE_PROPERTY])?.into_iter().next().flatten()))
}

/// Whether a dataset is there that somebody else has made in the place of one that has gone.
fn is_anothers(dataset: &str, operation: &str) -> Result<bool, ZoneError> {
    Ok(maker(dataset)?.is_some_and(|made| made.as_deref() != Some(operation)))
}

/// Whether a dataset is there, and is the one that was made then.
fn is_ours(dataset: &str, operation: &str) -> Result<bool, ZoneError> {
    Ok(maker(dataset)?.flatten().as_deref() == Some(operation))
}

/// Whether a file system has nothing in it: no file, no snapshot, no dataset.
fn is_empty(dataset: &str, path: &Path) -> Result<bool, ZoneError> {
    let Ok(name) = dataset.parse::<DatasetName>() else { return Ok(false) };
    let alone = Datasets::below(&name)?.is_some_and(|all| all.iter().count() == 1);
    let mut entries = std::fs::read_dir(path).map_err(ZoneError::system(path))?;
    Ok(alone && entries.next().is_none())
}

/// Destroys a dataset with everything below it.
pub(super) fn destroy_tree(dataset: &str) -> Result<(), ZoneError> {
    let Ok(name) = dataset.parse::<DatasetName>() else { return Ok(()) };
    let Some(all) = Datasets::below(&name)? else { return Ok(()) };
    // What is below comes behind it in the list.
    for found in all.iter().rev() {
        zfs::destroy(&found.name)?;
    }
    Ok(())
}

/// Removes a directory with everything in it, and follows no link on the way.
pub(super) fn remove_directory(path: &Path) -> Result<(), ZoneError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let parent = match Tree::open(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(ZoneError::system(parent))?,
    };
    let handle = parent.handle().map_err(ZoneError::root(&parent))?;
    remove_tree(&handle, name.as_bytes()).map_err(ZoneError::system(path))
}

/// The zones that an operation was making or destroying as a whole, and that has not ended.
///
/// # Errors
/// [`JournalError`].
pub fn half_made(state: &StateDir) -> Result<Vec<ZoneName>, JournalError> {
    let whole = |subject: Subject| match subject {
        Subject::Whole(zone) => Some(zone),
        _ => None,
    };
    Ok(state.subjects()?.into_iter().filter_map(whole).collect())
}
