//! `zfs snapshot`, `zfs rollback`, `zfs hold`, `zfs holds` and `zfs release`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::super::state::{Host, Kind, Snapshot, State, now};
use super::super::tree;
use super::adjust::{pairs, valid};
use super::create::no_copy;
use super::destroy::destroy_snapshot;
use super::{Done, failed, misused, names, operands, options, refused};

/// `zfs snapshot`: all or none.
pub(super) fn snapshot(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "ro:")?;
    if options.operands.is_empty() {
        return Err(misused("missing snapshot argument"));
    }
    let wanted = pairs(options.all('o'))?;
    let mut all = Vec::new();
    for full in &options.operands {
        let cannot = |why: &str| refused(format!("cannot create snapshot '{full}': {why}"));
        // `zfs_do_snapshot()` takes a name without `@`, and a dataset that is not there, for misuse.
        let (dataset, snapshot) = full.split_once('@').ok_or_else(|| misused("missing '@'"))?;
        let dataset = host.open_dataset(dataset).map_err(|error| misused(error.text))?;
        names::check(full, &[Kind::Snapshot]).map_err(|why| cannot(&why))?;
        for (property, text) in &wanted {
            valid(Kind::Snapshot, property, text, false, true).map_err(|why| cannot(&why))?;
        }
        let below = if options.has('r') { host.state.below(&dataset) } else { vec![dataset] };
        all.extend(below.into_iter().map(|dataset| (dataset, snapshot.to_owned())));
    }
    for (dataset, snapshot) in &all {
        let full = format!("{dataset}@{snapshot}");
        if host.state.snapshot(&full).is_some() {
            return Err(refused(format!("cannot create snapshot '{full}': dataset already exists")));
        }
        if !host.fits(dataset, host.referenced(dataset)) {
            return Err(refused(format!("cannot create snapshot '{full}': out of space")));
        }
    }
    all.iter().try_for_each(|(dataset, snapshot)| take(host, dataset, snapshot, &wanted))
}

/// Copies what is in a dataset.
pub(super) fn take(host: &mut Host, dataset: &str, name: &str, local: &BTreeMap<String, String>) -> Done {
    let id = host.state.next();
    if host.state.datasets[dataset].kind == Kind::Filesystem {
        let content = host.content(dataset);
        tree::copy(&content, &host.frozen(id), &|path| host.below_mount(path)).map_err(no_copy)?;
    }
    let snapshot = Snapshot {
        name: name.to_owned(),
        id,
        guid: State::guid(id),
        creation: now(),
        local: local.clone(),
        holds: BTreeSet::new(),
        deferred: false,
    };
    host.state.datasets.get_mut(dataset).ok_or_else(failed)?.snapshots.push(snapshot);
    Ok(())
}

/// `zfs rollback`.
pub(super) fn rollback(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "rRf")?;
    let [full] = operands(&options, ["dataset"])?;
    let target = host.open(full, &[Kind::Snapshot])?;
    let dataset = target.dataset().to_owned();
    let snapshots = &host.state.datasets[&dataset].snapshots;
    let at = snapshots.iter().position(|found| format!("{dataset}@{}", found.name) == full).ok_or_else(failed)?;
    let later: Vec<String> = snapshots[at + 1..].iter().map(|found| format!("{dataset}@{}", found.name)).collect();
    if !later.is_empty() && !options.has('r') && !options.has('R') {
        let list = later.join("\n");
        return Err(refused(format!(
            "cannot rollback to '{full}': more recent snapshots or bookmarks exist\nuse '-r' to force deletion of the \
             following snapshots and bookmarks:\n{list}"
        )));
    }
    for each in later {
        destroy_snapshot(host, &each)?;
    }
    let id = host.state.snapshot(full).ok_or_else(failed)?.id;
    replace(host, &dataset, |host, to| tree::copy(&host.frozen(id), to, &|_| None))
}

/// Gives a dataset other content, where it is mounted or not.
pub(super) fn replace(
    host: &mut Host,
    dataset: &str,
    fill: impl FnOnce(&Host, &std::path::Path) -> std::io::Result<()>,
) -> Done {
    let index = host.state.mount_of(dataset);
    let mount = index.map(|index| (host.state.mounts[index].path.clone(), host.state.mounts[index].options.clone()));
    host.unmount_dataset(dataset, false)?;
    let store = host.store(host.state.datasets[dataset].id);
    let beside = store.with_extension("new");
    let filled = fill(host, &beside);
    if filled.is_ok() {
        let _ = fs::remove_dir_all(&store);
        fs::rename(&beside, &store).map_err(no_copy)?;
    } else {
        let _ = fs::remove_dir_all(&beside);
    }
    if let Some((path, options)) = mount {
        host.attach(dataset, &path, &options, true).map_err(refused)?;
    }
    filled.map_err(no_copy)
}

/// `zfs hold`.
pub(super) fn hold(host: &mut Host, words: &[String]) -> Done {
    held(host, words, |snapshot, tag| snapshot.holds.insert(tag.to_owned()), "tag already exists on this dataset")
}

/// `zfs release`.
pub(super) fn release(host: &mut Host, words: &[String]) -> Done {
    held(host, words, |snapshot, tag| snapshot.holds.remove(tag), "no such tag on this dataset")
}

fn held(host: &mut Host, words: &[String], act: impl Fn(&mut Snapshot, &str) -> bool, refusal: &str) -> Done {
    let options = options(words, "r")?;
    let [tag, names @ ..] = &options.operands[..] else { return Err(misused("missing tag argument")) };
    for name in names {
        host.open(name, &[Kind::Snapshot])?;
        let (dataset, snapshot) = name.split_once('@').ok_or_else(failed)?;
        let below = if options.has('r') { host.state.below(dataset) } else { vec![dataset.to_owned()] };
        for full in below.iter().map(|dataset| format!("{dataset}@{snapshot}")) {
            let Some(found) = host.state.snapshot_mut(&full) else { continue };
            if !act(found, tag) {
                return Err(refused(format!("cannot change holds of '{full}': {refusal}")));
            }
            let over = found.deferred && found.holds.is_empty();
            if over && host.state.clones(&full).is_empty() {
                destroy_snapshot(host, &full)?;
            }
        }
    }
    Ok(())
}

/// `zfs holds`.
pub(super) fn holds(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "rHp")?;
    for name in &options.operands {
        host.open(name, &[Kind::Snapshot])?;
        let holds = host.state.snapshot(name).map(|found| found.holds.clone()).unwrap_or_default();
        for tag in holds {
            host.say(&format!("{name}\t{tag}"));
        }
    }
    Ok(())
}
