//! Findings as text, by the module to act on.

use super::show::{Style, Tone, count, harmless};
use crate::check::{Finding, Kind};
use crate::waivers::Waived;

/// What one Python or one system of packages gave.
#[derive(Debug)]
pub struct Section<'s> {
    /// What was looked at: `Python 3.13 in /usr`.
    pub title: String,
    /// How much was looked at: `118 modules`.
    pub extent: String,
    /// What was found.
    pub findings: &'s [Finding],
    /// What was found and is put up with.
    pub waived: &'s [Waived],
    /// Whether notes are told.
    pub notes: bool,
}

/// The text of a section.
#[must_use]
pub fn findings_text(section: &Section<'_>, style: Style) -> String {
    let told: Vec<&Finding> =
        section.findings.iter().filter(|finding| section.notes || !finding.kind.is_note()).collect();
    let widest = told.iter().map(|finding| finding.kind.to_string().len()).max().unwrap_or(0);
    let mut out = style.paint(Tone::Strong, &harmless(&section.title));
    out.push_str(&format!(": {}\n", section.extent));
    let mut subject = None;
    for finding in told {
        if subject != Some(&finding.subject) {
            subject = Some(&finding.subject);
            out.push('\n');
            out.push_str(&style.paint(Tone::Strong, &heading(finding)));
            out.push('\n');
        }
        line(&mut out, finding, widest, style);
    }
    waived_text(&mut out, section, style);
    out.push_str(&format!("\n{}\n", summary(section, style)));
    out
}

fn heading(finding: &Finding) -> String {
    let subject = harmless(&finding.subject);
    match &finding.subject_version {
        Some(version) => format!("{subject} {}", harmless(version)),
        None if matches!(finding.kind, Kind::Missing | Kind::ExtraMissing) => format!("{subject} (not installed)"),
        None => subject,
    }
}

fn line(out: &mut String, finding: &Finding, widest: usize, style: Style) {
    let kind = finding.kind.to_string();
    let tone = if finding.kind.is_note() { Tone::Note } else { Tone::Bad };
    let padding = " ".repeat(widest.saturating_sub(kind.len()) + 2);
    out.push_str(&format!("  {}{padding}", style.paint(tone, &kind)));
    let mut message = harmless(&finding.message);
    if names_path(finding.kind)
        && let Some(path) = &finding.path
    {
        message = format!("{}: {message}", harmless(path));
    }
    style.wrap(out, &message, widest + 4);
}

/// Whether it is the path that somebody has to go to.
fn names_path(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::BadMetadata
            | Kind::BadVersion
            | Kind::Unreadable
            | Kind::Leftover
            | Kind::Unowned
            | Kind::Gone
            | Kind::Changed
    )
}

fn waived_text(out: &mut String, section: &Section<'_>, style: Style) {
    if section.waived.is_empty() {
        return;
    }
    out.push_str(&format!("\n{}\n", style.paint(Tone::Strong, "put up with")));
    for waived in section.waived {
        out.push_str("  ");
        let until = waived.expires.as_ref().map_or_else(String::new, |date| format!(" until {date}"));
        let text = format!("{}: {} ({}{until})", waived.finding.kind, waived.finding.message, waived.reason);
        style.wrap(out, &harmless(&text), 4);
    }
}

fn summary(section: &Section<'_>, style: Style) -> String {
    let notes = section.findings.iter().filter(|finding| finding.kind.is_note()).count();
    let findings = section.findings.len() - notes;
    let mut words = vec![match findings {
        0 => style.paint(Tone::Good, "nothing found"),
        _ => style.paint(Tone::Bad, &count(findings, "finding", "findings")),
    }];
    if notes > 0 {
        words.push(count(notes, "note", "notes"));
    }
    if !section.waived.is_empty() {
        words.push(format!("{} put up with", section.waived.len()));
    }
    format!("{}: {}", harmless(&section.title), words.join(", "))
}
