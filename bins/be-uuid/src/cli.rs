//! The flags.

use clap::Parser;
use zonelib::host::DatasetName;

/// Prints a new UUID for a boot environment, or stores or shows one
///
/// The root dataset of a boot environment carries a UUID in the property org.opensolaris.libbe:uuid, and
/// the roots of its zones are found by it. Where the tools that made the boot environment gave it none,
/// zones cannot be installed before it has one.
///
/// The UUID is the SHA-1 of random bytes, in the form of version 5 of RFC 4122.
#[derive(Debug, Parser)]
#[command(name = "be-uuid", version, max_term_width = 100)]
#[command(after_help = "Exit status: 0 done; 1 there is no UUID to show; 2 it could not be done.")]
#[command(after_long_help = "Examples:
  be-uuid                           print a new UUID
  be-uuid --set rpool/ROOT/tribblix make one, and store it on that dataset
  be-uuid --show                    the UUID of the running boot environment
  be-uuid --show rpool/ROOT/old     the UUID of that dataset

Exit status: 0 done; 1 there is no UUID to show; 2 it could not be done.")]
pub struct Cli {
    /// Make a UUID, store it on this dataset, and print it
    #[arg(long, value_name = "DATASET", conflicts_with = "show")]
    pub set: Option<DatasetName>,
    /// With --set: also on a dataset that has one; zones that belong to the old one are then not found
    #[arg(long, requires = "set")]
    pub force: bool,
    /// Print the UUID of this dataset; without one, that of the running boot environment
    #[arg(long, value_name = "DATASET", num_args = 0..=1)]
    pub show: Option<Option<DatasetName>>,
    /// Print it as JSON
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
