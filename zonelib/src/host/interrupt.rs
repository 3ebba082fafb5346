//! Interruption by signals: noticed between steps, so that what was begun can be undone.

use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

fn flag() -> &'static Arc<AtomicBool> {
    INTERRUPTED.get_or_init(Arc::default)
}

/// From now on SIGINT, SIGTERM and SIGHUP set a flag instead of ending the process. One that was told to pay no
/// attention when its terminal goes, by nohup(1), still pays none.
///
/// # Errors
/// The handlers could not be installed.
pub fn watch_signals() -> io::Result<()> {
    let hangup = (!ignores_hangup()).then_some(SIGHUP);
    for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
        signal_hook::flag::register(signal, Arc::clone(flag()))?;
    }
    Ok(())
}

/// Source: proc(5), `SigIgn` of `/proc/PID/status`.
#[cfg(not(target_os = "illumos"))]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Source: proc(5), `sigact`: a sigaction(2) for each signal, the first of which is SIGHUP.
#[cfg(target_os = "illumos")]
fn ignores_hangup() -> bool {
    /// Where the handler is, after the flags and what aligns it.
    const HANDLER: std::ops::Range<usize> = 8..16;
    const SIG_IGN: usize = 1;
    let actions = std::fs::read("/proc/self/sigact").unwrap_or_default();
    let handler = actions.get(HANDLER).and_then(|bytes| bytes.try_into().ok());
    handler.map(usize::from_ne_bytes) == Some(SIG_IGN)
}

/// Whether one of those signals has arrived.
#[must_use]
pub fn interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}
