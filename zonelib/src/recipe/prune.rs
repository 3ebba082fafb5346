//! Prune lists: packaged paths that make no sense in a zone.

use std::path::{Path, PathBuf};

use contents::database::{Contents, is_below};

use super::RecipeError;

/// One path of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Absolute, without a trailing slash.
    pub path: Vec<u8>,
    /// The path and everything below it, not the path alone.
    pub tree: bool,
    /// Where it is listed, for messages.
    pub file: PathBuf,
    /// The line in that file, counted from 1.
    pub line: usize,
}

/// A named list, drop-ins of the site included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneList {
    /// The name that recipes call it by.
    pub name: String,
    /// Its paths, in the order of the files.
    pub entries: Vec<Pruned>,
}

impl PruneList {
    /// Reads a list: one path a line, a trailing `/` for a tree, `#` comments, blanks around a path
    /// ignored, a missing leading `/` supplied.
    ///
    /// # Errors
    /// [`RecipeError::Line`]: a path with empty, `.` or `..` components, white space or NUL inside.
    pub fn add(&mut self, file: &Path, text: &[u8]) -> Result<(), RecipeError> {
        for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let word = line.trim_ascii();
            if word.is_empty() || word.starts_with(b"#") {
                continue;
            }
            let (word, tree) = word.strip_suffix(b"/").map_or((word, false), |word| (word, true));
            let relative = word.strip_prefix(b"/").unwrap_or(word);
            let canonical = relative.split(|&byte| byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."));
            if !canonical || relative.iter().any(|byte| byte.is_ascii_whitespace() || *byte == 0) {
                let word = String::from_utf8_lossy(word).escape_debug().to_string();
                let problem = format!("`{word}` is not one plain path");
                return Err(RecipeError::Line { file: file.to_owned(), line: number + 1, problem });
            }
            let path = [b"/", relative].concat();
            self.entries.push(Pruned { path, tree, file: file.to_owned(), line: number + 1 });
        }
        Ok(())
    }
}

/// Several lists as one set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneSet {
    exact: Vec<Vec<u8>>,
    trees: Vec<Vec<u8>>,
}

impl PruneSet {
    /// The union of lists.
    #[must_use]
    pub fn union<'l>(lists: impl IntoIterator<Item = &'l PruneList>) -> Self {
        let mut set = Self::default();
        for entry in lists.into_iter().flat_map(|list| &list.entries) {
            let paths = if entry.tree { &mut set.trees } else { &mut set.exact };
            paths.push(entry.path.clone());
        }
        for paths in [&mut set.exact, &mut set.trees] {
            paths.sort();
            paths.dedup();
        }
        set
    }

    /// Whether a path is pruned: listed itself, or inside a listed tree.
    #[must_use]
    pub fn contains(&self, path: &[u8]) -> bool {
        self.exact.binary_search_by(|listed| listed.as_slice().cmp(path)).is_ok() || self.in_tree(path)
    }

    fn in_tree(&self, path: &[u8]) -> bool {
        self.trees.iter().any(|tree| is_below(path, tree))
    }

    /// Asks for paths in ascending order, which costs far less than [`PruneSet::contains`] for each.
    #[must_use]
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor { set: self, next: 0 }
    }

    /// All paths, in ascending order; those of trees end in `/`. For fingerprints.
    pub fn paths(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.exact.iter().cloned().chain(self.trees.iter().map(|tree| [tree, &b"/"[..]].concat()))
    }
}

/// A walk through a [`PruneSet`] beside a sorted list of paths.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    set: &'a PruneSet,
    next: usize,
}

impl Cursor<'_> {
    /// Whether `path`, not smaller than the one asked for before, is pruned.
    pub fn contains(&mut self, path: &[u8]) -> bool {
        while let Some(listed) = self.set.exact.get(self.next) {
            match listed.as_slice().cmp(path) {
                std::cmp::Ordering::Less => self.next += 1,
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Greater => break,
            }
        }
        self.set.in_tree(path)
    }
}

/// The entries of a list that name nothing any package delivers: typing errors, or what packages have
/// dropped.
#[must_use]
pub fn unmatched<'l>(list: &'l PruneList, contents: &Contents<'_>) -> Vec<&'l Pruned> {
    let matches = |entry: &Pruned| {
        if entry.tree { contents.below(&entry.path).next().is_some() } else { contents.get(&entry.path).is_some() }
    };
    list.entries.iter().filter(|entry| !matches(entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> PruneSet {
        let mut list = PruneList::default();
        list.add(Path::new("x.prune"), text.as_bytes()).unwrap();
        PruneSet::union([&list])
    }

    /// Reference finding 1: the scripts match substrings; finding 2: stray blanks and a lost slash.
    #[test]
    fn paths_match_exactly() {
        let set = set("# comment\n /etc/system \nusr/lib/dimm.so\n\n/var/cache/desktop/\n");
        let pruned = ["/etc/system", "/usr/lib/dimm.so", "/var/cache/desktop", "/var/cache/desktop/a/b"];
        let kept = ["/etc/system.d", "/etc/systemd", "/x/etc/system", "/etc/system/below", "/var/cache/desktop-x"];
        let mut all: Vec<&str> = pruned.iter().chain(&kept).copied().collect();
        all.sort_unstable();
        let mut cursor = set.cursor();
        for path in all {
            assert_eq!(set.contains(path.as_bytes()), pruned.contains(&path), "{path}");
            assert_eq!(cursor.contains(path.as_bytes()), pruned.contains(&path), "{path} by cursor");
        }
    }

    #[test]
    fn bad_lines_are_refused_with_their_number() {
        for text in ["/a\n/b/../c\n", "/a\n//\n", "/a\n/b c\n", "/a\n/\n", "/a\n/b//c\n"] {
            let error = PruneList::default().add(Path::new("x.prune"), text.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with("x.prune: line 2: "), "{text:?}: {error}");
        }
    }
}
