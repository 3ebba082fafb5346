//! Steps in words and as data.

use serde_json::{Map, Value};

use crate::populate::{absolute, kind, printable, put_name};

use super::steps::{Act, Step};

/// One word for what is done.
fn word(act: &Act<'_>) -> &'static str {
    match act {
        Act::Add(_) => "added",
        Act::Replace(_) => "replaced",
        Act::Attributes { .. } => "attributes",
        Act::Remove | Act::RemoveDirectory | Act::RemoveTree => "removed",
        Act::Beside { .. } | Act::Keep => "kept",
        Act::Aside { .. } => "set aside",
    }
}

/// What went beside, and what it is.
fn beside<'s>(act: &'s Act<'_>) -> Option<(&'s [u8], &'static str)> {
    match act {
        Act::Beside { name, .. } => Some((name, "the new one is")),
        Act::Aside { name, .. } => Some((name, "that of the zone is")),
        _ => None,
    }
}

/// One step on one line: what is done, the path, and what there is to say about it.
#[must_use]
pub fn step_line(step: &Step<'_>) -> String {
    let mut line = format!("{}: /{}", word(&step.act), printable(&step.path));
    if let Act::Attributes { mode, owner: (uid, gid), .. } = &step.act {
        line += &format!(": {mode:04o} {uid}:{gid}");
    }
    match &step.conflict {
        Some(why) => line += &format!(": {why}"),
        None if step.act == Act::Keep => line += ": was changed in the zone, and its package wants no more than that",
        None => {}
    }
    if let Some((name, what)) = beside(&step.act) {
        line += &format!("; {what} `{}`", printable(name));
    }
    line
}

/// One step as a JSON object, with names as in [`crate::populate::action_json`].
#[must_use]
pub fn step_json(step: &Step<'_>) -> Value {
    let mut out = Map::new();
    out.insert("what".into(), word(&step.act).into());
    put_name(&mut out, "path", &absolute(&step.path));
    if let Some(what) = step.act.makes() {
        out.insert("kind".into(), kind(what).into());
    }
    if let Act::Attributes { mode, owner: (uid, gid), .. } = &step.act {
        out.insert("mode".into(), format!("{mode:04o}").into());
        out.insert("uid".into(), (*uid).into());
        out.insert("gid".into(), (*gid).into());
    }
    if let Some(why) = &step.conflict {
        out.insert("conflict".into(), why.clone().into());
    }
    if let Some((name, _)) = beside(&step.act) {
        put_name(&mut out, "beside", name);
    }
    Value::Object(out)
}
