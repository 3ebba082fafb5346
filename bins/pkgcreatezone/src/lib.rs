//! The flags of `pkgcreatezone`, and its report.

pub mod cli;
pub mod progress;
pub mod report;

pub use cli::Cli;

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
