//! Names of datasets, snapshots and properties. Source: `zfs_namecheck.c`, `zfs_validate_name()`.

use super::super::state::Kind;

/// What is wrong with a name for something of these kinds.
pub(super) fn check(name: &str, kinds: &[Kind]) -> Result<(), String> {
    let wrong = |why: &str| Err(why.to_owned());
    if name.len() >= 256 {
        return wrong("name is too long");
    }
    if name.starts_with('/') {
        return wrong("leading slash in name");
    }
    if name.ends_with('/') {
        return wrong("trailing slash in name");
    }
    if name.matches('@').count() > 1 {
        return wrong("multiple '@' and/or '#' delimiters in name");
    }
    let snapshots = kinds.contains(&Kind::Snapshot);
    if !snapshots && name.contains('@') {
        return wrong("snapshot delimiter '@' is not expected here");
    }
    if snapshots && kinds.len() == 1 && !name.contains('@') {
        return wrong("missing '@' delimiter in snapshot name");
    }
    for part in name.split(['/', '@']) {
        if part.is_empty() {
            return wrong("empty component in name");
        }
        if matches!(part, "." | "..") {
            return Err(format!("self reference, '{part}' is found in name"));
        }
        let plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_.: ".contains(*letter);
        if let Some(letter) = part.chars().find(|letter| !plain(letter)) {
            return Err(format!("invalid character '{letter}' in name"));
        }
    }
    if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return wrong("name must begin with a letter");
    }
    Ok(())
}

/// Whether this is the name of a user property. Source: `zfs_prop_user()`.
pub(super) fn is_user_property(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.:".contains(&byte);
    name.contains(':') && name.bytes().all(plain)
}
