//! What a package delivers: one line of its pkgmap, and how the database will remember it.

use std::cell::OnceCell;

use contents::Kind;

use super::content::{Content, seed};

/// Packaged files were last changed before this, edits of the running system come after it.
pub(crate) const INSTALLED: i64 = 1_758_000_000;

/// Where the package's own copy of an editable file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pristine {
    /// In `save/pspool/PKG/reloc`, as for nearly all packages.
    Reloc,
    /// In `save/pspool/PKG/root`, as for packages that name absolute paths.
    Root,
    /// Nowhere.
    Lost,
}

/// One packaged path. `None` in an attribute is a `?` in the database.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) path: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) class: &'static str,
    pub(crate) mode: Option<u32>,
    pub(crate) owner: Option<&'static str>,
    pub(crate) group: Option<&'static str>,
    pub(crate) device: Option<(u32, u32)>,
    pub(crate) target: Option<Vec<u8>>,
    pub(crate) content: Content,
    pub(crate) modified: i64,
    /// The database knows size, checksum and time.
    pub(crate) measured: bool,
    /// Status mark in front of the package's name.
    pub(crate) status: &'static str,
    /// What follows the package's name: `\`, `:class` or both.
    pub(crate) suffix: &'static str,
    pub(crate) pristine: Pristine,
    /// Delivered without the directories above it.
    pub(crate) lone: bool,
    /// Here only because something below it is delivered: other packages say what it looks like.
    pub(crate) implied: bool,
    sum: OnceCell<u16>,
}

impl Delivery {
    pub(crate) fn new(kind: Kind, path: impl Into<Vec<u8>>) -> Self {
        let path = path.into();
        let system = [&b"/etc/"[..], b"/var/", b"/lib/svc/"].iter().any(|top| path.starts_with(top));
        let modified = packaged_time(&path);
        Self {
            kind,
            class: "none",
            mode: Some(if kind.is_directory() { 0o755 } else { 0o644 }),
            owner: Some("root"),
            group: Some(if system { "sys" } else { "bin" }),
            device: None,
            target: None,
            content: Content::Words { seed: seed(&path), size: 400 },
            modified,
            measured: true,
            status: "",
            suffix: "",
            pristine: Pristine::Reloc,
            lone: false,
            implied: false,
            sum: OnceCell::new(),
            path,
        }
    }

    pub(crate) fn file(path: impl Into<Vec<u8>>) -> Self {
        Self::new(Kind::File, path)
    }

    pub(crate) fn editable(path: impl Into<Vec<u8>>) -> Self {
        Self::new(Kind::Editable, path)
    }

    pub(crate) fn directory(path: impl Into<Vec<u8>>) -> Self {
        Self::new(Kind::Directory, path)
    }

    pub(crate) fn link(kind: Kind, path: impl Into<Vec<u8>>, target: impl Into<Vec<u8>>) -> Self {
        Self { target: Some(target.into()), ..Self::new(kind, path) }
    }

    pub(crate) fn symlink(path: impl Into<Vec<u8>>, target: impl Into<Vec<u8>>) -> Self {
        Self::link(Kind::Symlink, path, target)
    }

    pub(crate) fn hard_link(path: impl Into<Vec<u8>>, target: impl Into<Vec<u8>>) -> Self {
        Self::link(Kind::HardLink, path, target)
    }

    pub(crate) fn mode(self, mode: u32) -> Self {
        Self { mode: Some(mode), ..self }
    }

    pub(crate) fn owner(self, owner: &'static str, group: &'static str) -> Self {
        Self { owner: Some(owner), group: Some(group), ..self }
    }

    pub(crate) fn holding(self, content: impl Into<Content>) -> Self {
        Self { content: content.into(), ..self }
    }

    pub(crate) fn class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    pub(crate) fn modified(self, modified: i64) -> Self {
        Self { modified, ..self }
    }

    pub(crate) fn status(self, status: &'static str) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn suffix(self, suffix: &'static str) -> Self {
        Self { suffix, ..self }
    }

    pub(crate) fn pristine(self, pristine: Pristine) -> Self {
        Self { pristine, ..self }
    }

    pub(crate) fn lone(self) -> Self {
        Self { lone: true, ..self }
    }

    pub(crate) fn implied(self) -> Self {
        Self { implied: true, ..self }
    }

    pub(crate) fn device(self, device: Option<(u32, u32)>) -> Self {
        Self { device, ..self }
    }

    pub(crate) fn unowned(self) -> Self {
        Self { mode: None, owner: None, group: None, ..self }
    }

    pub(crate) fn unmeasured(self) -> Self {
        Self { measured: false, ..self }
    }

    /// The checksum, worked out once.
    fn checksum(&self) -> u16 {
        *self.sum.get_or_init(|| self.content.checksum())
    }

    /// Whether the package keeps a copy of the file as delivered.
    pub(crate) fn has_pristine(&self) -> bool {
        self.kind.is_editable() && self.pristine != Pristine::Lost
    }

    /// `=target`, or nothing.
    pub(crate) fn equals_target(&self) -> Vec<u8> {
        self.target.iter().flat_map(|target| [b"=".as_slice(), target].concat()).collect()
    }

    /// The fields that contents(5) and pkgmap(5) have in common, each behind a blank: device numbers,
    /// attributes, measures, as far as the kind has them.
    pub(crate) fn fields(&self) -> String {
        let mut fields = String::new();
        if self.kind.is_device() {
            push(&mut fields, self.device.map(|(major, _)| major));
            push(&mut fields, self.device.map(|(_, minor)| minor));
        }
        if self.kind.has_attributes() {
            push(&mut fields, self.mode.map(|mode| format!("{mode:04o}")));
            push(&mut fields, self.owner);
            push(&mut fields, self.group);
        }
        if self.kind.has_content() {
            push(&mut fields, self.measured.then(|| self.content.size()));
            push(&mut fields, self.measured.then(|| self.checksum()));
            push(&mut fields, self.measured.then_some(self.modified));
        }
        fields
    }
}

fn push(fields: &mut String, value: Option<impl ToString>) {
    fields.push(' ');
    fields.push_str(&value.map_or_else(|| "?".to_owned(), |value| value.to_string()));
}

/// When a packaged file was built: some time between 2018 and [`INSTALLED`].
pub(crate) fn packaged_time(path: &[u8]) -> i64 {
    INSTALLED - 1 - (seed(path) % 230_000_000).cast_signed()
}
