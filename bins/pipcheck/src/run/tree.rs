//! `pipcheck tree`.

use std::collections::HashSet;

use serde::Serialize;

use super::what_if::label;
use super::{About, Answer, Asked, Failure, Outcome, Terminal, gather, models, style, title};
use crate::cli;
use crate::model::Reverse;
use crate::plan::{Branch, Direction, Tree, tree};
use crate::report::{Style, Tone, harmless};

/// The lines to the left of deeper branches would take more room than all else.
const MAX_DEPTH: usize = 1000;

#[derive(Debug, Serialize)]
struct Environment {
    #[serde(flatten)]
    about: About,
    #[serde(flatten)]
    tree: Tree,
}

pub(super) fn run(flags: &cli::Tree, terminal: Terminal) -> Result<Outcome, Failure> {
    let gathered = gather(&flags.sources, false);
    let style = style(flags.output, terminal);
    let mut failures = gathered.failures();
    let mut asked = Asked::new(&flags.names);
    let direction = if flags.reverse { Direction::RequiredBy } else { Direction::Requires };
    let mut environments = Vec::new();
    let mut texts = Vec::new();
    for collection in &gathered.collections {
        for model in models(collection, &flags.sources)? {
            let tops = asked.projects(&model);
            if tops.is_empty() && !flags.names.is_empty() {
                continue;
            }
            let tree = tree(&model, &Reverse::of(&model), &tops, direction);
            if flags.dot {
                texts.push(dot(&title(&model), &tree));
            } else if !flags.output.json {
                texts.push(text(&title(&model), &tree, flags.depth.min(MAX_DEPTH), style));
            }
            environments.push(Environment { about: About::of(&model), tree });
        }
    }
    if !gathered.collections.is_empty() {
        failures.extend(asked.unknown("is not installed"));
    }
    let found = environments.iter().any(|environment| environment.tree.has_trouble());
    let text = if flags.output.json { Answer::text("tree", environments, &failures, style)? } else { texts.join("\n") };
    Ok(Outcome { text, found, failures, warnings: Vec::new() })
}

/// A module that is drawn, and what of it is still to be drawn below.
struct Drawn<'t> {
    name: &'t str,
    below: std::slice::Iter<'t, Branch>,
}

fn text(title: &str, tree: &Tree, depth: usize, style: Style) -> String {
    let mut out = format!("{}\n", style.paint(Tone::Strong, &harmless(title)));
    let mut seen = HashSet::new();
    for top in &tree.tops {
        out.push('\n');
        draw(&mut out, tree, top, depth, &mut seen, style);
    }
    out
}

/// Draws what hangs below a module. What was drawn before is not drawn again, and a circle ends where it began.
fn draw<'t>(out: &mut String, tree: &'t Tree, top: &'t str, depth: usize, seen: &mut HashSet<&'t str>, style: Style) {
    let mut path: Vec<Drawn<'t>> = Vec::new();
    let mut on_path: HashSet<&'t str> = HashSet::new();
    let version = tree.modules.get(top).and_then(|module| module.version.as_deref());
    out.push_str(&harmless(&label(top, version)));
    let mut enter = |path: &mut Vec<Drawn<'t>>, on_path: &mut HashSet<&'t str>, out: &mut String, name: &'t str| {
        let below = tree.modules.get(name).map_or(&[][..], |module| module.below.as_slice());
        let mark = if on_path.contains(name) {
            " (circle)"
        } else if below.is_empty() {
            ""
        } else if path.len() >= depth {
            " (...)"
        } else if !seen.insert(name) {
            " (as above)"
        } else {
            on_path.insert(name);
            path.push(Drawn { name, below: below.iter() });
            ""
        };
        out.push_str(mark);
        out.push('\n');
    };
    enter(&mut path, &mut on_path, out, top);
    while let Some(drawn) = path.last_mut() {
        let Some(branch) = drawn.below.next() else {
            on_path.remove(drawn.name);
            path.pop();
            continue;
        };
        out.push_str(&lead(&path));
        out.push_str(&branch_text(tree, branch, style));
        enter(&mut path, &mut on_path, out, &branch.name);
    }
}

/// The lines to the left of a branch.
fn lead(path: &[Drawn<'_>]) -> String {
    let more = |drawn: &Drawn<'_>| !drawn.below.as_slice().is_empty();
    let Some((last, others)) = path.split_last() else { return String::new() };
    let mut lead: String = others.iter().map(|drawn| if more(drawn) { "|   " } else { "    " }).collect();
    lead.push_str(if more(last) { "|-- " } else { "`-- " });
    lead
}

fn branch_text(tree: &Tree, branch: &Branch, style: Style) -> String {
    let module = tree.modules.get(&branch.name);
    let name = harmless(&label(&branch.name, module.and_then(|module| module.version.as_deref())));
    let requirement = harmless(&branch.requirement);
    let what = match tree.direction {
        Direction::Requires => format!("{name} ({requirement})"),
        Direction::RequiredBy => format!("{name} (needs {requirement})"),
    };
    if branch.state == "met" { what } else { format!("{what} {}", style.paint(Tone::Bad, branch.state)) }
}

/// The tree in the language of Graphviz.
fn dot(title: &str, tree: &Tree) -> String {
    let mut out = format!("digraph {} {{\n", quoted(title));
    for (name, module) in &tree.modules {
        let text =
            if module.installed { label(name, module.version.as_deref()) } else { format!("{name} (not installed)") };
        let look = if module.installed { "" } else { ", style=dashed" };
        out.push_str(&format!("  {} [label={}{look}];\n", quoted(name), quoted(&text)));
    }
    for (name, module) in &tree.modules {
        for branch in &module.below {
            let (from, to) = match tree.direction {
                Direction::Requires => (name, &branch.name),
                Direction::RequiredBy => (&branch.name, name),
            };
            let look = if branch.state == "met" { "" } else { ", color=red" };
            let edge = format!("{} -> {}", quoted(from), quoted(to));
            out.push_str(&format!("  {edge} [label={}{look}];\n", quoted(&branch.requirement)));
        }
    }
    out.push_str("}\n");
    out
}

/// A string of Graphviz. It knows no escape but that of the quote; a backslash is for labels.
fn quoted(text: &str) -> String {
    format!("\"{}\"", harmless(text).replace('\\', "\\\\").replace('"', "\\\""))
}
