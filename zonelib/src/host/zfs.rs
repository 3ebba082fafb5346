//! ZFS, as zfs(8) lets one have it: one `list` per question, parsed once, and one verb a change.

use std::fs::File;
use std::path::Path;

use super::be::{ACTIVE_PROPERTY, PARENT_PROPERTY, UUID_PROPERTY};
use super::{DatasetName, HostCommand, HostError};

/// The user property of everything that zonekit makes: which operation made it. Whoever undoes an
/// operation destroys nothing that does not say so.
pub const MADE_PROPERTY: &str = "zonekit:made";

/// The user property of a golden image: the fingerprint of what it was filled with.
pub const GOLDEN_PROPERTY: &str = "zonekit:golden";

/// The user property of a golden image's snapshot: the packages whose scripts failed in it.
pub const FAILED_PROPERTY: &str = "zonekit:failed";

const ZFS: &str = "/usr/sbin/zfs";
const MOUNT: &str = "/sbin/mount";
const UMOUNT: &str = "/sbin/umount";

/// What `zfs list` is asked for, in the order of the fields of [`Dataset`].
const COLUMNS: [&str; 17] = [
    "name",
    "type",
    "mountpoint",
    "canmount",
    "mounted",
    "zoned",
    "origin",
    "clones",
    "used",
    "creation",
    "guid",
    UUID_PROPERTY,
    PARENT_PROPERTY,
    ACTIVE_PROPERTY,
    MADE_PROPERTY,
    GOLDEN_PROPERTY,
    FAILED_PROPERTY,
];

/// What zfs(8) said or refused.
#[derive(Debug, thiserror::Error)]
pub enum ZfsError {
    /// It could not be run, or refused.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It printed what cannot be understood.
    #[error("`zfs list` printed what cannot be understood: `{0}`")]
    Unexpected(String),
}

/// What a dataset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file system.
    FileSystem,
    /// A snapshot.
    Snapshot,
    /// A volume, or something newer.
    Other,
}

/// A file system, volume or snapshot. Properties that it does not have are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Its name; that of a snapshot has an `@`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// `mountpoint`: a path, `legacy` or `none`.
    pub mountpoint: Option<String>,
    /// `canmount`.
    pub canmount: Option<String>,
    /// Whether it is mounted.
    pub mounted: bool,
    /// `zoned`: its mounts belong to a zone.
    pub zoned: bool,
    /// The snapshot that it is a clone of.
    pub origin: Option<String>,
    /// The clones of this snapshot.
    pub clones: Vec<String>,
    /// Bytes.
    pub used: u64,
    /// Seconds since the epoch.
    pub creation: u64,
    /// A number that no other dataset ever has.
    pub guid: String,
    /// `org.opensolaris.libbe:uuid`.
    pub uuid: Option<String>,
    /// `org.opensolaris.libbe:parentbe`.
    pub parent: Option<String>,
    /// `org.opensolaris.libbe:active` is `on`.
    pub active: bool,
    /// [`MADE_PROPERTY`], which may be inherited.
    pub made: Option<String>,
    /// [`GOLDEN_PROPERTY`], which a snapshot has from its file system.
    pub golden: Option<String>,
    /// [`FAILED_PROPERTY`].
    pub failed: Option<String>,
}

impl Dataset {
    /// The last component of its name.
    #[must_use]
    pub fn leaf(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, kind, mountpoint, canmount, mounted, zoned, origin, clones, used, creation, rest @ ..] = &fields[..]
        else {
            return None;
        };
        let [guid, uuid, parent, active, made, golden, failed] = rest else { return None };
        let given = |value: &str| (value != "-" && !value.is_empty()).then(|| value.to_owned());
        Some(Self {
            name: given(name)?,
            kind: match *kind {
                "filesystem" => Kind::FileSystem,
                "snapshot" => Kind::Snapshot,
                _ => Kind::Other,
            },
            mountpoint: given(mountpoint),
            canmount: given(canmount),
            mounted: *mounted == "yes",
            zoned: *zoned == "on",
            origin: given(origin),
            clones: given(clones).map(|all| all.split(',').map(str::to_owned).collect()).unwrap_or_default(),
            used: used.parse().unwrap_or(0),
            creation: creation.parse().unwrap_or(0),
            guid: given(guid)?,
            uuid: given(uuid),
            parent: given(parent),
            active: *active == "on",
            made: given(made),
            golden: given(golden),
            failed: given(failed),
        })
    }
}

/// Datasets with everything below them, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Datasets(Vec<Dataset>);

impl Datasets {
    /// Lists a dataset, with its snapshots and all that is below; `None` when it does not exist.
    ///
    /// # Errors
    /// [`ZfsError`].
    pub fn below(dataset: &DatasetName) -> Result<Option<Self>, ZfsError> {
        Self::list(&["-r", "-t", "all"], Some(dataset.as_str()))
    }

    /// Lists the file systems of all pools, or of those below a dataset; `None` when that does not exist.
    ///
    /// # Errors
    /// [`ZfsError`].
    pub fn file_systems(below: Option<&DatasetName>) -> Result<Option<Self>, ZfsError> {
        Self::list(&["-r", "-t", "filesystem"], below.map(DatasetName::as_str))
    }

    /// Lists a dataset and the file systems right below it; `None` when it does not exist.
    ///
    /// # Errors
    /// [`ZfsError`].
    pub fn right_below(dataset: &DatasetName) -> Result<Option<Self>, ZfsError> {
        Self::list(&["-d", "1", "-t", "filesystem"], Some(dataset.as_str()))
    }

    /// Lists one dataset or snapshot alone; `None` when it does not exist.
    ///
    /// # Errors
    /// [`ZfsError`].
    pub fn only(name: &str) -> Result<Option<Dataset>, ZfsError> {
        Ok(Self::list(&["-t", "all"], Some(name))?.and_then(|found| found.0.into_iter().next()))
    }

    fn list(flags: &[&str], name: Option<&str>) -> Result<Option<Self>, ZfsError> {
        let zfs = HostCommand::new(ZFS).args(["list", "-H", "-p"]).args(flags).arg("-o").arg(COLUMNS.join(","));
        let out = match zfs.args(name).run() {
            Ok(out) => out,
            Err(HostError::Failed { stderr, .. }) if stderr.contains("does not exist") => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Self::parse(&String::from_utf8_lossy(&out)).map(Some)
    }

    fn parse(text: &str) -> Result<Self, ZfsError> {
        let parse = |line: &str| Dataset::parse(line).ok_or(ZfsError::Unexpected(line.escape_debug().to_string()));
        text.lines().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// One more, unless it is known.
    pub fn add(&mut self, dataset: Dataset) {
        if self.get(&dataset.name).is_none() {
            self.0.push(dataset);
        }
    }

    /// As they will be when a clone has been promoted: it gets the snapshot that it was made from with all that are
    /// older, and what these were of depends on it. Its origin has to be among them.
    pub fn promote(&mut self, clone: &str) {
        let Some(origin) = self.get(clone).and_then(|found| found.origin.clone()) else { return };
        let Some((of, last)) = origin.split_once('@') else { return };
        let leaves: Vec<String> =
            self.snapshots(of).filter_map(|found| Some(found.name.split_once('@')?.1.to_owned())).collect();
        let Some(count) = leaves.iter().position(|leaf| leaf == last).map(|at| at + 1) else { return };
        let above = self.get(of).and_then(|found| found.origin.clone());
        let renamed = |name: &str| {
            let moves = name
                .split_once('@')
                .filter(|(owner, leaf)| *owner == of && leaves[..count].iter().any(|one| one == leaf));
            moves.map(|(_, leaf)| format!("{clone}@{leaf}"))
        };
        let swap = |clones: &mut Vec<String>, from: &str, to: &str| {
            clones.iter_mut().filter(|name| *name == from).for_each(|name| name.replace_range(.., to));
        };
        for dataset in &mut self.0 {
            let (moved, origin) = (renamed(&dataset.name), dataset.origin.as_deref().and_then(renamed));
            if dataset.name == format!("{of}@{last}") {
                swap(&mut dataset.clones, clone, of);
            } else if above.as_ref() == Some(&dataset.name) {
                swap(&mut dataset.clones, of, clone);
            }
            dataset.origin = match dataset.name.as_str() {
                name if name == clone => above.clone(),
                name if name == of => Some(format!("{clone}@{last}")),
                _ => origin.or_else(|| dataset.origin.take()),
            };
            dataset.name = moved.unwrap_or_else(|| std::mem::take(&mut dataset.name));
        }
        // What has moved is older than what the clone has had.
        let prefix = format!("{clone}@");
        let moved: Vec<String> = leaves[..count].iter().map(|leaf| format!("{prefix}{leaf}")).collect();
        let (older, mut rest): (Vec<Dataset>, Vec<Dataset>) =
            std::mem::take(&mut self.0).into_iter().partition(|dataset| moved.contains(&dataset.name));
        let at = rest.iter().position(|dataset| dataset.name == clone).map_or(rest.len(), |at| at + 1);
        rest.splice(at..at, older);
        self.0 = rest;
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Dataset> {
        self.0.iter().find(|dataset| dataset.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Dataset> {
        self.0.iter()
    }

    /// The file systems and volumes directly below one, in the order of their names.
    pub fn children<'d, 'n>(&'d self, name: &'n str) -> impl Iterator<Item = &'d Dataset> + use<'d, 'n> {
        self.iter().filter(move |dataset| {
            dataset.kind != Kind::Snapshot && dataset.name.rsplit_once('/').is_some_and(|(parent, _)| parent == name)
        })
    }

    /// The file systems and volumes below one, at any depth.
    pub fn descendants<'d, 'n>(&'d self, name: &'n str) -> impl DoubleEndedIterator<Item = &'d Dataset> + use<'d, 'n> {
        self.iter().filter(move |dataset| {
            dataset.kind != Kind::Snapshot && dataset.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// The snapshots of one.
    pub fn snapshots<'d, 'n>(&'d self, name: &'n str) -> impl Iterator<Item = &'d Dataset> + use<'d, 'n> {
        self.iter().filter(move |dataset| {
            dataset.kind == Kind::Snapshot && dataset.name.split_once('@').is_some_and(|(of, _)| of == name)
        })
    }
}

/// Whether this host has ZFS.
#[must_use]
pub fn present() -> bool {
    HostCommand::new(ZFS).present()
}

/// A property and its value.
pub type Property<'p> = (&'p str, &'p str);

fn verb(verb: &str, properties: &[Property<'_>]) -> HostCommand {
    properties.iter().fold(HostCommand::new(ZFS).arg(verb), |command, (name, value)| {
        command.arg("-o").arg(format!("{name}={value}"))
    })
}

/// Makes a file system. It is mounted at once where its properties say so.
///
/// # Errors
/// zfs(8) refused.
pub fn create(name: &DatasetName, properties: &[Property<'_>]) -> Result<(), HostError> {
    create_command(name, properties).run().map(drop)
}

/// The command that makes a file system.
#[must_use]
pub fn create_command(name: &DatasetName, properties: &[Property<'_>]) -> HostCommand {
    verb("create", properties).arg(name.as_str())
}

/// The command that makes a volume of a size such as `20G`.
#[must_use]
pub fn create_volume_command(name: &DatasetName, size: &str, properties: &[Property<'_>]) -> HostCommand {
    verb("create", properties).args(["-V", size]).arg(name.as_str())
}

/// Makes a snapshot, `dataset@name`.
///
/// # Errors
/// zfs(8) refused.
pub fn snapshot(snapshot: &str, properties: &[Property<'_>]) -> Result<(), HostError> {
    verb("snapshot", properties).arg(snapshot).run().map(drop)
}

/// Makes a file system out of a snapshot.
///
/// # Errors
/// zfs(8) refused.
pub fn clone(snapshot: &str, name: &DatasetName, properties: &[Property<'_>]) -> Result<(), HostError> {
    verb("clone", properties).arg(snapshot).arg(name.as_str()).run().map(drop)
}

/// Reads a stream of `zfs send` into a new file system, which is not mounted.
///
/// # Errors
/// zfs(8) refused; nothing is received then.
pub fn receive(stream: File, name: &DatasetName) -> Result<(), HostError> {
    HostCommand::new(ZFS).args(["receive", "-u"]).arg(name.as_str()).run_reading(stream).map(drop)
}

/// Destroys one dataset or snapshot, and nothing that depends on it.
///
/// # Errors
/// zfs(8) refused: it has children, snapshots or clones, or is busy.
pub fn destroy(name: &str) -> Result<(), HostError> {
    HostCommand::new(ZFS).arg("destroy").arg(name).run().map(drop)
}

/// Makes a clone independent of its origin, which then depends on it.
///
/// # Errors
/// zfs(8) refused.
pub fn promote(name: &str) -> Result<(), HostError> {
    HostCommand::new(ZFS).arg("promote").arg(name).run().map(drop)
}

/// Sets a property.
///
/// # Errors
/// zfs(8) refused.
pub fn set(name: &str, (property, value): Property<'_>) -> Result<(), HostError> {
    HostCommand::new(ZFS).arg("set").arg(format!("{property}={value}")).arg(name).run().map(drop)
}

/// Takes a property away, so that it is inherited, or has its default where it cannot be inherited.
///
/// # Errors
/// zfs(8) refused.
pub fn inherit(name: &str, property: &str) -> Result<(), HostError> {
    // zfs(8) refuses to have it inherited, but not to give back what it was before it was set.
    if property == "canmount" {
        return inherit_received(name, property);
    }
    HostCommand::new(ZFS).arg("inherit").arg(property).arg(name).run().map(drop)
}

/// Gives a property back the value that came with the stream that the dataset was received from.
///
/// # Errors
/// zfs(8) refused.
pub fn inherit_received(name: &str, property: &str) -> Result<(), HostError> {
    HostCommand::new(ZFS).args(["inherit", "-S"]).arg(property).arg(name).run().map(drop)
}

/// The value of a property that came with the stream that the dataset was received from; `-` without one.
///
/// # Errors
/// zfs(8) failed.
pub fn received_value(name: &str, property: &str) -> Result<String, HostError> {
    let out = HostCommand::new(ZFS).args(["get", "-H", "-p", "-o", "received"]).arg(property).arg(name).run()?;
    Ok(String::from_utf8_lossy(&out).trim_end_matches('\n').to_owned())
}

/// The values of properties that are set on the dataset itself, in the order asked; `None` for one that is
/// inherited or has its default.
///
/// # Errors
/// [`ZfsError`].
pub fn own_values(name: &str, properties: &[&str]) -> Result<Vec<Option<String>>, ZfsError> {
    let zfs = HostCommand::new(ZFS).args(["get", "-H", "-p", "-o", "property,value,source"]);
    let out = zfs.arg(properties.join(",")).arg(name).run()?;
    let text = String::from_utf8_lossy(&out);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    if let Some(row) = rows.iter().find(|row| row.len() != 3) {
        return Err(ZfsError::Unexpected(row.join("\t").escape_debug().to_string()));
    }
    let own = |property: &&str| {
        let row = rows.iter().find(|row| row[0] == *property)?;
        matches!(row[2], "local" | "received").then(|| row[1].to_owned())
    };
    Ok(properties.iter().map(own).collect())
}

/// Mounts a file system whose mountpoint is `legacy`.
///
/// # Errors
/// mount(8) refused.
pub fn mount(name: &str, path: &Path) -> Result<(), HostError> {
    HostCommand::new(MOUNT).args(["-F", "zfs"]).arg(name).arg(path).run().map(drop)
}

/// Mounts a file system where its mountpoint says.
///
/// # Errors
/// zfs(8) refused.
pub fn mount_in_place(name: &str) -> Result<(), HostError> {
    HostCommand::new(ZFS).arg("mount").arg(name).run().map(drop)
}

/// Unmounts what is mounted on a path.
///
/// # Errors
/// umount(8) refused: it is busy.
pub fn unmount(path: &Path) -> Result<(), HostError> {
    HostCommand::new(UMOUNT).arg(path).run().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "p/z\tfilesystem\t/z\ton\tyes\toff\t-\t-\t10\t1\t7\t-\t-\t-\t-\t-\t-\n\
        p/z@a\tsnapshot\t-\t-\t-\t-\t-\tp/y,p/x/y\t0\t2\t8\t-\t-\t-\t-\t-\t-\n\
        p/z/ROOT\tfilesystem\tlegacy\ton\tno\ton\t-\t-\t10\t1\t7\t-\t-\t-\tj1\t-\t-\n\
        p/z/ROOT/zbe\tfilesystem\tlegacy\tnoauto\tyes\ton\tp/g@g\t-\t10\t1\t7\t-\tu-1\ton\tj1\t-\tA,B\n";

    #[test]
    fn a_listing_is_read_field_by_field() {
        let all = Datasets::parse(LISTED).unwrap();
        let zbe = all.get("p/z/ROOT/zbe").unwrap();
        assert!(zbe.active && zbe.mounted && zbe.zoned);
        assert_eq!((zbe.parent.as_deref(), zbe.origin.as_deref(), zbe.leaf()), (Some("u-1"), Some("p/g@g"), "zbe"));
        assert_eq!((zbe.golden.as_deref(), zbe.failed.as_deref()), (None, Some("A,B")));
        let names = |found: Vec<&Dataset>| found.into_iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(all.children("p/z").collect()), ["p/z/ROOT"]);
        assert_eq!(names(all.descendants("p/z").collect()), ["p/z/ROOT", "p/z/ROOT/zbe"]);
        assert_eq!(names(all.snapshots("p/z").collect()), ["p/z@a"]);
        assert_eq!(all.get("p/z@a").unwrap().clones, ["p/y", "p/x/y"]);
    }

    #[test]
    fn a_line_of_another_form_is_no_dataset() {
        for text in ["p/z\tfilesystem\n", "\n", &LISTED.replace("10\t1", "10")] {
            assert!(matches!(Datasets::parse(text), Err(ZfsError::Unexpected(_))), "{text:?}");
        }
    }
}
