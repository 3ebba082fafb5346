//! What was found and done, for people and for programs.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};
use zonelib::libclone::{Broken, Change, Dependencies, State, Synced};
use zonelib::populate::{Missing, printable};
use zonelib::smf::{self, ImportError, Outcome};

use crate::Cli;

/// Changes and missing files that are named without -v.
const SHOWN: usize = 10;

/// What was found of one clone, and done to it.
pub(crate) struct Done {
    pub(crate) path: PathBuf,
    /// What it was found to be.
    pub(crate) before: State,
    /// What was done, if anything was to be.
    pub(crate) synced: Option<Synced>,
    /// Of the repository beside it, when there is to be one.
    pub(crate) services: Option<Services>,
    /// Looked for only when asked, where nothing was done.
    pub(crate) dependencies: Dependencies,
}

/// What was found of a prepared service repository, and done to it.
pub(crate) struct Services {
    pub(crate) path: PathBuf,
    /// Whether the host has svccfg, and the image a seed.
    pub(crate) possible: bool,
    pub(crate) before: Result<State, ImportError>,
    pub(crate) outcome: Option<Result<Outcome, ImportError>>,
}

impl Services {
    /// What it is now.
    fn state(&self) -> State {
        match (&self.before, &self.outcome) {
            (Ok(before), None | Some(Err(_))) => *before,
            (Ok(_), Some(Ok(_))) if self.possible => State::Current,
            (Ok(before), Some(Ok(_))) => *before,
            (Err(_), _) => State::Stale,
        }
    }

    /// What cannot be made is not missed.
    fn current(&self) -> bool {
        !self.possible || self.state() == State::Current
    }

    fn headline(&self) -> String {
        match &self.outcome {
            Some(Ok(Outcome::Made(imported))) => imported.describe(),
            _ if self.possible || self.state() == State::Current => self.state().as_str().to_owned(),
            _ => format!("{}: it cannot be made here", self.state().as_str()),
        }
    }

    fn warning(&self) -> Option<String> {
        match (&self.before, &self.outcome) {
            (Err(error), _) | (_, Some(Err(error))) => Some(smf::warning(error)),
            (_, Some(Ok(Outcome::Made(imported)))) => imported.warning(),
            _ => None,
        }
    }
}

impl Done {
    /// Whether nothing is to be done.
    pub(crate) fn current(&self) -> bool {
        self.before == State::Current && self.services.as_ref().is_none_or(Services::current)
    }

    fn broken(&self) -> &[Broken] {
        match &self.synced {
            Some(synced) if !synced.current => &synced.broken,
            _ => &self.dependencies.broken,
        }
    }

    fn headline(&self) -> String {
        let Some(synced) = &self.synced else {
            return match self.before {
                State::Current => "current",
                State::Stale => "stale: packages, prune lists or the recipe have changed since it was made",
                State::Absent => "absent: nothing says that it was ever made",
                State::Unfinished => "unfinished: it is being changed, or was left so",
            }
            .to_owned();
        };
        let Synced { changed, removed, kept, .. } = synced;
        match (synced.current, kept + removed) {
            (true, _) => "current".to_owned(),
            (false, 0) => format!("made of {changed} objects"),
            (false, _) => format!("brought up to date: {changed} changed, {removed} removed, {kept} unchanged"),
        }
    }
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Replaced => "replaced",
        Change::Removed => "removed",
    }
}

pub(crate) fn text(cli: &Cli, done: &[Done]) -> String {
    let mut out = String::new();
    for one in done {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{}: {}", one.path.display(), one.headline());
        if let Some(synced) = &one.synced {
            let changes = synced.changes.iter().map(|(path, change)| (word(*change), path, String::new()));
            some(&mut out, cli, changes.collect());
            let missing = |missing: &Missing| format!(" {}", missing.reason);
            some(&mut out, cli, synced.applied.missing.iter().map(|it| ("missing", &it.path, missing(it))).collect());
            for warning in &synced.warnings {
                let _ = writeln!(out, "warning: {warning}");
            }
        }
        for broken in one.broken() {
            let _ = writeln!(out, "warning: {broken}");
        }
        if let Some(services) = &one.services {
            let _ = writeln!(out, "{}: {}", services.path.display(), services.headline());
            if let Some(warning) = services.warning() {
                let _ = writeln!(out, "warning: {warning}");
            }
        }
    }
    out
}

fn some(out: &mut String, cli: &Cli, lines: Vec<(&str, &Vec<u8>, String)>) {
    let shown = if cli.verbose { lines.len() } else { lines.len().min(SHOWN) };
    for (what, path, detail) in &lines[..shown] {
        let _ = writeln!(out, "{what}: /{}{detail}", printable(path));
    }
    if shown < lines.len() {
        let _ = writeln!(out, "... and {} more; -v names them", lines.len() - shown);
    }
}

pub(crate) fn data(cli: &Cli, done: &[Done]) -> String {
    let path = |path: &[u8]| format!("/{}", printable(path));
    let one = |done: &Done| {
        let mut data = json!({ "path": done.path.display().to_string(), "state": done.before.as_str() });
        if let Some(synced) = &done.synced {
            let change = |(of, change): &(Vec<u8>, Change)| json!({ "path": path(of), "what": word(*change) });
            let missing = |missing: &Missing| json!({ "path": path(&missing.path), "reason": missing.reason });
            data["state"] = json!(State::Current.as_str());
            data["was"] = json!(done.before.as_str());
            data["changed"] = json!(synced.changed);
            data["removed"] = json!(synced.removed);
            data["unchanged"] = json!(synced.kept);
            data["changes"] = synced.changes.iter().map(change).collect();
            data["missing"] = synced.applied.missing.iter().map(missing).collect();
            data["warnings"] = json!(synced.warnings);
        }
        data["broken_dependencies"] = json!(done.broken());
        if let Some(services) = &done.services {
            let state = services.state().as_str();
            let mut repository = json!({ "path": services.path.display().to_string(), "state": state });
            if let Some(Ok(Outcome::Made(imported))) = &services.outcome {
                repository["imported"] = json!(imported.accepted());
                repository["refused"] = json!(imported.refused);
            }
            if let Some(warning) = services.warning() {
                repository["warning"] = json!(warning);
            }
            data["repository"] = repository;
        }
        data
    };
    let clones: Vec<Value> = done.iter().map(one).collect();
    format!("{}\n", json!({ "version": 1, "image": cli.image.display().to_string(), "clones": clones }))
}
