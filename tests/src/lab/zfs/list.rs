//! `zfs list` and `zfs get`. Source: `zfs_do_list()`, `zfs_do_get()`, `zfs_for_each()`, zfs(8).

use std::cmp::Ordering;
use std::path::Path;

use super::super::state::{Host, Kind};
use super::names::is_user_property;
use super::properties::{NATIVE, native};
use super::{Done, Options, Refused, Source, Target, failed, misused, options, refused, value};

const ALL: [Kind; 3] = [Kind::Filesystem, Kind::Volume, Kind::Snapshot];

/// What to look at.
struct Scope {
    kinds: Vec<Kind>,
    /// What may be named: without `-t` snapshots too, for `listsnapshots=off` keeps them from lists alone.
    named: Vec<Kind>,
    depth: usize,
}

impl Scope {
    fn of(options: &Options, usual: &[Kind]) -> Result<Self, Refused> {
        let mut kinds = usual.to_vec();
        if options.has('t') {
            kinds.clear();
        }
        for word in options.all('t').flat_map(|words| words.split(',')) {
            match word {
                "filesystem" | "fs" => kinds.push(Kind::Filesystem),
                "volume" | "vol" => kinds.push(Kind::Volume),
                "snapshot" | "snap" => kinds.push(Kind::Snapshot),
                "all" => kinds.extend(ALL),
                _ => return Err(misused(format!("invalid type '{word}'"))),
            }
        }
        let depth = match options.get('d') {
            Some(depth) => depth.parse().map_err(|_| misused(format!("{depth} is not a number")))?,
            None if options.has('r') || options.operands.is_empty() => usize::MAX,
            None => 0,
        };
        let named = if options.has('t') { kinds.clone() } else { ALL.to_vec() };
        Ok(Self { kinds, named, depth })
    }

    /// What is named, and with a depth what is below it; complains of what is not there.
    fn targets(&self, host: &mut Host, names: &[String]) -> (Vec<Target>, Done) {
        let mut found = Vec::new();
        let mut done = Ok(());
        let pools: Vec<String> = host.state.pools.keys().cloned().collect();
        for name in if names.is_empty() { &pools } else { names } {
            match self.top(host, name) {
                Ok(top) => self.gather(host, &top, 0, &mut found),
                Err(error) => {
                    host.complain(&error.text);
                    done = Err(failed());
                }
            }
        }
        let mut seen = Vec::new();
        found.retain(|target| {
            !seen.contains(target) && {
                seen.push(target.clone());
                true
            }
        });
        (found, done)
    }

    fn top(&self, host: &Host, name: &str) -> Result<Target, Refused> {
        if name.starts_with('/') || name.starts_with("./") {
            return by_path(host, name);
        }
        let mut kinds = self.named.clone();
        if self.depth > 0 {
            kinds.extend([Kind::Filesystem, Kind::Volume]);
        }
        host.open(name, &kinds)
    }

    fn gather(&self, host: &Host, top: &Target, depth: usize, found: &mut Vec<Target>) {
        let kind = top.kind(&host.state);
        if self.kinds.contains(&kind) || depth == 0 && self.named.contains(&kind) {
            found.push(top.clone());
        }
        let Target::Dataset(name) = top else { return };
        if depth >= self.depth {
            return;
        }
        if self.kinds.contains(&Kind::Snapshot) {
            let all = host.state.datasets[name].snapshots.iter();
            found.extend(all.map(|snapshot| Target::Snapshot(name.clone(), snapshot.name.clone())));
        }
        for child in host.state.children(name) {
            self.gather(host, &Target::Dataset(child), depth + 1, found);
        }
    }
}

/// The file system that a path is in. Source: `zfs_path_to_zhandle()`.
fn by_path(host: &Host, path: &str) -> Result<Target, Refused> {
    let real = Path::new(path).canonicalize().map_err(|_| refused(format!("{path}: No such file or directory")))?;
    let mount = host.state.mount_at(&real).ok_or_else(|| refused(format!("'{path}': not a ZFS filesystem")))?;
    if mount.kind != "zfs" {
        return Err(refused(format!("'{path}': not a ZFS filesystem")));
    }
    host.open(&mount.special, &[Kind::Filesystem])
}

/// By name; snapshots after their dataset, the oldest first. Source: `zfs_compare()`.
fn usual(host: &Host, one: &Target, other: &Target) -> Ordering {
    let age = |target: &Target| host.state.snapshot(&target.name()).map(|found| found.id);
    one.dataset().cmp(other.dataset()).then_with(|| age(one).cmp(&age(other)))
}

fn columns(list: &str) -> Result<Vec<String>, Refused> {
    let mut columns = Vec::new();
    for name in list.split(',') {
        match native(name) {
            Some(native) => columns.push(native.name.to_owned()),
            None if name == "name" || is_user_property(name) => columns.push(name.to_owned()),
            None if name == "space" => columns.extend(
                [
                    "name",
                    "available",
                    "used",
                    "usedbysnapshots",
                    "usedbydataset",
                    "usedbyrefreservation",
                    "usedbychildren",
                ]
                .map(str::to_owned),
            ),
            None => return Err(misused(format!("bad property list: invalid property '{name}'"))),
        }
    }
    Ok(columns)
}

fn cell(host: &Host, target: &Target, column: &str, exact: bool) -> (String, Source) {
    if column == "name" {
        return (target.name(), Source::None);
    }
    value(host, target, column, exact).unwrap_or_else(|| ("-".to_owned(), Source::None))
}

/// `zfs list`.
pub(super) fn list(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "HS:d:o:prs:t:")?;
    let scope = Scope::of(&options, &[Kind::Filesystem, Kind::Volume])?;
    let columns = columns(options.get('o').unwrap_or("name,used,available,referenced,mountpoint"))?;
    let (mut targets, done) = scope.targets(host, &options.operands);
    targets.sort_by(|one, other| usual(host, one, other));
    if let Some(key) = options.get('s').or(options.get('S')) {
        sort(host, &mut targets, key, options.has('S'))?;
    }
    let exact = options.has('p');
    let rows = targets.iter().map(|target| columns.iter().map(|column| cell(host, target, column, exact).0).collect());
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        if done.is_ok() && !options.has('H') {
            host.say("no datasets available");
        }
        return done;
    }
    let heads = columns.iter().map(|column| head(column)).collect();
    print(host, heads, rows, options.has('H'));
    done
}

fn sort(host: &Host, targets: &mut [Target], key: &str, backwards: bool) -> Done {
    let key = &columns(key).map_err(|_| misused(format!("invalid property '{key}'")))?[0];
    let number = |target: &Target| cell(host, target, key, true).0.parse::<u64>().ok();
    targets.sort_by(|one, other| {
        let order = match (number(one), number(other)) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => cell(host, one, key, true).0.cmp(&cell(host, other, key, true).0),
        };
        if backwards { order.reverse() } else { order }
    });
    Ok(())
}

fn head(column: &str) -> String {
    let short = match column {
        "available" => "avail",
        "referenced" => "refer",
        other => other,
    };
    short.to_uppercase()
}

/// Rows with tabs between, or in columns below their heads.
fn print(host: &mut Host, heads: Vec<String>, rows: Vec<Vec<String>>, plain: bool) {
    if plain {
        rows.iter().for_each(|row| host.say(&row.join("\t")));
        return;
    }
    let all: Vec<Vec<String>> = [heads].into_iter().chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..all[0].len()).map(width).collect();
    for row in &all {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        host.say(cells.join("  ").trim_end());
    }
}

/// `zfs get`.
pub(super) fn get(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "d:o:s:rt:Hp")?;
    let Some((list, names)) = options.operands.split_first() else { return Err(misused("missing property argument")) };
    let fields: Vec<&str> = options.get('o').unwrap_or("name,property,value,source").split(',').collect();
    let known = ["name", "property", "value", "received", "source"];
    let fields = if fields == ["all"] { known.to_vec() } else { fields };
    if let Some(wrong) = fields.iter().find(|field| !known.contains(field)) {
        return Err(misused(format!("invalid column name '{wrong}'")));
    }
    let sources: Option<Vec<&str>> = options.get('s').map(|list| list.split(',').collect());
    let mut scope = Scope::of(&options, &ALL)?;
    if names.is_empty() {
        scope.depth = usize::MAX;
    }
    let properties = if list == "all" { None } else { Some(columns(list)?) };
    let (mut targets, done) = scope.targets(host, names);
    targets.sort_by(|one, other| usual(host, one, other));
    let mut rows = Vec::new();
    for target in &targets {
        for property in properties.clone().unwrap_or_else(|| all_of(host, target)) {
            let (text, source) = cell(host, target, &property, options.has('p'));
            if sources.as_ref().is_some_and(|sources| !sources.contains(&source.word())) {
                continue;
            }
            let received = host.state.datasets[target.dataset()].received.get(&property).cloned();
            let field = |field: &&str| match *field {
                "name" => target.name(),
                "property" => property.clone(),
                "value" => text.clone(),
                "received" => received.clone().unwrap_or_else(|| "-".to_owned()),
                _ if source == Source::None => "-".to_owned(),
                _ => source.text(),
            };
            rows.push(fields.iter().map(field).collect());
        }
    }
    let heads = fields.iter().map(|field| field.to_uppercase()).collect();
    print(host, heads, rows, options.has('H'));
    done
}

/// The properties that `zfs get all` shows: the native ones that it has, and the user's.
fn all_of(host: &Host, target: &Target) -> Vec<String> {
    let kind = target.kind(&host.state);
    let mut all: Vec<String> =
        NATIVE.iter().filter(|native| native.is_of(kind)).map(|found| found.name.to_owned()).collect();
    let mut at = Some(target.dataset());
    let mut own: Vec<&String> =
        host.state.snapshot(&target.name()).iter().flat_map(|found| found.local.keys()).collect();
    while let Some(name) = at {
        let dataset = &host.state.datasets[name];
        own.extend(dataset.local.keys().chain(dataset.received.keys()).filter(|name| is_user_property(name)));
        at = super::super::state::parent(name);
    }
    own.sort();
    own.dedup();
    all.extend(own.into_iter().filter(|property| value(host, target, property, false).is_some()).cloned());
    all
}

/// Bytes as zfs(8) shows them.
fn bytes(count: u64, exact: bool) -> String {
    let mut size = count;
    let mut unit = "";
    for next in ["K", "M", "G", "T"] {
        if exact || size < 1024 {
            break;
        }
        size /= 1024;
        unit = next;
    }
    format!("{size}{unit}")
}

/// What the pool has, of which a test takes none away.
const ROOM: u64 = 10 << 30;

/// The value of a property that nobody sets.
pub(super) fn computed(host: &Host, target: &Target, property: &str, exact: bool) -> Option<String> {
    let state = &host.state;
    let dataset = &state.datasets[target.dataset()];
    let snapshot = state.snapshot(&target.name());
    let guid = snapshot.map_or(dataset.guid, |found| found.guid);
    let id = snapshot.map_or(dataset.id, |found| found.id);
    let name = target.dataset();
    Some(match property {
        "type" => target.kind(state).word().to_owned(),
        "creation" if exact => snapshot.map_or(dataset.creation, |found| found.creation).to_string(),
        "creation" => date(snapshot.map_or(dataset.creation, |found| found.creation)),
        "guid" => guid.to_string(),
        "createtxg" => (100 + id).to_string(),
        "mounted" => if state.mount_of(name).is_some() { "yes" } else { "no" }.to_owned(),
        "origin" => dataset.origin.clone().unwrap_or_else(|| "-".to_owned()),
        "clones" => state.clones(&target.name()).join(","),
        "userrefs" => snapshot?.holds.len().to_string(),
        "defer_destroy" => if snapshot?.deferred { "on" } else { "off" }.to_owned(),
        "compressratio" => "1.00x".to_owned(),
        "utf8only" => "off".to_owned(),
        "normalization" => "none".to_owned(),
        "casesensitivity" => "sensitive".to_owned(),
        "available" => {
            let pool = super::create::pool(name);
            bytes(state.pools[pool].limit.unwrap_or(ROOM).saturating_sub(host.used_below(pool)), exact)
        }
        "used" | "referenced" | "written" | "usedbysnapshots" | "usedbydataset" | "usedbychildren" => {
            bytes(taken(host, target, property), exact)
        }
        _ => bytes(0, exact),
    })
}

fn taken(host: &Host, target: &Target, property: &str) -> u64 {
    let name = target.dataset();
    if let Some(snapshot) = host.state.snapshot(&target.name()) {
        return if property == "referenced" { super::super::tree::size(&host.frozen(snapshot.id)) } else { 0 };
    }
    match property {
        "used" => host.used_below(name),
        "usedbychildren" => host.state.children(name).iter().map(|child| host.used_below(child)).sum(),
        "usedbysnapshots" => 0,
        _ => host.referenced(name) + super::EMPTY,
    }
}

/// As strftime(3C) `%a %b %e %k:%M %Y` in universal time.
fn date(seconds: u64) -> String {
    let days = seconds / 86400;
    let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (mut year, mut day) = (1970, days);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    let weekday = names[usize::try_from(days % 7).unwrap_or(0)];
    format!("{weekday} {} {:>2} {hour:>2}:{minute:02} {year}", months[month], day + 1)
}
