//! The flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::read::PythonVersion;
use crate::target::{Assignment, Platform};

const AFTER: &str = "Exit status: 0 all is well; 1 something was found; 2 it could not be checked.";

const AFTER_LONG: &str = "Exit status:
  0  all is well; notes may have been printed
  1  something was found
  2  it could not be checked, or only in part: standard error says what and why

Examples:
  pipcheck check                              # the running system
  pipcheck check --root /zones/web/root --python 3.13
  pipcheck check --path venv/lib/python3.13/site-packages --platform linux
  pipcheck packages --fix TRIBhttpie-python-313
  pipcheck what-if urllib3==2.2.1
  pipcheck held-back --known versions.txt
  pipcheck diff before.json /build/root

Files, below a root:
  lib/pythonX.Y/site-packages in usr, usr/local, usr/versions/*, opt/* and the root itself, where distributions of
  modules are, and dist-packages and vendor-packages beside it
  var/sadm/install/contents  which package owns what, contents(5)
  var/sadm/pkg               what packages depend on, depend(5)
  var/sadm/overlays          which overlays carry a package

Standards: the core metadata specification, PEP 440 (versions), PEP 508 (requirements), PEP 503 (names)";

/// Keeps the Python modules of a distribution in check
///
/// Finds every distribution of Python modules below a root, and says what they lack, what they cannot stand, and what
/// would come of an update. Python is not run, nothing is fetched, and nothing is changed. A root may be the running
/// system, a zone, an image or a build tree; no link in it leads out of it.
#[derive(Debug, Parser)]
#[command(name = "pipcheck", version, max_term_width = 100, after_help = AFTER, after_long_help = AFTER_LONG)]
#[command(disable_help_subcommand = true, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check whether every module has what it needs
    #[command(after_help = AFTER, after_long_help = CHECK_KINDS)]
    Check(Check),
    /// Compare what modules need with what their SVR4 packages declare
    #[command(after_help = AFTER, after_long_help = PACKAGE_KINDS)]
    Packages(Packages),
    /// Say what an update would break and repair, before it is built
    #[command(after_help = WHAT_IF_STATUS)]
    WhatIf(WhatIf),
    /// Say who holds a module back, and how far each would let it go
    #[command(after_help = BLOCKERS_STATUS)]
    Blockers(Blockers),
    /// Say which modules are held back against a list of newer versions, and which could move together
    #[command(after_help = HELD_BACK_STATUS)]
    HeldBack(HeldBack),
    /// Show modules: version, what they require and are required by, extras, owner
    #[command(after_help = SHOW_STATUS)]
    Show(Show),
    /// Show what requires what, as a tree
    #[command(after_help = SHOW_STATUS)]
    Tree(Tree),
    /// Say what changed between two roots, or two reports of `check --json`
    #[command(after_help = DIFF_STATUS)]
    Diff(Diff),
}

const WHAT_IF_STATUS: &str = "Exit status: 0 nothing would break; 1 something would that does not now; 2 it could not \
                              be told, or only in part.";
const BLOCKERS_STATUS: &str = "Exit status: 0 nothing is in the way (of the newest version of --known, else of any); 1 \
                               something is; 2 it could not be told, or only in part.";
const HELD_BACK_STATUS: &str = "Exit status: 0 nothing is held back; 1 something is; 2 it could not be told, or only \
                                in part.";
const SHOW_STATUS: &str = "Exit status: 0 all that is shown holds; 1 some of it does not; 2 it could not be shown, or \
                           only in part.";
const DIFF_STATUS: &str = "Exit status: 0 nothing new was found; 1 there are new findings; 2 it could not be compared, \
                           or only in part.";

const CHECK_KINDS: &str = "Findings:
  missing             a requirement is not installed
  incompatible        it is, in a version that is not wanted
  ambiguous           it is installed twice, and only one of the two would do
  requires-python     the module is not for this Python
  extra-missing       as missing, for an extra that another module asks for
  extra-incompatible  as incompatible, likewise
  extra-unknown       an extra is asked for that the module does not have
  direct-url          a requirement names an address, and the module is from another
  duplicate           one directory has two versions of a module
  import-name         two modules install the same name
  bad-requirement     a requirement that cannot be understood; the others of the module are checked
  bad-metadata        metadata that are missing, garbled, or contradict the name of their directory
  bad-version         a version that is none by PEP 440
  unreadable          something that cannot be read
  leftover            what an interrupted installation has left
Notes, which do not count for the exit status:
  cycle               modules that require one another
  shadowed            a module that another directory has too, which comes first
  legacy-specifier    a specifier that is not by PEP 440, and how it was read
  unsure              what cannot be told from what is here

Exit status: 0 nothing but notes; 1 findings; 2 it could not be checked, or only in part.";

const PACKAGE_KINDS: &str = "Findings:
  undeclared     a module needs a package that its own does not depend on
  not-needed     a package depends on one that the metadata of its modules do not mention
  not-here       metadata need a module that is not installed, and nothing says what package has it
  version-drift  package and module have different versions
  unowned        a module that no package owns
  gone           a module that a package owns and that is not there
  changed        metadata of other size or checksum than packaged, with --verify
  bad-package    files of a package that cannot be read or understood
Notes, which do not count for the exit status:
  extra          a package depends on one that only an extra of its modules needs
  extra-of       the same, for an extra of what its modules require
  conditional    metadata mention it, under a condition that does not hold on this platform
  unsure         a declared package is not installed, so that nobody knows what modules are in it

Exit status: 0 nothing but notes; 1 findings; 2 it could not be checked, or only in part.";

/// Where modules are looked for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What is looked at")]
pub(crate) struct SourceFlags {
    /// Look below this root, in all usual places (repeatable) [default: /]
    #[arg(long = "root", value_name = "DIR")]
    pub roots: Vec<PathBuf>,
    /// Look into this directory of modules, such as .../site-packages (repeatable: one search path, in this order)
    ///
    /// With --root it is a path below that root. So are the absolute paths in .pth files.
    #[arg(long = "path", value_name = "DIR")]
    pub paths: Vec<PathBuf>,
    /// Look at this METADATA or PKG-INFO file (repeatable); needs --python
    #[arg(long = "file", value_name = "FILE", conflicts_with_all = ["roots", "paths"])]
    pub files: Vec<PathBuf>,
    /// Look at this Python only, such as 3.13 or 3.13.5 (repeatable) [default: all that are found]
    #[arg(long = "python", value_name = "VERSION", value_delimiter = ',')]
    pub pythons: Vec<PythonVersion>,
    #[command(flatten)]
    pub target: TargetFlags,
}

/// The environment that markers are evaluated for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What it is checked for")]
pub(crate) struct TargetFlags {
    /// The platform that modules are installed for; never that of this machine
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Platform::Illumos)]
    pub platform: Platform,
    /// Set a marker variable, such as platform_machine=sun4v (repeatable)
    #[arg(long = "marker", value_name = "NAME=VALUE")]
    pub markers: Vec<Assignment>,
    /// Check what would hold on these Pythons instead, such as 3.12,3.13
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',')]
    pub matrix: Vec<PythonVersion>,
}

/// How it is told.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "How it is told")]
pub(crate) struct OutputFlags {
    /// Print JSON, with a `version`
    #[arg(long)]
    pub json: bool,
    /// Colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// When there is colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Check {
    /// Tell only what concerns these modules
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Findings to put up with (TOML: `[[waiver]]` with distribution, requirement, kind, reason, expires)
    #[arg(long, value_name = "FILE")]
    pub waivers: Vec<PathBuf>,
    /// The day that waivers expire against, as 2027-01-31 [default: today]
    #[arg(long, value_name = "DATE")]
    pub today: Option<crate::waivers::Date>,
    /// Leave notes out of the text
    #[arg(long)]
    pub no_notes: bool,
    #[command(flatten)]
    pub sources: SourceFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Packages {
    /// Tell only of these packages
    #[arg(value_name = "PACKAGE")]
    pub names: Vec<String>,
    /// Packages of modules that are not installed (TOML: `[packages]` with "module" = "package")
    #[arg(long = "map", value_name = "FILE")]
    pub mappings: Vec<PathBuf>,
    /// Compare metadata with the size and checksum that they were packaged with, too
    #[arg(long)]
    pub verify: bool,
    /// Print the depend files that would be right instead, each after a comment with the name of its package
    #[arg(long)]
    pub fix: bool,
    /// A package that is being built, by its tree of files as they will be below the root; with --depend and --name
    #[arg(long, value_name = "DIR", requires_all = ["depend", "name"])]
    pub tree: Option<PathBuf>,
    /// Its depend file
    #[arg(long, value_name = "FILE", requires = "tree")]
    pub depend: Option<PathBuf>,
    /// Its name
    #[arg(long, value_name = "PACKAGE", requires = "tree")]
    pub name: Option<String>,
    /// Its version, as pkginfo will have it
    #[arg(long, value_name = "VERSION", requires = "tree")]
    pub package_version: Option<String>,
    /// A package in spool format: a directory with pkginfo, install/depend and reloc
    #[arg(long, value_name = "DIR", conflicts_with = "tree")]
    pub spooled: Option<PathBuf>,
    /// Findings to put up with, as for check; `distribution` is the package
    #[arg(long, value_name = "FILE")]
    pub waivers: Vec<PathBuf>,
    /// The day that waivers expire against, as 2027-01-31 [default: today]
    #[arg(long, value_name = "DATE")]
    pub today: Option<crate::waivers::Date>,
    /// Leave notes out of the text
    #[arg(long)]
    pub no_notes: bool,
    #[command(flatten)]
    pub sources: SourceFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct WhatIf {
    /// New versions; what they need themselves is taken to be as now
    #[arg(value_name = "NAME==VERSION", required_unless_present_any = ["metadata", "remove"])]
    pub updates: Vec<String>,
    /// A new version, or a new module, by its METADATA or the folder of it, so that what it needs is known (repeatable)
    #[arg(long, value_name = "FILE")]
    pub metadata: Vec<PathBuf>,
    /// A module that is taken away (repeatable)
    #[arg(long, value_name = "NAME")]
    pub remove: Vec<String>,
    #[command(flatten)]
    pub sources: SourceFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Blockers {
    /// Modules
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// Versions that there are, as for held-back
    #[arg(long, value_name = "FILE")]
    pub known: Option<PathBuf>,
    /// Let pre-releases count as newest
    #[arg(long)]
    pub pre: bool,
    #[command(flatten)]
    pub sources: SourceFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct HeldBack {
    /// Tell only of these modules
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Versions that there are: lines `name version` or `name==version`, or what `pip list --outdated` prints
    #[arg(long, value_name = "FILE", required = true)]
    pub known: PathBuf,
    /// METADATA of newer versions, or folders of them: what could move together is then known, not hoped for
    #[arg(long, value_name = "FILE")]
    pub metadata: Vec<PathBuf>,
    /// Let pre-releases count as newest
    #[arg(long)]
    pub pre: bool,
    #[command(flatten)]
    pub sources: SourceFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// Modules
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    #[command(flatten)]
    pub sources: SourceFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Tree {
    /// Start from these modules [default: those that no other requires]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Show what requires each, instead of what each requires
    #[arg(long)]
    pub reverse: bool,
    /// Print it in the language of Graphviz, whole
    #[arg(long, conflicts_with = "json")]
    pub dot: bool,
    /// Print no deeper than this
    #[arg(long, value_name = "LEVELS", default_value_t = 40)]
    pub depth: usize,
    #[command(flatten)]
    pub sources: SourceFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Diff {
    /// The old root, or a report of check --json
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The new one
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Look at this Python only (repeatable)
    #[arg(long = "python", value_name = "VERSION", value_delimiter = ',')]
    pub pythons: Vec<PythonVersion>,
    #[command(flatten)]
    pub target: TargetFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }
}
