//! `pipcheck what-if`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{About, Answer, Failure, Outcome, Terminal, gather, models, style, title, unknown};
use crate::check::{Finding, wanted};
use crate::cli::WhatIf;
use crate::plan::{Blocker, Changes, Outlook, Planned, Step, what_if};
use crate::report::{Style, Tone, count, harmless};

#[derive(Debug, Serialize)]
struct Environment<'o> {
    #[serde(flatten)]
    about: About,
    steps: &'o [Step],
    breaks: &'o [Finding],
    repairs: &'o [Finding],
    remains: &'o [Finding],
    unchanged: usize,
    blockers: &'o [Blocker],
}

pub(super) fn run(flags: &WhatIf, terminal: Terminal) -> Result<Outcome, Failure> {
    let changes = Changes::parse(&flags.updates, &flags.metadata, &flags.remove)?;
    // What can be imported is taken to be as now, so that it matters only for what goes.
    let gathered = gather(&flags.sources, !flags.remove.is_empty());
    let style = style(flags.output, terminal);
    let mut failures = gathered.failures();
    let mut strangers: BTreeSet<&str> = changes.names().collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut outlooks = Vec::new();
    for collection in &gathered.collections {
        for model in models(collection, &flags.sources)? {
            let planned = Planned::of(&changes, &model);
            for step in &planned.steps {
                strangers.remove(step.name.as_str());
            }
            if !strangers.is_empty() {
                names.extend(model.by_name.keys().map(|name| name.to_string()));
            }
            if !planned.steps.is_empty() {
                let extent = count(model.modules.len(), "module", "modules");
                outlooks.push((title(&model), extent, About::of(&model), what_if(&model, &planned)));
            }
        }
    }
    if !gathered.collections.is_empty() {
        let why = "is not installed, and nothing that is requires it";
        failures.extend(strangers.into_iter().map(|name| unknown(name, why, names.iter().map(String::as_str))));
    }
    let found = outlooks.iter().any(|(.., outlook)| outlook.breaks.iter().any(|finding| !finding.kind.is_note()));
    let text = if flags.output.json {
        let environments = outlooks.iter().map(|(_, _, about, outlook)| environment(about, outlook)).collect();
        Answer::text("what-if", environments, &failures, style)?
    } else {
        let texts: Vec<String> = outlooks.iter().map(|(title, extent, _, it)| text(title, extent, it, style)).collect();
        texts.join("\n")
    };
    Ok(Outcome { text, found, failures, warnings: Vec::new() })
}

fn environment<'o>(about: &About, outlook: &'o Outlook) -> Environment<'o> {
    Environment {
        about: about.clone(),
        steps: &outlook.steps,
        breaks: &outlook.breaks,
        repairs: &outlook.repairs,
        remains: &outlook.remains,
        unchanged: outlook.unchanged,
        blockers: &outlook.blockers,
    }
}

fn text(title: &str, extent: &str, outlook: &Outlook, style: Style) -> String {
    let mut out = format!("{}: {extent}\n", style.paint(Tone::Strong, &harmless(title)));
    for step in &outlook.steps {
        out.push_str("  ");
        style.wrap(&mut out, &harmless(&step_text(step)), 4);
    }
    section(&mut out, "would break", &outlook.breaks, Tone::Bad, style);
    section(&mut out, "would be repaired", &outlook.repairs, Tone::Good, style);
    section(&mut out, "would stay as it is", &outlook.remains, Tone::Note, style);
    if !outlook.blockers.is_empty() {
        out.push_str(&format!("\n{}\n", style.paint(Tone::Strong, "in the way")));
        for blocker in &outlook.blockers {
            out.push_str("  ");
            let text = format!(
                "{}, which needs {}",
                label(&blocker.name, blocker.version.as_deref()),
                wanted(&blocker.requirement)
            );
            style.wrap(&mut out, &harmless(&text), 4);
        }
    }
    out.push_str(&format!("\n{}: {}\n", harmless(title), summary(outlook, style)));
    out
}

/// `name version`, for people.
pub(super) fn label(name: &str, version: Option<&str>) -> String {
    version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
}

fn step_text(step: &Step) -> String {
    let what = match (&step.from, &step.to) {
        (Some(from), Some(to)) if from == to => format!("if {} {from} stays what it is", step.name),
        (Some(from), Some(to)) => format!("if {} goes from {from} to {to}", step.name),
        (None, Some(to)) => format!("if {} {to} is added", step.name),
        (Some(from), None) => format!("if {} {from} is taken away", step.name),
        (None, None) => format!("if {} stays away", step.name),
    };
    match (step.needs_known, &step.from) {
        (true, _) => what,
        (false, Some(_)) => {
            format!("{what}; what that needs itself is not known, and taken to be as now: give it with --metadata")
        }
        (false, None) => {
            format!("{what}; what that needs itself is not known, and taken to be nothing: give it with --metadata")
        }
    }
}

fn section(out: &mut String, heading: &str, findings: &[Finding], tone: Tone, style: Style) {
    if findings.is_empty() {
        return;
    }
    out.push_str(&format!("\n{}\n", style.paint(Tone::Strong, heading)));
    let widest = findings.iter().map(|finding| finding.kind.to_string().len()).max().unwrap_or(0);
    for finding in findings {
        let kind = finding.kind.to_string();
        let tone = if finding.kind.is_note() { Tone::Note } else { tone };
        out.push_str(&format!("  {}{}", style.paint(tone, &kind), " ".repeat(widest - kind.len() + 2)));
        style.wrap(out, &harmless(&finding.message), widest + 4);
    }
}

fn summary(outlook: &Outlook, style: Style) -> String {
    let serious = |findings: &[Finding]| findings.iter().filter(|finding| !finding.kind.is_note()).count();
    let breaks = match serious(&outlook.breaks) {
        0 => style.paint(Tone::Good, "nothing would break"),
        number => style.paint(Tone::Bad, &format!("{number} would break")),
    };
    let repaired = serious(&outlook.repairs);
    format!("{breaks}, {repaired} would be repaired, {} would stay", outlook.serious)
}
