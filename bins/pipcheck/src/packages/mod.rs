//! What modules need against what their packages declare, in three ways: metadata, depend files, and what is there.

mod compare;
mod database;
mod fix;
mod mapping;
mod needs;

pub use compare::{Compared, compare};
pub use database::{DatabaseError, Owners, Package, System, owner, owners, prerequisites, read};
pub use fix::fixed;
pub use mapping::{Mapping, MappingError, usual_name};
pub use needs::{Layer, Needs, Reason, Stack, Strength, Unknown};
