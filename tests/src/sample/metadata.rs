//! What pkgadd remembers of each package below `/var/sadm/pkg`.

use std::io;

use super::content::Content;
use super::database::Database;
use super::delivery::{Delivery, INSTALLED, Pristine};
use super::packages::Package;
use super::tree::{Attributes, Tree};

const BLOCK: usize = 512;

/// Where the pristine copy of an editable file is, below the image root.
pub(crate) fn pristine_path(package: &Package, delivery: &Delivery) -> Vec<u8> {
    let area = if delivery.pristine == Pristine::Root { "root" } else { "reloc" };
    [spool(package, area).as_bytes(), &delivery.path].concat()
}

/// A path in the package's own spool area.
pub(crate) fn spool(package: &Package, name: &str) -> String {
    format!("/var/sadm/pkg/{0}/save/pspool/{0}/{name}", package.name)
}

/// Writes the directory of one package.
pub(crate) fn write(tree: &mut Tree, package: &Package, database: &Database<'_>) -> io::Result<()> {
    let directory = format!("/var/sadm/pkg/{}", package.name);
    let plain = Attributes::root(0o644, INSTALLED);
    let information = pkginfo(package);
    let installed = [information.as_slice(), added_by_installation(package).as_bytes()].concat();
    tree.file(format!("{directory}/pkginfo").as_bytes(), &Content::Bytes(installed), plain)?;
    tree.directory(format!("{directory}/install").as_bytes(), Attributes::root(0o755, INSTALLED))?;

    let mut members: Vec<(&str, Content)> = vec![("pkginfo", Content::Bytes(information))];
    if !package.depends.is_empty() {
        members.push(("depend", depend(package).into()));
    }
    members.extend(package.scripts.iter().map(|(name, text)| (*name, text.as_str().into())));
    members.sort_by_key(|member| member.0);
    for (name, content) in &members {
        if *name == "pkginfo" {
            tree.file(spool(package, name).as_bytes(), content, plain)?;
            continue;
        }
        let script = Attributes { mode: if *name == "depend" { 0o644 } else { 0o755 }, ..plain };
        tree.file(format!("{directory}/install/{name}").as_bytes(), content, script)?;
        tree.file(spool(package, &format!("install/{name}")).as_bytes(), content, script)?;
    }
    tree.file(spool(package, "pkgmap").as_bytes(), &Content::Bytes(pkgmap(package, database, &members)), plain)?;
    for delivery in package.deliveries.iter().filter(|delivery| delivery.has_pristine()) {
        // The spooled copy loses set-id and sticky bits and belongs to the installer.
        let mode = delivery.mode.unwrap_or(0o644) & 0o777;
        let attributes = Attributes::root(mode, delivery.modified);
        tree.file(&pristine_path(package, delivery), &delivery.content, attributes)?;
    }
    Ok(())
}

fn classes(package: &Package) -> String {
    let mut classes: Vec<&str> = package.deliveries.iter().map(|delivery| delivery.class).collect();
    classes.push("none");
    classes.sort_unstable();
    classes.dedup();
    classes.join(" ")
}

fn pkginfo(package: &Package) -> Vec<u8> {
    let head = format!(
        "PKG={}\nNAME=\"{}\"\nARCH=i386\nVERSION=1.0.0\nCATEGORY=system\nDESC={}\nVENDOR=",
        package.name, package.summary, package.summary
    );
    let tail = format!("\nEMAIL=samples@example.org\nPSTAMP=sample20250901\nBASEDIR=/\nCLASSES={}\n", classes(package));
    [head.as_bytes(), &package.vendor, tail.as_bytes()].concat()
}

fn added_by_installation(package: &Package) -> String {
    format!(
        "LANG=C\nTZ=UTC\nPATH=/sbin:/usr/sbin:/usr/bin:/usr/sadm/install/bin\nOAMBASE=/usr/sadm/sysadm\n\
         PKGINST={0}\nPKGSAV=/var/sadm/pkg/{0}/save\nINSTDATE=Sep 16 2025 05:20\n",
        package.name
    )
}

fn depend(package: &Package) -> String {
    let lines = package.depends.iter().map(|name| format!("P {name}\tneeded to run\n"));
    std::iter::once("# What this package needs\n".to_owned()).chain(lines).collect()
}

fn pkgmap(package: &Package, database: &Database<'_>, members: &[(&str, Content)]) -> Vec<u8> {
    let sizes = package.deliveries.iter().filter(|delivery| delivery.kind.has_content());
    let blocks: usize = sizes.map(|delivery| delivery.content.size().div_ceil(BLOCK)).sum();
    let mut map = format!(": 1 {}\n", blocks + 8).into_bytes();
    let absolute = package.deliveries.iter().any(|delivery| delivery.pristine == Pristine::Root);
    for delivery in &package.deliveries {
        map.extend(format!("1 {} {} ", delivery.kind.letter(), delivery.class).bytes());
        map.extend_from_slice(if absolute { &delivery.path } else { &delivery.path[1..] });
        map.extend(delivery.equals_target());
        // An implied directory looks as its owner says.
        let described = match database.get(delivery.path.as_slice()) {
            Some(line) if delivery.implied => line.delivery,
            _ => delivery,
        };
        map.extend(described.fields().bytes());
        map.push(b'\n');
    }
    for (name, content) in members {
        map.extend(format!("1 i {name} {} {} {INSTALLED}\n", content.size(), content.checksum()).bytes());
    }
    map
}
