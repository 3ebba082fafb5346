//! What is done in a namespace by this process itself.

use std::fs::{self, File};
use std::io;

/// Does something in a namespace, on a thread of its own.
///
/// # Errors
/// There is no such namespace, or this process may not enter it.
#[cfg(target_os = "linux")]
pub(super) fn inside<T: Send>(space: &str, act: impl FnOnce() -> T + Send) -> io::Result<T> {
    use std::os::fd::AsFd;

    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    let file = File::open(format!("/run/netns/{space}"))?;
    let run = || -> io::Result<T> {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(act())
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap())
}

/// Other systems have no such namespaces.
#[cfg(not(target_os = "linux"))]
pub(super) fn inside<T: Send>(space: &str, _: impl FnOnce() -> T + Send) -> io::Result<T> {
    File::open(format!("/run/netns/{space}"))?;
    Err(io::ErrorKind::Unsupported.into())
}

/// Sets a value below /proc/sys/net. What this kernel does not know of bridges needs not be set.
pub(super) fn set(space: &str, key: &str, value: &str) {
    let done = inside(space, || fs::write(format!("/proc/sys/net/{key}"), value)).and_then(|done| done);
    match done {
        Err(error) if !key.starts_with("bridge/") => panic!("{space}: {key}: {error}"),
        _ => {}
    }
}

/// The same, where the device may have gone.
pub(super) fn try_set(space: &str, key: &str, value: &str) {
    let _ = inside(space, || fs::write(format!("/proc/sys/net/{key}"), value));
}
