//! The files of the host that belong to zones, and the locks on them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::fs::{FlockOperation, fcntl_lock};

use crate::lab::Lab;

use super::{Context, Done, fail};

/// Tells children that their zone is locked (section 3, locking).
pub(super) const LOCK_HELD: &str = "_ZONEADM_LOCK_HELD";

/// A lab, or another root in it (`-R`, section 9).
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) lab: Lab,
    pub(super) altroot: Option<PathBuf>,
}

/// A lock, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Host {
    pub(super) fn new(lab: &Lab) -> Self {
        Self { lab: lab.clone(), altroot: None }
    }

    /// Something below `etc/zones` or `var/run/zones`, which follow `-R`.
    pub(super) fn place(&self, path: &str) -> PathBuf {
        match &self.altroot {
            Some(root) => root.join(path.trim_start_matches('/')),
            None => self.lab.place(path),
        }
    }

    /// The configuration of a zone.
    pub(super) fn xml(&self, zone: &str) -> PathBuf {
        self.place(&format!("etc/zones/{zone}.xml"))
    }

    /// Waits for the lock of this name in `var/run/zones`, a directory that is made 0700.
    pub(super) fn lock(&self, name: &str) -> Done<Lock> {
        let directory = self.place("var/run/zones");
        let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(&directory);
        made.during(directory.display())?;
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).during(directory.display())?;
        lock_file(&directory.join(name))
    }

    /// The lock on a zone; none where whoever runs this holds it.
    pub(super) fn lock_zone(&self, zone: &str) -> Done<Option<Lock>> {
        if std::env::var_os(LOCK_HELD).is_some_and(|held| held == "1") {
            return Ok(None);
        }
        self.lock(&format!("{zone}.zoneadm.lock")).map(Some)
    }
}

/// Waits for a write lock on a file.
pub(super) fn lock_file(path: &Path) -> Done<Lock> {
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
    let file = file.during(path.display())?;
    fcntl_lock(&file, FlockOperation::LockExclusive).during(path.display())?;
    Ok(Lock { _file: file })
}

/// Adds to a file in one write.
pub(super) fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Replaces a file as a whole, readable by all.
pub(super) fn replace(path: &Path, text: &str) -> Done {
    let number = random_bytes::<8>()?.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let beside = path.with_file_name(format!("zonecfg.{number}"));
    let write = || -> io::Result<()> {
        let mut file = File::options().create_new(true).write(true).mode(0o644).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        fs::rename(&beside, path)
    };
    write().during(path.display()).inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// Bytes that nobody can guess.
pub(super) fn random_bytes<const N: usize>() -> Done<[u8; N]> {
    let mut bytes = [0; N];
    let mut source = File::open("/dev/urandom").during("/dev/urandom")?;
    io::Read::read_exact(&mut source, &mut bytes).during("/dev/urandom")?;
    Ok(bytes)
}

/// A stand-in that the zone commands themselves run, which no test counts; none where the lab has none.
pub(super) fn own_command(lab: &Lab, name: &str) -> Option<PathBuf> {
    let path = lab.place(".lab/bin").join(name);
    path.exists().then_some(path)
}

/// Runs such a command; none where the lab has none.
pub(super) fn run_own(lab: &Lab, name: &str, arguments: &[&str]) -> Option<Done<Output>> {
    let path = own_command(lab, name)?;
    let done = Command::new(&path).args(arguments).stdin(Stdio::null()).env("ZONEKIT_LAB", lab.root()).output();
    Some(done.during(path.display()))
}

/// Runs such a command, which must succeed.
pub(super) fn must_run(lab: &Lab, name: &str, arguments: &[&str]) -> Done<String> {
    let line = format!("{name} {}", arguments.join(" "));
    match run_own(lab, name, arguments) {
        None => fail(format!("{line}: the lab has no {name}")),
        Some(done) => {
            let done = done?;
            if !done.status.success() {
                return fail(format!("{line}: {}", String::from_utf8_lossy(&done.stderr).trim()));
            }
            Ok(String::from_utf8_lossy(&done.stdout).into_owned())
        }
    }
}

/// Prints to standard output, where somebody may have stopped reading.
pub(super) fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
