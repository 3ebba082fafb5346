//! Files that are read whole, and may be anything.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// The bytes of a file that has at most `limit` of them. A link at its place is not followed, and a pipe is not waited for.
///
/// # Errors
/// The file cannot be read, is not a regular one, or is longer.
pub fn read_small(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let refused = |why: String| Err(io::Error::new(io::ErrorKind::InvalidData, why));
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return refused("is a symbolic link, which is not followed".to_owned());
        }
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return refused("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return refused(format!("is longer than {limit} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_small_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| dir.path().join(name));
        std::fs::write(&file, "12345").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert_eq!(read_small(&file, 5).unwrap(), b"12345");
        for (path, limit, said) in [
            (&*file, 4, "is longer than 4 bytes"),
            (&*pipe, 5, "is not a regular file"),
            (dir.path(), 5, "is not a regular file"),
            (&*link, 5, "is a symbolic link, which is not followed"),
        ] {
            assert_eq!(read_small(path, limit).unwrap_err().to_string(), said);
        }
        assert_eq!(read_small(&dir.path().join("none"), 5).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
