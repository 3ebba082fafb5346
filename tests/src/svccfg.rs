//! A stand-in for svccfg(8) of illumos, as far as `import` goes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests, which end by panics")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A repository is a text here: each manifest adds a line with its path below `PKG_INSTALL_ROOT`, its size
/// and its time. Like the real one it goes on after a manifest that it refuses, here one with `refuse me`
/// in it, and ends with status 0.
const SCRIPT: &str = r#"
echo "$* $(basename "$SVCCFG_REPOSITORY") $SVCCFG_CHECKHASH ${SVCCFG_DTD-}" >> "$LOG"
[ "$1" = import ] || { echo "svccfg: Unknown command" >&2; exit 1; }
shift
loaded=0
refused=0
for directory; do
    [ -d "$directory" ] || { echo "svccfg: Unable to stat file $directory." >&2; exit 1; }
    for manifest in $(find "$directory" -type f -name '*.xml' | LC_ALL=C sort); do
        loaded=$((loaded + 1))
        if grep -q 'refuse me' "$manifest"; then
            refused=$((refused + 1))
        else
            echo "${manifest#"$PKG_INSTALL_ROOT"} $(stat -c '%s %Y' "$manifest")" >> "$SVCCFG_REPOSITORY"
        fi
    done
done
echo "Loaded $loaded smf(7) service descriptions" >&2
[ $refused = 0 ] || echo "$refused smf(7) service descriptions failed to load" >&2
"#;

/// Puts a stand-in at a path; each run adds a line to `log`.
///
/// # Panics
/// It cannot be made.
pub fn put(at: &Path, log: &Path) {
    put_script(at, &format!("LOG={}\n{SCRIPT}", log.display()));
}

/// Puts a program in shell at a path.
///
/// # Panics
/// It cannot be made.
pub fn put_script(at: &Path, script: &str) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    fs::write(at, format!("#!/bin/sh\nset -eu\n{script}")).unwrap();
    fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
}
