//! The zones of a host, as zoneadm(8) lists them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::host::{HostCommand, HostError};

/// One zone of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its number while it is active.
    pub id: Option<u32>,
    /// Its name.
    pub name: String,
    /// `configured`, `incomplete`, `installed`, `ready`, `running`, `shutting_down`, `down`, `mounted`.
    pub state: String,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// Its UUID; empty while it has none.
    pub uuid: String,
    /// Its brand.
    pub brand: String,
    /// `shared` or `excl`.
    pub ip_type: String,
}

impl Zone {
    /// Whether it has a zone root.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        !matches!(self.state.as_str(), "configured" | "incomplete")
    }

    /// Whether its processes may run.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !matches!(self.state.as_str(), "configured" | "incomplete" | "installed" | "mounted")
    }
}

/// Why the zones are not known.
#[derive(Debug, thiserror::Error)]
pub enum ZonesError {
    /// zoneadm failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It printed something else than a list.
    #[error("`{command}`: line {line}: {problem}")]
    Line {
        /// The command line.
        command: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// All non-global zones of this host, or of another root's own index.
///
/// # Errors
/// [`ZonesError`].
pub fn zones(image: &Path) -> Result<Vec<Zone>, ZonesError> {
    let zoneadm = HostCommand::new("/usr/sbin/zoneadm");
    let zoneadm = if image == Path::new("/") { zoneadm } else { zoneadm.arg("-R").arg(image) };
    let zoneadm = zoneadm.args(["list", "-cp"]);
    let out = zoneadm.run()?;
    let mut zones =
        parse(&out).map_err(|(line, problem)| ZonesError::Line { command: zoneadm.line(), line, problem })?;
    for zone in &mut zones {
        // An index has the paths as a system has them that was booted from its root.
        if !zone.zonepath.starts_with(image) {
            zone.zonepath = image.join(zone.zonepath.strip_prefix("/").unwrap_or(&zone.zonepath));
        }
    }
    Ok(zones)
}

/// Reads `zoneadm list -cp`, without the global zone. Newer releases may add fields at the end.
///
/// # Errors
/// The number of the first line that is none of such a list, and why.
pub fn parse(text: &[u8]) -> Result<Vec<Zone>, (usize, &'static str)> {
    let mut zones = Vec::new();
    for (number, line) in text.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let zone = one(line).map_err(|problem| (number + 1, problem))?;
        zones.extend(zone);
    }
    Ok(zones)
}

fn one(line: &[u8]) -> Result<Option<Zone>, &'static str> {
    let mut fields = fields(line).into_iter();
    let mut next = || fields.next().ok_or("has fewer than seven fields");
    let (id, name, state, zonepath, uuid, brand, ip_type) =
        (next()?, next()?, next()?, next()?, next()?, next()?, next()?);
    let text = |field: Vec<u8>| String::from_utf8(field).map_err(|_| "is not UTF-8");
    let (id, name) = (text(id)?, text(name)?);
    if name == "global" {
        return Ok(None);
    }
    if name.is_empty() || zonepath.first() != Some(&b'/') {
        return Err("has no zone name, or a zonepath that is not absolute");
    }
    let id = match id.as_str() {
        "-" => None,
        id => Some(id.parse().map_err(|_| "has an id that is neither a number nor `-`")?),
    };
    let zonepath = PathBuf::from(OsString::from_vec(zonepath));
    let (state, uuid, brand, ip_type) = (text(state)?, text(uuid)?, text(brand)?, text(ip_type)?);
    Ok(Some(Zone { id, name, state, zonepath, uuid, brand, ip_type }))
}

/// Fields between colons; `\:` is a colon of a field, and any other backslash is itself.
fn fields(line: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = vec![Vec::new()];
    let mut rest = line.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let last = fields.len() - 1;
        match byte {
            b':' => fields.push(Vec::new()),
            b'\\' if rest.next_if_eq(&b':').is_some() => fields[last].push(b':'),
            byte => fields[last].push(byte),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let text = b"0:global:running:/::ipkg:shared\n\
            1:w1:running:/zones/w1:1b9d-x:whole-root:excl\n\
            -:odd:installed:/zones/a\\:b\\c:u:sparse-root:shared:more:fields\n\
            -:new:configured:/zones/new::sparse-root:excl\n";
        let zones = parse(text).unwrap();
        let names: Vec<(&str, Option<u32>, &str)> =
            zones.iter().map(|zone| (zone.name.as_str(), zone.id, zone.state.as_str())).collect();
        assert_eq!(names, [("w1", Some(1), "running"), ("odd", None, "installed"), ("new", None, "configured")]);
        assert_eq!(zones[1].zonepath, Path::new("/zones/a:b\\c"));
        assert_eq!((zones[1].brand.as_str(), zones[1].ip_type.as_str()), ("sparse-root", "shared"));
        let states: Vec<(bool, bool)> = zones.iter().map(|zone| (zone.is_installed(), zone.is_active())).collect();
        assert_eq!(states, [(true, true), (true, false), (false, false)]);
        assert_eq!(parse(b"").unwrap(), []);
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        for (text, line, problem) in [
            (&b"0:global:running:/::native:shared\nnonsense\n"[..], 2, "has fewer than seven fields"),
            (b"x:z:running:/z::b:shared\n", 1, "has an id that is neither a number nor `-`"),
            (b"-:z:running:z::b:shared\n", 1, "has no zone name, or a zonepath that is not absolute"),
            (b"-::running:/z::b:shared\n", 1, "has no zone name, or a zonepath that is not absolute"),
            (b"-:\xff:running:/z::b:shared\n", 1, "is not UTF-8"),
        ] {
            assert_eq!(parse(text), Err((line, problem)));
        }
    }
}
