//! Mounting. A mount moves the dataset's content onto the mount point, and what was there aside; all is
//! in one file system, so that files which are open stay good.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::state::{Host, Kind, Mount, now};
use super::{Done, Refused, failed, mountpoint, operands, options, refused};

/// What mount(2) answers, in the words of strerror(3C) of illumos.
pub(crate) type Answer = Result<(), &'static str>;

pub(crate) const BUSY: &str = "Device busy";
const ABSENT: &str = "No such file or directory";

/// As rename(2), also for a directory that its mode protects from being moved by its owner.
fn shift(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mode = fs::symlink_metadata(from)?.permissions();
            fs::set_permissions(from, Permissions::from_mode(mode.mode() | 0o700))?;
            fs::rename(from, to)?;
            fs::set_permissions(to, mode)
        }
        other => other,
    }
}

impl Host {
    /// Mounts a dataset, as mount(2) with type zfs does. Source: `zfs_mount()` in `zfs_vfsops.c`:
    /// a dataset that is mounted and a mount point where something is mounted are busy.
    pub fn attach(&mut self, name: &str, path: &Path, options: &str, overlay: bool) -> Answer {
        if self.state.mount_of(name).is_some() {
            return Err(BUSY);
        }
        let path = path.canonicalize().map_err(|_| ABSENT)?;
        if !path.is_dir() {
            return Err("Not a directory");
        }
        if !overlay && self.state.mounts.iter().any(|mount| mount.path == path) {
            return Err(BUSY);
        }
        let root = self.lab.root().canonicalize().unwrap();
        if !path.starts_with(&root) || path == root || path.starts_with(root.join(".lab")) {
            return Err("the lab mounts below its own root only");
        }
        let dataset = &self.state.datasets[name];
        let id = dataset.id;
        let serial = self.state.next();
        let aside = self.aside(serial);
        shift(&path, &aside).map_err(|_| "the lab cannot move the mount point aside")?;
        if shift(&self.store(id), &path).is_err() {
            let _ = shift(&aside, &path);
            return Err("the lab has lost the content of the dataset");
        }
        self.record(name, path, "zfs", options, Some(id), serial);
        Ok(())
    }

    fn aside(&self, serial: u64) -> PathBuf {
        self.lab.own("under").join(serial.to_string())
    }

    fn record(&mut self, special: &str, path: PathBuf, kind: &str, options: &str, content: Option<u64>, serial: u64) {
        let (special, kind, options) = (special.to_owned(), kind.to_owned(), options.to_owned());
        self.state.mounts.push(Mount { special, path, kind, options, time: now(), content, serial });
    }

    /// Notes a mount of another kind than ZFS; nothing of it is shown.
    pub fn note_mount(&mut self, special: &str, path: &Path, kind: &str, options: &str) -> Answer {
        let path = path.canonicalize().map_err(|_| ABSENT)?;
        if self.state.mounts.iter().any(|mount| mount.path == path) {
            return Err(BUSY);
        }
        let serial = self.state.next();
        self.record(special, path, kind, options, None, serial);
        Ok(())
    }

    /// Takes the mount of this index away, as umount2(2) does. Something mounted below it makes it busy
    /// even by force; a use of its files does so without.
    pub fn detach(&mut self, index: usize, force: bool) -> Answer {
        let mount = self.state.mounts[index].clone();
        let above = |other: &Mount| other.path != mount.path && other.path.starts_with(&mount.path);
        let later = self.state.mounts[index + 1..].iter().any(|other| other.path == mount.path);
        if later || self.state.mounts.iter().any(above) {
            return Err(BUSY);
        }
        let busy = self.state.datasets.get(&mount.special).is_some_and(|dataset| dataset.busy);
        if mount.path == Path::new("/") || busy && !force {
            return Err(BUSY);
        }
        if let Some(id) = mount.content {
            let store = self.store(id);
            if shift(&mount.path, &store).is_err() {
                self.lab.violation(&format!("the mount point {} of {} is gone", mount.path.display(), mount.special));
                fs::create_dir(store).map_err(|_| "the lab cannot make a directory")?;
            }
            if shift(&self.aside(mount.serial), &mount.path).is_err() {
                self.lab.violation(&format!("what {} was in is gone", mount.path.display()));
                let _ = fs::remove_dir_all(self.aside(mount.serial));
            }
        }
        self.state.mounts.remove(index);
        Ok(())
    }

    /// Where the content of a dataset is now.
    pub fn content(&self, name: &str) -> PathBuf {
        match self.state.mount_of(name).map(|index| &self.state.mounts[index]) {
            Some(mount) if mount.content.is_some() => mount.path.clone(),
            _ => self.store(self.state.datasets[name].id),
        }
    }

    /// What stands below a mount point, for copies of the content around it.
    pub fn below_mount(&self, path: &Path) -> Option<PathBuf> {
        let mount = self.state.mounts.iter().find(|mount| mount.path == path)?;
        mount.content.map(|_| self.aside(mount.serial))
    }

    /// As `zfs_mount()` of libzfs: does nothing for what cannot be mounted, makes the mount point,
    /// refuses one with something in it.
    pub fn mount_dataset(&mut self, name: &str, options: &str, overlay: bool) -> Done {
        let Some((place, _)) = self.mountable(name) else { return Ok(()) };
        let path = PathBuf::from(&place);
        let cannot = |what: &str, why: &str| refused(format!("cannot mount '{what}': {why}"));
        if !path.starts_with(self.lab.root()) {
            return Err(cannot(&place, "the lab mounts below its own root only"));
        }
        if path.symlink_metadata().is_err() && fs::create_dir_all(&path).is_err() {
            return Err(cannot(&place, "failed to create mountpoint"));
        }
        let filled = fs::read_dir(&path).is_ok_and(|mut found| found.next().is_some());
        if filled && !overlay {
            return Err(cannot(&place, "directory is not empty"));
        }
        let options = self.options(name, options);
        self.attach(name, &path, &options, overlay).map_err(|why| match why {
            BUSY => cannot(name, "mountpoint or dataset is busy"),
            why => cannot(name, why),
        })
    }

    /// The options of a mount, as /etc/mnttab shows them.
    pub fn options(&self, name: &str, more: &str) -> String {
        let word = |property: &str, no: &str| {
            let on = self.get(name, property) == "on";
            if on { property.to_owned() } else { format!("{no}{property}") }
        };
        let access =
            if self.get(name, "readonly") == "on" || more.split(',').any(|word| word == "ro") { "ro" } else { "rw" };
        let words = ["devices", "setuid", "nbmand", "exec", "xattr", "atime"].map(|property| word(property, "no"));
        format!("{access},{}", words.join(","))
    }

    /// As `zfs_unmount()`: nothing where it is not mounted.
    pub fn unmount_dataset(&mut self, name: &str, force: bool) -> Done {
        let Some(index) = self.state.mount_of(name) else { return Ok(()) };
        let place = self.state.mounts[index].path.display().to_string();
        self.detach(index, force).map_err(|why| refused(format!("cannot unmount '{place}': {why}")))
    }

    /// Removes the directory of a mount point that the dataset has by inheritance or default. Source:
    /// `remove_mountpoint()`.
    pub fn remove_mountpoint(&self, mountable: Option<(String, super::Source)>) {
        if let Some((place, super::Source::Inherited(_) | super::Source::Default)) = mountable {
            // As there: not for one with something in it, which is no error.
            if Path::new(&place).starts_with(self.lab.root()) {
                let _ = fs::remove_dir(place);
            }
        }
    }
}

/// `zfs mount`. Source: `share_mount_one()`.
pub(super) fn mount(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "avOo:")?;
    let more = options.get('o').unwrap_or_default();
    let overlay = options.has('O');
    if options.has('a') {
        return mount_all(host, more, overlay);
    }
    if options.operands.is_empty() {
        for mount in host.state.mounts.clone().iter().filter(|mount| mount.kind == "zfs") {
            host.say(&format!("{:<30}  {}", mount.special, mount.path.display()));
        }
        return Ok(());
    }
    let [name] = operands(&options, ["filesystem"])?;
    let name = host.open_filesystem(name)?;
    let cannot = |why: &str| refused(format!("cannot mount '{name}': {why}"));
    if host.is_zoned(&name) {
        return Err(cannot("dataset is exported to a local zone"));
    }
    match mountpoint(&host.state, &name).0.as_str() {
        "legacy" => return Err(cannot("legacy mountpoint\nuse mount(1M) to mount this filesystem")),
        "none" => return Err(cannot("no mountpoint set")),
        _ if host.get(&name, "canmount") == "off" => return Err(cannot("'canmount' property is set to 'off'")),
        _ if host.state.mount_of(&name).is_some() => return Err(cannot("filesystem already mounted")),
        _ => {}
    }
    host.mount_dataset(&name, more, overlay)
}

fn mount_all(host: &mut Host, more: &str, overlay: bool) -> Done {
    let wanted = |host: &Host, name: &String| {
        let dataset = &host.state.datasets[name];
        let ready = dataset.kind == Kind::Filesystem && host.state.mount_of(name).is_none();
        ready && host.get(name, "canmount") == "on" && host.mountable(name).is_some()
    };
    let mut names: Vec<String> = host.state.datasets.keys().filter(|name| wanted(host, name)).cloned().collect();
    names.sort_by_key(|name| mountpoint(&host.state, name).0);
    let mut done = Ok(());
    for name in names {
        if let Err(refused) = host.mount_dataset(&name, more, overlay) {
            host.complain(&refused.text);
            done = Err(failed());
        }
    }
    done
}

/// `zfs unmount`. Source: `unshare_unmount()`, `unshare_unmount_path()`.
pub(super) fn unmount(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "af")?;
    let force = options.has('f');
    if options.has('a') {
        return unmount_all(host, force);
    }
    let [operand] = operands(&options, ["filesystem"])?;
    let name = if operand.starts_with('/') { mounted_on(host, operand)? } else { host.open_filesystem(operand)? };
    let cannot = |why: &str| refused(format!("cannot unmount '{operand}': {why}"));
    if mountpoint(&host.state, &name).0 == "legacy" {
        let line = "legacy mountpoint\nuse umount(1M) to unmount this filesystem";
        return Err(refused(format!("cannot unmount '{name}': {line}")));
    }
    if host.state.mount_of(&name).is_none() {
        return Err(cannot("not currently mounted"));
    }
    // `zfs_unmountall()`: those that inherit the mount point go with it.
    let list = super::adjust::Changes::gather(host, &name, "mountpoint");
    list.unmount(host, force)
}

fn mounted_on(host: &Host, path: &str) -> Result<String, Refused> {
    let cannot = |why: &str| refused(format!("cannot unmount '{path}': {why}"));
    let real = Path::new(path).canonicalize().map_err(|_| cannot(ABSENT))?;
    let mount = host.state.mounts.iter().rfind(|mount| mount.path == real);
    let mount = mount.ok_or_else(|| cannot("not currently mounted"))?;
    if mount.kind == "zfs" { Ok(mount.special.clone()) } else { Err(cannot("not a ZFS filesystem")) }
}

fn unmount_all(host: &mut Host, force: bool) -> Done {
    let mut done = Ok(());
    for index in (0..host.state.mounts.len()).rev() {
        let mount = &host.state.mounts[index];
        let legacy = mount.kind == "zfs" && mountpoint(&host.state, &mount.special).0 == "legacy";
        if mount.kind != "zfs" || mount.content.is_none() || legacy {
            continue;
        }
        let name = mount.special.clone();
        if let Err(refused) = host.unmount_dataset(&name, force) {
            host.complain(&refused.text);
            done = Err(failed());
        }
    }
    done
}
