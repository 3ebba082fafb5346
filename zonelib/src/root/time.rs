//! Points in time as file systems keep them.

use serde::{Deserialize, Serialize};

/// Seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timestamp {
    /// Whole seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds past the second, below 1,000,000,000.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// A whole second.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanoseconds: 0 }
    }

    pub(super) fn timestamps(self) -> rustix::fs::Timestamps {
        let both = rustix::fs::Timespec { tv_sec: self.seconds as _, tv_nsec: self.nanoseconds as _ };
        rustix::fs::Timestamps { last_access: both, last_modification: both }
    }
}
