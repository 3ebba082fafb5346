//! Edge cases, by category.

mod accidents;
mod drift;
mod kinds;
mod links;
mod names;

use self::Place::{Device, Missing, Packaged, Unpackaged};
use super::plan::Plan;

/// Where the paths of a category are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the database, and on disk.
    Packaged,
    /// In the database; on disk only where devices can be made, see [`super::Sample::devices`].
    Device,
    /// In the database, and no longer (or never) on disk.
    Missing,
    /// On disk, and not in the database.
    Unpackaged,
}

/// A sort of edge case.
#[derive(Clone, Copy, Debug)]
pub struct Category {
    /// Its key in [`super::Sample::edge`].
    pub name: &'static str,
    /// Where its paths are.
    pub place: Place,
    /// What is special about them.
    pub what: &'static str,
}

const fn category(name: &'static str, place: Place, what: &'static str) -> Category {
    Category { name, place, what }
}

/// All categories of edge cases.
pub const CATEGORIES: &[Category] = &[
    // Kinds and fields of the database.
    category("kinds", Packaged, "one or more of each of f e v d x s l p"),
    category("devices", Device, "c and b"),
    category("unknown-device", Missing, "a c with `?` for major and minor"),
    category("pipe-mode", Packaged, "a pipe chmodded live: 0620 packaged, 0600 now"),
    category(
        "unknown-attributes",
        Packaged,
        "`?` for mode, owner, group, or for size, checksum, time, or for all; the editable one is lp:lp 0640 live",
    ),
    category("unknown-missing", Missing, "an editable file with `?` for everything, missing live"),
    category("status-marks", Packaged, "package tokens with + - ! % * ~ in front; f in /usr, edited e in /etc"),
    category(
        "package-suffixes",
        Packaged,
        "package tokens with `\\`, `:class`, `\\:class` behind; f in /usr, edited e in /etc",
    ),
    category("modes", Packaged, "modes 0000, 0200, 4755, 2555, 1644 of files, 1777 and 2775 of directories"),
    category("times", Packaged, "mtimes 0, 1, 2^31 and in 2100; f in /usr, edited e in /etc"),
    category("nanoseconds", Packaged, "f whose live mtime has nanoseconds"),
    category("live-owner", Packaged, "owner `tern`, whom only the live passwd and group know"),
    category("zero-length", Packaged, "size 0; the editable one is longer live"),
    category("big", Packaged, "over 1 MB"),
    category("sparse", Packaged, "files with holes, one at the end"),
    // Names.
    category(
        "odd-names",
        Packaged,
        "quotes, `$()`, globs, leading dash, backslash, `~`, `%`, control characters, UTF-8",
    ),
    category("odd-names-editable", Packaged, "all odd, invalid and long names once more, as edited editable files"),
    category("invalid-utf8", Packaged, "names that are not UTF-8"),
    category("long-names", Packaged, "names of 255 bytes"),
    category("unpackageable-names", Unpackaged, "names with blank, tab, newline, `=`, which contents(5) cannot hold"),
    category("symlink-targets", Packaged, "targets with `=`, quote, UTF-8, dangling, circular, out of the root"),
    category("package-names", Packaged, "packages with `++` or `.` in the name, and names that are prefixes of others"),
    category("named-save", Packaged, "paths called `save`, of a package called `save`; the one in /etc is an edited e"),
    category("save-metadata", Unpackaged, "metadata of the package and the overlay called `save`: must be kept"),
    // Hard links.
    category("hard-links-within", Packaged, "in one directory, relative"),
    category("hard-links-absolute", Packaged, "by absolute target"),
    category("hard-links-chain", Packaged, "to another hard link"),
    category("hard-links-across", Packaged, "between /sbin, /lib, /etc and /usr; both ends are listed"),
    category("hard-links-editable", Packaged, "an edited editable file and its links in /etc and /usr"),
    category("hard-links-pruned", Packaged, "to a path that prune lists name"),
    category("hard-links-broken", Packaged, "live a file of its own"),
    category("hard-links-missing", Missing, "gone live"),
    category("hard-links-stray", Unpackaged, "an unpackaged name of a packaged file"),
    // Editable files and the running system.
    category("editable-content", Packaged, "edited, replaced, emptied or grown live; one is v"),
    category("editable-mode", Packaged, "0600 packaged, 0666 live"),
    category("editable-owner", Packaged, "lp:lp packaged, ada:staff live"),
    category("editable-time", Packaged, "only touched live"),
    category("editable-setid", Packaged, "4755, edited; the pristine copy is 0755"),
    category("editable-symlink", Packaged, "live a symlink: to a packaged file, and out of the root"),
    category("symlink-victims", Packaged, "the packaged file at which such a symlink points"),
    category("editable-directory", Packaged, "live a directory with a file in it"),
    category("editable-missing", Missing, "gone live, one with set-id bits"),
    category("editable-lost", Missing, "gone live, and without a pristine copy"),
    category("editable-no-pristine", Packaged, "edited, and without a pristine copy"),
    category("editable-two-pristine", Packaged, "edited, with copies of two packages: the last listed counts"),
    category("editable-earlier-pristine", Packaged, "edited; of two packages only the first listed has a copy"),
    category(
        "editable-alternate-kind",
        Packaged,
        "edited e of the second package; f (marked `\\`) or of another class (`:build`) of the first",
    ),
    category("pristine-root", Packaged, "edited; the copy is under pspool/PKG/root, as for absolute pkgmap paths"),
    category("editable-outside", Packaged, "edited, in /usr, /lib and /sbin"),
    category("reloc-components", Packaged, "edited, with a path component called reloc or like it"),
    category("stale-pristine", Unpackaged, "pristine copies without a database line"),
    category("undo", Unpackaged, "patch undo data in a package's save directory"),
    // Other things and the running system.
    category("implied-parents", Packaged, "no line for the directories above; one is an edited e"),
    category("file-content", Packaged, "f edited live"),
    category("file-mode", Packaged, "f chmodded live: 0644 packaged, 0600 now"),
    category("file-missing", Missing, "f gone live"),
    category("symlink-retargeted", Packaged, "s that points elsewhere live: `replaced`, not `appended`"),
    category("symlink-replaced", Packaged, "s that is a file live"),
    category("symlink-missing", Missing, "s gone live"),
    category("directory-symlink-inside", Packaged, "d that is a relative symlink live, with an f and an e below"),
    category(
        "directory-symlink-absolute",
        Packaged,
        "d that is an absolute symlink live: to /export/edge-away, and through `/etc/..`",
    ),
    category("directory-missing", Missing, "d gone live"),
    category("unpackaged", Unpackaged, "files that no package owns"),
    category("unpackaged-links", Unpackaged, "symlinks that no package owns: absolute, circular, upwards"),
    // Accidents.
    category(
        "prefix-accidents",
        Packaged,
        "/etcetera, /libexec, /usrlocal, /bootstrap and such: not below /etc, /lib, /usr, /boot",
    ),
    category("substring-accidents", Packaged, "paths and targets that hold a pruned path and are not pruned"),
    category(
        "opt",
        Packaged,
        "packages on the /opt line (one marked), partly in /opt, in /opt without being on its line, and one named like SUNWcs",
    ),
    category("ignored-package", Packaged, "a package that zones never keep"),
];

/// Plans all edge cases.
pub(crate) fn plan(plan: &mut Plan) {
    kinds::plan(plan);
    names::plan(plan);
    links::plan(plan);
    drift::plan(plan);
    accidents::plan(plan);
}
