//! The golden images that there are, and how they go.

use std::collections::BTreeSet;

use crate::host::zfs::{self, Dataset, Datasets, Kind};
use crate::host::{DatasetName, HostError};
use crate::journal::{Doomed, ImageName, Journal, JournalError, StateDir};
use crate::storage::StorageError;

use super::super::HookError;
use super::{HOLDER, SNAPSHOT};

/// A golden image as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name.
    pub name: ImageName,
    /// Its file system.
    pub dataset: DatasetName,
    /// Bytes that it takes.
    pub used: u64,
    /// When it was made, in seconds since the epoch.
    pub created: u64,
    /// Whether it was ever finished.
    pub whole: bool,
    /// The file systems that are clones of it.
    pub users: Vec<String>,
    /// What somebody else made below it, or of it.
    pub foreign: Vec<String>,
    /// The file system and its snapshot.
    own: Vec<Doomed>,
}

/// What becomes of an image that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is destroyed.
    Destroyed,
    /// It stays, for it has users.
    Used,
    /// It stays, for somebody else made something below it, or of it.
    Foreign,
    /// It stays, for another program works on it: which.
    Busy(String),
}

/// The images of all pools, or of those below a dataset, in the order of their datasets.
///
/// # Errors
/// [`StorageError`]: zfs(8) failed, or there is no such dataset.
pub fn images(below: Option<&DatasetName>) -> Result<Vec<Image>, StorageError> {
    let Some(all) = Datasets::file_systems(below)? else {
        let dataset = below.map(ToString::to_string).unwrap_or_default();
        return Err(StorageError::Datasets { dataset, problem: "there is no such dataset".to_owned() });
    };
    let holders: BTreeSet<&str> = all.iter().filter(|found| name_of(found).is_some()).filter_map(holder_of).collect();
    let mut images = Vec::new();
    for holder in holders.into_iter().filter_map(|name| name.parse::<DatasetName>().ok()) {
        let all = Datasets::below(&holder)?.unwrap_or_default();
        let asked = |found: &&Dataset| below.is_none_or(|below| is_in(found, below.as_str()));
        images.extend(all.iter().filter(asked).filter_map(|found| image_in(&all, found)));
    }
    Ok(images)
}

fn holder_of(image: &Dataset) -> Option<&str> {
    image.name.rsplit_once('/').map(|(holder, _)| holder)
}

/// Whether something is a dataset, below it, or a snapshot of it.
fn is_in(found: &Dataset, dataset: &str) -> bool {
    found.name.strip_prefix(dataset).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '@']))
}

/// The name of an image, of what says in every way that it is one.
fn name_of(dataset: &Dataset) -> Option<ImageName> {
    let (holder, leaf) = dataset.name.rsplit_once('/')?;
    let name: ImageName = leaf.parse().ok()?;
    let ours = holder.ends_with(&format!("/{HOLDER}"))
        && dataset.kind == Kind::FileSystem
        && dataset.made.is_some()
        && dataset.golden.as_deref() == Some(name.fingerprint());
    ours.then_some(name)
}

fn find(dataset: &DatasetName) -> Result<Option<Image>, StorageError> {
    let Some(all) = Datasets::below(dataset)? else { return Ok(None) };
    Ok(all.get(dataset.as_str()).and_then(|found| image_in(&all, found)))
}

/// An image, as a listing has it.
fn image_in(all: &Datasets, image: &Dataset) -> Option<Image> {
    let name = name_of(image)?;
    let whole = format!("{}@{SNAPSHOT}", image.name);
    let snapshot = all.get(&whole);
    let doom = |dataset: &Dataset| Doomed { dataset: dataset.name.clone(), guid: dataset.guid.clone() };
    let inside: Vec<&Dataset> = all.iter().filter(|found| is_in(found, &image.name)).collect();
    let foreign = inside.iter().filter(|found| found.name != whole && found.name != image.name);
    Some(Image {
        name,
        dataset: image.name.parse().ok()?,
        used: image.used,
        created: image.creation,
        whole: snapshot.is_some(),
        users: inside.iter().flat_map(|found| found.clones.clone()).collect(),
        foreign: foreign.map(|found| found.name.clone()).collect(),
        own: snapshot.into_iter().chain([image]).map(doom).collect(),
    })
}

impl Image {
    /// What keeps it, if anything does.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match (&self.users[..], &self.foreign[..]) {
            ([], []) => Fate::Destroyed,
            ([], _) => Fate::Foreign,
            _ => Fate::Used,
        }
    }
}

/// Destroys an image that nobody uses. One that was never finished is put right, which destroys it. The file
/// system that held it goes with the last one.
///
/// # Errors
/// [`HookError`]: the journal cannot be used, or zfs(8) failed.
pub fn prune(image: &Image, state: &StateDir) -> Result<Fate, HookError> {
    let mut journal = match Journal::begin_now(state, &image.name, "prune") {
        Ok((journal, _)) => journal,
        Err(JournalError::Busy { holder, .. }) => return Ok(Fate::Busy(holder)),
        Err(error) => return Err(error.into()),
    };
    // As it is now that nobody else can change it.
    let fate = match find(&image.dataset)? {
        None => Fate::Destroyed,
        Some(image) => {
            let fate = image.fate();
            if fate == Fate::Destroyed {
                destroy(image, &mut journal)?;
            }
            fate
        }
    };
    journal.finish()?;
    if fate == Fate::Destroyed {
        destroy_holder(&image.dataset)?;
    }
    Ok(fate)
}

/// Puts right what killed programs left of images that are gone from the pools, or were never listed. What cannot
/// be put right now is told by the next program that works on such an image.
pub fn settle(state: &StateDir) {
    state.settle_images();
}

fn destroy(image: Image, journal: &mut Journal) -> Result<(), HookError> {
    if let Some(path) = crate::storage::mounts()?.place_of(image.dataset.as_str()) {
        zfs::unmount(path)?;
    }
    journal.forward(image.own)?;
    journal.destroy_doomed().map_err(|left| {
        let (subject, operation) = ((&image.name).into(), "prune".to_owned());
        HookError::Journal(JournalError::Stuck { subject, operation, left: Box::new(left) })
    })?;
    Ok(())
}

/// Destroys the file system that held images, if nothing is in it.
fn destroy_holder(image: &DatasetName) -> Result<(), HookError> {
    let Some(holder) = image.as_str().rsplit_once('/').and_then(|(holder, _)| holder.parse::<DatasetName>().ok())
    else {
        return Ok(());
    };
    let empty = || -> Result<bool, StorageError> {
        let all = Datasets::below(&holder)?.unwrap_or_default();
        Ok(all.iter().count() == 1 && all.iter().all(|found| found.made.is_some()))
    };
    if !empty()? {
        return Ok(());
    }
    match zfs::destroy(holder.as_str()) {
        // Somebody makes an image in it now.
        Err(HostError::Failed { .. }) if !empty()? => Ok(()),
        destroyed => Ok(destroyed?),
    }
}
