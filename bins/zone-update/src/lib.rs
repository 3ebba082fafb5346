//! The flags of `zone-update`, and what it does.

pub mod cli;
mod report;
mod zones;

use std::path::{Path, PathBuf};

use zonelib::brand::install::InstallError;
use zonelib::brand::{Follow, FollowError, Ingredients, Sources, clone_path, sync_database};
use zonelib::config::{ZoneName, ZonesError};
use zonelib::host::{self, HostError};
use zonelib::libclone::{self, CloneError, State};
use zonelib::populate::{Counters, ImageError, Settings, Wanted};
use zonelib::program::{self, Answer};
use zonelib::recipe::RecipeError;
use zonelib::root::Tree;
use zonelib::smf::{self, Outcome, Prepared, Svccfg};
use zonelib::storage::OpenError;
use zonelib::update::{self, Apply, UpdateError};

pub use cli::Cli;
use report::{Report, Shared};
use zones::{Target, open_root, targets};

/// What it is called in messages.
pub const PROGRAM: &str = "zone-update";

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Why a zone is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments are not enough, or too many.
    #[error("{0}")]
    Usage(&'static str),
    /// The recipe cannot be read.
    #[error(transparent)]
    Recipe(RecipeError),
    /// The zones of the host are not known.
    #[error(transparent)]
    Zones(ZonesError),
    /// There is no such zone, or it has no root.
    #[error("zone `{0}`: {1}")]
    NoZone(ZoneName, String),
    /// The zone runs from what would be replaced.
    #[error("{0}: it is running from what would be replaced; halt it, or give --force")]
    Running(String),
    /// The zone root, or that of the packages, cannot be opened.
    #[error("{}: {source}", root.display())]
    Root {
        /// Where it is.
        root: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The image cannot be read.
    #[error(transparent)]
    Image(ImageError),
    /// The host's package tools failed.
    #[error(transparent)]
    Host(HostError),
    /// The clone cannot be brought up to date.
    #[error(transparent)]
    Clone(CloneError),
    /// The zone cannot be brought up to date.
    #[error(transparent)]
    Follow(FollowError),
    /// The zone root cannot be mounted, or is in use.
    #[error(transparent)]
    Open(OpenError),
    /// Signals cannot be caught.
    #[error("signals cannot be caught: {0}")]
    Signals(std::io::Error),
    /// Only root can do this.
    #[error("only root can give files to their owners; run it as root, or look with -n")]
    NotRoot,
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        Self::Follow(error.into())
    }
}

/// Does what the flags say.
///
/// # Errors
/// [`Failure`], when nothing was begun; a zone that fails among several is told of, and the next one follows.
pub fn run(cli: &Cli) -> Result<Answer, Failure> {
    if !cli.dry_run {
        if !host::is_root() {
            return Err(Failure::NotRoot);
        }
        host::usual_umask();
        host::watch_signals().map_err(Failure::Signals)?;
    }
    let image = &host::image(&cli.image);
    // zoneadm(8) would only say that it found no zones there.
    Tree::open(image).map_err(|source| Failure::Root { root: image.clone(), source })?;
    let targets = targets(cli)?;
    if let [one] = &targets[..] {
        one.check(cli.force || cli.dry_run)?;
    }
    if !cli.dry_run {
        sync_database(image).map_err(Failure::Host)?;
    }
    let mut report = Report::new(cli);
    let mut failed = false;
    if let Some(first) = targets.first() {
        let sources = Sources::open(&ingredients(image, first, None))?;
        sync_clones(cli, image, &sources, &targets, &mut report)?;
        for (index, target) in targets.iter().enumerate() {
            if let Err(failure) = one((cli, image), &sources, target, &mut report) {
                if targets.len() == 1 {
                    return Err(failure);
                }
                program::complain(PROGRAM, &failure.to_string());
                report.failed(target, &failure);
                failed = true;
            }
            if host::interrupted() && index + 1 < targets.len() {
                let left = targets.len() - index - 1;
                program::complain(PROGRAM, &format!("interrupted before {left} more zones; run it again to go on"));
                failed = true;
                break;
            }
        }
    }
    let answer = match (failed, report.conflicts()) {
        (true, _) => Answer::Failed,
        (false, true) => Answer::No,
        (false, false) => Answer::Yes,
    };
    Ok(program::answer(PROGRAM, &report.print(), answer))
}

fn ingredients<'a>(image: &'a Path, target: &'a Target, wanted: Option<&'a Wanted>) -> Ingredients<'a> {
    Ingredients { image, recipe: &target.recipe, template: None, makes_template: false, wanted }
}

/// Every clone that one of the zones mounts, once.
fn sync_clones(
    cli: &Cli,
    image: &Path,
    sources: &Sources,
    targets: &[Target],
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let contents = sources.image().contents().map_err(Failure::Image)?;
    let waiting = |holder: &str| program::complain(PROGRAM, &format!("waiting for {holder}, which changes the clone"));
    let mut known: Vec<PathBuf> = Vec::new();
    for target in targets {
        for share in target.recipe.shares.iter().filter(|share| share.clone.is_some()) {
            let path = clone_path(image, share, cli.zonelib.as_deref(), target.name.as_ref());
            let path = path.map_err(Failure::Clone)?;
            if known.contains(&path) {
                continue;
            }
            known.push(path.clone());
            let packages = sources.image().packages(&contents);
            let Some(clone) = libclone::Clone::of(packages, share, path) else { continue };
            let clone = clone.when_waiting(&waiting);
            let before = clone.state().map_err(Failure::Clone)?;
            let counters = Counters::default();
            let go_on = || !host::interrupted();
            let settings = Settings { jobs: host::processors(), verify: false, go_on: &go_on, counters: &counters };
            if !cli.dry_run && before != State::Current {
                clone.sync(&settings).map_err(Failure::Clone)?;
            }
            report.shared(Shared { path: clone.path().to_owned(), before });
            if let Some(prepared) = Prepared::of(&clone, &target.recipe, Svccfg::of_host()) {
                renew(cli, &prepared, &settings, report);
            }
        }
    }
    Ok(())
}

/// The service repository beside a clone, for zones to come. Without it these only take longer to boot.
fn renew(cli: &Cli, prepared: &Prepared<'_, '_>, settings: &Settings<'_>, report: &mut Report<'_>) {
    let was_stale = prepared.state().is_ok_and(|state| state == State::Stale);
    if !was_stale || !prepared.possible() {
        return;
    }
    let outcome = if cli.dry_run { Ok(Outcome::Current) } else { prepared.renew(settings) };
    let warning = match outcome {
        Ok(Outcome::Made(imported)) => imported.warning(),
        Ok(Outcome::Current) => None,
        Err(error) => Some(smf::warning(&error)),
    };
    report.repository(&prepared.path(), warning);
}

fn one(
    (cli, image): (&Cli, &Path),
    sources: &Sources,
    target: &Target,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    target.check(cli.force || cli.dry_run)?;
    let wanted = Wanted { overlays: cli.overlays.clone(), packages: cli.packages.clone() };
    let follow = Follow {
        ingredients: ingredients(image, target, (!cli.overlays.is_empty()).then_some(&wanted)),
        everything: cli.everything,
        verify: cli.verify,
    };
    let root = open_root(cli, target)?;
    let go_on = || !host::interrupted();
    let done = follow.with_update(sources, root.tree(), &go_on, |plan, trees| {
        let mut done = report::Done::of(plan, &target.recipe);
        if !cli.dry_run && !plan.is_empty() {
            let torn = || sources.image().changed();
            let applied = update::apply(plan, root.tree(), &Apply { trees, go_on: &go_on, torn: &torn })?;
            done.applied(applied);
        }
        Ok::<_, UpdateError>(done)
    });
    let closed = root.close();
    report.zone(target, done.map_err(Failure::Follow)?);
    closed
}
