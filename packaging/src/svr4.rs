//! An SVR4 package, as pkgmk(1) would make it: pkginfo, pkgmap, depend, and the files below `reloc`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use contents::checksum::checksum;
use contents::pkgmap::Pkgmap;

use crate::error::Error;
use crate::identity::{ARCHITECTURE, COPYRIGHT, INCOMPATIBLE, PACKAGE, REQUIRES, TITLE, VERSION};
use crate::tree::{Entry, Kind, Tree};

/// Blocks are of this many bytes.
const BLOCK: usize = 512;
/// What pkgmk(1) reckons a line of the pkgmap takes.
const LINE: usize = 128;

/// A file of the package, by its path in the package's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Such as `pkgmap` or `reloc/usr/sbin/zoneadm`.
    pub path: String,
    /// Permission bits that it has in the package. Those that it gets are in the pkgmap.
    pub mode: u32,
    /// Seconds since 1970.
    pub modified: i64,
    /// Its content.
    pub content: Vec<u8>,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// Its size in blocks of 512 bytes.
    pub blocks: usize,
    /// The time of what was made for it.
    pub modified: i64,
    /// All its files, pkginfo and pkgmap first.
    pub members: Vec<Member>,
}

impl Package {
    /// Makes the package of a tree.
    ///
    /// # Errors
    /// The pkgmap does not read back.
    pub fn of(tree: &Tree) -> Result<Self, Error> {
        let information = [
            ("copyright", COPYRIGHT.as_bytes().to_vec()),
            ("depend", depend().into_bytes()),
            ("pkginfo", pkginfo(tree).into_bytes()),
        ];
        let blocks = blocks(tree, information.iter().map(|(_, content)| content.len()));
        let map = pkgmap(tree, &information, blocks)?;
        let member = |path: String, content: &[u8]| Member {
            path,
            mode: 0o644,
            modified: tree.modified,
            content: content.to_vec(),
        };
        let mut members = Vec::new();
        for (name, content) in &information {
            let path = if *name == "pkginfo" { (*name).to_owned() } else { format!("install/{name}") };
            members.push(member(path, content));
        }
        members.push(member("pkgmap".to_owned(), &map));
        members.sort_by_key(|member| (member.path.contains('/'), member.path.clone()));
        for entry in &tree.entries {
            if let Some(content) = entry.content() {
                // The package tools clear set-id bits, and make sure that everybody can read.
                let mode = entry.mode & 0o777 | 0o644;
                let path = format!("reloc/{}", entry.path);
                members.push(Member { path, mode, modified: entry.modified, content: content.to_vec() });
            }
        }
        Ok(Self { name: PACKAGE, blocks, modified: tree.modified, members })
    }

    /// Writes it as a folder of its name in `output`, in place of one that is there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, output: &Path) -> Result<(), Error> {
        let folder = output.join(self.name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::at(&folder)(error)),
            _ => {}
        }
        for member in &self.members {
            let path = folder.join(&member.path);
            let parent = path.parent().unwrap_or(output);
            fs::create_dir_all(parent).map_err(Error::at(parent))?;
            fs::write(&path, &member.content).map_err(Error::at(&path))?;
            let modified = Duration::from_secs(member.modified.unsigned_abs());
            let file = File::options().append(true).open(&path).map_err(Error::at(&path))?;
            file.set_modified(SystemTime::UNIX_EPOCH + modified).map_err(Error::at(&path))?;
            fs::set_permissions(&path, Permissions::from_mode(member.mode)).map_err(Error::at(&path))?;
        }
        Ok(())
    }
}

/// The parameters. `SUNW_PKG_THISZONE` keeps it out of the zones when it is added to the global zone: brands are of use
/// only there.
fn pkginfo(tree: &Tree) -> String {
    let classes = "none";
    format!(
        "PKG={PACKAGE}\nNAME={TITLE}\nARCH={ARCHITECTURE}\nVERSION={VERSION}\nCATEGORY=system\nVENDOR=zonekit\nBASEDIR=/\n\
CLASSES={classes}\nPSTAMP=zonekit{}\nSUNW_PKG_ALLZONES=false\nSUNW_PKG_HOLLOW=false\nSUNW_PKG_THISZONE=true\n",
        tree.modified
    )
}

fn depend() -> String {
    let mut text = String::new();
    for needed in &REQUIRES {
        // Writing to memory does not fail.
        let _ = writeln!(text, "P {} {}", needed.svr4, needed.what);
    }
    let _ = writeln!(text, "I {} {}", INCOMPATIBLE.0, INCOMPATIBLE.1);
    text
}

/// Sorted by path, information files among the others, as pkgmk(1) does.
fn pkgmap(tree: &Tree, information: &[(&str, Vec<u8>)], blocks: usize) -> Result<Vec<u8>, Error> {
    let mut lines: Vec<(&str, String)> = tree.entries.iter().map(|entry| (entry.path.as_str(), line(entry))).collect();
    for (name, content) in information {
        lines.push((name, format!("1 i {name} {} {} {}", content.len(), checksum(content), tree.modified)));
    }
    lines.sort();
    let mut text = format!(": 1 {blocks}\n");
    for (_, line) in &lines {
        text += line;
        text.push('\n');
    }
    // It is read as the package tools will, and written in the form that they write.
    Ok(Pkgmap::parse(Path::new("pkgmap"), text.as_bytes())?.to_bytes())
}

fn line(entry: &Entry) -> String {
    let Entry { path, mode, group, modified, .. } = entry;
    match &entry.kind {
        Kind::Directory => format!("1 d none {path} {mode:04o} root {group}"),
        Kind::Link(target) => format!("1 s none {path}={target}"),
        Kind::File(content) => {
            format!("1 f none {path} {mode:04o} root {group} {} {} {modified}", content.len(), checksum(content))
        }
    }
}

/// The room that the package takes, reckoned as pkgmk(1) does: its files, the directories that hold them, the pkgmap, and
/// two blocks each for the package's folder and for `install`.
fn blocks(tree: &Tree, information: impl Iterator<Item = usize>) -> usize {
    let files = tree.entries.iter().filter_map(Entry::content).map(<[u8]>::len);
    let content: usize = files.chain(information).map(|size| size.div_ceil(BLOCK)).sum();
    let held = |entry: &&Entry| entry.content().is_some();
    let folders: BTreeSet<&str> = tree
        .entries
        .iter()
        .filter(held)
        .flat_map(|entry| entry.path.match_indices('/').map(|(end, _)| &entry.path[..end]))
        .collect();
    content + folders.len() + (tree.entries.len() * LINE).div_ceil(BLOCK) + 4
}
