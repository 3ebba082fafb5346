//! The steps that lead from a request to a zone: each can be told, undone and done.

use std::path::{Path, PathBuf};

use crate::config::command::{self, ZONECFG};
use crate::config::{self, ZoneName};
use crate::host::zfs::{self, MADE_PROPERTY};
use crate::host::{DatasetName, HostCommand};
use crate::journal::{Journal, StateDir, Undo};
use crate::net;
use crate::net::files::cloud_init;
use crate::net::inside::{self, ZoneFile};
use crate::root::{SYSTEM_OWNER, Tree, WholeFile, put_file};
use crate::storage::{OpenRoot, ROOT};
use crate::store::{Directory, Expect, Record, Records, Store};

use super::check::KONFIGURATOR;
use super::error::go_on;
use super::inside::Edit;
use super::plan::NO_OPERATION;
use super::record::ZoneRecord;
use super::seed::{GuestFacts, SeedFile, image};
use super::wiring::{Behind, NewRouter, shown_text};
use super::{Kind, Size, ZoneError};

/// Where zoneadm(8) is.
pub(super) const ZONEADM: &str = "/usr/sbin/zoneadm";
/// What stands for the UUID of a zone that is not installed yet.
const NO_UUID: &str = "UUID";
/// The folder of the state directory with files that commands are told by.
const TOLD: &str = "zonecfg";

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// Make a directory.
    MakeDirectory {
        /// Where.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Make a file system that is mounted where those above it say.
    MakeFileSystem {
        /// Its name.
        dataset: String,
        /// Where that is.
        path: PathBuf,
    },
    /// Make a file system that nobody mounts, for a zone to administer.
    MakeDelegated {
        /// Its name.
        dataset: String,
        /// It is handed to the zone; else such ones are in it.
        handed: bool,
    },
    /// Make a volume.
    MakeVolume {
        /// Its name.
        dataset: String,
        /// Its size.
        size: Size,
    },
    /// Do something about the network.
    Network(Box<net::Step>),
    /// Configure a zone.
    Configure {
        /// Its name.
        zone: ZoneName,
        /// Its zonepath.
        zonepath: PathBuf,
        /// The file by which zonecfg is told.
        file: PathBuf,
        /// What it is told.
        commands: String,
    },
    /// Install it.
    Install {
        /// Its name.
        zone: ZoneName,
        /// Its zonepath.
        zonepath: PathBuf,
        /// More arguments.
        arguments: Vec<String>,
    },
    /// Set up its files.
    Inside {
        /// Its name.
        zone: ZoneName,
        /// Its type.
        kind: Kind,
        /// Its zonepath.
        zonepath: PathBuf,
        /// Files of the network.
        files: Files,
        /// What else is set up.
        edits: Vec<Edit>,
    },
    /// Make the seed of a machine whose brand makes none, in its root.
    Seed {
        /// Its name.
        zone: ZoneName,
        /// Its type.
        kind: Kind,
        /// Its zonepath.
        zonepath: PathBuf,
        /// The command that makes the image.
        command: HostCommand,
        /// What the guest is told.
        facts: Box<GuestFacts>,
    },
    /// Tell a router of a zone behind it.
    Join {
        /// The zone, and the router.
        behind: Box<Behind>,
        /// The router runs, and has read its files.
        runs: bool,
    },
    /// Have the distribution's configurator set up something.
    Konfigure {
        /// The zone.
        zone: ZoneName,
        /// What.
        request: String,
    },
    /// Remember what was made.
    Remember(Box<ZoneRecord>),
    /// Boot the zone.
    Boot {
        /// Its name.
        zone: ZoneName,
    },
}

/// Files that a zone gets for its network.
#[derive(Clone, Debug)]
pub enum Files {
    /// These.
    Of(Vec<ZoneFile>),
    /// Those of a router, which depend on what is in it.
    Router(Box<NewRouter>),
}

impl Files {
    fn presumed(&self) -> Vec<ZoneFile> {
        match self {
            Self::Of(files) => files.clone(),
            Self::Router(router) => router.presumed_files(),
        }
    }
}

/// What a step needs to be done.
pub(super) struct Doing<'d> {
    pub(super) journal: &'d mut Journal,
    pub(super) state: &'d StateDir,
    pub(super) store: &'d Directory,
    /// Is told what a command says that has succeeded.
    pub(super) tell: &'d dyn Fn(&str),
}

/// A step, for people who check a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// What it does.
    pub what: String,
    /// The command, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Files and their text, where that is known before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ShownFile>,
}

/// A file of a plan.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ShownFile {
    /// Where.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl Step {
    /// The step in words, with its command and files.
    #[must_use]
    pub fn show(&self) -> Shown {
        let plain = |what: String| Shown { what, ..Shown::default() };
        let running =
            |what: String, command: &HostCommand| Shown { what, command: Some(command.line()), files: vec![] };
        let making = |what: String, command: Result<HostCommand, ZoneError>| Shown {
            command: command.ok().map(|command| command.line()),
            ..plain(what)
        };
        match self {
            Self::MakeDirectory { path, mode } => {
                plain(format!("make the directory {} (mode {mode:o})", path.display()))
            }
            Self::MakeFileSystem { dataset, path } => {
                let what = format!("make the file system `{dataset}` on {}", path.display());
                making(what, file_system(dataset, NO_OPERATION))
            }
            Self::MakeDelegated { dataset, handed } => {
                let whose = if *handed { " for the zone to administer" } else { "" };
                making(format!("make the dataset `{dataset}`{whose}"), delegated(dataset, NO_OPERATION))
            }
            Self::MakeVolume { dataset, size } => {
                making(format!("make the volume `{dataset}` of {size}"), volume(dataset, size, NO_OPERATION))
            }
            Self::Network(step) => Shown { what: step.describe(), command: step.command_line(), files: Vec::new() },
            Self::Configure { zone, file, commands, .. } => {
                let text = ShownFile { path: file.display().to_string(), text: commands.clone() };
                Shown { files: vec![text], ..running(format!("configure zone `{zone}`"), &told(zone, file)) }
            }
            Self::Install { zone, arguments, .. } => {
                running(format!("install zone `{zone}`"), &install(zone, arguments))
            }
            Self::Inside { zone, files, edits, .. } => {
                let mut what = vec![format!("set up the files of zone `{zone}`")];
                what.extend(edits.iter().map(Edit::describe));
                let mut shown = shown_files(&files.presumed());
                let texts = edits.iter().filter_map(Edit::text);
                shown.extend(texts.map(|(path, text)| ShownFile { path: format!("/{path}"), text: text.to_owned() }));
                Shown { what: what.join("; "), command: None, files: shown }
            }
            Self::Seed { zone, command, facts, .. } => {
                let shown = |file: SeedFile| ShownFile { path: file.name.to_owned(), text: file.text };
                let files = facts.files(NO_UUID).into_iter().map(shown).collect();
                let what =
                    format!("make the seed of zone `{zone}` (/{}), with its UUID as the instance", cloud_init::IMAGE);
                Shown { files, ..running(what, command) }
            }
            Self::Join { behind, runs } => {
                let (router, zone) = (behind.router.zone_name(), &behind.zone);
                let then = if *runs { ", and have its name service read its files again" } else { "" };
                let what = format!("tell router `{router}` of zone `{zone}`{then}");
                Shown { what, command: None, files: shown_files(&behind.files()) }
            }
            Self::Konfigure { zone, request } => {
                running(format!("configure zone `{zone}` further: {request}"), &konfigure(zone, request))
            }
            Self::Remember(record) => plain(format!("remember what was made for zone `{}`", record.zone)),
            Self::Boot { zone } => running(format!("boot zone `{zone}`"), &boot(zone)),
        }
    }

    /// Does it. How it is undone is in the journal before.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub(super) fn perform(&self, doing: &mut Doing<'_>) -> Result<(), ZoneError> {
        go_on()?;
        match self {
            Self::MakeDirectory { path, mode } => {
                doing.journal.step(Undo::RemoveDirectory { path: path.clone() })?;
                let made = make_directory(path, *mode);
                if std::matches!(&made, Err(ZoneError::System { source, .. }) if is_there(source)) {
                    doing.journal.retract()?;
                }
                made
            }
            Self::MakeFileSystem { dataset, .. } => {
                doing.journal.step(Undo::DestroyEmpty { dataset: dataset.clone() })?;
                run(file_system(dataset, doing.journal.mark()))
            }
            Self::MakeDelegated { dataset, .. } => {
                doing.journal.step(Undo::Destroy { dataset: dataset.clone() })?;
                run(delegated(dataset, doing.journal.mark()))
            }
            Self::MakeVolume { dataset, size } => {
                doing.journal.step(Undo::Destroy { dataset: dataset.clone() })?;
                run(volume(dataset, size, doing.journal.mark()))
            }
            Self::Network(step) => {
                Ok(net::apply(std::slice::from_ref(&**step), doing.journal, doing.store, &mut |_| {})?)
            }
            Self::Configure { zone, zonepath, file, commands } => configure(doing, zone, zonepath, (file, commands)),
            Self::Install { zone, zonepath, arguments } => {
                // zoneadm makes it, and leaves it when it refuses then. One that was there is somebody's.
                if std::fs::symlink_metadata(zonepath).is_err() {
                    doing.journal.step(Undo::RemoveDirectory { path: zonepath.clone() })?;
                }
                doing.journal.step(Undo::UninstallZone { zone: zone.clone() })?;
                heed(doing, &install(zone, arguments))
            }
            Self::Inside { zone, kind, zonepath, files, edits } => {
                let root = open_root(doing.state, zone, *kind, zonepath)?;
                set_up(root.tree(), files, edits, doing.tell)?;
                root.close()
            }
            Self::Seed { zone, kind, zonepath, facts, .. } => seed(doing, zone, (*kind, zonepath), facts),
            Self::Join { behind, .. } => behind.join(doing.state, doing.store, doing.journal),
            Self::Konfigure { zone, request } => heed(doing, &konfigure(zone, request)),
            Self::Remember(record) => {
                doing.journal.step(doing.store.undo(ZoneRecord::KIND, &record.key())?)?;
                Ok(doing.store.put(&**record, Expect::Anything)?)
            }
            Self::Boot { zone } => heed(doing, &boot(zone)),
        }
    }
}

fn file_system(dataset: &str, operation: &str) -> Result<HostCommand, ZoneError> {
    Ok(zfs::create_command(&named(dataset)?, &[(MADE_PROPERTY, operation)]))
}

fn delegated(dataset: &str, operation: &str) -> Result<HostCommand, ZoneError> {
    Ok(zfs::create_command(&named(dataset)?, &[("mountpoint", "none"), (MADE_PROPERTY, operation)]))
}

fn volume(dataset: &str, size: &Size, operation: &str) -> Result<HostCommand, ZoneError> {
    Ok(zfs::create_volume_command(&named(dataset)?, &size.to_string(), &[(MADE_PROPERTY, operation)]))
}

fn run(command: Result<HostCommand, ZoneError>) -> Result<(), ZoneError> {
    Ok(command?.run().map(drop)?)
}

fn install(zone: &ZoneName, arguments: &[String]) -> HostCommand {
    HostCommand::new(ZONEADM).args(["-z", zone.as_str(), "install"]).args(arguments)
}

fn boot(zone: &ZoneName) -> HostCommand {
    HostCommand::new(ZONEADM).args(["-z", zone.as_str(), "boot"])
}

fn konfigure(zone: &ZoneName, request: &str) -> HostCommand {
    HostCommand::new(KONFIGURATOR).args(["-z", zone.as_str()]).arg(request)
}

fn named(dataset: &str) -> Result<DatasetName, ZoneError> {
    dataset.parse().map_err(|error: crate::host::DatasetError| ZoneError::Refused(error.to_string()))
}

/// Runs a command, and passes on what it says about its success.
fn heed(doing: &Doing<'_>, command: &HostCommand) -> Result<(), ZoneError> {
    let said = command.run_heeding()?;
    said.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).for_each(|line| (doing.tell)(line));
    Ok(())
}

/// It is somebody else's, who made it meanwhile.
fn is_there(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::AlreadyExists
}

fn make_directory(path: &Path, mode: u32) -> Result<(), ZoneError> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let made = std::fs::DirBuilder::new().mode(mode).create(path);
    // The mask may have taken some of it.
    let mode = std::fs::Permissions::from_mode(mode);
    made.and_then(|()| std::fs::set_permissions(path, mode)).map_err(ZoneError::system(path))
}

/// The file by which zonecfg is told about a zone.
pub(super) fn told_file(state: &StateDir, zone: &ZoneName) -> PathBuf {
    state.path().join(TOLD).join(format!("{zone}.cfg"))
}

fn told(zone: &ZoneName, file: &Path) -> HostCommand {
    HostCommand::new(ZONECFG).args(["-z", zone.as_str(), "-f"]).arg(file)
}

/// zonecfg goes on after `create` was refused, and would change the zone that is there; and what it was told
/// before an error may be saved all the same. So it is looked before, and what came of it is looked at.
fn configure(
    doing: &mut Doing<'_>,
    zone: &ZoneName,
    zonepath: &Path,
    (file, commands): (&Path, &str),
) -> Result<(), ZoneError> {
    doing.state.make(TOLD)?;
    if indexed(zone)?.is_some() {
        return Err(ZoneError::Refused(format!("somebody else has made a zone `{zone}` meanwhile")));
    }
    doing.journal.step(Undo::DeleteZone { zone: zone.clone() })?;
    doing.journal.step(Undo::RemoveFile { path: file.to_owned() })?;
    tell_file(file, commands).map_err(ZoneError::system(file))?;
    let done = told(zone, file).run_heeding();
    // Whatever came of it, nobody needs the file any more.
    let _ = std::fs::remove_file(file);
    let said = done?;
    said.lines().filter(|line| !line.trim().is_empty()).for_each(|line| (doing.tell)(line));
    match indexed(zone)? {
        Some(found) if found.state == "configured" && found.zonepath == zonepath => {}
        _ => return Err(ZoneError::Refused(format!("zonecfg has not made zone `{zone}`, and says that it has"))),
    }
    if command::was_made_by(zone, doing.journal.mark())? {
        return Ok(());
    }
    Err(ZoneError::Refused(format!("somebody else has configured zone `{zone}` meanwhile")))
}

/// Writes a file for root alone; what was left of the same name goes.
fn tell_file(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// A zone as the index has it.
pub(super) fn indexed(zone: &ZoneName) -> Result<Option<config::Indexed>, ZoneError> {
    let index = config::index().map_err(ZoneError::system(Path::new("/etc/zones/index")))?;
    Ok(index.into_iter().find(|found| found.name == *zone))
}

fn shown_files(files: &[ZoneFile]) -> Vec<ShownFile> {
    let shown = |(path, text): (PathBuf, String)| ShownFile { path: path.display().to_string(), text };
    files.iter().filter_map(shown_text).map(shown).collect()
}

/// The root of a zone that has never run.
enum Root {
    /// Of a brand of zonekit.
    Ours(OpenRoot),
    /// Of another one.
    Other(Tree),
}

impl Root {
    fn tree(&self) -> &Tree {
        match self {
            Self::Ours(root) => root.tree(),
            Self::Other(tree) => tree,
        }
    }

    fn close(self) -> Result<(), ZoneError> {
        match self {
            Self::Ours(root) => Ok(root.close()?),
            Self::Other(_) => Ok(()),
        }
    }
}

fn open_root(state: &StateDir, zone: &ZoneName, kind: Kind, zonepath: &Path) -> Result<Root, ZoneError> {
    if kind.is_ours() {
        return Ok(Root::Ours(OpenRoot::open(state, zone, zonepath, None, false)?));
    }
    let place = zonepath.join(ROOT);
    let tree = Tree::open(zonepath).and_then(|tree| tree.enter(ROOT.as_bytes()));
    Ok(Root::Other(tree.map_err(ZoneError::system(&place))?))
}

/// The image is made for root alone, outside of the zone, and put into its root as a whole. It goes with that.
fn seed(
    doing: &mut Doing<'_>,
    zone: &ZoneName,
    (kind, zonepath): (Kind, &Path),
    facts: &GuestFacts,
) -> Result<(), ZoneError> {
    let uuid = indexed(zone)?.and_then(|found| found.uuid);
    let uuid = uuid.ok_or_else(|| ZoneError::Refused(format!("zone `{zone}` has no UUID, though it is installed")))?;
    let bytes = image::make(&facts.files(&uuid), zone, doing.state, doing.journal)?;
    go_on()?;
    let root = open_root(doing.state, zone, kind, zonepath)?;
    let whole = WholeFile { bytes: &bytes, mode: 0o600, owner: SYSTEM_OWNER, modified: None };
    let put = put_file(root.tree(), cloud_init::IMAGE.as_bytes(), Some(&whole));
    put.map_err(ZoneError::system(&zonepath.join(ROOT).join(cloud_init::IMAGE)))?;
    root.close()
}

fn set_up(root: &Tree, files: &Files, edits: &[Edit], tell: &dyn Fn(&str)) -> Result<(), ZoneError> {
    match files {
        Files::Of(files) => inside::write(root, files)?,
        Files::Router(router) => {
            let (files, note) = router.files(root)?;
            note.iter().for_each(|note| tell(note));
            inside::write(root, &files)?
        }
    };
    Ok(edits.iter().try_for_each(|edit| edit.apply(root))?)
}
