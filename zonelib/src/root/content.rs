//! Copying the content of one open file to another.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use contents::checksum::Checksum;
use rustix::io::Errno;

use super::Stat;

/// A file that is shorter is copied whole, holes or not.
const SMALL: u64 = 64 * 1024;
/// What is read and written at a time: small enough to stay in the processor's cache.
const PIECE: usize = 128 * 1024;
/// What is asked of the kernel at a time; an interruption waits at most for this.
#[cfg(target_os = "linux")]
const REQUEST: usize = 1024 * 1024;

/// What goes from one file to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// The bytes, by whatever way is fastest.
    Plain,
    /// The bytes, through memory, with their checksum.
    Summed,
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Bytes that the new file has.
    pub bytes: u64,
    /// Their checksum, for [`Transfer::Summed`].
    pub checksum: Option<u16>,
}

/// Memory that copies of files share, one a thread.
pub struct CopyBuffer {
    memory: Vec<u8>,
}

impl Default for CopyBuffer {
    fn default() -> Self {
        Self { memory: vec![0; PIECE] }
    }
}

impl CopyBuffer {
    /// Copies `from`, an open regular file, to `to`, which is empty: as many bytes as `stat` says, or
    /// fewer when the file has become shorter since. Holes stay holes. Between pieces `go_on` is asked.
    ///
    /// # Errors
    /// As `read(2)`, `write(2)`; `Interrupted` when `go_on` says no.
    pub fn copy(
        &mut self,
        from: &File,
        stat: &Stat,
        to: &File,
        transfer: Transfer,
        go_on: &dyn Fn() -> bool,
    ) -> io::Result<Copied> {
        let mut copy = Copying { from, to, sum: Checksum::new(), summed: transfer == Transfer::Summed, go_on };
        let sparse = stat.size > SMALL && stat.blocks.saturating_mul(512) < stat.size;
        let bytes = if sparse && copy.data_extents(stat.size, &mut self.memory)? {
            stat.size
        } else if transfer == Transfer::Summed {
            copy.through_memory(stat.size, &mut self.memory)?
        } else {
            copy.by_kernel(stat.size, &mut self.memory)?
        };
        Ok(Copied { bytes, checksum: copy.summed.then(|| copy.sum.finish()) })
    }
}

struct Copying<'a> {
    from: &'a File,
    to: &'a File,
    sum: Checksum,
    summed: bool,
    go_on: &'a dyn Fn() -> bool,
}

impl Copying<'_> {
    fn check(&self) -> io::Result<()> {
        if (self.go_on)() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted")) }
    }

    fn through_memory(&mut self, size: u64, memory: &mut [u8]) -> io::Result<u64> {
        let mut total = 0;
        while total < size {
            let read = match (&*self.from).read(memory) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if self.summed {
                self.sum.update(&memory[..read]);
            }
            (&*self.to).write_all(&memory[..read])?;
            total += read as u64;
            if total < size {
                self.check()?;
            }
        }
        Ok(total)
    }

    #[cfg(target_os = "linux")]
    fn by_kernel(&mut self, size: u64, memory: &mut [u8]) -> io::Result<u64> {
        let mut total = 0u64;
        while total < size {
            match rustix::fs::copy_file_range(self.from, None, self.to, None, REQUEST) {
                Ok(0) => break,
                Ok(copied) => total += copied as u64,
                Err(Errno::INTR) => {}
                // Another file system, or one that cannot: nothing has been copied yet.
                Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) if total == 0 => {
                    return self.through_memory(size, memory);
                }
                Err(error) => return Err(error.into()),
            }
            self.check()?;
        }
        Ok(total)
    }

    #[cfg(not(target_os = "linux"))]
    fn by_kernel(&mut self, size: u64, memory: &mut [u8]) -> io::Result<u64> {
        self.through_memory(size, memory)
    }

    /// Copies the data and leaves the holes; false when the file system cannot tell them apart.
    fn data_extents(&mut self, size: u64, memory: &mut [u8]) -> io::Result<bool> {
        use rustix::fs::{SeekFrom, seek};
        let mut at = 0;
        while at < size {
            let start = match seek(self.from, SeekFrom::Data(at)) {
                Ok(start) => start,
                // No more data: the rest is a hole.
                Err(Errno::NXIO) => break,
                Err(Errno::INVAL) if at == 0 => {
                    seek(self.from, SeekFrom::Start(0))?;
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            };
            let end = seek(self.from, SeekFrom::Hole(start))?;
            self.one_extent(start, end.min(size), memory)?;
            at = end;
        }
        rustix::fs::ftruncate(self.to, size)?;
        Ok(true)
    }

    fn one_extent(&mut self, start: u64, end: u64, memory: &mut [u8]) -> io::Result<()> {
        let mut at = start;
        while at < end {
            self.check()?;
            let want = usize::try_from(end - at).unwrap_or(PIECE).min(memory.len());
            let read = match rustix::io::pread(self.from, &mut memory[..want], at) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            // Holes are zeros and add nothing to the sum.
            if self.summed {
                self.sum.update(&memory[..read]);
            }
            write_at(self.to, &memory[..read], at)?;
            at += read as u64;
        }
        Ok(())
    }
}

fn write_at(to: impl AsFd, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(&to, bytes, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                at += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
