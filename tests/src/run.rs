//! Running the programs of the workspace, as their users do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests, which end by panics")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::sample::{self, Options, Sample};

/// How scratch directories are called.
const SCRATCH: &str = "zonekit-test-";

/// A program that has not ended by then hangs.
const HANGS: Duration = Duration::from_secs(60);

/// A directory that goes away with all that is in it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes one, in memory where that can be had.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let memory = Path::new("/dev/shm");
        let base = if fs::metadata(memory).is_ok_and(|found| found.is_dir() && found.permissions().mode() & 0o2 != 0) {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        // zoneadm knows a zonepath by its real name alone.
        let base = base.canonicalize().unwrap();
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("{SCRATCH}{}-{number}", std::process::id()));
            match fs::DirBuilder::new().mode(0o755).create(&path) {
                Ok(()) => return Self { path },
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a name in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes a zonepath in it, as zoneadm does: a directory for root alone.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn zonepath(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        path
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Packaged directories may forbid their owner to change them.
        if !is_root() {
            let _ = Command::new("chmod").args(["-R", "u+rwX"]).arg(&self.path).stderr(Stdio::null()).status();
        }
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_dir_all(state_of(&self.path));
    }
}

/// A sample image in a directory of its own, and nothing that may be changed.
#[derive(Debug)]
pub struct Image {
    scratch: Scratch,
    /// What is in it.
    pub sample: Sample,
}

impl Image {
    /// Makes one for a single test, which may change it.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn make(options: &Options) -> Self {
        let scratch = Scratch::new();
        let sample = sample::make(&scratch.join("image"), options).unwrap();
        let image = Self { scratch, sample };
        if !is_root() {
            image.readable();
        }
        image
    }

    /// Its root.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.scratch.join("image")
    }

    /// Where a path of the image is on this machine.
    #[must_use]
    pub fn on_disk(&self, path: &str) -> PathBuf {
        self.sample.on_disk(path)
    }

    /// Lets the caller read files whose packaged mode forbids it. It does not show in a zone, where modes come
    /// from the database.
    fn readable(&self) {
        let done = Command::new("chmod").args(["-R", "u+r"]).arg(self.path()).status();
        assert!(done.is_ok_and(|status| status.success()));
    }
}

/// The sample image with everything in it, shared by the tests that run at the same time.
#[must_use]
pub fn image() -> Arc<Image> {
    static SHARED: Mutex<Weak<Image>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let image = Arc::new(Image::make(&Options::default()));
        *shared = Arc::downgrade(&image);
        image
    })
}

/// Whether the tests run as root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a test has to be left out for want of root's privileges; says so.
#[must_use]
pub fn skip_without_root() -> bool {
    if !is_root() {
        skip("needs root");
    }
    !is_root()
}

/// Says that a test is left out.
pub fn skip(why: &str) {
    let thread = std::thread::current();
    eprintln!("skipped: {why}: {}", thread.name().unwrap_or_default());
}

/// A file system of a few bytes, where one may be mounted.
#[derive(Debug)]
pub struct Small(PathBuf);

impl Small {
    /// Mounts it with these options of tmpfs; none where that is not allowed.
    ///
    /// # Panics
    /// There can be no directory.
    #[must_use]
    pub fn mount(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(Self(at.to_owned()));
        }
        skip("a small file system cannot be mounted");
        None
    }

    /// One that somebody has mounted there.
    #[must_use]
    pub fn mounted(at: PathBuf) -> Self {
        Self(at)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it other options.
    ///
    /// # Panics
    /// It is refused.
    pub fn grow(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A program of this workspace, which is built beside the tests.
///
/// # Panics
/// It has not been built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    // Tests are one folder below the programs.
    let folders = own.ancestors().skip(1).take(2);
    let path = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    let path = path.unwrap_or_else(|| own.with_file_name(name));
    assert!(path.is_file(), "{} is not there: run `make test`, which builds the programs first", path.display());
    path
}

/// `pkgcreatezone` with nothing of this host in its way.
#[must_use]
pub fn pkgcreatezone() -> Command {
    let mut command = Command::new(program("pkgcreatezone"));
    command.env_remove("_ZONEADM_LOCK_HELD").stdin(Stdio::null());
    command.args(["--config", "/nonexistent/zonekit"]);
    command
}

/// An installation. The clone of /lib goes beside the zonepath.
#[must_use]
pub fn install(brand: &str, image: &Path, zonepath: &Path) -> Command {
    let mut command = pkgcreatezone();
    command.args(["-z", "z1", "-b", brand, "-R"]).arg(zonepath).arg("--image").arg(image);
    command.arg("--zonelib").arg(zonepath.with_file_name("zonelib"));
    command.arg("--state").arg(state_of(zonepath));
    command
}

/// Where the journals of zones are whose zonepaths are in a scratch directory: beside it.
#[must_use]
pub fn state_of(zonepath: &Path) -> PathBuf {
    let scratch = zonepath.ancestors().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(SCRATCH)
    });
    scratch.unwrap_or(zonepath).with_extension("state")
}

/// A plan, as JSON.
///
/// # Panics
/// There is none.
#[must_use]
pub fn plan_json(brand: &str, image: &Path, more: &[&str]) -> String {
    let zonepath = std::env::temp_dir().canonicalize().unwrap().join("zonekit-test-that-is-never-made");
    let done = run(install(brand, image, &zonepath).args(["-n", "--json"]).args(more));
    done.succeeded();
    done.out
}

/// An archive of a zone.
///
/// # Panics
/// It was not made.
pub fn archive(brand: &str, image: &Path, file: &Path, more: &[&str]) -> Ran {
    let mut command = pkgcreatezone();
    command.args(["-b", brand, "--image"]).arg(image).arg("--archive").arg(file).args(more);
    let done = run(&mut command);
    done.succeeded();
    done
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ran {
    /// How.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Ran {
    /// The exit status; -1 after a signal.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// Its errors: what it wrote to standard error besides the phases.
    #[must_use]
    pub fn errors(&self) -> Vec<&str> {
        self.err.lines().filter(|line| !is_phase(line)).collect()
    }

    /// It succeeded and had no errors to tell.
    ///
    /// # Panics
    /// It did not.
    pub fn succeeded(&self) {
        assert!(self.code() == 0 && self.errors().is_empty(), "{self:#?}");
    }

    /// It failed with this status and one line on standard error that holds every one of these words, and
    /// printed nothing.
    ///
    /// # Panics
    /// It did not.
    pub fn refused(&self, code: i32, words: &[&str]) {
        let errors = self.errors();
        assert!(self.code() == code, "exit status {} expected: {self:#?}", code);
        assert!(errors.len() == 1, "one line expected: {self:#?}");
        assert!(errors[0].starts_with("pkgcreatezone: ") && !errors[0].trim_end().ends_with(':'), "{self:#?}");
        for word in words {
            assert!(errors[0].contains(word), "`{word}` expected: {self:#?}");
        }
        assert!(self.out.is_empty(), "{self:#?}");
    }
}

/// Whether a line of standard error tells that a phase begins.
#[must_use]
pub fn is_phase(line: &str) -> bool {
    line.starts_with("pkgcreatezone: ") && line.ends_with(" ...")
}

/// Runs a program to its end.
///
/// # Panics
/// It cannot be started, or hangs.
pub fn run(command: &mut Command) -> Ran {
    Running::start(command).end()
}

/// A program that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    out: std::thread::JoinHandle<Vec<u8>>,
    err: BufReader<std::process::ChildStderr>,
    seen: String,
}

impl Running {
    /// Starts a program.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let out = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let err = BufReader::new(child.stderr.take().unwrap());
        Self { child, out, err, seen: String::new() }
    }

    /// Waits until a phase begins; false when the program ended first.
    ///
    /// # Panics
    /// Standard error cannot be read.
    pub fn until(&mut self, phase: &str) -> bool {
        self.until_line(|line| is_phase(line.trim_end()) && line.contains(phase))
    }

    /// Waits until such a line is printed; false when the program ended first.
    ///
    /// # Panics
    /// Standard error cannot be read.
    pub fn until_line(&mut self, is_it: impl Fn(&str) -> bool) -> bool {
        loop {
            let mut line = String::new();
            if self.err.read_line(&mut line).unwrap() == 0 {
                return false;
            }
            self.seen.push_str(&line);
            if is_it(&line) {
                return true;
            }
        }
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name.
    ///
    /// # Panics
    /// There is no such signal.
    pub fn signal(&self, name: &str) {
        let signal = match name {
            "INT" => rustix::process::Signal::INT,
            "TERM" => rustix::process::Signal::TERM,
            "HUP" => rustix::process::Signal::HUP,
            "KILL" => rustix::process::Signal::KILL,
            "STOP" => rustix::process::Signal::STOP,
            "CONT" => rustix::process::Signal::CONT,
            other => panic!("no signal {other}"),
        };
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
        // It may have ended; the test sees that from what it left.
        let _ = rustix::process::kill_process(id, signal);
    }

    /// Waits until a signal has stopped it; false when it ended before that.
    ///
    /// # Panics
    /// It cannot be asked.
    pub fn stands_still(&mut self) -> bool {
        let status = format!("/proc/{}/stat", self.child.id());
        while !self.ended() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            if text.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')) {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// It cannot be asked.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It hangs.
    #[must_use]
    pub fn end(mut self) -> Ran {
        let err = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            self.err.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > HANGS {
                let _ = self.child.kill();
                panic!("the program hangs; it said: {}", self.seen);
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let rest = err.join().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { status, out: text(&self.out.join().unwrap()), err: self.seen + &text(&rest) }
    }
}

/// The signal that ended a program, if one did.
#[must_use]
pub fn signal_of(ran: &Ran) -> Option<i32> {
    ran.status.signal()
}

/// Compares a text with the one that is kept in a file, which `UPDATE_GOLDEN=1` writes anew where that is allowed.
///
/// # Panics
/// They differ.
pub fn golden(file: &Path, found: &str, may_update: bool) {
    if may_update && std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, found).unwrap();
        return;
    }
    let kept = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (kept_lines, found_lines): (BTreeSet<&str>, BTreeSet<&str>) = (kept.lines().collect(), found.lines().collect());
    let mut wrong: Vec<String> = kept_lines.difference(&found_lines).map(|line| format!("- {line}")).collect();
    wrong.extend(found_lines.difference(&kept_lines).map(|line| format!("+ {line}")));
    let shown = wrong[..wrong.len().min(40)].join("\n");
    assert!(wrong.is_empty(), "{}: {} lines differ:\n{shown}", file.display(), wrong.len());
    assert_eq!(kept, found, "{}: other order", file.display());
}
