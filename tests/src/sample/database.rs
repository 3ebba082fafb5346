//! The package database: what all packages deliver, merged as pkgadd merges it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use contents::Kind;

use super::delivery::{Delivery, INSTALLED, packaged_time};
use super::metadata;
use super::packages::Package;
use super::plan::path_of;
use super::tree::{Attributes, Tree};

/// One line of the database.
#[derive(Debug)]
pub(crate) struct Line<'p> {
    /// The delivery that describes the path: the last one that is more than an implied directory.
    pub(crate) delivery: &'p Delivery,
    /// All who deliver the path, in the order in which they were installed.
    pub(crate) deliverers: Vec<(&'p Package, &'p Delivery)>,
}

/// All lines by the bytes of their paths, which is the order of the file.
pub(crate) type Database<'p> = BTreeMap<&'p [u8], Line<'p>>;

/// Merges what packages deliver.
pub(crate) fn merge(packages: &[Package]) -> Database<'_> {
    let mut database = Database::new();
    for package in packages {
        for delivery in &package.deliveries {
            let line =
                database.entry(delivery.path.as_slice()).or_insert_with(|| Line { delivery, deliverers: Vec::new() });
            if !delivery.implied {
                line.delivery = delivery;
            }
            line.deliverers.push((package, delivery));
        }
    }
    database
}

/// The contents file, as pkgserv writes it.
pub(crate) fn text(database: &Database<'_>, last: &str) -> Vec<u8> {
    let mut text = Vec::new();
    for (path, line) in database {
        text.extend_from_slice(path);
        text.extend(line.delivery.equals_target());
        text.extend(format!(" {} {}", line.delivery.kind.letter(), line.delivery.class).bytes());
        text.extend(line.delivery.fields().bytes());
        for (package, delivery) in &line.deliverers {
            text.extend(format!(" {}{}{}", delivery.status, package.name, delivery.suffix).bytes());
        }
        text.push(b'\n');
    }
    text.extend(format!("# Last modified by pkgadd for {last} package\n# Tue Sep 16 05:20:00 2025\n").bytes());
    text
}

/// Writes everything packaged, as it was right after installation.
pub(crate) fn install(tree: &mut Tree, database: &Database<'_>) -> io::Result<()> {
    for line in database.values() {
        place(tree, line.delivery)?;
    }
    for (path, line) in database {
        if line.delivery.kind == Kind::HardLink {
            tree.hard_link(path, &linked(database, path)?)?;
        }
    }
    Ok(())
}

fn place(tree: &mut Tree, delivery: &Delivery) -> io::Result<()> {
    let (path, time) = (delivery.path.as_slice(), delivery.modified);
    let mode = delivery.mode.unwrap_or(if delivery.kind.is_directory() { 0o755 } else { 0o644 });
    let attributes = || Attributes::new(mode, delivery.owner.unwrap_or("root"), delivery.group.unwrap_or("root"), time);
    match delivery.kind {
        Kind::Directory | Kind::Exclusive => tree.directory(path, attributes()?),
        Kind::Symlink => tree.symlink(path, delivery.target.as_deref().unwrap_or_default(), packaged_time(path)),
        Kind::Pipe | Kind::Character | Kind::Block => tree.node(path, delivery.kind, delivery.device, attributes()?),
        Kind::File | Kind::Editable | Kind::Volatile => tree.file(path, &delivery.content, attributes()?),
        Kind::HardLink | Kind::Information => Ok(()),
    }
}

/// The file that a hard link names in the end, through other links if need be.
pub(crate) fn linked(database: &Database<'_>, link: &[u8]) -> io::Result<Vec<u8>> {
    let mut at = link.to_vec();
    for _ in 0..8 {
        let Some(line) = database.get(at.as_slice()) else { break };
        let Some(target) = line.delivery.target.as_deref().filter(|_| line.delivery.kind == Kind::HardLink) else {
            return Ok(at);
        };
        at = resolve(&at, target);
    }
    Err(io::Error::other(format!("`{}` is a link to nothing packaged", path_of(link).display())))
}

/// A target as seen from the directory of the link, without `.` and `..`.
fn resolve(link: &[u8], target: &[u8]) -> Vec<u8> {
    let directory = link.rsplitn(2, |byte| *byte == b'/').nth(1).unwrap_or_default();
    let whole = if target.starts_with(b"/") { target.to_vec() } else { [directory, b"/", target].concat() };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in whole.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.iter().flat_map(|part| [b"/".as_slice(), part].concat()).collect()
}

/// Every editable path with a pristine copy, and where the one is that counts: that of the last listed
/// package that has one.
pub(crate) fn pristine(database: &Database<'_>) -> BTreeMap<PathBuf, PathBuf> {
    let mut copies = BTreeMap::new();
    for (path, line) in database.iter().filter(|(_, line)| line.delivery.kind.is_editable()) {
        let last = line.deliverers.iter().rev().find(|(_, delivery)| delivery.has_pristine());
        if let Some((package, delivery)) = last {
            copies.insert(path_of(*path), path_of(metadata::pristine_path(package, delivery)));
        }
    }
    copies
}

/// Writes the contents file and what stands beside it.
pub(crate) fn write(tree: &mut Tree, text: Vec<u8>) -> io::Result<()> {
    let attributes = Attributes::root(0o644, INSTALLED);
    tree.file(b"/var/sadm/install/contents", &super::content::Content::Bytes(text), attributes)?;
    for name in ["pkglog", ".lockfile", ".pkg.lock", ".pkg.lock.client"] {
        tree.file(format!("/var/sadm/install/{name}").as_bytes(), &"".into(), attributes)?;
    }
    Ok(())
}
