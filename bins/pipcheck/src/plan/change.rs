//! Changes that are asked about: new versions, new modules, and modules that are taken away.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::{Model, Verdict};
use crate::pep::{Metadata, ProjectName, Requirement, Scratch, Version};
use crate::read::{Distribution, Form, Imports, open_ambient};

/// What happens to one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another version, of which nothing else is known.
    Version(String),
    /// Another version, by what it says of itself.
    Metadata {
        /// The file.
        path: PathBuf,
        /// What it says.
        metadata: Metadata,
    },
    /// It is taken away.
    Remove,
}

/// Changes of several projects, one for each.
#[derive(Clone, Debug, Default)]
pub struct Changes(Vec<(String, Change)>);

/// Why a change cannot be asked about.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is not written as one.
    #[error("`{0}`: write a new version as NAME==VERSION")]
    NoVersion(String),
    /// Extras and markers belong to requirements.
    #[error("`{0}` is no name of a module; write a new version as NAME==VERSION, without extras or markers")]
    Name(String),
    /// The version is none.
    #[error("`{text}`: `{version}` is no version by PEP 440")]
    Version {
        /// The argument.
        text: String,
        /// Its version.
        version: String,
    },
    /// One project twice.
    #[error("two changes are asked about for {0}; ask about one at a time")]
    Twice(String),
    /// The file cannot be read.
    #[error("`{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is something else.
    #[error("`{}` {why}", path.display())]
    NoMetadata {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        why: &'static str,
    },
}

/// The name and version of `NAME==VERSION`.
pub(super) fn name_and_version(text: &str) -> Result<(String, &str), ChangeError> {
    let (name, version) = text.split_once("==").ok_or_else(|| ChangeError::NoVersion(text.to_owned()))?;
    let (name, version) = (name.trim(), version.trim());
    let name = ProjectName::parse(name).map_err(|_| ChangeError::Name(name.to_owned()))?;
    if Version::parse(version).is_err() {
        return Err(ChangeError::Version { text: text.to_owned(), version: version.to_owned() });
    }
    Ok((name.to_string(), version))
}

impl Changes {
    /// Reads what was asked: new versions as `NAME==VERSION`, METADATA files or folders of one, and names of what is
    /// taken away.
    ///
    /// # Errors
    /// [`ChangeError`]: one of them makes no sense.
    pub fn parse(updates: &[String], files: &[PathBuf], removals: &[String]) -> Result<Self, ChangeError> {
        let mut changes = Self::default();
        for text in updates {
            let (name, version) = name_and_version(text)?;
            changes.add(name, Change::Version(version.to_owned()))?;
        }
        for path in files {
            let (name, metadata) = read(path)?;
            changes.add(name, Change::Metadata { path: path.clone(), metadata })?;
        }
        for text in removals {
            let name = ProjectName::parse(text).map_err(|_| ChangeError::Name(text.clone()))?;
            changes.add(name.to_string(), Change::Remove)?;
        }
        Ok(changes)
    }

    /// Changes of different projects.
    pub(super) fn of(changes: Vec<(String, Change)>) -> Self {
        Self(changes)
    }

    fn add(&mut self, name: String, change: Change) -> Result<(), ChangeError> {
        if self.0.iter().any(|(known, _)| *known == name) {
            return Err(ChangeError::Twice(name));
        }
        self.0.push((name, change));
        Ok(())
    }

    /// The projects.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Reads the METADATA of a version, from the file or the folder that it is in.
pub(super) fn read(path: &Path) -> Result<(String, Metadata), ChangeError> {
    let unread = |source| ChangeError::Read { path: path.to_owned(), source };
    let no_metadata = |why| ChangeError::NoMetadata { path: path.to_owned(), why };
    let file = if path.is_dir() {
        let inside = ["METADATA", "PKG-INFO"].map(|name| path.join(name));
        inside.into_iter().find(|file| file.exists()).ok_or_else(|| no_metadata("has neither METADATA nor PKG-INFO"))?
    } else {
        path.to_owned()
    };
    if path.extension().is_some_and(|it| it == "whl" || it == "gz" || it == "zip") {
        return Err(no_metadata("is an archive; name the METADATA or PKG-INFO that is in it"));
    }
    let metadata =
        open_ambient(&file).and_then(|file| Metadata::read(file, &mut Scratch::default())).map_err(unread)?;
    let name = metadata.name().ok_or_else(|| no_metadata("is no METADATA: it has no Name"))?;
    let name = ProjectName::parse(name).map_err(|_| no_metadata("has a Name that is none"))?.to_string();
    let version = metadata.version().ok_or_else(|| no_metadata("has no Version"))?;
    if Version::parse(version).is_err() {
        return Err(no_metadata("has a Version that is none by PEP 440"));
    }
    Ok((name, metadata))
}

/// What happens to one project of a model.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    /// The project.
    pub name: String,
    /// What is installed; none if nothing is.
    pub from: Option<String>,
    /// What would be; none if it is taken away.
    pub to: Option<String>,
    /// Whether what it needs itself is known, and not assumed to be as now.
    pub needs_known: bool,
}

/// Changes as they are in one model.
#[derive(Debug, Default)]
pub struct Planned {
    /// What happens, in the order in which it was asked.
    pub steps: Vec<Step>,
    /// What was asked about and that the model has nothing to do with.
    pub strangers: Vec<String>,
    /// What comes to be, in place of a project or as one of its own.
    new: Vec<(String, Distribution)>,
}

impl Planned {
    /// Changes, as far as they concern a model. A new module concerns it if it comes with METADATA, or if something
    /// requires it.
    #[must_use]
    pub fn of(changes: &Changes, model: &Model<'_>) -> Self {
        let mut planned = Self::default();
        let wanted = wanted(changes, model);
        for (name, change) in &changes.0 {
            let installed = model.by_name.get(name.as_str()).map(|project| model.counted(*project));
            let from = installed.map(|module| module.version_text().unwrap_or("?").to_owned());
            let new = match change {
                Change::Remove if installed.is_none() => {
                    planned.strangers.push(name.clone());
                    continue;
                }
                Change::Remove => None,
                Change::Version(version) => match installed {
                    Some(module) => {
                        Some(in_place_of(module.distribution, module.distribution.metadata.with_version(version)))
                    }
                    None if wanted.contains(name.as_str()) => Some(bare(name, version)),
                    None => {
                        planned.strangers.push(name.clone());
                        continue;
                    }
                },
                Change::Metadata { path, metadata } => Some(match installed {
                    Some(module) => Distribution { unread: None, ..in_place_of(module.distribution, metadata.clone()) },
                    None => added(path.to_string_lossy().into(), metadata.clone()),
                }),
            };
            let to = new.as_ref().and_then(|new| new.metadata.version()).map(str::to_owned);
            let needs_known = !matches!(change, Change::Version(_));
            planned.steps.push(Step { name: name.clone(), from, to, needs_known });
            planned.new.extend(new.map(|new| (name.clone(), new)));
        }
        planned
    }

    /// The distributions of the model after the changes: a new version is where the old one was, of which all copies
    /// that count are replaced; new modules come last.
    #[must_use]
    pub fn distributions<'a>(&'a self, model: &Model<'a>) -> Vec<&'a Distribution> {
        let mut list: Vec<Option<&'a Distribution>> =
            model.modules.iter().map(|module| Some(module.distribution)).collect();
        let mut added = Vec::new();
        for step in &self.steps {
            let new = self.new.iter().find(|(name, _)| *name == step.name).map(|(_, new)| new);
            match model.by_name.get(step.name.as_str()) {
                Some(project) => {
                    for (nth, copy) in model.projects[*project as usize].copies.iter().enumerate() {
                        list[*copy as usize] = new.filter(|_| nth == 0);
                    }
                }
                None => added.extend(new),
            }
        }
        list.into_iter().flatten().chain(added).collect()
    }
}

/// The projects that are not installed and that something requires, or would.
fn wanted<'m>(changes: &'m Changes, model: &'m Model<'_>) -> HashSet<String> {
    let missing = model.rows.iter().filter(|row| row.verdict == Verdict::Missing).map(|row| row.text);
    let planned = changes.0.iter().filter_map(|(_, change)| match change {
        Change::Metadata { metadata, .. } => Some(metadata),
        _ => None,
    });
    let planned = planned.flat_map(Metadata::requires_dist);
    missing.chain(planned).filter_map(|text| Some(Requirement::parse(text).ok()?.name.to_string())).collect()
}

fn in_place_of(old: &Distribution, metadata: Metadata) -> Distribution {
    Distribution {
        form: Form::Planned,
        place: old.place,
        entry: old.entry.clone(),
        metadata,
        unread: old.unread.clone(),
        imports: old.imports.clone(),
    }
}

/// A new version of a project of which nothing is known but its name.
pub(super) fn bare(name: &str, version: &str) -> Distribution {
    let metadata = Metadata::parse(format!("Name: {name}\nVersion: {version}\n").as_bytes());
    added(format!("{name}=={version}").into(), metadata)
}

fn added(entry: Box<str>, metadata: Metadata) -> Distribution {
    Distribution { form: Form::Planned, place: u16::MAX, entry, metadata, unread: None, imports: Imports::unknown() }
}
