//! Where recipes and lists are found.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::format::Source;
use super::prune::PruneList;
use super::{Recipe, RecipeError, builtin};

/// A list longer than this is not one.
const TEXT_LIMIT: u64 = 16 * 1024 * 1024;

/// The name of a brand: the name of its folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BrandName(String);

impl FromStr for BrandName {
    type Err = RecipeError;

    fn from_str(name: &str) -> Result<Self, RecipeError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > 63 || !name.bytes().all(plain) {
            return Err(RecipeError::BadName(name.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for BrandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folders of a host that hold brands and what a site adds to them.
///
/// * `<config>/brands/<brand>/recipe.toml`: brands of the administrator's own making
/// * `<brands>/<brand>/recipe.toml`: installed brands
/// * `<config>/prune.d/<list>/*.prune`: paths that the site adds to a list
#[derive(Clone, Debug)]
pub struct Site {
    /// `/etc/zonekit`.
    pub config: PathBuf,
    /// `/usr/lib/brand`.
    pub brands: PathBuf,
}

impl Default for Site {
    fn default() -> Self {
        Self { config: "/etc/zonekit".into(), brands: "/usr/lib/brand".into() }
    }
}

impl Site {
    /// The recipe of a brand.
    ///
    /// # Errors
    /// [`RecipeError`]: no such brand, or a recipe or list that breaks a rule.
    pub fn recipe(&self, brand: &BrandName) -> Result<Recipe, RecipeError> {
        let looked =
            [self.config.join("brands"), self.brands.clone()].map(|dir| dir.join(&brand.0).join("recipe.toml"));
        for file in &looked {
            if file.exists() {
                return self.recipe_file(file);
            }
        }
        let Some(text) = builtin::recipe(&brand.0) else {
            return Err(RecipeError::UnknownBrand {
                name: brand.0.clone(),
                looked: looked.into(),
                known: self.brands().iter().map(ToString::to_string).collect(),
            });
        };
        let origin = PathBuf::from(format!("{brand}/recipe.toml (built in)"));
        Recipe::parse(&brand.0, &origin, text, &Lists { site: self, beside: None })
    }

    /// The recipe in a file; the brand is called after the file's folder.
    ///
    /// # Errors
    /// [`RecipeError`]: unreadable, or a recipe or list that breaks a rule.
    pub fn recipe_file(&self, file: &Path) -> Result<Recipe, RecipeError> {
        self.recipe_text(file, read(file)?)
    }

    /// The recipe in a text; `file` is where it would be, for messages and to find lists beside it.
    ///
    /// # Errors
    /// As [`Site::recipe_file`].
    pub fn recipe_text(&self, file: &Path, bytes: Vec<u8>) -> Result<Recipe, RecipeError> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = memchr::memchr_iter(b'\n', &error.as_bytes()[..error.utf8_error().valid_up_to()]).count() + 1;
            RecipeError::Line { file: file.to_owned(), line, problem: "is not UTF-8".to_owned() }
        })?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let name = match file.file_stem() {
            Some(stem) if stem != "recipe" => stem,
            _ => folder.file_name().unwrap_or_default(),
        };
        Recipe::parse(&name.to_string_lossy(), file, &text, &Lists { site: self, beside: Some(folder) })
    }

    /// The brands that there are recipes of: stock ones, installed ones, and the administrator's own.
    #[must_use]
    pub fn brands(&self) -> Vec<BrandName> {
        let mut names: Vec<BrandName> = builtin::BRANDS.iter().map(|name| BrandName((*name).to_owned())).collect();
        for dir in [self.config.join("brands"), self.brands.clone()] {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                let name = entry.file_name().to_str().and_then(|name| name.parse().ok());
                names.extend(name.filter(|_| entry.path().join("recipe.toml").exists()));
            }
        }
        names.sort();
        names.dedup();
        names
    }
}

/// Finds lists for one recipe.
pub(super) struct Lists<'a> {
    site: &'a Site,
    beside: Option<&'a Path>,
}

impl Lists<'_> {
    /// The prune list of a name, with the site's drop-ins.
    pub(super) fn prune(&self, name: &str) -> Result<PruneList, RecipeError> {
        let mut list = PruneList { name: name.to_owned(), entries: Vec::new() };
        let (file, text) = self.find(&format!("{name}.prune"))?;
        list.add(&file, &text)?;
        for file in drop_ins(&self.site.config.join("prune.d").join(name))? {
            list.add(&file, &read(&file)?)?;
        }
        Ok(list)
    }

    /// The package names of a list: one a line, `#` comments.
    pub(super) fn packages(&self, name: &str) -> Result<Vec<String>, RecipeError> {
        let (_, text) = self.find(&format!("{name}.ignore"))?;
        let text = String::from_utf8_lossy(&text);
        Ok(text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect())
    }

    /// Beside the recipe, then where installed brands keep what they share, then built in.
    fn find(&self, file: &str) -> Result<(PathBuf, Vec<u8>), RecipeError> {
        let mut candidates = Vec::new();
        if let Some(folder) = self.beside {
            candidates.push(folder.join(file));
            candidates.push(folder.join("../common").join(file));
        }
        candidates.push(self.site.brands.join("zonekit-common").join(file));
        for path in candidates {
            if path.exists() {
                return Ok((path.clone(), read(&path)?));
            }
        }
        match builtin::list(file) {
            Some(text) => Ok((format!("{file} (built in)").into(), text.as_bytes().to_vec())),
            None => Err(RecipeError::Read { file: file.into(), source: std::io::ErrorKind::NotFound.into() }),
        }
    }
}

/// An error about a list, said at the line of the recipe that names the list; errors inside a list
/// keep their own line.
pub(super) fn at(source: &Source<'_>, value: &toml::Spanned<String>, error: RecipeError) -> RecipeError {
    match error {
        RecipeError::Read { file, source: why } => {
            source.error(value.span(), format!("the list `{}`: {}: {why}", value.as_ref(), file.display()))
        }
        other => other,
    }
}

fn drop_ins(folder: &Path) -> Result<Vec<PathBuf>, RecipeError> {
    let fail = |source| RecipeError::Read { file: folder.to_owned(), source };
    let mut files = Vec::new();
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(files),
        Err(error) => return Err(fail(error)),
        Ok(entries) => {
            for entry in entries {
                let path = entry.map_err(fail)?.path();
                if path.extension().is_some_and(|extension| extension == "prune") {
                    files.push(path);
                }
            }
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<u8>, RecipeError> {
    let fail = |source| RecipeError::Read { file: file.to_owned(), source };
    let metadata = std::fs::metadata(file).map_err(fail)?;
    if !metadata.is_file() || metadata.len() > TEXT_LIMIT {
        return Err(fail(std::io::Error::new(std::io::ErrorKind::InvalidInput, "is not a text file of a sane size")));
    }
    std::fs::read(file).map_err(fail)
}
