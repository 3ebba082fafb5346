//! `config.xml` and `platform.xml` of a brand, as libbrand reads them (section 2).

use std::fs;

use roxmltree::{Document, Node, ParsingOptions};

use crate::lab::Lab;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Optional,
    Required,
    AtLeastOne,
}

use Need::{AtLeastOne, Optional, Required};

/// The children of `brand`, in the order that they must have.
const MODEL: &[(&str, Need)] = &[
    ("modname", Optional),
    ("initname", Required),
    ("restartinit", Optional),
    ("login_cmd", Required),
    ("forcedlogin_cmd", Required),
    ("user_cmd", Required),
    ("install", Required),
    ("installopts", Optional),
    ("boot", Optional),
    ("sysboot", Optional),
    ("halt", Optional),
    ("shutdown", Optional),
    ("verify_cfg", Optional),
    ("verify_adm", Optional),
    ("postattach", Optional),
    ("postclone", Optional),
    ("postinstall", Optional),
    ("predetach", Optional),
    ("attach", Optional),
    ("detach", Optional),
    ("clone", Optional),
    ("presnap", Optional),
    ("postsnap", Optional),
    ("validatesnap", Optional),
    ("preuninstall", Optional),
    ("uninstall", Optional),
    ("prestatechange", Optional),
    ("poststatechange", Optional),
    ("query", Optional),
    ("privilege", AtLeastOne),
];

/// The children of `platform`: compulsory attributes, the others, and whether they hold anything.
const PLATFORM: &[(&str, &[&str], &[&str])] = &[
    ("device", &["match"], &["name", "arch", "ip-type"]),
    ("symlink", &["source", "target"], &[]),
    ("global_mount", &["special", "directory", "type"], &["opt"]),
    ("mount", &["special", "directory", "type"], &["opt"]),
];

/// A privilege that a brand names.
#[derive(Clone, Debug)]
pub(super) struct Privilege {
    pub(super) set: String,
    pub(super) name: String,
    pub(super) ip_type: String,
}

/// A mount that the platform asks for.
#[derive(Clone, Debug)]
pub(super) struct PlatformMount {
    pub(super) special: String,
    pub(super) directory: String,
    pub(super) kind: String,
    pub(super) options: String,
    /// Done from inside the zone, at boot.
    pub(super) inside: bool,
}

/// A brand.
#[derive(Clone, Debug)]
pub(super) struct Brand {
    pub(super) name: String,
    texts: Vec<(String, String)>,
    pub(super) privileges: Vec<Privilege>,
    pub(super) allows_exclusive: bool,
    pub(super) mounts: Vec<PlatformMount>,
}

impl Brand {
    /// Opens a brand; none, without saying why, when anything is wrong with it.
    pub(super) fn open(lab: &Lab, name: &str) -> Option<Self> {
        if name.is_empty() || name.contains('/') {
            return None;
        }
        let directory = lab.place("usr/lib/brand").join(name);
        let config = fs::read_to_string(directory.join("config.xml")).ok()?;
        let platform = fs::read_to_string(directory.join("platform.xml")).ok()?;
        let mut brand = read_config(&config, name)?;
        read_platform(&platform, &mut brand)?;
        Some(brand)
    }

    /// What stands in an element; one that is empty counts as absent.
    pub(super) fn text(&self, element: &str) -> Option<&str> {
        let found = self.texts.iter().find(|(name, _)| name == element);
        found.map(|(_, text)| text.as_str()).filter(|text| !text.is_empty())
    }

    /// A hook's line with its tokens replaced.
    pub(super) fn line(&self, hook: &str, zone: &str, zonepath: &str) -> Option<String> {
        self.text(hook).map(|text| substitute(text, zone, Some(zonepath)))
    }
}

/// Replaces `%z`, `%R` and `%%`; anything else after a `%` goes, and the `%` with it.
pub(super) fn substitute(text: &str, zone: &str, zonepath: Option<&str>) -> String {
    let mut line = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            line.push(letter);
            continue;
        }
        match letters.next() {
            Some('%') => line.push('%'),
            Some('z') => line.push_str(zone),
            Some('R') => line.push_str(zonepath.unwrap_or_default()),
            _ => {}
        }
    }
    line
}

/// Parses a document that names this DTD.
fn parse<'a>(text: &'a str, root: &str, dtd: &str) -> Option<Document<'a>> {
    let id = format!("\"file:///usr/share/lib/xml/dtd/{dtd}.dtd.1\"");
    let kind = text.split("<!DOCTYPE").nth(1)?.split('>').next()?;
    if kind.split_whitespace().next() != Some(root) || !kind.contains(&id) {
        return None;
    }
    let document = Document::parse_with_options(text, ParsingOptions { allow_dtd: true, ..Default::default() }).ok()?;
    (document.root_element().tag_name().name() == root).then_some(document)
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> Option<Vec<Node<'a, 'i>>> {
    let stray = |child: &Node<'_, '_>| child.is_text() && child.text().is_some_and(|text| !text.trim().is_empty());
    let strays = node.children().any(|child| stray(&child));
    (!strays).then(|| node.children().filter(Node::is_element).collect())
}

/// Whether a node has these attributes, maybe those, and no others.
fn attributes(node: Node<'_, '_>, needed: &[&str], more: &[&str]) -> bool {
    needed.iter().all(|name| node.has_attribute(*name))
        && node.attributes().all(|found| needed.contains(&found.name()) || more.contains(&found.name()))
}

fn one_of(node: Node<'_, '_>, name: &str, values: &[&str]) -> bool {
    node.attribute(name).is_none_or(|value| values.contains(&value))
}

fn read_config(text: &str, name: &str) -> Option<Brand> {
    let document = parse(text, "brand", "brand")?;
    let root = document.root_element();
    if root.attribute("name") != Some(name) || !attributes(root, &["name"], &[]) {
        return None;
    }
    let mut children = elements(root)?.into_iter().peekable();
    let (mut texts, mut privileges) = (Vec::new(), Vec::new());
    for (element, need) in MODEL {
        let mut count = 0;
        while let Some(child) = children.next_if(|child| child.tag_name().name() == *element) {
            count += 1;
            if *need == AtLeastOne {
                privileges.push(read_privilege(child)?);
            } else if child.attributes().next().is_some() || child.children().any(|inner| inner.is_element()) {
                return None;
            } else {
                texts.push(((*element).to_owned(), child.text().unwrap_or_default().to_owned()));
            }
        }
        if (count == 0 && *need != Optional) || (count > 1 && *need != AtLeastOne) {
            return None;
        }
    }
    let left = children.next().is_some();
    (!left).then(|| Brand { name: name.to_owned(), texts, privileges, allows_exclusive: false, mounts: Vec::new() })
}

fn read_privilege(node: Node<'_, '_>) -> Option<Privilege> {
    let valid = attributes(node, &["set", "name"], &["ip-type"])
        && one_of(node, "set", &["default", "prohibited", "required"])
        && one_of(node, "ip-type", &["all", "shared", "exclusive"]);
    valid.then(|| Privilege {
        set: node.attribute("set").unwrap_or_default().to_owned(),
        name: node.attribute("name").unwrap_or_default().to_owned(),
        ip_type: node.attribute("ip-type").unwrap_or("all").to_owned(),
    })
}

fn read_platform(text: &str, brand: &mut Brand) -> Option<()> {
    let document = parse(text, "platform", "zone_platform")?;
    let root = document.root_element();
    if !attributes(root, &["name", "allow-exclusive-ip"], &[])
        || !one_of(root, "allow-exclusive-ip", &["true", "false"])
    {
        return None;
    }
    brand.allows_exclusive = root.attribute("allow-exclusive-ip") == Some("true");
    for child in elements(root)? {
        let kind = child.tag_name().name();
        let (_, needed, more) = PLATFORM.iter().find(|(name, _, _)| *name == kind)?;
        let valid = attributes(child, needed, more)
            && one_of(child, "arch", &["sparc", "i386"])
            && one_of(child, "ip-type", &["all", "shared", "exclusive"]);
        if !valid {
            return None;
        }
        if kind.ends_with("mount") {
            let attribute = |name: &str| child.attribute(name).unwrap_or_default().to_owned();
            brand.mounts.push(PlatformMount {
                special: attribute("special"),
                directory: attribute("directory"),
                kind: attribute("type"),
                options: attribute("opt"),
                inside: kind == "mount",
            });
        }
    }
    Some(())
}
