//! Whole zones: from a request to a zone that runs, and back to nothing.
//!
//! The sequence is in one place: a request is checked by itself, then against the host; a plan is made, which
//! is what people see and what is done; the plan is applied, step by step, each with its undo. What has been
//! made for a zone is remembered, so that it can all go when the zone goes.

mod accounts;
mod attachment;
mod check;
mod configuration;
mod create;
mod datasets;
mod destroy;
mod error;
mod given;
mod inside;
mod kind;
mod listing;
mod places;
mod plan;
mod problems;
mod record;
mod request;
mod seed;
mod step;
mod templates;
mod values;
mod wiring;

pub use accounts::{Account, AccountError, Accounts};
pub use attachment::{Attach, Configuring, Detach, Wiring};
pub use create::Surroundings;
pub use destroy::{Destroy, Teardown, half_made};
pub use error::ZoneError;
pub use given::{Given, Reading, Unread};
pub use inside::{Edit, EditError};
pub use kind::{FromImage, Kind, KindError};
pub use listing::{Description, Interface, Reach, Row, describe, list, reach};
pub use plan::{Plan, PlanReport, ZonePlan, shown};
pub use problems::Problems;
pub use record::{Made, Share, ZoneRecord};
pub use request::{One, Request};
pub use seed::{GuestFacts, Output, SeedFile, SeedPlan, SeedRequest};
pub use step::{Shown, ShownFile, Step};
pub use templates::{NewTemplate, Removal, TEMPLATES, Template};
pub use values::{Count, Cpus, Firmware, Konfigure, NewVolume, Size, TemplateName, UserName, ValueError};
pub use wiring::{Behind, NewRouter};

/// Where zonepaths are, unless somebody says otherwise.
pub const ZONES: &str = "/export/zones";
