//! Which zones are updated, and where their roots are.

use std::path::{Path, PathBuf};

use zonelib::config::{self, Zone, ZoneName};
use zonelib::program;
use zonelib::recipe::{BrandName, Recipe, RecipeError};
use zonelib::root::Tree;
use zonelib::storage::OpenRoot;

use crate::{Cli, Failure, PROGRAM};

/// The zone root's name in its zonepath.
const ROOT: &str = "root";

/// Directories that a zone runs from.
const RUN_FROM: [&str; 3] = ["/usr", "/lib", "/sbin"];

/// A zone that is to be updated.
pub(crate) struct Target {
    pub(crate) name: Option<ZoneName>,
    pub(crate) root: PathBuf,
    pub(crate) recipe: Recipe,
    pub(crate) active: bool,
}

impl Target {
    /// Refuses to change libraries under running programs.
    pub(crate) fn check(&self, force: bool) -> Result<(), Failure> {
        let runs_from_own =
            RUN_FROM.iter().any(|directory| self.recipe.copied.iter().any(|copied| copied == directory));
        if self.active && runs_from_own && !force {
            return Err(Failure::Running(self.shown()));
        }
        Ok(())
    }

    pub(crate) fn shown(&self) -> String {
        match &self.name {
            Some(name) => format!("zone `{name}`"),
            None => self.root.display().to_string(),
        }
    }
}

/// The zones that the flags name.
pub(crate) fn targets(cli: &Cli) -> Result<Vec<Target>, Failure> {
    let recipe = cli.recipe.recipe().map_err(Failure::Recipe)?;
    if let Some(root) = &cli.root {
        let recipe = recipe.ok_or(Failure::Usage("--root needs the zone's brand; give -b BRAND"))?;
        return Ok(vec![Target { name: None, root: root.clone(), recipe, active: false }]);
    }
    if recipe.is_some() {
        return Err(Failure::Usage("the brand of a zone is known from its configuration; leave out -b and --recipe"));
    }
    let zones = config::zones(&cli.image).map_err(Failure::Zones)?;
    let mut targets = Vec::new();
    match &cli.zone {
        Some(name) => {
            let zone = zones.iter().find(|zone| zone.name == name.as_str());
            let zone = zone.ok_or_else(|| Failure::NoZone(name.clone(), "there is no such zone".to_owned()))?;
            if !zone.is_installed() {
                return Err(Failure::NoZone(name.clone(), format!("it is {}, not installed", zone.state)));
            }
            targets.push(target(cli, zone).map_err(Failure::Recipe)?);
        }
        None => {
            for zone in zones.iter().filter(|zone| zone.is_installed()) {
                match target(cli, zone) {
                    Ok(target) => targets.push(target),
                    Err(RecipeError::UnknownBrand { name, .. }) => {
                        let zone = &zone.name;
                        program::complain(PROGRAM, &format!("zone `{zone}` left out: brand `{name}` has no recipe"));
                    }
                    Err(error) => return Err(Failure::Recipe(error)),
                }
            }
        }
    }
    Ok(targets)
}

fn target(cli: &Cli, zone: &Zone) -> Result<Target, RecipeError> {
    let brand: BrandName = zone.brand.parse()?;
    let recipe = cli.recipe.of(&brand)?;
    Ok(Target { name: zone.name.parse().ok(), root: zone.zonepath.join(ROOT), recipe, active: zone.is_active() })
}

/// A zone root that is open.
pub(crate) enum Root {
    /// One that was named.
    Named(Tree),
    /// That of a zone.
    OfZone(OpenRoot),
}

impl Root {
    pub(crate) fn tree(&self) -> &Tree {
        match self {
            Self::Named(tree) => tree,
            Self::OfZone(root) => root.tree(),
        }
    }

    pub(crate) fn close(self) -> Result<(), Failure> {
        match self {
            Self::Named(_) => Ok(()),
            Self::OfZone(root) => root.close().map_err(Failure::Open),
        }
    }
}

/// Opens a zone root, which has to be a directory of its zonepath, not a link to another place, or a
/// dataset, which is mounted where it is not.
pub(crate) fn open_root(cli: &Cli, target: &Target) -> Result<Root, Failure> {
    let zonepath = target.root.parent().unwrap_or(Path::new("/"));
    if let Some(zone) = &target.name {
        let alternate = (cli.image != Path::new("/")).then_some(cli.image.as_path());
        let root = OpenRoot::open(&cli.state.dir(), zone, zonepath, alternate, !cli.dry_run);
        return root.map(Root::OfZone).map_err(Failure::Open);
    }
    let fail = |source| Failure::Root { root: target.root.clone(), source };
    match target.root.file_name() {
        Some(name) => {
            let name = std::os::unix::ffi::OsStrExt::as_bytes(name);
            Tree::open(zonepath).and_then(|zonepath| zonepath.enter(name)).map(Root::Named).map_err(fail)
        }
        None => Err(Failure::Usage("--root DIR is the root of the system, or ends in `..`")),
    }
}
