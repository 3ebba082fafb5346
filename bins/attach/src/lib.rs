//! The flags of `attach`, and what it says.

use std::path::{Path, PathBuf};

use clap::Parser;
use zonelib::brand::adopt::{self, Arrival, Host, Updated};
use zonelib::brand::attach::{Attach, Source};
use zonelib::brand::{self, HookError, Status};
use zonelib::config::ZoneName;
use zonelib::host::{self, DatasetError};
use zonelib::program::{self, RecipeFlags, StateFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "attach";

/// Bytes that an archive may have when it is unpacked, unless somebody says otherwise.
const MAX_SIZE: u64 = 64 << 30;

/// Takes a zone root into this host
///
/// This is the attach hook of a brand: zoneadm(8) runs it for `zoneadm attach`. The root is in the zonepath
/// already, as after `zoneadm detach`, or comes from an archive, a directory or a stream. It becomes one of
/// the running boot environment. With -u it is brought up to date with the packages of this host.
#[derive(Debug, Parser)]
#[command(name = "attach", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 attached, or (with -n) it could be; 253 the arguments make no sense; 255 it could not \
be, and everything is as before."
)]
pub struct Cli {
    /// The zone; `-` with -n
    #[arg(short, long, value_name = "ZONE", allow_hyphen_values = true)]
    pub zone: String,
    /// Its zonepath; `-` with -n
    #[arg(short = 'R', long, value_name = "DIR", allow_hyphen_values = true)]
    pub zonepath: PathBuf,
    /// Only tell what this configuration needs that is not on this host, and what -u would change
    #[arg(short = 'n', long, value_name = "FILE")]
    pub dry_run: Option<PathBuf>,
    /// Bring the zone up to date with the packages of this host
    #[arg(short = 'u', short_alias = 'U', long)]
    pub update: bool,
    /// Unpack this archive of a zone root: tar or cpio, plain or by gzip
    #[arg(short = 'a', long, value_name = "FILE", conflicts_with_all = ["directory", "receive"])]
    pub archive: Option<PathBuf>,
    /// Copy this directory, or what is in this dataset: a zone root, or a zonepath
    #[arg(short = 'd', long, value_name = "DIR|DATASET", conflicts_with = "receive")]
    pub directory: Option<PathBuf>,
    /// Receive this stream of `zfs send`
    #[arg(short = 'r', long, value_name = "FILE")]
    pub receive: Option<PathBuf>,
    /// Bytes that the archive may have when it is unpacked
    #[arg(long, value_name = "BYTES", default_value_t = MAX_SIZE)]
    pub max_size: u64,
    /// The brand.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// Where the journal is.
    #[command(flatten)]
    pub state: StateFlags,
}

/// Does what the flags say.
///
/// # Errors
/// [`HookError`].
pub fn run(cli: &Cli) -> Result<Status, HookError> {
    let recipe = cli.recipe.recipe().map_err(|error| HookError::Usage(error.to_string()))?;
    let Some(recipe) = recipe else { return Err(HookError::Usage("no brand; give -b BRAND".to_owned())) };
    let image = host::place("/");
    let source = match (&cli.archive, &cli.directory, &cli.receive) {
        (Some(file), ..) => Source::Archive(file.clone()),
        (None, Some(given), _) => given_directory(given)?,
        (None, None, Some(stream)) => Source::Stream(stream.clone()),
        (None, None, None) => Source::Zonepath,
    };
    if let Some(manifest) = &cli.dry_run {
        let arrival = Arrival { manifest, source: &source, max_size: cli.max_size, update: cli.update };
        return tell_fit(&Host { image: &image, recipe: &recipe }, &arrival);
    }
    let zone = cli.zone.parse::<ZoneName>().map_err(|error| HookError::Usage(error.to_string()))?;
    let attach = Attach {
        zone,
        zonepath: cli.zonepath.clone(),
        recipe,
        source,
        max_size: cli.max_size,
        update: cli.update,
        image,
        state: cli.state.dir(),
    };
    let done = attach.run(brand::tell_recovered(PROGRAM))?;
    done.notes.iter().for_each(|note| program::tell(&format!("{PROGRAM}: {note}")));
    if let Some(updated) = &done.updated {
        program::print(&describe(updated, "brought up to date", &updated.conflicts));
    }
    Ok(Status::Complete)
}

/// The argument of -d: zoneadm(8) runs hooks in `/`, so a directory is told by its slash.
fn given_directory(given: &Path) -> Result<Source, HookError> {
    if given.is_absolute() {
        return Ok(Source::Directory(given.to_owned()));
    }
    let dataset = given.to_string_lossy().parse().map_err(|error: DatasetError| HookError::Usage(error.to_string()))?;
    Ok(Source::Dataset(dataset))
}

/// What would happen, for people; success means that the zone can be attached, and booted then.
fn tell_fit(host: &Host<'_>, arrival: &Arrival<'_>) -> Result<Status, HookError> {
    let fit = adopt::fit(host, arrival)?;
    let mut text = String::new();
    for problem in fit.refused.iter().chain(&fit.lacking) {
        text.push_str(&format!("{problem}\n"));
    }
    for note in &fit.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    if let Some(updated) = &fit.update {
        text.push_str(&describe(updated, "-u would change", &updated.steps));
    }
    if fit.fits() {
        text.push_str("the zone can be attached\n");
    }
    program::print(&text);
    Ok(if fit.fits() { Status::Complete } else { Status::Fatal })
}

fn describe(updated: &Updated, what: &str, lines: &[String]) -> String {
    let mut text = match updated.steps.len() {
        0 => "the zone has the packages of this host\n".to_owned(),
        1 => format!("{what}: 1 object\n"),
        count => format!("{what}: {count} objects\n"),
    };
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    text
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
