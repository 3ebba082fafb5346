//! Which modules are held back against a list of newer versions, and by whom.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::change::{ChangeError, read};
use super::known::KnownVersions;
use super::search::{Moves, Search};
use crate::model::{Model, Module, ProjectId, PythonFit, Reverse, Verdict, fit, patches};
use crate::pep::{DeclaredVersion, Metadata, PreReleases, Requirement, Version};

/// What is given of newer versions.
#[derive(Debug, Default)]
pub struct Given {
    versions: KnownVersions,
    metadata: BTreeMap<String, Vec<(Version, Metadata)>>,
    /// Whether pre-releases count where none is installed.
    pre_releases: bool,
}

/// A module that is held back.
#[derive(Clone, Debug, Serialize)]
pub struct HeldBack {
    /// The project.
    pub name: String,
    /// What is installed.
    pub installed: String,
    /// The newest version that there is.
    pub newest: String,
    /// The newest that nobody minds, if that is newer than what is installed.
    pub newest_allowed: Option<String>,
    /// Who minds.
    pub holders: Vec<Holder>,
    /// What could move together with it.
    pub moves: Moves,
}

/// Who holds a module back. It may be its own newest version, which requires what is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Holder {
    /// The project.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// What it requires, as its metadata have it.
    pub requirement: String,
}

/// A module that can go to its newest version alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Free {
    /// The project.
    pub name: String,
    /// What is installed.
    pub installed: String,
    /// The newest version.
    pub newest: String,
    /// Whether what that needs itself is known.
    pub needs_known: bool,
}

/// All modules of a model against a list.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Those that are held back.
    pub held: Vec<HeldBack>,
    /// Those that are behind and that nobody holds back.
    pub free: Vec<Free>,
    /// How many have the newest version.
    pub current: usize,
    /// Those of which the list says nothing, or whose own version is none.
    pub unknown: Vec<String>,
}

impl Given {
    /// A list of versions, and METADATA of some: files, folders of one, or folders of either.
    ///
    /// # Errors
    /// [`ChangeError`]: METADATA cannot be used.
    pub fn new(versions: KnownVersions, files: &[PathBuf], pre_releases: bool) -> Result<Self, ChangeError> {
        let mut given = Self { versions, pre_releases, ..Self::default() };
        for path in files.iter().map(|path| unfold(path)).collect::<Result<Vec<_>, _>>()?.iter().flatten() {
            let (name, metadata) = read(path)?;
            let text = metadata.version().unwrap_or_default().to_owned();
            if let Ok(version) = Version::parse(&text) {
                given.versions.add(&name, &text);
                given.metadata.entry(name).or_default().push((version, metadata));
            }
        }
        Ok(given)
    }

    /// The versions newer than the installed one, from the newest; all if none is installed.
    pub(super) fn eligible<'g>(
        &'g self,
        name: &str,
        installed: Option<&Version>,
    ) -> impl Iterator<Item = (&'g Version, &'g str)> + use<'g> {
        let pre_releases = self.pre_releases || installed.is_some_and(Version::is_prerelease);
        let installed = installed.cloned();
        self.versions.of(name).filter(move |(version, _)| {
            installed.as_ref().is_none_or(|installed| *version > installed)
                && (pre_releases || !version.is_prerelease())
        })
    }

    pub(super) fn metadata(&self, name: &str, version: &Version) -> Option<&Metadata> {
        let known = self.metadata.get(name)?.iter().find(|(known, _)| known == version);
        known.map(|(_, metadata)| metadata)
    }

    pub(super) fn name(&self, name: &str) -> Option<&str> {
        self.versions.name(name)
    }
}

/// What is in a folder that is not that of one version.
fn unfold(path: &Path) -> Result<Vec<PathBuf>, ChangeError> {
    if !path.is_dir() || ["METADATA", "PKG-INFO"].iter().any(|name| path.join(name).exists()) {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut paths: Vec<PathBuf> = entries.map_err(|source| ChangeError::Read { path: path.to_owned(), source })?;
    paths.sort();
    Ok(paths)
}

/// Looks at some projects of a model, or at all if none are named.
#[must_use]
pub fn held_back(model: &Model<'_>, given: &Given, only: &[ProjectId]) -> Survey {
    let reverse = Reverse::of(model);
    let mut search = Search::new(model, &reverse, given);
    let patched = patches(&model.python);
    let mut survey = Survey::default();
    let mut projects: Vec<(&str, &Module<'_>)> =
        model.by_name.iter().map(|(name, project)| (name.as_ref(), model.counted(*project))).collect();
    projects.retain(|(_, module)| only.is_empty() || only.contains(&module.project));
    projects.sort_unstable_by_key(|(name, _)| *name);
    for (name, module) in projects {
        let installed = module.version.as_ref().and_then(|version| version.version());
        let (Some(installed), Some(_)) = (installed, given.versions.of(name).next()) else {
            survey.unknown.push(name.to_owned());
            continue;
        };
        let mut eligible = given.eligible(name, Some(installed));
        let Some((version, newest)) = eligible.next() else {
            survey.current += 1;
            continue;
        };
        let metadata = given.metadata(name, version);
        let mut holders = requirers_against(model, &reverse, module.project, newest);
        holders.extend(metadata.into_iter().flat_map(|it| own_needs(model, module, newest, it, &patched)));
        let installed = module.version_text().unwrap_or_default().to_owned();
        if holders.is_empty() {
            let (name, newest) = (name.to_owned(), newest.to_owned());
            survey.free.push(Free { name, installed, newest, needs_known: metadata.is_some() });
            continue;
        }
        let fine = |(_, text): &(&Version, &str)| requirers_against(model, &reverse, module.project, text).is_empty();
        survey.held.push(HeldBack {
            newest_allowed: eligible.find(fine).map(|(_, text)| text.to_owned()),
            moves: search.moves(name, newest),
            name: name.to_owned(),
            installed,
            newest: newest.to_owned(),
            holders,
        });
    }
    survey
}

/// The modules whose requirements hold now and would not with that version.
fn requirers_against(model: &Model<'_>, reverse: &Reverse, project: u32, version: &str) -> Vec<Holder> {
    let version = DeclaredVersion::parse(version);
    let rows = reverse.rows(project).iter().map(|number| &model.rows[*number as usize]);
    let counting = rows.filter(|row| row.counts() && row.verdict == Verdict::Met && model.is_live(model.requirer(row)));
    let against = counting.filter(|row| {
        let rejects =
            |it: Requirement<'_>| !it.specifiers.is_empty() && !it.specifiers.contains(&version, PreReleases::Admit);
        Requirement::parse(row.text).is_ok_and(rejects)
    });
    let mut holders: Vec<Holder> = against
        .map(|row| {
            let requirer = model.requirer(row);
            let (name, version) = (requirer.name.to_string(), requirer.version_text().map(str::to_owned));
            Holder { name, version, requirement: row.text.to_owned() }
        })
        .collect();
    holders.sort();
    holders.dedup();
    holders
}

/// What the newest version requires itself and that is not there.
fn own_needs(model: &Model<'_>, module: &Module<'_>, version: &str, new: &Metadata, patched: &[String]) -> Vec<Holder> {
    let holder =
        |requirement: String| Holder { name: module.name.to_string(), version: Some(version.to_owned()), requirement };
    let is_old = |text: &str| {
        model.rows_of(module).any(|(_, row)| row.counts() && row.text == text && row.verdict != Verdict::Met)
    };
    let python = new.requires_python().filter(|python| fit(python, patched) == PythonFit::Wrong);
    let python = python.map(|python| holder(format!("Python {python}")));
    let unmet = new.requires_dist().filter(|text| {
        let Ok(requirement) = Requirement::parse(text) else { return false };
        let counts = crate::model::applies(&requirement, &model.environment) == Ok(crate::model::Applies::Yes);
        counts && model.verdict_on(&requirement) != Verdict::Met && !is_old(text)
    });
    python.into_iter().chain(unmet.map(|text| holder(text.to_owned()))).collect()
}
