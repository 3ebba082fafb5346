//! `zfs send` and `zfs receive`. The stream is the lab's own: a line, then for each snapshot a line of
//! JSON and the tree, then a last line. One that was cut short is refused whole, as libzfs does with
//! what it began to receive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::state::{Host, Kind, parent};
use super::super::tree;
use super::adjust::{pairs, valid};
use super::{Done, Refused, failed, misused, names, operands, options, refused, snapshot};

const FIRST: &[u8] = b"zonekit lab stream\n";
const LAST: &[u8] = b"end of stream\n";

/// One snapshot in a stream.
#[derive(Debug, Serialize, Deserialize)]
struct Piece {
    /// The dataset below the one that was sent: empty, or `/NAME`.
    below: String,
    snapshot: String,
    guid: u64,
    /// The guid of the snapshot that it adds to.
    from: Option<u64>,
    volume: bool,
    /// Local properties of the dataset, where they were asked for.
    properties: Option<BTreeMap<String, String>>,
}

/// `zfs send`.
pub(super) fn send(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "RpDenPvLci:I:")?;
    let [full] = operands(&options, ["snapshot"])?;
    let target = host.open(full, &[Kind::Snapshot])?;
    let (top, last) = (target.dataset().to_owned(), full.split_once('@').ok_or_else(failed)?.1);
    let base = options.get('i').or(options.get('I'));
    let base = base.map(|name| name.rsplit_once('@').map_or(name, |(_, snapshot)| snapshot));
    let whole = options.has('R');
    let all = if whole { host.state.below(&top) } else { vec![top.clone()] };
    let mut stream = FIRST.to_vec();
    for name in all {
        let dataset = &host.state.datasets[&name];
        let at = |wanted: &str| dataset.snapshots.iter().position(|found| found.name == wanted);
        let Some(end) = at(last) else { continue };
        let start = base.map(|base| {
            let why = format!("cannot send '{full}': incremental source ({name}@{base}) does not exist");
            at(base).filter(|&start| start < end).ok_or_else(|| refused(why))
        });
        let start = start.transpose()?;
        let first = if whole || options.has('I') { start.map_or(0, |start| start + 1) } else { end };
        let mut from = start.map(|start| dataset.snapshots[start].guid);
        for found in &dataset.snapshots[first..=end] {
            let piece = Piece {
                below: name[top.len()..].to_owned(),
                snapshot: found.name.clone(),
                guid: found.guid,
                from: from.replace(found.guid),
                volume: dataset.kind == Kind::Volume,
                properties: (whole || options.has('p')).then(|| dataset.local.clone()),
            };
            serde_json::to_writer(&mut stream, &piece).map_err(|error| refused(error.to_string()))?;
            stream.push(b'\n');
            if !piece.volume {
                tree::pack(&host.frozen(found.id), &mut stream).map_err(super::create::no_copy)?;
            }
        }
    }
    stream.extend_from_slice(LAST);
    if !options.has('n') {
        host.out = stream;
    }
    Ok(())
}

/// `zfs receive`.
pub(super) fn receive(host: &mut Host, words: &[String], stream: &[u8]) -> Done {
    let options = options(words, "vnuFdeso:x:")?;
    let [name] = operands(&options, ["snapshot"])?;
    let wanted = pairs(options.all('o'))?;
    if options.has('d') || options.has('e') {
        return Err(misused("the lab knows neither -d nor -e"));
    }
    names::check(name, &[Kind::Filesystem, Kind::Snapshot]).map_err(|why| refused(format!("cannot receive: {why}")))?;
    for (property, text) in &wanted {
        valid(Kind::Filesystem, property, text, false, true)
            .map_err(|why| refused(format!("cannot receive: {why}")))?;
    }
    if stream.is_empty() {
        return Err(refused("cannot receive: failed to read from stream"));
    }
    let rest = stream.strip_prefix(FIRST);
    let rest = rest.ok_or_else(|| refused("cannot receive: invalid stream (bad magic number)"))?;
    if options.has('n') {
        return Ok(());
    }
    let (top, renamed) = match name.split_once('@') {
        Some((top, snapshot)) => (top.to_owned(), Some(snapshot)),
        None => (name.to_owned(), None),
    };
    let excluded: Vec<&str> = options.all('x').collect();
    let mut how = How { top, renamed, force: options.has('F'), wanted, excluded, made: Vec::new(), added: Vec::new() };
    if let Err(error) = how.take(host, rest) {
        how.undo(host);
        return Err(error);
    }
    if options.has('u') {
        return Ok(());
    }
    how.made.iter().try_for_each(|made| host.mount_dataset(made, "", false))
}

struct How<'a> {
    top: String,
    renamed: Option<&'a str>,
    force: bool,
    wanted: BTreeMap<String, String>,
    excluded: Vec<&'a str>,
    made: Vec<String>,
    added: Vec<String>,
}

fn cut_short(_: impl std::error::Error) -> Refused {
    refused("cannot receive: invalid stream (incomplete stream)")
}

impl How<'_> {
    fn take(&mut self, host: &mut Host, mut rest: &[u8]) -> Done {
        let whole = rest.len() as u64;
        if !host.fits(&self.top, whole) {
            return Err(refused("cannot receive new filesystem stream: out of space"));
        }
        while rest != LAST {
            let end = rest.iter().position(|&byte| byte == b'\n');
            let end = end.ok_or_else(|| cut_short(std::fmt::Error))?;
            let piece: Piece = serde_json::from_slice(&rest[..end]).map_err(cut_short)?;
            let name = format!("{}{}", self.top, piece.below);
            self.dataset_for(host, &piece, &name)?;
            rest = &rest[end + 1..];
            if !piece.volume {
                let mut after = rest;
                snapshot::replace(host, &name, |_, to| {
                    after = tree::unpack(rest, to)?;
                    Ok(())
                })
                .map_err(|_| cut_short(std::fmt::Error))?;
                rest = after;
            }
            let snapshot = self.renamed.unwrap_or(&piece.snapshot).to_owned();
            snapshot::take(host, &name, &snapshot, &BTreeMap::new())?;
            let full = format!("{name}@{snapshot}");
            host.state.snapshot_mut(&full).ok_or_else(failed)?.guid = piece.guid;
            self.added.push(full);
        }
        Ok(())
    }

    /// The dataset that a piece goes into: made for a first one, for an addition the one that was there.
    fn dataset_for(&mut self, host: &mut Host, piece: &Piece, name: &str) -> Done {
        if let Some(from) = piece.from {
            let cannot = |why: &str| refused(format!("cannot receive incremental stream: {why}"));
            let Some(found) = host.state.datasets.get(name) else {
                return Err(cannot(&format!("destination '{name}' does not exist")));
            };
            let newest = found.snapshots.last().map(|found| found.guid);
            return if newest == Some(from) {
                Ok(())
            } else {
                Err(cannot(&format!("most recent snapshot of {name} does not\nmatch incremental source")))
            };
        }
        let cannot = |why: String| refused(format!("cannot receive new filesystem stream: {why}"));
        if host.state.exists(name) {
            if !self.force {
                return Err(cannot(format!("destination '{name}' exists\nmust specify -F to overwrite it")));
            }
            if !host.state.datasets[name].snapshots.is_empty() {
                let why = "destination has snapshots";
                return Err(cannot(format!("{why} (eg. {name}@...)\nmust destroy them to overwrite it")));
            }
            return Ok(());
        }
        if !parent(name).is_some_and(|above| host.state.datasets.contains_key(above)) {
            return Err(cannot(format!("destination '{name}' does not exist")));
        }
        let mut dataset = host.state.new_dataset(if piece.volume { Kind::Volume } else { Kind::Filesystem });
        dataset.received = piece.properties.clone().unwrap_or_default();
        dataset.hidden.extend(self.excluded.iter().map(|&property| property.to_owned()));
        if name == self.top {
            dataset.local = self.wanted.clone();
        }
        host.empty_store(dataset.id).map_err(super::create::no_copy)?;
        host.state.datasets.insert(name.to_owned(), dataset);
        self.made.push(name.to_owned());
        Ok(())
    }

    /// Nothing is left of what came before the stream broke off.
    fn undo(&self, host: &mut Host) {
        for full in self.added.iter().rev() {
            let _ = super::destroy::destroy_snapshot(host, full);
        }
        for name in self.made.iter().rev() {
            if let Some(gone) = host.state.datasets.remove(name) {
                let _ = std::fs::remove_dir_all(host.store(gone.id));
            }
        }
    }
}
