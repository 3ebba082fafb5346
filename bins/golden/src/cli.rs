//! The flags.

use clap::{Args, Parser, Subcommand};
use zonelib::host::DatasetName;
use zonelib::program::StateFlags;

/// Shows the golden images of zones, and removes those that nobody uses
///
/// The first zone of a brand that asks for it fills an image, and zones that would get the same are clones
/// of it. After an update of the global zone the next zone fills another image; the old one stays as long
/// as zones are clones of it.
#[derive(Debug, Parser)]
#[command(name = "golden", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 1 an image that was to go by name stays; 2 something could not be done.")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done with images.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Print the images: size, age, and the file systems that are clones of them
    List {
        /// Where they are.
        #[command(flatten)]
        place: Place,
        /// Print bytes and seconds since 1970, with tabs between
        #[arg(short = 'p', long, conflicts_with = "json")]
        parsable: bool,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Destroy the images that nobody uses, and those that were never finished
    ///
    /// An image with users stays; asked for by name, that is an error. Nothing is destroyed that zonekit has
    /// not made.
    Prune {
        /// Where they are.
        #[command(flatten)]
        place: Place,
        /// Print what would be done, and do nothing
        #[arg(short = 'n', long)]
        dry_run: bool,
        /// Where the journals are.
        #[command(flatten)]
        state: StateFlags,
        /// Images, as list prints them, or the last part of that [default: all]
        #[arg(value_name = "IMAGE")]
        images: Vec<String>,
    },
}

/// Where to look.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// Look below DATASET instead of in all pools
    #[arg(long, value_name = "DATASET")]
    pub under: Option<DatasetName>,
}
