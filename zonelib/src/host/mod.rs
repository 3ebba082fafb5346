//! The only door to the operating system's programs.
//!
//! Commands are run by absolute path, with an argument list and a cleared environment; there is no
//! shell in between. Tests put stand-ins behind this door (feature `lab`), never in front of it.

pub mod be;
mod dataset;
pub mod dladm;
pub mod flowadm;
mod interrupt;
pub mod ipadm;
mod link;
pub mod lock;
pub mod mounts;
mod network;
mod parsable;
mod patience;
mod reread;
pub mod routes;
mod setting;
mod small_file;
mod vlan;
pub mod zfs;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

pub use dataset::{DatasetError, DatasetName};
pub use interrupt::{interrupted, watch_signals};
pub use link::{LinkName, LinkNameError, MacAddress, MacAddressError};
pub use network::{ChangeError, NetworkChange};
pub use parsable::ListError;
pub use reread::{Reread, in_zone};
pub use setting::Setting;
pub use small_file::read_small;
pub use vlan::{VlanId, VlanIdError};

/// What every command finds in its environment besides what it is given.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that could not be run, or that failed.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The command is not on this host.
    #[error("`{}` is not on this host", program.display())]
    Absent {
        /// Its absolute path.
        program: PathBuf,
    },
    /// The command could not be started.
    #[error("`{line}` could not be started: {source}")]
    Start {
        /// The command line.
        line: String,
        /// Why.
        source: io::Error,
    },
    /// The command did only a part of what it was told, and succeeded.
    #[error("`{line}` has not done all: {said}")]
    Partly {
        /// The command line.
        line: String,
        /// What it said, one line.
        said: String,
    },
    /// The command did not end.
    #[error("`{line}` has not ended after {seconds} seconds, and was stopped; see what it waits for")]
    Endless {
        /// The command line.
        line: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The command ran and failed.
    #[error("`{line}` failed ({status}){}{}", if stderr.is_empty() { "" } else { ": " }, stderr)]
    Failed {
        /// The command line.
        line: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said, one line.
        stderr: String,
    },
}

impl HostError {
    /// Whether the command ran, failed, and had these words in what it said.
    #[must_use]
    pub fn says(&self, words: &str) -> bool {
        matches!(self, Self::Failed { stderr, .. } if stderr.contains(words))
    }

    /// The exit status of a command that ran and failed.
    #[must_use]
    pub fn status(&self) -> Option<i32> {
        match self {
            Self::Failed { status, .. } => status.code(),
            _ => None,
        }
    }
}

/// A command of the operating system, to be run.
#[derive(Clone, Debug)]
pub struct HostCommand {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    patience: Option<Duration>,
}

impl HostCommand {
    /// The command at an absolute path, such as `/usr/sbin/zfs`.
    #[must_use]
    pub fn new(program: &str) -> Self {
        Self {
            program: place(program),
            arguments: Vec::new(),
            environment: vec![("PATH".into(), PATH.into()), ("LC_ALL".into(), "C".into())],
            directory: "/".into(),
            patience: None,
        }
    }

    /// Waits no longer than this for the command to end: for one that is in the hands of somebody else, such as the root
    /// user of a zone.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the command's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Runs the command in a directory instead of `/`.
    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.directory);
        self
    }

    /// Whether the program is on this host.
    #[must_use]
    pub fn present(&self) -> bool {
        self.program.is_file()
    }

    /// Where the program is expected, for messages.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The command line, for messages.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.program.display().to_string();
        for argument in &self.arguments {
            line.push(' ');
            line.push_str(&argument.to_string_lossy());
        }
        line
    }

    /// Runs the command without input and returns what it wrote to standard output.
    ///
    /// # Errors
    /// [`HostError`]: absent, not startable, or ended with anything but status 0.
    pub fn run(&self) -> Result<Vec<u8>, HostError> {
        self.run_with(Stdio::null())
    }

    /// Runs the command with a file as its input.
    ///
    /// # Errors
    /// As [`HostCommand::run`].
    pub fn run_reading(&self, input: std::fs::File) -> Result<Vec<u8>, HostError> {
        self.run_with(Stdio::from(input))
    }

    /// Runs the command without input and returns what it wrote to standard error, though it succeeded.
    ///
    /// # Errors
    /// As [`HostCommand::run`].
    pub fn run_heeding(&self) -> Result<String, HostError> {
        Ok(String::from_utf8_lossy(&self.output(Stdio::null())?.stderr).into_owned())
    }

    /// Puts the command in the place of this process, with its terminal, directory, and these variables of its environment
    /// besides. Returns only when that failed.
    #[must_use]
    pub fn replace_this_process(&self, variables: &[&str]) -> HostError {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(&self.program);
        let own = variables.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.args(&self.arguments).env_clear().envs(self.environment.iter().cloned()).envs(own);
        self.start_error(command.exec())
    }

    fn run_with(&self, input: Stdio) -> Result<Vec<u8>, HostError> {
        Ok(self.output(input)?.stdout)
    }

    fn output(&self, input: Stdio) -> Result<Output, HostError> {
        let mut command = self.prepared();
        command.stdin(input);
        let output = match self.patience {
            None => command.output().map_err(|source| self.start_error(source))?,
            Some(patience) => patience::output(&mut command, patience)
                .map_err(|source| self.start_error(source))?
                .ok_or_else(|| HostError::Endless { line: self.line(), seconds: patience.as_secs() })?,
        };
        if output.status.success() {
            return Ok(output);
        }
        Err(HostError::Failed { line: self.line(), status: output.status, stderr: one_line(&output.stderr) })
    }

    fn prepared(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(self.environment.iter().cloned()).current_dir(&self.directory);
        command
    }

    fn start_error(&self, source: io::Error) -> HostError {
        if source.kind() == io::ErrorKind::NotFound && !self.program.exists() {
            HostError::Absent { program: self.program.clone() }
        } else {
            HostError::Start { line: self.line(), source }
        }
    }
}

/// Characters of the longest message of a command that is passed on.
const LONGEST_LINE: usize = 1000;

/// What a command said on standard error, as one line for a message. How far it had got is left out, where there is more.
fn one_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let telling: Vec<&str> = lines.iter().copied().filter(|line| !line.ends_with(" ...")).collect();
    let line = if telling.is_empty() { lines } else { telling }.join("; ");
    // It may come out of a zone, whose root user would have our terminal.
    line.chars().take(LONGEST_LINE).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// Where something with a fixed place on illumos is on this host: a command, `/etc/zones`, `/`. A build
/// for tests looks below `$ZONEKIT_LAB` instead, which is then a whole host in a directory; a build for
/// use has no such variable, for the environment of a hook is that of whoever called `zoneadm`. Paths
/// that users give, zonepaths among them, are taken as they are.
#[must_use]
pub fn place(path: &str) -> PathBuf {
    #[cfg(feature = "lab")]
    if let Some(lab) = std::env::var_os("ZONEKIT_LAB") {
        let below = path.trim_start_matches('/');
        return if below.is_empty() { lab.into() } else { Path::new(&lab).join(below) };
    }
    PathBuf::from(path)
}

/// The image to use for the one that was asked for: `/` is this host.
#[must_use]
pub fn image(asked: &Path) -> PathBuf {
    if asked == Path::new("/") { place("/") } else { asked.to_owned() }
}

/// A Bourne shell script of a package, run by its own interpreter. Where that is absent, as
/// `/sbin/sh` is on other systems than illumos, `/bin/sh` reads it.
///
/// # Errors
/// The script's first line cannot be read.
pub fn script(path: &Path) -> io::Result<HostCommand> {
    let mut first = [0u8; 128];
    let read = io::Read::read(&mut std::fs::File::open(path)?, &mut first)?;
    let line = first[..read].split(|&byte| byte == b'\n').next().unwrap_or_default();
    let interpreter = line.strip_prefix(b"#!").map(|rest| rest.trim_ascii());
    let bourne = matches!(interpreter, Some(b"/sbin/sh" | b"/usr/bin/sh" | b"/bin/sh"));
    let direct = !bourne || interpreter.is_some_and(|name| Path::new(OsStr::from_bytes(name)).exists());
    let mut command = HostCommand::new("/bin/sh");
    if direct {
        path.clone_into(&mut command.program);
        return Ok(command);
    }
    Ok(command.arg(path))
}

use std::os::unix::ffi::OsStrExt;

/// Gives this process the file mode creation mask that zoneadm(8) gives its hooks, whoever started it.
pub fn usual_umask() {
    rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
}

/// Puts another program of zonekit, from the folder of this one, in the place of this process. Returns only when that
/// failed.
#[must_use]
pub fn become_program(file: &str, arguments: &[OsString]) -> HostError {
    use std::os::unix::process::CommandExt;
    let start = |source| HostError::Start { line: file.to_owned(), source };
    // Whatever links lead to this one.
    match std::env::current_exe().and_then(|own| own.canonicalize()) {
        Ok(own) => start(Command::new(own.with_file_name(file)).args(arguments).exec()),
        Err(source) => start(source),
    }
}

/// Puts nothing in the place of standard input and standard error, whatever they are.
///
/// # Errors
/// As `open(2)`, `dup2(3C)`.
pub fn close_unusable() -> io::Result<()> {
    let nothing = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    Ok(rustix::stdio::dup2_stderr(&nothing)?)
}

/// Whether this process may set owners and make devices: its effective user is root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The effective user and group of this process, which own what it makes.
#[must_use]
pub fn own_ids() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// Bytes that nobody can guess and that no other call returns.
#[must_use]
pub fn random_bytes() -> [u8; 32] {
    rand::random()
}

/// Writes what has been changed in the file system of `fd` to stable storage; where one file system
/// cannot be asked for, all of them.
///
/// # Errors
/// As `syncfs(2)`.
pub fn flush(fd: impl AsFd) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(fd)?;
    #[cfg(not(target_os = "linux"))]
    {
        let _ = fd;
        rustix::fs::sync();
    }
    Ok(())
}

/// Processors that this process may use.
#[must_use]
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_carries_line_status_and_words() {
        let error = HostCommand::new("/bin/ls").arg("/nonexistent file").run().unwrap_err().to_string();
        assert!(error.starts_with("`/bin/ls /nonexistent file` failed (exit status: "), "{error}");
        assert!(error.contains("No such file"), "{error}");
    }

    #[test]
    fn what_a_command_says_of_its_progress_is_no_reason() {
        assert_eq!(one_line(b"x: reading ...\n\nx: full\nx: left\n"), "x: full; x: left");
        assert_eq!(one_line(b"x: reading ...\n"), "x: reading ...");
    }

    #[test]
    fn an_absent_command_is_said_to_be_absent() {
        let error = HostCommand::new("/nonexistent/zfs").run().unwrap_err();
        assert_eq!(error.to_string(), "`/nonexistent/zfs` is not on this host");
    }

    #[test]
    fn what_does_not_end_is_stopped() {
        let sleep = |seconds: &str| HostCommand::new("/bin/sleep").arg(seconds);
        let error = sleep("1000").within(Duration::from_millis(100)).run().unwrap_err();
        assert!(matches!(error, HostError::Endless { .. }), "{error}");
        let shell = |text: &str| HostCommand::new("/bin/sh").args(["-c", text]).within(Duration::from_secs(60));
        assert_eq!(shell("echo out; echo err >&2").run().unwrap(), b"out\n");
        assert_eq!(shell("echo err >&2").run_heeding().unwrap(), "err\n");
        assert_eq!(shell("exit 3").run().unwrap_err().status(), Some(3));
        // Nobody keeps all that it says, and one that it has started may go on.
        assert_eq!(shell("yes | head -c 9000000").run().unwrap().len(), patience::LIMIT);
        assert_eq!(shell("sleep 9 & echo well").run().unwrap(), b"well\n");
    }

    #[test]
    fn the_environment_is_cleared() {
        let out = HostCommand::new("/usr/bin/env").env("BASEDIR", "/x").run().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("BASEDIR=/x") && text.contains("LC_ALL=C") && !text.contains("HOME="), "{text}");
    }

    #[test]
    fn a_script_for_sbin_sh_runs_without_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("postinstall");
        std::fs::write(&path, "#!/sbin/sh\necho $1 $BASEDIR\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let out = script(&path).unwrap().arg("a b").env("BASEDIR", "/z").run().unwrap();
        assert_eq!(out, b"a b /z\n");
    }
}
