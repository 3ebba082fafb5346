//! Which package has a module that is not installed: a file that says it, and a rule that only hints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::pep::ProjectName;
use crate::read::PythonVersion;
use crate::waivers::one_line;

/// The longest name that a package can have. Source: pkginfo(5), of SVR4.
const LONGEST: usize = 31;

/// Modules and their packages, as people have written them down.
#[derive(Debug, Default)]
pub struct Mapping {
    packages: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    packages: BTreeMap<String, String>,
}

/// A mapping file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {problem}", path.display())]
pub struct MappingError {
    path: PathBuf,
    problem: String,
}

impl Mapping {
    /// Reads mapping files; what a later one says counts.
    ///
    /// # Errors
    /// [`MappingError`]: a file cannot be read, or is not as it should be.
    pub fn read(paths: &[PathBuf]) -> Result<Self, MappingError> {
        let mut mapping = Self::default();
        for path in paths {
            mapping.add(path).map_err(|problem| MappingError { path: path.clone(), problem })?;
        }
        Ok(mapping)
    }

    fn add(&mut self, path: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let file: MappingFile = toml::from_str(&text).map_err(|error| one_line(&error))?;
        for (module, package) in file.packages {
            let module = ProjectName::parse(&module).map_err(|error| format!("`{module}`: {error}"))?;
            let plain = package.replace("{py}", "313");
            contents::PackageName::from_bytes(plain.as_bytes()).map_err(|error| error.to_string())?;
            self.packages.insert(module.to_string(), package);
        }
        Ok(())
    }

    /// The package of a module; `{py}` in the file stands for the Python, as 313.
    #[must_use]
    pub fn package(&self, module: &str, python: &PythonVersion) -> Option<String> {
        self.packages.get(module).map(|package| package.replace("{py}", &digits(python)))
    }

    /// The module of a package, by the same file.
    #[must_use]
    pub fn modules_of(&self, package: &str, python: &PythonVersion) -> Vec<&str> {
        let of = self.packages.iter().filter(|(_, name)| name.replace("{py}", &digits(python)) == package);
        of.map(|(module, _)| module.as_str()).collect()
    }
}

fn digits(python: &PythonVersion) -> String {
    format!("{}{}", python.major, python.minor)
}

/// What a package of a module is usually called. One in five is called otherwise, so that this is only a hint.
#[must_use]
pub fn usual_name(module: &str, python: &PythonVersion) -> Option<String> {
    let name = format!("TRIB{module}-python-{}", digits(python));
    (name.len() <= LONGEST).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_which_package_has_a_module() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[packages]\n'Py_YAML' = 'TRIByaml-python-{py}'\n'h2' = 'TRIBh2'\n").unwrap();
        let mapping = Mapping::read(&[file.path().to_owned()]).unwrap();
        let python: PythonVersion = "3.13".parse().unwrap();
        assert_eq!(mapping.package("py-yaml", &python).unwrap(), "TRIByaml-python-313");
        assert_eq!(mapping.modules_of("TRIByaml-python-313", &python), ["py-yaml"]);
        assert_eq!(mapping.package("other", &python), None);
        for bad in ["[packages]\n'a b' = 'X'\n", "[packages]\na = 'TRIB/x'\n", "packages = 1", "[other]\n"] {
            std::fs::write(file.path(), bad).unwrap();
            assert!(Mapping::read(&[file.path().to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_usual_name_is_not_longer_than_a_name_can_be() {
        let python: PythonVersion = "3.13".parse().unwrap();
        assert_eq!(usual_name("requests", &python).unwrap(), "TRIBrequests-python-313");
        assert_eq!(usual_name("charset-normalizer", &python), None);
    }
}
