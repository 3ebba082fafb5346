//! A package database of any size: that of the image with invented entries in it.

use std::fs;
use std::io;
use std::path::Path;

use contents::Contents;
use contents::database::CONTENTS;

/// Where the invented entries are. Nothing else is there, so their place in the order is one.
const TREE: &str = "/usr/zonekit-bench";
/// Invented files of one invented directory.
const WIDTH: usize = 20;

/// Makes an image at `to` that has everything of `from` and a database of at least `entries` entries. The
/// invented ones are not on disk, as planning a zone looks at the disk for few objects only.
pub(crate) fn enlarged(from: &Path, to: &Path, entries: usize) -> io::Result<()> {
    let file = from.join(CONTENTS);
    let text = fs::read(&file)?;
    let known = Contents::parse(&file, &text).map_err(io::Error::other)?;
    let more = entries.saturating_sub(known.entries().len());
    let at = known.sorted().find(|entry| entry.path_bytes() > TREE.as_bytes()).map_or(text.len(), |next| {
        // The entry's line is a part of the text.
        next.line().as_ptr() as usize - text.as_ptr() as usize
    });
    let mut all = text[..at].to_vec();
    all.extend_from_slice(invented(more).as_bytes());
    all.extend_from_slice(&text[at..]);

    link_tree(from, to)?;
    fs::remove_file(to.join(CONTENTS))?;
    fs::write(to.join(CONTENTS), all)
}

/// The same files once more, by hard links.
fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_tree(&entry.path(), &target)?;
        } else {
            fs::hard_link(entry.path(), target)?;
        }
    }
    Ok(())
}

fn invented(count: usize) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(count * 110);
    let mut put = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = text.write_fmt(line);
        text.push('\n');
    };
    for number in 0..count {
        let directory = number.saturating_sub(1) / (WIDTH + 1);
        let package = format!("BENCHpackage-{:04}", directory / 10);
        match number.saturating_sub(1) % (WIDTH + 1) {
            0 if number == 0 => put(format_args!("{TREE} d none 0755 root bin {package}")),
            0 => put(format_args!("{TREE}/directory-{directory:06} d none 0755 root bin {package}")),
            file => put(format_args!(
                "{TREE}/directory-{directory:06}/library-{file:02}.so.1 f none 0755 root bin {} {} 14{number:08} \
                 {package}",
                1000 + number * 37 % 90_000,
                number * 613 % 65_536
            )),
        }
    }
    text
}
