//! What a package needs of other packages, by the metadata of the modules in it.

use std::collections::{BTreeMap, HashSet};

use super::mapping::Mapping;
use crate::model::{Applies, Model, Module, Row};
use crate::pep::{ExtraName, Marker, Requirement};

/// How much a package is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Under a condition that does not hold here.
    Conditional,
    /// For an extra of a module of the package itself.
    OwnExtra,
    /// For an extra, which a module asks for, of another module.
    ExtraOf,
    /// Always.
    Needed,
}

/// Why a package is needed.
#[derive(Clone, Debug)]
pub struct Reason {
    /// How much.
    pub strength: Strength,
    /// The module that needs it: name and version.
    pub module: String,
    /// The requirement, as metadata have it.
    pub requirement: String,
    /// The extra that it is for.
    pub extra: Option<String>,
}

/// A requirement that no package is known for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// The module that needs it: name and version.
    pub module: String,
    /// What it needs, normalised.
    pub project: String,
    /// Whether that is installed, though no package owns it.
    pub installed: bool,
    /// The requirement, as metadata have it.
    pub requirement: String,
}

/// All that a package needs.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The packages, each with the strongest reason.
    pub packages: BTreeMap<String, Reason>,
    /// Requirements that count and that no package is known for.
    pub unknown: Vec<Unknown>,
}

/// The modules of one Python, with the packages that own them.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'m> {
    /// The modules.
    pub model: &'m Model<'m>,
    /// The owner of each, by number.
    pub owners: &'m [Option<String>],
}

/// What one Python finds: a package that is being built first, then the system.
#[derive(Clone, Debug)]
pub struct Stack<'m> {
    /// The first that has a module counts.
    pub layers: Vec<Layer<'m>>,
}

impl<'m> Stack<'m> {
    /// Adds what the modules of a package need.
    pub fn needs(&self, package: &str, mapping: &Mapping, needs: &mut Needs) {
        for layer in &self.layers {
            for (module, owner) in layer.model.modules.iter().zip(layer.owners) {
                if owner.as_deref() == Some(package) && layer.model.is_live(module) {
                    Walk { stack: self, mapping, module, needs, seen: HashSet::new() }.rows(layer.model);
                }
            }
        }
    }

    /// The module of a name that counts.
    fn find(&self, name: &str) -> Option<(Layer<'m>, &'m Module<'m>)> {
        self.layers.iter().find_map(|layer| {
            let project = layer.model.project(name)?;
            Some((*layer, layer.model.counted(project)))
        })
    }

    /// The packages that have a project: those that own it, else the one that the mapping names.
    fn packages_of(&self, name: &str, mapping: &Mapping) -> Vec<String> {
        for layer in &self.layers {
            if let Some(project) = layer.model.project(name) {
                let copies = &layer.model.projects[project as usize].copies;
                let owners: Vec<String> =
                    copies.iter().filter_map(|copy| layer.owners[*copy as usize].clone()).collect();
                if !owners.is_empty() {
                    return owners;
                }
            }
        }
        let python = self.layers.first().map(|layer| &layer.model.python);
        python.and_then(|python| mapping.package(name, python)).into_iter().collect()
    }
}

/// What comes of a requirement: how much it counts, and the extra that it is for.
#[derive(Clone, Copy)]
struct Through<'x> {
    strength: Strength,
    extra: Option<&'x str>,
}

/// One module, and all that it leads to.
struct Walk<'w, 'm> {
    stack: &'w Stack<'m>,
    mapping: &'w Mapping,
    module: &'w Module<'m>,
    needs: &'w mut Needs,
    /// The extras of modules that were looked at.
    seen: HashSet<(String, String)>,
}

impl Walk<'_, '_> {
    fn rows(&mut self, model: &Model<'_>) {
        let module = self.module;
        for row in &model.rows[module.rows.start as usize..module.rows.end as usize] {
            let Ok(requirement) = Requirement::parse(row.text) else { continue };
            let extra = own_extra(model, &requirement);
            let strength = match row.applies {
                Applies::Yes => Strength::Needed,
                Applies::ByExtra | Applies::OnlyWithExtra => Strength::OwnExtra,
                Applies::No => Strength::Conditional,
            };
            self.require(row, &requirement, Through { strength, extra: extra.as_deref() });
            if strength != Strength::Conditional {
                let through = Through { strength: strength.min(Strength::ExtraOf), extra: None };
                for asked in &requirement.extras {
                    self.extra_of(requirement.name.as_str(), asked, through);
                }
            }
        }
    }

    /// What an extra of another module needs, and what that asks for in its turn.
    fn extra_of(&mut self, of: &str, extra: &ExtraName<'_>, through: Through<'_>) {
        if !self.seen.insert((of.to_owned(), extra.to_string())) {
            return;
        }
        let Some((layer, target)) = self.stack.find(of) else { return };
        let shown = format!("{of}[{extra}]");
        let through = Through { extra: Some(&shown), ..through };
        for (_, row) in layer.model.rows_of(target) {
            let of_extra = matches!(row.applies, Applies::ByExtra | Applies::OnlyWithExtra);
            let Some(requirement) = Requirement::parse(row.text).ok().filter(|_| of_extra) else { continue };
            let holds = |marker: &Marker<'_>| marker.evaluate(&layer.model.environment, Some(extra)).unwrap_or(false);
            if requirement.marker.as_ref().is_some_and(holds) {
                self.require(row, &requirement, through);
                for further in &requirement.extras {
                    self.extra_of(requirement.name.as_str(), further, through);
                }
            }
        }
    }

    fn require(&mut self, row: &Row<'_>, requirement: &Requirement<'_>, through: Through<'_>) {
        let name = requirement.name.as_str();
        let packages = self.stack.packages_of(name, self.mapping);
        if packages.is_empty() && through.strength >= Strength::ExtraOf {
            let (module, project) = (self.module.label(), name.to_owned());
            let installed = self.stack.find(name).is_some();
            self.needs.unknown.push(Unknown { module, project, installed, requirement: row.text.to_owned() });
        }
        for package in packages {
            let reason = Reason {
                strength: through.strength,
                module: self.module.label(),
                requirement: row.text.to_owned(),
                extra: through.extra.map(str::to_owned),
            };
            let known = self.needs.packages.entry(package).or_insert_with(|| reason.clone());
            if reason.strength > known.strength {
                *known = reason;
            }
        }
    }
}

/// The extra of its own module that a requirement is for, as far as one can be named.
fn own_extra(model: &Model<'_>, requirement: &Requirement<'_>) -> Option<String> {
    let marker = requirement.marker.as_ref()?;
    let holds = |extra: &ExtraName<'_>| marker.evaluate(&model.environment, Some(extra)).unwrap_or(false);
    marker.extras().iter().find(|extra| holds(extra)).map(ToString::to_string)
}
