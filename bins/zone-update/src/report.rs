//! What was done, or would be, for people and for programs.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zonelib::libclone::State;
use zonelib::populate::{Missing, printable};
use zonelib::recipe::Recipe;
use zonelib::update::{Act, UpdatePlan, UpdateReport, step_json, step_line};

use crate::zones::Target;
use crate::{Cli, Failure};

/// A clone that zones mount.
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    /// What it was found to be.
    pub(crate) before: State,
}

/// One step, in words and as data.
struct Line {
    text: String,
    data: Value,
    conflict: bool,
}

/// What was done in one zone, or would be.
pub(crate) struct Done {
    brand: String,
    lines: Vec<Line>,
    counts: [(&'static str, usize); 7],
    contents: bool,
    missing: Vec<Missing>,
    warnings: Vec<String>,
    /// What was not as the plan had seen it.
    left: Vec<(Vec<u8>, String)>,
}

impl Done {
    pub(crate) fn of(plan: &UpdatePlan<'_>, recipe: &Recipe) -> Self {
        let line = |step| Line { text: step_line(step), data: step_json(step), conflict: step.conflict.is_some() };
        let count = |wanted: &dyn Fn(&Act<'_>) -> bool| plan.steps.iter().filter(|step| wanted(&step.act)).count();
        let conflicts = plan.conflicts().count();
        let counts = [
            ("added", count(&|act| matches!(act, Act::Add(_)))),
            ("replaced", count(&|act| matches!(act, Act::Replace(_) | Act::Aside { .. }))),
            ("attributes", count(&|act| matches!(act, Act::Attributes { .. }))),
            ("removed", count(&|act| matches!(act, Act::Remove | Act::RemoveDirectory | Act::RemoveTree))),
            ("conflicts", conflicts),
            ("kept", plan.kept),
            ("unchanged", plan.unchanged),
        ];
        Self {
            brand: recipe.name.clone(),
            lines: plan.steps.iter().map(line).collect(),
            counts,
            contents: plan.contents.is_some(),
            missing: plan.missing.clone(),
            warnings: plan.warnings.clone(),
            left: Vec::new(),
        }
    }

    pub(crate) fn applied(&mut self, applied: UpdateReport) {
        self.left = applied.left;
    }

    fn conflicts(&self) -> bool {
        !self.left.is_empty() || self.lines.iter().any(|line| line.conflict)
    }

    fn headline(&self, dry: bool) -> String {
        if self.lines.is_empty() && !self.contents {
            return "up to date".to_owned();
        }
        let [added, replaced, attributes, removed, conflicts, ..] = self.counts.map(|(_, count)| count);
        let mut line = match (dry, self.left.is_empty()) {
            (true, _) => "would be brought up to date: ",
            (false, true) => "brought up to date: ",
            (false, false) => "not all brought up to date: ",
        }
        .to_owned();
        line += &format!("{added} added, {replaced} replaced, {removed} removed, {attributes} with other attributes");
        match conflicts {
            0 => {}
            1 => line += "; 1 needs a look",
            count => line += &format!("; {count} need a look"),
        }
        line
    }

    fn text(&self, cli: &Cli) -> String {
        let mut out = format!("{}\n", self.headline(cli.dry_run));
        for line in self.lines.iter().filter(|line| line.conflict || cli.dry_run || cli.verbose) {
            // Writing to a string does not fail.
            let _ = writeln!(out, "{}", line.text);
        }
        for (path, why) in &self.left {
            let _ = writeln!(out, "left: /{}: {why}; run it again", printable(path));
        }
        if cli.verbose {
            for missing in &self.missing {
                let _ = writeln!(out, "missing: /{} {}", printable(&missing.path), missing.reason);
            }
        } else if !self.missing.is_empty() {
            let _ = writeln!(out, "warning: the image lacks packaged objects: {}; -v names them", self.missing.len());
        }
        for warning in &self.warnings {
            let _ = writeln!(out, "warning: {warning}");
        }
        out
    }

    fn data(&self) -> Value {
        let path = |path: &[u8]| format!("/{}", printable(path));
        let missing = |missing: &Missing| json!({ "path": path(&missing.path), "reason": missing.reason });
        let left = |(at, why): &(Vec<u8>, String)| json!({ "path": path(at), "reason": why });
        let counts: serde_json::Map<String, Value> =
            self.counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
        json!({
            "brand": self.brand,
            "counts": counts,
            "contents": self.contents,
            "steps": self.lines.iter().map(|line| &line.data).collect::<Vec<_>>(),
            "left": self.left.iter().map(left).collect::<Vec<_>>(),
            "missing": self.missing.iter().map(missing).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }
}

/// Everything.
pub(crate) struct Report<'r> {
    cli: &'r Cli,
    shared: Vec<Shared>,
    repositories: Vec<Value>,
    text: String,
    zones: Vec<Value>,
    conflicts: bool,
}

impl<'r> Report<'r> {
    pub(crate) fn new(cli: &'r Cli) -> Self {
        Self {
            cli,
            shared: Vec::new(),
            repositories: Vec::new(),
            text: String::new(),
            zones: Vec::new(),
            conflicts: false,
        }
    }

    pub(crate) fn shared(&mut self, shared: Shared) {
        let state = match (shared.before, self.cli.dry_run) {
            (State::Current, _) => "up to date",
            (_, true) => "would be brought up to date",
            (_, false) => "brought up to date",
        };
        let _ = writeln!(self.text, "{}: {state}", shared.path.display());
        self.shared.push(shared);
    }

    /// A service repository that was made anew for zones to come, or would be.
    pub(crate) fn repository(&mut self, path: &Path, warning: Option<String>) {
        let path = path.display();
        let _ = match (&warning, self.cli.dry_run) {
            (Some(warning), _) => writeln!(self.text, "{path}: warning: {warning}"),
            (None, true) => writeln!(self.text, "{path}: would be made anew"),
            (None, false) => writeln!(self.text, "{path}: made anew"),
        };
        self.repositories.push(json!({ "path": path.to_string(), "warning": warning }));
    }

    pub(crate) fn zone(&mut self, target: &Target, done: Done) {
        self.conflicts |= done.conflicts();
        let _ = write!(self.text, "{}: {}", target.shown(), done.text(self.cli));
        let mut data = done.data();
        name(&mut data, target);
        self.zones.push(data);
    }

    pub(crate) fn failed(&mut self, target: &Target, failure: &Failure) {
        let mut data = json!({ "error": failure.to_string() });
        name(&mut data, target);
        self.zones.push(data);
    }

    pub(crate) fn conflicts(&self) -> bool {
        self.conflicts
    }

    pub(crate) fn print(&self) -> String {
        if !self.cli.json {
            return self.text.clone();
        }
        let clone =
            |shared: &Shared| json!({ "path": shared.path.display().to_string(), "was": shared.before.as_str() });
        let data = json!({
            "version": 1,
            "image": self.cli.image.display().to_string(),
            "dry_run": self.cli.dry_run,
            "repositories": self.repositories,
            "clones": self.shared.iter().map(clone).collect::<Vec<_>>(),
            "zones": self.zones,
        });
        format!("{data}\n")
    }
}

fn name(data: &mut Value, target: &Target) {
    data["zone"] = json!(target.name.as_ref().map(ToString::to_string));
    data["root"] = json!(target.root.display().to_string());
    data["running"] = json!(target.active);
}
