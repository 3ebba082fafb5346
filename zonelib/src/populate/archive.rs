//! Carrying out a plan as a tar archive, with ownership recorded, so that no privileges are needed.
//! The same image and recipe give the same bytes.

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use contents::checksum::Checksum;
use tar::{EntryType, Header};

use crate::root::{Special, Stat, Timestamp};

use super::action::{Action, Attributes, Modified, Origin, Packaged, Source, What};
use super::apply::{Applied, Mismatch, Settings, Trees, compare, path_of};
use super::gzip;
use super::live::{is_absence, leads_nowhere, open_anywhere, open_dir, why_absent};
use super::plan::{Missing, Plan};

/// Fields of a ustar header hold names of up to 100 bytes; longer ones go into a pax header.
const NAME_LIMIT: usize = 100;
/// Octal numbers of 7 digits, the widest owner that a ustar header holds.
const ID_LIMIT: u32 = 0o7_777_777;
/// Octal numbers of 11 digits, the latest time that a ustar header holds.
const TIME_LIMIT: i64 = 0o100_000_000_000;
const BLOCK: usize = 512;
const PIECE: usize = 256 * 1024;

/// Why no archive was made.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A source could not be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// Its path.
        path: std::path::PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("writing the archive: {0}")]
    Write(#[from] io::Error),
    /// Somebody interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// Writes everything of a plan to `out` as `.tar.gz`: pax format (POSIX.1-2001), numeric owners, paths
/// relative to the root, first the root itself. Hard links come after what they lead to.
///
/// # Errors
/// [`ArchiveError`]; what was written until then is useless.
pub fn archive(
    plan: &Plan<'_>,
    out: impl Write + Send,
    trees: Trees<'_>,
    settings: &Settings<'_>,
) -> Result<Applied, ArchiveError> {
    let mut applied = Applied::default();
    gzip::compress::<ArchiveError>(out, settings.jobs, |tar| {
        let mut archive = Archive { plan, trees, settings, tar, applied: &mut applied, missing: Vec::new() };
        archive.run()
    })?;
    applied.objects = settings.counters.objects.load(Ordering::Relaxed);
    applied.bytes = settings.counters.bytes.load(Ordering::Relaxed);
    Ok(applied)
}

struct Archive<'w, 'a> {
    plan: &'w Plan<'a>,
    trees: Trees<'w>,
    settings: &'w Settings<'w>,
    tar: &'w mut dyn Write,
    applied: &'w mut Applied,
    missing: Vec<Vec<u8>>,
}

/// What stands in the header of a member.
struct Member<'m> {
    path: &'m [u8],
    kind: EntryType,
    link: &'m [u8],
    size: u64,
    mode: u32,
    owner: (u32, u32),
    modified: Timestamp,
    device: Option<u64>,
}

impl Archive<'_, '_> {
    fn run(&mut self) -> Result<(), ArchiveError> {
        let root = Member {
            path: b".",
            kind: EntryType::Directory,
            link: b"",
            size: 0,
            mode: 0o755,
            owner: (0, 0),
            modified: self.plan.updated,
            device: None,
        };
        self.header(&root)?;
        for action in &self.plan.actions {
            if !(self.settings.go_on)() {
                return Err(ArchiveError::Interrupted);
            }
            if !matches!(action.what, What::HardLink { .. }) && self.member(action)? {
                self.settings.counters.objects.fetch_add(1, Ordering::Relaxed);
            }
        }
        for action in &self.plan.actions {
            if let What::HardLink { to } = &action.what {
                self.hard_link(action, to)?;
            }
        }
        self.tar.write_all(&[0; 2 * BLOCK])?;
        Ok(())
    }

    fn member(&mut self, action: &Action<'_>) -> Result<bool, ArchiveError> {
        let plain = |kind, attributes: &Attributes, modified| Member {
            path: &action.path,
            kind,
            link: b"",
            size: 0,
            mode: attributes.mode.unwrap_or(0o755),
            owner: (attributes.uid.unwrap_or(0), attributes.gid.unwrap_or(0)),
            modified,
            device: None,
        };
        match &action.what {
            What::Directory { attributes, modified } => self.directory(action, *attributes, *modified)?,
            What::File { source, attributes, modified, packaged, .. } => {
                return self.file(action, source, *attributes, *modified, *packaged);
            }
            What::Text { bytes, attributes, modified } => {
                let size = bytes.len();
                self.header(&Member { size, ..plain(EntryType::Regular, attributes, *modified) })?;
                bytes.write_to(&mut *self.tar)?;
                self.settings.counters.bytes.fetch_add(size, Ordering::Relaxed);
                self.pad(size)?;
            }
            What::Symlink { target, owner, modified } => {
                let member = plain(EntryType::Symlink, &Attributes::known(0o777, owner.0, owner.1), *modified);
                self.header(&Member { link: target, ..member })?;
            }
            What::Special { special, attributes, modified } => {
                let (kind, device) = match special {
                    Special::Pipe => (EntryType::Fifo, None),
                    Special::Character(device) => (EntryType::Char, Some(*device)),
                    Special::Block(device) => (EntryType::Block, Some(*device)),
                };
                self.header(&Member { device, ..plain(kind, attributes, *modified) })?;
            }
            What::HardLink { .. } => {}
        }
        Ok(true)
    }

    fn directory(
        &mut self,
        action: &Action<'_>,
        attributes: Attributes,
        modified: Modified,
    ) -> Result<(), ArchiveError> {
        let main = self.trees.of(self.plan.main.unwrap_or(Origin::Image));
        let needs_live = !attributes.complete() || modified == Modified::Live;
        let live = if needs_live {
            open_dir(main, &action.path)
                .and_then(|handle| handle.map(|handle| handle.stat_self()).transpose())
                .map_err(|source| read_error(&action.path, source))?
        } else {
            None
        };
        let member = self.described(&action.path, EntryType::Directory, attributes, modified, live.as_ref(), 0o755);
        Ok(self.header(&member)?)
    }

    fn described<'m>(
        &self,
        path: &'m [u8],
        kind: EntryType,
        attributes: Attributes,
        modified: Modified,
        live: Option<&Stat>,
        mode: u32,
    ) -> Member<'m> {
        Member {
            path,
            kind,
            link: b"",
            size: live.filter(|_| kind == EntryType::Regular).map_or(0, |stat| stat.size),
            mode: attributes.mode.or(live.map(|stat| stat.mode)).unwrap_or(mode),
            owner: (
                attributes.uid.or(live.map(|stat| stat.uid)).unwrap_or(0),
                attributes.gid.or(live.map(|stat| stat.gid)).unwrap_or(0),
            ),
            modified: match modified {
                Modified::At(time) => time,
                Modified::Live => live.map_or(self.plan.updated, |stat| stat.modified),
            },
            device: None,
        }
    }

    fn file(
        &mut self,
        action: &Action<'_>,
        source: &Source<'_>,
        attributes: Attributes,
        modified: Modified,
        packaged: Option<Packaged>,
    ) -> Result<bool, ArchiveError> {
        let from = source.path.as_deref().unwrap_or(&action.path);
        let (mut file, stat) = match open_anywhere(self.trees.of(source.origin), from) {
            Ok(opened) => opened,
            Err(error) if is_absence(&error) => {
                let reason = why_absent(&error).to_owned();
                self.applied.missing.push(Missing { path: action.path.to_vec(), reason });
                self.missing.push(action.path.to_vec());
                return Ok(false);
            }
            Err(error) => return Err(read_error(from, error)),
        };
        let member = self.described(&action.path, EntryType::Regular, attributes, modified, Some(&stat), 0o644);
        self.header(&member)?;
        let verify = packaged.filter(|_| self.settings.verify);
        let mut sum = Checksum::new();
        let mut left = stat.size;
        let mut buffer = vec![0; usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(PIECE).min(buffer.len());
            let read = io::Read::read(&mut file, &mut buffer[..want]).map_err(|error| read_error(from, error))?;
            if read == 0 {
                let error = io::Error::new(io::ErrorKind::UnexpectedEof, "became shorter while it was copied");
                return Err(read_error(from, error));
            }
            if verify.is_some() {
                sum.update(&buffer[..read]);
            }
            self.tar.write_all(&buffer[..read])?;
            left -= read as u64;
        }
        self.pad(stat.size)?;
        self.settings.counters.bytes.fetch_add(stat.size, Ordering::Relaxed);
        if let Some(difference) = verify.and_then(|packaged| compare(packaged, stat.size, Some(sum.finish()))) {
            self.applied.mismatches.push(Mismatch { path: action.path.to_vec(), difference });
        }
        Ok(true)
    }

    fn hard_link(&mut self, action: &Action<'_>, to: &[u8]) -> Result<(), ArchiveError> {
        if self.missing.iter().any(|missing| missing == to) {
            let reason = leads_nowhere(to);
            self.applied.missing.push(Missing { path: action.path.to_vec(), reason });
            return Ok(());
        }
        let member = Member {
            path: &action.path,
            kind: EntryType::Link,
            link: to,
            size: 0,
            mode: 0o644,
            owner: (0, 0),
            modified: self.plan.updated,
            device: None,
        };
        self.header(&member)?;
        self.settings.counters.objects.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn header(&mut self, member: &Member<'_>) -> io::Result<()> {
        let records = pax_records(member);
        if !records.is_empty() {
            let mut header = Header::new_ustar();
            header.set_entry_type(EntryType::XHeader);
            set_name(&mut header.as_old_mut().name, b"pax");
            header.set_size(records.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            self.tar.write_all(header.as_bytes())?;
            self.tar.write_all(&records)?;
            self.pad(records.len() as u64)?;
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(member.kind);
        set_name(&mut header.as_old_mut().name, member.path);
        set_name(&mut header.as_old_mut().linkname, member.link);
        header.set_size(member.size);
        header.set_mode(member.mode);
        header.set_uid(u64::from(member.owner.0.min(ID_LIMIT)));
        header.set_gid(u64::from(member.owner.1.min(ID_LIMIT)));
        header.set_mtime(u64::try_from(member.modified.seconds.clamp(0, TIME_LIMIT - 1)).unwrap_or(0));
        if let Some(device) = member.device {
            let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
            header.set_device_major(major)?;
            header.set_device_minor(minor)?;
        }
        header.set_cksum();
        self.tar.write_all(header.as_bytes())
    }

    fn pad(&mut self, written: u64) -> io::Result<()> {
        let over = (written % BLOCK as u64) as usize;
        if over > 0 { self.tar.write_all(&[0; BLOCK][over..]) } else { Ok(()) }
    }
}

fn set_name(field: &mut [u8; NAME_LIMIT], name: &[u8]) {
    let length = name.len().min(NAME_LIMIT);
    field[..length].copy_from_slice(&name[..length]);
}

/// What a ustar header cannot hold: long names, large owners, parts of a second.
fn pax_records(member: &Member<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    if member.path.len() > NAME_LIMIT {
        pax_record(&mut out, "path", member.path);
    }
    if member.link.len() > NAME_LIMIT {
        pax_record(&mut out, "linkpath", member.link);
    }
    for (key, id) in [("uid", member.owner.0), ("gid", member.owner.1)] {
        if id > ID_LIMIT {
            pax_record(&mut out, key, id.to_string().as_bytes());
        }
    }
    if member.modified.nanoseconds != 0 || !(0..TIME_LIMIT).contains(&member.modified.seconds) {
        pax_record(&mut out, "mtime", decimal(member.modified).as_bytes());
    }
    out
}

/// A time as pax writes it: seconds with a fraction, and a sign before 1970.
fn decimal(time: Timestamp) -> String {
    // Before 1970 the nanoseconds count forward from the second before.
    let (sign, seconds, nanoseconds) = match time.seconds {
        seconds if seconds >= 0 => ("", seconds.unsigned_abs(), time.nanoseconds),
        seconds if time.nanoseconds == 0 => ("-", seconds.unsigned_abs(), 0),
        seconds => ("-", seconds.unsigned_abs() - 1, 1_000_000_000 - time.nanoseconds),
    };
    match nanoseconds {
        0 => format!("{sign}{seconds}"),
        _ => format!("{sign}{seconds}.{}", format!("{nanoseconds:09}").trim_end_matches('0')),
    }
}

/// `length key=value\n`, where the length counts itself.
fn pax_record(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(format!("{length} {key}=").as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn read_error(path: &[u8], source: io::Error) -> ArchiveError {
    ArchiveError::Read { path: path_of(path), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_decimal_numbers() {
        let cases = [
            (0, 0, "0"),
            (5, 120_000_000, "5.12"),
            (-300_000_000, 0, "-300000000"),
            (-1, 500_000_000, "-0.5"),
            (-2, 750_000_000, "-1.25"),
            (1 << 36, 1, "68719476736.000000001"),
        ];
        for (seconds, nanoseconds, text) in cases {
            assert_eq!(decimal(Timestamp { seconds, nanoseconds }), text);
        }
    }

    #[test]
    fn a_pax_record_counts_its_own_length() {
        for length in [1, 85, 86, 87, 88, 89, 980, 990] {
            let mut record = Vec::new();
            pax_record(&mut record, "path", &vec![b'x'; length]);
            let digits = record.split(|&byte| byte == b' ').next().unwrap();
            assert_eq!(std::str::from_utf8(digits).unwrap().parse::<usize>().unwrap(), record.len());
        }
    }
}
