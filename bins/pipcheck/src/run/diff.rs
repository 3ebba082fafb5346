//! `pipcheck diff`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{EnvironmentReport, ModuleReport, Report, report};
use super::what_if::label;
use super::{Answer, Failure, Outcome, Terminal, gather, models, style};
use crate::check::{Finding, check};
use crate::cli::{Diff, SourceFlags};
use crate::compare::Difference;
use crate::read::{PythonVersion, open_ambient};
use crate::report::{FORMAT, Section, Style, Tone, findings_text, harmless};

/// No report is larger.
const MAX_BYTES: u64 = 1 << 30;

/// Why a report cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It cannot be read.
    #[error("`{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is neither a root nor a report.
    #[error("`{}` is neither a root nor a whole report of `check --json`: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Another program has written it, or a later version.
    #[error("`{}` has the format {found}, and this pipcheck reads {FORMAT}; make it again, or use a newer pipcheck", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// It is the answer to something else.
    #[error("`{}` is a report of `{found}`; only those of `check` can be compared", path.display())]
    Command {
        /// The file.
        path: PathBuf,
        /// The command.
        found: String,
    },
}

/// What every report begins with.
#[derive(Deserialize)]
struct Head {
    version: u64,
    command: String,
}

/// One side of the comparison.
struct Side {
    environments: Vec<EnvironmentReport>,
    failures: Vec<String>,
}

/// What has become of one Python.
#[derive(Debug, Serialize)]
struct Change {
    /// The Python, as in `3.13`; if one side has one Python and the other another, `3.12 -> 3.13`.
    python: String,
    new: Vec<Finding>,
    gone: Vec<Finding>,
    unchanged: usize,
    updated: Vec<Updated>,
    added: Vec<Installed>,
    removed: Vec<Installed>,
}

/// A module in another version.
#[derive(Debug, Serialize)]
struct Updated {
    name: String,
    old: String,
    new: String,
}

/// A module that only one side has.
#[derive(Debug, Serialize)]
struct Installed {
    name: String,
    version: String,
}

pub(super) fn run(flags: &Diff, terminal: Terminal) -> Result<Outcome, Failure> {
    let style = style(flags.output, terminal);
    let (old, new) = (side(&flags.old, flags)?, side(&flags.new, flags)?);
    let failures: Vec<String> = old.failures.into_iter().chain(new.failures).collect();
    let changes: Vec<Change> = pairs(old.environments, new.environments)
        .into_iter()
        .map(|(python, old, new)| compare(python, old, new))
        .collect();
    let found = changes.iter().flat_map(|change| &change.new).any(|finding| !finding.kind.is_note());
    let text = if flags.output.json {
        Answer::text("diff", changes, &failures, style)?
    } else {
        changes.iter().map(|change| text(change, style)).collect::<Vec<_>>().join("\n")
    };
    Ok(Outcome { text, found, failures, warnings: Vec::new() })
}

/// A folder is a root, and anything else a report.
fn side(path: &Path, flags: &Diff) -> Result<Side, Failure> {
    if path.is_dir() {
        let sources = SourceFlags {
            roots: vec![path.to_owned()],
            paths: Vec::new(),
            files: Vec::new(),
            pythons: flags.pythons.clone(),
            target: flags.target.clone(),
        };
        let gathered = gather(&sources, true);
        let mut environments = Vec::new();
        for collection in &gathered.collections {
            for model in models(collection, &sources)? {
                environments.push(report(&model, check(&model), Vec::new()));
            }
        }
        return Ok(Side { environments, failures: gathered.failures() });
    }
    let report = read(path)?;
    let in_part = |failure: &String| format!("`{}` is of a check in part: {failure}", path.display());
    let failures = report.failures.iter().map(in_part).collect();
    let is_wanted = |environment: &EnvironmentReport| {
        flags.pythons.is_empty()
            || environment
                .python
                .parse()
                .is_ok_and(|python: PythonVersion| flags.pythons.iter().any(|it| it.is_same_as(&python)))
    };
    Ok(Side { environments: report.environments.into_iter().filter(is_wanted).collect(), failures })
}

fn read(path: &Path) -> Result<Report, ReportError> {
    let unread = |source| ReportError::Read { path: path.to_owned(), source };
    let no_report = |source| ReportError::Json { path: path.to_owned(), source };
    let file = open_ambient(path).map_err(unread)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unread(io::Error::new(io::ErrorKind::FileTooLarge, "is larger than any report")));
    }
    // The rest of a later format may be anything.
    let head: Head = serde_json::from_slice(&bytes).map_err(no_report)?;
    if head.version != u64::from(FORMAT) {
        return Err(ReportError::Format { path: path.to_owned(), found: head.version });
    }
    if head.command != "check" {
        return Err(ReportError::Command { path: path.to_owned(), found: head.command });
    }
    serde_json::from_slice(&bytes).map_err(no_report)
}

type Environments = Vec<EnvironmentReport>;

/// What belongs together: the same Python, or the only ones.
fn pairs(old: Environments, new: Environments) -> Vec<(String, Environments, Environments)> {
    let short = |environment: &EnvironmentReport| {
        environment.python.parse().map_or_else(|_| environment.python.clone(), |python: PythonVersion| python.short())
    };
    if let ([before], [after]) = (old.as_slice(), new.as_slice())
        && short(before) != short(after)
    {
        return vec![(format!("{} -> {}", short(before), short(after)), old, new)];
    }
    let mut pairs: BTreeMap<String, (Environments, Environments)> = BTreeMap::new();
    for environment in old {
        pairs.entry(short(&environment)).or_default().0.push(environment);
    }
    for environment in new {
        pairs.entry(short(&environment)).or_default().1.push(environment);
    }
    pairs.into_iter().map(|(python, (old, new))| (python, old, new)).collect()
}

fn compare(python: String, old: Environments, new: Environments) -> Change {
    let (mut before, mut after) = (versions(&old), versions(&new));
    let findings = |side: Environments| side.into_iter().flat_map(|environment| environment.findings).collect();
    let Difference { new, gone, unchanged } = Difference::between(findings(old), findings(new));
    let common: Vec<String> = before.keys().filter(|name| after.contains_key(*name)).cloned().collect();
    let mut updated = Vec::new();
    for name in common {
        if let (Some(old), Some(new)) = (before.remove(&name), after.remove(&name))
            && old != new
        {
            updated.push(Updated { name, old, new });
        }
    }
    let installed = |modules: BTreeMap<String, String>| {
        modules.into_iter().map(|(name, version)| Installed { name, version }).collect()
    };
    Change {
        python,
        new,
        gone,
        unchanged: unchanged.len(),
        updated,
        added: installed(after),
        removed: installed(before),
    }
}

/// The versions of each module; it has several if there are several copies.
fn versions(side: &[EnvironmentReport]) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for ModuleReport { name, version, .. } in side.iter().flat_map(|environment| &environment.modules) {
        all.entry(name.clone()).or_default().insert(version.as_deref().unwrap_or("?"));
    }
    all.into_iter().map(|(name, versions)| (name, versions.into_iter().collect::<Vec<_>>().join(", "))).collect()
}

fn text(change: &Change, style: Style) -> String {
    let Change { python, new, gone, unchanged, updated, added, removed } = change;
    let title = format!("Python {python}");
    let modules = format!("{} updated, {} added, {} removed", updated.len(), added.len(), removed.len());
    let mut out = format!("{}: modules: {modules}\n", style.paint(Tone::Strong, &harmless(&title)));
    let updated: Vec<String> = updated.iter().map(|it| format!("{} {} -> {}", it.name, it.old, it.new)).collect();
    let labels =
        |modules: &[Installed]| modules.iter().map(|it| label(&it.name, Some(&it.version))).collect::<Vec<_>>();
    modules_text(&mut out, "updated", &updated, style);
    modules_text(&mut out, "added", &labels(added), style);
    modules_text(&mut out, "removed", &labels(removed), style);
    let serious = gone.iter().filter(|finding| !finding.kind.is_note());
    let told: Vec<String> = serious.map(|finding| format!("{}: {}", finding.kind, finding.message)).collect();
    modules_text(&mut out, "no more found", &told, style);
    out.push('\n');
    let (title, extent) = (format!("{title}, new"), format!("{} gone, {unchanged} unchanged", gone.len()));
    out.push_str(&findings_text(&Section { title, extent, findings: new, waived: &[], notes: true }, style));
    out
}

fn modules_text(out: &mut String, heading: &str, lines: &[String], style: Style) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("\n{}\n", style.paint(Tone::Strong, heading)));
    for line in lines {
        out.push_str("  ");
        style.wrap(out, &harmless(line), 4);
    }
}
