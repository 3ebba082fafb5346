//! `/etc/zones/index`, which says what zones there are. Source: `putzoneent()` of libzonecfg.

use std::io;
use std::path::PathBuf;

use crate::host;

use super::ZoneName;

/// A zone as the index has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Its name.
    pub name: ZoneName,
    /// `configured`, `incomplete` or `installed`.
    pub state: String,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// Its UUID; `None` while it is configured only.
    pub uuid: Option<String>,
}

/// The zones of this host, in the order of the index.
///
/// # Errors
/// The index cannot be read.
pub fn index() -> io::Result<Vec<Indexed>> {
    let place = host::place("/etc/zones/index");
    match std::fs::read_to_string(&place) {
        Ok(text) => Ok(text.lines().filter_map(parse).collect()),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", place.display()))),
    }
}

/// `name:state:zonepath:uuid`, the zonepath in quotes when it has a colon.
fn parse(line: &str) -> Option<Indexed> {
    let (name, rest) = line.split_once(':')?;
    let (state, rest) = rest.split_once(':')?;
    let (zonepath, rest) = match rest.strip_prefix('"') {
        Some(quoted) => {
            quoted.split_once('"').map(|(path, rest)| (path, rest.strip_prefix(':').unwrap_or_default()))?
        }
        None => rest.split_once(':').unwrap_or((rest, "")),
    };
    let uuid = rest.split(':').next().filter(|uuid| !uuid.is_empty()).map(str::to_owned);
    Some(Indexed { name: name.parse().ok()?, state: state.to_owned(), zonepath: zonepath.into(), uuid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_a_uuid_once_it_is_installed() {
        for (line, uuid) in [
            ("z1:installed:/zones/z1:0c29ae6e-dd32", Some("0c29ae6e-dd32")),
            ("z1:installed:\"/zones/a:b\":0c29ae6e-dd32", Some("0c29ae6e-dd32")),
            ("z1:configured:/zones/z1:", None),
            ("z1:configured:/zones/z1", None),
        ] {
            assert_eq!(parse(line).unwrap().uuid.as_deref(), uuid, "{line}");
        }
    }

    #[test]
    fn lines_of_the_index() {
        let cases = [
            ("z1:installed:/zones/z1:0c29ae6e-dd32-6c93-8ff2-d9b5d31d0d3b", Some(("z1", "installed", "/zones/z1"))),
            ("z2:configured:/zones/z2:", Some(("z2", "configured", "/zones/z2"))),
            ("z3:incomplete:/zones/z3", Some(("z3", "incomplete", "/zones/z3"))),
            ("z4:installed:\"/zones/a:b\":u", Some(("z4", "installed", "/zones/a:b"))),
            ("global:installed:/", None),
            ("# comment", None),
            (":installed:/x:", None),
            ("z5:installed", None),
            ("z6:installed:\"/open", None),
        ];
        for (line, expected) in cases {
            let found = parse(line);
            let found = found.as_ref().map(|zone| (zone.name.as_str(), zone.state.as_str(), zone.zonepath.to_str()));
            assert_eq!(found, expected.map(|(name, state, path)| (name, state, Some(path))), "{line}");
        }
    }
}
