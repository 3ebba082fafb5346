//! `zfs rename`. Source: `zfs_do_rename()`, `zfs_rename()`.

use std::collections::BTreeMap;

use super::super::state::{Host, Kind, is_in, parent};
use super::adjust::Changes;
use super::create::{ancestors, pool};
use super::{Done, failed, misused, names, operands, options, refused};

pub(super) fn rename(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "pruf")?;
    let [from, to] = operands(&options, ["source dataset", "target dataset"])?;
    if options.has('r') && options.has('p') {
        return Err(misused("-p and -r options are mutually exclusive"));
    }
    if from.contains('@') {
        return snapshot(host, from, to, options.has('r'));
    }
    if options.has('r') {
        return Err(misused("source dataset for recursive rename must be a snapshot"));
    }
    let from = host.open_dataset(from)?;
    let cannot = |why: &str| refused(format!("cannot rename '{from}': {why}"));
    if options.has('p') && parent(to).is_some_and(|above| !host.state.exists(above)) {
        ancestors(host, to)?;
    }
    let to_cannot = |why: &str| refused(format!("cannot create '{to}': {why}"));
    names::check(to, &[Kind::Filesystem, Kind::Volume]).map_err(|why| to_cannot(&why))?;
    if from == to {
        return Ok(());
    }
    if !from.contains('/') || pool(&from) != pool(to) {
        return Err(cannot("datasets must be within same pool"));
    }
    let Some(above) = parent(to) else { return Err(cannot("missing dataset name")) };
    if !host.state.datasets.contains_key(above) {
        return Err(cannot("parent does not exist"));
    }
    if is_in(to, &from) {
        return Err(cannot("New dataset name cannot be a descendant of current dataset name"));
    }
    if host.state.datasets[&from].kind == Kind::Filesystem && host.is_zoned(&from) {
        return Err(cannot("dataset is used in a non-global zone"));
    }
    let mut list = Changes::gather(host, &from, "name");
    if list.zoned_child {
        return Err(cannot("child dataset with inherited mountpoint is used in a non-global zone"));
    }
    if host.state.exists(to) {
        return Err(cannot("dataset already exists"));
    }
    list.before(host)?;
    let renamed: BTreeMap<String, String> = host
        .state
        .below(&from)
        .into_iter()
        .map(|name| (name.clone(), format!("{to}{}", &name[from.len()..])))
        .collect();
    list.rename(host, &from, to);
    give_names(host, &renamed);
    list.after(host)
}

fn give_names(host: &mut Host, renamed: &BTreeMap<String, String>) {
    for (old, new) in renamed {
        if let Some(dataset) = host.state.datasets.remove(old) {
            host.state.datasets.insert(new.clone(), dataset);
        }
    }
    for dataset in host.state.datasets.values_mut() {
        if let Some((of, snapshot)) = dataset.origin.as_deref().and_then(|origin| origin.split_once('@'))
            && let Some(new) = renamed.get(of)
        {
            dataset.origin = Some(format!("{new}@{snapshot}"));
        }
    }
    for mount in host.state.mounts.iter_mut().filter(|mount| mount.kind == "zfs") {
        if let Some(new) = renamed.get(&mount.special) {
            mount.special.clone_from(new);
        }
    }
}

/// A snapshot keeps its dataset; the new name may be given with it or alone.
fn snapshot(host: &mut Host, from: &str, to: &str, below: bool) -> Done {
    host.open(from, &[Kind::Snapshot])?;
    let cannot = |why: &str| refused(format!("cannot rename '{from}': {why}"));
    let (dataset, old) = from.split_once('@').ok_or_else(failed)?;
    let (of, new) = to.split_once('@').unwrap_or((dataset, to));
    if !of.is_empty() && of != dataset {
        return Err(cannot("snapshots must be part of same dataset"));
    }
    names::check(&format!("{dataset}@{new}"), &[Kind::Snapshot]).map_err(|why| cannot(&why))?;
    let all = if below { host.state.below(dataset) } else { vec![dataset.to_owned()] };
    if all.iter().any(|each| host.state.exists(&format!("{each}@{new}"))) {
        return Err(cannot("dataset already exists"));
    }
    for each in all {
        let (before, after) = (format!("{each}@{old}"), format!("{each}@{new}"));
        if let Some(found) = host.state.snapshot_mut(&before) {
            new.clone_into(&mut found.name);
        }
        for clone in host.state.clones(&before) {
            host.state.datasets.get_mut(&clone).ok_or_else(failed)?.origin = Some(after.clone());
        }
    }
    Ok(())
}
