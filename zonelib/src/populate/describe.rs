//! A plan in words and as data.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::root::{Special, Timestamp};

use super::action::{Action, Attributes, Modified, Origin, What};
use super::metadata::PACKAGES;
use super::plan::Plan;
use super::verify::Difference;

/// How much of what a plan makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// All objects.
    pub objects: usize,
    /// Objects by kind: `directory`, `file`, `symlink`, `hard link`, `pipe`, `device`.
    pub kinds: BTreeMap<&'static str, usize>,
    /// Editable files that come from a pristine copy.
    pub pristine: usize,
    /// Bytes, as far as the database knows them.
    pub bytes: u64,
    /// Objects by the first component of their path.
    pub top: BTreeMap<String, usize>,
}

impl Summary {
    /// Counts a plan.
    #[must_use]
    pub fn of(plan: &Plan<'_>) -> Self {
        let mut summary = Self { objects: plan.actions.len(), ..Self::default() };
        let mut top: BTreeMap<&[u8], usize> = BTreeMap::new();
        for action in &plan.actions {
            *summary.kinds.entry(kind(&action.what)).or_default() += 1;
            match &action.what {
                What::File { packaged, source, editable, .. } => {
                    summary.bytes += packaged.and_then(|packaged| packaged.size).unwrap_or(0);
                    let copied = |path: &[u8]| path.starts_with(PACKAGES);
                    summary.pristine += usize::from(*editable && source.path.as_deref().is_some_and(copied));
                }
                What::Text { bytes, .. } => summary.bytes += bytes.len(),
                _ => {}
            }
            let first = action.path.split(|&byte| byte == b'/').next().unwrap_or_default();
            *top.entry(first).or_default() += 1;
        }
        summary.top = top.into_iter().map(|(name, count)| (printable(name), count)).collect();
        summary
    }
}

pub(crate) fn kind(what: &What<'_>) -> &'static str {
    match what {
        What::Directory { .. } => "directory",
        What::File { .. } | What::Text { .. } => "file",
        What::Symlink { .. } => "symlink",
        What::HardLink { .. } => "hard link",
        What::Special { special: Special::Pipe, .. } => "pipe",
        What::Special { .. } => "device",
    }
}

/// One action on one line, for `-n -v`: kind, mode, owner and group as numbers (`-` for what the source
/// has), path, and where it comes from or leads to. Control characters are escaped.
#[must_use]
pub fn action_line(action: &Action<'_>) -> String {
    let path = printable(&action.path);
    let (attributes, tail) = match &action.what {
        What::Directory { attributes, .. } => (*attributes, String::new()),
        What::File { source, attributes, .. } => {
            let from = source.path.as_deref().map(|path| format!(" < /{}", printable(path))).unwrap_or_default();
            (*attributes, from)
        }
        What::Text { bytes, attributes, .. } => (*attributes, format!(" ({} bytes made)", bytes.len())),
        What::Symlink { target, owner, .. } => {
            let attributes = Attributes { mode: None, uid: Some(owner.0), gid: Some(owner.1) };
            (attributes, format!(" -> {}", printable(target)))
        }
        What::HardLink { to } => (Attributes::default(), format!(" = /{}", printable(to))),
        What::Special { attributes, .. } => (*attributes, String::new()),
    };
    let mode = attributes.mode.map_or_else(|| "-".to_owned(), |mode| format!("{mode:04o}"));
    let id = |id: Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    format!("{:9} {mode:>4} {:>5} {:>5} /{path}{tail}", kind(&action.what), id(attributes.uid), id(attributes.gid))
}

/// One action as a JSON object. Names that are not UTF-8 have a `*_hex` beside them.
#[must_use]
pub fn action_json(action: &Action<'_>) -> Value {
    let mut out = Map::new();
    put_name(&mut out, "path", &absolute(&action.path));
    out.insert("kind".into(), kind(&action.what).into());
    match &action.what {
        What::Directory { attributes, modified } => {
            put_attributes(&mut out, attributes);
            put_modified(&mut out, *modified);
        }
        What::File { source, attributes, modified, packaged, editable } => {
            put_attributes(&mut out, attributes);
            put_modified(&mut out, *modified);
            out.insert("editable".into(), (*editable).into());
            let from = source.path.as_deref().unwrap_or(&action.path);
            put_name(&mut out, "source", &absolute(from));
            out.insert("from".into(), if source.origin == Origin::Image { "image" } else { "template" }.into());
            if let Some(packaged) = packaged {
                out.insert("size".into(), json!(packaged.size));
                out.insert("checksum".into(), json!(packaged.checksum));
            }
        }
        What::Text { bytes, attributes, modified } => {
            put_attributes(&mut out, attributes);
            put_modified(&mut out, Modified::At(*modified));
            out.insert("size".into(), bytes.len().into());
        }
        What::Symlink { target, owner, modified } => {
            put_name(&mut out, "target", target);
            out.insert("uid".into(), owner.0.into());
            out.insert("gid".into(), owner.1.into());
            put_modified(&mut out, Modified::At(*modified));
        }
        What::HardLink { to } => put_name(&mut out, "target", &absolute(to)),
        What::Special { attributes, modified, .. } => {
            put_attributes(&mut out, attributes);
            put_modified(&mut out, Modified::At(*modified));
        }
    }
    Value::Object(out)
}

/// A difference as a JSON object, named as in [`action_json`].
#[must_use]
pub fn difference_json(difference: &Difference) -> Value {
    let mut out = Map::new();
    out.insert("what".into(), difference.what.into());
    put_name(&mut out, "path", &absolute(&difference.path));
    out.insert("detail".into(), difference.detail.clone().into());
    Value::Object(out)
}

pub(crate) fn absolute(path: &[u8]) -> Vec<u8> {
    [b"/", path].concat()
}

pub(crate) fn put_name(out: &mut Map<String, Value>, key: &str, name: &[u8]) {
    out.insert(key.into(), String::from_utf8_lossy(name).into());
    if std::str::from_utf8(name).is_err() {
        let hex: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        out.insert(format!("{key}_hex"), hex.into());
    }
}

fn put_attributes(out: &mut Map<String, Value>, attributes: &Attributes) {
    out.insert("mode".into(), json!(attributes.mode.map(|mode| format!("{mode:04o}"))));
    out.insert("uid".into(), json!(attributes.uid));
    out.insert("gid".into(), json!(attributes.gid));
}

fn put_modified(out: &mut Map<String, Value>, modified: Modified) {
    if let Modified::At(Timestamp { seconds, nanoseconds }) = modified {
        out.insert("modified".into(), json!({ "seconds": seconds, "nanoseconds": nanoseconds }));
    }
}

/// A name for people: control characters and bytes that are not UTF-8 are escaped.
#[must_use]
pub fn printable(name: &[u8]) -> String {
    let mut out = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control()
                || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                out.extend(letter.escape_default());
            } else {
                out.push(letter);
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}
