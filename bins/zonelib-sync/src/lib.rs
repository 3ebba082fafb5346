//! The flags of `zonelib-sync`, and what it does.

pub mod cli;
mod report;

use zonelib::brand::sync_database;
use zonelib::host::{self, HostError};
use zonelib::libclone::{self, Clone, CloneError, Dependencies};
use zonelib::populate::{ApplyError, Counters, Image, ImageError, Settings};
use zonelib::program::{self, Answer};
use zonelib::recipe::{Recipe, RecipeError};
use zonelib::smf::{Prepared, Svccfg};

pub use cli::Cli;
use report::{Done, Services};

/// What it is called in messages.
pub const PROGRAM: &str = "zonelib-sync";

/// The brand whose clone it is when none is named.
const BRAND: &str = "sparse-root";

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Why a clone is not up to date, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The recipe cannot be read.
    #[error(transparent)]
    Recipe(RecipeError),
    /// The brand's zones mount no clone.
    #[error("zones of brand `{0}` mount no clone; name another with -b")]
    NoClone(String),
    /// The image cannot be read.
    #[error(transparent)]
    Image(ImageError),
    /// The host's package tools failed.
    #[error(transparent)]
    Host(HostError),
    /// The clone cannot be read or made.
    #[error("{}{}", .0, advice(.0))]
    Clone(CloneError),
    /// Signals cannot be caught.
    #[error("signals cannot be caught: {0}")]
    Signals(std::io::Error),
    /// Packages changed meanwhile.
    #[error("packages of image {0} changed meanwhile; run it again")]
    Torn(String),
}

/// What somebody else than root can do who was refused something.
fn advice(error: &CloneError) -> &'static str {
    let source = match error {
        CloneError::System { source, .. }
        | CloneError::Apply { source: ApplyError::Make { source, .. } | ApplyError::Read { source, .. }, .. } => source,
        _ => return "",
    };
    let denied = source.kind() == std::io::ErrorKind::PermissionDenied && !host::is_root();
    if denied { "; run it as root" } else { "" }
}

/// Does what the flags say.
///
/// # Errors
/// [`Failure`].
pub fn run(cli: &Cli) -> Result<Answer, Failure> {
    let recipe = cli.recipe.recipe_or(BRAND).map_err(Failure::Recipe)?;
    if !cli.check {
        host::usual_umask();
        host::watch_signals().map_err(Failure::Signals)?;
        sync_database(&cli.image).map_err(Failure::Host)?;
    }
    let image = Image::open(&cli.image).map_err(Failure::Image)?;
    let contents = image.contents().map_err(Failure::Image)?;
    let waiting = |holder: &str| program::complain(PROGRAM, &format!("waiting for {holder}, which changes the clone"));
    let mut done = Vec::new();
    for share in &recipe.shares {
        let place = libclone::place(&cli.image, share, cli.to.as_deref()).map_err(Failure::Clone)?;
        let Some(clone) = Clone::of(image.packages(&contents), share, place) else { continue };
        done.push(one(cli, &recipe, &clone.when_waiting(&waiting)).map_err(Failure::Clone)?);
    }
    if done.is_empty() {
        return Err(Failure::NoClone(recipe.name));
    }
    let current = done.iter().all(|one| !cli.check || one.current());
    let text = if cli.json { report::data(cli, &done) } else { report::text(cli, &done) };
    let answer = program::answer(PROGRAM, &text, if current { Answer::Yes } else { Answer::No });
    if !cli.check && image.changed() {
        return Err(Failure::Torn(cli.image.display().to_string()));
    }
    Ok(answer)
}

fn one(cli: &Cli, recipe: &Recipe, clone: &Clone<'_>) -> Result<Done, CloneError> {
    let before = clone.state()?;
    let counters = Counters::default();
    let jobs = cli.jobs.map_or_else(host::processors, usize::from);
    let settings = Settings { jobs, verify: false, go_on: &|| !host::interrupted(), counters: &counters };
    let synced = if cli.check { None } else { Some(clone.sync(&settings)?) };
    let prepared = Prepared::of(clone, recipe, Svccfg::of_host()).filter(|_| !cli.no_import);
    let services = prepared.map(|prepared| services(cli, &prepared, &settings));
    if host::interrupted() {
        return Err(CloneError::Apply { clone: clone.path().to_owned(), source: ApplyError::Interrupted });
    }
    let untouched = synced.as_ref().is_none_or(|synced| synced.current);
    let dependencies = if untouched && cli.verbose { clone.dependencies() } else { Dependencies::default() };
    Ok(Done { path: clone.path().to_owned(), before, synced, services, dependencies })
}

fn services(cli: &Cli, prepared: &Prepared<'_, '_>, settings: &Settings<'_>) -> Services {
    let possible = prepared.possible();
    let before = prepared.state();
    let outcome = (!cli.check && before.is_ok()).then(|| prepared.sync(settings));
    Services { path: prepared.path(), possible, before, outcome }
}
