//! Requirements that do not hold.

use super::finding::{Finding, Kind};
use crate::model::{Applies, Model, Module, PythonFit, Row, Unjudged, Verdict, applies};
use crate::pep::Requirement;
use crate::read::read_regular;

/// So much of a requirement that cannot be read is shown.
const SHOWN: usize = 120;
/// `direct_url.json` is not larger.
const SMALL: u64 = 64 * 1024;

pub(super) fn look(model: &Model<'_>, findings: &mut Vec<Finding>) {
    for (number, row) in model.counting() {
        if row.verdict != Verdict::Met {
            findings.extend(unmet(model, number, row));
        } else if row.has_url {
            findings.extend(from_elsewhere(model, row));
        }
        if row.legacy {
            findings.extend(legacy(model, row));
        }
    }
    for unknown in &model.unknown_extras {
        let row = &model.rows[unknown.by as usize];
        let (requirer, of) = (model.requirer(row), model.counted(unknown.of));
        let message =
            format!("{} asks for the extra `{}`, which {} does not have", requirer.label(), unknown.extra, of.label());
        let mut finding = about(model, Kind::ExtraUnknown, row, message);
        finding.subject = requirer.name.to_string();
        finding.subject_version = requirer.version_text().map(str::to_owned);
        finding.extra = Some(unknown.extra.to_string());
        findings.push(finding);
    }
    for module in model.modules.iter().filter(|module| model.is_live(module)) {
        findings.extend(python(model, module));
    }
    findings.extend(model.cycles().iter().map(|cycle| {
        let names: Vec<String> = cycle.iter().map(|project| model.counted(*project).name.to_string()).collect();
        let message = format!("these require one another: {}", names.join(", "));
        Finding { dependency: Some(names.join(" ")), ..Finding::about(Kind::Cycle, &names[0], None, message) }
    }));
}

/// A finding about a requirement; the subject is what is required.
fn about(model: &Model<'_>, kind: Kind, row: &Row<'_>, message: String) -> Finding {
    let requirer = model.requirer(row);
    let mut finding = Finding::about(kind, requirer.name.as_str(), requirer.version_text(), message);
    finding.requirement = Some(row.text.to_owned());
    finding.path = Some(model.collection.path_of(requirer.distribution).to_string_lossy().into_owned());
    if let Ok(requirement) = Requirement::parse(row.text) {
        let name = requirement.name.to_string();
        finding.subject_version = row.target.and_then(|target| versions(model, target));
        finding.subject.clone_from(&name);
        finding.dependency = Some(name);
    }
    finding
}

/// The versions of a project that are installed, as people say it.
fn versions(model: &Model<'_>, project: u32) -> Option<String> {
    let copies = model.projects[project as usize].copies.iter();
    let texts: Vec<&str> = copies.filter_map(|copy| model.modules[*copy as usize].version_text()).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// A requirement without its marker, for messages: what is wanted, not when.
pub(crate) fn wanted(text: &str) -> &str {
    // In an address `;` needs a blank before it to start a marker.
    let end = if text.contains('@') { text.find(" ;") } else { text.find(';') };
    end.map_or(text, |end| &text[..end]).trim_end()
}

fn unmet(model: &Model<'_>, number: u32, row: &Row<'_>) -> Option<Finding> {
    let requirer = model.requirer(row).label();
    let wanted = wanted(row.text);
    let by_extra = row.applies == Applies::ByExtra;
    let installed = row.target.and_then(|target| versions(model, target));
    let is = installed.map_or_else(|| "its version is not known".to_owned(), |it| format!("{it} is installed"));
    let (kind, message) = match row.verdict {
        Verdict::Met => return None,
        Verdict::Missing if by_extra => {
            (Kind::ExtraMissing, format!("{requirer} needs {wanted}, which is not installed"))
        }
        Verdict::Missing => (Kind::Missing, format!("{requirer} needs {wanted}, which is not installed")),
        Verdict::Wrong if by_extra => (Kind::ExtraIncompatible, format!("{requirer} needs {wanted}; {is}")),
        Verdict::Wrong => (Kind::Incompatible, format!("{requirer} needs {wanted}; {is}")),
        Verdict::Ambiguous => (Kind::Ambiguous, format!("{requirer} needs {wanted}; {is}, and not all would do")),
        Verdict::Bad => {
            let why = why_bad(model, row.text).map_or_else(String::new, |why| format!(": {why}"));
            let text = shortened(row.text);
            (Kind::BadRequirement, format!("{requirer} has a requirement that cannot be understood, `{text}`{why}"))
        }
    };
    let mut finding = about(model, kind, row, message);
    if kind == Kind::BadRequirement {
        let requirer = model.requirer(row);
        finding.subject = requirer.name.to_string();
        finding.subject_version = requirer.version_text().map(str::to_owned);
    }
    if let Some(activation) = model.activations.get(&number) {
        finding.extra = Some(activation.extra.to_string());
        finding.via = model.way_to(number);
        finding.message = format!("{} (asked for by {})", finding.message, finding.via.join(" > "));
    }
    Some(finding)
}

/// A text that may be a page long, for a message.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn why_bad(model: &Model<'_>, text: &str) -> Option<Unjudged> {
    match Requirement::parse(text) {
        Err(error) => Some(error.into()),
        Ok(requirement) => applies(&requirement, &model.environment).err().map(Unjudged::from),
    }
}

fn legacy(model: &Model<'_>, row: &Row<'_>) -> Option<Finding> {
    let requirement = Requirement::parse(row.text).ok()?;
    let (specifier, why) = requirement.specifiers.legacy().next()?;
    let requirer = model.requirer(row);
    let message = format!("{} needs {}: in `{specifier}`, {why}", requirer.label(), wanted(row.text));
    let mut finding = about(model, Kind::LegacySpecifier, row, message);
    finding.subject = requirer.name.to_string();
    finding.subject_version = requirer.version_text().map(str::to_owned);
    Some(finding)
}

/// A requirement by address says where the module has to be from; `direct_url.json` says where it is from.
fn from_elsewhere(model: &Model<'_>, row: &Row<'_>) -> Option<Finding> {
    let requirement = Requirement::parse(row.text).ok()?;
    let (wanted, target) = (requirement.url?, model.counted(row.target?));
    let requirer = model.requirer(row).label();
    let place = model.collection.places.get(usize::from(target.distribution.place));
    let path = place.map(|place| place.path.join(target.distribution.entry.as_ref()).join("direct_url.json"));
    let text = path.zip(model.collection.root.as_ref()).and_then(|(path, root)| {
        let bytes = root.file(&path).and_then(|file| read_regular(file, SMALL)).ok()?;
        serde_json::from_slice::<serde_json::Value>(&bytes).ok()
    });
    let Some(is_from) = text.as_ref().and_then(address) else {
        let message = format!("{requirer} needs {} from {wanted}; nothing says where it is from", target.label());
        return Some(about(model, Kind::Unsure, row, message));
    };
    let same = without_fragment(wanted) == is_from || without_fragment(wanted).strip_prefix("git+") == Some(&is_from);
    (!same).then(|| {
        let message = format!("{requirer} needs {} from {wanted}; it is from {is_from}", target.label());
        about(model, Kind::DirectUrl, row, message)
    })
}

/// The address of `direct_url.json`, in the form in which requirements have it.
fn address(value: &serde_json::Value) -> Option<String> {
    let url = value.get("url")?.as_str()?;
    let Some(vcs) = value.get("vcs_info") else { return Some(without_fragment(url).to_owned()) };
    let kind = vcs.get("vcs").and_then(|it| it.as_str()).unwrap_or("git");
    let revision = vcs.get("requested_revision").and_then(|it| it.as_str());
    Some(revision.map_or_else(|| format!("{kind}+{url}"), |revision| format!("{kind}+{url}@{revision}")))
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

fn python(model: &Model<'_>, module: &Module<'_>) -> Option<Finding> {
    let text = module.distribution.metadata.requires_python()?;
    let (kind, message) = match &module.python {
        PythonFit::Fits => return None,
        PythonFit::Wrong => {
            (Kind::RequiresPython, format!("{} is for Python {text}; this is {}", module.label(), model.python))
        }
        PythonFit::Unsure => {
            let python = &model.python;
            (Kind::Unsure, format!("{} is for Python {text}; which {python} this is, is not known", module.label()))
        }
        PythonFit::Bad(error) => {
            (Kind::BadMetadata, format!("Requires-Python `{text}` of {} cannot be understood: {error}", module.label()))
        }
    };
    let mut finding = Finding::about(kind, module.name.as_str(), module.version_text(), message);
    finding.requirement = Some(format!("Requires-Python: {text}"));
    Some(finding.at(&model.collection.path_of(module.distribution)))
}
