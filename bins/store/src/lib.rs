//! The flags of `store`, and what it says.

mod cli;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;
use zonelib::config::{ZonesError, zones};
use zonelib::host::{self, ListError, flowadm};
use zonelib::journal::StateDir;
use zonelib::net::check::{CheckError, Difference, check};
use zonelib::net::{ApplyError, Names, PlanError, Step, Survey, View, zap};
use zonelib::program::{self, Answer};
use zonelib::store::{Directory, Store, StoreError};

pub use cli::{Cli, Verb};

/// What it is called in messages.
pub const PROGRAM: &str = "zonekit-store";

/// Why nothing could be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The records.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The host.
    #[error(transparent)]
    List(#[from] ListError),
    /// The zones.
    #[error(transparent)]
    Zones(#[from] ZonesError),
    /// The comparison.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The host and the records together.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// What zap left.
    #[error("{}: {source}", path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody who may not.
    #[error("only root can change links and records; run it as root")]
    NotRoot,
}

/// Does what the flags say.
///
/// # Errors
/// [`Error`].
pub fn run(cli: &Cli) -> Result<Answer, Error> {
    host::usual_umask();
    match &cli.verb {
        Verb::Check { repair, json, state } => run_check(&state.dir(), *repair, *json),
        Verb::ImportZap { from, dry_run, state } => {
            let from = if from == Path::new(zap::FOLDER) { host::place(zap::FOLDER) } else { from.clone() };
            import(&state.dir(), &from, *dry_run)
        }
    }
}

fn only_root() -> Result<(), Error> {
    if host::is_root() { Ok(()) } else { Err(Error::NotRoot) }
}

fn run_check(state: &StateDir, repair: bool, json: bool) -> Result<Answer, Error> {
    let store = Directory::new(state);
    // Names are held for repairs alone: looking keeps nobody waiting.
    let _names = if repair { only_root().and_then(|()| Ok(Some(Names::hold(&store)?)))? } else { None };
    let found = check(state, Survey::take()?, flowadm::flows()?, &zones(Path::new("/"))?)?;
    let mended: Vec<Option<Result<(), String>>> =
        found.iter().map(|one| (repair && one.is_mendable()).then(|| mend(one, &store))).collect();
    let all_mended = mended.iter().all(|mended| matches!(mended, Some(Ok(()))));
    let answer = if found.is_empty() || all_mended { Answer::Yes } else { Answer::No };
    let text = if json { data(&found, &mended) } else { text(&found, &mended) };
    Ok(program::answer(PROGRAM, &text, answer))
}

fn mend(difference: &Difference, store: &dyn Store) -> Result<(), String> {
    if let Some(path) = &difference.stale {
        std::fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    difference.steps.iter().try_for_each(|step| step.run(store)).map_err(|error: ApplyError| error.to_string())
}

fn text(found: &[Difference], mended: &[Option<Result<(), String>>]) -> String {
    let mut text = String::new();
    for (one, mended) in found.iter().zip(mended) {
        let then = match mended {
            Some(Ok(())) => "mended".to_owned(),
            Some(Err(error)) => format!("could not be mended: {error}"),
            None if one.is_mendable() => "--repair mends it".to_owned(),
            None => one.advice.clone(),
        };
        let between = if then.is_empty() { "" } else { "; " };
        text.push_str(&format!("{}{between}{then}\n", one.problem));
    }
    text
}

fn data(found: &[Difference], mended: &[Option<Result<(), String>>]) -> String {
    let one = |(one, mended): (&Difference, &Option<Result<(), String>>)| {
        json!({
            "problem": one.problem,
            "advice": one.advice,
            "mendable": one.is_mendable(),
            "steps": one.steps,
            "mended": mended.as_ref().map(Result::is_ok),
            "error": mended.as_ref().and_then(|mended| mended.as_ref().err()),
        })
    };
    let all: Vec<_> = found.iter().zip(mended).map(one).collect();
    format!("{}\n", json!({ "version": 1, "differences": all }))
}

fn import(state: &StateDir, from: &Path, dry_run: bool) -> Result<Answer, Error> {
    let store = Directory::new(state);
    let _names = if dry_run { None } else { only_root().and_then(|()| Ok(Some(Names::hold(&store)?)))? };
    let view = View::take(&store)?;
    let found = zap::read(from, &view).map_err(|source| Error::System { path: from.to_owned(), source })?;
    let mut answer = if found.problems.is_empty() { Answer::Yes } else { Answer::No };
    for (path, problem) in &found.problems {
        program::complain(PROGRAM, &format!("{}: {problem}", path.display()));
    }
    let segments = found.segments.into_iter().filter(|new| view.segment(&new.name).is_none());
    let attachments = found.attachments.into_iter().filter(|new| !view.knows(new));
    let steps = segments.map(|one| Step::remember(one.into())).chain(attachments.map(|one| Step::remember(one.into())));
    let mut text = String::new();
    for step in steps {
        match if dry_run { Ok(()) } else { step.run(&store) } {
            Ok(()) => text.push_str(&format!("{}\n", step.describe())),
            Err(error) => {
                program::complain(PROGRAM, &error.to_string());
                answer = Answer::Failed;
            }
        }
    }
    Ok(program::answer(PROGRAM, &text, answer))
}

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }
}
