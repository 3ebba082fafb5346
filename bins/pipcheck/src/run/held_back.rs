//! `pipcheck held-back`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::what_if::label;
use super::{About, Answer, Asked, Failure, Outcome, Terminal, gather, known_versions, models, style, title};
use crate::check::wanted;
use crate::cli;
use crate::plan::{Free, Given, HeldBack, Move, Moves, Survey, held_back};
use crate::report::{Style, Tone, count, harmless};

#[derive(Debug, Serialize)]
struct Environment {
    #[serde(flatten)]
    about: About,
    held: Vec<HeldBack>,
    free: Vec<Free>,
    current: usize,
    unknown: Vec<String>,
}

pub(super) fn run(flags: &cli::HeldBack, terminal: Terminal) -> Result<Outcome, Failure> {
    let (known, problems) = known_versions(Some(&flags.known))?;
    let given = Given::new(known, &flags.metadata, flags.pre)?;
    let gathered = gather(&flags.sources, false);
    let style = style(flags.output, terminal);
    let mut failures = gathered.failures();
    failures.extend(problems);
    let mut asked = Asked::new(&flags.names);
    let mut environments = Vec::new();
    let mut texts = Vec::new();
    for collection in &gathered.collections {
        for model in models(collection, &flags.sources)? {
            let only = asked.projects(&model);
            if only.is_empty() && !flags.names.is_empty() {
                continue;
            }
            let survey = held_back(&model, &given, &only);
            if !flags.output.json {
                texts.push(text(&title(&model), &count(model.modules.len(), "module", "modules"), &survey, style));
            }
            let Survey { held, free, current, unknown } = survey;
            environments.push(Environment { about: About::of(&model), held, free, current, unknown });
        }
    }
    if !gathered.collections.is_empty() {
        failures.extend(asked.unknown("is not installed"));
    }
    let found = environments.iter().any(|environment| !environment.held.is_empty());
    let text =
        if flags.output.json { Answer::text("held-back", environments, &failures, style)? } else { texts.join("\n") };
    Ok(Outcome { text, found, failures, warnings: Vec::new() })
}

fn text(title: &str, extent: &str, survey: &Survey, style: Style) -> String {
    let mut out = format!("{}: {extent}\n", style.paint(Tone::Strong, &harmless(title)));
    for held in &survey.held {
        held_text(&mut out, held, style);
    }
    sets_text(&mut out, survey, style);
    if !survey.free.is_empty() {
        out.push_str(&format!("\n{}\n", style.paint(Tone::Strong, "could be updated alone")));
        for free in &survey.free {
            let unknown = if free.needs_known { "" } else { "; what that needs itself is not known" };
            out.push_str("  ");
            style.wrap(
                &mut out,
                &harmless(&format!("{} {} -> {}{unknown}", free.name, free.installed, free.newest)),
                4,
            );
        }
    }
    if !survey.unknown.is_empty() {
        out.push_str(&format!("\n{}\n  ", style.paint(Tone::Strong, "of which no version is known")));
        style.wrap(&mut out, &harmless(&survey.unknown.join(", ")), 2);
    }
    let held = match survey.held.len() {
        0 => style.paint(Tone::Good, "nothing is held back"),
        number => style.paint(Tone::Bad, &format!("{number} held back")),
    };
    let (free, current) = (survey.free.len(), survey.current);
    out.push_str(&format!("\n{}: {held}, {free} could be updated alone, {current} up to date\n", harmless(title)));
    out
}

fn held_text(out: &mut String, held: &HeldBack, style: Style) {
    let heading = harmless(&format!("{} {} -> {}", held.name, held.installed, held.newest));
    out.push_str(&format!("\n{}\n", style.paint(Tone::Strong, &heading)));
    let mut line = |label: &str, tone: Tone, text: &str| {
        out.push_str(&format!("  {}{}", style.paint(tone, label), " ".repeat(9usize.saturating_sub(label.len()))));
        style.wrap(out, &harmless(text), 11);
    };
    for holder in &held.holders {
        let needs =
            format!("{}, which needs {}", label(&holder.name, holder.version.as_deref()), wanted(&holder.requirement));
        line("held by", Tone::Bad, &needs);
    }
    if let Some(allowed) = &held.newest_allowed {
        line("until", Tone::Good, &format!("{allowed}, which nobody minds"));
    }
    match &held.moves {
        Moves::Together { set, assumed } => {
            let others: Vec<String> = set.iter().filter(|it| it.name != held.name).map(move_text).collect();
            line("with", Tone::Good, &others.join(", "));
            for hope in assumed {
                line("if", Tone::Note, &format!("{hope}: its METADATA was not given"));
            }
        }
        Moves::Never { stuck } if stuck.is_empty() => line("stuck", Tone::Bad, "no set of known versions does"),
        Moves::Never { stuck } => stuck.iter().for_each(|why| line("stuck", Tone::Bad, why)),
        Moves::GaveUp { why } => line("gave up", Tone::Note, why),
    }
}

fn move_text(step: &Move) -> String {
    match &step.from {
        Some(from) => format!("{} {from} -> {}", step.name, step.to),
        None => format!("{} {} (new)", step.name, step.to),
    }
}

/// The sets that free more than one module.
fn sets_text(out: &mut String, survey: &Survey, style: Style) {
    let mut sets: BTreeMap<&[Move], Vec<&str>> = BTreeMap::new();
    for held in &survey.held {
        if let Moves::Together { set, .. } = &held.moves {
            sets.entry(set).or_default().push(&held.name);
        }
    }
    sets.retain(|_, freed| freed.len() > 1);
    if sets.is_empty() {
        return;
    }
    out.push_str(&format!("\n{}\n", style.paint(Tone::Strong, "could move together")));
    for (set, freed) in sets {
        let moves: Vec<String> = set.iter().map(move_text).collect();
        out.push_str("  ");
        style.wrap(out, &harmless(&format!("{} (frees {})", moves.join(", "), freed.join(", "))), 4);
    }
}
