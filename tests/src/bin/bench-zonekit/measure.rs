//! Running one command and saying what it took, and running several in turn.
//!
//! Each command is run by a process of its own, this same program once more, which has no other child and
//! hardly any memory: what its children used is what the command used. A program that forks starts with
//! the peak of whoever forked it, so a small parent is what makes peaks comparable.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// The argument that makes this program run one command.
pub(crate) const ONE: &str = "--one";

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// From start to end.
    pub(crate) wall: Duration,
    /// User and system time, its children's included.
    pub(crate) cpu: Duration,
    /// Peak memory of the largest of its processes, in kB.
    pub(crate) memory: u64,
}

/// A command to be measured.
#[derive(Debug)]
pub(crate) struct Contender {
    /// What the table calls it.
    pub(crate) name: String,
    /// Program and arguments.
    pub(crate) command: Vec<OsString>,
    /// Where it runs.
    pub(crate) directory: Option<PathBuf>,
    /// What it reads.
    pub(crate) input: Option<PathBuf>,
    /// Directories that are empty when it starts, and removed afterwards.
    pub(crate) fresh: Vec<PathBuf>,
    /// The pretend host that its commands of illumos are in.
    pub(crate) lab: Option<PathBuf>,
}

impl Contender {
    pub(crate) fn new<I>(name: &str, command: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let command = command.into_iter().map(|word| word.as_ref().to_owned()).collect();
        Self { name: name.to_owned(), command, directory: None, input: None, fresh: Vec::new(), lab: None }
    }

    pub(crate) fn inside(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    pub(crate) fn reading(mut self, input: impl Into<PathBuf>) -> Self {
        self.input = Some(input.into());
        self
    }

    pub(crate) fn fresh(mut self, directory: impl Into<PathBuf>) -> Self {
        self.fresh.push(directory.into());
        self
    }

    pub(crate) fn on(mut self, lab: &Path) -> Self {
        self.lab = Some(lab.to_owned());
        self
    }

    /// Runs it once.
    pub(crate) fn run(&self) -> io::Result<Sample> {
        for directory in &self.fresh {
            make_empty(directory)?;
        }
        let sample = self.measured();
        for directory in &self.fresh {
            remove(directory)?;
        }
        sample
    }

    /// Runs it once for what it makes, which stays.
    pub(crate) fn make(&self) -> io::Result<()> {
        for directory in &self.fresh {
            make_empty(directory)?;
        }
        self.measured().map(drop)
    }

    fn measured(&self) -> io::Result<Sample> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ONE).args(&self.command);
        if let Some(lab) = &self.lab {
            command.env("ZONEKIT_LAB", lab);
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        match &self.input {
            Some(input) => command.stdin(File::open(input)?),
            None => command.stdin(Stdio::null()),
        };
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<u64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match numbers[..] {
            [wall, cpu, memory] if output.status.success() => {
                Ok(Sample { wall: Duration::from_nanos(wall), cpu: Duration::from_micros(cpu), memory })
            }
            _ => {
                let errors = String::from_utf8_lossy(&output.stderr);
                Err(io::Error::other(format!("{} failed: {}", self.name, errors.trim())))
            }
        }
    }
}

pub(crate) fn make_empty(directory: &PathBuf) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    remove(directory)?;
    std::fs::DirBuilder::new().mode(0o700).create(directory)
}

pub(crate) fn remove(directory: &PathBuf) -> io::Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Runs the command that the arguments are and prints nanoseconds, microseconds of processor and kB.
pub(crate) fn one(words: &[OsString]) -> ExitCode {
    let Some((program, arguments)) = words.split_first() else { return ExitCode::from(2) };
    let start = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status();
    let wall = start.elapsed();
    let used = match (status, getrusage(UsageWho::RUSAGE_CHILDREN)) {
        (Ok(status), Ok(used)) if status.success() => used,
        (Ok(status), _) => {
            eprintln!("{}: {status}", program.display());
            return ExitCode::FAILURE;
        }
        (Err(error), _) => {
            eprintln!("{}: {error}", program.display());
            return ExitCode::FAILURE;
        }
    };
    let cpu = microseconds(used.user_time()) + microseconds(used.system_time());
    println!("{} {cpu} {}", wall.as_nanos(), used.max_rss());
    ExitCode::SUCCESS
}

#[allow(clippy::unnecessary_cast, reason = "the widths of these fields differ between systems")]
fn microseconds(time: TimeVal) -> i64 {
    time.tv_sec() as i64 * 1_000_000 + time.tv_usec() as i64
}

/// A contender with what it took, round by round.
#[derive(Debug)]
pub(crate) struct Row {
    /// As [`Contender::name`].
    pub(crate) name: String,
    /// One a round; none when it could not be run.
    pub(crate) samples: Vec<Sample>,
    /// Why it could not be run.
    pub(crate) failure: Option<String>,
}

impl Row {
    fn median_of<T: Ord + Copy>(&self, part: impl Fn(&Sample) -> T) -> Option<T> {
        let mut values: Vec<T> = self.samples.iter().map(part).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied()
    }

    /// The median of the wall times.
    pub(crate) fn wall(&self) -> Option<Duration> {
        self.median_of(|sample| sample.wall)
    }

    /// The median of the processor times.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.median_of(|sample| sample.cpu)
    }

    /// The largest peak, in kB.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.samples.iter().map(|sample| sample.memory).max()
    }

    /// The shortest and the longest wall time.
    pub(crate) fn range(&self) -> Option<(Duration, Duration)> {
        let walls = || self.samples.iter().map(|sample| sample.wall);
        walls().min().zip(walls().max())
    }
}

/// Runs all contenders in turn, as often as `rounds` says after one round that does not count: that one
/// brings everything into memory. Who fails is left out of the rounds that follow.
pub(crate) fn in_turn(contenders: &[Contender], rounds: usize, warm: bool) -> Vec<Row> {
    let row = |contender: &Contender| Row { name: contender.name.clone(), samples: Vec::new(), failure: None };
    let mut rows: Vec<Row> = contenders.iter().map(row).collect();
    for round in usize::from(!warm)..=rounds {
        for (contender, row) in contenders.iter().zip(&mut rows).filter(|(_, row)| row.failure.is_none()) {
            match contender.run() {
                Ok(_) if round == 0 => {}
                Ok(sample) => row.samples.push(sample),
                Err(error) => row.failure = Some(error.to_string()),
            }
        }
    }
    rows
}
