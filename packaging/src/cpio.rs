//! Archives as `cpio -c` of illumos writes and reads them: the SVR4 format with a header of hexadecimal digits.

/// How an archive is padded: the block size that the package tools give to cpio.
pub const BLOCK: usize = 512;

const MAGIC: &str = "070701";
const HEADER: usize = 110;
const TRAILER: &str = "TRAILER!!!";

/// What one member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its path.
    pub path: String,
    /// Kind and permissions, as `st_mode` has them.
    pub mode: u32,
    /// Seconds since 1970.
    pub modified: u32,
    /// The content of a file; nothing for a directory.
    pub content: Vec<u8>,
}

/// A regular file, in [`Member::mode`].
pub const FILE: u32 = 0o100_000;
/// A directory, in [`Member::mode`].
pub const DIRECTORY: u32 = 0o040_000;

/// Writes an archive whose members belong to root.
#[must_use]
pub fn write(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, member) in members.iter().enumerate() {
        append(&mut out, number + 1, member);
    }
    append(&mut out, 0, &Member { path: TRAILER.to_owned(), mode: 0, modified: 0, content: Vec::new() });
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    out
}

fn append(out: &mut Vec<u8>, inode: usize, member: &Member) {
    let links = if member.mode & DIRECTORY == 0 { 1 } else { 2 };
    let (size, name) = (member.content.len(), member.path.len() + 1);
    let header = format!(
        "{MAGIC}{inode:08X}{:08X}{:08X}{:08X}{links:08X}{:08X}{size:08X}{:08X}{:08X}{:08X}{:08X}{name:08X}{:08X}",
        member.mode, 0, 0, member.modified, 0, 0, 0, 0, 0
    );
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(member.path.as_bytes());
    out.push(0);
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend_from_slice(&member.content);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// Reads the archive at the start of `bytes`, and gives its members and its length with the padding; `None` when it is
/// none.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<(Vec<Member>, usize)> {
    let mut members = Vec::new();
    let mut at = 0;
    loop {
        let header = std::str::from_utf8(bytes.get(at..at + HEADER)?).ok()?;
        let number = |index: usize| u32::from_str_radix(header.get(6 + index * 8..14 + index * 8)?, 16).ok();
        if !header.starts_with(MAGIC) {
            return None;
        }
        let (size, name) = (number(6)? as usize, number(11)? as usize);
        let path = bytes.get(at + HEADER..at + HEADER + name)?.strip_suffix(b"\0")?;
        let start = (at + HEADER + name).next_multiple_of(4);
        let content = bytes.get(start..start + size)?.to_vec();
        at = (start + size).next_multiple_of(4);
        let path = String::from_utf8(path.to_vec()).ok()?;
        if path == TRAILER {
            return Some((members, at.next_multiple_of(BLOCK)));
        }
        members.push(Member { path, mode: number(1)?, modified: number(5)?, content });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let members = [
            Member { path: "a".into(), mode: DIRECTORY | 0o755, modified: 7, content: Vec::new() },
            Member { path: "a/file".into(), mode: FILE | 0o644, modified: u32::MAX, content: b"12345".to_vec() },
        ];
        let archive = write(&members);
        assert_eq!(archive.len() % BLOCK, 0);
        assert_eq!(read(&archive), Some((members.to_vec(), archive.len())));
        assert_eq!(read(&archive[1..]), None);
        assert_eq!(read(&archive[..200]), None);
    }
}
