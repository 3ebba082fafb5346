//! A zone's service repository, prepared so that the first boot has nothing to import.
//!
//! A zone that starts with the stock seed imports every service manifest at its first boot. Here the
//! host's own svccfg(8) does that beforehand, once for all zones: into a copy of the seed, from copies of
//! the manifests below a scratch root that it takes for the zone's `/` (`PKG_INSTALL_ROOT`), and with the
//! checksums by which the first boot sees that a manifest was imported (`SVCCFG_CHECKHASH`). Profiles stay
//! the first boot's work: nothing in the repository says that one was applied.
//!
//! Source: svccfg(8), smf_bootstrap(7); usr/src/cmd/svc of illumos-gate: svccfg, common/manifest_hash.c,
//! milestone/manifest-import.

mod import;
mod manifests;
mod prepared;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::host::HostError;
use crate::libclone::CloneError;
use crate::populate::split;
use crate::recipe::Smf;
use crate::root::{CopyBuffer, Handle, Stat, Transfer, Tree, remove_tree, set_attributes};

pub use import::{Imported, Svccfg};
pub use prepared::{Outcome, Prepared};

/// Where manifests are in a zone, which is where manifest-import looks for them.
const DIRECTORIES: [&[u8]; 2] = [b"/lib/svc/manifest", b"/var/svc/manifest"];

/// A repository larger than this is not one.
const LIMIT: u64 = 256 * 1024 * 1024;

/// What a repository is called until it is complete.
const NEW: &[u8] = b".zonekit-new";

/// Why there is no prepared repository. A zone does without: it imports at its first boot.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The host's svccfg is absent, or failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Something could not be read or made.
    #[error("{}: {source}", path.display())]
    System {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// svccfg reads its arguments as words of its own language.
    #[error("{}: svccfg takes only paths of letters, digits, `/`, `.`, `-` and `_`, shorter than {} bytes", .0.display(), import::LONGEST)]
    Path(PathBuf),
    /// svccfg said that it had done its work.
    #[error("svccfg left {0}")]
    Useless(&'static str),
    /// The lock of the clone is held, or could not be had.
    #[error(transparent)]
    Clone(#[from] CloneError),
    /// Somebody interrupted it.
    #[error("interrupted")]
    Interrupted,
}

impl ImportError {
    fn system(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| match source.kind() {
            io::ErrorKind::Interrupted => Self::Interrupted,
            _ => Self::System { path: path.to_owned(), source },
        }
    }
}

/// What to say when there is no prepared repository.
#[must_use]
pub fn warning(error: &ImportError) -> String {
    format!("services are imported at the first boot, which takes longer: {error}")
}

/// Imports the manifests of a filled zone root, which has never been booted, into its repository.
/// `scratch` is a directory that nobody else uses and that only root may enter; whatever is in it goes.
///
/// # Errors
/// [`ImportError`]; the root then has the repository that it had.
pub fn prepare_root(
    svccfg: &Svccfg,
    root: &Tree,
    smf: &Smf,
    scratch: &Path,
    go_on: &dyn Fn() -> bool,
) -> Result<Imported, ImportError> {
    let repository = smf.repository.trim_start_matches('/').as_bytes();
    let fail = || ImportError::system(root.path());
    let seed = root.open_file(repository).map_err(fail())?;
    let import = import::Import::begin(svccfg, scratch, &seed, go_on)?;
    import.carry_out(|import| {
        for directory in DIRECTORIES {
            manifests::below(root, &directory[1..], &mut |manifest| import.add(directory, manifest))?;
        }
        let imported = import.run(dtd(root).as_deref())?;
        let (file, stat) = import.result()?;
        install(&file, &stat, root, repository).map_err(fail())?;
        Ok(imported)
    })
}

/// Replaces a repository of a root by another, which gets the owner and mode of the one before.
///
/// # Errors
/// As `openat(2)`, `write(2)`, `renameat(2)`.
pub fn install(repository: &File, stat: &Stat, root: &Tree, path: &[u8]) -> io::Result<()> {
    let (parent, name) = split(path);
    let handle = root.open_dir(parent)?;
    let old = handle.stat(name)?.ok_or(io::ErrorKind::NotFound)?;
    remove_tree(&handle, NEW)?;
    let made = handle.create_file(NEW)?;
    copy(repository, stat, &made, &|| true)?;
    set_attributes(&made, Some((old.uid, old.gid)), old.mode, stat.modified)?;
    handle.rename(NEW, name)
}

/// Copies a file as a whole.
fn copy(from: &File, stat: &Stat, to: &File, go_on: &dyn Fn() -> bool) -> io::Result<()> {
    io::Seek::rewind(&mut &*from)?;
    let copied = CopyBuffer::default().copy(from, stat, to, Transfer::Plain, go_on)?;
    if copied.bytes == stat.size { Ok(()) } else { Err(io::Error::other("changed while it was copied")) }
}

/// The document type that svccfg checks manifests against, of an image that has one.
fn dtd(image: &Tree) -> Option<PathBuf> {
    const DIRECTORY: &[u8] = b"usr/share/lib/xml/dtd";
    const NAME: &str = "service_bundle.dtd.1";
    image.resolve_dir(DIRECTORY).and_then(|directory: Handle| directory.open_file(NAME.as_bytes())).ok()?;
    Some(image.locate(DIRECTORY).ok()?.join(NAME))
}

#[cfg(test)]
mod tests;
