//! The flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use zonelib::program::SiteFlags;
use zonelib::recipe::{BrandName, Recipe};

use crate::Failure;

/// Checks and explains the recipes of brands
///
/// A brand is a folder with a recipe.toml: what its zones share with the global zone, what they get a copy
/// of, what is made anew, and which prune lists say what is left out. Brands of the administrator's own
/// making are in /etc/zonekit/brands, installed ones in /usr/lib/brand, and sparse-root and whole-root are
/// known everywhere.
#[derive(Debug, Parser)]
#[command(name = "recipe", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 all is well; 1 something is wrong with a recipe; 2 it could not be looked at.")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done with recipes.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check a recipe, and name entries of its prune lists that match no package
    ///
    /// Prints one line for each thing that is wrong: file, line, what. An entry of a prune list that names
    /// nothing any package of the image delivers is a typing error, or what the packages have dropped.
    Check {
        /// The recipe.
        #[command(flatten)]
        recipe: Which,
        /// Root whose packages the prune lists are compared with [default: / where it has a package
        /// database; else the lists are not compared]
        #[arg(long, value_name = "DIR")]
        image: Option<PathBuf>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what a brand's zones share, copy, prune, and are made of besides
    Show {
        /// The recipe.
        #[command(flatten)]
        recipe: Which,
        /// Print it as JSON, with every path
        #[arg(long)]
        json: bool,
    },
    /// Print the brands that there are recipes of
    List {
        /// Where the site's own are.
        #[command(flatten)]
        site: SiteFlags,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
}

/// The recipe in question.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Which {
    /// Recipe file
    #[arg(value_name = "FILE", conflicts_with = "brand")]
    pub file: Option<PathBuf>,
    /// Brand, such as sparse-root or whole-root
    #[arg(short, long, value_name = "BRAND")]
    pub brand: Option<BrandName>,
    /// Where the site's own are.
    #[command(flatten)]
    pub site: SiteFlags,
}

impl Which {
    /// Reads it.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn recipe(&self) -> Result<Recipe, Failure> {
        let site = self.site.site();
        match (&self.file, &self.brand) {
            (Some(file), _) => site.recipe_file(file),
            (None, Some(brand)) => site.recipe(brand),
            (None, None) => return Err(Failure::Usage("no recipe; give -b BRAND or a file")),
        }
        .map_err(Failure::Recipe)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }
}
