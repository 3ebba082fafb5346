//! The zone's own contents file: the image's, without what the zone does not have.

use std::io;

use contents::database::is_below;
use contents::{Contents, Entry};

use crate::recipe::PruneSet;

use crate::root::{Tree, remove_tree, set_attributes};

use super::action::{Text, split};
use super::select::Kept;

/// Filters a database for a zone: entries below `drop` and pruned ones go; with `kept`, the names of
/// other packages go, and entries that are left with none. Everything else stays byte for byte and in
/// order, comments too.
#[must_use]
pub fn filter<'a>(contents: &Contents<'a>, drop: &[String], prune: &PruneSet, kept: Option<&Kept>) -> Text<'a> {
    let text = contents.text();
    let mut out = Text::default();
    let mut cursor = prune.cursor();
    let sorted = contents.is_sorted();
    // Lines that stay as they are, comments among them, are copied in one piece up to the next that
    // does not.
    let mut copied = 0;
    for entry in contents.entries() {
        let path = entry.path_bytes();
        let pruned = if sorted { cursor.contains(path) } else { prune.contains(path) };
        let gone = pruned || drop.iter().any(|dropped| is_below(path, dropped.as_bytes()));
        let whole = kept.is_none_or(|kept| entry.packages().all(|package| kept.packages.contains(package.name)));
        if whole && !gone {
            continue;
        }
        let span = contents.span(entry);
        out.push(&text[copied..span.start]);
        copied = span.end;
        if let (false, Some(kept)) = (gone, kept) {
            out.push(kept_line(entry, kept));
        }
    }
    out.push(&text[copied..]);
    out
}

/// Replaces a file of a tree by one with other bytes and the same attributes.
///
/// # Errors
/// As `openat(2)`, `write(2)`, `renameat(2)`.
pub fn replace_file(tree: &Tree, path: &[u8], bytes: &Text<'_>) -> io::Result<()> {
    const NEW: &[u8] = b".zonekit-new";
    let (parent, name) = split(path);
    let handle = tree.open_dir(parent)?;
    let old = handle.stat(name)?.ok_or(io::ErrorKind::NotFound)?;
    remove_tree(&handle, NEW)?;
    let file = handle.create_file(NEW)?;
    bytes.write_to(&file)?;
    set_attributes(&file, Some((old.uid, old.gid)), old.mode, old.modified)?;
    handle.rename(NEW, name)
}

/// The entry with the names of kept packages; nothing when there are none.
fn kept_line(entry: &Entry<'_>, kept: &Kept) -> Vec<u8> {
    let mut line = entry.line_before_packages().to_vec();
    let before = line.len();
    for (token, package) in entry.package_tokens().zip(entry.packages()) {
        if kept.packages.contains(package.name) {
            line.push(b' ');
            line.extend_from_slice(token);
        }
    }
    if line.len() == before {
        return Vec::new();
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::recipe::PruneList;

    const TEXT: &[u8] = b"/etc d none 0755 root sys A B\n\
/etc/link=../etc/system s none A\n\
/etc/system e none 0644 root sys 1 1 1 A\n\
/etc/system.d d none 0755 root sys *A ~B\\:cls\n\
/kernel d none 0755 root sys A\n\
/kernel.d d none 0755 root sys A+\n\
/kernel/x f none 0755 root sys 1 1 1 A\n\
# Last modified by pkgadd for A package\n\
# Tue Mar  3 12:59:59 2026\n";

    fn run(kept: Option<&[&str]>) -> String {
        let contents = Contents::parse(Path::new("contents"), TEXT).unwrap();
        let mut list = PruneList::default();
        list.add(Path::new("x.prune"), b"/etc/system\n").unwrap();
        let kept = kept.map(|names| Kept {
            packages: names.iter().map(|name| name.as_bytes().to_vec()).collect(),
            ..Kept::default()
        });
        let out = filter(&contents, &["/kernel".to_owned()], &PruneSet::union([&list]), kept.as_ref());
        io::read_to_string(out.reader()).unwrap()
    }

    /// Reference findings 1 and 3: substrings and unanchored prefixes.
    #[test]
    fn only_whole_paths_go() {
        assert_eq!(
            run(None),
            "/etc d none 0755 root sys A B\n/etc/link=../etc/system s none A\n\
             /etc/system.d d none 0755 root sys *A ~B\\:cls\n/kernel.d d none 0755 root sys A+\n\
             # Last modified by pkgadd for A package\n# Tue Mar  3 12:59:59 2026\n"
        );
    }

    /// Reference findings 13 and 14: names are no patterns, and comments stay lines of their own.
    #[test]
    fn only_kept_packages_stay() {
        assert_eq!(
            run(Some(&["B"])),
            "/etc d none 0755 root sys B\n/etc/system.d d none 0755 root sys ~B\\:cls\n\
             # Last modified by pkgadd for A package\n# Tue Mar  3 12:59:59 2026\n"
        );
        assert!(run(Some(&["A+"])).starts_with("/kernel.d d none 0755 root sys A+\n#"));
    }
}
