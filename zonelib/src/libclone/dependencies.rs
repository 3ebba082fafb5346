//! Services that stay and need services whose manifests are pruned. Source: service_bundle(5), smf(7).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;

use contents::Kind;

use crate::populate::{Packages, open_anywhere};
use crate::recipe::PruneSet;

/// A manifest larger than this is not one.
pub(crate) const MANIFEST_LIMIT: u64 = 4 * 1024 * 1024;

/// A kept service that requires pruned ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Broken {
    /// The service that stays.
    pub service: String,
    /// The dependency's name in its manifest.
    pub dependency: String,
    /// The pruned services that would satisfy it.
    pub needs: Vec<String>,
}

/// One `<dependency>` on services.
struct Dependency {
    service: String,
    name: String,
    all: bool,
    needs: Vec<String>,
}

#[derive(Default)]
struct Services {
    provided: BTreeSet<String>,
    dependencies: Vec<Dependency>,
}

/// What the manifests say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// Required dependencies of services that stay which only pruned ones provide.
    pub broken: Vec<Broken>,
    /// Manifests that are no well-formed XML of a sane size.
    pub unread: usize,
}

/// Reads all manifests of an image below the shared directory.
pub(super) fn check(image: &Packages<'_>, directory: &[u8], prune: &PruneSet) -> Dependencies {
    let (mut kept, mut pruned, mut unread) = (Services::default(), Services::default(), 0);
    let manifests = [directory, b"/svc/manifest"].concat();
    for entry in image.contents.below(&manifests) {
        let path = entry.path_bytes();
        if !matches!(entry.kind(), Kind::File | Kind::Editable | Kind::Volatile) || !path.ends_with(b".xml") {
            continue;
        }
        // One that is missing is reported as such.
        let Ok((file, _)) = open_anywhere(image.tree, path.strip_prefix(b"/").unwrap_or(path)) else { continue };
        let into = if prune.contains(path) { &mut pruned } else { &mut kept };
        if read(file).is_none_or(|text| parse(&text, into).is_err()) {
            unread += 1;
        }
    }
    Dependencies { broken: broken(&kept, &pruned.provided), unread }
}

fn read(file: File) -> Option<String> {
    let mut bytes = Vec::new();
    let read = file.take(MANIFEST_LIMIT + 1).read_to_end(&mut bytes).ok()?;
    (read as u64 <= MANIFEST_LIMIT).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(text: &str, services: &mut Services) -> Result<(), roxmltree::Error> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(text, options)?;
    for service in document.descendants().filter(|node| node.has_tag_name("service")) {
        let Some(name) = service.attribute("name") else { continue };
        services.provided.insert(name.to_owned());
        for dependency in service.descendants().filter(|node| node.has_tag_name("dependency")) {
            let all = match dependency.attribute("grouping") {
                Some("require_all") => true,
                Some("require_any") => false,
                _ => continue,
            };
            if dependency.attribute("type") != Some("service") {
                continue;
            }
            let needs = dependency
                .children()
                .filter(|node| node.has_tag_name("service_fmri"))
                .filter_map(|node| node.attribute("value").and_then(service_of))
                .collect();
            let dependency = dependency.attribute("name").unwrap_or_default().to_owned();
            services.dependencies.push(Dependency { service: name.to_owned(), name: dependency, all, needs });
        }
    }
    Ok(())
}

/// `system/hal` of `svc:/system/hal:default`.
fn service_of(fmri: &str) -> Option<String> {
    let path = fmri.strip_prefix("svc://localhost/").or_else(|| fmri.strip_prefix("svc:/"))?;
    let name = path.split(':').next().unwrap_or_default().trim_matches('/');
    (!name.is_empty()).then(|| name.to_owned())
}

fn broken(kept: &Services, pruned: &BTreeSet<String>) -> Vec<Broken> {
    let mut found: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for dependency in &kept.dependencies {
        let gone: Vec<String> = dependency
            .needs
            .iter()
            .filter(|name| pruned.contains(*name) && !kept.provided.contains(*name))
            .cloned()
            .collect();
        let fails =
            if dependency.all { !gone.is_empty() } else { !gone.is_empty() && gone.len() == dependency.needs.len() };
        if fails {
            found.insert((dependency.service.clone(), dependency.name.clone()), gone);
        }
    }
    found.into_iter().map(|((service, dependency), needs)| Broken { service, dependency, needs }).collect()
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "service `{}` stays but requires `{}`, which is pruned", self.service, self.needs.join("`, `"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "<?xml version='1.0'?>\n<!DOCTYPE service_bundle SYSTEM '/usr/share/lib/xml/dtd/service_bundle.dtd.1'>\n";

    fn manifest(name: &str, dependencies: &[(&str, &[&str])]) -> String {
        let mut text = format!(
            "{HEAD}<service_bundle type='manifest' name='x'><service name='{name}' type='service' version='1'>"
        );
        for (grouping, fmris) in dependencies {
            text += &format!("<dependency name='d' grouping='{grouping}' restart_on='none' type='service'>");
            for fmri in *fmris {
                text += &format!("<service_fmri value='{fmri}'/>");
            }
            text += "</dependency>";
        }
        text + "</service></service_bundle>"
    }

    fn find(dependencies: &[(&str, &[&str])]) -> Vec<Broken> {
        let mut kept = Services::default();
        parse(&manifest("network/here", &[]), &mut kept).unwrap();
        parse(&manifest("app/x", dependencies), &mut kept).unwrap();
        broken(&kept, &BTreeSet::from(["system/hal".to_owned(), "system/power".to_owned()]))
    }

    #[test]
    fn only_required_and_unsatisfied_dependencies_count() {
        let needs = |dependencies| find(dependencies).into_iter().flat_map(|broken| broken.needs).collect::<Vec<_>>();
        assert_eq!(needs(&[("require_all", &["svc:/network/here", "svc:/system/hal:default"])]), ["system/hal"]);
        assert_eq!(
            needs(&[("require_any", &["svc:/system/power", "svc:/system/hal"])]),
            ["system/power", "system/hal"]
        );
        assert!(find(&[("require_any", &["svc:/network/here", "svc:/system/hal"])]).is_empty());
        assert!(find(&[("optional_all", &["svc:/system/hal"]), ("exclude_all", &["svc:/system/hal"])]).is_empty());
        assert!(find(&[("require_all", &["svc:/milestone/multi-user"])]).is_empty());
    }

    #[test]
    fn what_is_no_xml_is_an_error() {
        assert!(parse("not xml", &mut Services::default()).is_err());
        assert!(parse("<a><b></a>", &mut Services::default()).is_err());
    }
}
