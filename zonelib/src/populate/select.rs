//! Which entries of the database a zone gets.

use std::collections::{BTreeMap, BTreeSet};

use contents::alias::Aliases;
use contents::database::is_below;
use contents::names::{OverlayName, PackageName, Unknown};
use contents::overlay::Overlays;
use contents::{Contents, Entry};

use crate::recipe::{PruneSet, Recipe};

/// The overlay that every zone has.
const BASE: &str = "base";

/// What `-o` and `-p` ask for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Overlays to keep; those that they require come with them, `base` always.
    pub overlays: Vec<OverlayName>,
    /// Packages, or aliases of packages, to keep besides.
    pub packages: Vec<String>,
}

/// The packages and overlays that a zone keeps, when not all of them.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Packages, by instance name.
    pub packages: BTreeSet<Vec<u8>>,
    /// Overlays that count as installed in the zone.
    pub overlays: BTreeSet<OverlayName>,
    /// Packages that the overlays list and the image does not have.
    pub not_installed: Vec<PackageName>,
    /// Overlays that others require and that the image does not know: who requires, what.
    pub not_known: BTreeSet<(OverlayName, OverlayName)>,
}

impl Kept {
    /// Resolves overlays with everything they require, packages, and aliases.
    ///
    /// # Errors
    /// [`Unknown`], which names similar ones.
    pub fn resolve(
        wanted: &Wanted,
        overlays: &Overlays,
        aliases: &Aliases,
        installed: &BTreeSet<&[u8]>,
    ) -> Result<Self, Unknown> {
        let mut names = wanted.overlays.clone();
        if let Ok(base) = BASE.parse::<OverlayName>()
            && overlays.get(&base).is_some()
        {
            names.push(base);
        }
        let closure = overlays.closure(&names)?;
        let mut kept = Self { overlays: closure.overlays, not_known: closure.missing, ..Self::default() };
        for name in &kept.overlays {
            for package in overlays.get(name).into_iter().flat_map(|overlay| &overlay.packages) {
                if installed.contains(package.as_bytes()) {
                    kept.packages.insert(package.as_bytes().to_vec());
                } else {
                    kept.not_installed.push(package.clone());
                }
            }
        }
        for name in &wanted.packages {
            let resolved = aliases.resolve(name).map_or_else(|| name.clone(), |package| package.to_string());
            if !installed.contains(resolved.as_bytes()) {
                let known = installed.iter().filter_map(|name| std::str::from_utf8(name).ok());
                return Err(Unknown::package(name, known));
            }
            kept.packages.insert(resolved.into_bytes());
        }
        kept.not_installed.sort();
        kept.not_installed.dedup();
        Ok(kept)
    }
}

/// The packages that have an entry in the database.
#[must_use]
pub fn packages<'a>(contents: &Contents<'a>) -> BTreeSet<&'a [u8]> {
    let mut names = BTreeSet::new();
    let mut last: &[u8] = b"";
    for entry in contents.entries() {
        for package in entry.packages() {
            if package.name != last {
                last = package.name;
                names.insert(last);
            }
        }
    }
    names
}

/// Decides for entries of the database whether a zone gets them.
pub struct Selection<'a> {
    /// Copied directories.
    pub copied: &'a [String],
    /// What is left out of them.
    pub prune: &'a PruneSet,
    /// The packages kept, when not all.
    pub kept: Option<&'a Kept>,
}

impl Selection<'_> {
    /// Whether a kept package delivers the entry.
    #[must_use]
    pub fn keeps(&self, entry: &Entry<'_>) -> bool {
        self.kept.is_none_or(|kept| entry.packages().any(|package| kept.packages.contains(package.name)))
    }

    /// Whether the zone gets the entry.
    #[must_use]
    pub fn selects(&self, entry: &Entry<'_>) -> bool {
        let path = entry.path_bytes();
        self.copied.iter().any(|copied| is_below(path, copied.as_bytes()))
            && !self.prune.contains(path)
            && self.keeps(entry)
    }

    /// Every entry that the zone gets, by path within each copied directory.
    pub fn entries<'s, 'c>(&'s self, contents: &'s Contents<'c>) -> impl Iterator<Item = &'s Entry<'c>> {
        self.copied.iter().flat_map(move |copied| {
            let mut pruned = self.prune.cursor();
            contents
                .below(copied.as_bytes())
                .filter(move |entry| !pruned.contains(entry.path_bytes()) && self.keeps(entry))
        })
    }
}

/// The packages that leave no metadata in the zone: those on the entries of `omit_owners_of`, but for
/// the exempt, and those listed.
#[must_use]
pub fn omitted<'a>(recipe: &'a Recipe, contents: &Contents<'a>) -> BTreeMap<Vec<u8>, &'a str> {
    let mut omitted = BTreeMap::new();
    for path in &recipe.omit_owners_of {
        for package in contents.get(path.as_bytes()).into_iter().flat_map(Entry::packages) {
            if !recipe.omit_owners_except.iter().any(|exempt| exempt.as_bytes() == package.name) {
                omitted.insert(package.name.to_vec(), path.as_str());
            }
        }
    }
    for name in &recipe.omit {
        omitted.insert(name.clone().into_bytes(), "list");
    }
    omitted
}
