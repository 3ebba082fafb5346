//! A zone image in a file, instead of a zone root.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::populate::{self, ArchiveError};

use super::install::{Install, InstallError, Work};

impl Install {
    /// Writes the archive beside its place, and then puts it there.
    pub(super) fn write_archive(&self, work: &mut Work<'_, '_>) -> Result<(), InstallError> {
        let (image, plan) = (work.sources.image(), work.plan);
        let path = self.archive.as_deref().unwrap_or(Path::new(""));
        work.clock.phase("archiving", Some(plan.actions.len()));
        let fail = |source: ArchiveError| InstallError::Archive { path: path.to_owned(), source };
        let mut new = path.as_os_str().to_owned();
        new.push(format!(".{}.new", std::process::id()));
        let new = PathBuf::from(new);
        if let Some(problem) = not_replaceable(path) {
            return Err(fail(ArchiveError::Write(io::Error::new(io::ErrorKind::InvalidInput, problem))));
        }
        let file = File::create_new(&new).map_err(|error| fail(error.into()))?;
        let made = populate::archive(plan, &file, work.trees, &self.settings(work.clock.watch))
            .map_err(fail)
            .and_then(|applied| if image.changed() { Err(InstallError::Torn(self.image.clone())) } else { Ok(applied) })
            .and_then(|applied| self.refuse_differences(&applied).map(|()| applied))
            .and_then(|applied| file.sync_all().map(|()| applied).map_err(|error| fail(error.into())))
            .and_then(|applied| std::fs::rename(&new, path).map(|()| applied).map_err(|error| fail(error.into())));
        match made {
            Ok(applied) => work.report.applied = applied,
            Err(error) => {
                // The error to report is why it failed; a leftover has a name that says what it is.
                let _ = std::fs::remove_file(&new);
                return Err(error);
            }
        }
        work.report.postponed.clone_from(&plan.postinstall);
        Ok(())
    }
}

/// What stands in the place of an archive and is none.
fn not_replaceable(path: &Path) -> Option<&'static str> {
    let kind = std::fs::symlink_metadata(path).ok()?.file_type();
    match kind {
        _ if kind.is_file() => None,
        _ if kind.is_dir() => Some("is a directory"),
        _ if kind.is_symlink() => Some("is a symbolic link"),
        _ if kind.is_fifo() => Some("is a named pipe"),
        _ => Some("is no file"),
    }
}
