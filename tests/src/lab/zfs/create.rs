//! `zfs create`, `zfs clone`, `zfs promote`.

use std::collections::BTreeMap;

use super::super::state::{Host, Kind, parent};
use super::super::tree;
use super::adjust::{pairs, valid};
use super::{Done, Refused, failed, misused, names, operands, options, refused};

/// `zfs create`.
pub(super) fn create(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "po:V:sb:")?;
    let [name] = operands(&options, ["dataset"])?;
    let kind = if options.has('V') { Kind::Volume } else { Kind::Filesystem };
    let mut wanted = pairs(options.all('o'))?;
    if let Some(size) = options.get('V') {
        wanted.insert("volsize".to_owned(), size.to_owned());
    } else if options.has('s') || options.has('b') {
        return Err(misused("'-s' and '-b' can only be used when creating a volume"));
    }
    if options.has('p') {
        if host.state.exists(name) {
            return Ok(());
        }
        ancestors(host, name)?;
    }
    place_for(host, name, kind, &wanted)?;
    let mut dataset = host.state.new_dataset(kind);
    dataset.local = wanted;
    if kind == Kind::Filesystem {
        host.empty_store(dataset.id).map_err(|error| refused(error.to_string()))?;
    }
    host.state.datasets.insert(name.to_owned(), dataset);
    mount_new(host, name, "filesystem successfully created, but not mounted")
}

/// Source: `zfs_do_create()`: with `canmount=on` alone.
fn mount_new(host: &mut Host, name: &str, otherwise: &str) -> Done {
    if host.get(name, "canmount") != "on" {
        return Ok(());
    }
    host.mount_dataset(name, "", false).map_err(|error| refused(format!("{}\n{otherwise}", error.text)))
}

/// Makes the datasets above. Source: `zfs_create_ancestors()`.
pub(super) fn ancestors(host: &mut Host, name: &str) -> Done {
    let Some(above) = parent(name) else { return Ok(()) };
    if host.state.exists(above) {
        return Ok(());
    }
    ancestors(host, above)?;
    place_for(host, above, Kind::Filesystem, &BTreeMap::new())?;
    let dataset = host.state.new_dataset(Kind::Filesystem);
    host.empty_store(dataset.id).map_err(|error| refused(error.to_string()))?;
    host.state.datasets.insert(above.to_owned(), dataset);
    mount_new(host, above, "filesystem successfully created, but not mounted")
}

/// Whether a dataset of this name can be made. Source: `check_parents()`, `zfs_create()`, `zfs_clone()`.
pub(super) fn place_for(host: &Host, name: &str, kind: Kind, wanted: &BTreeMap<String, String>) -> Done {
    let cannot = |why: &str| refused(format!("cannot create '{name}': {why}"));
    names::check(name, &[Kind::Filesystem, Kind::Volume]).map_err(|why| cannot(&why))?;
    let pool = name.split('/').next().unwrap_or_default();
    if !host.state.pools.contains_key(pool) {
        return Err(cannot(&format!("no such pool '{pool}'")));
    }
    let above = parent(name).ok_or_else(|| cannot("missing dataset name"))?;
    let Some(found) = host.state.datasets.get(above) else { return Err(cannot("parent does not exist")) };
    if found.kind != Kind::Filesystem {
        return Err(cannot("parent is not a filesystem"));
    }
    if host.state.exists(name) {
        return Err(cannot("dataset already exists"));
    }
    for (property, text) in wanted {
        valid(kind, property, text, host.is_zoned(above), true).map_err(|why| cannot(&why))?;
    }
    if host.fits(name, 0) { Ok(()) } else { Err(cannot("out of space")) }
}

/// `zfs clone`.
pub(super) fn clone(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "po:")?;
    let [from, name] = operands(&options, ["source dataset", "target dataset"])?;
    let source = host.open(from, &[Kind::Snapshot])?;
    let wanted = pairs(options.all('o'))?;
    if options.has('p') {
        if host.state.exists(name) {
            return Ok(());
        }
        ancestors(host, name)?;
    }
    let kind = host.state.datasets[source.dataset()].kind;
    if pool(from) != pool(name) {
        return Err(refused(format!("cannot create '{name}': source and target pools differ")));
    }
    place_for(host, name, kind, &wanted)?;
    let snapshot = host.state.snapshot(from).ok_or_else(failed)?.id;
    let mut dataset = host.state.new_dataset(kind);
    dataset.local = wanted;
    dataset.origin = Some(from.to_owned());
    if kind == Kind::Filesystem {
        tree::copy(&host.frozen(snapshot), &host.store(dataset.id), &|_| None).map_err(no_copy)?;
    }
    host.state.datasets.insert(name.to_owned(), dataset);
    // `zfs_do_clone()` of illumos mounts without a look at `canmount=noauto`.
    host.mount_dataset(name, "", false)
}

pub(super) fn no_copy(error: std::io::Error) -> Refused {
    refused(format!("the lab cannot copy: {error}"))
}

pub(super) fn pool(name: &str) -> &str {
    name.split(['/', '@']).next().unwrap_or_default()
}

/// `zfs promote`. Snapshots up to the origin become the clone's; what hung from them hangs from it, the
/// file system that was cloned among them. Source: zfs(8), `dsl_dataset_promote_sync()`.
pub(super) fn promote(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "")?;
    let [name] = operands(&options, ["clone filesystem"])?;
    let name = host.open_dataset(name)?;
    let cannot = |why: &str| refused(format!("cannot promote '{name}': {why}"));
    let origin = host.state.datasets[&name].origin.clone().ok_or_else(|| cannot("not a cloned filesystem"))?;
    let (old, last) = origin.split_once('@').ok_or_else(failed)?;
    let theirs = &host.state.datasets[old].snapshots;
    let end = theirs.iter().position(|found| found.name == last).ok_or_else(failed)? + 1;
    let own = &host.state.datasets[&name].snapshots;
    if let Some(twice) = theirs[..end].iter().find(|found| own.iter().any(|other| other.name == found.name)) {
        return Err(cannot(&format!("conflicting snapshot '{}' from parent '{old}'", twice.name)));
    }
    let from = host.state.datasets.get_mut(old).ok_or_else(failed)?;
    let moved: Vec<_> = from.snapshots.drain(..end).collect();
    let above = from.origin.replace(format!("{name}@{last}"));
    let promoted = host.state.datasets.get_mut(&name).ok_or_else(failed)?;
    promoted.origin = above;
    for dataset in host.state.datasets.values_mut() {
        if let Some((of, snapshot)) = dataset.origin.as_deref().and_then(|origin| origin.split_once('@'))
            && of == old
            && moved.iter().any(|found| found.name == snapshot)
        {
            dataset.origin = Some(format!("{name}@{snapshot}"));
        }
    }
    let promoted = host.state.datasets.get_mut(&name).ok_or_else(failed)?;
    promoted.snapshots.splice(0..0, moved);
    Ok(())
}
