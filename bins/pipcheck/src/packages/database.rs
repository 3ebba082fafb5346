//! What the SVR4 package database of a root says of modules: who owns each, and what that package says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use contents::database::CONTENTS;
use contents::depend::{Dependencies, DependencyKind};
use contents::overlay::Overlays;
use contents::pkginfo::PackageInfo;
use contents::{Contents, Entry, checksum, image};

use crate::check::{Finding, Kind};
use crate::model::{Model, Module};
use crate::read::{Collection, Distribution, Form, Root, read_regular};

/// Where the package tools keep what packages say of themselves.
const PACKAGES: &str = "var/sadm/pkg";
/// No depend file, pkginfo or METADATA is larger.
const LIMIT: u64 = 16 * 1024 * 1024;

/// A package that owns modules, or that one of those depends on.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its version as its pkginfo has it.
    pub version: Option<String>,
    /// The packages that it depends on (`P` in depend(5)), in its order.
    pub prerequisites: Vec<String>,
    /// Its depend file as it is; none when it has none.
    pub depend: Option<Vec<u8>>,
}

/// What is known of packages.
#[derive(Debug, Default)]
pub struct System {
    /// The packages that own modules.
    pub packages: BTreeMap<String, Package>,
    /// The names of all that are installed.
    pub installed: BTreeSet<String>,
    /// The overlays that each package is in, by name.
    pub overlays: BTreeMap<String, BTreeSet<String>>,
    /// What is wrong with packages themselves.
    pub findings: Vec<Finding>,
}

/// The package database cannot be read, so that nothing can be compared.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The contents file.
    #[error("`{}`: {source}", root.display())]
    Contents {
        /// The root.
        root: PathBuf,
        /// What is wrong; it names the file.
        source: contents::Error,
    },
    /// There are changes that are not in it yet.
    #[error("`{}`: the package database has changes pending; run `pkgadm sync` first", .0.display())]
    Pending(PathBuf),
}

/// The owner of each module of a model, by number; the last package that installed it.
pub type Owners = Vec<Option<String>>;

/// Reads the database, and finds the owner of each module of each model. `verify`: metadata that are not as packages
/// have delivered them are findings.
///
/// # Errors
/// [`DatabaseError`].
pub fn read(root: &Root, models: &[&Model<'_>], verify: bool) -> Result<(System, Vec<Owners>), DatabaseError> {
    let failed = |source| DatabaseError::Contents { root: root.shown().to_owned(), source };
    if image::has_pending_changes(root.dir()).map_err(failed)? {
        return Err(DatabaseError::Pending(root.shown().to_owned()));
    }
    let text = image::read_contents(root.dir()).map_err(failed)?;
    let contents = Contents::parse_halves(Path::new(CONTENTS), &text).map_err(failed)?;
    let mut system = System { installed: installed(root), ..System::default() };
    system.read_overlays(root);
    let mut owners = Vec::new();
    let mut places = BTreeSet::new();
    for model in models {
        let owned = model.modules.iter().map(|module| system.owner(&contents, model, module)).collect();
        owners.push(owned);
        if verify {
            model.modules.iter().for_each(|module| system.verify(root, &contents, model, module));
        }
        places.extend(model.collection.places.iter().map(|place| place.path.clone()));
    }
    for place in &places {
        system.gone(root, &contents, place);
    }
    let names: BTreeSet<String> = owners.iter().flatten().flatten().cloned().collect();
    for name in names {
        let package = system.package(root, &name);
        system.packages.insert(name, package);
    }
    Ok((system, owners))
}

fn installed(root: &Root) -> BTreeSet<String> {
    root.names(Path::new(PACKAGES)).iter().map(|name| name.to_string_lossy().into_owned()).collect()
}

/// The package that owns a distribution: the last that installed its metadata.
#[must_use]
pub fn owner(contents: &Contents<'_>, collection: &Collection, distribution: &Distribution) -> Option<String> {
    let file = metadata_file(collection, distribution)?;
    let package = entry_of(contents, &file)?.packages().next_back()?;
    Some(String::from_utf8_lossy(package.name).into_owned())
}

/// The owners of some modules; `None` if the root has no package database.
///
/// # Errors
/// [`DatabaseError`]: it has one that cannot be read.
pub fn owners(model: &Model<'_>, modules: &[&Module<'_>]) -> Result<Option<Owners>, DatabaseError> {
    let Some(root) = &model.collection.root else { return Ok(None) };
    let failed = |source| DatabaseError::Contents { root: root.shown().to_owned(), source };
    let Some(text) = image::read_if_present(root.dir(), CONTENTS).map_err(failed)? else { return Ok(None) };
    let contents = Contents::parse_halves(Path::new(CONTENTS), &text).map_err(failed)?;
    Ok(Some(modules.iter().map(|module| owner(&contents, model.collection, module.distribution)).collect()))
}

fn entry_of<'c>(contents: &Contents<'c>, file: &Path) -> Option<Entry<'c>> {
    contents.get(Path::new("/").join(file).as_os_str().as_bytes()).copied()
}

/// Where the metadata of a distribution are, below the root.
fn metadata_file(collection: &Collection, distribution: &Distribution) -> Option<PathBuf> {
    let path = collection.places.get(usize::from(distribution.place))?.path.join(distribution.entry.as_ref());
    Some(match distribution.form {
        Form::DistInfo => path.join("METADATA"),
        Form::EggInfo | Form::Egg => path.join("PKG-INFO"),
        _ => path,
    })
}

impl System {
    fn owner(&mut self, contents: &Contents<'_>, model: &Model<'_>, module: &Module<'_>) -> Option<String> {
        let owner = owner(contents, model.collection, module.distribution);
        if owner.is_none() {
            let message = format!("{} belongs to no package", module.label());
            let finding = Finding::about(Kind::Unowned, module.name.as_str(), module.version_text(), message);
            self.findings.push(finding.at(&model.collection.path_of(module.distribution)));
        }
        owner
    }

    fn verify(&mut self, root: &Root, contents: &Contents<'_>, model: &Model<'_>, module: &Module<'_>) {
        let Some(file) = metadata_file(model.collection, module.distribution) else { return };
        let Some(entry) = entry_of(contents, &file) else { return };
        let Some((size, sum)) = entry.size().zip(entry.checksum()) else { return };
        if let Some(how) = differs(root, &file, size, sum) {
            let message = format!("{} is not as it was packaged: {how}", module.label());
            let finding = Finding::about(Kind::Changed, module.name.as_str(), module.version_text(), message);
            self.findings.push(finding.at(&root.show(&file)));
        }
    }

    /// Metadata that packages own and that are not there.
    fn gone(&mut self, root: &Root, contents: &Contents<'_>, place: &Path) {
        let folder = Path::new("/").join(place);
        for entry in contents.below(folder.as_os_str().as_bytes()) {
            let path = entry.path();
            let name = path.file_name().unwrap_or_default();
            let holder = path.parent().and_then(Path::extension).unwrap_or_default();
            let is_metadata =
                (name == "METADATA" && holder == "dist-info") || (name == "PKG-INFO" && holder == "egg-info");
            let below = path.strip_prefix("/").unwrap_or(path);
            if !is_metadata || path.parent().and_then(Path::parent) != Some(folder.as_path()) || root.has_file(below) {
                continue;
            }
            let owner = entry
                .packages()
                .next_back()
                .map_or_else(String::new, |package| String::from_utf8_lossy(package.name).into_owned());
            let message = format!("{owner} has delivered it, and it is not there");
            self.findings.push(Finding::about(Kind::Gone, &owner, None, message).at(&root.show(below)));
        }
    }

    /// What a package says of itself. What cannot be read is a finding, and the rest is still used.
    fn package(&mut self, root: &Root, name: &str) -> Package {
        let folder = Path::new(PACKAGES).join(name);
        let mut package = Package::default();
        let info = folder.join("pkginfo");
        match root.read(&info, LIMIT) {
            Ok(text) => match PackageInfo::parse(&root.show(&info), &text) {
                Ok(info) => {
                    package.version = info.get("VERSION").map(|text| String::from_utf8_lossy(text).into_owned())
                }
                Err(error) => self.bad(name, &error.to_string(), &root.show(&info)),
            },
            Err(error) => self.bad(name, &format!("pkginfo: {error}"), &root.show(&info)),
        }
        let depend = folder.join("install/depend");
        match root.read(&depend, LIMIT) {
            Ok(text) => match prerequisites(&root.show(&depend), &text) {
                Ok(prerequisites) => {
                    package.prerequisites = prerequisites;
                    package.depend = Some(text);
                }
                Err(error) => self.bad(name, &error.to_string(), &root.show(&depend)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.bad(name, &format!("install/depend: {error}"), &root.show(&depend)),
        }
        package
    }

    fn bad(&mut self, name: &str, why: &str, path: &Path) {
        self.findings.push(Finding::about(Kind::BadPackage, name, None, why.to_owned()).at(path));
    }

    fn read_overlays(&mut self, root: &Root) {
        match Overlays::read(root.dir()) {
            Ok(overlays) => {
                for overlay in overlays.iter() {
                    for package in &overlay.packages {
                        let names = self.overlays.entry(package.as_str().to_owned()).or_default();
                        names.insert(overlay.name.as_str().to_owned());
                    }
                }
            }
            Err(error) => self.bad("overlays", &error.to_string(), &root.show(Path::new(contents::overlay::OVERLAYS))),
        }
    }
}

/// The packages that a depend file has as prerequisites.
///
/// # Errors
/// The file is not as depend(5) says.
pub fn prerequisites(path: &Path, text: &[u8]) -> Result<Vec<String>, contents::Error> {
    let dependencies = Dependencies::parse(path, text)?;
    let entries = dependencies.entries().iter().filter(|entry| entry.kind == DependencyKind::Prerequisite);
    Ok(entries.map(|entry| entry.package.as_str().to_owned()).collect())
}

fn differs(root: &Root, file: &Path, size: u64, sum: u32) -> Option<String> {
    let bytes = root.file(file).and_then(|file| read_regular(file, LIMIT)).ok()?;
    if bytes.len() as u64 != size {
        return Some(format!("it has {} bytes, not {size}", bytes.len()));
    }
    let found = u32::from(checksum::checksum(&bytes));
    (found != sum).then(|| format!("its checksum is {found}, not {sum}"))
}
