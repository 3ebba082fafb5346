//! `/etc/zones/index` (section 4), and the states of zones (section 1).

use std::fs;
use std::os::unix::fs::chown;

use super::host::{Host, random_bytes, replace};
use super::{Context, Done, fail};

/// A zone's state, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Configured = 0,
    Incomplete = 1,
    Installed = 2,
    Ready = 3,
    Running = 4,
    ShuttingDown = 5,
    Down = 6,
    Mounted = 7,
}

impl State {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Configured, "configured"),
        (Self::Incomplete, "incomplete"),
        (Self::Installed, "installed"),
        (Self::Ready, "ready"),
        (Self::Running, "running"),
        (Self::ShuttingDown, "shutting_down"),
        (Self::Down, "down"),
        (Self::Mounted, "mounted"),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }

    pub(super) fn number(self) -> u8 {
        self as u8
    }
}

/// A zone's line in the index.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) zonepath: String,
    pub(super) uuid: String,
}

#[derive(Debug)]
enum Line {
    /// With its text, which stays as it is for the global zone.
    Entry(Entry, String),
    Other(String),
}

/// The zones of the index, in its order.
pub(super) fn read(host: &Host) -> Done<Vec<Entry>> {
    let path = host.place("etc/zones/index");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return fail(format!("{}: {error}", path.display())),
    };
    Ok(parse(&text).into_iter().filter_map(Line::entry).collect())
}

/// One zone of the index.
pub(super) fn find(host: &Host, zone: &str) -> Done<Option<Entry>> {
    Ok(read(host)?.into_iter().find(|entry| entry.name == zone))
}

/// Writes a zone's state, and keeps the rules on its UUID.
pub(super) fn set_state(host: &Host, zone: &str, state: State) -> Done {
    update(host, |entries| match entries.iter_mut().find(|entry| entry.name == zone) {
        Some(entry) => {
            entry.state = state;
            // Whatever is below installed throws the old one away.
            if state < State::Installed {
                entry.uuid.clear();
            }
            true
        }
        None => false,
    })
}

/// Puts a zone into the index, or gives it another path or name there.
pub(super) fn put(host: &Host, old: &str, name: &str, zonepath: &str) -> Done {
    update(host, |entries| {
        match entries.iter_mut().find(|entry| entry.name == old) {
            Some(entry) => {
                name.clone_into(&mut entry.name);
                zonepath.clone_into(&mut entry.zonepath);
            }
            None => entries.push(Entry {
                name: name.to_owned(),
                state: State::Configured,
                zonepath: zonepath.to_owned(),
                uuid: String::new(),
            }),
        }
        true
    })
}

/// Takes a zone out of the index.
pub(super) fn remove(host: &Host, zone: &str) -> Done {
    update(host, |entries| {
        entries.retain(|entry| entry.name != zone);
        true
    })
}

/// Changes the zones of the index under its lock; false from `change` is a failure. A missing index makes
/// every change fail.
fn update(host: &Host, change: impl FnOnce(&mut Vec<Entry>) -> bool) -> Done {
    let _lock = host.lock("index.lock")?;
    let path = host.place("etc/zones/index");
    let text = fs::read_to_string(&path).during("Problem updating index file")?;
    let lines = parse(&text);
    let mut entries: Vec<Entry> = lines.iter().filter_map(Line::as_entry).cloned().collect();
    let before: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    if !change(&mut entries) {
        return fail("No such zone configured");
    }
    for entry in entries.iter_mut().filter(|entry| entry.name != "global") {
        fix_uuid(entry)?;
    }
    replace(&path, &assemble(lines, &before, &entries))?;
    if rustix::process::geteuid().is_root() {
        match chown(&path, Some(0), Some(3)) {
            // A user namespace of Linux need not have the group.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {}
            done => done.during(path.display())?,
        }
    }
    Ok(())
}

/// An uninstalled zone has none but while it is incomplete, and an installed one keeps it.
fn fix_uuid(entry: &mut Entry) -> Done {
    if entry.state == State::Configured {
        entry.uuid.clear();
    } else if entry.uuid.is_empty() {
        entry.uuid = new_uuid()?;
    }
    Ok(())
}

/// Lines that are no zones stay where they are; a renamed zone stays in its place.
fn assemble(lines: Vec<Line>, before: &[String], entries: &[Entry]) -> String {
    let mut text = String::new();
    let same_length = before.len() == entries.len();
    let mut position = 0;
    for line in lines {
        match line {
            Line::Other(other) => text.push_str(&other),
            Line::Entry(old, text_before) => {
                let kept = if same_length {
                    entries.get(position)
                } else {
                    entries.iter().find(|entry| entry.name == old.name)
                };
                position += 1;
                if old.name == "global" {
                    text.push_str(&text_before);
                } else {
                    text.extend(kept.map(Entry::line));
                }
            }
        }
    }
    if entries.len() > before.len() {
        text.extend(entries[before.len()..].iter().map(Entry::line));
    }
    text
}

fn parse(text: &str) -> Vec<Line> {
    let line = |line: &str| match Entry::parse(line) {
        Some(entry) => Line::Entry(entry, line.to_owned()),
        None => Line::Other(line.to_owned()),
    };
    text.split_inclusive('\n').map(line).collect()
}

impl Line {
    fn entry(self) -> Option<Entry> {
        match self {
            Self::Entry(entry, _) => Some(entry),
            Self::Other(_) => None,
        }
    }

    fn as_entry(&self) -> Option<&Entry> {
        match self {
            Self::Entry(entry, _) => Some(entry),
            Self::Other(_) => None,
        }
    }
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let line = line.strip_suffix('\n')?;
        if line.starts_with('#') {
            return None;
        }
        let (name, rest) = line.split_once(':')?;
        let (state, rest) = rest.split_once(':')?;
        let (zonepath, uuid) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (path, rest) = quoted.split_once('"')?;
                (path, rest.strip_prefix(':').unwrap_or_default())
            }
            None => rest.split_once(':').unwrap_or((rest, "")),
        };
        let state = State::of(state).filter(|state| *state <= State::Installed)?;
        let uuid = uuid.to_ascii_lowercase();
        (!name.is_empty()).then(|| Self { name: name.into(), state, zonepath: zonepath.into(), uuid })
    }

    fn line(&self) -> String {
        let quote = if self.zonepath.contains(':') { "\"" } else { "" };
        format!("{}:{}:{quote}{}{quote}:{}\n", self.name, self.state.name(), self.zonepath, self.uuid)
    }
}

/// A random UUID in lower case.
fn new_uuid() -> Done<String> {
    let mut bytes = random_bytes::<16>()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
}
