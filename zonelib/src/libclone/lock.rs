//! One at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a held lock is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a lock is not held.
pub(super) enum LockError {
    /// The lock's file could not be used, or somebody interrupted.
    System(io::Error),
    /// The process that holds it.
    Busy(String),
}

/// Holds the lock until the result is dropped; the file stays. A process that ends loses its locks.
pub(super) fn hold(path: &Path, patience: Duration, go_on: &dyn Fn() -> bool) -> Result<File, LockError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(path).map_err(LockError::System)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(LockError::System(error)),
            Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                let mut holder = String::new();
                file.take(32).read_to_string(&mut holder).map_err(LockError::System)?;
                return Err(LockError::Busy(holder.trim().to_owned()));
            }
            Err(TryLockError::WouldBlock) if !go_on() => {
                return Err(LockError::System(io::Error::new(io::ErrorKind::Interrupted, "interrupted")));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
    let note = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    note(&mut file).map_err(LockError::System)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_waits_and_learns_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = hold(&path, Duration::ZERO, &|| true).unwrap_or_else(|_| panic!("free"));
        match hold(&path, Duration::from_millis(60), &|| true) {
            Err(LockError::Busy(holder)) => assert_eq!(holder, std::process::id().to_string()),
            _ => panic!("held twice"),
        }
        drop(held);
        assert!(hold(&path, Duration::ZERO, &|| true).is_ok());
    }
}
