//! One at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a held lock is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a lock is not held.
#[derive(Debug)]
pub enum LockError {
    /// The lock's file could not be used.
    System(io::Error),
    /// The process that holds it.
    Busy(String),
    /// Somebody interrupted the waiting.
    Interrupted,
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// How to wait.
pub struct Waiting<'w> {
    /// For how long.
    pub patience: Duration,
    /// Asked meanwhile: false stops.
    pub go_on: &'w dyn Fn() -> bool,
    /// Told once who is waited for.
    pub tell: &'w dyn Fn(&str),
}

/// Holds the lock until the result is dropped; the file stays. A process that ends loses its locks.
///
/// # Errors
/// [`LockError`].
pub fn hold(path: &Path, waiting: &Waiting<'_>) -> Result<File, LockError> {
    let start = Instant::now();
    loop {
        let mut file = wait(path, waiting, start)?;
        // Whoever removed the file meanwhile would let the next one lock another.
        let own = file.metadata()?;
        if std::fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())) {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())?;
            return Ok(file);
        }
    }
}

fn wait(path: &Path, waiting: &Waiting<'_>, start: Instant) -> Result<File, LockError> {
    let mut options = OpenOptions::new();
    // Who may open it could hold it for ever.
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    // What a link leads to is not the lock.
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    let file = options.open(path)?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) => {}
        }
        if start.elapsed() >= waiting.patience {
            return Err(LockError::Busy(holder(&file)?));
        }
        if !(waiting.go_on)() {
            return Err(LockError::Interrupted);
        }
        if !told {
            (waiting.tell)(&holder(&file)?);
            told = true;
        }
        std::thread::sleep(PAUSE);
    }
}

/// What the holder wrote; it may be about to write it.
fn holder(mut file: &File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(32).read_to_end(&mut bytes)?;
    let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse::<u32>().ok());
    Ok(number.map_or_else(|| "another process".to_owned(), |number| format!("process {number}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_for(path: &Path, patience: Duration, go_on: bool) -> Result<File, LockError> {
        hold(path, &Waiting { patience, go_on: &|| go_on, tell: &|_| {} })
    }

    /// A program that another test starts may have a lock a little longer, until it runs.
    fn held(path: &Path) -> File {
        wait_for(path, Duration::from_secs(30), true).unwrap()
    }

    #[test]
    fn the_second_waits_and_learns_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = held(&path);
        match wait_for(&path, Duration::from_millis(60), true) {
            Err(LockError::Busy(holder)) => assert_eq!(holder, format!("process {}", std::process::id())),
            other => panic!("{other:?}"),
        }
        assert!(matches!(wait_for(&path, Duration::from_secs(60), false), Err(LockError::Interrupted)));
        drop(first);
        held(&path);
    }

    #[test]
    fn a_holder_that_cannot_be_read_is_somebody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = held(&path);
        for words in [&b""[..], b"\xff\xfe", b"-1", b"no number\n"] {
            std::fs::write(&path, words).unwrap();
            match wait_for(&path, Duration::ZERO, true) {
                Err(LockError::Busy(holder)) => assert_eq!(holder, "another process"),
                other => panic!("{other:?}"),
            }
        }
        drop(first);
    }

    #[test]
    fn a_file_that_was_removed_locks_nobody_out_and_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = held(&path);
        std::fs::remove_file(&path).unwrap();
        let second = held(&path);
        assert!(matches!(wait_for(&path, Duration::ZERO, true), Err(LockError::Busy(_))));
        drop((first, second));
    }

    #[test]
    fn only_its_owner_may_open_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let _held = held(&path);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o077, 0);
    }
}
