//! The form of an SVR4 package that is one file.
//!
//! A header, padded to blocks of 512 bytes, names the packages; an archive follows with pkginfo and pkgmap of each, and
//! then an archive for each with everything. Source: `genheader()`, `wdsheader()` and `pkgxfer()` of libpkg, `ds_init()`
//! and `ds_next()` for how it is read.

use crate::cpio::{self, BLOCK, DIRECTORY, FILE, Member};
use crate::svr4::Package;

const PREFIX: &str = "# PaCkAgE DaTaStReAm\n";
const SUFFIX: &str = "# end of header\n";

/// Writes a package as a datastream.
#[must_use]
pub fn write(package: &Package) -> Vec<u8> {
    let name = package.name;
    let mut stream = format!("{PREFIX}{name} 1 {}\n{SUFFIX}", package.blocks).into_bytes();
    stream.resize(stream.len().next_multiple_of(BLOCK), 0);
    let modified = u32::try_from(package.modified).unwrap_or(u32::MAX);
    let member = |path: String, mode: u32, modified: u32, content: &[u8]| Member {
        path,
        mode,
        modified,
        content: content.to_vec(),
    };
    let head = package.members.iter().filter(|file| matches!(file.path.as_str(), "pkginfo" | "pkgmap"));
    let head = head.map(|file| member(format!("{name}/{}", file.path), FILE | file.mode, modified, &file.content));
    stream.extend(cpio::write(&head.collect::<Vec<_>>()));
    let mut all = Vec::new();
    for file in &package.members {
        for folder in folders(&file.path) {
            if !all.iter().any(|known: &Member| known.path == folder) {
                all.push(member(folder.to_owned(), DIRECTORY | 0o755, modified, b""));
            }
        }
        let own = u32::try_from(file.modified).unwrap_or(u32::MAX);
        all.push(member(file.path.clone(), FILE | file.mode, own, &file.content));
    }
    stream.extend(cpio::write(&all));
    stream
}

/// The directories above a path, from the top.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

/// What is in a datastream of one package: the header's lines, the members of both archives.
#[derive(Clone, Debug)]
pub struct Read {
    /// Such as `ZKzonekit 1 2000`.
    pub contents: String,
    /// pkginfo and pkgmap.
    pub head: Vec<Member>,
    /// The package.
    pub package: Vec<Member>,
}

/// Reads a datastream of one package; `None` when it is none.
#[must_use]
pub fn read(stream: &[u8]) -> Option<Read> {
    let text = stream.strip_prefix(PREFIX.as_bytes())?;
    let end = text.windows(SUFFIX.len()).position(|window| window == SUFFIX.as_bytes())?;
    let contents = String::from_utf8(text[..end].to_vec()).ok()?;
    let at = (PREFIX.len() + end + SUFFIX.len()).next_multiple_of(BLOCK);
    let (head, length) = cpio::read(stream.get(at..)?)?;
    let at = at + length;
    let (package, length) = cpio::read(stream.get(at..)?)?;
    (at + length == stream.len()).then_some(Read { contents, head, package })
}
