//! The directory of a zone: its checks, its dataset, its removal (section 5).

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;

use super::host::{own_command, print, run_own};
use super::index::{self, State};
use super::zoneadm::Adm;
use super::{Context, Done, fail, mounts, verify};

/// Known to the clean-up, besides `.zfs`.
const OWN_FILES: [&str; 4] = ["dev", "lu", "root", "SUNWattached.xml"];

/// Whose the zonepath must be. In the lab, root is whoever runs it.
fn root() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// validate_zonepath: also makes it, and repairs its owner and mode.
pub(super) fn validate(adm: &Adm, path: &Path) -> Done {
    let text = path.display();
    if !path.is_absolute() {
        return fail(format!("{text} is not an absolute path."));
    }
    match fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match adm.command.as_str() {
                "install" | "clone" | "move" => make(path)?,
                "verify" => {
                    adm.say(&format!("WARNING: {text} does not exist, so it could not be verified."));
                    return Ok(());
                }
                _ => return fail(format!("{text}: {error}")),
            };
        }
        Err(error) => return fail(format!("{text}: {error}")),
    }
    let real = fs::canonicalize(path).during(&text)?;
    if real.as_os_str() != path.as_os_str() {
        return fail(format!("{text}: Resolved path mismatch ({})", real.display()));
    }
    let found = fs::metadata(path).during(&text)?;
    if !found.is_dir() {
        return fail(format!("{text} is not a directory."));
    }
    overlaps(adm, path)?;
    owner_and_mode(adm, path, &found)?;
    parent(path)?;
    filesystem(adm, path)?;
    old_root(adm, path)
}

/// Parents are 0755, itself 0700.
fn make(path: &Path) -> Done {
    if let Some(parent) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(parent).during(parent.display())?;
    }
    fs::DirBuilder::new().mode(0o700).create(path).during(path.display())?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).during(path.display())
}

/// Neither may contain the other, for zones that are installed.
fn overlaps(adm: &Adm, path: &Path) -> Done {
    for other in index::read(&adm.host)? {
        if other.name == adm.zone || other.name == "global" || other.state == State::Configured {
            continue;
        }
        let theirs = Path::new(&other.zonepath);
        if theirs.starts_with(path) || path.starts_with(theirs) {
            return fail(format!(
                "{} zone ({}) zonepath ({}) and {} zonepath ({}) overlap.",
                other.name,
                other.state.name(),
                other.zonepath,
                adm.zone,
                path.display()
            ));
        }
    }
    Ok(())
}

fn owner_and_mode(adm: &Adm, path: &Path, found: &fs::Metadata) -> Done {
    let text = path.display();
    if found.uid() != root() {
        if adm.command == "verify" {
            return fail(format!("{text} is not owned by root."));
        }
        adm.say(&format!("WARNING: {text} is not owned by root; changing its owner."));
        chown(path, Some(root()), None).during(&text)?;
    }
    if found.mode() & 0o7777 != 0o700 {
        if adm.command == "verify" {
            return fail(format!("{text} must have mode 0700."));
        }
        adm.say(&format!("changing the mode of {text} to 0700."));
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).during(&text)?;
    }
    Ok(())
}

fn parent(path: &Path) -> Done {
    let Some(parent) = path.parent() else { return fail("a zonepath has a parent.") };
    let (found, text) = (fs::metadata(parent).during(parent.display())?, parent.display());
    if found.uid() != root() && found.uid() != 0 {
        return fail(format!("{text} is not owned by root."));
    }
    if found.mode() & 0o700 != 0o700 {
        return fail(format!("{text} must be readable, writable and searchable by its owner."));
    }
    if found.mode() & 0o022 != 0 {
        return fail(format!("{text} must not be writable by group or others."));
    }
    Ok(())
}

fn filesystem(adm: &Adm, path: &Path) -> Done {
    let nearest = mounts::all(&adm.host.lab).into_iter().filter(|mount| path.starts_with(&mount.directory));
    let Some(mount) = nearest.max_by_key(|mount| mount.directory.len()) else { return Ok(()) };
    if mount.kind.starts_with("nfs") {
        return fail(format!("{} is on an NFS file system.", path.display()));
    }
    if mount.options.split(',').any(|option| option == "nosuid") {
        return fail(format!("{} is mounted nosuid.", mount.directory));
    }
    if mount.kind == "tmpfs" {
        adm.say(&format!("WARNING: {} is on a temporary file system.", path.display()));
    }
    Ok(())
}

/// What stands at `root` of a zone that is not installed.
fn old_root(adm: &Adm, path: &Path) -> Done {
    let root_directory = path.join("root");
    if !verify::is_configured(adm) || fs::symlink_metadata(&root_directory).is_err() {
        return Ok(());
    }
    if adm.command != "attach" && path.join("SUNWdetached.xml").exists() {
        return fail(format!("Cannot {} detached zone.", adm.command));
    }
    let (found, text) = (fs::symlink_metadata(&root_directory).during(root_directory.display())?, path.display());
    if !found.is_dir() || found.uid() != root() || found.mode() & 0o7777 != 0o755 {
        return fail(format!("{text}/root must be a directory of root's with mode 0755."));
    }
    Ok(())
}

/// create_zfs_zonepath: only where the parent is itself where a dataset is mounted.
pub(super) fn create_dataset(adm: &Adm) -> Done {
    let path = Path::new(&adm.zonepath);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let Some(above) = mounts::dataset_on(&adm.host.lab, parent) else { return Ok(()) };
    if own_command(&adm.host.lab, "zfs").is_none() {
        return Ok(());
    }
    let dataset = format!("{above}/{}", name.to_string_lossy());
    let zfs = |arguments: &[&str]| run_own(&adm.host.lab, "zfs", arguments);
    if let Some(done) = zfs(&["list", "-H", "-o", "name", &dataset])
        && done?.status.success()
    {
        return Ok(());
    }
    let Some(done) = zfs(&["create", "-o", "sharenfs=off", "-o", "sharesmb=off", &dataset]) else { return Ok(()) };
    let done = done?;
    if !done.status.success() {
        // A plain directory stays.
        eprint!("{}", String::from_utf8_lossy(&done.stderr));
        eprintln!("zoneadm: cannot create ZFS dataset {dataset}");
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).during(path.display())?;
    print("A ZFS file system has been created for this zone.\n");
    Ok(())
}

/// cleanup_zonepath: takes away what an installation has made, and nothing that is not known.
pub(super) fn clean_up(adm: &Adm, path: &Path) -> Done {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return fail(format!("{}: {error}", path.display())),
    };
    let names: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.file_name()).collect();
    let known = |name: &std::ffi::OsString| name == ".zfs" || OWN_FILES.iter().any(|own| name == own);
    if !names.iter().all(known) {
        for name in OWN_FILES {
            remove(&path.join(name))?;
        }
        let text = path.display();
        adm.say(&format!("WARNING: Unable to completely remove {text}\nbecause it contains additional user data."));
        return Ok(());
    }
    let Some(dataset) = mounts::dataset_on(&adm.host.lab, path) else { return remove(path) };
    if destroy(adm, &dataset) {
        return if path.exists() { fs::remove_dir(path).during(path.display()) } else { Ok(()) };
    }
    names.iter().filter(|name| *name != ".zfs").try_for_each(|name| remove(&path.join(name)))
}

/// Drops a dataset and its snapshots; false where that cannot be.
fn destroy(adm: &Adm, dataset: &str) -> bool {
    let zfs = |arguments: &[&str]| match run_own(&adm.host.lab, "zfs", arguments) {
        Some(Ok(done)) if done.status.success() => Some(String::from_utf8_lossy(&done.stdout).into_owned()),
        _ => None,
    };
    let snapshots = zfs(&["list", "-H", "-o", "name", "-t", "snapshot", "-d", "1", dataset]).unwrap_or_default();
    snapshots.lines().all(|snapshot| zfs(&["destroy", snapshot]).is_some()) && zfs(&["destroy", dataset]).is_some()
}

/// `rm -rf`.
pub(super) fn remove(path: &Path) -> Done {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.during(path.display())
}
