//! Our part of a file that others edit too.

/// Where it begins.
const BEGIN: &str = "# zonekit begin: what follows is replaced by zonekit";
/// Where it ends.
const END: &str = "# zonekit end";

/// The markers in a file are not as they were made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has a line `{0}` without its counterpart; remove it, or put the other one back")]
pub struct BlockError(&'static str);

/// Where our part is: the bytes before it, and those behind.
struct Found<'a> {
    before: &'a [u8],
    block: &'a [u8],
    after: &'a [u8],
}

fn find(file: &[u8]) -> Result<Option<Found<'_>>, BlockError> {
    let (mut begin, mut end) = (None, None);
    let mut at = 0;
    for line in file.split_inclusive(|&byte| byte == b'\n') {
        match line.trim_ascii_end() {
            text if text == BEGIN.as_bytes() => {
                if begin.is_some() || end.is_some() {
                    return Err(BlockError(BEGIN));
                }
                begin = Some((at, at + line.len()));
            }
            text if text == END.as_bytes() => {
                if begin.is_none() || end.is_some() {
                    return Err(BlockError(END));
                }
                end = Some((at, at + line.len()));
            }
            _ => {}
        }
        at += line.len();
    }
    match (begin, end) {
        (None, None) => Ok(None),
        (Some(begin), Some(end)) => {
            Ok(Some(Found { before: &file[..begin.0], block: &file[begin.1..end.0], after: &file[end.1..] }))
        }
        _ => Err(BlockError(BEGIN)),
    }
}

/// The file with `lines` as our part: in its place when there is one, else at the end. Without lines there is no
/// part of ours.
///
/// # Errors
/// [`BlockError`]: where our part ends cannot be told.
pub fn set(file: &[u8], lines: &str) -> Result<Vec<u8>, BlockError> {
    let (before, after) = match find(file)? {
        Some(found) => (found.before, found.after),
        None => (file, &[][..]),
    };
    let mut out = before.to_vec();
    if !lines.is_empty() {
        if !out.is_empty() && !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        out.extend_from_slice(format!("{BEGIN}\n{lines}{END}\n").as_bytes());
    }
    out.extend_from_slice(after);
    Ok(out)
}

/// Our part of a file; nothing when there is none.
///
/// # Errors
/// [`BlockError`].
pub fn get(file: &[u8]) -> Result<&[u8], BlockError> {
    Ok(find(file)?.map_or(&[][..], |found| found.block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_others_stay_where_they_are() {
        for others in ["", "a\n", "a\nb", "\n\n", "# comment\r\nb\n"] {
            let one = set(others.as_bytes(), "x\n").unwrap();
            assert_eq!(get(&one).unwrap(), b"x\n");
            let mut more = one.clone();
            more.extend_from_slice(b"behind\n");
            let other = set(&more, "y\nz\n").unwrap();
            assert_eq!(get(&other).unwrap(), b"y\nz\n");
            assert_eq!(set(&other, "y\nz\n").unwrap(), other, "twice is once");
            let gone = String::from_utf8(set(&other, "").unwrap()).unwrap();
            let newline = if others.is_empty() || others.ends_with('\n') { "" } else { "\n" };
            assert_eq!(gone, format!("{others}{newline}behind\n"));
        }
        assert_eq!(set(b"a\n", "").unwrap(), b"a\n");
    }

    #[test]
    fn damaged_markers_are_refused() {
        let (begin, end) = (format!("{BEGIN}\n"), format!("{END}\n"));
        for file in [
            begin.clone(),
            end.clone(),
            format!("{end}{begin}"),
            format!("{begin}{begin}{end}"),
            format!("{begin}{end}{end}"),
        ] {
            assert!(set(file.as_bytes(), "x\n").is_err(), "{file}");
        }
    }
}
