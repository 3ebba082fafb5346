//! Overlays, and what zap knows of packages: catalogues, aliases, file lists.

use std::io;
use std::path::PathBuf;

use super::content::{next, seed};
use super::delivery::INSTALLED;
use super::packages::Package;
use super::plan::path_of;
use super::tree::{Attributes, Tree};
use super::{Overlay, bulk, names};

/// A bzip2 stream of nothing.
const EMPTY_BZIP2: [u8; 14] = [0x42, 0x5a, 0x68, 0x39, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, 0, 0, 0, 0];

/// All overlays of the image.
pub(crate) fn overlays(packages: &[Package], edge_cases: bool) -> Vec<Overlay> {
    let ordinary = bulk::first_names();
    let is_edge = |name: &str| {
        let others = [names::SAVE, names::PACKAGE_IGNORED, names::PACKAGE_LIKE_CORE];
        name.starts_with("SAMPedge") || name.starts_with("SAMPopt") || others.contains(&name)
    };
    let base: Vec<String> = packages
        .iter()
        .map(|package| package.name.clone())
        .filter(|name| !name.starts_with("SAMP") && !is_edge(name))
        .collect();
    // Every unit of scale is like the first.
    let like = |which: &[usize]| -> Vec<String> {
        let is_one = |name: &String| which.iter().any(|at| name.starts_with(&ordinary[*at]));
        packages.iter().map(|package| package.name.clone()).filter(is_one).collect()
    };
    let overlay = |name: &str, requires: &[&str], packages: Vec<String>, installed: bool| Overlay {
        name: name.to_owned(),
        requires: requires.iter().map(|name| (*name).to_owned()).collect(),
        packages,
        installed,
    };
    let [a, b] = names::OVERLAY_RING;
    let scripts = [names::POSTINSTALL_WRITES, names::POSTINSTALL_ADDS_DRIVER, names::POSTINSTALL_FAILS];
    let mut all = vec![
        overlay(names::OVERLAY_BASE, &[], base, true),
        overlay(names::OVERLAY_DEVELOP, &[names::OVERLAY_BASE], like(&[0, 1]), true),
        overlay(a, &[b], like(&[2]), true),
        overlay(b, &[a, names::OVERLAY_BASE], like(&[3]), true),
        overlay(names::OVERLAY_GHOST, &[], [vec![names::PACKAGE_ABSENT.to_owned()], like(&[4])].concat(), true),
        overlay("scripts", &[], scripts.map(str::to_owned).to_vec(), true),
        overlay(names::OVERLAY_UNINSTALLED, &[names::OVERLAY_BASE], like(&[5]), false),
    ];
    if edge_cases {
        let edge = packages.iter().map(|package| package.name.clone()).filter(|name| is_edge(name)).collect();
        all.push(overlay(names::OVERLAY_EDGE, &[names::OVERLAY_BASE], edge, true));
        all.push(overlay(names::SAVE, &[], vec![names::SAVE.to_owned()], true));
    }
    all
}

/// Writes overlays and catalogues; returns the files that zap needs in a zone.
pub(crate) fn write(tree: &mut Tree, packages: &[Package], overlays: &[Overlay]) -> io::Result<Vec<PathBuf>> {
    let mut plain = Attributes::new(0o644, "root", "bin", INSTALLED)?;
    for overlay in overlays {
        let path = format!("/var/sadm/overlays/{}", overlay.name);
        tree.file(format!("{path}.ovl").as_bytes(), &description(overlay).into(), plain)?;
        let list: String = overlay.packages.iter().map(|name| format!("{name}\n")).collect();
        tree.file(format!("{path}.pkgs").as_bytes(), &list.into(), plain)?;
        if overlay.installed {
            tree.file(format!("/var/sadm/overlays/installed/{}", overlay.name).as_bytes(), &"".into(), plain)?;
        }
    }
    // zap fetched the catalogues after installation.
    plain.seconds += 90_000;
    let listed: String = overlays.iter().map(|overlay| format!("{}|1||\n", overlay.name)).collect();
    let ours: Vec<&Package> = packages.iter().filter(|package| package.name.starts_with("SAMP")).collect();
    let others: Vec<&Package> = packages.iter().filter(|package| !package.name.starts_with("SAMP")).collect();
    let mut written = Vec::new();
    for (repository, packages, overlays) in [("sample", others, listed), ("extra", ours, String::new())] {
        for (kind, content) in [
            ("catalog", catalogue(&packages).into()),
            ("aliases", aliases(&packages).into()),
            ("overlays", overlays.into()),
            ("filelist.bz2", super::content::Content::Bytes(EMPTY_BZIP2.to_vec())),
        ] {
            let path = format!("/etc/zap/repositories/{repository}.{kind}");
            tree.file(path.as_bytes(), &content, plain)?;
            written.push(path_of(path));
        }
    }
    tree.file(b"/etc/zap/repositories/sample.catalog.bak", &"fetched before\n".into(), plain)?;
    Ok(written)
}

fn description(overlay: &Overlay) -> String {
    let requires = overlay.requires.iter().map(|name| format!("REQUIRES={name}\n"));
    [format!("VERSION=1\nNAME=Sample overlay {}\n", overlay.name)].into_iter().chain(requires).collect()
}

fn catalogue(packages: &[&Package]) -> String {
    let line = |package: &&Package| {
        let mut state = seed(package.name.as_bytes());
        let digest = format!("{:016x}{:016x}", next(&mut state), next(&mut state));
        let size: usize = package.deliveries.iter().map(|delivery| delivery.content.size()).sum();
        format!("{}|1.0.0|{}|{size}|{digest}|\n", package.name, package.depends.join(" "))
    };
    packages.iter().map(line).collect()
}

fn aliases(packages: &[&Package]) -> String {
    // What is left of a name of four letters is no alias.
    let short = |package: &&Package| {
        let alias = package.name.get(4..).filter(|alias| !alias.is_empty())?;
        Some(format!("{alias}|{}\n", package.name))
    };
    packages.iter().filter_map(short).collect()
}
