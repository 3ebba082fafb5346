//! Stand-ins for mount(8) and umount(8). Source: mount(8), umount(8), `manual_mount()` and
//! `manual_unmount()` in `zfs_main.c`.

use std::ffi::OsString;
use std::path::Path;

use super::Lab;
use super::state::{Host, table};
use super::zfs::{Done, conclude, misused, mountpoint, operands, options, refused, words};

/// `mount`.
pub(super) fn mount(lab: &Lab, arguments: &[OsString]) -> u8 {
    conclude(lab, |host| {
        let options = options(&words(arguments)?, "pvrOF:o:m")?;
        if options.operands.is_empty() {
            show(host, options.has('p'));
            return Ok(());
        }
        let [special, place] = operands(&options, ["special", "mount point"])?;
        if !place.starts_with('/') {
            return Err(refused(format!("mount: Mount point {place} is not an absolute pathname.")));
        }
        if !Path::new(place).exists() {
            return Err(refused(format!("mount: Mount point {place} does not exist.")));
        }
        let mut more = options.get('o').unwrap_or_default().to_owned();
        if options.has('r') {
            more = format!("ro,{more}");
        }
        match options.get('F') {
            Some("zfs") => mount_zfs(host, special, place, &more, options.has('O')),
            Some("lofs") => {
                let from = Path::new(special).canonicalize();
                let from = from.map_err(|_| refused(format!("mount: {special}: No such file or directory")))?;
                let words = if more.is_empty() { "rw".to_owned() } else { more };
                let noted = host.note_mount(&from.display().to_string(), Path::new(place), "lofs", &words);
                noted.map_err(|_| busy(special, place))
            }
            Some(kind) => Err(refused(format!("mount: the lab has no file systems of type {kind}"))),
            None => Err(misused("mount: the lab wants -F")),
        }
    })
}

fn busy(special: &str, place: &str) -> super::zfs::Refused {
    refused(format!("mount: {special} is already mounted or {place} is busy"))
}

/// Only a legacy mount point is mounted so; whether it is zoned, or what `canmount` says, is not asked.
fn mount_zfs(host: &mut Host, name: &str, place: &str, more: &str, overlay: bool) -> Done {
    let name = host.open_filesystem(name)?;
    if mountpoint(&host.state, &name).0 != "legacy" {
        return Err(refused(format!(
            "filesystem '{name}' cannot be mounted using 'mount -F zfs'\nUse 'zfs set mountpoint={place}' instead.\nIf \
             you must use 'mount -F zfs' or /etc/vfstab, use 'zfs set mountpoint=legacy'.\nSee zfs(8) for more \
             information."
        )));
    }
    let options = host.options(&name, more);
    host.attach(&name, Path::new(place), &options, overlay).map_err(|why| refused(format!("mount failed: {why}")))
}

/// With `-p` as lines of vfstab(5), else as sentences.
fn show(host: &mut Host, as_vfstab: bool) {
    for mount in host.state.mounts.clone() {
        let (special, path, kind) = (&mount.special, mount.path.display(), &mount.kind);
        let options = &mount.options;
        let line = if as_vfstab {
            format!("{special} - {path} {kind} - no {options}")
        } else {
            format!("{path} on {special} {} on {}", options.replace(',', "/"), mount.time)
        };
        host.say(&line);
    }
}

/// `umount`, of a mount point or of what is mounted.
pub(super) fn umount(lab: &Lab, arguments: &[OsString]) -> u8 {
    conclude(lab, |host| {
        let options = options(&words(arguments)?, "fVo:")?;
        let [what] = operands(&options, ["mount point"])?;
        let real = Path::new(what).canonicalize().unwrap_or_else(|_| what.into());
        let mounts = &host.state.mounts;
        let index = mounts.iter().rposition(|mount| mount.path == real || mount.special == what);
        let Some(index) = index else {
            return Err(refused(format!("umount: warning: {what} not in mnttab\numount: {what} not mounted")));
        };
        let (path, kind) = (mounts[index].path.display().to_string(), mounts[index].kind.clone());
        host.detach(index, options.has('f')).map_err(|why| {
            // For zfs it is libzfs that speaks.
            let line =
                if kind == "zfs" { format!("cannot unmount '{path}': {why}") } else { format!("umount: {path} busy") };
            refused(line)
        })
    })
}

impl Lab {
    /// What /etc/mnttab is to hold.
    #[must_use]
    pub fn mnttab(&self) -> String {
        table(&self.state().mounts)
    }
}
