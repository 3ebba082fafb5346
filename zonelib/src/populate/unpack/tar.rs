//! Members of tar archives: ustar and pax (POSIX.1-2001, pax), and GNU's long names. What illumos's tar
//! adds for ACLs and extended attributes (types `A` and `E`, archives.h) is passed over.

use crate::root::Timestamp;

use super::member::{Kind, Member};
use super::stream::{HEAD, Stream};
use super::{Refusal, UnpackError};

const BLOCK: u64 = HEAD as u64;
/// Bytes of the longest extended header or name.
const TEXT_LIMIT: usize = 1024 * 1024;
const SPARSE: &str = "is stored as a sparse file; make the archive without that";
/// Where the checksum stands in a header.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// What extended headers say of the next member.
#[derive(Clone, Default)]
struct Extended {
    seen: bool,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    modified: Option<Timestamp>,
    /// The file is stored in pieces.
    sparse: bool,
}

/// Reads one member after the other.
#[derive(Default)]
pub(super) struct Tar {
    /// What holds for all members that follow: owner and time.
    global: Extended,
}

impl Tar {
    pub(super) fn next(&mut self, stream: &mut Stream<'_>) -> Result<Option<Member>, UnpackError> {
        let mut extended = Extended { seen: false, ..self.global.clone() };
        loop {
            stream.end_content()?;
            let mut header = [0; HEAD];
            stream.exact(&mut header)?;
            if header.iter().all(|&byte| byte == 0) {
                return Ok(None);
            }
            if !checksum_matches(&header) {
                return Err(stream.damaged("the checksum of a header is wrong"));
            }
            let size = unsigned(&header[124..136]).ok_or_else(|| stream.damaged("a size is no number"))?;
            match header[156] {
                b'x' | b'X' => {
                    extended.seen = true;
                    let records = stream.text(size, fill(size), TEXT_LIMIT)?;
                    extended.read(&records, stream)?;
                }
                b'g' => {
                    let records = stream.text(size, fill(size), TEXT_LIMIT)?;
                    self.read_global(&records, stream)?;
                    extended = Extended { seen: extended.seen, ..self.global.clone() };
                }
                b'L' => extended.path = Some(until_nul(&stream.text(size, fill(size), TEXT_LIMIT)?).to_vec()),
                b'K' => extended.link = Some(until_nul(&stream.text(size, fill(size), TEXT_LIMIT)?).to_vec()),
                b'V' => stream.begin(size, fill(size), None),
                b'A' | b'E' => {
                    stream.begin(size, fill(size), None);
                    stream.count()?;
                }
                _ => return member(&header, size, extended, stream).map(Some),
            }
        }
    }

    fn read_global(&mut self, records: &[u8], stream: &Stream<'_>) -> Result<(), UnpackError> {
        let mut global = self.global.clone();
        global.read(records, stream)?;
        if global.path.is_some() || global.link.is_some() || global.size.is_some() || global.sparse {
            return Err(stream.damaged("a global header names a file"));
        }
        self.global = global;
        Ok(())
    }
}

/// Reads the header of a member that is an object.
fn member(header: &[u8; HEAD], size: u64, extended: Extended, stream: &mut Stream<'_>) -> Result<Member, UnpackError> {
    let path = extended.path.unwrap_or_else(|| path(header));
    let link = extended.link.unwrap_or_else(|| until_nul(&header[157..257]).to_vec());
    let size = extended.size.unwrap_or(size);
    if extended.sparse {
        return Err(refused(&path, SPARSE));
    }
    let directory = path.ends_with(b"/");
    let (kind, content) = match header[156] {
        b'0' | b'7' | 0 if directory => (Kind::Directory, 0),
        b'0' | b'7' | 0 => (Kind::File, size),
        // Old archives tell the size of the file there; only pax ones may have its content again.
        b'1' => (Kind::HardLink(link), if extended.seen { size } else { 0 }),
        b'2' => (Kind::Symlink(link), 0),
        b'3' | b'4' => (Kind::Refused("is a device"), 0),
        b'5' => (Kind::Directory, 0),
        b'6' => (Kind::Pipe, 0),
        // What follows their headers has forms of its own.
        b'S' => return Err(refused(&path, SPARSE)),
        b'M' => return Err(refused(&path, "is continued from another volume")),
        _ => return Err(refused(&path, "has a type that is not known")),
    };
    if content.checked_add(BLOCK).is_none() {
        return Err(stream.damaged("a size is too large"));
    }
    stream.begin(content, fill(content), None);
    stream.count()?;
    let number = |field: std::ops::Range<usize>| unsigned(&header[field]);
    let damaged = |what: &str| stream.damaged(format!("a header's {what} is no number"));
    let id = |extended: Option<u64>, field, what: &str| match extended.or_else(|| number(field)) {
        Some(id) => u32::try_from(id).map_err(|_| refused(&path, "has an owner with a number over 32 bits")),
        None => Err(damaged(what)),
    };
    let modified = match extended.modified {
        Some(modified) => modified,
        None => Timestamp::from_seconds(signed(&header[136..148]).ok_or_else(|| damaged("time"))?),
    };
    let (uid, gid) = (id(extended.uid, 108..116, "owner")?, id(extended.gid, 116..124, "group")?);
    #[allow(clippy::cast_possible_truncation, reason = "the mask leaves twelve bits")]
    let mode = (number(100..108).ok_or_else(|| damaged("mode"))? & 0o7777) as u32;
    Ok(Member { path, kind, mode, uid, gid, modified, size: content, group: None })
}

fn refused(path: &[u8], problem: &'static str) -> UnpackError {
    UnpackError::Refused(Refusal::new(path, problem))
}

/// Bytes from the end of a content to the next block.
fn fill(size: u64) -> u64 {
    (BLOCK - size % BLOCK) % BLOCK
}

/// The sum of a header's bytes, the checksum itself taken as blanks; old programs took bytes as signed.
pub(super) fn checksum_matches(header: &[u8; HEAD]) -> bool {
    let Some(expected) = octal(&header[CHECKSUM]) else { return false };
    let (mut plain, mut signed) = (0u64, 0i64);
    for (at, &byte) in header.iter().enumerate() {
        let byte = if CHECKSUM.contains(&at) { b' ' } else { byte };
        plain += u64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    plain == expected || u64::try_from(signed) == Ok(expected)
}

/// The name in a header, which ustar has in two parts.
fn path(header: &[u8; HEAD]) -> Vec<u8> {
    let name = until_nul(&header[..100]);
    // GNU's own format has other things in the place of the first part, and another magic number; star
    // has them at its end.
    let first = if &header[508..512] == b"tar\0" { 345..476 } else { 345..500 };
    if &header[257..263] != b"ustar\0" || header[345] == 0 {
        return name.to_vec();
    }
    [until_nul(&header[first]), name].join(&b'/')
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// A number of octal digits between blanks; nothing is 0.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = until_nul(field).trim_ascii();
    digits.iter().try_fold(0u64, |value, &digit| {
        let digit = (b'0'..=b'7').contains(&digit).then(|| u64::from(digit - b'0'))?;
        value.checked_mul(8)?.checked_add(digit)
    })
}

/// A number of octal digits or, with the first bit set, in base 256 (GNU, star).
fn signed(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => {
            // The bit that tells the form is none of the number's; the next is its sign.
            let start = if first & 0x40 != 0 { -1i64 } else { 0 };
            let first = (first & 0x3f) | if start < 0 { 0xc0 } else { 0 };
            let bytes = std::iter::once(first).chain(field[1..].iter().copied());
            bytes.enumerate().try_fold(start, |value, (at, byte)| {
                let value = if at == 0 { start } else { value };
                value.checked_mul(256)?.checked_add(i64::from(byte))
            })
        }
        _ => octal(field).and_then(|value| i64::try_from(value).ok()),
    }
}

fn unsigned(field: &[u8]) -> Option<u64> {
    signed(field).and_then(|value| u64::try_from(value).ok())
}

impl Extended {
    /// Reads records `LENGTH KEY=VALUE\n`.
    fn read(&mut self, mut records: &[u8], stream: &Stream<'_>) -> Result<(), UnpackError> {
        let damaged = || stream.damaged("an extended header is not as it should be");
        while !records.is_empty() && records[0] != 0 {
            let blank = records.iter().take(8).position(|&byte| byte == b' ').ok_or_else(damaged)?;
            let length = decimal(&records[..blank]).and_then(|length| usize::try_from(length).ok());
            let record = length.and_then(|length| records.get(..length)).ok_or_else(damaged)?;
            let text = record.get(blank + 1..).and_then(|text| text.strip_suffix(b"\n")).ok_or_else(damaged)?;
            let equals = text.iter().position(|&byte| byte == b'=').ok_or_else(damaged)?;
            self.set(&text[..equals], &text[equals + 1..]).ok_or_else(damaged)?;
            records = &records[record.len()..];
        }
        Ok(())
    }

    /// One record; an empty value takes back what a global header said.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let empty = value.is_empty();
        match key {
            b"path" => self.path = (!empty).then(|| value.to_vec()),
            b"linkpath" => self.link = (!empty).then(|| value.to_vec()),
            b"size" => self.size = if empty { None } else { Some(decimal(value)?) },
            b"uid" => self.uid = if empty { None } else { Some(decimal(value)?) },
            b"gid" => self.gid = if empty { None } else { Some(decimal(value)?) },
            b"mtime" => self.modified = if empty { None } else { Some(time(value)?) },
            _ if key.starts_with(b"GNU.sparse.") => self.sparse = true,
            _ => {}
        }
        Some(())
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Seconds with a fraction, and a sign before 1970.
fn time(text: &[u8]) -> Option<Timestamp> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut parts = digits.splitn(2, |&byte| byte == b'.');
    let seconds = i64::try_from(decimal(parts.next()?)?).ok()?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let nanoseconds =
        (0..9).fold(0u32, |value, at| value * 10 + fraction.get(at).map_or(0, |digit| u32::from(digit - b'0')));
    Some(match (negative, nanoseconds) {
        (false, nanoseconds) => Timestamp { seconds, nanoseconds },
        (true, 0) => Timestamp { seconds: -seconds, nanoseconds },
        // Nanoseconds count forward from the second before.
        (true, nanoseconds) => Timestamp { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_two_forms() {
        assert_eq!(signed(b"0000644\0"), Some(0o644));
        assert_eq!(signed(b"   644 \0"), Some(0o644));
        assert_eq!(signed(b"\0\0\0\0"), Some(0));
        assert_eq!(signed(b"\x80\0\0\0\0\0\0\0\0\0\x01\x02"), Some(258));
        assert_eq!(signed(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"), Some(-2));
        assert_eq!(unsigned(b"\xff\xff\xff\xff\xff\xff\xff\xfe"), None);
        assert_eq!(signed(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(signed(b"0000x44\0"), None);
        assert_eq!(signed(b"-1\0"), None);
    }

    #[test]
    fn times_have_fractions_and_signs() {
        let at = |seconds, nanoseconds| Some(Timestamp { seconds, nanoseconds });
        assert_eq!(time(b"12"), at(12, 0));
        assert_eq!(time(b"12.5"), at(12, 500_000_000));
        assert_eq!(time(b"12.0000000019"), at(12, 1));
        assert_eq!(time(b"-1"), at(-1, 0));
        assert_eq!(time(b"-0.25"), at(-1, 750_000_000));
        assert_eq!(time(b"-1.000000001"), at(-2, 999_999_999));
        for text in [&b""[..], b"-", b".5", b"1.x", b"x", b"99999999999999999999", b"1-2"] {
            assert_eq!(time(text), None, "{text:?}");
        }
    }
}
