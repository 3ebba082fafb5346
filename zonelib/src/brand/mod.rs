//! The protocol that zoneadm(8) speaks with the hooks of a brand, and each hook as one function.

pub mod be;
mod follow;
pub mod install;
mod sources;

use std::process::ExitCode;

pub use follow::{Follow, FollowError};
pub use sources::{Ingredients, Sources, clone_path, sync_database};

/// How a hook ends. Source: sys/zone.h, `ZONE_SUBPROC_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `ZONE_SUBPROC_OK`: go on.
    Complete,
    /// `ZONE_SUBPROC_USAGE`: the caller asked for something that makes no sense; zoneadm prints its usage.
    Usage,
    /// `ZONE_SUBPROC_NOTCOMPLETE`: nothing is left behind; zoneadm clears the zonepath, and an installed
    /// zone is configured again. Never where something in the zonepath is not the hook's own: zoneadm
    /// would remove it.
    NotComplete,
    /// `ZONE_SUBPROC_FATAL`: something stands in the zonepath that has to be looked at.
    Fatal,
}

impl Status {
    /// The exit status.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Usage => 253,
            Self::NotComplete => 254,
            Self::Fatal => 255,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// Whether zoneadm(8) runs this process as a hook and holds the zone's lock.
#[must_use]
pub fn called_by_zoneadm() -> bool {
    std::env::var_os("_ZONEADM_LOCK_HELD").is_some_and(|value| value == "1")
}
