//! The flags.

use std::path::PathBuf;

use clap::Parser;
use zonelib::program::RecipeFlags;

/// Builds the clone of /lib that sparse-root zones mount, and keeps it up to date
///
/// The clone is /lib without the service manifests and libraries that make no sense in a zone. Run this
/// after packages have been installed, updated or removed. A clone that is current costs nothing. One that
/// is not is brought up to date in place, file by file, while zones have it mounted; what is in it and
/// belongs to nothing is removed. One that was interrupted is finished by the next run.
///
/// Beside the clone is kept a service repository into which the host's svccfg has imported the manifests of
/// the clone and those that zones have in /var: `.lib.repository`. Zones start with a copy of it and have
/// nothing to import at their first boot. Where the host cannot do that, they start with the stock seed.
///
/// A file beside the clone says what it was made from: `.lib.zonekit`. Without that file everything is
/// looked at anew.
#[derive(Debug, Parser)]
#[command(name = "zonelib-sync", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 all is current; 1 (with --check) it is not; 2 it could not be looked at or made."
)]
pub struct Cli {
    /// Only say whether the clone is current, stale, absent or unfinished, and the repository too
    #[arg(long)]
    pub check: bool,
    /// Root whose /lib is cloned
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub image: PathBuf,
    /// Folder of the clone, DIR/lib [default: where the recipe has it, /zonelib of the image]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Prepare no service repository: zones import their service manifests at their first boot
    #[arg(long)]
    pub no_import: bool,
    /// The recipe.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// Threads [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Say more: every change, every missing file, and unmet dependencies of services also when nothing is done
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
