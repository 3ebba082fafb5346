//! The file: one line of JSON a record, each on stable storage before the caller goes on.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{JournalError, Line};

fn bytes(lines: &[Line]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// Makes the file with its first lines.
pub(super) fn create(path: &Path, lines: &[Line]) -> io::Result<File> {
    let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(&bytes(lines)?).and_then(|()| file.sync_all()).and_then(|()| sync_parent(path));
    if let Err(error) = written {
        // Nothing has been done yet that it would have to tell.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    Ok(file)
}

/// Opens one that was left, to go on in it. A line that was cut off is taken away first.
pub(super) fn reopen(path: &Path) -> io::Result<File> {
    let text = std::fs::read(path)?;
    let whole = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
    let file = OpenOptions::new().append(true).open(path)?;
    file.set_len(whole as u64)?;
    Ok(file)
}

/// Adds a line: all of it, or nothing, for the next one would be taken for its end.
pub(super) fn append(file: &mut File, line: &Line) -> io::Result<()> {
    let length = file.metadata()?.len();
    let written = file.write_all(&bytes(std::slice::from_ref(line))?).and_then(|()| file.sync_data());
    if written.is_err() {
        file.set_len(length)?;
    }
    written
}

/// Removes it. None there is fine.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_parent(path),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Its whole lines: one that was cut off was never acted on. `None` when there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<Line>>, JournalError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(JournalError::system(path))?,
    };
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(JournalError::system(path))?;
    let whole = memchr::memrchr(b'\n', &text).map_or(0, |at| at);
    let mut lines = Vec::new();
    for (index, line) in text[..whole].split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() && whole == 0 {
            break;
        }
        let parsed = serde_json::from_slice(line);
        lines.push(parsed.map_err(|_| JournalError::Damaged { path: path.to_owned(), line: index + 1 })?);
    }
    Ok(Some(lines))
}
