//! Images of seeds: ISO 9660, made by the host's mkisofs(8).

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config::ZoneName;
use crate::host::HostCommand;
use crate::journal::{Journal, StateDir, Undo};
use crate::net::files::cloud_init::{LABEL, MKISOFS, mkisofs_arguments};
use crate::root::{Tree, remove_tree};

use super::SeedFile;
use crate::zone::ZoneError;

/// The folder of the state directory in which images are made.
const SCRATCH: &str = "seed";
/// Bytes of the largest image: seeds are small, and mkisofs pads them by 300 kB.
const LIMIT: u64 = 16 << 20;
/// What images say they were made by, before the zone that they are of.
const APPLICATION: &str = "zonekit cloud-init seed of ";

/// The volume descriptor, and in it the standard's mark, the label, and what made the image. Source: ECMA-119, 6.2 and 8.4.
const DESCRIPTOR: std::ops::Range<usize> = 16 * 2048..17 * 2048;
const STANDARD: std::ops::Range<usize> = 0..6;
const VOLUME: std::ops::Range<usize> = 40..72;
const MAKER: std::ops::Range<usize> = 574..702;
/// Bytes of an image up to the end of its volume descriptor.
pub(super) const HEAD: u64 = DESCRIPTOR.end as u64;

fn field(head: &[u8], range: std::ops::Range<usize>) -> Option<&[u8]> {
    head.get(DESCRIPTOR)?.get(range).map(<[u8]>::trim_ascii_end)
}

fn is_seed(head: &[u8]) -> bool {
    field(head, STANDARD) == Some(b"\x01CD001") && field(head, VOLUME) == Some(LABEL.as_bytes())
}

/// Whether an image, of which at least [`HEAD`] bytes are given, was made here for a zone.
pub(super) fn is_of(head: &[u8], zone: &ZoneName) -> bool {
    is_seed(head) && field(head, MAKER) == Some(application(zone).as_bytes())
}

fn application(zone: &ZoneName) -> String {
    format!("{APPLICATION}{zone}")
}

/// Where the files and the image are while it is made.
fn scratch(state: &StateDir, zone: &ZoneName) -> PathBuf {
    state.path().join(SCRATCH).join(zone.as_str())
}

/// The command that makes it.
pub(in crate::zone) fn command(state: &StateDir, zone: &ZoneName) -> HostCommand {
    let scratch = scratch(state, zone);
    let (seed, image, application) = (scratch.join("files"), scratch.join("image"), application(zone));
    HostCommand::new(MKISOFS).args(mkisofs_arguments(&seed, &application, &image))
}

/// Whether the host can make images.
///
/// # Errors
/// What to install, in words.
pub(in crate::zone) fn possible() -> Result<(), String> {
    let mkisofs = HostCommand::new(MKISOFS);
    if mkisofs.present() {
        return Ok(());
    }
    Err(format!(
        "{} is not on this host, which makes the image of a seed; `zap install TRIBcdrtools`",
        mkisofs.program().display()
    ))
}

/// Makes an image of a seed, in a folder for root alone that the journal takes away.
pub(in crate::zone) fn make(
    files: &[SeedFile],
    zone: &ZoneName,
    state: &StateDir,
    journal: &mut Journal,
) -> Result<Vec<u8>, ZoneError> {
    possible().map_err(ZoneError::Refused)?;
    let above = state.make(SCRATCH)?;
    let scratch = scratch(state, zone);
    journal.step(Undo::RemoveScratch { path: scratch.clone() })?;
    let made = lay_out(&scratch, files).map_err(ZoneError::system(&scratch)).and_then(|()| {
        command(state, zone).run()?;
        read(&scratch.join("image"))
    });
    // The journal does it when this does not.
    let _ = Tree::open(&above).and_then(|tree| remove_tree(&tree.handle()?, zone.as_str().as_bytes()));
    made
}

fn lay_out(scratch: &Path, files: &[SeedFile]) -> io::Result<()> {
    use std::io::Write;
    let folder = |path: &Path| std::fs::DirBuilder::new().mode(0o700).create(path);
    let seed = scratch.join("files");
    folder(scratch).and_then(|()| folder(&seed))?;
    for file in files {
        // A guest shows them to those to whom the host would: they may have a password in them.
        let path = seed.join(file.name);
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        made?.write_all(file.text.as_bytes())?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, ZoneError> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes));
    read.map_err(ZoneError::system(path))?;
    if bytes.len() as u64 > LIMIT || !is_seed(&bytes) {
        let mkisofs = HostCommand::new(MKISOFS);
        let program = mkisofs.program().display();
        return Err(ZoneError::Refused(format!("{program} has made no image of a seed, and says that it has")));
    }
    Ok(bytes)
}

/// Whether a path can be said to mkisofs and zonecfg: as text, on one line.
pub(super) fn is_plain(path: &Path) -> bool {
    std::str::from_utf8(path.as_os_str().as_bytes()).is_ok_and(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As far as it is looked at.
    fn head(label: &str, maker: &str) -> Vec<u8> {
        let mut head = vec![0; DESCRIPTOR.end];
        let at = DESCRIPTOR.start;
        head[at..at + 6].copy_from_slice(b"\x01CD001");
        head[at + VOLUME.start..at + VOLUME.end].fill(b' ');
        head[at + MAKER.start..at + MAKER.end].fill(b' ');
        head[at + VOLUME.start..][..label.len()].copy_from_slice(label.as_bytes());
        head[at + MAKER.start..][..maker.len()].copy_from_slice(maker.as_bytes());
        head
    }

    #[test]
    fn an_image_says_whose_it_is() {
        let zone: ZoneName = "vm".parse().unwrap();
        let ours = head("CIDATA", "zonekit cloud-init seed of vm");
        assert!(is_of(&ours, &zone));
        assert!(!is_of(&ours, &"vm2".parse().unwrap()));
        for other in [
            head("CIDATA", "GENISOIMAGE ISO 9660/HFS FILESYSTEM CREATOR"),
            head("CDROM", "zonekit cloud-init seed of vm"),
            ours[..HEAD as usize - 1].to_vec(),
            vec![0; HEAD as usize],
            Vec::new(),
        ] {
            assert!(!is_of(&other, &zone));
        }
        let longest: ZoneName = "z".repeat(63).parse().unwrap();
        assert!(application(&longest).len() <= MAKER.len());
    }
}
