//! Which SVR4 packages own the distributions below a root, by contents(5).

use std::path::Path;

use contents::{Contents, Error};

use crate::model::{Model, Module};
use crate::read::Form;

/// Why it is not known who owns what.
#[derive(Debug, thiserror::Error)]
#[error("the package database below `{root}`: {source}; owners are not shown")]
pub struct OwnershipError {
    root: String,
    source: Error,
}

/// The text of a package database.
#[derive(Debug)]
pub struct Ownership {
    text: Vec<u8>,
}

impl Ownership {
    /// Reads the package database below the root of a model; `None` if there is none.
    ///
    /// # Errors
    /// [`OwnershipError`]: it cannot be read.
    pub fn read(model: &Model<'_>) -> Result<Option<Self>, OwnershipError> {
        let Some(root) = &model.collection.root else { return Ok(None) };
        let text = contents::image::read_if_present(root.dir(), contents::database::CONTENTS);
        let text = text.map_err(|source| OwnershipError { root: root.shown().display().to_string(), source })?;
        Ok(text.map(|text| Self { text }))
    }

    /// The packages that own the metadata of a module.
    ///
    /// # Errors
    /// [`OwnershipError`]: the database is damaged.
    pub fn owners(&self, model: &Model<'_>, modules: &[&Module<'_>]) -> Result<Vec<Vec<String>>, OwnershipError> {
        let root = model.collection.root.as_ref().map_or_else(String::new, |root| root.shown().display().to_string());
        let contents = Contents::parse(Path::new(contents::database::CONTENTS), &self.text)
            .map_err(|source| OwnershipError { root, source })?;
        let owners = modules.iter().map(|module| {
            let Some(path) = path(model, module) else { return Vec::new() };
            let entry = contents.get(path.as_bytes());
            let names = entry.into_iter().flat_map(|entry| entry.packages());
            names.map(|package| String::from_utf8_lossy(package.name).into_owned()).collect()
        });
        Ok(owners.collect())
    }
}

/// The path below the root of the file by which a module is told to be there.
fn path(model: &Model<'_>, module: &Module<'_>) -> Option<String> {
    let distribution = module.distribution;
    let place = model.collection.places.get(usize::from(distribution.place))?;
    let entry = Path::new("/").join(&place.path).join(distribution.entry.as_ref());
    let file = match distribution.form {
        Form::DistInfo => entry.join("METADATA"),
        Form::EggInfo | Form::Egg => entry.join("PKG-INFO"),
        Form::EggInfoFile | Form::EggLink | Form::File | Form::Planned => entry,
    };
    Some(file.to_string_lossy().into_owned())
}
