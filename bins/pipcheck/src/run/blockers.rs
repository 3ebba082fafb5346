//! `pipcheck blockers`.

use serde::Serialize;

use super::what_if::label;
use super::{About, Answer, Asked, Failure, Outcome, Terminal, gather, known_versions, models, style, title};
use crate::cli::Blockers;
use crate::model::Reverse;
use crate::plan::{Chains, Limit, Limits, limits};
use crate::report::{Style, Tone, count, harmless};

#[derive(Debug, Serialize)]
struct Environment {
    #[serde(flatten)]
    about: About,
    modules: Vec<Limits>,
}

pub(super) fn run(flags: &Blockers, terminal: Terminal) -> Result<Outcome, Failure> {
    let (known, problems) = known_versions(flags.known.as_deref())?;
    let gathered = gather(&flags.sources, false);
    let style = style(flags.output, terminal);
    let mut failures = gathered.failures();
    failures.extend(problems);
    let mut asked = Asked::new(&flags.names);
    let mut environments = Vec::new();
    let mut texts = Vec::new();
    for collection in &gathered.collections {
        for model in models(collection, &flags.sources)? {
            let reverse = Reverse::of(&model);
            let modules = asked.of(&model, |name| limits(&model, &reverse, name, &known, flags.pre));
            texts.extend(modules.iter().map(|limits| text(&title(&model), limits, style)));
            environments.push(Environment { about: About::of(&model), modules });
        }
    }
    if !gathered.collections.is_empty() {
        failures.extend(asked.unknown("is not installed, and nothing that is requires it"));
    }
    let found = environments.iter().flat_map(|it| &it.modules).any(Limits::are_in_the_way);
    let text =
        if flags.output.json { Answer::text("blockers", environments, &failures, style)? } else { texts.join("\n") };
    Ok(Outcome { text, found, failures, warnings: Vec::new() })
}

fn text(title: &str, limits: &Limits, style: Style) -> String {
    let mut out = style.paint(Tone::Strong, &harmless(&label(&limits.name, limits.installed.as_deref())));
    let here = if limits.installed.is_some() { "" } else { " (not installed)" };
    let required = count(limits.limits.len(), "requirement", "requirements");
    out.push_str(&format!("{here}, {}: {required}\n", harmless(title)));
    let bounds: Vec<String> = limits.limits.iter().map(|limit| bound(limit, limits.newest.is_some())).collect();
    let widest = bounds.iter().map(String::len).max().unwrap_or(0);
    for (limit, bound) in limits.limits.iter().zip(&bounds) {
        let tone = if limit.holds { Tone::Note } else { Tone::Bad };
        let shown = if limit.ceiling.is_some() || !limit.holds { style.paint(tone, bound) } else { bound.clone() };
        out.push_str(&format!("  {shown}{}", " ".repeat(widest - bound.len() + 2)));
        let broken = if limit.holds || limits.installed.is_none() { "" } else { "; the installed one does not do" };
        let text = format!("{} needs {}{broken}", label(&limit.name, limit.version.as_deref()), limit.requirement);
        style.wrap(&mut out, &harmless(&text), widest + 4);
    }
    if limits.only_with_extras > 0 {
        let more = count(limits.only_with_extras, "requirement", "requirements");
        out.push_str(&format!("  and {more} for extras that nobody asks for\n"));
    }
    for chains in &limits.chains {
        way_text(&mut out, chains, style);
    }
    out.push_str(&format!("{}\n", summary(limits, style)));
    out
}

fn bound(limit: &Limit, knows: bool) -> String {
    let ceiling = match &limit.ceiling {
        Some(ceiling) if limit.inclusive => format!("up to {ceiling}"),
        Some(ceiling) => format!("below {ceiling}"),
        None => "any later".to_owned(),
    };
    let ceiling = harmless(&ceiling);
    match &limit.newest {
        Some(newest) => format!("{ceiling}, so {}", harmless(newest)),
        None if knows => format!("{ceiling}, so none known"),
        None => ceiling,
    }
}

fn way_text(out: &mut String, chains: &Chains, style: Style) {
    let name = &chains.name;
    let mut lines: Vec<String> = chains.ways.iter().map(|way| way.join(" > ")).collect();
    if chains.is_top {
        lines.push(format!("{name}: nothing requires it"));
    } else if lines.is_empty() {
        lines.push(format!("{name}: is required in a circle only"));
    }
    if chains.more > 0 {
        lines.push(format!("and {} more", chains.more));
    }
    out.push_str(&format!("the way to {}\n", harmless(name)));
    for line in lines {
        out.push_str("  ");
        style.wrap(out, &harmless(&line), 4);
    }
}

fn summary(limits: &Limits, style: Style) -> String {
    let name = harmless(&limits.name);
    let tightest = limits.limits.first().filter(|limit| limit.ceiling.is_some());
    let tightest = tightest.map(|limit| format!("; the tightest is {}", label(&limit.name, limit.version.as_deref())));
    let tightest = harmless(&tightest.unwrap_or_default());
    match (&limits.newest, &limits.newest_allowed) {
        (Some(newest), Some(allowed)) if newest == allowed => {
            format!("{name}: {}", style.paint(Tone::Good, &format!("nothing is in the way of {}", harmless(newest))))
        }
        (Some(newest), allowed) => {
            let allowed = allowed.as_ref().map_or_else(
                || "no known version suits all".to_owned(),
                |allowed| format!("{} is the newest that suits all", harmless(allowed)),
            );
            let held = style.paint(Tone::Bad, &format!("not to {}", harmless(newest)));
            format!("{name}: {held}, {allowed}{tightest}")
        }
        (None, _) if tightest.is_empty() => format!("{name}: {}", style.paint(Tone::Good, "nothing limits it")),
        (None, _) => format!("{name}: limited{tightest}"),
    }
}
