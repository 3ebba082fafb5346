//! `zfs destroy`.

use std::fs;

use super::super::state::{Host, Kind, is_in};
use super::adjust::dependents;
use super::{Done, Refused, failed, operands, options, refused};

struct Wanted {
    children: bool,
    clones: bool,
    force: bool,
    defer: bool,
    dry: bool,
    verbose: bool,
}

/// `zfs destroy`. Source: `zfs_do_destroy()`, `destroy_check_dependent()`, `destroy_callback()`.
pub(super) fn destroy(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "rRfdnpv")?;
    let [name] = operands(&options, ["dataset"])?;
    let wanted = Wanted {
        children: options.has('r') || options.has('R'),
        clones: options.has('R'),
        force: options.has('f'),
        defer: options.has('d'),
        dry: options.has('n'),
        verbose: options.has('v') || options.has('p'),
    };
    if name.contains('@') { snapshots(host, name, &wanted) } else { dataset(host, name, &wanted) }
}

fn dataset(host: &mut Host, name: &str, wanted: &Wanted) -> Done {
    let name = host.open_dataset(name)?;
    let kind = host.state.datasets[&name].kind.word();
    if !wanted.children && !name.contains('/') {
        return Err(refused(format!(
            "cannot destroy '{name}': operation does not apply to pools\nuse 'zfs destroy -r {name}' to destroy all \
             datasets in the pool\nuse 'zpool destroy {name}' to destroy the pool itself"
        )));
    }
    let mut doomed = host.state.below(&name);
    let all = dependents(host, &name);
    let clones: Vec<String> = all.iter().filter(|each| !is_in(each, &name)).cloned().collect();
    let below = doomed.iter().filter(|each| **each != name).cloned();
    let mut inside: Vec<String> = below.collect();
    inside.extend(doomed.iter().flat_map(|each| full_names(host, each)));
    if !wanted.children && !inside.is_empty() {
        return Err(listed(&name, &format!("{kind} has children"), 'r', &inside));
    }
    if !wanted.clones && !clones.is_empty() {
        return Err(listed(&name, &format!("{kind} has dependent clones"), 'R', &clones));
    }
    doomed.extend(clones);
    if wanted.verbose {
        for each in inside.iter().chain([&name]) {
            host.say(&format!("{} {each}", if wanted.dry { "would destroy" } else { "will destroy" }));
        }
    }
    if wanted.dry { Ok(()) } else { destroy_all(host, doomed, wanted.force) }
}

fn full_names(host: &Host, dataset: &str) -> Vec<String> {
    host.state.datasets[dataset].snapshots.iter().map(|found| format!("{dataset}@{}", found.name)).collect()
}

fn listed(name: &str, why: &str, option: char, what: &[String]) -> Refused {
    let list = what.join("\n");
    refused(format!("cannot destroy '{name}': {why}\nuse '-{option}' to destroy the following datasets:\n{list}"))
}

/// Destroys datasets and all of their snapshots; what depends on others first. The first that cannot be
/// destroyed ends it.
fn destroy_all(host: &mut Host, mut doomed: Vec<String>, force: bool) -> Done {
    while !doomed.is_empty() {
        let free = |name: &String| {
            let children = host.state.below(name).len() > 1;
            let clones = full_names(host, name).iter().any(|full| !host.state.clones(full).is_empty());
            !children && !clones
        };
        let Some(next) = doomed.iter().rposition(free) else { return Err(refused("the lab finds a circle of clones")) };
        let name = doomed.remove(next);
        host.unmount_dataset(&name, force)?;
        if host.state.datasets[&name].busy {
            return Err(refused(format!("cannot destroy '{name}': dataset is busy")));
        }
        for full in full_names(host, &name) {
            destroy_snapshot(host, &full)?;
        }
        let mountable = host.mountable(&name);
        let gone = host.state.datasets.remove(&name).ok_or_else(failed)?;
        let _ = fs::remove_dir_all(host.store(gone.id));
        host.remove_mountpoint(mountable);
        release_origin(host, gone.origin)?;
    }
    Ok(())
}

/// A snapshot that waits for its last clone to go.
fn release_origin(host: &mut Host, origin: Option<String>) -> Done {
    let Some(origin) = origin else { return Ok(()) };
    let waits = host.state.snapshot(&origin).is_some_and(|found| found.deferred && found.holds.is_empty());
    if waits && host.state.clones(&origin).is_empty() { destroy_snapshot(host, &origin) } else { Ok(()) }
}

/// Source: `zfs_destroy_snaps_nvl()`: a hold makes a snapshot busy.
pub(super) fn destroy_snapshot(host: &mut Host, full: &str) -> Done {
    let cannot = |why: &str| refused(format!("cannot destroy snapshot {full}: {why}"));
    let found = host.state.snapshot(full).ok_or_else(|| cannot("dataset does not exist"))?;
    if !found.holds.is_empty() {
        return Err(cannot("dataset is busy"));
    }
    if !host.state.clones(full).is_empty() {
        return Err(cannot("snapshot is cloned"));
    }
    let _ = fs::remove_dir_all(host.frozen(found.id));
    let (dataset, snapshot) = full.split_once('@').ok_or_else(failed)?;
    let dataset = host.state.datasets.get_mut(dataset).ok_or_else(failed)?;
    dataset.snapshots.retain(|found| found.name != snapshot);
    Ok(())
}

/// `DATASET@NAME[,NAME...]`.
fn snapshots(host: &mut Host, name: &str, wanted: &Wanted) -> Done {
    let (dataset, list) = name.split_once('@').ok_or_else(failed)?;
    let dataset = host.open(dataset, &[Kind::Filesystem, Kind::Volume])?.name();
    let mut doomed = Vec::new();
    for each in if wanted.children { host.state.below(&dataset) } else { vec![dataset.clone()] } {
        let full = list.split(',').map(|snapshot| format!("{each}@{snapshot}"));
        doomed.extend(full.filter(|full| host.state.snapshot(full).is_some()));
    }
    if doomed.is_empty() {
        return Err(refused("could not find any snapshots to destroy; check snapshot names."));
    }
    for full in &doomed {
        let clones: Vec<String> = host.state.clones(full).iter().flat_map(|clone| dependents(host, clone)).collect();
        if clones.is_empty() || wanted.defer {
            continue;
        }
        if !wanted.clones {
            return Err(listed(full, "snapshot has dependent clones", 'R', &clones));
        }
        if !wanted.dry {
            destroy_all(host, clones, wanted.force)?;
        }
    }
    for full in doomed {
        if wanted.verbose {
            host.say(&format!("{} {full}", if wanted.dry { "would destroy" } else { "will destroy" }));
        }
        if wanted.dry {
            continue;
        }
        let held = host.state.snapshot(&full).is_some_and(|found| !found.holds.is_empty());
        if wanted.defer && (held || !host.state.clones(&full).is_empty()) {
            host.state.snapshot_mut(&full).ok_or_else(failed)?.deferred = true;
        } else {
            destroy_snapshot(host, &full)?;
        }
    }
    Ok(())
}
