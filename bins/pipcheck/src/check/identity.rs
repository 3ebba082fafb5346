//! What a distribution says of itself: whether it can be read, and agrees with its directory and with others.

use super::finding::{Finding, Kind};
use crate::model::{Model, Module, Project};
use crate::pep::{ProjectName, Version};
use crate::read::Form;

pub(super) fn look(model: &Model<'_>, findings: &mut Vec<Finding>) {
    for module in &model.modules {
        metadata(model, module, findings);
    }
    for project in &model.projects {
        findings.extend(duplicate(model, project));
        findings.extend(project.shadowed.iter().map(|number| shadowed(model, project, *number)));
    }
}

fn finding(model: &Model<'_>, kind: Kind, module: &Module<'_>, message: String) -> Finding {
    Finding::about(kind, module.name.as_str(), module.version_text(), message)
        .at(&model.collection.path_of(module.distribution))
}

fn metadata(model: &Model<'_>, module: &Module<'_>, findings: &mut Vec<Finding>) {
    let mut add = |kind, message| findings.push(finding(model, kind, module, message));
    let distribution = module.distribution;
    let metadata = &distribution.metadata;
    if let Some(unread) = &distribution.unread {
        let kind = if unread.absent { Kind::BadMetadata } else { Kind::Unreadable };
        add(kind, format!("{}; what it needs is not known", unread.why));
        return;
    }
    for problem in metadata.problems() {
        add(Kind::BadMetadata, problem.to_string());
    }
    match metadata.name() {
        None => add(Kind::BadMetadata, "its metadata have no Name".to_owned()),
        Some(name) if ProjectName::parse(name).is_err() => {
            add(Kind::BadMetadata, format!("its metadata have the Name `{name}`, which is none"));
        }
        Some(_) => {}
    }
    match metadata.version() {
        None | Some("") => add(Kind::BadMetadata, "its metadata have no Version".to_owned()),
        Some(_) => {}
    }
    if module.version.as_ref().is_some_and(|version| version.version().is_none()) {
        let text = module.version_text().unwrap_or_default();
        add(Kind::BadVersion, format!("`{text}` is no version by PEP 440"));
    }
    if let Some(message) = mismatch(module) {
        add(Kind::BadMetadata, message);
    }
}

/// Where the directory says another name or version than the metadata in it.
fn mismatch(module: &Module<'_>) -> Option<String> {
    let distribution = module.distribution;
    if !matches!(distribution.form, Form::DistInfo | Form::EggInfo | Form::EggInfoFile) {
        return None;
    }
    let said = distribution.identity();
    let name = ProjectName::parse(distribution.metadata.name()?).ok()?;
    if ProjectName::lenient(said.name) != name {
        return Some(format!("its metadata have the name {}, its directory {}", name.raw(), said.name));
    }
    let (version, said) = (distribution.metadata.version()?, said.version?);
    let same = match (Version::parse(version), Version::parse(said)) {
        (Ok(version), Ok(said)) => version == said,
        _ => version.replace(['-', '+'], "_") == said.replace(['-', '+'], "_"),
    };
    (!same && !version.is_empty()).then(|| format!("its metadata have the version {version}, its directory {said}"))
}

fn duplicate(model: &Model<'_>, project: &Project) -> Option<Finding> {
    let [first, others @ ..] = project.copies.as_slice() else { return None };
    if others.is_empty() {
        return None;
    }
    let shown: Vec<String> = project
        .copies
        .iter()
        .map(|number| {
            let module = &model.modules[*number as usize];
            format!("{} in `{}`", module.version_text().unwrap_or("?"), module.distribution.entry)
        })
        .collect();
    let module = &model.modules[*first as usize];
    let message =
        format!("{} is there {} times: {}; which one counts is chance", module.name, shown.len(), shown.join(", "));
    Some(finding(model, Kind::Duplicate, module, message))
}

fn shadowed(model: &Model<'_>, project: &Project, number: u32) -> Finding {
    let module = &model.modules[number as usize];
    let first = &model.modules[project.copies[0] as usize];
    let path = model.collection.path_of(first.distribution);
    let message = format!("{} is not used: {} in `{}` comes first", module.label(), first.label(), path.display());
    finding(model, Kind::Shadowed, module, message)
}
