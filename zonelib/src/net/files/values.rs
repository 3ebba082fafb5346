//! Values of users that go into files as they are.

use std::fmt;
use std::str::FromStr;

/// Not a value that a file can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no {kind}: {rule}")]
pub struct ValueError {
    kind: &'static str,
    rule: &'static str,
}

/// A password as crypt(3C) makes it. It is not printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct CryptedPassword(String);

/// Bytes of the longest crypted password, `CRYPT_MAXCIPHERTEXTLEN` of illumos.
const PASSWORD_LIMIT: usize = 255;

impl CryptedPassword {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The kinds of crypt(3C) that cloud-init tells from a plain password. Source: `cc_set_passwords` of cloud-init.
const KNOWN_TO_CLOUD_INIT: [&str; 5] = ["$1$", "$2a$", "$2y$", "$5$", "$6$"];

impl CryptedPassword {
    /// Whether cloud-init sees that it is crypted. It would take any other for the plain password itself.
    ///
    /// # Errors
    /// [`ValueError`].
    pub fn for_cloud_init(self) -> Result<Self, ValueError> {
        if KNOWN_TO_CLOUD_INIT.iter().any(|kind| self.0.starts_with(kind)) {
            return Ok(self);
        }
        let rule = "cloud-init takes it for a plain one; make one that begins with `$6$` or `$5$`";
        Err(ValueError { kind: "crypted password for a guest", rule })
    }
}

impl FromStr for CryptedPassword {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let fail = |rule| ValueError { kind: "crypted password", rule };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
        let marks = |byte: u8| plain(byte) || matches!(byte, b'$' | b',' | b'=' | b'-' | b'_');
        if text.len() > PASSWORD_LIMIT {
            return Err(fail("it has more than 255 characters"));
        }
        match text.strip_prefix('$') {
            // `$5$ALT$HASH`, with rounds or without.
            Some(rest) if rest.matches('$').count() >= 2 && !rest.ends_with('$') && text.bytes().all(marks) => {}
            None if text.len() == 13 && text.bytes().all(plain) => {}
            _ => {
                return Err(fail(
                    "it has to be what crypt(3C) makes, such as `$5$SALT$HASH`; a plain password is none",
                ));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for CryptedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CryptedPassword")
    }
}

/// A public key of ssh, one line of `authorized_keys` without options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey(String);

/// Bytes of the longest key; one of RSA with 16384 bits has about 2800.
const KEY_LIMIT: usize = 8 * 1024;

impl SshKey {
    /// The line, without a newline.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SshKey {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let fail = |rule| ValueError { kind: "public key of ssh", rule };
        let line = text.trim_end_matches(['\n', '\r']);
        let mut words = line.split(' ');
        let (kind, key) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let known = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|prefix| kind.starts_with(prefix));
        let kind_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'@' | b'.');
        let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if line.len() > KEY_LIMIT {
            return Err(fail("it has more than 8192 characters"));
        }
        if line.chars().any(char::is_control) {
            return Err(fail("it has more than one line, or control characters"));
        }
        if line.starts_with("-----BEGIN") {
            return Err(fail("it is a private key"));
        }
        if !known || !kind.bytes().all(kind_char) || key.len() < 16 || !key.bytes().all(base64) {
            return Err(fail("it has to begin with its kind and the key, such as `ssh-ed25519 AAAA...`"));
        }
        Ok(Self(line.to_owned()))
    }
}

/// A time zone of the system, such as `Europe/Oslo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timezone(String);

impl Timezone {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Timezone {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl FromStr for Timezone {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/');
        if text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.len() <= 64 && text.bytes().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        Err(ValueError { kind: "time zone", rule: "it has to be a name such as `Europe/Oslo`" })
    }
}

/// The version of Linux that a zone of the lx brand says it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LxKernel(String);

impl LxKernel {
    /// The version.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LxKernel {
    fn default() -> Self {
        Self("4.4.15".to_owned())
    }
}

impl FromStr for LxKernel {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let number = |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if (2..=3).contains(&text.split('.').count()) && text.split('.').all(number) {
            return Ok(Self(text.to_owned()));
        }
        Err(ValueError { kind: "version of Linux", rule: "it has to be numbers such as `4.4.15`" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_what_crypt_makes() {
        for text in ["$5$rounds=5000$salt$hash", "$6$a.b$c/d", "$2b$10$abcdefghijklmnopqrstuv", "abcdefghijk./"] {
            assert_eq!(text.parse::<CryptedPassword>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "secret",
            "*LK*",
            "$5$",
            "$5$salt$",
            "$5$salt$ha sh",
            "$5$salt$hash\n",
            "$5$salt$hash:x",
            "abcdefghijklm n",
        ] {
            assert!(text.parse::<CryptedPassword>().is_err(), "{text}");
        }
        for (text, known) in [("$6$a$b", true), ("$2y$10$ab", true), ("$2b$10$ab", false), ("abcdefghijk./", false)] {
            assert_eq!(text.parse::<CryptedPassword>().unwrap().for_cloud_init().is_ok(), known, "{text}");
        }
        assert_eq!(format!("{:?}", "abcdefghijk./".parse::<CryptedPassword>().unwrap()), "CryptedPassword");
    }

    #[test]
    fn keys_are_one_line() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLE jane doe@host";
        for text in [key.to_owned(), format!("{key}\n"), format!("{key}\r\n")] {
            assert_eq!(text.parse::<SshKey>().unwrap().as_str(), key);
        }
        let two = format!("{key}\n{key}\n");
        for text in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 short",
            "ssh-ed25519 AAAA;AAAAAAAAAAAAAAAA",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "command=\"x\" ssh-rsa AAAA",
            &two,
        ] {
            assert!(text.parse::<SshKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn versions_of_linux_are_numbers() {
        for text in ["4.4", "4.4.15", "3.16.0"] {
            assert_eq!(text.parse::<LxKernel>().unwrap().as_str(), text);
        }
        for text in ["", "4", "4.4.4.4", "4.x", "4..4", "4.4\n", "12345.0"] {
            assert!(text.parse::<LxKernel>().is_err(), "{text}");
        }
    }

    #[test]
    fn time_zones_are_names() {
        for text in ["UTC", "Europe/Oslo", "Etc/GMT+5", "America/Port-au-Prince"] {
            assert!(text.parse::<Timezone>().is_ok(), "{text}");
        }
        for text in ["", "/etc/passwd", "UTC\nroot_password=x", "a b", ":UTC"] {
            assert!(text.parse::<Timezone>().is_err(), "{text}");
        }
    }
}
