//! Distributions that install the same name. Names that several share by design, namespaces, are none of those.

use std::collections::HashMap;
use std::path::Path;

use super::finding::{Finding, Kind};
use crate::model::{Model, Module};
use crate::read::{Root, read_regular};

/// No `__init__.py` of a namespace is larger.
const SMALL: u64 = 64 * 1024;
/// Names that many distributions install by mistake, and that nobody imports.
const BY_MISTAKE: [&str; 6] = ["tests", "test", "testing", "docs", "examples", "benchmarks"];

pub(super) fn look(model: &Model<'_>, findings: &mut Vec<Finding>) {
    let mut owners: HashMap<&str, Vec<u32>> = HashMap::with_capacity(model.modules.len());
    for (number, module) in (0u32..).zip(&model.modules).filter(|(_, module)| model.is_live(module)) {
        for name in module.distribution.imports.names() {
            owners.entry(name).or_default().push(number);
        }
    }
    let mut shared: Vec<_> = owners.into_iter().filter(|(_, numbers)| numbers.len() > 1).collect();
    shared.sort_unstable();
    for (name, numbers) in shared {
        let modules: Vec<&Module<'_>> = numbers.iter().map(|number| &model.modules[*number as usize]).collect();
        // Several copies of one project are another finding.
        if modules.iter().any(|module| module.project != modules[0].project) {
            findings.extend(collision(model, name, &modules));
        }
    }
}

/// What stands under a name.
enum Stands {
    /// A package or module of one distribution, or of the last that was installed.
    Module,
    /// A folder that several share.
    Namespace,
    /// Nothing.
    Nothing,
}

fn collision(model: &Model<'_>, name: &str, modules: &[&Module<'_>]) -> Option<Finding> {
    let root = model.collection.root.as_ref()?;
    let places =
        modules.iter().filter_map(|module| model.collection.places.get(usize::from(module.distribution.place)));
    let mut stands = Stands::Nothing;
    for place in places {
        match what_stands(root, &place.path, name) {
            Stands::Namespace => return None,
            Stands::Module => stands = Stands::Module,
            Stands::Nothing => {}
        }
    }
    if modules.iter().any(|module| is_declared_namespace(model, root, module, name)) {
        return None;
    }
    let labels: Vec<String> = modules.iter().map(|module| module.label()).collect();
    let labels = labels.join(", ");
    let (kind, message) = match stands {
        Stands::Nothing => {
            (Kind::Unsure, format!("these say that they install `{name}`, which is not there to look at: {labels}"))
        }
        _ if BY_MISTAKE.contains(&name) => (Kind::Unsure, format!("these all install `{name}`, by mistake: {labels}")),
        _ => (Kind::ImportName, format!("these all install `{name}`, one over the other: {labels}")),
    };
    let mut finding = Finding::about(kind, modules[0].name.as_str(), modules[0].version_text(), message);
    finding.dependency = Some(modules.iter().map(|module| module.name.as_str()).collect::<Vec<_>>().join(" "));
    finding.requirement = Some(format!("import {name}"));
    Some(finding.at(&model.collection.path_of(modules[0].distribution)))
}

fn what_stands(root: &Root, site: &Path, name: &str) -> Stands {
    let folder = site.join(name);
    if root.has_folder(&folder) {
        let init = root.file(&folder.join("__init__.py")).and_then(|file| read_regular(file, SMALL));
        return match init {
            Ok(text) if declares_namespace(&text) => Stands::Namespace,
            Ok(_) => Stands::Module,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Stands::Namespace,
            Err(_) => Stands::Module,
        };
    }
    if root.has_file(&site.join(format!("{name}.py"))) { Stands::Module } else { Stands::Nothing }
}

/// The two old ways of making one, which every distribution of the namespace repeats.
fn declares_namespace(init: &[u8]) -> bool {
    let text = String::from_utf8_lossy(init);
    text.contains("extend_path") || text.contains("declare_namespace")
}

fn is_declared_namespace(model: &Model<'_>, root: &Root, module: &Module<'_>, name: &str) -> bool {
    let distribution = module.distribution;
    let Some(place) = model.collection.places.get(usize::from(distribution.place)) else { return false };
    let path = place.path.join(distribution.entry.as_ref()).join("namespace_packages.txt");
    let text = root.file(&path).and_then(|file| read_regular(file, SMALL));
    text.is_ok_and(|text| String::from_utf8_lossy(&text).lines().any(|line| line.trim() == name))
}
