//! Members of cpio archives with headers in ASCII: the portable format (`odc`, POSIX.1-1988) and those of
//! System V release 4 (`newc`, `crc`). What illumos's cpio adds for ACLs and extended attributes is
//! passed over. Source: archives.h, cpio(5).

use crate::root::Timestamp;

use super::UnpackError;
use super::member::{Group, Kind, Member};
use super::stream::Stream;

const NAME_LIMIT: usize = 64 * 1024;
const TRAILER: &[u8] = b"TRAILER!!!";

/// What every header tells.
struct Header {
    mode: u32,
    uid: u32,
    gid: u32,
    modified: i64,
    size: u64,
    links: u64,
    identity: (u64, u64),
    name: u64,
    /// Headers and contents are filled up to a multiple of this.
    align: u64,
    length: u64,
    sum: Option<u32>,
}

/// Reads the next member.
pub(super) fn next(stream: &mut Stream<'_>) -> Result<Option<Member>, UnpackError> {
    loop {
        stream.end_content()?;
        let header = header(stream)?;
        let mut path = stream.text(header.name, fill(header.length + header.name, header.align), NAME_LIMIT)?;
        if path.pop() != Some(0) {
            return Err(stream.damaged("a name does not end"));
        }
        if path == TRAILER {
            return Ok(None);
        }
        stream.count()?;
        let mut size = header.size;
        let content_fill = fill(size, header.align);
        let kind = match header.mode & 0o170_000 {
            0o100_000 => Kind::File,
            0o040_000 => Kind::Directory,
            0o120_000 => {
                let target = stream.text(size, content_fill, NAME_LIMIT)?;
                size = 0;
                Kind::Symlink(target)
            }
            0o010_000 => Kind::Pipe,
            0o020_000 | 0o060_000 => Kind::Refused("is a device"),
            0o140_000 => Kind::Refused("is a socket"),
            0o150_000 => Kind::Refused("is a door"),
            // Extended attributes, and ACLs.
            0o130_000 | 0o170_000 | 0o160_000 => {
                stream.begin(size, content_fill, None);
                continue;
            }
            _ => Kind::Refused("has a type that is not known"),
        };
        if !matches!(kind, Kind::Symlink(_)) {
            stream.begin(size, content_fill, header.sum.filter(|_| kind == Kind::File && size > 0));
        }
        let mode = header.mode & 0o7777;
        let group = (kind == Kind::File && header.links > 1).then_some(Group {
            file_system: header.identity.0,
            number: header.identity.1,
            modified: header.modified,
            mode,
        });
        let modified = Timestamp::from_seconds(header.modified);
        return Ok(Some(Member { path, kind, mode, uid: header.uid, gid: header.gid, modified, size, group }));
    }
}

fn header(stream: &mut Stream<'_>) -> Result<Header, UnpackError> {
    let mut magic = [0; 6];
    stream.exact(&mut magic)?;
    let (widths, base, align): (&[usize], _, _) = match &magic {
        b"070701" | b"070702" => (&[8; 13], 16, 4),
        b"070707" => (&[6, 6, 6, 6, 6, 6, 6, 11, 6, 11], 8, 1),
        _ => return Err(stream.damaged("there is no header where one has to be")),
    };
    let mut raw = [0; 104];
    let length = widths.iter().sum();
    stream.exact(&mut raw[..length])?;
    let mut rest = &raw[..length];
    let mut numbers = [0u64; 13];
    for (number, &width) in numbers.iter_mut().zip(widths) {
        let (field, behind) = rest.split_at(width);
        let text = std::str::from_utf8(field).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let parsed = text.and_then(|text| u64::from_str_radix(text, base).ok());
        *number = parsed.ok_or_else(|| stream.damaged("a header has something that is no number"))?;
        rest = behind;
    }
    let length = 6 + length as u64;
    // No field is wider than eight hexadecimal or six octal digits, but for sizes and times.
    let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let time = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let n = numbers;
    Ok(if base == 16 {
        Header {
            identity: (n[7] << 32 | n[8], n[0]),
            mode: short(n[1]),
            uid: short(n[2]),
            gid: short(n[3]),
            links: n[4],
            modified: time(n[5]),
            size: n[6],
            name: n[11],
            align,
            length,
            sum: (&magic == b"070702").then_some(short(n[12])),
        }
    } else {
        Header {
            identity: (n[0], n[1]),
            mode: short(n[2]),
            uid: short(n[3]),
            gid: short(n[4]),
            links: n[5],
            modified: time(n[7]),
            name: n[8],
            size: n[9],
            align,
            length,
            sum: None,
        }
    })
}

fn fill(size: u64, align: u64) -> u64 {
    (align - size % align) % align
}
