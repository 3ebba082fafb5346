//! Finding every distribution of modules below a root, and reading what it says of itself. Nothing is judged here but
//! what cannot be read.

mod egg;
mod entry;
mod imports;
mod pth;
mod python;
mod root;
mod site;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use entry::Identity;
pub use imports::{ImportSource, Imports};
pub use python::{BadPythonVersion, Interpreter, PythonVersion};
pub use root::{Folder, Root, read_regular, reading};
pub(crate) use site::open_ambient;
pub use site::{Distribution, Form, Place, Trouble, TroubleKind, Unread};

/// What is to be read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Roots in which Pythons are looked for.
    pub roots: Vec<PathBuf>,
    /// Directories of modules, in the order in which Python looks into them.
    pub paths: Vec<PathBuf>,
    /// METADATA or PKG-INFO files.
    pub files: Vec<PathBuf>,
    /// Pythons to look at; all if there are none.
    pub pythons: Vec<PythonVersion>,
    /// Whether to look up what can be imported from each distribution.
    pub imports: bool,
}

/// Why something that was asked for could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A root or a directory of modules cannot be opened.
    #[error("`{}`: {source}; nothing was checked there", path.display())]
    Open {
        /// What was to be opened.
        path: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
    /// There is no directory of modules below a root.
    #[error("no Python below `{}`: there is no lib/python*/site-packages in any usual place; name one with --path", .0.display())]
    NoPython(PathBuf),
    /// The Python that was asked for is not below a root.
    #[error("no Python {wanted} below `{}`; there is {found}", root.display())]
    OtherPython {
        /// Where it was looked for.
        root: PathBuf,
        /// What was asked for.
        wanted: PythonVersion,
        /// What there is.
        found: String,
    },
    /// Nothing says which Python a directory of modules is for.
    #[error("`{}`: its path does not say which Python it is for; say it with --python", .0.display())]
    WhichPython(PathBuf),
    /// Paths below several roots.
    #[error("--path names directories below one --root, not several")]
    SeveralRoots,
    /// METADATA files say nothing of the Python that they are for.
    #[error("--file needs --python, for METADATA does not say which Python it is installed for")]
    FilesOfWhichPython,
}

/// All distributions that one Python finds.
#[derive(Debug)]
pub struct Collection {
    /// The root that was audited; none for METADATA files.
    pub root: Option<Arc<Root>>,
    /// The Python. Its full version is what `--python` says, else what was found.
    pub python: Interpreter,
    /// The directories that it looks into, in its order.
    pub places: Vec<Place>,
    /// What was found, by directory and name.
    pub distributions: Vec<Distribution>,
    /// What could not be read, and what interrupted installations left.
    pub troubles: Vec<Trouble>,
}

impl Collection {
    /// The path of a distribution, as people on this machine call it.
    #[must_use]
    pub fn path_of(&self, distribution: &Distribution) -> PathBuf {
        match (&self.root, self.places.get(usize::from(distribution.place))) {
            (Some(root), Some(place)) => root.show(&place.path.join(distribution.entry.as_ref())),
            _ => PathBuf::from(distribution.entry.as_ref()),
        }
    }
}

/// Reads everything; what could not be looked at is in the second list, and the rest is read all the same.
#[must_use]
pub fn collect(sources: &Sources) -> (Vec<Collection>, Vec<ReadError>) {
    let mut collections = Vec::new();
    let mut errors = Vec::new();
    if !sources.files.is_empty() {
        match sources.pythons.as_slice() {
            [] => errors.push(ReadError::FilesOfWhichPython),
            pythons => collections.extend(pythons.iter().map(|python| site::read_files(&sources.files, python))),
        }
    }
    if sources.paths.is_empty() {
        for root in &sources.roots {
            if let Err(error) = collect_root(root, sources, &mut collections) {
                errors.push(error);
            }
        }
    } else {
        if sources.roots.len() > 1 {
            errors.push(ReadError::SeveralRoots);
            return (collections, errors);
        }
        let top = sources.roots.first().map_or(Path::new("/"), PathBuf::as_path);
        collect_paths(top, sources, &mut collections, &mut errors);
    }
    (collections, errors)
}

fn open(path: &Path) -> Result<Arc<Root>, ReadError> {
    Root::open(path).map(Arc::new).map_err(|source| ReadError::Open { path: path.to_owned(), source })
}

fn collect_root(path: &Path, sources: &Sources, collections: &mut Vec<Collection>) -> Result<(), ReadError> {
    let root = open(path)?;
    let mut found = python::interpreters(&root);
    if found.is_empty() {
        return Err(ReadError::NoPython(path.to_owned()));
    }
    if !sources.pythons.is_empty() {
        let missing = sources.pythons.iter().find(|wanted| !found.iter().any(|it| it.version.is_same_as(wanted)));
        if let Some(wanted) = missing {
            let found: Vec<String> = found.iter().map(|python| python.version.to_string()).collect();
            let (root, wanted, found) = (path.to_owned(), wanted.clone(), found.join(", "));
            return Err(ReadError::OtherPython { root, wanted, found });
        }
        found.retain_mut(|python| {
            let wanted = sources.pythons.iter().find(|wanted| python.version.is_same_as(wanted));
            if let Some(wanted) = wanted.filter(|wanted| !wanted.patch.is_empty()) {
                python.version = wanted.clone();
            }
            wanted.is_some()
        });
    }
    collections.extend(found.into_iter().map(|python| site::read_sites(&root, python, sources.imports)));
    Ok(())
}

/// Directories that are for the same Python are one search path.
fn collect_paths(top: &Path, sources: &Sources, collections: &mut Vec<Collection>, errors: &mut Vec<ReadError>) {
    let root = match open(top) {
        Ok(root) => root,
        Err(error) => return errors.push(error),
    };
    let mut found: Vec<Interpreter> = Vec::new();
    for path in &sources.paths {
        match site_of_path(&root, path, sources) {
            Ok((pythons, site)) => {
                for version in pythons {
                    match found.iter_mut().find(|python| python.version == version) {
                        Some(python) => python.sites.push(site.clone()),
                        None => {
                            let prefix = site.parent().unwrap_or(Path::new("")).to_owned();
                            found.push(Interpreter { version, prefix, sites: vec![site.clone()] });
                        }
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    collections.extend(found.into_iter().map(|python| site::read_sites(&root, python, sources.imports)));
}

fn site_of_path(root: &Root, path: &Path, sources: &Sources) -> Result<(Vec<PythonVersion>, PathBuf), ReadError> {
    let unopened = |source| ReadError::Open { path: path.to_owned(), source };
    let below = if path.is_relative() && root.shown() == Path::new("/") {
        std::env::current_dir().map_err(unopened)?.join(path)
    } else {
        path.to_owned()
    };
    let site = root.folder(&below).map_err(unopened)?.path;
    let said = python::version_of_path(&site).or_else(|| python::version_of_path(&below));
    let pythons = match (sources.pythons.as_slice(), said) {
        ([], Some(version)) => vec![python::with_patch_level(root, &site, version)],
        ([], None) => return Err(ReadError::WhichPython(path.to_owned())),
        (wanted, _) => wanted.to_vec(),
    };
    Ok((pythons, site))
}
