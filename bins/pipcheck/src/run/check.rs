//! `pipcheck check`.

use serde::{Deserialize, Serialize};

use super::{Failure, Outcome, Terminal, gather, models, style, title};
use crate::check::{Finding, check};
use crate::cli::Check;
use crate::model::Model;
use crate::pep::{ProjectName, Variable};
use crate::report::{FORMAT, Section, count, findings_text, json};
use crate::waivers::{Waived, Waivers};

/// The whole as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// [`FORMAT`].
    pub version: u32,
    /// `check`.
    pub command: String,
    /// One for each Python, and each of the matrix.
    pub environments: Vec<EnvironmentReport>,
    /// Waivers that matched nothing.
    pub unmatched_waivers: Vec<String>,
    /// What could not be looked at.
    pub failures: Vec<String>,
}

/// What one Python gave.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EnvironmentReport {
    /// The root, on this machine.
    pub root: Option<String>,
    /// The folder of the Python below it.
    pub prefix: String,
    /// The version that it is checked for.
    pub python: String,
    /// The directories that it looks into, below the root.
    pub paths: Vec<String>,
    /// The marker variables.
    pub markers: std::collections::BTreeMap<String, String>,
    /// The modules that were found.
    pub modules: Vec<ModuleReport>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What is put up with.
    pub waived: Vec<Waived>,
}

/// One module.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ModuleReport {
    /// Its normalised name.
    pub name: String,
    /// Its version as it was written.
    pub version: Option<String>,
    /// How it is installed.
    pub form: String,
}

pub(super) fn run(flags: &Check, terminal: Terminal) -> Result<Outcome, Failure> {
    let mut waivers = Waivers::read(&flags.waivers, flags.today)?;
    let gathered = gather(&flags.sources, true);
    let style = style(flags.output, terminal);
    let failures = gathered.failures();
    let mut environments = Vec::new();
    let mut text = String::new();
    let mut found = false;
    for collection in &gathered.collections {
        for model in models(collection, &flags.sources)? {
            let mut findings = check(&model);
            let waived = waivers.apply(&mut findings, Some(&model.python));
            only(&mut findings, &flags.names);
            found |= findings.iter().any(|finding| !finding.kind.is_note());
            if flags.output.json {
                environments.push(report(&model, findings, waived));
            } else {
                if !text.is_empty() {
                    text.push('\n');
                }
                let extent = count(model.modules.len(), "module", "modules");
                let title = title(&model);
                let section = Section { title, extent, findings: &findings, waived: &waived, notes: !flags.no_notes };
                text.push_str(&findings_text(&section, style));
            }
        }
    }
    // The process ends: to free thousands of distributions one by one would only take time.
    std::mem::forget(gathered);
    let unmatched_waivers = waivers.unmatched();
    if flags.output.json {
        let (version, command) = (FORMAT, "check".to_owned());
        let report = Report { version, command, environments, unmatched_waivers, failures: failures.clone() };
        text = json(&report, style)?;
        return Ok(Outcome { text, found, failures, warnings: Vec::new() });
    }
    Ok(Outcome { text, found, failures, warnings: unmatched_waivers })
}

/// Leaves only what concerns some modules: as what is to be acted on, or what it was found with.
fn only(findings: &mut Vec<Finding>, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let names: Vec<ProjectName<'_>> = names.iter().map(|name| ProjectName::lenient(name)).collect();
    let is_named = |text: &str| names.contains(&ProjectName::lenient(text));
    findings.retain(|finding| {
        is_named(&finding.subject)
            || is_named(&finding.distribution)
            || finding.dependency.iter().flat_map(|all| all.split(' ')).any(is_named)
    });
}

pub(super) fn report(model: &Model<'_>, findings: Vec<Finding>, waived: Vec<Waived>) -> EnvironmentReport {
    let collection = model.collection;
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let markers = Variable::ALL
        .iter()
        .filter_map(|variable| Some((variable.to_string(), model.environment.get(*variable)?.to_owned())));
    EnvironmentReport {
        root: collection.root.as_ref().map(|root| text(root.shown())),
        prefix: text(&collection.python.prefix),
        python: model.python.to_string(),
        paths: collection.places.iter().map(|place| text(&place.path)).collect(),
        markers: markers.collect(),
        modules: model
            .modules
            .iter()
            .map(|module| ModuleReport {
                name: module.name.to_string(),
                version: module.version_text().map(str::to_owned),
                form: module.distribution.form.as_str().to_owned(),
            })
            .collect(),
        findings,
        waived,
    }
}
