//! Accounts of the global zone that a zone shares, and the same in the zone's own files.
//!
//! The files are those of the host itself, not what a name service tells: an account that is shared has to be
//! there when the zone is.

use std::io;
use std::path::PathBuf;

use crate::host;

use super::UserName;

/// Bytes of the largest of these files that are read.
const LIMIT: u64 = 16 << 20;

/// An account as the host has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: UserName,
    /// Its line of passwd(5).
    pub passwd: String,
    /// Its line of shadow(5), where it has one.
    pub shadow: Option<String>,
    /// The line of group(5) of its group, where there is one.
    pub group: Option<String>,
    /// The number of its group.
    pub gid: u32,
    /// Its home.
    pub home: PathBuf,
}

/// A line of shadow(5) is no business of whoever reads a message.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("passwd", &self.passwd).finish_non_exhaustive()
    }
}

/// Why an account cannot be shared.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// A file of the host cannot be read.
    #[error("{}: {source}", path.display())]
    System {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not one that can be shared.
    #[error("account `{name}` cannot be shared: {problem}")]
    Refused {
        /// Its name.
        name: UserName,
        /// Why.
        problem: String,
    },
}

/// The files of accounts of this host.
#[derive(Clone, Default)]
pub struct Accounts {
    passwd: String,
    shadow: String,
    group: String,
}

impl Accounts {
    /// Reads them.
    ///
    /// # Errors
    /// [`AccountError::System`].
    pub fn read() -> Result<Self, AccountError> {
        Ok(Self { passwd: read("/etc/passwd")?, shadow: read("/etc/shadow")?, group: read("/etc/group")? })
    }

    /// One account.
    ///
    /// # Errors
    /// [`AccountError::Refused`]: there is none of this name, it is root's, its home is no directory.
    pub fn find(&self, name: &UserName) -> Result<Account, AccountError> {
        let refuse = |problem: String| AccountError::Refused { name: name.clone(), problem };
        let passwd = line_of(&self.passwd, name.as_str())
            .ok_or_else(|| refuse("it is not in /etc/passwd; accounts of name services are not shared".to_owned()))?;
        let fields: Vec<&str> = passwd.split(':').collect();
        let [_, _, uid, gid, _, home, _] = fields[..] else {
            return Err(refuse("its line of /etc/passwd has not seven fields".to_owned()));
        };
        let gid = gid.parse().map_err(|_| refuse(format!("its group in /etc/passwd is `{}`", gid.escape_debug())))?;
        if uid.parse::<u32>().map_or(true, |uid| uid == 0) {
            return Err(refuse("it is that of root; every zone has its own".to_owned()));
        }
        let home_of = PathBuf::from(home);
        if !home.starts_with('/') || home == "/" || !host::place(home).is_dir() {
            return Err(refuse(format!("its home `{}` is no directory of this host", home.escape_debug())));
        }
        let of_group = |line: &&str| line.split(':').nth(2).is_some_and(|found| found.parse() == Ok(gid));
        Ok(Account {
            name: name.clone(),
            passwd: passwd.to_owned(),
            shadow: line_of(&self.shadow, name.as_str()).map(str::to_owned),
            group: self.group.lines().find(of_group).map(str::to_owned),
            gid,
            home: home_of,
        })
    }
}

fn read(path: &str) -> Result<String, AccountError> {
    let place = host::place(path);
    let fail = |source| AccountError::System { path: place.clone(), source };
    match std::fs::metadata(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(fail(error)),
        Ok(found) if found.len() > LIMIT => return Err(fail(io::ErrorKind::FileTooLarge.into())),
        Ok(_) => {}
    }
    std::fs::read(&place).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(fail)
}

/// The line whose first field is a name.
pub(super) fn line_of<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find(|line| line.split_once(':').is_some_and(|(first, _)| first == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts {
            passwd: "root:x:0:0:Super-User:/root:/bin/sh\njoe:x:101:10:Joe:/tmp:/bin/sh\n\
                     admin:x:0:10::/tmp:/bin/sh\nlost:x:102:10::/nonexistent/home:/bin/sh\nodd:x:103\n\
                     nogroup:x:104:99::/tmp:/bin/sh\n"
                .to_owned(),
            shadow: "joe:$6$salt$hash:19000::::::\n".to_owned(),
            group: "root::0:\nstaff::10:joe\n".to_owned(),
        }
    }

    #[test]
    fn an_account_comes_with_its_group_and_password() {
        let joe = accounts().find(&"joe".parse().unwrap()).unwrap();
        assert_eq!((joe.passwd.as_str(), joe.gid), ("joe:x:101:10:Joe:/tmp:/bin/sh", 10));
        assert_eq!(joe.shadow.as_deref(), Some("joe:$6$salt$hash:19000::::::"));
        assert_eq!(joe.group.as_deref(), Some("staff::10:joe"));
        assert!(!format!("{joe:?}").contains("hash"));
        let other = accounts().find(&"nogroup".parse().unwrap()).unwrap();
        assert_eq!((other.shadow, other.group), (None, None));
    }

    #[test]
    fn what_is_no_account_to_share_is_refused() {
        for (name, words) in [
            ("root", "that of root"),
            ("admin", "that of root"),
            ("jo", "not in /etc/passwd"),
            ("lost", "`/nonexistent/home` is no directory"),
            ("odd", "not seven fields"),
        ] {
            let error = accounts().find(&name.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains(&format!("`{name}`")), "{error}");
        }
    }
}
