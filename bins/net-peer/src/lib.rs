//! The flags of `net-peer`, and what it says.

use std::path::PathBuf;

use clap::Parser;
use serde::Serialize;
use zonelib::brand::tell_recovered;
use zonelib::host;
use zonelib::net::Segment;
use zonelib::program::{self, Answer, StateFlags};
use zonelib::router::peering::{Half, Join, Joined, PeeringError, Wish};
use zonelib::store::{Directory, Records};

/// What it is called in messages.
pub const PROGRAM: &str = "net-peer";

/// Lets zones behind two routers reach each other
///
/// They do so with their own addresses, which are translated on the way everywhere else as before. Both routers get
/// routes to each other's networks. A router is the name of its zone, or `global`. Where the other router is on another
/// host that shares the network outside, each host does its half: --export prints a file for the other host, and
/// --with reads it there.
#[derive(Debug, Parser)]
#[command(name = "net-peer", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 2 it could not be done, and everything is as it was.

Examples:
  net-peer r1 r2 -n
  net-peer r1 r2
  net-peer -d r1 r2
  net-peer r1 --export >r1.peer             # on one host; then on the other, with that file:
  net-peer r7 --with r1.peer >r7.peer       # and on the first, with this one:
  net-peer r1 --with r7.peer")]
pub struct Cli {
    /// A router of this host
    #[arg(value_name = "ROUTER")]
    pub one: String,
    /// The other router
    #[arg(value_name = "OTHER", required_unless_present_any = ["with", "export"])]
    pub other: Option<String>,
    /// The other router is on another host, which has printed this file; print the file for that host
    #[arg(long, value_name = "FILE", conflicts_with_all = ["other", "delete"])]
    pub with: Option<PathBuf>,
    /// What that router is called here, when its own name is taken
    #[arg(long = "as", value_name = "NAME", requires = "with", conflicts_with = "other")]
    pub name: Option<String>,
    /// Print the file for another host, and do nothing
    #[arg(long, conflicts_with_all = ["other", "with", "delete"])]
    pub export: bool,
    /// They are to be peers no more
    #[arg(short, long)]
    pub delete: bool,
    /// Print what would be done, with every command and every file of both routers, and do nothing
    #[arg(short = 'n', visible_short_alias = 'N', long)]
    pub dry_run: bool,
    /// Print JSON: what was done, or would be
    #[arg(long)]
    pub json: bool,
    /// Where records and journals are.
    #[command(flatten)]
    pub state: StateFlags,
}

/// What was done, as JSON.
#[derive(Serialize)]
struct Report<'r> {
    version: u32,
    done: bool,
    #[serde(flatten)]
    joined: &'r Joined,
}

/// Does what the flags say.
///
/// # Errors
/// [`PeeringError`]: everything is as it was, or what is not is said.
pub fn run(cli: &Cli) -> Result<Answer, PeeringError> {
    host::usual_umask();
    let state = cli.state.dir();
    if cli.export {
        let segments: Vec<Segment> = Directory::new(&state).list()?;
        let half = Half::of(&cli.one, &segments)?;
        return Ok(program::answer_json(PROGRAM, &half));
    }
    if !host::is_root() {
        return Err(PeeringError::Refused("only root can change routers; run it as root".to_owned()));
    }
    host::watch_signals().map_err(|error| PeeringError::Refused(format!("signals: {error}")))?;
    let join = Join { router: cli.one.clone(), wish: cli.wish()? };
    let joined = if cli.dry_run {
        join.plan(&state)?
    } else {
        join.run(&state, &|found: &zonelib::journal::Recovered| tell_recovered(PROGRAM)(found))?
    };
    if cli.json {
        return Ok(program::answer_json(PROGRAM, &Report { version: 1, done: !cli.dry_run, joined: &joined }));
    }
    if cli.dry_run {
        return Ok(program::answer(PROGRAM, &joined.text(), Answer::Yes));
    }
    let text = match &join.wish {
        Wish::Elsewhere(_) => return Ok(program::answer_json(PROGRAM, &joined.half)),
        Wish::NoMore(other) => format!("`{}` and `{other}` are peers no more\n", cli.one),
        Wish::Here(other) => format!("`{}` and `{other}` are peers\n", cli.one),
    };
    Ok(program::answer(PROGRAM, &text, Answer::Yes))
}

impl Cli {
    fn wish(&self) -> Result<Wish, PeeringError> {
        match (&self.with, &self.other) {
            (Some(file), _) => {
                let mut far = Half::read(file)?;
                if let Some(name) = &self.name {
                    far.router.clone_from(name);
                }
                Ok(Wish::Elsewhere(far))
            }
            (None, Some(other)) if self.delete => Ok(Wish::NoMore(other.clone())),
            (None, Some(other)) => Ok(Wish::Here(other.clone())),
            (None, None) => Err(PeeringError::Refused("the other router is not named; --help tells how".to_owned())),
        }
    }
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
