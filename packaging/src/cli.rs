//! The flags, and what they do.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use zonelib::program::{self, Answer};

use crate::error::Error;
use crate::identity::{PACKAGE, VERSION};
use crate::layout::{self, Places};
use crate::svr4::Package;
use crate::tree::Tree;
use crate::{datastream, elf, install, ips};

/// What it is called in messages.
pub const PROGRAM: &str = "zonekit-package";

/// Lays zonekit out for illumos, and packages what was laid out
///
/// This belongs to the source tree and is not installed; `make install` and `make package` run it.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 2 it could not be done.")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Install programs, brands, templates, manual pages and completions
    Install(Install),
    /// Make an SVR4 package, as a folder and as a datastream, and an IPS manifest
    Build(Build),
}

/// The flags of `install`.
#[derive(Debug, Args)]
pub struct Install {
    /// Top of the source tree
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub source: PathBuf,
    /// Folder that the programs were built in
    #[arg(long, value_name = "DIR")]
    pub programs: PathBuf,
    /// Install below this folder; an empty one is /
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub destdir: OsString,
    /// Where programs and data go, an absolute path
    #[arg(long, value_name = "DIR", default_value = "/usr")]
    pub prefix: PathBuf,
}

/// The flags of `build`.
#[derive(Debug, Args)]
pub struct Build {
    /// Tree to be packaged: what `install` put below --destdir
    #[arg(long, value_name = "DIR")]
    pub proto: PathBuf,
    /// Folder for the packages
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Time of all files, in seconds since 1970, so that the same tree gives the same bytes [default: their own times]
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH", value_parser = clap::value_parser!(i64).range(0..=i64::from(u32::MAX)))]
    pub mtime: Option<i64>,
}

/// Does what the flags say.
///
/// # Errors
/// [`Error`].
pub fn run(cli: &Cli) -> Result<Answer, Error> {
    match &cli.verb {
        Verb::Install(flags) => flags.run(),
        Verb::Build(flags) => flags.run(),
    }
}

impl Install {
    fn run(&self) -> Result<Answer, Error> {
        if !self.prefix.is_absolute() {
            return Err(Error::Usage(format!("--prefix {}: is not absolute", self.prefix.display())));
        }
        let places =
            Places { source: self.source.clone(), programs: self.programs.clone(), prefix: self.prefix.clone() };
        let mut done = String::new();
        for object in layout::objects(&places)? {
            done += &install::put(Path::new(&self.destdir), &object)?;
            done.push('\n');
        }
        Ok(program::answer(PROGRAM, &done, Answer::Yes))
    }
}

impl Build {
    fn run(&self) -> Result<Answer, Error> {
        let tree = Tree::read(&self.proto, self.mtime)?;
        warn_of_strangers(&tree);
        let package = Package::of(&tree)?;
        std::fs::create_dir_all(&self.output).map_err(Error::at(&self.output))?;
        package.write(&self.output)?;
        let stream = self.output.join(format!("{PACKAGE}-{VERSION}.pkg"));
        write(&stream, &datastream::write(&package))?;
        let manifest = self.output.join("zonekit.p5m");
        write(&manifest, ips::manifest(&tree).as_bytes())?;
        let made = [self.output.join(PACKAGE), stream, manifest].map(|path| format!("{}\n", path.display()));
        Ok(program::answer(PROGRAM, &made.concat(), Answer::Yes))
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    std::fs::write(path, content).map_err(Error::at(path))
}

/// A package of programs that illumos cannot run is good for looking at, not for installing.
fn warn_of_strangers(tree: &Tree) {
    let programs = tree.entries.iter().filter(|entry| entry.mode & 0o111 != 0);
    let strangers =
        programs.filter_map(|entry| entry.content()).filter(|content| !elf::is_for_illumos(content)).count();
    if strangers > 0 {
        program::complain(
            PROGRAM,
            &format!(
                "{strangers} programs were not built for illumos: the package is for looking at; to install it, build \
                 them on illumos or for x86_64-unknown-illumos"
            ),
        );
    }
}
