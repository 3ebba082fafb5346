//! An open directory and the operations on names directly in it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use super::Timestamp;

/// An open directory. Every name that its methods take is a leaf: without `/`, and neither empty nor
/// `.` nor `..`; a final symbolic link is never followed.
#[derive(Debug)]
pub struct Handle {
    fd: OwnedFd,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Pipe,
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A socket, a door, or something newer.
    Other,
}

impl FileKind {
    fn from_type(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::Regular,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Symlink,
            FileType::Fifo => Self::Pipe,
            FileType::CharacterDevice => Self::Character,
            FileType::BlockDevice => Self::Block,
            _ => Self::Other,
        }
    }
}

/// What `lstat(2)` tells of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Permission, set-id and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of content.
    pub size: u64,
    /// Units of 512 bytes that are allocated.
    pub blocks: u64,
    /// Last modification.
    pub modified: Timestamp,
    /// Last change of content or attributes, which nobody can set.
    pub changed: Timestamp,
    /// Number of a device, in the system's own encoding.
    pub device: u64,
    /// The file system and the object's number in it: equal for hard links of one file.
    pub identity: (u64, u64),
    /// Number of hard links.
    pub links: u64,
}

impl Stat {
    #[allow(clippy::unnecessary_cast, reason = "the widths of these fields differ between systems")]
    fn from_raw(raw: &rustix::fs::Stat) -> Self {
        Self {
            kind: FileKind::from_type(FileType::from_raw_mode(raw.st_mode)),
            mode: raw.st_mode as u32 & 0o7777,
            uid: raw.st_uid,
            gid: raw.st_gid,
            size: raw.st_size as u64,
            blocks: raw.st_blocks as u64,
            modified: Timestamp { seconds: raw.st_mtime as i64, nanoseconds: raw.st_mtime_nsec as u32 },
            changed: Timestamp { seconds: raw.st_ctime as i64, nanoseconds: raw.st_ctime_nsec as u32 },
            device: raw.st_rdev as u64,
            identity: (raw.st_dev as u64, raw.st_ino as u64),
            links: raw.st_nlink as u64,
        }
    }

    /// `lstat(2)` of an open file.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn of(fd: impl AsFd) -> io::Result<Self> {
        Ok(Self::from_raw(&rustix::fs::fstat(fd)?))
    }
}

/// Bytes of directory entries that are read at a time.
#[cfg(target_os = "linux")]
const LISTING: usize = 16 * 1024;

/// The bits of a mode that creation can set.
const PERMISSIONS: u32 = 0o777;

/// A named pipe or a device to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// A named pipe.
    Pipe,
    /// A character device with its number in the system's own encoding.
    Character(u64),
    /// A block device with its number in the system's own encoding.
    Block(u64),
}

fn leaf(name: &[u8]) -> io::Result<&[u8]> {
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
        return Err(Errno::INVAL.into());
    }
    Ok(name)
}

pub(super) fn require_regular(file: File) -> io::Result<(File, Stat)> {
    let stat = Stat::of(&file)?;
    if stat.kind == FileKind::Regular {
        Ok((file, stat))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file"))
    }
}

impl Handle {
    pub(super) fn from_fd(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// Opens the directory that `fd` holds once more. A capability may be held by `O_PATH`, through
    /// which a directory can be neither listed nor changed.
    pub(super) fn reopen(fd: impl AsFd) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { fd: rustix::fs::openat(fd, c".", flags, Mode::empty())? })
    }

    pub(super) fn open_raw(&self, name: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        Ok(rustix::fs::openat(&self.fd, leaf(name)?, flags | OFlags::NOFOLLOW, Mode::empty())?)
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// As `openat(2)`; `ENOTDIR` or `ELOOP` for a symbolic link.
    pub fn open_dir(&self, name: &[u8]) -> io::Result<Self> {
        self.open_raw(name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC).map(Self::from_fd)
    }

    /// Opens a regular file for reading; a FIFO is refused, not waited for.
    ///
    /// # Errors
    /// As `openat(2)`; `InvalidInput` when it is no regular file.
    pub fn open_file(&self, name: &[u8]) -> io::Result<(File, Stat)> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        require_regular(File::from(self.open_raw(name, flags)?))
    }

    /// Makes a file that was not there, for writing, with no permissions for others.
    ///
    /// # Errors
    /// As `openat(2)`; `EEXIST` when anything has the name, a symbolic link included.
    pub fn create_file(&self, name: &[u8]) -> io::Result<File> {
        self.create_file_with(name, 0o600)
    }

    /// Makes a file that was not there, for writing, with permissions, of which the process's mask or an
    /// inherited ACL may take some ([`Handle::creation_denies`]).
    ///
    /// # Errors
    /// As [`Handle::create_file`].
    pub fn create_file_with(&self, name: &[u8], permissions: u32) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, leaf(name)?, flags, mode_bits(permissions & PERMISSIONS))?;
        Ok(File::from(fd))
    }

    /// The mode bits that a new file in this directory does not get by being created with them: the
    /// set-id and sticky bits, and what the process's mask or an inherited ACL denies. It is tried with
    /// a file, which is removed again.
    ///
    /// # Errors
    /// As [`Handle::create_file`].
    pub fn creation_denies(&self) -> io::Result<u32> {
        const PROBE: &[u8] = b".zonekit-probe";
        let created = self.create_file_with(PROBE, PERMISSIONS)?;
        let stat = Stat::of(&created);
        self.remove_file(PROBE)?;
        Ok(!(stat?.mode & PERMISSIONS))
    }

    /// Makes a directory that was not there, for its owner alone, and opens it.
    ///
    /// # Errors
    /// As `mkdirat(2)` and `openat(2)`.
    pub fn create_dir(&self, name: &[u8]) -> io::Result<Self> {
        self.make_dir(name)?;
        self.open_dir(name)
    }

    /// Makes a directory that was not there, for its owner alone.
    ///
    /// # Errors
    /// As `mkdirat(2)`.
    pub fn make_dir(&self, name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.fd, leaf(name)?, Mode::RWXU)?)
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// As `symlinkat(2)`.
    pub fn symlink(&self, target: &[u8], name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.fd, leaf(name)?)?)
    }

    /// Makes a hard link to a file in another (or this) directory.
    ///
    /// # Errors
    /// As `linkat(2)`.
    pub fn link(&self, name: &[u8], from: &Self, existing: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::linkat(&from.fd, leaf(existing)?, &self.fd, leaf(name)?, AtFlags::empty())?)
    }

    /// Makes a named pipe or a device.
    ///
    /// # Errors
    /// As `mknodat(2)`; devices need privileges.
    #[allow(clippy::useless_conversion, reason = "device numbers are 64 bits wide on some systems only")]
    pub fn create_special(&self, name: &[u8], special: Special) -> io::Result<()> {
        let (kind, device) = match special {
            Special::Pipe => (FileType::Fifo, 0),
            Special::Character(device) => (FileType::CharacterDevice, device),
            Special::Block(device) => (FileType::BlockDevice, device),
        };
        let device = device.try_into().map_err(|_| Errno::INVAL)?;
        Ok(rustix::fs::mknodat(&self.fd, leaf(name)?, kind, Mode::RUSR | Mode::WUSR, device)?)
    }

    /// Replaces `name` by what stands under `from` in this directory.
    ///
    /// # Errors
    /// As `renameat(2)`.
    pub fn rename(&self, from: &[u8], name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, leaf(from)?, &self.fd, leaf(name)?)?)
    }

    /// Replaces `name` of another directory of the same file system by what stands under `from` in this one.
    ///
    /// # Errors
    /// As `renameat(2)`.
    pub fn rename_into(&self, from: &[u8], other: &Self, name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, leaf(from)?, &other.fd, leaf(name)?)?)
    }

    /// Removes a name that is no directory.
    ///
    /// # Errors
    /// As `unlinkat(2)`.
    pub fn remove_file(&self, name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, leaf(name)?, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// As `unlinkat(2)`.
    pub fn remove_dir(&self, name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, leaf(name)?, AtFlags::REMOVEDIR)?)
    }

    /// What stands under a name; `None` when nothing does.
    ///
    /// # Errors
    /// As `fstatat(2)`, but for `ENOENT`.
    pub fn stat(&self, name: &[u8]) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&self.fd, leaf(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(raw) => Ok(Some(Stat::from_raw(&raw))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What the directory itself is.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn stat_self(&self) -> io::Result<Stat> {
        Stat::of(&self.fd)
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// As `readlinkat(2)`; `EINVAL` when it is none.
    pub fn read_link(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(&self.fd, leaf(name)?, Vec::new())?.into_bytes())
    }

    /// The names in the directory with their kinds, in no order.
    ///
    /// # Errors
    /// As `readdir(3)`.
    #[cfg(target_os = "linux")]
    pub fn list(&self) -> io::Result<Vec<(Vec<u8>, FileKind)>> {
        let mut names = Vec::new();
        let mut buffer = Vec::with_capacity(LISTING);
        rustix::fs::seek(&self.fd, rustix::fs::SeekFrom::Start(0))?;
        let mut entries = rustix::fs::RawDir::new(&self.fd, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                let kind = match entry.file_type() {
                    FileType::Unknown => self.stat(name)?.map_or(FileKind::Other, |stat| stat.kind),
                    known => FileKind::from_type(known),
                };
                names.push((name.to_vec(), kind));
            }
        }
        Ok(names)
    }

    /// The names in the directory with their kinds, in no order. Entries carry no type on illumos, so
    /// each is looked at.
    ///
    /// # Errors
    /// As `readdir(3)`.
    #[cfg(not(target_os = "linux"))]
    pub fn list(&self) -> io::Result<Vec<(Vec<u8>, FileKind)>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                let kind = self.stat(name)?.map_or(FileKind::Other, |stat| stat.kind);
                names.push((name.to_vec(), kind));
            }
        }
        Ok(names)
    }

    /// Sets owner and group of the object itself, not of what a symbolic link points to.
    ///
    /// # Errors
    /// As `fchownat(2)`.
    pub fn set_owner(&self, name: &[u8], uid: u32, gid: u32) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        Ok(rustix::fs::chownat(&self.fd, leaf(name)?, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Sets the mode of a pipe or device that the caller has just made here.
    ///
    /// # Errors
    /// As `fchmodat(2)`.
    pub fn set_mode(&self, name: &[u8], mode: u32) -> io::Result<()> {
        Ok(rustix::fs::chmodat(&self.fd, leaf(name)?, mode_bits(mode), AtFlags::empty())?)
    }

    /// Sets the modification time of the object itself, not of what a symbolic link points to.
    ///
    /// # Errors
    /// As `utimensat(2)`.
    pub fn set_modified(&self, name: &[u8], time: Timestamp) -> io::Result<()> {
        Ok(rustix::fs::utimensat(&self.fd, leaf(name)?, &time.timestamps(), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Opens the directory once more.
    ///
    /// # Errors
    /// As `openat(2)`.
    pub fn open_self(&self) -> io::Result<Self> {
        Self::reopen(&self.fd)
    }

    /// Opens the directory that this one stands in, when it is still the one that `identity` tells:
    /// a walk up needs no file descriptor for each level.
    ///
    /// # Errors
    /// As `openat(2)`; `ESTALE` when the directory has been moved elsewhere.
    pub(super) fn parent(&self, identity: (u64, u64)) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = Self { fd: rustix::fs::openat(&self.fd, c"..", flags, Mode::empty())? };
        if parent.stat_self()?.identity == identity { Ok(parent) } else { Err(Errno::STALE.into()) }
    }

    /// Sets the modification time of the directory itself.
    ///
    /// # Errors
    /// As `futimens(2)`.
    pub fn set_own_modified(&self, time: Timestamp) -> io::Result<()> {
        Ok(rustix::fs::futimens(&self.fd, &time.timestamps())?)
    }

    /// Locks the directory against others who do the same, until the handle is dropped; false when
    /// somebody else holds the lock. A file system without locks has none to hold.
    ///
    /// # Errors
    /// As `flock(3C)`.
    pub fn lock(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.fd, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK | Errno::BADF) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the directory's own entries to stable storage.
    ///
    /// # Errors
    /// As `fsync(2)`.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[allow(clippy::cast_possible_truncation, reason = "mode_t is 16 bits wide on some systems")]
fn mode_bits(mode: u32) -> Mode {
    Mode::from_raw_mode(mode as rustix::fs::RawMode)
}

/// Gives an open file or directory its attributes, in the order in which one does not undo another:
/// changing the owner clears set-id bits. An owner of `None` is the caller's own.
///
/// # Errors
/// As `fchown(2)`, `fchmod(2)`, `futimens(2)`.
pub(crate) fn set_attributes(
    fd: impl AsFd,
    owner: Option<(u32, u32)>,
    mode: u32,
    modified: Timestamp,
) -> io::Result<()> {
    set_owner(&fd, owner)?;
    rustix::fs::fchmod(&fd, mode_bits(mode))?;
    Ok(rustix::fs::futimens(&fd, &modified.timestamps())?)
}

/// As [`set_attributes`], for a file that was created with its mode.
///
/// # Errors
/// As `fchown(2)`, `futimens(2)`.
pub(crate) fn set_owner_and_time(fd: impl AsFd, owner: Option<(u32, u32)>, modified: Timestamp) -> io::Result<()> {
    set_owner(&fd, owner)?;
    Ok(rustix::fs::futimens(&fd, &modified.timestamps())?)
}

fn set_owner(fd: impl AsFd, owner: Option<(u32, u32)>) -> io::Result<()> {
    match owner {
        Some((uid, gid)) => Ok(rustix::fs::fchown(fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?),
        None => Ok(()),
    }
}
