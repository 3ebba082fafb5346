//! The short names that zap's repositories give to packages.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cap_std::fs::Dir;

use crate::error::{Error, Problem};
use crate::image::{file_names, open_folder, read_named};
use crate::lines::{Lines, trim_blanks};
use crate::names::PackageName;

/// Where the files are, below an image root.
pub const REPOSITORIES: &str = "etc/zap/repositories";

/// Short names and the packages that they stand for. Lines of `*.aliases` are `alias|PKG`; where two
/// say different things of one alias, the first counts, files in the byte order of their names.
#[derive(Debug, Default)]
pub struct Aliases {
    packages: BTreeMap<Box<[u8]>, PackageName>,
}

impl Aliases {
    /// Reads all alias files of an image. Without [`REPOSITORIES`] there are none.
    ///
    /// # Errors
    /// The folder or a file cannot be read, or a line is not `alias|PKG`.
    pub fn read(image: &Dir) -> Result<Self, Error> {
        let folder = Path::new(REPOSITORIES);
        let mut aliases = Self::default();
        let Some(dir) = open_folder(image, folder, folder)? else {
            return Ok(aliases);
        };
        for name in file_names(&dir, folder)? {
            if !name.as_bytes().ends_with(b".aliases") {
                continue;
            }
            let shown = folder.join(&name);
            aliases.add(&shown, &read_named(&dir, Path::new(&name), &shown)?)?;
        }
        Ok(aliases)
    }

    /// Adds what one more file says of aliases that are not known yet. `file` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first line that is not `alias|PKG`.
    pub fn add(&mut self, file: &Path, text: &[u8]) -> Result<(), Error> {
        let mut lines = Lines::new(file, text)?;
        while let Some(line) = lines.next_statement()? {
            let (alias, package) = split(trim_blanks(line)).map_err(|problem| lines.damaged(problem))?;
            self.packages.entry(alias.into()).or_insert(package);
        }
        Ok(())
    }

    /// The package that an alias stands for.
    #[must_use]
    pub fn resolve(&self, alias: &str) -> Option<PackageName> {
        self.packages.get(alias.as_bytes()).cloned()
    }
}

fn split(line: &[u8]) -> Result<(&[u8], PackageName), Problem> {
    let at = memchr::memchr(b'|', line).ok_or_else(|| Problem::Other("is not `alias|package`".into()))?;
    let (alias, package) = (&line[..at], &line[at + 1..]);
    if alias.is_empty() || alias.iter().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
        return Err(Problem::Other("the alias is empty or has blanks in it".into()));
    }
    let package = PackageName::from_bytes(package).map_err(|error| Problem::Other(error.to_string()))?;
    Ok((alias, package))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Image;

    fn name(text: &str) -> Option<PackageName> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_first_file_in_byte_order_wins() {
        let image = Image::new(&[
            ("etc/zap/repositories/b.aliases", "zap|TRIBold\nonly-b|B\n"),
            ("etc/zap/repositories/a.aliases", "# c\n\nzap|TRIBzap\nzap|TRIBlater\n"),
            ("etc/zap/repositories/Z.aliases", "z|Z\n"),
            ("etc/zap/repositories/a.aliases.bak", "bad"),
            ("etc/zap/repositories/a.catalog", "bad"),
        ]);
        let aliases = Aliases::read(&image.dir()).unwrap();
        assert_eq!(aliases.resolve("zap"), name("TRIBzap"));
        assert_eq!(aliases.resolve("only-b"), name("B"));
        assert_eq!(aliases.resolve("z"), name("Z"));
        assert_eq!(aliases.resolve("TRIBzap"), None);
    }

    #[test]
    fn without_the_folder_there_are_none() {
        assert_eq!(Aliases::read(&Image::new(&[]).dir()).unwrap().resolve("zap"), None);
        let error = Aliases::read(&Image::new(&[(REPOSITORIES, "a file")]).dir()).unwrap_err();
        assert!(error.to_string().starts_with("etc/zap/repositories: "), "{error}");
        let folder = Image::new(&[("etc/zap/repositories/x.aliases/y", "")]);
        let error = Aliases::read(&folder.dir()).unwrap_err();
        assert_eq!(error.to_string(), "etc/zap/repositories/x.aliases: is a directory, not a regular file");
    }

    #[test]
    fn bad_lines_are_named() {
        for (text, message) in [
            (&b"a|B\nnothing\n"[..], "f: line 2: is not `alias|package`"),
            (b"|B\n", "f: line 1: the alias is empty or has blanks in it"),
            (b"a b|B\n", "f: line 1: the alias is empty or has blanks in it"),
            (b"a|\n", "f: line 1: `` is no package name: it is empty"),
            (
                b"a|B|C\n",
                "f: line 1: `B|C` is no package name: it holds something else than letters, digits and `+ _ . -`",
            ),
            (b"a|B", "f: line 1: the last line has no newline: the file is truncated"),
            (b"a|B\0\n", "f: line 1: holds a NUL byte: this is not a text file"),
        ] {
            let error = Aliases::default().add(Path::new("f"), text).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
