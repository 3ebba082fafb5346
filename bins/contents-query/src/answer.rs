//! Questions to the database, and their answers as text and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use contents::database::Line;
use contents::names::Unknown;
use contents::{Contents, Entry, Kind, PackageRef};
use serde_json::{Map, Value, json};

use crate::show::{harmless, harmless_json, put_name};

/// The kinds of contents(5), in the order in which they are counted.
const KINDS: [Kind; 10] = [
    Kind::File,
    Kind::Editable,
    Kind::Volatile,
    Kind::Directory,
    Kind::Exclusive,
    Kind::Symlink,
    Kind::HardLink,
    Kind::Pipe,
    Kind::Character,
    Kind::Block,
];

/// What was asked, answered.
pub(crate) enum Answer<'a> {
    /// Paths, with their entries.
    Owner(Vec<(&'a [u8], Option<Entry<'a>>)>),
    /// Packages, with what they deliver.
    Package(Vec<(&'a [u8], Vec<Entry<'a>>)>),
    Totals(Totals),
    Check(Check),
}

pub(crate) struct Totals {
    entries: usize,
    kinds: Vec<(Kind, usize)>,
    packages: usize,
    bytes: u64,
}

pub(crate) struct Check {
    entries: usize,
    /// The first line that would be written in another way.
    not_canonical: Option<usize>,
    /// The first line whose path comes before that of an earlier one.
    not_sorted: Option<usize>,
    pending: bool,
}

impl<'a> Answer<'a> {
    pub(crate) fn owner(database: &Contents<'a>, paths: &'a [OsString]) -> Self {
        Self::Owner(paths.iter().map(|path| (path.as_bytes(), database.get(path.as_bytes()).copied())).collect())
    }

    pub(crate) fn package(database: &Contents<'a>, names: &'a [OsString]) -> Result<Self, Unknown> {
        let mut wanted: BTreeMap<&[u8], Vec<Entry<'a>>> =
            names.iter().map(|name| (name.as_bytes(), Vec::new())).collect();
        let mut known = BTreeSet::new();
        for entry in database.entries() {
            for package in entry.packages() {
                known.insert(package.name);
                if let Some(entries) = wanted.get_mut(package.name) {
                    entries.push(*entry);
                }
            }
        }
        let mut found = Vec::new();
        for name in names {
            match wanted.remove(name.as_bytes()) {
                Some(entries) if entries.is_empty() => {
                    let candidates = known.iter().filter_map(|name| std::str::from_utf8(name).ok());
                    return Err(Unknown::package(&name.to_string_lossy(), candidates));
                }
                Some(entries) => found.push((name.as_bytes(), entries)),
                // The same name again.
                None => {}
            }
        }
        Ok(Self::Package(found))
    }

    pub(crate) fn totals(database: &Contents<'a>) -> Self {
        let entries = database.entries();
        let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
        let mut packages = BTreeSet::new();
        let mut bytes = 0u64;
        for entry in entries {
            *counts.entry(entry.kind()).or_default() += 1;
            packages.extend(entry.packages().map(|package| package.name));
            bytes = bytes.saturating_add(entry.size().unwrap_or(0));
        }
        let kinds = KINDS.iter().map(|kind| (*kind, counts.get(kind).copied().unwrap_or(0))).collect();
        Self::Totals(Totals { entries: entries.len(), kinds, packages: packages.len(), bytes })
    }

    pub(crate) fn check(database: &Contents<'a>, text: &[u8], pending: bool) -> Self {
        let written = database.to_bytes();
        let differs = text.iter().zip(&written).position(|(was, is)| was != is);
        let differs = differs.or_else(|| (text.len() != written.len()).then_some(text.len().min(written.len())));
        let mut previous: &[u8] = b"";
        let unsorted = database.lines().position(|line| match line {
            Line::Entry(_, entry) => {
                let before = entry.path_bytes() < previous;
                previous = entry.path_bytes();
                before
            }
            Line::Comment(_) => false,
        });
        Self::Check(Check {
            entries: database.entries().len(),
            not_canonical: differs.map(|at| text[..at].iter().filter(|&&byte| byte == b'\n').count() + 1),
            not_sorted: unsorted.map(|line| line + 1),
            pending,
        })
    }

    /// Whether the exit status is 0.
    pub(crate) fn is_yes(&self) -> bool {
        match self {
            Self::Owner(paths) => paths.iter().all(|(_, entry)| entry.is_some()),
            Self::Package(_) | Self::Totals(_) => true,
            Self::Check(check) => check.not_canonical.is_none() && check.not_sorted.is_none() && !check.pending,
        }
    }

    pub(crate) fn text(&self, terminal: bool) -> Vec<u8> {
        let mut page = Page { terminal, text: Vec::new() };
        match self {
            Self::Owner(paths) => {
                for (path, entry) in paths {
                    page.owner(path, entry.as_ref());
                }
            }
            Self::Package(packages) => {
                for entry in packages.iter().flat_map(|(_, entries)| entries) {
                    page.name(entry.path_bytes());
                    page.text.push(b'\n');
                }
            }
            Self::Totals(totals) => {
                page.field("entries", &totals.entries.to_string());
                for (kind, count) in &totals.kinds {
                    page.field(&kind.letter().to_string(), &count.to_string());
                }
                page.field("packages", &totals.packages.to_string());
                page.field("bytes", &totals.bytes.to_string());
            }
            Self::Check(check) => {
                page.field("entries", &check.entries.to_string());
                page.field("canonical", &yes_until(check.not_canonical));
                page.field("sorted", &yes_until(check.not_sorted));
                page.field("pending", if check.pending { "yes" } else { "no" });
            }
        }
        page.text
    }

    pub(crate) fn json(&self, terminal: bool) -> Vec<u8> {
        let mut value = match self {
            Self::Owner(paths) => json!({
                "paths": paths.iter().map(|(path, entry)| path_value(path, entry.as_ref())).collect::<Value>(),
            }),
            Self::Package(packages) => json!({
                "packages": packages.iter().map(|(name, entries)| package_value(name, entries)).collect::<Value>(),
            }),
            Self::Totals(totals) => {
                let kinds = totals.kinds.iter().map(|(kind, count)| (kind.letter().to_string(), json!(count)));
                json!({
                    "entries": totals.entries,
                    "kinds": kinds.collect::<Map<_, _>>(),
                    "packages": totals.packages,
                    "bytes": totals.bytes,
                })
            }
            Self::Check(check) => json!({
                "entries": check.entries,
                "canonical": check.not_canonical.is_none(),
                "not_canonical_line": check.not_canonical,
                "sorted": check.not_sorted.is_none(),
                "not_sorted_line": check.not_sorted,
                "pending": check.pending,
            }),
        };
        value["version"] = json!(1);
        let text = format!("{value:#}\n");
        if terminal { harmless_json(&text).into_bytes() } else { text.into_bytes() }
    }
}

fn yes_until(line: Option<usize>) -> String {
    line.map_or_else(|| "yes".to_owned(), |line| format!("no, line {line}"))
}

/// Text for stdout.
struct Page {
    terminal: bool,
    text: Vec<u8>,
}

impl Page {
    fn name(&mut self, name: &[u8]) {
        if self.terminal {
            self.text.extend_from_slice(harmless(name).as_bytes());
        } else {
            self.text.extend_from_slice(name);
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        self.text.extend_from_slice(format!("{name} {value}\n").as_bytes());
    }

    /// A space and a word: `-` where an object of the kind has no such attribute, `?` where it is not
    /// known.
    fn word(&mut self, applies: bool, word: Option<&[u8]>) {
        self.text.push(b' ');
        match word {
            _ if !applies => self.text.push(b'-'),
            Some(word) => self.name(word),
            None => self.text.push(b'?'),
        }
    }

    fn owner(&mut self, path: &[u8], entry: Option<&Entry<'_>>) {
        self.name(path);
        let Some(entry) = entry else {
            self.text.extend_from_slice(b" - not packaged\n");
            return;
        };
        if let Some(target) = entry.target() {
            self.text.push(b'=');
            self.name(target);
        }
        let kind = entry.kind();
        self.word(true, Some(kind.letter().to_string().as_bytes()));
        self.word(kind.has_attributes(), entry.mode().map(|mode| format!("{mode:04o}")).as_deref().map(str::as_bytes));
        self.word(kind.has_attributes(), entry.owner());
        self.word(kind.has_attributes(), entry.group());
        self.word(kind.has_content(), entry.size().map(|size| size.to_string()).as_deref().map(str::as_bytes));
        for package in entry.packages() {
            self.word(true, Some(&token(&package)));
        }
        self.text.push(b'\n');
    }
}

/// A package as the database lists it.
fn token(package: &PackageRef<'_>) -> Vec<u8> {
    let mut token: Vec<u8> = package.status.into_iter().collect();
    token.extend_from_slice(package.name);
    if package.alternate_kind {
        token.push(b'\\');
    }
    if let Some(class) = package.class {
        token.push(b':');
        token.extend_from_slice(class);
    }
    token
}

fn put_known(object: &mut Map<String, Value>, key: &str, name: Option<&[u8]>) {
    match name {
        Some(name) => put_name(object, key, name),
        None => {
            object.insert(key.to_owned(), Value::Null);
        }
    }
}

fn path_value(path: &[u8], entry: Option<&Entry<'_>>) -> Value {
    let mut object = Map::new();
    put_name(&mut object, "path", path);
    object.insert("packaged".into(), entry.is_some().into());
    if let Some(entry) = entry {
        put_entry(&mut object, entry);
        object.insert("packages".into(), entry.packages().map(|package| reference_value(&package)).collect());
    }
    Value::Object(object)
}

fn package_value(name: &[u8], entries: &[Entry<'_>]) -> Value {
    let mut object = Map::new();
    put_name(&mut object, "name", name);
    let paths = entries.iter().map(|entry| {
        let mut object = Map::new();
        put_name(&mut object, "path", entry.path_bytes());
        put_entry(&mut object, entry);
        Value::Object(object)
    });
    object.insert("paths".into(), paths.collect());
    Value::Object(object)
}

fn put_entry(object: &mut Map<String, Value>, entry: &Entry<'_>) {
    let kind = entry.kind();
    object.insert("kind".into(), kind.letter().to_string().into());
    put_name(object, "class", entry.class());
    if let Some(target) = entry.target() {
        put_name(object, "target", target);
    }
    if kind.is_device() {
        object.insert("major".into(), entry.major().into());
        object.insert("minor".into(), entry.minor().into());
    }
    if kind.has_attributes() {
        object.insert("mode".into(), entry.mode().map(|mode| format!("{mode:04o}")).into());
        put_known(object, "owner", entry.owner());
        put_known(object, "group", entry.group());
    }
    if kind.has_content() {
        object.insert("size".into(), entry.size().into());
        object.insert("checksum".into(), entry.checksum().into());
        object.insert("modified".into(), entry.modified().into());
    }
}

fn reference_value(package: &PackageRef<'_>) -> Value {
    let mut object = Map::new();
    put_name(&mut object, "name", package.name);
    object.insert("status".into(), package.status.map(|mark| char::from(mark).to_string()).into());
    object.insert("alternate_kind".into(), package.alternate_kind.into());
    put_known(&mut object, "class", package.class);
    Value::Object(object)
}
