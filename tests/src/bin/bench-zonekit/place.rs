//! What is there before anything is measured: the image, a finished zone root, and which programs exist.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use crate::measure::Contender;

/// Everything that the cases need to know.
pub(crate) struct Place {
    /// The image to install from.
    pub(crate) image: PathBuf,
    /// A finished whole-root zone root: what the peers copy.
    pub(crate) finished: PathBuf,
    /// The paths in it, each followed by a NUL, parents first.
    pub(crate) list: PathBuf,
    /// How many there are, the root not counted.
    pub(crate) nodes: u64,
    /// Bytes in its files.
    pub(crate) bytes: u64,
    /// An up to date clone of /lib.
    pub(crate) clone: PathBuf,
    /// The script of the classic pipeline, and its prune lists.
    pub(crate) classic: (PathBuf, PathBuf),
    /// Rounds that count.
    pub(crate) rounds: usize,
    /// `pkgcreatezone` for pretend hosts.
    pub(crate) with_lab: PathBuf,
    programs: PathBuf,
    work: PathBuf,
}

impl Place {
    /// Installs a zone to copy from and notes what is in it.
    pub(crate) fn prepare(arguments: &Arguments) -> io::Result<Self> {
        let work = arguments.work.clone();
        let mut place = Self {
            image: arguments.image.clone(),
            finished: work.join("finished/root"),
            list: work.join("list"),
            nodes: 0,
            bytes: 0,
            clone: work.join("clone"),
            classic: (arguments.classic.clone(), arguments.lists.clone()),
            rounds: arguments.rounds,
            with_lab: arguments.with_lab.clone(),
            programs: arguments.programs.clone(),
            work,
        };
        place.install("a zone to copy from", "whole-root", &place.at("finished"), &[]).make()?;
        let clone = [OsString::from("--zonelib"), place.clone.clone().into()];
        place.install("a clone of /lib", "sparse-root", &place.at("zone"), &clone).run()?;
        let mut list = BufWriter::new(File::create_new(&place.list)?);
        let finished = place.finished.clone();
        place.walk(&finished, &mut list)?;
        list.flush()?;
        Ok(place)
    }

    /// A path in the work folder.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// The program under test, installing `brand` into `zonepath`, which is empty.
    pub(crate) fn install(&self, name: &str, brand: &str, zonepath: &Path, more: &[OsString]) -> Contender {
        let mut command = self.command(brand, &self.image);
        command.extend(["-R".into(), zonepath.into()]);
        command.extend_from_slice(more);
        Contender::new(name, command).fresh(zonepath)
    }

    /// The program under test, on an image.
    pub(crate) fn command(&self, brand: &str, image: &Path) -> Vec<OsString> {
        let program = self.programs.join("pkgcreatezone");
        vec![
            program.into(),
            "-b".into(),
            brand.into(),
            "-z".into(),
            "bench".into(),
            "--storage".into(),
            "directory".into(),
            "--state".into(),
            self.at("state").into(),
            "--image".into(),
            image.into(),
        ]
    }

    /// Writes the paths below a directory, depth first.
    fn walk(&mut self, directory: &Path, list: &mut impl Write) -> io::Result<()> {
        let mut entries = std::fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let relative = path.strip_prefix(&self.finished).unwrap_or(&path);
            list.write_all(relative.as_os_str().as_bytes())?;
            list.write_all(b"\0")?;
            let found = entry.metadata()?;
            self.nodes += 1;
            if found.is_file() && found.nlink() == 1 {
                self.bytes += found.len();
            }
            if found.is_dir() {
                self.walk(&path, list)?;
            }
        }
        Ok(())
    }
}

/// Where a program is, as the shell would find it.
pub(crate) fn installed(program: &str) -> bool {
    let runs =
        |path: PathBuf| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 1 == 1);
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| runs(folder.join(program))))
}
