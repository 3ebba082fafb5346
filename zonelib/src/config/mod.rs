//! A zone's configuration: names, what zonecfg(8) knows, and the XML that it keeps.

pub mod command;
mod index;
mod networks;
mod xml;
mod zones;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::host::{self, HostCommand};

pub use index::{Indexed, index};
pub use networks::{NetResourceChange, NetResourceError};
pub use xml::{
    Attr, AttrKind, ConfigError, CpuRange, DETACHED, Filesystem, IpType, Network, Rctl, RctlValue, XML_LIMIT,
    ZoneConfig,
};
pub use zones::{Zone, ZonesError, zones};

/// `ZONENAME_MAX` of sys/zone.h, with its NUL.
const NAME_LIMIT: usize = 64;

/// The name of a non-global zone. Source: zonecfg(8) and `valid_zone_name()` of libzonecfg.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(String);

/// Not a name that zonecfg(8) takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no zone name: {rule}", name.escape_debug())]
pub struct ZoneNameError {
    name: String,
    rule: &'static str,
}

impl ZoneName {
    /// Stands for a name that could not be read, while everything else is looked at.
    #[must_use]
    pub fn unread() -> Self {
        Self("unread".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ZoneName {
    type Err = ZoneNameError;

    fn from_str(name: &str) -> Result<Self, ZoneNameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let rule = if !name.starts_with(|letter: char| letter.is_ascii_alphanumeric()) {
            "it has to start with a letter or a digit"
        } else if !name.bytes().all(plain) {
            "only letters, digits, `_`, `.` and `-` are allowed"
        } else if name.len() >= NAME_LIMIT {
            "it has more than 63 characters"
        } else if name == "global" {
            "that is the global zone"
        } else if name.starts_with("SUNW") {
            "names that start with SUNW are reserved"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(ZoneNameError { name: name.to_owned(), rule })
    }
}

impl TryFrom<String> for ZoneName {
    type Error = ZoneNameError;

    fn try_from(name: String) -> Result<Self, ZoneNameError> {
        name.parse()
    }
}

impl From<ZoneName> for String {
    fn from(name: ZoneName) -> Self {
        name.0
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where zonecfg(8) keeps the configuration of a zone.
#[must_use]
pub fn file(zone: &ZoneName) -> PathBuf {
    host::place(&format!("/etc/zones/{zone}.xml"))
}

/// Where a zone's configuration mounts `directory` from; `None` when there is no such zone or no such
/// mount. A configuration that cannot be read is left to zonecfg(8).
#[must_use]
pub fn mounted_from(zone: &ZoneName, directory: &str) -> Option<PathBuf> {
    if let Ok(zone) = ZoneConfig::read(&file(zone)) {
        let mounted = zone.filesystems.into_iter().find(|mounted| mounted.directory == directory)?;
        return Some(mounted.special.into());
    }
    let zonecfg = HostCommand::new("/usr/sbin/zonecfg");
    if !zonecfg.present() {
        return None;
    }
    let out = zonecfg.args(["-z", zone.as_str(), "info", "fs"]).arg(format!("dir={directory}")).run().ok()?;
    special_of(&String::from_utf8_lossy(&out))
}

/// The `special:` line of `zonecfg info fs`, whose value may be quoted.
fn special_of(info: &str) -> Option<PathBuf> {
    let value = info.lines().find_map(|line| line.trim().strip_prefix("special:"))?;
    let value = value.trim().trim_matches('"');
    value.starts_with('/').then(|| PathBuf::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_names_follow_the_rules_of_zonecfg() {
        for name in ["z1", "1z", "a_b.c-d", &"x".repeat(63)] {
            assert!(name.parse::<ZoneName>().is_ok(), "{name}");
        }
        for name in ["", "-z", "_z", ".z", "a b", "a/b", "ü", "global", "SUNWlx", "a;b", &"x".repeat(64)] {
            assert!(name.parse::<ZoneName>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_source_of_a_mount_is_read() {
        let info = "fs:\n\tdir: /lib\n\tspecial: /zonelib/lib\n\traw not specified\n\ttype: lofs\n\toptions: [ro]\n";
        assert_eq!(special_of(info), Some("/zonelib/lib".into()));
        assert_eq!(special_of("No such fs resource.\n"), None);
    }
}
