//! The flags.

use std::path::PathBuf;

use clap::Parser;
use contents::names::OverlayName;
use zonelib::config::ZoneName;
use zonelib::program::RecipeFlags;

/// Compares a zone root with what its recipe says it should be
///
/// The same plan is made as for installing the zone, and every object of it is compared with what stands in
/// the zone root: kind, mode, owner, content, link. Nothing is changed, and no symbolic link in the zone
/// root is followed. Give the options that the zone was installed with.
///
/// What scripts of packages made is extra, and so is what the zone itself made since.
#[derive(Debug, Parser)]
#[command(name = "verify-zone", version, max_term_width = 100)]
#[command(after_help = "Exit status: 0 no differences; 1 differences; 2 it could not be compared.")]
#[command(after_long_help = "One line is printed for each difference, `what: /path: detail`:
  missing   it is not there
  extra     it is in a directory of packages and belongs to nothing
  changed   it has other content
  edited    it has other content, and is a file that may be edited
  kind      it is something else, such as a link instead of a file
  mode      it has other permissions
  owner     it belongs to somebody else
  link      it is a link that leads elsewhere

Exit status: 0 no differences; 1 differences; 2 it could not be compared.")]
pub struct Cli {
    /// Name of the zone, for messages
    #[arg(short, long, value_name = "ZONE")]
    pub zone: Option<ZoneName>,
    /// Its zonepath; the zone root is in it
    #[arg(short = 'R', long, value_name = "DIR")]
    pub zonepath: PathBuf,
    /// The recipe.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// Root whose packages the zone was installed from
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub image: PathBuf,
    /// sparse: the zone was filled from template DIR; whole: the zonepath itself is a template
    #[arg(short = 'T', long, value_name = "DIR", num_args = 0..=1)]
    pub template: Option<Option<PathBuf>>,
    /// The zone has only these overlays, what they require, and base (repeatable)
    #[arg(short = 'o', long = "overlay", value_name = "OVERLAY")]
    pub overlays: Vec<OverlayName>,
    /// It has this package or alias too; needs -o (repeatable)
    #[arg(short = 'p', long = "package", value_name = "PACKAGE", requires = "overlays")]
    pub packages: Vec<String>,
    /// Editable files may have other content
    #[arg(long)]
    pub ignore_edited: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }
}
