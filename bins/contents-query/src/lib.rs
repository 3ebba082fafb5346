//! What `contents-query` does: its arguments, its questions to the package database, its answers.

mod answer;
mod cli;
mod failure;
mod show;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use clap::{CommandFactory, Parser};
use contents::database::CONTENTS;
use contents::image::{PENDING, has_pending_changes, read_contents};
use contents::{Contents, Error};

pub use cli::Arguments;
pub use failure::Failure;

use answer::Answer;
use cli::Question;

/// What is printed, and what the exit status says.
#[derive(Debug)]
pub struct Outcome {
    /// The answer, for stdout.
    pub text: Vec<u8>,
    /// Whether all is packaged, or as it should be: status 0, or 1.
    pub yes: bool,
    /// What to bear in mind, for stderr.
    pub warning: Option<String>,
}

/// The command line, for help, man page and completions.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Reads the command line.
///
/// # Errors
/// It is wrong, or asks for help or the version; the error prints what to say of it.
pub fn arguments(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(words)
}

/// Asks the question. `terminal`: people read the answer on a terminal, which names must not control.
///
/// # Errors
/// The database could not be read or is damaged, or the question names a package that is not in it.
pub fn run(arguments: &Arguments, terminal: bool) -> Result<Outcome, Failure> {
    if let Question::Owner { paths } = &arguments.question
        && let Some(path) = paths.iter().find(|path| !path.as_bytes().starts_with(b"/"))
    {
        return Err(Failure::relative(path));
    }
    let image = Dir::open_ambient_dir(&arguments.image, ambient_authority())
        .map_err(|error| Failure::image(&arguments.image, &error))?;
    let text = read_contents(&image).map_err(|error| Failure::database(&error))?;
    let database = Contents::parse(Path::new(CONTENTS), &text).map_err(|error| Failure::database(&error))?;
    let pending = has_pending_changes(&image).map_err(|error: Error| Failure::database(&error))?;
    let answer = match &arguments.question {
        Question::Owner { paths } => Answer::owner(&database, paths),
        Question::Package { names } => {
            Answer::package(&database, names).map_err(|unknown| Failure::unknown(&unknown))?
        }
        Question::Totals => Answer::totals(&database),
        Question::Check => Answer::check(&database, &text, pending),
    };
    let text = if arguments.json { answer.json(terminal) } else { answer.text(terminal) };
    let lagging = pending && !matches!(answer, Answer::Check(_));
    let warning = lagging.then(|| format!("`{PENDING}` holds changes that the answer lacks; run `pkgadm sync` first"));
    Ok(Outcome { text, yes: answer.is_yes(), warning })
}
