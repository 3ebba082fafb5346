//! What every program does at its edge: read its arguments, print, fail with one line, end with a status.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser};

use crate::config::ZoneName;
use crate::journal::StateDir;
use crate::recipe::{BrandName, Recipe, RecipeError, Site};

/// How the reading of arguments ended when there are none to work with.
#[derive(Debug)]
pub enum NoArguments {
    /// Help or the version was asked for, and has been printed.
    Shown,
    /// They make no sense; one line has been printed.
    Wrong,
}

/// Reads the arguments of this process. `-?` is what zoneadm(8) passes on for help.
///
/// # Errors
/// [`NoArguments`]; everything there is to say has been said.
pub fn arguments<P: Parser + CommandFactory + FromArgMatches>(program: &str) -> Result<P, NoArguments> {
    let words = std::env::args_os().map(|word| if word == "-?" { "-h".into() } else { word });
    P::try_parse_from(words).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            print(&error.render().to_string());
            NoArguments::Shown
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            complain(program, "no arguments; try --help");
            NoArguments::Wrong
        }
        _ => {
            complain(program, &format!("{}; try --help", brief(&error)));
            NoArguments::Wrong
        }
    })
}

/// The words of an error without decoration, on one line.
fn brief(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let words = paragraph.strip_prefix("error: ").unwrap_or(paragraph);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Prints to standard output, where nothing more can be done when that fails.
pub fn print(text: &str) {
    // Nobody is left to tell.
    let _ = deliver(text);
}

/// Prints what a program was asked for to standard output. A reader that has gone away has had enough,
/// which is no error.
///
/// # Errors
/// As `write(2)`, but for `EPIPE`.
pub fn deliver(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints data as one line of JSON, as [`deliver`] prints text.
///
/// # Errors
/// As [`deliver`].
pub fn deliver_json(data: &impl serde::Serialize) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let written = serde_json::to_writer(&mut out, data).map_err(io::Error::from);
    match written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Whether what is told to people goes to standard output.
static ON_OUTPUT: AtomicBool = AtomicBool::new(false);

/// From now on [`tell`] and [`complain`] print to standard output: for programs without standard error.
pub fn talk_on_standard_output() {
    ON_OUTPUT.store(true, Ordering::Relaxed);
}

/// Prints a line about the work, to standard error.
pub fn tell(line: &str) {
    // Commands that run in zones say some of it.
    let plain = |letter: char| if letter.is_control() && !matches!(letter, '\n' | '\t') { '?' } else { letter };
    let line: String = line.chars().map(plain).collect();
    if ON_OUTPUT.load(Ordering::Relaxed) {
        print(&format!("{line}\n"));
    } else {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

/// Prints an error the way every program does: `program: what failed: why`.
pub fn complain(program: &str, error: &str) {
    tell(&format!("{program}: {}", error.replace('\n', " ")));
}

/// How a program ends that is no hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Done, or the answer is yes.
    Yes,
    /// The answer is no: there are differences, or something is not as it should be.
    No,
    /// The arguments make no sense, or it could not be done.
    Failed,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        Self::from(answer as u8)
    }
}

/// Prints an answer, and gives the status that goes with it: one that could not be printed has failed.
#[must_use]
pub fn answer(program: &str, text: &str, answer: Answer) -> Answer {
    match deliver(text) {
        Ok(()) => answer,
        Err(error) => {
            complain(program, &format!("standard output: {error}"));
            Answer::Failed
        }
    }
}

/// Prints data as JSON, and gives the status that goes with it.
#[must_use]
pub fn answer_json(program: &str, data: &impl serde::Serialize) -> Answer {
    match deliver_json(data) {
        Ok(()) => Answer::Yes,
        Err(error) => {
            complain(program, &format!("standard output: {error}"));
            Answer::Failed
        }
    }
}

/// Problems that are told to people; more of them are more of the same.
const MOST_PROBLEMS: usize = 40;

/// Complains about each problem in a line of its own; as JSON, prints all of them too. Gives the status that goes with
/// it.
#[must_use]
pub fn refuse(program: &str, problems: &[String], json: bool) -> Answer {
    #[derive(serde::Serialize)]
    struct Refusal<'r> {
        version: u32,
        problems: &'r [String],
    }
    problems.iter().take(MOST_PROBLEMS).for_each(|problem| complain(program, problem));
    if let more @ 1.. = problems.len().saturating_sub(MOST_PROBLEMS) {
        complain(program, &format!("and {more} more problems like these; --json tells them all"));
    }
    if json {
        let _ = answer_json(program, &Refusal { version: 1, problems });
    }
    Answer::Failed
}

/// A whole program that is no hook: reads the arguments, runs, and says in one line why it could not.
pub fn main<P, E>(program: &str, run: impl FnOnce(&P) -> Result<Answer, E>) -> ExitCode
where
    P: Parser,
    E: Display,
{
    let answer = match arguments(program) {
        Ok(arguments) => run(&arguments).unwrap_or_else(|error| {
            complain(program, &error.to_string());
            Answer::Failed
        }),
        Err(NoArguments::Shown) => Answer::Yes,
        Err(NoArguments::Wrong) => Answer::Failed,
    };
    answer.into()
}

/// The flags that name a brand.
#[derive(Clone, Debug, clap::Args)]
pub struct RecipeFlags {
    /// Brand, such as sparse-root or whole-root
    #[arg(short, long, value_name = "BRAND")]
    pub brand: Option<BrandName>,
    /// Recipe file, instead of a brand
    #[arg(long, value_name = "FILE", conflicts_with = "brand")]
    pub recipe: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) site: SiteFlags,
}

/// The flag that says where a site keeps what is its own.
#[derive(Clone, Debug, clap::Args)]
pub struct SiteFlags {
    /// Folder of the site's own brands and prune lists
    #[arg(long, value_name = "DIR", default_value = "/etc/zonekit")]
    pub config: PathBuf,
}

impl SiteFlags {
    /// The folders where recipes are looked for.
    #[must_use]
    pub fn site(&self) -> Site {
        Site { config: self.config.clone(), ..Site::default() }
    }
}

/// The flag that says where zonekit keeps what it has to remember.
#[derive(Clone, Debug, clap::Args)]
pub struct StateFlags {
    /// Folder of zonekit's own records: journals and locks
    #[arg(long, value_name = "DIR", default_value = StateDir::USUAL)]
    pub state: PathBuf,
}

/// The flags by which a hook learns which zone it works on.
#[derive(Clone, Debug, clap::Args)]
pub struct ZoneFlags {
    /// The zone
    #[arg(short, long, value_name = "ZONE")]
    pub zone: ZoneName,
    /// Its zonepath
    #[arg(short = 'R', long, value_name = "DIR")]
    pub zonepath: PathBuf,
}

impl StateFlags {
    /// The folder. What is in it is named by other programs too, which may be called elsewhere.
    #[must_use]
    pub fn dir(&self) -> StateDir {
        StateDir::new(&std::path::absolute(&self.state).unwrap_or_else(|_| self.state.clone()))
    }
}

impl RecipeFlags {
    /// The recipe that the flags name; `None` when they name none.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn recipe(&self) -> Result<Option<Recipe>, RecipeError> {
        let site = self.site.site();
        match (&self.recipe, &self.brand) {
            (Some(file), _) => site.recipe_file(file).map(Some),
            (None, Some(brand)) => site.recipe(brand).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The recipe of a brand that is known otherwise.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn of(&self, brand: &BrandName) -> Result<Recipe, RecipeError> {
        self.site.site().recipe(brand)
    }

    /// The recipe that the flags name, or that of `brand` when they name none.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn recipe_or(&self, brand: &str) -> Result<Recipe, RecipeError> {
        match self.recipe()? {
            Some(recipe) => Ok(recipe),
            None => self.site.site().recipe(&brand.parse()?),
        }
    }
}

/// A number of bytes, for people.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Whether people watch standard error as it is written.
#[must_use]
pub fn watched() -> bool {
    io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_named_as_others_find_them() {
        let dir = |state: &str| StateFlags { state: state.into() }.dir().path().to_owned();
        assert!(dir("state").is_absolute() && dir("state").ends_with("state"));
        assert_eq!(dir("/x/state"), PathBuf::from("/x/state"));
    }
}
