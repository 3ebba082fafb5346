//! Writing a seed, so that it is there as a whole or not at all.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use crate::config::ZoneName;
use crate::host;
use crate::journal::{Journal, StateDir, Undo};
use crate::net::inside::{self, Change, ZoneFile};
use crate::root::{Handle, SYSTEM_OWNER, Tree, WholeFile, put_file_as, set_attributes};

use super::place::{Spot, There};
use super::{Output, Prepared, SeedFile, SeedRequest, image as iso};
use crate::zone::ZoneError;
use crate::zone::error::go_on;

/// What a directory is marked by: what was written into it.
const MARK: &str = ".zonekit-seed";
/// The file without which a seed is none.
const META_DATA: &str = "meta-data";
/// All files that a seed may have.
const NAMES: [&str; 3] = [META_DATA, "network-config", "user-data"];
/// Bytes of the largest file of a seed.
const LIMIT: u64 = 1 << 20;
/// Files of a seed are for root alone: there may be a password in them.
const MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// What a mark says.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    version: u32,
    zone: ZoneName,
    /// The files, and the SHA-1 of each.
    files: BTreeMap<String, String>,
}

fn digest(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether what is there may be replaced.
pub(super) fn refuse(request: &SeedRequest, spot: &Spot, there: &There, state: &StateDir) -> Result<(), ZoneError> {
    let (zone, path) = (&request.zone, spot.path.display());
    let refuse = |why: String| Err(ZoneError::Refused(format!("{path}: {why}")));
    match (&request.output, there) {
        (_, There::Nothing) => Ok(()),
        (Output::Image(_), There::File(_)) if request.force => Ok(()),
        (Output::Image(_), There::File(head)) if iso::is_of(head, zone) => Ok(()),
        (Output::Image(_), There::File(_)) => {
            refuse(format!("is no seed that was made for zone `{zone}`; move it away, or give --force"))
        }
        (Output::Image(_), There::Directory(_)) => refuse("is a directory, and no image; name a file".to_owned()),
        (Output::Directory(_), There::File(_)) => refuse("is a file, and no directory; name another".to_owned()),
        (Output::Directory(_), There::Directory(names)) if request.force || names.is_empty() => Ok(()),
        (Output::Directory(_), There::Directory(names)) => match stranger(spot, zone, names, state)? {
            None => Ok(()),
            Some(why) => refuse(format!("{why}; move it away, or give --force")),
        },
    }
}

/// What in a directory was not written here, or not as it is now.
fn stranger(spot: &Spot, zone: &ZoneName, names: &[String], state: &StateDir) -> Result<Option<String>, ZoneError> {
    spot.within(state, |parent| {
        let tree = parent.enter(spot.name.as_bytes()).map_err(ZoneError::system(&spot.path))?;
        let text = tree.read(MARK.as_bytes(), LIMIT).ok();
        let mark = text.and_then(|text| serde_json::from_slice::<Mark>(&text).ok());
        let Some(mark) = mark.filter(|mark| mark.version == 1) else {
            return Ok(Some("has something in it, and no mark of a seed".to_owned()));
        };
        if mark.zone != *zone {
            return Ok(Some(format!("is the seed of zone `{}`", mark.zone)));
        }
        for name in names.iter().filter(|name| *name != MARK) {
            let Some(written) = mark.files.get(name) else {
                return Ok(Some(format!("has `{}` in it, which is of no seed", name.escape_debug())));
            };
            let now = tree.read(name.as_bytes(), LIMIT).map(|bytes| digest(&bytes));
            if now.ok().as_ref() != Some(written) {
                return Ok(Some(format!("`{name}` in it was changed since it was written")));
            }
        }
        Ok(None)
    })
}

/// The name of something until it takes its place. Nobody else chooses it.
fn beside(journal: &Journal) -> String {
    format!(".zonekit-{}", journal.mark())
}

/// Puts an image in its place.
pub(super) fn image(spot: &Spot, bytes: &[u8], state: &StateDir, journal: &mut Journal) -> Result<(), ZoneError> {
    let beside = beside(journal);
    journal.step(match spot.in_zone(&beside) {
        Some((root, path)) => Undo::ZoneFile { root, state: state.path().to_owned(), path, before: None },
        None => Undo::RemoveScratch { path: spot.path.with_file_name(&beside) },
    })?;
    go_on()?;
    let whole = WholeFile { bytes, mode: MODE, owner: SYSTEM_OWNER, modified: None };
    spot.within(state, |tree| {
        put_file_as(tree, spot.name.as_bytes(), Some(&whole), beside.as_bytes()).map_err(ZoneError::system(&spot.path))
    })
}

/// Puts a directory in its place, or brings one that is there up to date.
pub(super) fn directory(
    prepared: &Prepared,
    zone: &ZoneName,
    state: &StateDir,
    journal: &mut Journal,
) -> Result<(), ZoneError> {
    let Prepared { files, spot, there, .. } = prepared;
    let empty = match there {
        There::Directory(names) => names.is_empty(),
        _ => true,
    };
    let files = zone_files(files, zone)?;
    if empty && spot.in_zone("").is_none() {
        return appear(spot, &files, journal);
    }
    // Two times, for what makes it a seed goes first and comes last.
    let gone = [ZoneFile::gone(META_DATA)];
    for files in [&gone[..], &files] {
        go_on()?;
        change(spot, files, state, journal)?;
    }
    Ok(())
}

/// The files, those that are not there among them, in the order in which they are written.
fn zone_files(files: &[SeedFile], zone: &ZoneName) -> Result<Vec<ZoneFile>, ZoneError> {
    let digests = files.iter().map(|file| (file.name.to_owned(), digest(file.text.as_bytes())));
    let mark = Mark { version: 1, zone: zone.clone(), files: digests.collect() };
    let mark = serde_json::to_string(&mark).map_err(|error| ZoneError::Refused(error.to_string()))?;
    let whole = |name: &str, text: String| ZoneFile { mode: MODE, ..ZoneFile::whole(name, text) };
    let mut all = vec![whole(MARK, format!("{mark}\n"))];
    let mut names = NAMES;
    names.reverse();
    all.extend(names.into_iter().map(|name| match files.iter().find(|file| file.name == name) {
        Some(file) => whole(name, file.text.clone()),
        None => ZoneFile::gone(name),
    }));
    Ok(all)
}

/// A new directory is made beside, and gets its name when it is whole.
fn appear(spot: &Spot, files: &[ZoneFile], journal: &mut Journal) -> Result<(), ZoneError> {
    let beside = beside(journal);
    let path = spot.path.with_file_name(&beside);
    journal.step(Undo::RemoveScratch { path: path.clone() })?;
    let parent = spot.path.parent().unwrap_or(Path::new("/"));
    let parent = Tree::open(parent).and_then(|tree| tree.handle()).map_err(ZoneError::system(parent))?;
    let fill = |made: &Handle| -> Result<(), ZoneError> {
        inside::write(&Tree::from_handle(made).map_err(ZoneError::system(&path))?, files)?;
        let modified = made.stat_self().map_err(ZoneError::system(&path))?.modified;
        set_attributes(made, host::is_root().then_some(SYSTEM_OWNER), DIRECTORY_MODE, modified)
            .and_then(|()| host::flush(made))
            .map_err(ZoneError::system(&path))
    };
    fill(&parent.create_dir(beside.as_bytes()).map_err(ZoneError::system(&path))?)?;
    go_on()?;
    parent.rename(beside.as_bytes(), spot.name.as_bytes()).map_err(ZoneError::system(&spot.path))
}

/// Changes files where they are. How that is taken back is in the journal before.
fn change(spot: &Spot, files: &[ZoneFile], state: &StateDir, journal: &mut Journal) -> Result<(), ZoneError> {
    let named = |file: &ZoneFile| ZoneFile { path: format!("{}/{}", spot.name, file.path), ..file.clone() };
    let files: Vec<ZoneFile> = files.iter().map(named).collect();
    spot.within(state, |tree| {
        for change in inside::plan(tree, &files)? {
            for folder in change.new_folders(tree)? {
                journal.step(match spot.in_zone(&folder) {
                    Some((root, path)) => Undo::ZoneFolder { root, state: state.path().to_owned(), path },
                    None => Undo::RemoveDirectory { path: spot.path.with_file_name(&folder) },
                })?;
            }
            journal.step(undo(spot, &change, state)?)?;
        }
        inside::write(tree, &files)?;
        Ok(())
    })
}

fn undo(spot: &Spot, change: &Change, state: &StateDir) -> Result<Undo, ZoneError> {
    if let Some((root, path)) = spot.in_zone(&change.path) {
        return Ok(Undo::ZoneFile { root, state: state.path().to_owned(), path, before: change.saved() });
    }
    let path: PathBuf = spot.path.with_file_name(&change.path);
    change.undo_on_host(&path).ok_or_else(|| {
        ZoneError::Refused(format!("{}: is no text, and could not be brought back; move it away", path.display()))
    })
}
