//! Names of owners and groups, resolved in an image's own passwd and group files.

use std::collections::{BTreeSet, HashMap};

use crate::root::Tree;

/// The numbers of the names in an image. Source: passwd(5), group(5).
#[derive(Debug, Default)]
pub struct Owners {
    users: Names,
    groups: Names,
}

#[derive(Debug, Default)]
struct Names {
    ids: HashMap<Vec<u8>, u32>,
    unknown: BTreeSet<Vec<u8>>,
    /// The name asked for last: most of an image belongs to few.
    last: Option<(Vec<u8>, Option<u32>)>,
}

impl Names {
    fn parse(text: &[u8]) -> Self {
        let mut ids = HashMap::new();
        for line in text.split(|&byte| byte == b'\n') {
            let mut fields = line.split(|&byte| byte == b':');
            if let (Some(name), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next())
                && let Some(id) = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok())
            {
                // The first line of a name counts, as for getpwnam(3C).
                ids.entry(name.to_vec()).or_insert(id);
            }
        }
        // These two are what they are, even in an image without name service files.
        ids.entry(b"root".to_vec()).or_insert(0);
        Self { ids, ..Self::default() }
    }

    fn id(&mut self, name: &[u8]) -> Option<u32> {
        if let Some((last, id)) = &self.last
            && last == name
        {
            return *id;
        }
        let id = self.ids.get(name).copied();
        if id.is_none() {
            self.unknown.insert(name.to_vec());
        }
        self.last = Some((name.to_vec(), id));
        id
    }
}

impl Owners {
    /// Reads `etc/passwd` and `etc/group` of an image.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn read(image: &Tree) -> Result<Self, contents::Error> {
        let read = |path| Ok(Names::parse(&contents::image::read(image.dir(), path)?));
        Ok(Self { users: read("etc/passwd")?, groups: read("etc/group")? })
    }

    /// The number of a user.
    pub fn user(&mut self, name: &[u8]) -> Option<u32> {
        self.users.id(name)
    }

    /// The number of a group.
    pub fn group(&mut self, name: &[u8]) -> Option<u32> {
        self.groups.id(name)
    }

    /// The names that were asked for and are in neither file.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        let describe =
            |kind: &str, name: &Vec<u8>| format!("{kind} `{}`", String::from_utf8_lossy(name).escape_debug());
        let users = self.users.unknown.iter().map(|name| describe("user", name));
        users.chain(self.groups.unknown.iter().map(|name| describe("group", name))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_as_in_the_file() {
        let mut owners = Owners {
            users: Names::parse(b"root:x:0:0::/:\nlp:x:71:8::\nlp:x:9:9::\nbad\nalso:x:y:\n"),
            groups: Names::parse(b"sys::3:root\n\xff::12:\n"),
        };
        assert_eq!((owners.user(b"lp"), owners.user(b"lp"), owners.user(b"root")), (Some(71), Some(71), Some(0)));
        assert_eq!((owners.group(b"sys"), owners.group(b"\xff")), (Some(3), Some(12)));
        assert_eq!(owners.user(b"also"), None);
        assert_eq!(owners.unknown(), ["user `also`"]);
    }
}
