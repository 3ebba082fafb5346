//! What attaching a zone to this host takes: what its configuration asks for, and what an update of its
//! root changes.

use std::path::{Path, PathBuf};

use crate::config::{Filesystem, ZoneConfig, ZoneName};
use crate::host::zfs::{self, Datasets};
use crate::host::{self, HostCommand};
use crate::libclone::Clone as SharedClone;
use crate::populate::unpack::{Limits, Unpack};
use crate::populate::{Counters, Settings};
use crate::recipe::Recipe;
use crate::root::Tree;
use crate::smf::{Prepared, Svccfg};
use crate::storage::{ROOT, StorageError};
use crate::update::{self, Apply, UpdateError, step_line};

use super::HookError;
use super::arrival::{Source, check_root, open_file, place_of, root_in};
use super::check::About;
use super::follow::{Follow, FollowError};
use super::install::InstallError;
use super::sources::{Ingredients, Sources, clone_path, sync_database};

const DLADM: &str = "/usr/sbin/dladm";

/// What an update of a zone root does, or did.
#[derive(Debug, Default)]
pub struct Updated {
    /// Each step, in words.
    pub steps: Vec<String>,
    /// Steps that somebody should look at.
    pub conflicts: Vec<String>,
}

/// The packages that a zone is brought up to.
#[derive(Clone, Copy, Debug)]
pub struct Host<'h> {
    /// Their root.
    pub image: &'h Path,
    /// The zone's brand.
    pub recipe: &'h Recipe,
}

impl Host<'_> {
    fn follow(&self) -> Follow<'_> {
        let ingredients =
            Ingredients { image: self.image, recipe: self.recipe, template: None, makes_template: false, wanted: None };
        Follow { ingredients, everything: false, verify: false }
    }

    /// What an update of a root would change.
    ///
    /// # Errors
    /// [`HookError`]: the zone is refused, or something cannot be read.
    pub fn would_update(&self, root: &Tree) -> Result<Updated, HookError> {
        self.with_update(root, false)
    }

    /// Brings the clones that the zone mounts, and its root, up to the packages of this host.
    ///
    /// # Errors
    /// [`HookError`]. What was replaced until then stays so, and the next update goes on.
    pub fn update(&self, root: &Tree, zone: &ZoneName) -> Result<Updated, HookError> {
        sync_database(self.image)?;
        self.sync_clones(zone)?;
        self.with_update(root, true)
    }

    fn with_update(&self, root: &Tree, applies: bool) -> Result<Updated, HookError> {
        let follow = self.follow();
        let sources = Sources::open(&follow.ingredients)?;
        let go_on = || !host::interrupted();
        let torn = || sources.image().changed();
        Ok(follow.with_update(&sources, root, &go_on, |plan, trees| {
            let updated = Updated {
                steps: plan.steps.iter().map(step_line).collect(),
                conflicts: plan.conflicts().map(step_line).collect(),
            };
            if applies && !plan.is_empty() {
                update::apply(plan, root, &Apply { trees, go_on: &go_on, torn: &torn })?;
            }
            Ok::<_, UpdateError>(updated)
        })?)
    }

    fn sync_clones(&self, zone: &ZoneName) -> Result<(), HookError> {
        let follow = self.follow();
        let sources = Sources::open(&follow.ingredients)?;
        let contents = sources.image().contents().map_err(InstallError::from)?;
        for share in self.recipe.shares.iter().filter(|share| share.clone.is_some()) {
            let path = clone_path(self.image, share, None, Some(zone)).map_err(InstallError::from)?;
            let Some(clone) = SharedClone::of(sources.image().packages(&contents), share, path) else { continue };
            let counters = Counters::default();
            let go_on = || !host::interrupted();
            let settings = Settings { jobs: host::processors(), verify: false, go_on: &go_on, counters: &counters };
            clone.sync(&settings).map_err(InstallError::from)?;
            if let Some(prepared) = Prepared::of(&clone, self.recipe, Svccfg::of_host()) {
                // Zones that are there have a repository of their own; one that is stale is made anew for the next.
                let _ = prepared.renew(&settings);
            }
        }
        Ok(())
    }
}

/// Why a zone would not be what it was, on this host.
#[derive(Debug, Default)]
pub struct Fit {
    /// What attaching would be refused for.
    pub refused: Vec<String>,
    /// What the zone could not be booted with.
    pub lacking: Vec<String>,
    /// What `-u` would change, where that can be told.
    pub update: Option<Updated>,
    /// What there is to say.
    pub notes: Vec<String>,
}

impl Fit {
    /// Whether the zone can be attached, and booted then.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.refused.is_empty() && self.lacking.is_empty()
    }
}

/// What is to be attached, and how.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The configuration of the zone, wherever it was detached.
    pub manifest: &'a Path,
    /// Where its root comes from.
    pub source: &'a Source,
    /// Bytes that an archive may have when it is unpacked.
    pub max_size: u64,
    /// It is brought up to the packages of this host, and so are the clones that it mounts.
    pub update: bool,
}

/// Compares a zone that was detached, wherever that was, with this host.
///
/// # Errors
/// [`HookError`]: the configuration or the host cannot be read.
pub fn fit(host: &Host<'_>, arrival: &Arrival<'_>) -> Result<Fit, HookError> {
    let zone = ZoneConfig::read(arrival.manifest)?;
    let mut fit = Fit::default();
    let brand = &host.recipe.name;
    if let Some(found) = zone.brand.as_ref().filter(|found| found.to_string() != *brand) {
        fit.refused.push(format!("the zone is of brand `{found}`, not `{brand}`"));
    }
    let cloned = |mount: &&Filesystem| {
        host.recipe.shares.iter().any(|share| share.clone.is_some() && share.from == mount.special)
    };
    for mount in zone.filesystems.iter().filter(|mount| !cloned(mount)) {
        lacks_special(host.image, mount, &mut fit)?;
    }
    lacks_clones(host, arrival.update, &mut fit)?;
    for dataset in &zone.datasets {
        if zfs::present() && Datasets::only(dataset.as_str()).map_err(StorageError::from)?.is_none() {
            fit.lacking.push(format!("dataset `{dataset}`, which the zone administers, is not on this host"));
        }
    }
    lacks_links(&zone, &mut fit)?;
    match arrival.source {
        // It may have been brought already, or not yet.
        Source::Zonepath => match open_root(&zone.zonepath) {
            Ok(root) => would_change(host, &root, &mut fit),
            Err(error) => fit.notes.push(cannot_be_told(&error)),
        },
        Source::Directory(directory) => would_copy(host, root_in(directory, host.recipe), &mut fit),
        Source::Dataset(dataset) => {
            let root = place_of(dataset).and_then(|place| root_in(&place, host.recipe));
            would_copy(host, root, &mut fit);
        }
        Source::Archive(archive) => examine(archive, arrival.max_size, &mut fit),
        Source::Stream(stream) => match open_file(stream) {
            Ok(_) => fit.notes.push(cannot_be_told("the root is in a stream")),
            Err(error) => fit.refused.push(error.to_string()),
        },
    }
    Ok(fit)
}

/// The clones that zones of the brand mount: the same is said before the zone is attached in earnest.
fn lacks_clones(host: &Host<'_>, update: bool, fit: &mut Fit) -> Result<(), HookError> {
    let arguments = if update { &["-u".to_owned()][..] } else { &[] };
    let image = host.image.to_owned();
    let checked = About { recipe: host.recipe, zone: None, subcommand: "attach", arguments, image }.check()?;
    fit.refused.extend(checked.refused);
    fit.notes.extend(checked.notes);
    Ok(())
}

fn cannot_be_told(why: impl std::fmt::Display) -> String {
    format!("what -u would change cannot be told: {why}")
}

fn lacks_special(image: &Path, mount: &Filesystem, fit: &mut Fit) -> Result<(), HookError> {
    let there = match mount.kind.as_str() {
        "lofs" => below(image, &mount.special).exists(),
        "zfs" if zfs::present() => Datasets::only(&mount.special).map_err(StorageError::from)?.is_some(),
        _ => true,
    };
    if !there {
        let (special, directory) = (&mount.special, &mount.directory);
        fit.lacking.push(format!("`{special}`, which the zone mounts on {directory}, is not on this host"));
    }
    Ok(())
}

/// Paths of the configuration are those of this host.
fn below(image: &Path, path: &str) -> PathBuf {
    image.join(path.trim_start_matches('/'))
}

fn lacks_links(zone: &ZoneConfig, fit: &mut Fit) -> Result<(), HookError> {
    let dladm = HostCommand::new(DLADM).args(["show-link", "-p", "-o", "link"]);
    if zone.networks.is_empty() || !dladm.present() {
        return Ok(());
    }
    let out = dladm.run()?;
    let text = String::from_utf8_lossy(&out);
    let links: Vec<&str> = text.lines().collect();
    for network in &zone.networks {
        if !links.contains(&network.physical.as_str()) {
            fit.lacking.push(format!("link `{}`, which the zone uses, is not on this host", network.physical));
        }
    }
    Ok(())
}

fn open_root(zonepath: &Path) -> Result<Tree, HookError> {
    let root = zonepath.join(ROOT);
    Tree::open(zonepath).and_then(|tree| tree.enter(ROOT.as_bytes())).map_err(HookError::system(&root))
}

fn would_copy(host: &Host<'_>, root: Result<Tree, HookError>, fit: &mut Fit) {
    match root.and_then(|root| check_root(&root, host.recipe).map(|()| root)) {
        Ok(root) => would_change(host, &root, fit),
        Err(error) => fit.refused.push(error.to_string()),
    }
}

fn would_change(host: &Host<'_>, root: &Tree, fit: &mut Fit) {
    match host.would_update(root) {
        Ok(updated) => fit.update = Some(updated),
        Err(HookError::Follow(error)) if matches!(*error, FollowError::Update(_)) => {
            fit.refused.push(format!("-u would be refused: {error}"));
        }
        Err(error) => fit.notes.push(cannot_be_told(&error)),
    }
}

/// Looks whether an archive could be unpacked.
fn examine(archive: &Path, max_size: u64, fit: &mut Fit) {
    let limits = Limits { max_size, ..Limits::default() };
    let called = archive.display();
    let file = match open_file(archive) {
        Ok(file) => file,
        Err(error) => return fit.refused.push(error.to_string()),
    };
    match (Unpack { limits, go_on: &|| !host::interrupted() }).examine(&file) {
        Err(error) => fit.refused.push(format!("{called}: {error}")),
        Ok(found) => {
            fit.refused.extend(found.refusals.iter().map(|refusal| format!("{called}: {refusal}")));
            fit.notes.push(format!("{called}: {} members, {} bytes of files", found.members, found.bytes));
        }
    }
}
