//! What an update will do: plain data, made by the plan and carried out by apply.

use crate::populate::{Missing, Text, What};
use crate::root::{Stat, Timestamp};

/// What is done at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    /// It is made where nothing is.
    Add(What<'a>),
    /// It takes the place of what is there.
    Replace(What<'a>),
    /// Mode, owner, group and, for files, time are set.
    Attributes {
        /// Permission, set-id and sticky bits.
        mode: u32,
        /// Owner and group.
        owner: (u32, u32),
        /// Modification time.
        modified: Timestamp,
    },
    /// A file or link goes.
    Remove,
    /// A directory goes, which is empty by then.
    RemoveDirectory,
    /// The folder of a package that is gone, with all that is in it.
    RemoveTree,
    /// What is there stays, and the new one is beside it.
    Beside {
        /// The name of the new one.
        name: Vec<u8>,
        /// The new one; `None` when it is there already.
        what: Option<What<'a>>,
    },
    /// What is there goes to another name, and the new one takes its place.
    Aside {
        /// The other name.
        name: Vec<u8>,
        /// The new one.
        what: What<'a>,
    },
    /// What is there stays, and that is worth a word.
    Keep,
}

impl<'a> Act<'a> {
    /// What is made at the path itself.
    pub(super) fn makes(&self) -> Option<&What<'a>> {
        match self {
            Self::Add(what) | Self::Replace(what) | Self::Aside { what, .. } => Some(what),
            _ => None,
        }
    }
}

/// One path of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Relative path.
    pub path: Vec<u8>,
    /// What is done.
    pub act: Act<'a>,
    /// Why it needs somebody's look; `None` when it does not.
    pub conflict: Option<String>,
    /// What stood there when the plan was made. Anything else is not touched.
    pub(super) seen: Option<Stat>,
}

/// What is to be done in a zone.
#[derive(Debug, Default)]
pub struct UpdatePlan<'a> {
    /// By path.
    pub steps: Vec<Step<'a>>,
    /// The zone's new contents file; `None` when it stays as it is.
    pub contents: Option<Text<'a>>,
    /// When the image's database was written, which is the time of the zone's.
    pub updated: Timestamp,
    /// Objects that are as packages deliver them now.
    pub unchanged: usize,
    /// Objects that the zone changed and packages did not.
    pub kept: usize,
    /// Objects of the zone's own packages.
    pub own: usize,
    /// Packaged objects that the image does not have.
    pub missing: Vec<Missing>,
    /// For people.
    pub warnings: Vec<String>,
}

impl UpdatePlan<'_> {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.contents.is_none()
    }

    /// The steps that need somebody's look.
    pub fn conflicts(&self) -> impl Iterator<Item = &Step<'_>> {
        self.steps.iter().filter(|step| step.conflict.is_some())
    }
}
