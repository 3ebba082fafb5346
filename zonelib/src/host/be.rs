//! Boot environments. A zone root's dataset carries the UUID of the boot environment that it belongs to,
//! and is found by it: `org.opensolaris.libbe:parentbe` of the one is `org.opensolaris.libbe:uuid` of the
//! other. Source: libbe, beadm(8).

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha1::{Digest, Sha1};

use super::{DatasetName, HostCommand, HostError};

/// The property of a boot environment's root dataset.
pub const UUID_PROPERTY: &str = "org.opensolaris.libbe:uuid";
/// The property of a zone root's dataset that says to which boot environment it belongs.
pub const PARENT_PROPERTY: &str = "org.opensolaris.libbe:parentbe";
/// The property of a zone root's dataset that is `on` for the one of several that is used.
pub const ACTIVE_PROPERTY: &str = "org.opensolaris.libbe:active";

/// What the brand scripts of illumos call the only boot environment of a host without beadm(8).
pub const ONLY: &str = "opensolaris";

const BEADM: &str = "/usr/sbin/beadm";
const ZFS: &str = "/usr/sbin/zfs";

/// The UUID of a boot environment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BeUuid([u8; 16]);

impl BeUuid {
    /// One that no other boot environment has: the SHA-1 of random bytes in the form of version 5 and of
    /// the variant of RFC 4122.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_digest(Sha1::digest(super::random_bytes()).into())
    }

    /// Source: RFC 4122, section 4.3.
    fn from_digest(digest: [u8; 20]) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6] = (bytes[6] & 0x0f) | 0x50;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for BeUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for BeUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BeUuid {
    type Err = BeError;

    /// Any version and variant: older tools wrote others.
    fn from_str(text: &str) -> Result<Self, BeError> {
        let wrong = || BeError::NotUuid(text.escape_debug().to_string());
        let groups: Vec<&str> = text.split('-').collect();
        let lengths = groups.iter().map(|group| group.len());
        if !lengths.eq([8, 4, 4, 4, 12]) || !text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let number = u128::from_str_radix(&groups.concat(), 16).map_err(|_| wrong())?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Why a boot environment cannot be named or marked.
#[derive(Debug, thiserror::Error)]
pub enum BeError {
    /// A host command failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// This host knows of no boot environments.
    #[error("there is no `{BEADM}`, so this host has one boot environment, which the brand scripts call `{ONLY}`")]
    NoBeadm,
    /// What beadm(8) or zfs(8) printed is nothing that it is known to print.
    #[error("`{command}` printed what cannot be understood: `{line}`")]
    Unexpected {
        /// The command.
        command: &'static str,
        /// What it printed, escaped.
        line: String,
    },
    /// No boot environment is the running one.
    #[error("`{BEADM} list -H` names no boot environment that is active now")]
    NoneActive,
    /// The boot environment cannot own zone roots.
    #[error(
        "boot environment `{0}` has no UUID, by which its zone roots are found; give its dataset one with `be-uuid --set DATASET`"
    )]
    NoUuid(String),
    /// No boot environment is mounted there.
    #[error("`{BEADM} list -H` names no boot environment that is mounted on {}", .0.display())]
    NotMounted(PathBuf),
    /// The dataset has a UUID already.
    #[error("`{dataset}` already has the UUID {uuid}, by which its zones are found; --force gives it a new one")]
    HasOne {
        /// The dataset.
        dataset: DatasetName,
        /// Its UUID.
        uuid: String,
    },
    /// Not the text form of a UUID.
    #[error("`{0}` is no UUID")]
    NotUuid(String),
}

/// A boot environment as beadm(8) lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootEnvironment {
    /// Its name.
    pub name: String,
    /// Its UUID, as it stands there; some have none.
    pub uuid: Option<String>,
    /// The one that is running.
    pub running: bool,
    /// Where it is mounted.
    pub mountpoint: Option<PathBuf>,
}

/// Reads what `beadm list -H` prints: one line each, `name;uuid;active;mountpoint;space;policy;creation`.
/// More fields may follow some day; fewer than four are something else.
///
/// # Errors
/// [`BeError::Unexpected`].
pub fn parse_beadm_list(text: &str) -> Result<Vec<BootEnvironment>, BeError> {
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split(';').collect();
        match fields[..] {
            [name, uuid, active, mountpoint, ..] if !name.is_empty() => Ok(BootEnvironment {
                name: name.to_owned(),
                uuid: (!uuid.is_empty()).then(|| uuid.to_owned()),
                running: active.contains('N'),
                mountpoint: (!mountpoint.is_empty()).then(|| mountpoint.into()),
            }),
            _ => Err(unexpected("beadm list -H", line)),
        }
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(parse).collect()
}

fn unexpected(command: &'static str, line: &str) -> BeError {
    BeError::Unexpected { command, line: line.escape_debug().to_string() }
}

/// The boot environment that is running.
///
/// # Errors
/// [`BeError`]: there is no beadm(8), it failed, or it names none.
pub fn running() -> Result<BootEnvironment, BeError> {
    list()?.into_iter().find(|environment| environment.running).ok_or(BeError::NoneActive)
}

/// The boot environments of this host.
fn list() -> Result<Vec<BootEnvironment>, BeError> {
    let beadm = HostCommand::new(BEADM).args(["list", "-H"]);
    if !beadm.present() {
        return Err(BeError::NoBeadm);
    }
    let out = beadm.run()?;
    parse_beadm_list(&String::from_utf8_lossy(&out))
}

/// What the zone roots of a boot environment are marked with: of the running one, or of the one that is
/// mounted on `alternate`. On a host without beadm(8) that is [`ONLY`].
///
/// # Errors
/// [`BeError`]: beadm(8) failed or names no such environment, or it has no UUID.
pub fn owner(alternate: Option<&Path>) -> Result<String, BeError> {
    let found = match alternate {
        None => running(),
        Some(path) => list().and_then(|all| {
            let mounted = all.into_iter().find(|environment| environment.mountpoint.as_deref() == Some(path));
            mounted.ok_or_else(|| BeError::NotMounted(path.to_owned()))
        }),
    };
    match found {
        Err(BeError::NoBeadm) => Ok(ONLY.to_owned()),
        Err(error) => Err(error),
        Ok(environment) => environment.uuid.ok_or(BeError::NoUuid(environment.name)),
    }
}

/// The UUID of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// As it stands there.
    pub uuid: String,
    /// Set on the dataset, not inherited from one above.
    pub own: bool,
}

/// Reads one line of `zfs get -H -o value,source`.
fn parse_property(text: &str) -> Result<Option<Property>, BeError> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    match line.split_once('\t') {
        Some(("-", "-")) => Ok(None),
        Some((value, source)) if !value.is_empty() && !source.contains(['\t', '\n']) => {
            Ok(Some(Property { uuid: value.to_owned(), own: !source.starts_with("inherited") }))
        }
        _ => Err(unexpected("zfs get", line)),
    }
}

/// The UUID of a dataset, when it has one or inherits one.
///
/// # Errors
/// [`BeError`]: no such dataset, or zfs(8) failed.
pub fn of_dataset(dataset: &DatasetName) -> Result<Option<Property>, BeError> {
    let zfs = HostCommand::new(ZFS).args(["get", "-H", "-o", "value,source", UUID_PROPERTY]).arg(dataset.as_str());
    let out = zfs.run()?;
    parse_property(&String::from_utf8_lossy(&out))
}

/// Gives a dataset a new UUID. With `force` also one that has its own; the old one is then returned
/// beside the new one.
///
/// # Errors
/// [`BeError`]: it has one, there is no such dataset, or zfs(8) failed.
pub fn mark(dataset: &DatasetName, force: bool) -> Result<(BeUuid, Option<String>), BeError> {
    let old = of_dataset(dataset)?.filter(|property| property.own).map(|property| property.uuid);
    if let Some(uuid) = old.as_ref().filter(|_| !force) {
        return Err(BeError::HasOne { dataset: dataset.clone(), uuid: uuid.clone() });
    }
    let uuid = BeUuid::generate();
    HostCommand::new(ZFS).arg("set").arg(format!("{UUID_PROPERTY}={uuid}")).arg(dataset.as_str()).run()?;
    Ok((uuid, old))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Counts of ones show a bit that is stuck where it should be free, or free where it should be fixed.
    #[test]
    fn version_and_variant_are_always_right_and_the_rest_is_random() {
        const MANY: u32 = 4000;
        let mut ones = [0u32; 128];
        let mut seen = HashSet::new();
        for _ in 0..MANY {
            let uuid = BeUuid::generate();
            let text = uuid.to_string();
            assert_eq!(text.len(), 36);
            assert_eq!(text.as_bytes()[14], b'5', "{text}");
            assert!(b"89ab".contains(&text.as_bytes()[19]), "{text}");
            assert_eq!(text.parse::<BeUuid>().unwrap(), uuid);
            assert!(seen.insert(uuid), "{text} twice");
            let number = u128::from_be_bytes(uuid.0);
            for (bit, count) in ones.iter_mut().enumerate() {
                *count += u32::from(number >> (127 - bit) & 1 == 1);
            }
        }
        let fixed = [(48, 0), (49, MANY), (50, 0), (51, MANY), (64, MANY), (65, 0)];
        for (bit, count) in ones.into_iter().enumerate() {
            match fixed.iter().find(|(fixed, _)| *fixed == bit) {
                Some((_, expected)) => assert_eq!(count, *expected, "bit {bit}"),
                // Ten standard deviations.
                None => assert!(count.abs_diff(MANY / 2) < 320, "bit {bit} is one {count} times of {MANY}"),
            }
        }
    }

    #[test]
    fn bits_are_set_over_whatever_the_digest_has() {
        assert_eq!(BeUuid::from_digest([0; 20]).to_string(), "00000000-0000-5000-8000-000000000000");
        assert_eq!(BeUuid::from_digest([0xff; 20]).to_string(), "ffffffff-ffff-5fff-bfff-ffffffffffff");
    }

    #[test]
    fn the_text_form_is_read_strictly() {
        assert!("0c29ae6e-dd32-6c93-8ff2-d9b5d31d0d3b".parse::<BeUuid>().is_ok());
        assert!("0C29AE6E-DD32-6C93-8FF2-D9B5D31D0D3B".parse::<BeUuid>().is_ok());
        let wrong = ["", "-", "0c29ae6edd326c938ff2d9b5d31d0d3b", "0c29ae6e-dd32-6c93-8ff2-d9b5d31d0d3", "opensolaris"];
        let signed = ["+c29ae6e-dd32-6c93-8ff2-d9b5d31d0d3b", "0c29ae6e-dd32-6c93-8ff2-d9b5d31d0d3b\n"];
        for text in wrong.iter().chain(&signed) {
            assert!(text.parse::<BeUuid>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn lists_of_beadm_are_read_by_position() {
        let be = |name: &str, uuid: &str, running: bool, place: &str| BootEnvironment {
            name: name.to_owned(),
            uuid: (!uuid.is_empty()).then(|| uuid.to_owned()),
            running,
            mountpoint: (!place.is_empty()).then(|| place.into()),
        };
        let cases = [
            ("", vec![]),
            ("m36;u-1;NR;/;1024;static;1650000000\n", vec![be("m36", "u-1", true, "/")]),
            ("a;;;;1;static;1\nb;;N;/;2;static;2\n", vec![be("a", "", false, ""), be("b", "", true, "/")]),
            ("a;u;R;;1;static;1\nb;v;xN;/;2;static;2\n", vec![be("a", "u", false, ""), be("b", "v", true, "/")]),
            ("a;u;xb;;1;static;1\n", vec![be("a", "u", false, "")]),
            ("a;u;NT;/", vec![be("a", "u", true, "/")]),
            ("a;u;N;/;1;static;2;more;and more\n\n", vec![be("a", "u", true, "/")]),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_beadm_list(text).unwrap(), expected, "{text:?}");
        }
        for text in ["a;u;N\n", "a\tu\tN\t/\n", ";u;N;/;1;static;1\n", "BE Active Mountpoint Space\n"] {
            let error = parse_beadm_list(text).unwrap_err().to_string();
            assert!(error.contains("cannot be understood"), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_property_is_the_datasets_own_or_inherited() {
        let property = |uuid: &str, own| Some(Property { uuid: uuid.to_owned(), own });
        assert_eq!(parse_property("-\t-\n").unwrap(), None);
        assert_eq!(parse_property("u\tlocal\n").unwrap(), property("u", true));
        assert_eq!(parse_property("u\treceived\n").unwrap(), property("u", true));
        assert_eq!(parse_property("u\tinherited from rpool/ROOT/a\n").unwrap(), property("u", false));
        for text in ["", "u\n", "\tlocal\n", "a\tlocal\nb\tlocal\n"] {
            assert!(parse_property(text).is_err(), "{text:?}");
        }
    }
}
