//! `pipcheck packages`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contents::pkginfo::PackageInfo;
use serde::Serialize;

use super::{Failure, Outcome, Terminal, gather, models, style};
use crate::check::{Finding, sort};
use crate::cli::Packages;
use crate::model::Model;
use crate::packages::{Compared, Layer, Mapping, Owners, Package, Stack, System, compare, fixed, prerequisites, read};
use crate::read::{Collection, Root, Sources, collect};
use crate::report::{FORMAT, Section, count, findings_text, json};
use crate::waivers::{Waived, Waivers};

#[derive(Serialize)]
struct Report {
    version: u32,
    command: &'static str,
    roots: Vec<RootReport>,
    unmatched_waivers: Vec<String>,
    failures: Vec<String>,
}

#[derive(Serialize)]
struct RootReport {
    root: String,
    packages: Vec<PackageReport>,
    findings: Vec<Finding>,
    waived: Vec<Waived>,
}

#[derive(Serialize)]
struct PackageReport {
    name: String,
    version: Option<String>,
    declared: Vec<String>,
    needed: Vec<String>,
    superfluous: Vec<String>,
    lacking: Vec<String>,
}

/// A package that is being built.
struct Built {
    name: String,
    package: Package,
    collections: Vec<Collection>,
}

pub(super) fn run(flags: &Packages, terminal: Terminal) -> Result<Outcome, Failure> {
    let mapping = Mapping::read(&flags.mappings)?;
    let mut waivers = Waivers::read(&flags.waivers, flags.today)?;
    let built = built(flags)?;
    let gathered = gather(&flags.sources, false);
    // A build machine may have no Python of its own; then only the mapping tells.
    let mut failures = if built.is_some() && !flags.mappings.is_empty() { Vec::new() } else { gathered.failures() };
    let mut warnings = Vec::new();
    let mut parts = Vec::new();
    let mut groups: Vec<(Arc<Root>, Vec<&Collection>)> = Vec::new();
    for collection in &gathered.collections {
        let Some(root) = &collection.root else {
            return Err(Failure::Asked("packages: METADATA files belong to no package; name a --root".to_owned()));
        };
        match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, root)) {
            Some((_, group)) => group.push(collection),
            None => groups.push((Arc::clone(root), vec![collection])),
        }
    }
    for (root, collections) in &groups {
        let systems = all_models(collections, flags)?;
        match read(root, &systems.iter().collect::<Vec<_>>(), flags.verify) {
            Ok((system, owners)) => {
                parts.push(part(root.shown(), &systems, &owners, system, built.as_ref(), flags, &mapping)?)
            }
            Err(error) if built.is_some() && !flags.mappings.is_empty() => {
                warnings.push(format!("{error}; only the mapping says what package a module is in"));
            }
            Err(error) => failures.push(format!("{error}; packages were not compared")),
        }
    }
    if let (Some(built), true) = (&built, parts.is_empty() && failures.is_empty()) {
        parts.push(part(Path::new("/"), &[], &[], System::default(), Some(built), flags, &mapping)?);
    }
    tell(flags, parts, &mut waivers, failures, warnings, terminal)
}

fn all_models<'c>(collections: &[&'c Collection], flags: &Packages) -> Result<Vec<Model<'c>>, Failure> {
    let mut all = Vec::new();
    for collection in collections {
        all.extend(models(collection, &flags.sources)?);
    }
    Ok(all)
}

/// What is told of one root.
struct Part {
    root: PathBuf,
    compared: Vec<(Package, Compared)>,
    findings: Vec<Finding>,
}

fn part(
    root: &Path,
    systems: &[Model<'_>],
    owners: &[Owners],
    mut system: System,
    built: Option<&Built>,
    flags: &Packages,
    mapping: &Mapping,
) -> Result<Part, Failure> {
    let mut findings = std::mem::take(&mut system.findings);
    let mut chosen: BTreeMap<String, Package> = system.packages.clone();
    let trees = match built {
        Some(built) => all_models(&built.collections.iter().collect::<Vec<_>>(), flags)?,
        None => Vec::new(),
    };
    let tree_owners: Vec<Owners> =
        trees.iter().map(|tree| vec![built.map(|built| built.name.clone()); tree.modules.len()]).collect();
    let below = layers(systems, owners);
    let stacks: Vec<Stack<'_>> = if let Some(built) = built {
        // The rest of the system is not what is being built.
        findings.clear();
        chosen = BTreeMap::from([(built.name.clone(), built.package.clone())]);
        layers(&trees, &tree_owners)
            .into_iter()
            .map(|tree| {
                let same = below.iter().filter(|layer| layer.model.python.is_same_as(&tree.model.python));
                Stack { layers: std::iter::once(tree).chain(same.copied()).collect() }
            })
            .collect()
    } else {
        below.into_iter().map(|layer| Stack { layers: vec![layer] }).collect()
    };
    only_named(&mut chosen, &mut findings, &flags.names)?;
    let mut compared = Vec::new();
    for (name, package) in chosen {
        let mut one = compare(&name, &package, &stacks, mapping, &system);
        findings.append(&mut one.findings);
        compared.push((package, one));
    }
    sort(&mut findings);
    Ok(Part { root: root.to_owned(), compared, findings })
}

fn layers<'m>(models: &'m [Model<'m>], owners: &'m [Owners]) -> Vec<Layer<'m>> {
    models.iter().zip(owners).map(|(model, owners)| Layer { model, owners }).collect()
}

fn only_named(
    chosen: &mut BTreeMap<String, Package>,
    findings: &mut Vec<Finding>,
    names: &[String],
) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    if let Some(unknown) = names.iter().find(|name| !chosen.contains_key(*name)) {
        let near = contents::names::nearest(unknown, chosen.keys().map(String::as_str));
        let hint = if near.is_empty() { String::new() } else { format!("; is it {}?", near.join(", ")) };
        return Err(Failure::Asked(format!("`{unknown}` is no package that owns modules{hint}")));
    }
    chosen.retain(|name, _| names.contains(name));
    findings.retain(|finding| {
        names.contains(&finding.subject) || finding.dependency.as_ref().is_some_and(|name| names.contains(name))
    });
    Ok(())
}

/// The package that is being built, if the flags name one.
fn built(flags: &Packages) -> Result<Option<Built>, Failure> {
    let asked = |problem: String| Failure::Asked(problem);
    let read = |path: &Path| std::fs::read(path).map_err(|error| asked(format!("`{}`: {error}", path.display())));
    let (tree, depend, name, version) = match (&flags.tree, &flags.spooled) {
        (None, None) => return Ok(None),
        (Some(tree), _) => {
            let (Some(depend), Some(name)) = (flags.depend.clone(), flags.name.clone()) else { return Ok(None) };
            (tree.clone(), Some(depend), name, flags.package_version.clone())
        }
        (None, Some(spooled)) => {
            let path = spooled.join("pkginfo");
            let text = read(&path)?;
            let info = PackageInfo::parse(&path, &text).map_err(|error| asked(error.to_string()))?;
            let value = |key| info.get(key).map(|text| String::from_utf8_lossy(text).into_owned());
            let name = value("PKG").ok_or_else(|| asked(format!("`{}`: says no PKG", path.display())))?;
            let depend = Some(spooled.join("install/depend")).filter(|path| path.exists());
            let trees = ["reloc", "root"].map(|folder| spooled.join(folder));
            let tree = trees.into_iter().find(|tree| tree.is_dir());
            let tree = tree.ok_or_else(|| asked(format!("`{}`: has neither reloc nor root", spooled.display())))?;
            (tree, depend, name, value("VERSION"))
        }
    };
    let text = depend.as_ref().map(|path| read(path)).transpose()?;
    let declared = match (&depend, &text) {
        (Some(path), Some(text)) => prerequisites(path, text).map_err(|error| asked(error.to_string()))?,
        _ => Vec::new(),
    };
    let package = Package { version, prerequisites: declared, depend: text };
    let sources = Sources { roots: vec![tree], pythons: flags.sources.pythons.clone(), ..Sources::default() };
    let (collections, errors) = collect(&sources);
    match errors.first() {
        Some(error) => Err(asked(error.to_string())),
        None => Ok(Some(Built { name, package, collections })),
    }
}

fn tell(
    flags: &Packages,
    parts: Vec<Part>,
    waivers: &mut Waivers,
    failures: Vec<String>,
    mut warnings: Vec<String>,
    terminal: Terminal,
) -> Result<Outcome, Failure> {
    let style = style(flags.output, terminal);
    let mut text = String::new();
    let mut roots = Vec::new();
    let mut found = false;
    for mut part in parts {
        let waived = waivers.apply(&mut part.findings, None);
        found |= part.findings.iter().any(|finding| !finding.kind.is_note());
        if flags.fix {
            text.push_str(&fixes(&part, !flags.names.is_empty() || part.compared.len() == 1)?);
        } else if flags.output.json {
            roots.push(report(part, waived));
        } else {
            let title = format!("packages of {}", part.root.display());
            let extent = count(part.compared.len(), "package with modules", "packages with modules");
            let (findings, waived) = (part.findings.as_slice(), waived.as_slice());
            let section = Section { title, extent, findings, waived, notes: !flags.no_notes };
            text.push_str(&findings_text(&section, style));
        }
    }
    let unmatched_waivers = waivers.unmatched();
    if flags.output.json && !flags.fix {
        let report = Report {
            version: FORMAT,
            command: "packages",
            roots,
            unmatched_waivers,
            failures: failures.iter().chain(&warnings).cloned().collect(),
        };
        text = json(&report, style)?;
    } else {
        warnings.extend(unmatched_waivers);
    }
    Ok(Outcome { text, found, failures, warnings })
}

/// Depend files, each after a comment with its package; of all packages, those that would change.
fn fixes(part: &Part, all: bool) -> Result<String, Failure> {
    let mut text = String::new();
    for (package, compared) in &part.compared {
        if !all && compared.superfluous.is_empty() && compared.lacking.is_empty() {
            continue;
        }
        let depend = fixed(package, compared).map_err(|error| Failure::Asked(error.to_string()))?;
        text.push_str(&format!("# {}\n", compared.name));
        text.push_str(&String::from_utf8_lossy(&depend));
    }
    Ok(text)
}

fn report(part: Part, waived: Vec<Waived>) -> RootReport {
    let packages = part.compared.into_iter().map(|(package, compared)| {
        let needed = compared.needs.packages.iter().filter(|(name, _)| **name != compared.name);
        PackageReport {
            needed: needed
                .filter(|(_, reason)| reason.strength >= crate::packages::Strength::ExtraOf)
                .map(|(name, _)| name.clone())
                .collect(),
            name: compared.name,
            version: package.version,
            declared: package.prerequisites,
            superfluous: compared.superfluous.into_iter().collect(),
            lacking: compared.lacking.into_iter().collect(),
        }
    });
    RootReport {
        root: part.root.to_string_lossy().into_owned(),
        packages: packages.collect(),
        findings: part.findings,
        waived,
    }
}
