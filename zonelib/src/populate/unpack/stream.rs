//! The bytes of an archive: what it is, unpacked, counted, and never past a limit.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::{Format, Limits, UnpackError};

/// A block of tar, which is enough to tell every format.
pub(super) const HEAD: usize = 512;
/// What is read from the file at a time.
const PIECE: usize = 128 * 1024;

/// What the first bytes of a file say that it is, when it is no archive that is read here.
const OTHERS: [(&[u8], &str); 9] = [
    (b"\x1f\x9d", "is compressed with compress(1); uncompress it first, or use gzip"),
    (b"BZh", "is compressed with bzip2; unpack that first, or use gzip"),
    (b"\xfd7zXZ\0", "is compressed with xz; unpack that first, or use gzip"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; unpack that first, or use gzip"),
    (b"\x04\x22\x4d\x18", "is compressed with lz4; unpack that first, or use gzip"),
    (b"PK\x03\x04", "is a zip file; make a tar or cpio archive"),
    (b"\xc7\x71", "is a cpio archive of the old binary format; make it with `cpio -oc`"),
    (b"\x71\xc7", "is a cpio archive of the old binary format; make it with `cpio -oc`"),
    (b"FlAsH-aRcHiVe", "is a flash archive; make a tar or cpio archive"),
];

/// The magic number of a stream of zfs(8), in both byte orders. Source: sys/zfs_ioctl.h, `DMU_BACKUP_MAGIC`.
const ZFS_STREAM: [[u8; 8]; 2] = [[0xac, 0xcb, 0xba, 0xf5, 2, 0, 0, 0], [0, 0, 0, 2, 0xf5, 0xba, 0xcb, 0xac]];

/// An archive's bytes, and in them the content of one member.
pub(super) struct Stream<'s> {
    input: Box<dyn Read + 's>,
    limits: Limits,
    go_on: &'s dyn Fn() -> bool,
    /// Bytes read so far.
    total: u64,
    /// Members seen so far.
    members: u64,
    /// Bytes of the current member's content that are left, and of what fills it up.
    left: u64,
    fill: u64,
    /// The sum of the content's bytes, and what it has to be.
    sum: u32,
    expected: Option<u32>,
}

impl<'s> Stream<'s> {
    /// Begins at the start of a file. Tells the format, and whether it is compressed.
    pub(super) fn open(
        file: &'s File,
        limits: Limits,
        go_on: &'s dyn Fn() -> bool,
    ) -> Result<(Self, Format, bool), UnpackError> {
        io::Seek::rewind(&mut &*file).map_err(UnpackError::Read)?;
        let mut raw: Box<dyn Read + 's> = Box::new(BufReader::with_capacity(PIECE, file));
        let mut head = peek(&mut *raw).map_err(UnpackError::Read)?;
        let mut input: Box<dyn Read + 's> = Box::new(Cursor::new(head.clone()).chain(raw));
        let gzip = head.starts_with(b"\x1f\x8b");
        if gzip {
            let mut plain = MultiGzDecoder::new(BufReader::with_capacity(PIECE, input));
            head = peek(&mut plain).map_err(|error| read_error(error, 0))?;
            input = Box::new(Cursor::new(head.clone()).chain(plain));
        }
        let format = detect(&head).map_err(UnpackError::NotArchive)?;
        let stream = Self { input, limits, go_on, total: 0, members: 0, left: 0, fill: 0, sum: 0, expected: None };
        Ok((stream, format, gzip))
    }

    /// The archive is damaged here.
    pub(super) fn damaged(&self, problem: impl Into<String>) -> UnpackError {
        UnpackError::Damaged { at: self.total, problem: problem.into() }
    }

    pub(super) fn members(&self) -> u64 {
        self.members
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, UnpackError> {
        loop {
            match self.input.read(buffer) {
                Ok(read) => {
                    self.total += read as u64;
                    if self.total > self.limits.max_size {
                        return Err(UnpackError::TooBig(self.limits.max_size));
                    }
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(read_error(error, self.total)),
            }
        }
    }

    /// Fills a buffer from what describes members.
    pub(super) fn exact(&mut self, buffer: &mut [u8]) -> Result<(), UnpackError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => return Err(self.damaged("it ends too early")),
                read => filled += read,
            }
        }
        Ok(())
    }

    /// Reads a description of at most `limit` bytes, and what fills it up.
    pub(super) fn text(&mut self, size: u64, fill: u64, limit: usize) -> Result<Vec<u8>, UnpackError> {
        let size = usize::try_from(size).ok().filter(|&size| size <= limit);
        let Some(size) = size else {
            return Err(self.damaged(format!("a name or header has more than {limit} bytes")));
        };
        let mut text = vec![0; size];
        self.exact(&mut text)?;
        self.begin(0, fill, None);
        self.end_content()?;
        Ok(text)
    }

    /// A member begins whose content has `size` bytes.
    pub(super) fn begin(&mut self, size: u64, fill: u64, expected: Option<u32>) {
        (self.left, self.fill, self.sum, self.expected) = (size, fill, 0, expected);
    }

    /// One more member; between two it may be time to stop.
    pub(super) fn count(&mut self) -> Result<(), UnpackError> {
        self.members += 1;
        if self.members > self.limits.max_members {
            return Err(UnpackError::TooMany(self.limits.max_members));
        }
        self.check()
    }

    fn check(&self) -> Result<(), UnpackError> {
        if (self.go_on)() { Ok(()) } else { Err(UnpackError::Interrupted) }
    }

    /// Reads on in the content; nothing at its end.
    pub(super) fn content(&mut self, buffer: &mut [u8]) -> Result<usize, UnpackError> {
        let want = usize::try_from(self.left).unwrap_or(buffer.len()).min(buffer.len());
        if want == 0 {
            return Ok(0);
        }
        self.check()?;
        let read = self.read(&mut buffer[..want])?;
        if read == 0 {
            return Err(self.damaged("it ends too early"));
        }
        self.left -= read as u64;
        if self.expected.is_some() {
            self.sum = buffer[..read].iter().fold(self.sum, |sum, &byte| sum.wrapping_add(u32::from(byte)));
        }
        Ok(read)
    }

    /// Goes to the end of the content and what fills it up.
    pub(super) fn end_content(&mut self) -> Result<(), UnpackError> {
        let mut buffer = [0; 16 * 1024];
        while self.content(&mut buffer)? > 0 {}
        if self.expected.take().is_some_and(|expected| expected != self.sum) {
            return Err(self.damaged("the checksum of the member before is wrong"));
        }
        self.left = std::mem::take(&mut self.fill);
        while self.content(&mut buffer)? > 0 {}
        Ok(())
    }

    /// Reads what comes after the archive, so that the compressed data is whole and checked.
    pub(super) fn finish(&mut self) -> Result<(), UnpackError> {
        let mut buffer = [0; 16 * 1024];
        while self.read(&mut buffer)? > 0 {
            self.check()?;
        }
        Ok(())
    }
}

/// The first bytes, as many as there are.
fn peek(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// What the decompressor finds wrong is the archive's fault, the rest the system's.
fn read_error(error: io::Error, at: u64) -> UnpackError {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            UnpackError::Damaged { at, problem: format!("the compressed data is not whole ({error})") }
        }
        _ => UnpackError::Read(error),
    }
}

fn detect(head: &[u8]) -> Result<Format, &'static str> {
    if head.is_empty() {
        return Err("is empty");
    }
    if [&b"070701"[..], b"070702", b"070707"].iter().any(|magic| head.starts_with(magic)) {
        return Ok(Format::Cpio);
    }
    if let Ok(block) = <&[u8; HEAD]>::try_from(head) {
        if block.iter().all(|&byte| byte == 0) {
            return Err("is an archive without members, or no archive");
        }
        if super::tar::checksum_matches(block) {
            return Ok(Format::Tar);
        }
    }
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(what);
    }
    if head.get(8..16).is_some_and(|word| ZFS_STREAM.iter().any(|magic| word == magic)) {
        return Err("is a stream of `zfs send`; receive it with `attach -r`");
    }
    Err("is neither a tar nor a cpio archive")
}
