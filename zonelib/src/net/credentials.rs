//! Keys and passwords in files that administrators name.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::files::{CryptedPassword, SshKey, ValueError};

/// Bytes of the largest file that is read.
const LIMIT: u64 = 64 << 10;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct CredentialsError {
    path: PathBuf,
    problem: String,
}

fn fail(path: &Path) -> impl Fn(String) -> CredentialsError + '_ {
    move |problem| CredentialsError { path: path.to_owned(), problem }
}

/// Reads public keys, a line each. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.
///
/// # Errors
/// [`CredentialsError`]: there is none, or something else.
pub fn keys(path: &Path) -> Result<Vec<SshKey>, CredentialsError> {
    let text = small_file(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Result<Vec<SshKey>, ValueError> = lines.map(str::parse).collect();
    let keys = keys.map_err(|error| fail(path)(error.to_string()))?;
    if keys.is_empty() { Err(fail(path)("has no public key".to_owned())) } else { Ok(keys) }
}

/// Reads a password as crypt(3C) makes it.
///
/// # Errors
/// [`CredentialsError`].
pub fn password(path: &Path) -> Result<CryptedPassword, CredentialsError> {
    small_file(path)?.trim_end_matches('\n').parse().map_err(|error: ValueError| fail(path)(error.to_string()))
}

/// Reads a password of a kind that cloud-init knows.
///
/// # Errors
/// [`CredentialsError`].
pub fn guest_password(path: &Path) -> Result<CryptedPassword, CredentialsError> {
    password(path)?.for_cloud_init().map_err(|error| fail(path)(error.to_string()))
}

/// The text of a small file. Something that is none, such as a FIFO, is refused and not waited for.
///
/// # Errors
/// [`CredentialsError`].
pub fn small_file(path: &Path) -> Result<String, CredentialsError> {
    let fail = fail(path);
    let system = |error: std::io::Error| fail(error.to_string());
    if !std::fs::metadata(path).map_err(system)?.is_file() {
        return Err(fail("is no regular file".to_owned()));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(system)?;
    file.take(LIMIT + 1).read_to_string(&mut text).map_err(system)?;
    if text.len() as u64 > LIMIT {
        return Err(fail(format!("is larger than {LIMIT} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_keys_are_keys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pub");
        let read = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            keys(&path)
        };
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA joe";
        let found = read(format!("# mine\n\n{key}\r\n").as_bytes()).unwrap();
        assert_eq!(found.iter().map(SshKey::as_str).collect::<Vec<_>>(), [key]);
        for (text, words) in [
            (&b""[..], "has no public key"),
            (b"# only\n", "has no public key"),
            (b"hello\n", "public key of ssh"),
            (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "private key"),
            (b"ssh-ed25519 \x01\n", "public key of ssh"),
            (b"\xff\xfe", "UTF-8"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(read(&b"# ssh-ed25519 AAAA\n".repeat(5000)).unwrap_err().to_string().contains("larger than"));
        assert!(keys(dir.path()).unwrap_err().to_string().contains("no regular file"));
    }
}
