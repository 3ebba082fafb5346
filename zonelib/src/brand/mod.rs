//! The protocol that zoneadm(8) speaks with the hooks of a brand, and each hook as one function.

pub mod adopt;
mod archive;
mod arrival;
pub mod attach;
pub mod check;
mod clock;
pub mod clone;
pub mod detach;
mod error;
mod follow;
pub mod golden;
pub mod identity;
pub mod install;
mod sources;
pub mod state;
pub mod uninstall;

use std::process::ExitCode;

use clap::Parser;

use crate::host;
use crate::journal::Recovered;
use crate::program::{self, NoArguments};

pub use error::HookError;
pub use follow::{Follow, FollowError};
pub use sources::{Ingredients, Sources, clone_path, shares_template, sync_database};

/// How a hook ends. Source: sys/zone.h, `ZONE_SUBPROC_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `ZONE_SUBPROC_OK`: go on.
    Complete,
    /// `ZONE_SUBPROC_USAGE`: the caller asked for something that makes no sense; zoneadm prints its usage.
    Usage,
    /// `ZONE_SUBPROC_NOTCOMPLETE`: nothing is left behind; zoneadm clears the zonepath, and an installed
    /// zone is configured again. Never where something in the zonepath is not the hook's own: zoneadm
    /// would remove it.
    NotComplete,
    /// `ZONE_SUBPROC_FATAL`: something stands in the zonepath that has to be looked at.
    Fatal,
}

impl Status {
    /// The exit status.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Usage => 253,
            Self::NotComplete => 254,
            Self::Fatal => 255,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// What a hook that failed says and how it ends.
pub trait Ends: std::fmt::Display {
    /// The exit status.
    fn status(&self) -> Status;
}

impl Ends for HookError {
    fn status(&self) -> Status {
        Self::status(self)
    }
}

/// A whole hook that zoneadm(8) runs: reads the arguments, runs, and says in one line why it could not.
pub fn hook<P: Parser, E: Ends>(program: &str, run: impl FnOnce(&P) -> Result<Status, E>) -> ExitCode {
    let arguments = match program::arguments(program) {
        Ok(arguments) => arguments,
        // zoneadm would take success for a hook that has done its work.
        Err(NoArguments::Shown) if called_by_zoneadm() => return Status::Usage.into(),
        Err(NoArguments::Shown) => return ExitCode::SUCCESS,
        Err(NoArguments::Wrong) => return Status::Usage.into(),
    };
    host::usual_umask();
    if let Err(error) = host::watch_signals() {
        program::complain(program, &format!("signals cannot be caught: {error}"));
        return Status::Fatal.into();
    }
    let status = run(&arguments).unwrap_or_else(|error| {
        program::complain(program, &error.to_string());
        error.status()
    });
    status.into()
}

/// A whole hook that zoneadmd(8) runs, which has no standard input and no standard error: those
/// descriptors are closed, or are something else of its own. What a hook says to people goes to standard
/// output, from where it reaches the zoneadm(8) that asked.
pub fn daemon_hook<P: Parser, E: Ends>(program: &str, run: impl FnOnce(&P) -> Result<Status, E>) -> ExitCode {
    if host::close_unusable().is_err() {
        return Status::Fatal.into();
    }
    program::talk_on_standard_output();
    hook(program, run)
}

/// What tells people that something which a killed operation had left was put right.
pub fn tell_recovered(program: &str) -> impl FnOnce(&Recovered) + '_ {
    move |recovered| {
        let done = if recovered.undone { "undone" } else { "finished" };
        let (operation, count) = (&recovered.operation, recovered.steps.len());
        program::tell(&format!("{program}: `{operation}`, which did not end, was {done} first ({count} changes)"));
    }
}

/// Whether zoneadm(8) runs this process as a hook and holds the zone's lock.
#[must_use]
pub fn called_by_zoneadm() -> bool {
    std::env::var_os("_ZONEADM_LOCK_HELD").is_some_and(|value| value == "1")
}
