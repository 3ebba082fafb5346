//! What is mounted: `/etc/mnttab` of the lab.

use std::fs;
use std::path::Path;

use crate::lab::Lab;
use crate::lab::state::Host as State;

use super::host::{append, lock_file, must_run, own_command, replace};
use super::{Context, Done};

/// A mount.
#[derive(Clone, Debug)]
pub(super) struct Mount {
    pub(super) special: String,
    pub(super) directory: String,
    pub(super) kind: String,
    pub(super) options: String,
}

/// Whether the lab keeps the table out of its own state, as one with datasets does.
fn has_state(lab: &Lab) -> bool {
    lab.own("state.json").exists()
}

/// All mounts, the oldest first.
pub(super) fn all(lab: &Lab) -> Vec<Mount> {
    let text = fs::read_to_string(lab.place("etc/mnttab")).unwrap_or_default();
    let mount = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(Mount {
            special: fields.next()?,
            directory: fields.next()?,
            kind: fields.next()?,
            options: fields.next()?,
        })
    };
    text.lines().filter_map(mount).collect()
}

/// The topmost mount on a directory.
pub(super) fn on(lab: &Lab, directory: &Path) -> Option<Mount> {
    all(lab).into_iter().rfind(|mount| Path::new(&mount.directory) == directory)
}

/// The ZFS dataset that is mounted on a directory.
pub(super) fn dataset_on(lab: &Lab, directory: &Path) -> Option<String> {
    on(lab, directory).filter(|mount| mount.kind == "zfs").map(|mount| mount.special)
}

/// What is mounted below a directory, not on it; `.zfs` does not count.
pub(super) fn below(lab: &Lab, directory: &Path) -> Vec<String> {
    let below = |path: &Path| {
        path.strip_prefix(directory).is_ok_and(|rest| !rest.as_os_str().is_empty() && !rest.starts_with(".zfs"))
    };
    all(lab).into_iter().map(|mount| mount.directory).filter(|path| below(Path::new(path))).collect()
}

/// Mounts, as `/usr/lib/fs/<type>/mount` is told to. Where the lab has `mount`, it does what can be done for file
/// systems with content; the others are but noted.
pub(super) fn add(lab: &Lab, mount: &Mount) -> Done {
    if mount.kind == "zfs" && own_command(lab, "mount").is_some() {
        let mut words = vec!["-F", mount.kind.as_str()];
        if !mount.options.is_empty() {
            words.extend(["-o", &mount.options]);
        }
        words.extend([mount.special.as_str(), mount.directory.as_str()]);
        return must_run(lab, "mount", &words).map(drop);
    }
    let options = if mount.options.is_empty() { "rw" } else { &mount.options };
    if has_state(lab) {
        let note =
            |host: &mut State| host.note_mount(&mount.special, Path::new(&mount.directory), &mount.kind, options);
        return lab.transact(note).0.during(&mount.directory);
    }
    let _lock = lock_file(&lab.place(".lab/mnttab.lock"))?;
    let table = lab.place("etc/mnttab");
    let line = format!("{}\t{}\t{}\t{options}\t0\n", mount.special, mount.directory, mount.kind);
    append(&table, &line).during(table.display())
}

/// Unmounts the topmost mount of a directory.
pub(super) fn remove(lab: &Lab, directory: &str) -> Done {
    let Some(mount) = on(lab, Path::new(directory)) else { return Ok(()) };
    if mount.kind == "zfs" && own_command(lab, "umount").is_some() {
        return must_run(lab, "umount", &[directory]).map(drop);
    }
    if has_state(lab) {
        let forget = |host: &mut State| {
            let at = host.state.mounts.iter().rposition(|mount| mount.path == Path::new(directory));
            at.map_or(Ok(()), |at| host.detach(at, false))
        };
        return lab.transact(forget).0.during(directory);
    }
    let _lock = lock_file(&lab.place(".lab/mnttab.lock"))?;
    let table = lab.place("etc/mnttab");
    let text = fs::read_to_string(&table).during(table.display())?;
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if let Some(last) = lines.iter().rposition(|line| line.split('\t').nth(1) == Some(directory)) {
        lines.remove(last);
    }
    replace(&table, &lines.concat())
}
