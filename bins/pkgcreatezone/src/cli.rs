//! The flags.

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use contents::names::OverlayName;
use zonelib::brand::install::{Install, InstallError};
use zonelib::config::ZoneName;
use zonelib::host;
use zonelib::populate::Wanted;
use zonelib::program::{RecipeFlags, StateFlags};
use zonelib::recipe::RecipeError;
use zonelib::storage::Which;

/// Where a zone root can live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StorageKind {
    /// ZFS where the zonepath is a dataset, else a directory
    Auto,
    /// A plain directory
    Directory,
    /// ZFS datasets, tagged with the boot environment
    Zfs,
}

impl From<StorageKind> for Which {
    fn from(kind: StorageKind) -> Self {
        match kind {
            StorageKind::Auto => Self::Auto,
            StorageKind::Directory => Self::Directory,
            StorageKind::Zfs => Self::Zfs,
        }
    }
}

/// Fills a zone root from the packages of an image
///
/// This is the install hook of a brand: zoneadm(8) runs it for `zoneadm install`. It can also be run by
/// hand, and with --archive it makes a zone image without privileges.
#[derive(Debug, Parser)]
#[command(name = "pkgcreatezone", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done; 253 the arguments make no sense; 254 nothing was installed and nothing is left \
behind; 255 something in the zonepath has to be looked at."
)]
pub struct Cli {
    /// Zone to install
    #[arg(short, long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// Its zonepath, an absolute path; the zone root is made in it
    #[arg(short = 'R', long, value_name = "DIR")]
    pub zonepath: Option<PathBuf>,
    /// The brand
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// sparse: fill the zone from template DIR; whole: make the zonepath itself a template
    #[arg(short = 'T', long, value_name = "DIR", num_args = 0..=1)]
    pub template: Option<Option<PathBuf>>,
    /// Keep only these overlays, what they require, and base (repeatable)
    #[arg(short = 'o', long = "overlay", value_name = "OVERLAY")]
    pub overlays: Vec<OverlayName>,
    /// Keep this package or alias too; needs -o (repeatable)
    #[arg(short = 'p', long = "package", value_name = "PACKAGE")]
    pub packages: Vec<String>,
    /// Add this overlay afterwards, by the host's installer (repeatable)
    #[arg(short = 'O', long = "add-overlay", value_name = "OVERLAY")]
    pub add_overlays: Vec<OverlayName>,
    /// Add this package afterwards, by the host's installer (repeatable)
    #[arg(short = 'P', long = "add-package", value_name = "PACKAGE")]
    pub add_packages: Vec<String>,
    /// Root whose packages are installed from
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub image: PathBuf,
    /// Folder of the clone of /lib [default: where the zone's configuration mounts /lib from, else
    /// /zonelib of the image]
    #[arg(long, value_name = "DIR")]
    pub zonelib: Option<PathBuf>,
    /// Where the zone root lives
    #[arg(long, value_enum, default_value = "auto", value_name = "KIND")]
    pub storage: StorageKind,
    /// Fill the zone root itself, although the brand has zones cloned from golden images
    #[arg(long)]
    pub no_golden: bool,
    /// Let the zone import its service manifests itself, at its first boot
    #[arg(long)]
    pub no_import: bool,
    /// Write a .tar.gz of the zone root instead of making one
    #[arg(long, value_name = "FILE")]
    pub archive: Option<PathBuf>,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Leave everything as it is when it fails, for inspection; zonekit-recover clears it
    #[arg(short = 'k', long)]
    pub keep: bool,
    /// Where the journal is
    #[command(flatten)]
    pub state: StateFlags,
    /// Compare every unchangeable file with the package database while copying
    #[arg(long)]
    pub verify: bool,
    /// Missing files, differing files and failed scripts are errors
    #[arg(long)]
    pub strict: bool,
    /// Print the plan or the report as JSON
    #[arg(long)]
    pub json: bool,
    /// Threads [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Say more: every action of a plan, every missing file
    #[arg(short, long)]
    pub verbose: bool,
}

/// Arguments that each are fine and together are not, or that name what is not there.
#[derive(Debug)]
pub enum Wrong {
    /// Said in words.
    Usage(String),
    /// The recipe.
    Recipe(RecipeError),
    /// The options against the recipe.
    Install(InstallError),
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usage(problem) => f.write_str(problem),
            Self::Recipe(error) => error.fmt(f),
            Self::Install(error) => error.fmt(f),
        }
    }
}

impl Cli {
    /// What the flags ask for.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn install(&self) -> Result<Install, Wrong> {
        let usage = |problem: &str| Err(Wrong::Usage(problem.to_owned()));
        if self.zone.is_none() && self.archive.is_none() {
            return usage("no zone; give -z ZONE");
        }
        let zone = self.zone.as_deref().map(str::parse::<ZoneName>).transpose();
        let zone = zone.map_err(|error| Wrong::Usage(error.to_string()))?;
        if !self.packages.is_empty() && self.overlays.is_empty() {
            return usage("-p adds to the overlays kept by -o; give one, such as -o base");
        }
        let Some(recipe) = self.recipe.recipe().map_err(Wrong::Recipe)? else {
            return usage("no brand; give -b BRAND");
        };
        let wanted = Wanted { overlays: self.overlays.clone(), packages: self.packages.clone() };
        let install = Install {
            zone,
            zonepath: self.zonepath.clone(),
            recipe,
            image: absolute(&host::image(&self.image))?,
            zonelib: self.zonelib.as_deref().map(absolute).transpose()?,
            template: self.template.clone().flatten().as_deref().map(absolute).transpose()?,
            makes_template: self.template == Some(None),
            wanted: (!self.overlays.is_empty()).then_some(wanted),
            add_overlays: self.add_overlays.clone(),
            add_packages: self.add_packages.clone(),
            archive: self.archive.clone(),
            import: !self.no_import,
            verify: self.verify,
            strict: self.strict,
            jobs: self.jobs.map_or_else(host::processors, usize::from),
            storage: self.storage.into(),
            state: self.state.dir(),
            keep: self.keep,
            golden: !self.no_golden,
        };
        install.check_options().map_err(Wrong::Install)?;
        Ok(install)
    }
}

/// Scripts of packages run in other directories than this program.
fn absolute(path: &Path) -> Result<PathBuf, Wrong> {
    std::path::absolute(path).map_err(|error| Wrong::Usage(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }

    /// zoneadm(8) glues the argument of an option to it.
    #[test]
    fn flags_as_zoneadm_passes_them() {
        let cli =
            Cli::try_parse_from(["pkgcreatezone", "-z", "z1", "-R", "/zones/z1", "-T/t", "-obase", "-oweb"]).unwrap();
        assert_eq!(cli.template, Some(Some("/t".into())));
        assert_eq!(cli.overlays.iter().map(OverlayName::as_str).collect::<Vec<_>>(), ["base", "web"]);
        let cli = Cli::try_parse_from(["pkgcreatezone", "-z", "z1", "-R", "/zones/z1", "-T", "-o", "base"]).unwrap();
        assert_eq!(cli.template, Some(None));
    }
}
