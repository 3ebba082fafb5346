//! The flags.

use std::path::PathBuf;

use clap::Parser;
use contents::names::OverlayName;
use zonelib::config::ZoneName;
use zonelib::program::{RecipeFlags, StateFlags};

/// Brings zones up to the packages of the global zone
///
/// Three things are compared for every packaged path: what packages delivered when the zone was made or last
/// updated, what they deliver now, and what stands in the zone. What the zone's administrator did not touch
/// follows the packages. What was changed, and what the packages did not change since, stays. Where both
/// changed a file, that of the zone stays and the new one is written beside it as NAME.new; a file of class
/// `renameold` goes to NAME.old instead, and one of class `preserve` just stays. What the packages have no
/// more is removed if it was not touched. Packages that were installed in the zone itself stay as they are,
/// and so do its services' repository and profiles.
///
/// Shared directories that are clones, such as /zonelib/lib, are brought up to date first. Scripts of packages
/// are not run.
#[derive(Debug, Parser)]
#[command(name = "zone-update", version, max_term_width = 100)]
#[command(after_help = "Exit status: 0 up to date; 1 up to date, but something was kept that needs a look; 2 failed.")]
#[command(after_long_help = "One line is printed for each thing that needs a look; -n and -v print all:
  added       it is new in the packages
  replaced    it is what the packages have now
  attributes  it has the mode, owner or time that the packages have now
  removed     it is in no package any more
  kept        it was changed in the zone, or stands where the packages have something new
  set aside   it was changed in the zone, and the new one took its place

A running zone: files are replaced one by one, and what is running goes on with the old ones until it is
restarted. That is fine for zones that mount /usr and /lib from the global zone. A zone that has its own
copies would run with libraries of two versions while it is updated, so it is refused unless --force is given;
halt it.

An update that was interrupted is finished by the next one.

Exit status: 0 up to date; 1 up to date, but something was kept that needs a look; 2 failed.")]
#[command(group = clap::ArgGroup::new("which").required(true).args(["zone", "all", "root"]))]
pub struct Cli {
    /// Name of the zone
    #[arg(short, long, value_name = "ZONE")]
    pub zone: Option<ZoneName>,
    /// All zones whose brand has a recipe
    #[arg(long)]
    pub all: bool,
    /// A zone root that is mounted there, of the brand that -b names
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// The recipe.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// Root whose packages are followed; zones are those of its own index
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub image: PathBuf,
    /// Folder of the clone of /lib [default: where the zone mounts it from, else /zonelib of the image]
    #[arg(long, value_name = "DIR")]
    pub zonelib: Option<PathBuf>,
    /// Where the journal is.
    #[command(flatten)]
    pub state: StateFlags,
    /// Only print what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// whole: the zone is to have only these overlays, what they require, and base (repeatable) [default: what it has]
    #[arg(short = 'o', long = "overlay", value_name = "OVERLAY")]
    pub overlays: Vec<OverlayName>,
    /// It is to have this package or alias too; needs -o (repeatable)
    #[arg(short = 'p', long = "package", value_name = "PACKAGE", requires = "overlays")]
    pub packages: Vec<String>,
    /// whole: the zone gets every package, even those that it has not had
    #[arg(long, conflicts_with = "overlays")]
    pub everything: bool,
    /// Read every file, instead of trusting size and time where the packages did not change
    #[arg(long)]
    pub verify: bool,
    /// Update a running zone even if it has its own /usr or /lib
    #[arg(long)]
    pub force: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Name everything that is done
    #[arg(short, long)]
    pub verbose: bool,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }
}
