//! `zfs set` and `zfs inherit`, and what they do to mounts. Source: `libzfs_changelist.c`,
//! `zfs_prop_set_list()`, `zfs_prop_inherit()`, `zfs_valid_proplist()`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::state::{Host, Kind};
use super::names::is_user_property;
use super::properties::{Native, native};
use super::{Done, Refused, Source, Target, failed, misused, mountpoint, options, refused, value};

/// The file systems that a change unmounts and mounts again.
#[derive(Debug)]
pub(super) struct Changes {
    nodes: Vec<Node>,
    /// Those that were not mounted are mounted as well.
    was_legacy: bool,
    pub zoned_child: bool,
}

#[derive(Debug)]
struct Node {
    name: String,
    place: String,
    mounted: bool,
    zoned: bool,
    after: bool,
    mountable: Option<(String, Source)>,
}

impl Changes {
    /// Source: `changelist_gather()`. For `mountpoint` and `canmount` those that inherit the mount
    /// point, for `zoned` all below, for `name` all below and their clones; for others none.
    pub fn gather(host: &Host, name: &str, property: &str) -> Self {
        let mut nodes = Vec::new();
        match property {
            "mountpoint" | "canmount" => inheriting(host, name, &mut nodes),
            "zoned" => nodes = host.state.below(name),
            "name" => nodes = dependents(host, name),
            _ => return Self { nodes: Vec::new(), was_legacy: false, zoned_child: false },
        }
        if !nodes.iter().any(|node| node == name) {
            nodes.push(name.to_owned());
        }
        nodes.retain(|node| host.state.datasets[node].kind == Kind::Filesystem);
        let mut nodes: Vec<Node> = nodes.into_iter().map(|name| Node::of(host, name)).collect();
        nodes.sort_by_key(|node| Reverse(node.place.clone()));
        let place = mountpoint(&host.state, name).0;
        let free = place == "legacy" || place == "none";
        Self {
            was_legacy: property == "mountpoint" && free && host.get(name, "canmount") != "noauto",
            zoned_child: nodes.iter().any(|node| node.zoned && node.name != name),
            nodes,
        }
    }

    /// Unmounts them, and mounts them again if one cannot be. Source: `changelist_prefix()`: those of
    /// zones are left alone.
    pub fn before(&mut self, host: &mut Host) -> Done {
        for index in 0..self.nodes.len() {
            let node = &mut self.nodes[index];
            if node.zoned {
                continue;
            }
            if let Err(error) = host.unmount_dataset(&node.name, false) {
                self.nodes[index..].iter_mut().for_each(|node| node.after = false);
                let _ = self.after(host);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Mounts them again as they are now to be mounted. Source: `changelist_postfix()`.
    pub fn after(&self, host: &mut Host) -> Done {
        let Some(last) = self.nodes.last() else { return Ok(()) };
        host.remove_mountpoint(last.mountable.clone());
        let mut done = Ok(());
        for node in self.nodes.iter().rev().filter(|node| !node.zoned && node.after) {
            let wanted = node.mounted || self.was_legacy;
            if wanted
                && host.state.mount_of(&node.name).is_none()
                && let Err(error) = host.mount_dataset(&node.name, "", false)
            {
                host.complain(&error.text);
                done = Err(failed());
            }
        }
        done
    }

    /// Unmounts them for good.
    pub fn unmount(mut self, host: &mut Host, force: bool) -> Done {
        if !force {
            return self.before(host);
        }
        self.nodes.iter().filter(|node| !node.zoned).try_for_each(|node| host.unmount_dataset(&node.name, true))
    }

    /// They have new names. Source: `changelist_rename()`.
    pub fn rename(&mut self, host: &Host, from: &str, to: &str) {
        for node in &mut self.nodes {
            if super::super::state::is_in(&node.name, from) {
                host.remove_mountpoint(node.mountable.take());
                node.name = format!("{to}{}", &node.name[from.len()..]);
            }
        }
    }
}

impl Node {
    fn of(host: &Host, name: String) -> Self {
        Self {
            place: mountpoint(&host.state, &name).0,
            mounted: host.state.mount_of(&name).is_some(),
            zoned: host.is_zoned(&name),
            after: true,
            mountable: host.mountable(&name),
            name,
        }
    }
}

fn inheriting(host: &Host, name: &str, found: &mut Vec<String>) {
    for child in host.state.children(name) {
        if matches!(mountpoint(&host.state, &child).1, Source::Inherited(_) | Source::Default) {
            inheriting(host, &child, found);
            found.push(child);
        }
    }
}

/// All below, and the clones of what is there, wherever they are. Source: `zfs_iter_dependents()`.
pub(super) fn dependents(host: &Host, name: &str) -> Vec<String> {
    let mut all = host.state.below(name);
    let mut at = 0;
    while let Some(dataset) = all.get(at).cloned() {
        at += 1;
        for snapshot in &host.state.datasets[&dataset].snapshots {
            for clone in host.state.clones(&format!("{dataset}@{}", snapshot.name)) {
                for each in host.state.below(&clone) {
                    if !all.contains(&each) {
                        all.push(each);
                    }
                }
            }
        }
    }
    all
}

/// Whether a property can be set so. Source: `zfs_valid_proplist()`, in the global zone.
pub(super) fn valid(kind: Kind, property: &str, text: &str, zoned: bool, creating: bool) -> Result<(), String> {
    if is_user_property(property) {
        return if property.len() >= 256 {
            Err(format!("property name '{property}' is too long"))
        } else if text.len() >= 8192 {
            Err(format!("property value '{text}' is too long"))
        } else {
            Ok(())
        };
    }
    let Some(native) = native(property) else { return Err(format!("invalid property '{property}'")) };
    if kind == Kind::Snapshot {
        return Err("this property can not be modified for snapshots".to_owned());
    }
    if native.values == "-" && !creating || matches!(native.name, "type" | "used" | "guid" | "origin") {
        return Err(format!("'{property}' is readonly"));
    }
    if !native.is_of(kind) {
        return Err(format!("'{property}' does not apply to datasets of this type"));
    }
    valid_value(native, text, zoned)
}

fn valid_value(native: &Native, text: &str, zoned: bool) -> Result<(), String> {
    let name = native.name;
    if !matches!(native.values, "" | "-") && !native.values.split('|').any(|word| word == text) {
        return Err(format!("'{name}' must be one of '{}'", native.values.replace('|', " | ")));
    }
    // `legacy` and `none` are let through before the look at `zoned`.
    if name == "mountpoint" {
        if text == "legacy" || text == "none" {
            return Ok(());
        }
        if !text.starts_with('/') {
            return Err(format!("'{text}' must be an absolute path, 'none', or 'legacy'"));
        }
    }
    if zoned && matches!(name, "mountpoint" | "sharenfs" | "sharesmb") {
        return Err(format!("'{name}' cannot be set on dataset in a non-global zone"));
    }
    Ok(())
}

/// `property=value` words.
pub(super) fn pairs<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<String, String>, Refused> {
    let mut pairs = BTreeMap::new();
    for word in words {
        let (name, text) = word.split_once('=').ok_or_else(|| misused("missing '=' for property=value argument"))?;
        let name = native(name).map_or(name, |native| native.name);
        if pairs.insert(name.to_owned(), text.to_owned()).is_some() {
            return Err(misused(format!("property '{name}' specified multiple times")));
        }
    }
    Ok(pairs)
}

/// `zfs set`.
pub(super) fn set(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "")?;
    let count = options.operands.iter().take_while(|word| word.contains('=')).count();
    let (words, names) = options.operands.split_at(count);
    if words.is_empty() {
        return Err(misused("missing property=value argument(s)"));
    }
    if names.is_empty() {
        return Err(misused("missing dataset name(s)"));
    }
    let pairs = pairs(words.iter().map(String::as_str))?;
    let mut done = Ok(());
    for name in names {
        if let Err(error) = set_on(host, name, &pairs) {
            host.complain(&error.text);
            done = Err(failed());
        }
    }
    done
}

fn set_on(host: &mut Host, name: &str, pairs: &BTreeMap<String, String>) -> Done {
    let target = host.open(name, &[Kind::Filesystem, Kind::Volume, Kind::Snapshot])?;
    let cannot = |why: &str| refused(format!("cannot set property for '{name}': {why}"));
    let kind = target.kind(&host.state);
    let zoned = kind == Kind::Filesystem && host.is_zoned(name);
    for (property, text) in pairs {
        valid(kind, property, text, zoned, false).map_err(|why| cannot(&why))?;
    }
    if kind == Kind::Snapshot {
        let snapshot = host.state.snapshot_mut(name).ok_or_else(failed)?;
        snapshot.local.extend(pairs.clone());
        return Ok(());
    }
    let mut lists = Vec::new();
    for (property, text) in pairs {
        // Only `canmount=off` unmounts; `on` mounts nothing.
        if property == "canmount" && (text != "off" || host.state.mount_of(name).is_none()) {
            continue;
        }
        let mut list = Changes::gather(host, name, property);
        if property == "mountpoint" && list.zoned_child {
            return Err(cannot("child dataset with inherited mountpoint is used in a non-global zone"));
        }
        list.before(host)?;
        lists.push(list);
    }
    let dataset = host.state.datasets.get_mut(name).ok_or_else(failed)?;
    dataset.local.extend(pairs.clone());
    let mut done = Ok(());
    for list in lists {
        done = list.after(host).and(done);
    }
    done
}

/// `zfs inherit`.
pub(super) fn inherit(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "rS")?;
    let [property, names @ ..] = &options.operands[..] else { return Err(misused("missing property argument")) };
    if names.is_empty() {
        return Err(misused("missing dataset argument"));
    }
    let received = options.has('S');
    let property = match native(property) {
        Some(native) if native.values == "-" => return Err(refused(format!("{property} property is read-only"))),
        Some(native) if !native.inherits && !received => {
            return Err(refused(format!("'{property}' property cannot be inherited")));
        }
        Some(native) => native.name,
        None if is_user_property(property) => property,
        None => return Err(misused(format!("invalid property '{property}'"))),
    };
    let mut done = Ok(());
    for name in names {
        host.open(name, &[Kind::Filesystem, Kind::Volume, Kind::Snapshot])?;
        let all = if options.has('r') { host.state.below(name) } else { vec![name.clone()] };
        for each in all {
            if let Err(error) = inherit_on(host, &each, property, received) {
                host.complain(&error.text);
                done = Err(failed());
            }
        }
    }
    done
}

fn inherit_on(host: &mut Host, name: &str, property: &str, received: bool) -> Done {
    if let Some(snapshot) = host.state.snapshot_mut(name) {
        snapshot.local.remove(property);
        return Ok(());
    }
    let cannot = |why: &str| refused(format!("cannot inherit {property} for '{name}': {why}"));
    let target = Target::Dataset(name.to_owned());
    if !is_user_property(property) && value(host, &target, property, false).is_none() {
        return Err(cannot("property does not apply to datasets of this type"));
    }
    if property == "mountpoint" && host.is_zoned(name) {
        return Err(cannot("dataset is used in a non-global zone"));
    }
    let mut list = Changes::gather(host, name, property);
    if property == "mountpoint" && list.zoned_child {
        return Err(cannot("child dataset with inherited mountpoint is used in a non-global zone"));
    }
    list.before(host)?;
    let dataset = host.state.datasets.get_mut(name).ok_or_else(failed)?;
    dataset.local.remove(property);
    if received {
        dataset.hidden.remove(property);
    } else if dataset.received.contains_key(property) {
        dataset.hidden.insert(property.to_owned());
    }
    list.after(host)
}
