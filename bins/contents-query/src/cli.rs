//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

const AFTER: &str = "\
Exit status: 0 yes, or all is well; 1 a path is not packaged, or the database is not as it should be; 2 wrong usage, \
an unknown package, or a database that cannot be read.";

const AFTER_LONG: &str = "\
Exit status:
  0  yes, or all is well
  1  a path is not packaged, or the database is not as it should be
  2  wrong usage, an unknown package, or a database that cannot be read

Examples:
  contents-query owner /etc/passwd /usr/bin/ls
  contents-query package SUNWcs
  contents-query --image /export/zones/web/root check
  contents-query --json totals

Files, below the image:
  var/sadm/install/contents  the database, contents(5)
  var/sadm/install/pkglog    changes that `pkgadm sync` has yet to write into it

See also: contents(5), pkgchk(8), pkginfo(1)";

/// Asks the SVR4 package database who delivers what.
///
/// The whole database is parsed for every question. One that is damaged in any line gives an error with that line, and
/// no answer.
#[derive(Debug, Parser)]
#[command(name = "contents-query", version, after_help = AFTER, after_long_help = AFTER_LONG)]
#[command(disable_help_subcommand = true)]
pub struct Arguments {
    /// Look into the image with this root
    ///
    /// An image is any illumos root: the running system, a zone, a boot environment. Nothing outside of it is read.
    #[arg(long, value_name = "DIR", default_value = "/", global = true)]
    pub(crate) image: PathBuf,

    /// Answer in JSON
    ///
    /// The answer is one object with `"version": 1`. What the database does not know (`?`) is null; what an object of
    /// its kind does not have is absent. A name that is not UTF-8 is given as well as it can be, and in full in a
    /// second member, `path_hex` for `path`.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) question: Question,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Question {
    /// Say which packages deliver a path
    ///
    /// There is a line for each path: the path, with `=target` for a link; kind, a letter of
    /// contents(5); mode; owner; group; size in bytes; then the packages as the database lists them, latest last. `?`
    /// is what the database does not know, `-` what such an object does not have.
    ///
    /// A package may have a mark before its name, which says that an installation is under way or was cut short (one of
    /// + - ! % * ~), and behind it `\` for another kind and `:class` for another class than the entry's.
    ///
    /// A path that no package delivers gives a line `PATH - not packaged`, and exit status 1.
    Owner {
        /// Absolute paths, exactly as packaged
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<OsString>,
    },
    /// List what a package delivers
    ///
    /// There is one path a line, in the order of the database. With more than one package, what the first delivers comes
    /// first.
    Package {
        /// Names of packages
        #[arg(value_name = "NAME", required = true)]
        names: Vec<OsString>,
    },
    /// Count entries, packages and bytes
    ///
    /// There is a line, name and number, for all entries, for those of each kind (a letter of contents(5)), for packages,
    /// and for the bytes of all files as packaged.
    Totals,
    /// Parse the whole database and say whether it is in order
    ///
    /// It is when it is canonical, that is, the same byte for byte when it is written back; sorted by path; and when no
    /// changes are pending in pkglog. Otherwise the first line that is not so is named, and the exit status is 1.
    Check,
}
