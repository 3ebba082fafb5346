//! Whole zones: from a request to a zone that runs, and back to nothing.
//!
//! The sequence is in one place: a request is checked by itself, then against the host; a plan is made, which
//! is what people see and what is done; the plan is applied, step by step, each with its undo. What has been
//! made for a zone is remembered, so that it can all go when the zone goes.

mod accounts;
mod inside;
mod kind;
mod record;
mod request;
mod values;

pub use accounts::{Account, AccountError, Accounts};
pub use inside::{Edit, InsideError};
pub use record::{Made, Share, ZoneRecord};
pub use kind::{FromImage, Kind, KindError};
pub use request::{One, Request, RequestError};
pub use values::{
    Cpus, Firmware, KernelVersion, Konfigure, NewVolume, Size, TemplateName, UserName, ValueError,
};

/// Where zonepaths are, unless somebody says otherwise.
pub const ZONES: &str = "/export/zones";
