//! What the Python modules of a distribution declare to need, and whether that holds.
//!
//! [`read`] finds the distributions below a root and reads what they say of themselves, in the language of [`pep`].
//! [`model`] settles who is who and judges every requirement once; [`check`] tells what is wrong, [`plan`] what would
//! be, and [`compare`] what was not before. Python is never run, nothing is fetched, and nothing outside of the root is
//! looked at.

pub mod check;
pub mod cli;
pub mod compare;
pub mod model;
pub mod packages;
pub mod pep;
pub mod plan;
pub mod read;
pub mod report;
mod run;
pub mod target;
pub mod waivers;

pub use cli::Cli;
pub use run::{Failure, Outcome, Terminal, run};

/// What it is called in messages.
pub const PROGRAM: &str = "pipcheck";

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
