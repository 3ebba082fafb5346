//! One run of svccfg in a scratch directory.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::host::{self, HostCommand, HostError};
use crate::populate::{same_files, split};
use crate::root::{Handle, Stat, Tree, clear, set_attributes};

use super::manifests::Manifest;
use super::{ImportError, LIMIT, copy};

/// svccfg(8) of the host.
const SVCCFG: &str = "/usr/sbin/svccfg";

/// The longest path to give svccfg: it makes one command of at most 2048 bytes from its arguments, and
/// cuts what is longer. Source: svccfg_main.c, `MAX_CMD_LINE_SZ`.
pub(super) const LONGEST: usize = 900;

/// The repository in the scratch directory, and what sqlite keeps beside it while it writes.
const REPOSITORY: &str = "repository.db";
const JOURNAL: &[u8] = b"repository.db-journal";

/// How a repository begins, when it is one of sqlite 2. Stock seeds do.
const HEADER: &[u8] = b"** This file contains an SQLite 2";

/// The svccfg to import with.
#[derive(Clone, Debug)]
pub struct Svccfg(String);

impl Svccfg {
    /// The host's own.
    #[must_use]
    pub fn of_host() -> Self {
        Self(SVCCFG.to_owned())
    }

    #[cfg(test)]
    pub(super) fn at(path: &Path) -> Self {
        Self(path.display().to_string())
    }

    /// Whether this host has it.
    #[must_use]
    pub fn present(&self) -> bool {
        self.require().is_ok()
    }

    pub(super) fn require(&self) -> Result<HostCommand, HostError> {
        let command = self.command();
        if command.present() {
            return Ok(command);
        }
        Err(HostError::Absent { program: command.program().to_owned() })
    }

    fn command(&self) -> HostCommand {
        HostCommand::new(&self.0)
    }
}

/// What was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Manifests that svccfg was given.
    pub manifests: u64,
    /// Those of them that it refused; the first boot tries them again.
    pub refused: u64,
}

impl Imported {
    /// Those that it took.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.manifests.saturating_sub(self.refused)
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.accepted() {
            1 => "1 service manifest imported".to_owned(),
            count => format!("{count} service manifests imported"),
        }
    }

    /// What to say of refused manifests.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let Self { manifests, refused } = self;
        let problem =
            format!("svccfg refused {refused} of {manifests} service manifests; the first boot tries them again");
        (*refused > 0).then_some(problem)
    }
}

/// An import under way.
pub(super) struct Import<'i> {
    svccfg: HostCommand,
    /// The directory that the scratch directory is in, and which goes with it.
    above: Handle,
    scratch: PathBuf,
    handle: Handle,
    root: Tree,
    /// Directories that have manifests.
    directories: Vec<Vec<u8>>,
    seed: &'i (File, Stat),
    manifests: u64,
    go_on: &'i dyn Fn() -> bool,
}

impl<'i> Import<'i> {
    /// Makes the scratch directory, or clears what a killed import left in it.
    pub(super) fn begin(
        svccfg: &Svccfg,
        scratch: &Path,
        seed: &'i (File, Stat),
        go_on: &'i dyn Fn() -> bool,
    ) -> Result<Self, ImportError> {
        let svccfg = svccfg.require()?;
        let fail = || ImportError::system(scratch);
        let made = std::fs::DirBuilder::new().mode(0o700).create(scratch);
        if let Err(error) = made.as_ref()
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            made.map_err(fail())?;
        }
        let above = scratch_handle(scratch).map_err(fail())?;
        clear(&above).map_err(fail())?;
        // What a killed run has left running must not find its files again.
        let name: String = host::random_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let handle = above.create_dir(name.as_bytes()).map_err(fail())?;
        // Checksums are kept by real paths.
        let scratch = scratch.canonicalize().map_err(fail())?.join(name);
        let root = scratch.join("root");
        if !is_plain(&root) {
            return Err(ImportError::Path(root));
        }
        handle.make_dir(b"root").map_err(fail())?;
        let root = Tree::open(&root).map_err(fail())?;
        Ok(Self { svccfg, above, scratch, handle, root, directories: Vec::new(), seed, manifests: 0, go_on })
    }

    fn copy_seed(&self) -> Result<(), ImportError> {
        let fail = || ImportError::system(&self.scratch);
        let (file, stat) = self.seed;
        if stat.size == 0 || stat.size > LIMIT {
            return Err(fail()(io::Error::other("the seed is empty, or too large for one")));
        }
        let made = self.handle.create_file(REPOSITORY.as_bytes()).map_err(fail())?;
        copy(file, stat, &made, self.go_on).map_err(fail())
    }

    /// Copies a manifest to where the zone has it, with what svccfg takes for a checksum first: owner,
    /// size and time.
    pub(super) fn add(&mut self, directory: &[u8], manifest: Manifest<'_>) -> Result<(), ImportError> {
        if !(self.go_on)() {
            return Err(ImportError::Interrupted);
        }
        let fail = || ImportError::system(&self.scratch);
        let path = [&directory[1..], b"/", manifest.path].concat();
        let (parent, name) = split(&path);
        let mut here = self.root.handle().map_err(fail())?;
        for part in parent.split(|&byte| byte == b'/') {
            here = match here.stat(part).map_err(fail())? {
                Some(_) => here.open_dir(part),
                None => here.create_dir(part),
            }
            .map_err(fail())?;
        }
        let made = here.create_file(name).map_err(fail())?;
        let stat = manifest.stat;
        copy(&manifest.file, &stat, &made, self.go_on).map_err(fail())?;
        let owner = host::is_root().then_some((stat.uid, stat.gid));
        set_attributes(&made, owner, 0o444, stat.modified).map_err(fail())?;
        self.manifests += 1;
        if self.directories.last().is_none_or(|last| *last != directory[1..]) {
            self.directories.push(directory[1..].to_vec());
        }
        Ok(())
    }

    /// Runs svccfg. It goes on after a manifest that it refuses, and ends with status 0 all the same
    /// when there are several.
    pub(super) fn run(&self, dtd: Option<&Path>) -> Result<Imported, ImportError> {
        if self.directories.is_empty() {
            return Err(ImportError::Useless("nothing to do: there are no manifests"));
        }
        let root = self.scratch.join("root");
        let mut command = self
            .svccfg
            .clone()
            .env("SVCCFG_REPOSITORY", self.scratch.join(REPOSITORY))
            .env("SVCCFG_CHECKHASH", "1")
            .env("PKG_INSTALL_ROOT", &root)
            .directory(&self.scratch)
            .arg("import");
        if let Some(dtd) = dtd {
            command = command.env("SVCCFG_DTD", dtd);
        }
        for directory in &self.directories {
            command = command.arg(root.join(std::ffi::OsStr::from_bytes(directory)));
        }
        let said = command.run_heeding();
        if !(self.go_on)() {
            return Err(ImportError::Interrupted);
        }
        Ok(Imported { manifests: self.manifests, refused: refused(&said?) })
    }

    /// The repository that svccfg left.
    pub(super) fn result(&self) -> Result<(File, Stat), ImportError> {
        let fail = || ImportError::system(&self.scratch);
        if self.handle.stat(JOURNAL).map_err(fail())?.is_some() {
            return Err(ImportError::Useless("a repository that it had not finished writing"));
        }
        let (file, stat) = self.handle.open_file(REPOSITORY.as_bytes()).map_err(fail())?;
        let (seed, _) = self.seed;
        let one_of_sqlite = |file: &File| beginning(file).map(|begins| begins == HEADER).map_err(fail());
        let sane = stat.size > 0 && stat.size <= LIMIT;
        if !sane || (one_of_sqlite(seed)? && !one_of_sqlite(&file)?) {
            return Err(ImportError::Useless("something that is no repository"));
        }
        let opened = self.handle.open_file(REPOSITORY.as_bytes()).map_err(fail())?;
        io::Seek::rewind(&mut &*seed).map_err(fail())?;
        if same_files(opened.0, seed).map_err(fail())? {
            return Err(ImportError::Useless("the repository without the services"));
        }
        set_attributes(&file, None, 0o600, stat.modified).and_then(|()| file.sync_all()).map_err(fail())?;
        Ok((file, stat))
    }

    /// The scratch directory, and the repository's name in it.
    pub(super) fn place(&self) -> (&Handle, &'static [u8]) {
        (&self.handle, REPOSITORY.as_bytes())
    }

    /// Does something with it and takes the scratch directory away, however that ended.
    pub(super) fn carry_out<R>(
        mut self,
        act: impl FnOnce(&mut Self) -> Result<R, ImportError>,
    ) -> Result<R, ImportError> {
        let done = self.copy_seed().and_then(|()| act(&mut self));
        // Why it failed is worth more than a leftover, which the next one clears.
        let ended = self.end();
        let result = done?;
        ended.map(|()| result)
    }

    fn end(self) -> Result<(), ImportError> {
        let fail = || ImportError::system(&self.scratch);
        clear(&self.above).map_err(fail())?;
        std::fs::remove_dir(self.scratch.parent().unwrap_or(&self.scratch)).map_err(fail())
    }
}

/// Takes a scratch directory away that somebody has left.
pub(super) fn clear_scratch(scratch: &Path) -> io::Result<()> {
    clear(&scratch_handle(scratch)?)?;
    std::fs::remove_dir(scratch)
}

/// Nobody but its owner may enter it, and it is no link to elsewhere.
fn scratch_handle(scratch: &Path) -> io::Result<Handle> {
    let name = scratch.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = Tree::open(scratch.parent().unwrap_or(Path::new("/")))?.handle()?;
    let handle = parent.open_dir(name.as_bytes())?;
    let stat = handle.stat_self()?;
    if stat.uid != host::own_ids().0 || stat.mode & 0o077 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "is not for its owner alone; remove it"));
    }
    Ok(handle)
}

fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    bytes.len() < LONGEST && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/.-_".contains(byte))
}

fn beginning(file: &File) -> io::Result<Vec<u8>> {
    io::Seek::rewind(&mut &*file)?;
    let mut bytes = Vec::new();
    file.take(HEADER.len() as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The number before `smf(7) service descriptions failed to load`; the section was another once.
fn refused(said: &str) -> u64 {
    said.lines()
        .filter(|line| line.contains("service descriptions failed to load"))
        .filter_map(|line| line.split_whitespace().find_map(|word| word.parse::<u64>().ok()))
        .sum()
}
