//! The flags.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use zonelib::program::StateFlags;

/// Checks what zonekit remembers of networks, and takes over what zap remembers
///
/// Segments, attachments, ingresses and peerings are records below /var/zonekit/store, a file each.
#[derive(Debug, Parser)]
#[command(name = "store", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 all is right; 1 something differs, or could not be taken over; 2 it could not be told."
)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done with records.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Compare the records with links, limits, addresses and zones, and say what differs
    ///
    /// Zones that an operation is under way on are left alone.
    Check {
        /// Mend what is safe to mend: make links and limits that are gone, forget zones that are gone, write down again
        /// what zones have and no record tells
        #[arg(long)]
        repair: bool,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        /// Where the records are.
        #[command(flatten)]
        state: StateFlags,
    },
    /// Write down the networks that zap of Tribblix made
    ///
    /// What is written down already stays as it is. Router zones stay in their administrators' hands, as zap has
    /// configured them.
    ImportZap {
        /// Folder of rconfig.* and zconfig.*
        #[arg(long, value_name = "DIR", default_value = zonelib::net::zap::FOLDER)]
        from: PathBuf,
        /// Print what would be written down, and write nothing
        #[arg(short = 'n', visible_short_alias = 'N', long)]
        dry_run: bool,
        /// Where the records are.
        #[command(flatten)]
        state: StateFlags,
    },
}
