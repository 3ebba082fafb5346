//! `pipcheck show`.

use serde::Serialize;

use super::what_if::label;
use super::{About, Answer, Asked, Failure, Outcome, Terminal, gather, models, style, title};
use crate::check::wanted;
use crate::cli::Show;
use crate::model::{Model, Module, Reverse};
use crate::packages::owners;
use crate::plan::{ModuleView, Need, show};
use crate::report::{Style, Tone, harmless};

#[derive(Debug, Serialize)]
struct Environment {
    #[serde(flatten)]
    about: About,
    modules: Vec<ModuleView>,
}

pub(super) fn run(flags: &Show, terminal: Terminal) -> Result<Outcome, Failure> {
    let gathered = gather(&flags.sources, false);
    let style = style(flags.output, terminal);
    let mut failures = gathered.failures();
    let mut asked = Asked::new(&flags.names);
    let mut environments = Vec::new();
    let mut texts = Vec::new();
    for collection in &gathered.collections {
        for model in models(collection, &flags.sources)? {
            let reverse = Reverse::of(&model);
            let projects = asked.projects(&model);
            let (numbers, mut views): (Vec<u32>, Vec<ModuleView>) =
                projects.into_iter().flat_map(|project| show(&model, &reverse, project)).unzip();
            failures.extend(own(&model, &numbers, &mut views));
            texts.extend(views.iter().map(|view| text(&title(&model), view, style)));
            environments.push(Environment { about: About::of(&model), modules: views });
        }
    }
    if !gathered.collections.is_empty() {
        failures.extend(asked.unknown("is not installed"));
    }
    let found = environments.iter().flat_map(|it| &it.modules).any(ModuleView::has_trouble);
    let text = if flags.output.json { Answer::text("show", environments, &failures, style)? } else { texts.join("\n") };
    Ok(Outcome { text, found, failures, warnings: Vec::new() })
}

/// Says who owns the modules, as far as there is a package database; what is wrong with that is what it gives back.
fn own(model: &Model<'_>, numbers: &[u32], views: &mut [ModuleView]) -> Option<String> {
    if numbers.is_empty() {
        return None;
    }
    let modules: Vec<&Module<'_>> = numbers.iter().map(|number| &model.modules[*number as usize]).collect();
    match owners(model, &modules) {
        Ok(Some(owners)) => {
            views.iter_mut().zip(owners).for_each(|(view, owner)| view.owner = Some(owner));
            None
        }
        Ok(None) => None,
        Err(error) => Some(error.to_string()),
    }
}

fn text(title: &str, view: &ModuleView, style: Style) -> String {
    let mut out = style.paint(Tone::Strong, &harmless(&label(&view.name, view.version.as_deref())));
    out.push_str(&format!(", {}\n", harmless(title)));
    let mut line = |label: &str, text: &str| {
        out.push_str(&format!("  {label:<13}"));
        style.wrap(&mut out, &harmless(text), 15);
    };
    if view.written != view.name {
        line("written", &view.written);
    }
    line("path", &view.path);
    line("form", view.form);
    match view.standing {
        "duplicate" => line("but", "another in the same directory is as good: which one counts is chance"),
        "shadowed" => line("but", "another that comes before it is the one that counts"),
        _ => {}
    }
    if let Some(owner) = &view.owner {
        line("owner", owner.as_deref().unwrap_or("no package"));
    }
    if let Some(python) = &view.requires_python {
        let state = if view.python == "fits" { String::new() } else { format!(" ({})", view.python) };
        line("for Python", &format!("{python}{state}"));
    }
    for extra in &view.extras {
        let by = if extra.asked_by.is_empty() { "nobody".to_owned() } else { extra.asked_by.join(", ") };
        line("extra", &format!("{}, asked for by {by}", extra.name));
    }
    needs_text(&mut out, "requires", &view.requires, style, required);
    needs_text(&mut out, "required by", &view.required_by, style, requiring);
    out
}

fn needs_text(out: &mut String, heading: &str, needs: &[Need], style: Style, text: fn(&Need) -> String) {
    if needs.is_empty() {
        out.push_str(&format!("  {heading} nothing\n"));
        return;
    }
    out.push_str(&format!("  {heading}\n"));
    let widest = needs.iter().map(|need| need.state.len()).max().unwrap_or(0);
    for need in needs {
        let counts = matches!(need.counts, "always" | "by-extra");
        let state = if counts { need.state } else { "-" };
        let tone = match state {
            "met" => Tone::Good,
            "-" => Tone::Note,
            _ => Tone::Bad,
        };
        out.push_str(&format!("    {}{}", style.paint(tone, state), " ".repeat(widest - state.len() + 2)));
        style.wrap(out, &harmless(&text(need)), widest + 6);
    }
}

fn required(need: &Need) -> String {
    let installed = need.version.as_ref().map_or_else(String::new, |version| format!(" ({version} is installed)"));
    format!("{}{installed}{}", wanted(&need.requirement), condition(need))
}

fn requiring(need: &Need) -> String {
    let name = label(need.name.as_deref().unwrap_or("?"), need.version.as_deref());
    format!("{name}: {}{}", need.requirement, condition(need))
}

fn condition(need: &Need) -> String {
    let extras = need.extras.join(", ");
    match need.counts {
        "by-extra" => format!(", for the extra {extras}, asked for by {}", need.via.join(" > ")),
        "only-with-extra" => format!(", for the extra {extras} only, which nobody asks for"),
        "not-here" => ", not on this platform or Python".to_owned(),
        _ => String::new(),
    }
}
