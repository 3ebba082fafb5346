//! The flags, as `tests/bench` gives them.

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const USAGE: &str = "usage: bench-zonekit --programs DIR --with-lab FILE --work DIR --image DIR --about TEXT \
--classic SCRIPT --lists DIR [--rounds N] [--json FILE] [--other DIR]";

/// What to measure, and where.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// Where the programs of this release are.
    pub(crate) programs: PathBuf,
    /// `pkgcreatezone` of this release, built with the feature `lab`.
    pub(crate) with_lab: PathBuf,
    /// An empty folder for everything that is made.
    pub(crate) work: PathBuf,
    /// The image to install from.
    pub(crate) image: PathBuf,
    /// How the image was made.
    pub(crate) about: String,
    /// The script of the classic pipelines.
    pub(crate) classic: PathBuf,
    /// The prune lists that it uses.
    pub(crate) lists: PathBuf,
    /// Rounds that count.
    pub(crate) rounds: usize,
    /// Where the figures go, for programs.
    pub(crate) json: Option<PathBuf>,
    /// A folder on another file system.
    pub(crate) other: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn read(given: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut found = Self { rounds: 5, ..Self::default() };
        let mut given = given;
        while let Some(flag) = given.next() {
            let flag = flag.to_string_lossy().into_owned();
            let value = given.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
            let path = PathBuf::from(&value);
            match flag.as_str() {
                "--programs" => found.programs = absolute(path)?,
                "--with-lab" => found.with_lab = absolute(path)?,
                "--work" => found.work = absolute(path)?,
                "--image" => found.image = absolute(path)?,
                "--classic" => found.classic = absolute(path)?,
                "--lists" => found.lists = absolute(path)?,
                "--about" => found.about = value.to_string_lossy().into_owned(),
                "--json" => found.json = Some(path),
                "--other" => found.other = Some(absolute(path)?),
                "--rounds" => {
                    let rounds = value.to_str().and_then(|value| value.parse().ok()).filter(|&rounds| rounds > 0);
                    found.rounds = rounds.ok_or("--rounds takes a number")?;
                }
                _ => return Err(format!("what is `{flag}`?")),
            }
        }
        for needed in [&found.programs, &found.with_lab, &found.work, &found.image, &found.classic, &found.lists] {
            if needed.as_os_str().is_empty() {
                return Err("a flag is missing".to_owned());
            }
        }
        Ok(found)
    }
}

/// Commands are run in other folders, so no path may depend on where this one was started.
fn absolute(path: PathBuf) -> Result<PathBuf, String> {
    std::fs::canonicalize(&path).map_err(|error| format!("{}: {error}", path.display()))
}
