//! Plans and reports, for people and for programs.

use std::fmt::Write;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use zonelib::brand::golden::Golden;
use zonelib::brand::install::{Install, Report};
use zonelib::populate::{Action, Missing, Plan, Summary, action_json, action_line, printable};
use zonelib::program::size;
use zonelib::storage::StorageError;

/// Missing files that are named without -v.
const SHOWN: usize = 10;

/// The golden image that would be used.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedImage {
    image: String,
    whole: bool,
}

impl PlannedImage {
    /// Looks whether it is there.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn of(golden: &Golden) -> Result<Self, StorageError> {
        Ok(Self { image: golden.dataset().to_owned(), whole: golden.is_whole()? })
    }
}

/// A plan in words.
#[must_use]
pub fn plan_text(install: &Install, plan: &Plan<'_>, golden: Option<&PlannedImage>, verbose: bool) -> String {
    let summary = Summary::of(plan);
    let mut text = String::new();
    let recipe = &install.recipe;
    let target = install.archive.as_ref().or(install.zonepath.as_ref()).map(|path| path.display().to_string());
    let _ =
        writeln!(text, "brand {} from {}, recipe {}", recipe.name, install.image.display(), recipe.origin.display());
    let _ = writeln!(text, "into {}", target.unwrap_or_default());
    if let Some(PlannedImage { image, whole }) = golden {
        let first = if *whole { "" } else { ", which is filled first" };
        let _ = writeln!(text, "a clone of golden image {image}{first}");
    }
    for share in &recipe.shares {
        let clone = if share.clone.is_some() { ", a pruned clone" } else { "" };
        let _ = writeln!(text, "mounts {} from {}{clone}", share.path, share.from);
    }
    if verbose {
        for action in &plan.actions {
            let _ = writeln!(text, "{}", action_line(action));
        }
    }
    let kinds: Vec<String> = summary.kinds.iter().map(|(kind, count)| counted(*count, kind)).collect();
    let _ = writeln!(text, "{} objects: {}", summary.objects, kinds.join(", "));
    let _ = writeln!(
        text,
        "{} editable files from pristine copies; {} in files that are not editable",
        summary.pristine,
        size(summary.bytes)
    );
    if !plan.postinstall.is_empty() {
        let _ = writeln!(text, "{} postinstall scripts: {}", plan.postinstall.len(), plan.postinstall.join(", "));
    }
    missing(&mut text, &plan.missing, verbose);
    for warning in &plan.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    text
}

/// A plan as JSON, every action in it. Actions become text one by one: there are many.
#[derive(Serialize)]
pub struct PlanJson<'a> {
    actions: Actions<'a>,
    brand: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    golden: Option<PlannedImage>,
    image: String,
    missing: Vec<Value>,
    postinstall: &'a [String],
    summary: Summary,
    version: u32,
    warnings: &'a [String],
}

struct Actions<'a>(&'a [Action<'a>]);

impl Serialize for Actions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(action_json))
    }
}

impl<'a> PlanJson<'a> {
    /// What a plan looks like to programs.
    #[must_use]
    pub fn new(install: &'a Install, plan: &'a Plan<'a>, golden: Option<PlannedImage>) -> Self {
        Self {
            actions: Actions(&plan.actions),
            brand: &install.recipe.name,
            golden,
            image: install.image.display().to_string(),
            missing: missing_json(&plan.missing),
            postinstall: &plan.postinstall,
            summary: Summary::of(plan),
            version: 1,
            warnings: &plan.warnings,
        }
    }
}

/// What was done, in words.
#[must_use]
pub fn done_text(install: &Install, report: &Report, verbose: bool) -> String {
    let mut text = String::new();
    let applied = &report.applied;
    let target = install.archive.as_ref().or(install.zonepath.as_ref()).map(|path| path.display().to_string());
    for (path, synced) in &report.clones {
        let _ = writeln!(
            text,
            "{}: {} changed, {} removed, {} unchanged",
            path.display(),
            synced.changed,
            synced.removed,
            synced.kept
        );
    }
    if let Some(imported) = report.imported {
        let _ = writeln!(text, "{}", imported.describe());
    }
    let target = target.unwrap_or_default();
    if let Some(golden) = &report.golden {
        let _ = writeln!(text, "{target}: a clone of golden image {}", golden.image);
    }
    match &report.golden {
        Some(golden) if golden.filled => {
            let _ = writeln!(text, "{}: {} objects, {}", golden.image, applied.objects, size(applied.bytes));
        }
        Some(_) => {}
        None => {
            let _ = writeln!(text, "{target}: {} objects, {}", applied.objects, size(applied.bytes));
        }
    }
    let failed: Vec<_> = report.postinstall.iter().filter(|script| script.failure.is_some()).collect();
    if !report.postinstall.is_empty() {
        let _ = writeln!(text, "{} postinstall scripts run, {} failed", report.postinstall.len(), failed.len());
    }
    for script in report.postinstall.iter().filter(|script| verbose || script.failure.is_some()) {
        let how = script.failure.as_deref().unwrap_or("done");
        let _ = writeln!(text, "postinstall of {}: {how}", script.package);
    }
    if !report.postponed.is_empty() {
        let _ = writeln!(text, "postinstall scripts not run for an archive: {}", report.postponed.join(", "));
    }
    missing(&mut text, &applied.missing, verbose);
    for mismatch in &applied.mismatches {
        let _ = writeln!(text, "not as packaged: /{}: {}", printable(&mismatch.path), mismatch.difference);
    }
    for changed in &applied.changed {
        let _ = writeln!(text, "changed while it was copied: /{}", printable(changed));
    }
    for warning in &report.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    let total: f64 = report.phases.iter().map(|(_, time)| time.as_secs_f64()).sum();
    let phases: Vec<String> =
        report.phases.iter().map(|(name, time)| format!("{name} {:.3} s", time.as_secs_f64())).collect();
    let _ = writeln!(text, "done in {total:.3} s: {}", phases.join(", "));
    text
}

/// What was done, as JSON.
#[must_use]
pub fn done_json(install: &Install, report: &Report) -> Value {
    let phases: Vec<Value> =
        report.phases.iter().map(|(name, time)| json!({ "phase": name, "seconds": time.as_secs_f64() })).collect();
    let clones: Vec<Value> = report
        .clones
        .iter()
        .map(|(path, synced)| {
            json!({
                "path": path.display().to_string(),
                "changed": synced.changed,
                "removed": synced.removed,
                "unchanged": synced.kept,
                "broken_dependencies": synced.broken,
            })
        })
        .collect();
    let applied = &report.applied;
    let mismatches: Vec<Value> = applied
        .mismatches
        .iter()
        .map(|mismatch| json!({ "path": format!("/{}", printable(&mismatch.path)), "difference": mismatch.difference }))
        .collect();
    let changed: Vec<String> = applied.changed.iter().map(|path| format!("/{}", printable(path))).collect();
    let golden = report.golden.as_ref().map(|golden| json!({ "image": golden.image, "filled": golden.filled }));
    json!({
        "version": 1,
        "brand": install.recipe.name,
        "golden": golden,
        "objects": applied.objects,
        "bytes": applied.bytes,
        "clones": clones,
        "imported_manifests": report.imported.map(|imported| imported.accepted()),
        "postinstall": report.postinstall,
        "postinstall_not_run": report.postponed,
        "missing": missing_json(&applied.missing),
        "not_as_packaged": mismatches,
        "changed_while_copied": changed,
        "warnings": report.warnings,
        "phases": phases,
    })
}

/// `1 directory`, `2 directories`.
fn counted(count: usize, kind: &str) -> String {
    match (count, kind.strip_suffix('y')) {
        (1, _) => format!("1 {kind}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {kind}s"),
    }
}

fn missing_json(missing: &[Missing]) -> Vec<Value> {
    let one = |missing: &Missing| json!({ "path": format!("/{}", printable(&missing.path)), "reason": missing.reason });
    missing.iter().map(one).collect()
}

fn missing(text: &mut String, missing: &[Missing], verbose: bool) {
    let shown = if verbose { missing.len() } else { missing.len().min(SHOWN) };
    for missing in &missing[..shown] {
        let _ = writeln!(text, "missing: /{} {}", printable(&missing.path), missing.reason);
    }
    if shown < missing.len() {
        let _ = writeln!(text, "missing: {} more; -v names them", missing.len() - shown);
    }
}
