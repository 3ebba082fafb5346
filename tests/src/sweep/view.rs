//! All that can be seen of a host: its pool, its zones, its files, and what is hidden below mounts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::lab::Lab;
use crate::tree::{self, Node, shown};

/// Which operation made a dataset: another one each time.
const IGNORED: [&str; 1] = ["zonekit:made"];

/// What the host itself keeps in its files, which is seen elsewhere or says nothing.
const NOT_LOOKED_AT: [&str; 7] = [
    "/etc/mnttab",
    "/etc/zones/index",
    "/var/run",
    "/var/zonekit/lock",
    "/zonelib/.lib.lock",
    // Not there when svccfg failed; the record tells its inode.
    "/zonelib/.lib.repository",
    "/zonelib/.lib.repository.zonekit",
];

/// Golden images serve zones that are still to come: one that is whole may stay, whatever became of the
/// operation that filled it. Their own tests see to it that no other one does.
const GOLDEN: &str = "/.golden";

/// Directories that stay when they were needed once.
const MADE_ONCE: &str = "/var/zonekit";

/// Shared with other zones. The clone of /lib may have been made whole by an operation that failed; an image
/// that could not be given up then is told of, and the next one who wants it goes on.
const SHARED: [&str; 4] =
    ["file /zonelib", "file /var/zonekit/journal/golden:", "/var/zonekit/golden/", "pool mount rpool/zones/.golden"];

/// One fact of a host. Times of files can be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fact {
    text: String,
    modified: Option<(i64, i64)>,
}

/// What a host looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    facts: BTreeMap<String, Fact>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// When files were changed, too.
    pub times: bool,
    /// The clone of /lib, too.
    pub shared: bool,
}

/// A line without the Ethernet address that somebody has given to a link.
fn without_ether(line: &str) -> String {
    match line.split_once("mac=Some([") {
        Some((before, after)) => format!("{before}mac=[{}", after.split_once("])").map_or(after, |(_, rest)| rest)),
        None => line.to_owned(),
    }
}

/// A line without the fingerprint of an image, which tells the inodes of the host's own files.
fn masked(line: &str) -> String {
    let Some((before, after)) = line.split_once("/.golden/whole-root-") else { return line.to_owned() };
    let end = after.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(after.len());
    format!("{before}/.golden/whole-root{}", &after[end..])
}

impl View {
    /// Looks at a host.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn of(lab: &Lab) -> Self {
        let mut view = Self { facts: BTreeMap::new() };
        for line in lab.snapshot_of_state(&IGNORED).lines() {
            let of_image = line.split(' ').nth(1).is_some_and(|name| name.contains(GOLDEN));
            if !of_image || line.starts_with("mount ") {
                view.note(format!("pool {}", masked(&without_ether(line))), String::new());
            }
        }
        view.zones(lab);
        for entry in fs::read_dir(lab.root()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() != ".lab" {
                let top = format!("/{}", entry.file_name().to_string_lossy());
                view.files(lab, &top, &entry.path());
            }
        }
        for (name, place) in lab.hidden().into_iter().filter(|(name, _)| !name.contains(GOLDEN)) {
            view.files(lab, &format!("({name})"), &place);
        }
        view
    }

    fn note(&mut self, name: String, text: String) {
        self.facts.insert(name, Fact { text, modified: None });
    }

    fn zones(&mut self, lab: &Lab) {
        let index = fs::read_to_string(lab.place("/etc/zones/index")).unwrap_or_default();
        for line in index.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split(':').collect();
            let [zone, state, ..] = fields[..] else { panic!("/etc/zones/index: {line}") };
            let uuid = if fields.last().is_some_and(|uuid| uuid.is_empty()) { "no UUID" } else { "a UUID" };
            self.note(format!("zone {zone}"), format!("{state}, {uuid}"));
        }
        for (zone, state) in lab.active_zones() {
            self.note(format!("active {zone}"), state);
        }
    }

    fn files(&mut self, lab: &Lab, top: &str, place: &Path) {
        for (path, node) in tree::read(place) {
            let name = if path.is_empty() { top.to_owned() } else { format!("{top}/{}", shown(&path)) };
            let made_once = node.kind == 'd' && Path::new(&name).starts_with(MADE_ONCE);
            if made_once || NOT_LOOKED_AT.iter().any(|left_out| Path::new(&name).starts_with(left_out)) {
                continue;
            }
            // zonecfg(8) writes a configuration anew when it takes a change back.
            let rewritten = name.starts_with("/etc/zones/");
            let modified = (node.kind == 'f' && !rewritten).then_some(node.modified);
            let place = place.join(std::ffi::OsStr::new(std::str::from_utf8(&path).unwrap_or_default()));
            self.facts.insert(format!("file {name}"), Fact { text: text(lab, &node, &place), modified });
        }
    }

    /// Whether zoneadm(8) has left a zone incomplete.
    #[must_use]
    pub fn is_incomplete(&self, zone: &str) -> bool {
        self.facts.get(&format!("zone {zone}")).is_some_and(|fact| fact.text.starts_with("incomplete,"))
    }

    /// Datasets, mounts and files that are named after a zone as those that it had.
    #[must_use]
    pub fn traces_of(&self, zone: &str) -> Vec<&str> {
        let names = [format!("/{zone} "), format!("/{zone}/")];
        let seen = |fact: &&String| fact.starts_with("pool ") || fact.starts_with("file ");
        let named = |fact: &&String| names.iter().any(|name| format!("{fact} ").contains(name));
        self.facts.keys().filter(seen).filter(named).map(String::as_str).collect()
    }

    /// The facts of one kind: `pool`, `zone`, `active`, `file`.
    fn of_kind(&self, kind: &str) -> Self {
        let own = |name: &String| name.split(' ').next() == Some(kind);
        Self { facts: self.facts.iter().filter(|(name, _)| own(name)).map(|(n, f)| (n.clone(), f.clone())).collect() }
    }

    /// Whether pools and mounts are the same.
    #[must_use]
    pub fn same_pool(&self, other: &Self) -> bool {
        self.of_kind("pool") == other.of_kind("pool")
    }

    /// In what another view differs from this one, one line a difference; empty when in nothing.
    #[must_use]
    pub fn differences(&self, other: &Self, compared: Compared) -> String {
        let counts = |name: &str| compared.shared || !SHARED.iter().any(|shared| name.contains(shared));
        let own =
            self.facts.iter().filter(|(name, _)| counts(name)).filter_map(|(name, fact)| match other.facts.get(name) {
                None => Some(format!("  {name} {}: is gone\n", fact.text)),
                Some(found) if found.text != fact.text => {
                    Some(format!("  {name}: `{}` has become `{}`\n", fact.text, found.text))
                }
                Some(found) if compared.times && found.modified != fact.modified => {
                    Some(format!("  {name}: its time has changed\n"))
                }
                Some(_) => None,
            });
        let new = other.facts.iter().filter(|(name, _)| counts(name) && !self.facts.contains_key(*name));
        own.chain(new.map(|(name, fact)| format!("  {name} {}: is new\n", fact.text))).collect()
    }
}

/// Files with numbers that are another each time: of an operation, and of Ethernet.
fn has_numbers(place: &Path) -> bool {
    let text = place.to_string_lossy();
    ["/etc/zones/", "/var/zonekit/store/", "/etc/zonekit/dhcp/"].iter().any(|folder| text.contains(folder))
}

/// A text without such numbers.
fn without_numbers(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let is_part = |letter: char| letter.is_ascii_hexdigit() || letter == ':';
        let (run, after) = rest.split_at(rest.find(|letter| !is_part(letter)).unwrap_or(rest.len()));
        let parts: Vec<&str> = run.split(':').collect();
        masked.push_str(match &parts[..] {
            parts if parts.len() == 6 && parts.iter().all(|part| (1..=2).contains(&part.len())) => "ETHER",
            [digits] if digits.len() == 16 => "OPERATION",
            _ => run,
        });
        let next = after.chars().next().map_or(0, char::len_utf8);
        masked.push_str(&after[..next]);
        rest = &after[next..];
    }
    masked
}

/// Where an image says that it is a seed of cloud-init. Source: ECMA-119, 8.4.
const LABEL: usize = 16 * 2048 + 40;

/// What the files of an image say, when it is a seed: images have the time in them, and the zone's UUID.
fn seed(bytes: &[u8]) -> Option<String> {
    bytes.get(LABEL..)?.starts_with(b"CIDATA").then_some(())?;
    let plain = |byte: u8| byte == b'\n' || byte == b' ' || byte.is_ascii_graphic();
    let texts = bytes.split(|&byte| !plain(byte)).filter(|run| run.contains(&b'\n'));
    let lines = texts.flat_map(|run| run.split(|&byte| byte == b'\n')).map(String::from_utf8_lossy);
    Some(lines.filter(|line| !line.starts_with("instance-id:")).map(|line| without_numbers(&line) + "|").collect())
}

/// All of an object but for its time.
fn text(lab: &Lab, node: &Node, place: &Path) -> String {
    // What a zone knows of itself holds its UUID, another one each time.
    let own_index = place.ends_with("etc/zones/index");
    // Services are imported, or not where svccfg failed.
    let services = place.ends_with("etc/svc/repository.db");
    let more = match node.kind {
        'f' if own_index => " its own index".to_owned(),
        'f' if services => " services".to_owned(),
        'f' if has_numbers(place) => {
            let text = fs::read(place).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            format!(" {}", without_numbers(&text).escape_debug())
        }
        'f' => match fs::read(place).ok().filter(|bytes| bytes.len() > LABEL).and_then(|bytes| seed(&bytes)) {
            Some(said) => format!(" {} bytes, a seed: {said}", node.size),
            None => format!(" {} bytes, {:x}", node.size, node.digest),
        },
        'l' => {
            format!(" -> {}", String::from_utf8_lossy(&node.target).replace(&lab.root().display().to_string(), "ROOT"))
        }
        'c' | 'b' => format!(" {}:{}", node.device.0, node.device.1),
        _ => String::new(),
    };
    let joined = if node.joined.is_empty() { String::new() } else { format!(" = {}", shown(&node.joined)) };
    format!("{} {:04o} {}:{}{more}{joined}", node.kind, node.mode, node.uid, node.gid)
}

/// The journals that are there.
///
/// # Panics
/// They cannot be listed.
#[must_use]
pub fn journals(lab: &Lab) -> Vec<PathBuf> {
    match fs::read_dir(lab.place("/var/zonekit/journal")) {
        Ok(found) => found.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    }
}
