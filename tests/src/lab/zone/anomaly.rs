//! What must never happen on a host, put down where a test finds it.

use crate::lab::Lab;

use super::host;

/// Puts down something that a hook or a program must not do, though a real host might let it pass.
pub(super) fn record(lab: &Lab, what: &str) {
    let directory = lab.place(".lab/anomalies");
    let _ = std::fs::create_dir_all(&directory);
    let number = std::fs::read_dir(&directory).map_or(0, Iterator::count);
    let path = directory.join(format!("zone-{}-{number}", std::process::id()));
    if let Err(error) = host::append(&path, &format!("{what}\n")) {
        eprintln!("{}: {error}", path.display());
    }
}
