//! Namespaces that runs have left which were killed.

use std::fs;

use super::tools;

/// How all names of the lab's namespaces begin.
pub(super) const FAMILY: &str = "zklab";

fn all() -> Vec<String> {
    let entries = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Removes the namespaces of processes that are no more.
pub(super) fn stale() {
    for name in all() {
        let mut parts = name.split('.');
        let (family, pid) = (parts.next(), parts.next().and_then(|pid| pid.parse::<u32>().ok()));
        if let (Some(FAMILY), Some(pid)) = (family, pid)
            && !fs::exists(format!("/proc/{pid}")).unwrap_or(true)
        {
            tools::remove_space(&name);
        }
    }
}

/// Those of one lab.
pub(super) fn those_of(prefix: &str) -> Vec<String> {
    let own = format!("{prefix}.");
    all().into_iter().filter(|name| name.starts_with(&own)).collect()
}

/// Removes them.
pub(super) fn remove(prefix: &str) {
    those_of(prefix).iter().for_each(|name| tools::remove_space(name));
}
