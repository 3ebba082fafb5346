//! Overlays, the groups of packages in which Tribblix installs software.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cap_std::fs::Dir;

use crate::error::{Error, Problem};
use crate::fields::split_assignment;
use crate::image::{file_names, not_regular, open_folder, read_named};
use crate::lines::{Lines, trim_blanks};
use crate::names::{NameError, OverlayName, PackageName, Unknown};

/// Where the overlays are, below an image root: `NAME.ovl`, `NAME.pkgs` and markers `installed/NAME`.
pub const OVERLAYS: &str = "var/sadm/overlays";

/// One overlay. It is known by a description, a package list, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    /// Its name.
    pub name: OverlayName,
    /// What it is, for people: `NAME=` of the description.
    pub title: Option<Vec<u8>>,
    /// `VERSION=` of the description.
    pub version: Option<Vec<u8>>,
    /// The overlays that it needs, in the order of the description's `REQUIRES=` lines.
    pub requires: Vec<OverlayName>,
    /// Its own packages, in the order of the list.
    pub packages: Vec<PackageName>,
    /// Whether it has an `installed` marker.
    pub installed: bool,
}

/// All overlays of an image.
#[derive(Debug, Default)]
pub struct Overlays {
    known: BTreeMap<OverlayName, Overlay>,
}

/// Some overlays, everything that they require, and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// The overlays asked for and those required.
    pub overlays: BTreeSet<OverlayName>,
    /// All their packages, whether installed or not.
    pub packages: BTreeSet<PackageName>,
    /// Requirements that nothing meets: an overlay of [`Self::overlays`] and the unknown one that it
    /// requires.
    pub missing: BTreeSet<(OverlayName, OverlayName)>,
}

impl Overlays {
    /// Reads all overlays of an image. Without [`OVERLAYS`] there are none; other files in it are of
    /// no interest.
    ///
    /// # Errors
    /// A file or folder cannot be read, its name breaks the rules of overlay names, or a line is not
    /// as the format says.
    pub fn read(image: &Dir) -> Result<Self, Error> {
        let folder = Path::new(OVERLAYS);
        let Some(dir) = open_folder(image, folder, folder)? else {
            return Ok(Self::default());
        };
        let markers = installed(&dir, &folder.join("installed"))?;
        let mut known = BTreeMap::new();
        for name in file_names(&dir, folder)? {
            let bytes = name.as_bytes();
            let Some(stem) = bytes.strip_suffix(b".ovl").or_else(|| bytes.strip_suffix(b".pkgs")) else {
                continue;
            };
            let shown = folder.join(&name);
            let overlay_name = OverlayName::from_bytes(stem).map_err(|error| misnamed(&shown, error))?;
            let installed = markers.contains(stem);
            let overlay =
                known.entry(overlay_name.clone()).or_insert_with(|| Overlay::nothing(overlay_name, installed));
            let text = read_named(&dir, Path::new(&name), &shown)?;
            if bytes.ends_with(b".ovl") {
                overlay.describe(&shown, &text)?;
            } else {
                overlay.fill(&shown, &text)?;
            }
        }
        Ok(Self { known })
    }

    /// One overlay.
    #[must_use]
    pub fn get(&self, name: &OverlayName) -> Option<&Overlay> {
        self.known.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Overlay> {
        self.known.values()
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &OverlayName> {
        self.known.keys()
    }

    /// The overlays of a list, and what they require. Overlays may require each other in a circle.
    ///
    /// # Errors
    /// The first name of the list that is not known. An unknown name that an overlay requires is no
    /// error; it is reported in [`Closure::missing`].
    pub fn closure(&self, wanted: &[OverlayName]) -> Result<Closure, Unknown> {
        let mut closure = Closure::default();
        let mut next: Vec<&Overlay> = Vec::new();
        for name in wanted {
            let known = self.known.get(name);
            next.push(known.ok_or_else(|| Unknown::overlay(name.as_str(), self.names().map(OverlayName::as_str)))?);
        }
        while let Some(overlay) = next.pop() {
            if !closure.overlays.insert(overlay.name.clone()) {
                continue;
            }
            closure.packages.extend(overlay.packages.iter().cloned());
            for required in &overlay.requires {
                match self.known.get(required) {
                    Some(found) => next.push(found),
                    None => {
                        closure.missing.insert((overlay.name.clone(), required.clone()));
                    }
                }
            }
        }
        Ok(closure)
    }
}

impl Overlay {
    fn nothing(name: OverlayName, installed: bool) -> Self {
        Self { name, title: None, version: None, requires: Vec::new(), packages: Vec::new(), installed }
    }

    /// Takes in a description: `KEY=value` lines. Keys that mean nothing here, such as `SERVICE`, are
    /// passed over, as zap does.
    fn describe(&mut self, file: &Path, text: &[u8]) -> Result<(), Error> {
        let mut lines = Lines::new(file, text)?;
        while let Some(line) = lines.next_statement()? {
            self.describe_line(trim_blanks(line)).map_err(|problem| lines.damaged(problem))?;
        }
        Ok(())
    }

    fn describe_line(&mut self, line: &[u8]) -> Result<(), Problem> {
        let (key, value) = split_assignment(line)?;
        let once = match key {
            b"NAME" => &mut self.title,
            b"VERSION" => &mut self.version,
            b"REQUIRES" => {
                self.requires.push(OverlayName::from_bytes(value).map_err(bad_name)?);
                return Ok(());
            }
            _ => return Ok(()),
        };
        match once.replace(value.to_vec()) {
            None => Ok(()),
            Some(_) => Err(Problem::Other(format!("says `{}` again", String::from_utf8_lossy(key)))),
        }
    }

    /// Takes in a package list: one name a line.
    fn fill(&mut self, file: &Path, text: &[u8]) -> Result<(), Error> {
        let mut lines = Lines::new(file, text)?;
        while let Some(line) = lines.next_statement()? {
            let name = PackageName::from_bytes(trim_blanks(line));
            self.packages.push(name.map_err(|error| lines.damaged(bad_name(error)))?);
        }
        Ok(())
    }
}

fn bad_name(error: NameError) -> Problem {
    Problem::Other(error.to_string())
}

fn misnamed(shown: &Path, error: NameError) -> Error {
    Error::read(shown, io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The names of the markers, each a regular file.
fn installed(dir: &Dir, shown: &Path) -> Result<BTreeSet<Vec<u8>>, Error> {
    let unreadable = |source| Error::read(shown, source);
    let mut names = BTreeSet::new();
    let Some(markers) = open_folder(dir, Path::new("installed"), shown)? else {
        return Ok(names);
    };
    for entry in markers.entries().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let kind = entry.file_type().map_err(unreadable)?;
        if !kind.is_file() {
            return Err(Error::read(shown.join(name), not_regular(kind.is_dir())));
        }
        names.insert(name.as_bytes().to_vec());
    }
    Ok(names)
}

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
