//! The manifest of an IPS package, as pkgsend(1) takes it. Source: pkg(7).

use std::fmt::Write;

use crate::identity::{ARCHITECTURE, DESCRIPTION, FMRI, LICENCE, REQUIRES, TITLE, VERSION};
use crate::tree::{Kind, Tree};

/// The manifest of a tree. Paths of files are relative to the tree, that of the licence to the source:
/// `pkgsend publish -s REPOSITORY -d TREE -d SOURCE FILE`.
#[must_use]
pub fn manifest(tree: &Tree) -> String {
    let mut text = String::new();
    // Writing to memory does not fail.
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    line(format!("set name=pkg.fmri value=pkg:/{FMRI}@{VERSION}"));
    line(format!("set name=pkg.summary value=\"{TITLE}\""));
    line(format!("set name=pkg.description value=\"{DESCRIPTION}\""));
    line("set name=info.classification value=\"org.opensolaris.category.2008:System/Virtualization\"".to_owned());
    line(format!("set name=variant.arch value={ARCHITECTURE}"));
    line(format!("license LICENSE license={LICENCE}"));
    for needed in &REQUIRES {
        line(format!("depend fmri=pkg:/{} type=require", needed.ips));
    }
    for entry in &tree.entries {
        let (path, mode, group) = (&entry.path, entry.mode, entry.group);
        line(match &entry.kind {
            Kind::Directory => format!("dir path={path} owner=root group={group} mode={mode:04o}"),
            Kind::File(_) => format!("file {path} path={path} owner=root group={group} mode={mode:04o}"),
            Kind::Link(target) => format!("link path={path} target={target}"),
        });
    }
    text
}
