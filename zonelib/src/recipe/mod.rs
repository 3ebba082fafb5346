//! A brand as data: what a zone shares with the global zone, what it gets a copy of, what is created,
//! linked and pruned.
//!
//! A recipe is `recipe.toml` in the brand's folder. The stock brands are built in, so that programs
//! work before they are installed; a file on the host takes their place.

mod builtin;
mod format;
mod locate;
mod prune;

use std::path::{Path, PathBuf};

use format::{RawTemplate, Source};

pub use locate::{BrandName, Site};
pub use prune::{Cursor, PruneList, PruneSet, Pruned, unmatched};

/// What is wrong with a recipe or one of its lists.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// A line breaks a rule.
    #[error("{}: line {line}: {problem}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// Which rule.
        problem: String,
    },
    /// A file could not be read.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No such brand.
    #[error("unknown brand `{name}`: there is no {}; brands here: {}", looked_for(looked), known.join(", "))]
    UnknownBrand {
        /// The name asked for.
        name: String,
        /// Where its recipe was looked for.
        looked: Vec<PathBuf>,
        /// The brands that exist.
        known: Vec<String>,
    },
    /// Not a name a brand can have.
    #[error("`{0}` is not a brand name: letters, digits, `-` and `_` only")]
    BadName(String),
}

fn looked_for(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
}

/// What `-T` means for a brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// There are no templates.
    None,
    /// `-T DIR`: the zone is filled from the directory instead of the image.
    Source,
    /// `-T`: the zonepath itself is filled, to be such a directory.
    Target,
}

/// A directory that the zone mounts from the global zone.
#[derive(Clone, Debug)]
pub struct Share {
    /// Where the zone sees it.
    pub path: String,
    /// Where it is in the global zone.
    pub from: String,
    /// When `from` is a clone of `path`: what is pruned from it.
    pub clone: Option<PruneSet>,
}

/// A directory that every zone has, packaged or not.
#[derive(Clone, Debug)]
pub struct Create {
    /// Its path.
    pub path: String,
    /// Its mode.
    pub mode: u32,
    /// The owner's name.
    pub owner: String,
    /// The group's name.
    pub group: String,
}

/// A symbolic link that every zone has.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its path.
    pub path: String,
    /// What it points to.
    pub target: String,
}

/// The service configuration that a zone starts with. Source: smf(7), smf_bootstrap(7).
#[derive(Clone, Debug)]
pub struct Smf {
    /// Links that choose the profiles.
    pub profiles: Vec<Link>,
    /// The seed repository in the image.
    pub seed: String,
    /// Where the zone's repository goes.
    pub repository: String,
}

/// Package catalogues of the image that a zone gets as they are.
#[derive(Clone, Debug)]
pub struct Catalogues {
    /// Their directory.
    pub directory: String,
    /// How their names end.
    pub suffixes: Vec<String>,
}

/// A brand, ready to be planned with: every list is read, every path checked.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The brand.
    pub name: String,
    /// Where the recipe was read from.
    pub origin: PathBuf,
    /// One line for people.
    pub description: String,
    /// What `-T` means.
    pub template: Template,
    /// Whether zones are clones of one golden image, where there is ZFS.
    pub golden: bool,
    /// Mounted from the global zone.
    pub shares: Vec<Share>,
    /// Copied from what packages deliver, by path.
    pub copied: Vec<String>,
    /// Whether editable files come from their pristine copies.
    pub pristine: bool,
    /// Not in the zone.
    pub prune: PruneSet,
    /// Not in the zone's contents file: [`Recipe::prune`] and what the clones it mounts lack.
    pub prune_contents: PruneSet,
    /// Every list, by name, for checking.
    pub lists: Vec<PruneList>,
    /// Whether overlays and packages can be chosen.
    pub choose: bool,
    /// Whether postinstall scripts of packages are run.
    pub postinstall: bool,
    /// Packages on the entries of these paths leave no metadata in the zone ...
    pub omit_owners_of: Vec<String>,
    /// ... but for these.
    pub omit_owners_except: Vec<String>,
    /// Packages that leave no metadata in the zone.
    pub omit: Vec<String>,
    /// Left out of the zone's contents file, with everything below.
    pub drop: Vec<String>,
    /// Directories that every zone has.
    pub create: Vec<Create>,
    /// Links that every zone has.
    pub links: Vec<Link>,
    /// Its service configuration.
    pub smf: Option<Smf>,
    /// Its package catalogues.
    pub catalogues: Option<Catalogues>,
}

impl Recipe {
    /// Reads a recipe. `list` finds a prune list or a package list by name.
    fn parse(name: &str, origin: &Path, text: &str, lists: &locate::Lists<'_>) -> Result<Self, RecipeError> {
        let source = Source { file: origin, text };
        let raw = source.parse()?;
        let paths = |values: &[toml::Spanned<String>]| -> Result<Vec<String>, RecipeError> {
            values.iter().map(|value| source.path(value)).collect()
        };
        let copied = paths(&raw.copy.paths)?;
        refuse_overlaps(&source, &raw, &copied)?;
        let mut named = Named { source: &source, lists, all: Vec::new() };
        let zone_lists = named.lists(&raw.copy.prune)?;
        let mut clone_lists = Vec::new();
        let mut shares = Vec::new();
        for raw in &raw.share {
            let (share, lists) = named.share(raw)?;
            shares.push(share);
            clone_lists.extend(lists);
        }
        let mut omit = Vec::new();
        for value in &raw.packages.omit {
            omit.extend(lists.packages(&source.leaf(value)?).map_err(|error| locate::at(&source, value, error))?);
        }
        Ok(Self {
            name: name.to_owned(),
            origin: origin.to_owned(),
            template: match raw.template {
                RawTemplate::None => Template::None,
                RawTemplate::Source => Template::Source,
                RawTemplate::Target => Template::Target,
            },
            golden: raw.golden,
            shares,
            copied,
            pristine: raw.copy.pristine,
            prune: PruneSet::union(&zone_lists),
            prune_contents: PruneSet::union(zone_lists.iter().chain(&clone_lists)),
            choose: raw.packages.choose,
            postinstall: raw.packages.postinstall,
            omit_owners_of: paths(&raw.packages.omit_owners_of)?,
            omit_owners_except: raw.packages.omit_owners_except.clone(),
            omit,
            drop: paths(&raw.contents.drop)?,
            create: raw.create.iter().map(|create| created(&source, create)).collect::<Result<_, _>>()?,
            links: raw.link.iter().map(|link| linked(&source, link)).collect::<Result<_, _>>()?,
            smf: raw.smf.as_ref().map(|smf| services(&source, smf)).transpose()?,
            catalogues: match &raw.catalogues {
                None => None,
                Some(raw) => {
                    Some(Catalogues { directory: source.path(&raw.directory)?, suffixes: raw.suffixes.clone() })
                }
            },
            description: raw.description,
            lists: named.all,
        })
    }
}

/// Finds lists by the names that a recipe gives them.
struct Named<'n> {
    source: &'n Source<'n>,
    lists: &'n locate::Lists<'n>,
    /// Every list that was asked for, once.
    all: Vec<PruneList>,
}

impl Named<'_> {
    fn lists(&mut self, names: &[toml::Spanned<String>]) -> Result<Vec<PruneList>, RecipeError> {
        let mut found = Vec::new();
        for value in names {
            let list = self.lists.prune(&self.source.leaf(value)?);
            let list = list.map_err(|error| locate::at(self.source, value, error))?;
            if !self.all.contains(&list) {
                self.all.push(list.clone());
            }
            found.push(list);
        }
        Ok(found)
    }

    /// A share, and the lists of what its clone lacks.
    fn share(&mut self, raw: &format::RawShare) -> Result<(Share, Vec<PruneList>), RecipeError> {
        let path = self.source.path(&raw.path)?;
        let from = raw.from.as_ref().map_or(Ok(path.clone()), |from| self.source.path(from))?;
        let Some(names) = &raw.clone_prune else {
            return Ok((Share { path, from, clone: None }, Vec::new()));
        };
        if from == path {
            let problem = "`clone-prune` without `from` would prune the global zone";
            return Err(self.source.error(raw.path.span(), problem));
        }
        let lists = self.lists(names)?;
        let clone = Some(PruneSet::union(&lists));
        Ok((Share { path, from, clone }, lists))
    }
}

/// A share inside a copy would hide what was copied; a copy inside a share would be written through it.
fn refuse_overlaps(source: &Source<'_>, raw: &format::RawRecipe, copied: &[String]) -> Result<(), RecipeError> {
    let inside = |path: &str, directory: &str| contents::database::is_below(path.as_bytes(), directory.as_bytes());
    for (index, share) in raw.share.iter().enumerate() {
        let path = source.path(&share.path)?;
        for copy in copied {
            if inside(&path, copy) || inside(copy, &path) {
                let problem = format!("the share `{path}` and the copied `{copy}` lie in each other");
                return Err(source.error(share.path.span(), problem));
            }
        }
        if raw.share[..index]
            .iter()
            .any(|other| inside(&path, other.path.as_ref()) || inside(other.path.as_ref(), &path))
        {
            return Err(source.error(share.path.span(), format!("the share `{path}` lies in another share")));
        }
    }
    for (index, value) in raw.copy.paths.iter().enumerate() {
        if copied[..index].iter().any(|other| inside(&copied[index], other) || inside(other, &copied[index])) {
            return Err(source.error(value.span(), format!("`{}` is copied twice", copied[index])));
        }
    }
    Ok(())
}

fn created(source: &Source<'_>, raw: &format::RawCreate) -> Result<Create, RecipeError> {
    let mode = match &raw.mode {
        None => 0o755,
        Some(value) => u32::from_str_radix(value.as_ref(), 8)
            .ok()
            .filter(|mode| *mode <= 0o7777)
            .ok_or_else(|| source.error(value.span(), format!("`{}` is not an octal mode", value.as_ref())))?,
    };
    let name = |value: &Option<String>| value.clone().unwrap_or_else(|| "root".to_owned());
    Ok(Create { path: source.path(&raw.path)?, mode, owner: name(&raw.owner), group: name(&raw.group) })
}

fn linked(source: &Source<'_>, raw: &format::RawLink) -> Result<Link, RecipeError> {
    let target = raw.target.as_ref();
    if target.is_empty() || target.contains('\0') {
        return Err(source.error(raw.target.span(), "an empty link target"));
    }
    Ok(Link { path: source.path(&raw.path)?, target: target.clone() })
}

fn services(source: &Source<'_>, raw: &format::RawSmf) -> Result<Smf, RecipeError> {
    let directory = source.path(&raw.profile_directory)?;
    let mut profiles = Vec::new();
    for (name, target) in &raw.profiles {
        profiles.push(Link { path: format!("{directory}/{}", source.leaf(name)?), target: source.leaf(target)? });
    }
    Ok(Smf { profiles, seed: source.path(&raw.seed)?, repository: source.path(&raw.repository)? })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
