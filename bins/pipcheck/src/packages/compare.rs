//! Declared dependencies against what metadata need, package by package.

use std::collections::BTreeSet;

use super::database::{Package, System};
use super::mapping::{Mapping, usual_name};
use super::needs::{Needs, Reason, Stack, Strength};
use crate::check::{Finding, Kind};
use crate::pep::Version;

/// A package with all that is known of it.
#[derive(Debug)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// What metadata say that it needs.
    pub needs: Needs,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The declared dependencies that metadata do not mention.
    pub superfluous: BTreeSet<String>,
    /// The needed ones that are not declared.
    pub lacking: BTreeSet<String>,
}

/// Compares one package, with all Pythons that it has modules for.
#[must_use]
pub fn compare(name: &str, package: &Package, stacks: &[Stack<'_>], mapping: &Mapping, system: &System) -> Compared {
    let mut needs = Needs::default();
    stacks.iter().for_each(|stack| stack.needs(name, mapping, &mut needs));
    needs.unknown.sort();
    needs.unknown.dedup();
    let comparison = Comparison { name, package, stacks, mapping, system };
    let mut findings = Vec::new();
    let (mut superfluous, mut lacking) = (BTreeSet::new(), BTreeSet::new());
    for declared in &package.prerequisites {
        if let Some(finding) = comparison.declared(declared, &needs) {
            if finding.kind == Kind::NotNeeded {
                superfluous.insert(declared.clone());
            }
            findings.push(finding);
        }
    }
    let declared: BTreeSet<&String> = package.prerequisites.iter().collect();
    for (needed, reason) in &needs.packages {
        if reason.strength >= Strength::ExtraOf && needed != name && !declared.contains(needed) {
            if comparison.is_declared_behind(needed, reason) {
                continue;
            }
            findings.push(comparison.undeclared(needed, reason));
            lacking.insert(needed.clone());
        }
    }
    findings.extend(needs.unknown.iter().map(|unknown| {
        let python = stacks.first().and_then(|stack| stack.layers.first()).map(|layer| &layer.model.python);
        let hint = python
            .and_then(|python| usual_name(&unknown.project, python))
            .map_or_else(String::new, |usual| format!("; it would usually be called {usual}, which is only a hint"));
        let (module, wanted) = (&unknown.module, crate::check::wanted(&unknown.requirement));
        let is = if unknown.installed { "installed without a package" } else { "not installed" };
        let message = format!("{module} needs {wanted}, which is {is}, and no mapping says what package has it{hint}");
        let mut finding = comparison.finding(Kind::NotHere, &unknown.project, message);
        finding.requirement = Some(unknown.requirement.clone());
        finding
    }));
    findings.extend(comparison.drift());
    Compared { name: name.to_owned(), needs, findings, superfluous, lacking }
}

struct Comparison<'c> {
    name: &'c str,
    package: &'c Package,
    stacks: &'c [Stack<'c>],
    mapping: &'c Mapping,
    system: &'c System,
}

impl Comparison<'_> {
    fn finding(&self, kind: Kind, dependency: &str, message: String) -> Finding {
        let mut finding = Finding::about(kind, self.name, self.package.version.as_deref(), message);
        finding.dependency = Some(dependency.to_owned());
        finding
    }

    fn reasoned(&self, kind: Kind, dependency: &str, reason: &Reason, message: String) -> Finding {
        let mut finding = self.finding(kind, dependency, message);
        finding.requirement = Some(reason.requirement.clone());
        finding.extra.clone_from(&reason.extra);
        finding
    }

    /// What is to be said of a declared dependency; nothing if it is needed, or has no modules.
    fn declared(&self, declared: &str, needs: &Needs) -> Option<Finding> {
        let reason = needs.packages.get(declared);
        if let Some(reason) = reason {
            let extra = reason.extra.as_deref().unwrap_or("?");
            let (module, wanted) = (&reason.module, crate::check::wanted(&reason.requirement));
            let (kind, message) = match reason.strength {
                Strength::Needed => return None,
                Strength::ExtraOf => {
                    (Kind::ExtraOf, format!("depends on {declared}: {module} asks for {extra}, which needs {wanted}"))
                }
                Strength::OwnExtra => {
                    (Kind::Extra, format!("depends on {declared}: {module} needs {wanted} only for `{extra}`"))
                }
                Strength::Conditional => {
                    let text = &reason.requirement;
                    (
                        Kind::Conditional,
                        format!("depends on {declared}: {module} says `{text}`, which does not hold here"),
                    )
                }
            };
            let overlays = self.carried(declared);
            return Some(self.reasoned(kind, declared, reason, format!("{message}{overlays}")));
        }
        let modules = self.modules_of(declared);
        if !modules.is_empty() && declared != self.name {
            let modules = modules.join(", ");
            let message = format!("depends on {declared}, but no metadata of it mention {modules}");
            return Some(self.finding(Kind::NotNeeded, declared, message));
        }
        // Packages without modules are none of our business, but one that is not here might have some.
        (!self.system.installed.contains(declared) && !self.system.installed.is_empty()).then(|| {
            let message = format!("depends on {declared}, which is not installed: nobody knows what modules it has");
            self.finding(Kind::Unsure, declared, message)
        })
    }

    /// The modules of a package, as far as they are known.
    fn modules_of(&self, package: &str) -> Vec<String> {
        let mut names = BTreeSet::new();
        for layer in self.stacks.iter().flat_map(|stack| &stack.layers) {
            let owned =
                layer.model.modules.iter().zip(layer.owners).filter(|(_, owner)| owner.as_deref() == Some(package));
            names.extend(owned.map(|(module, _)| module.name.to_string()));
            names.extend(self.mapping.modules_of(package, &layer.model.python).into_iter().map(str::to_owned));
        }
        names.into_iter().collect()
    }

    /// Which overlays carry both packages.
    fn carried(&self, other: &str) -> String {
        let (Some(own), Some(others)) = (self.system.overlays.get(self.name), self.system.overlays.get(other)) else {
            return String::new();
        };
        let both: Vec<&str> = own.intersection(others).map(String::as_str).collect();
        if both.is_empty() {
            format!("; no overlay carries both, {} has {other}", others.iter().cloned().collect::<Vec<_>>().join(", "))
        } else {
            format!("; both are in {}", both.join(", "))
        }
    }

    /// Whether the package of a module whose extra is asked for depends itself on what that extra needs.
    fn is_declared_behind(&self, needed: &str, reason: &Reason) -> bool {
        let Some(extra) = reason.extra.as_ref().filter(|_| reason.strength == Strength::ExtraOf) else { return false };
        let name = extra.split('[').next().unwrap_or_default();
        self.stacks.iter().flat_map(|stack| &stack.layers).any(|layer| {
            let Some(project) = layer.model.project(name) else { return false };
            layer.model.projects[project as usize].copies.iter().any(|copy| {
                let owner = layer.owners[*copy as usize].as_ref();
                let owner = owner.and_then(|owner| self.system.packages.get(owner));
                owner.is_some_and(|owner| owner.prerequisites.iter().any(|declared| declared == needed))
            })
        })
    }

    fn undeclared(&self, needed: &str, reason: &Reason) -> Finding {
        let (module, wanted) = (&reason.module, crate::check::wanted(&reason.requirement));
        let message = match &reason.extra {
            Some(extra) if reason.strength == Strength::ExtraOf => {
                format!("does not depend on {needed}: {module} asks for {extra}, which needs {wanted}")
            }
            _ => format!("does not depend on {needed}: {module} needs {wanted}"),
        };
        self.reasoned(Kind::Undeclared, needed, reason, message)
    }

    /// A package has the version of one of its modules and a number more: 2.9.0p0.1 stands for 2.9.0.post0.
    fn drift(&self) -> Option<Finding> {
        let text = self.package.version.as_deref()?;
        let modules: Vec<_> = self
            .stacks
            .iter()
            .flat_map(|stack| &stack.layers)
            .flat_map(|layer| layer.model.modules.iter().zip(layer.owners))
            .filter(|(_, owner)| owner.as_deref() == Some(self.name))
            .map(|(module, _)| module)
            .collect();
        let shortened = text.rsplit_once('.').map_or(text, |(shortened, _)| shortened);
        let meant: Vec<Version> = [shortened, text].iter().filter_map(|text| upstream(text)).collect();
        let fits = modules.iter().any(|module| {
            module.version.as_ref().and_then(|version| version.version()).is_none_or(|version| meant.contains(version))
        });
        if fits || modules.is_empty() {
            return None;
        }
        let labels: Vec<String> = modules.iter().map(|module| module.label()).collect();
        let message = format!("has version {text}, which is that of none of its modules: {}", labels.join(", "));
        Some(Finding::about(Kind::VersionDrift, self.name, Some(text), message))
    }
}

/// The version of a module that a package version stands for: letters cannot follow a dot there, so that `p` means post.
fn upstream(text: &str) -> Option<Version> {
    let posted = text.split_once('p').filter(|(before, after)| {
        let digits = |part: &str| part.ends_with(|c: char| c.is_ascii_digit());
        digits(before) && after.starts_with(|c: char| c.is_ascii_digit())
    });
    match posted {
        Some((before, after)) => Version::parse(&format!("{before}.post{after}")).ok(),
        None => Version::parse(text).ok(),
    }
}
