//! Lays zonekit out as illumos expects it, and packages it.
//!
//! What is installed is said once, in [`programs`] and [`layout`]. Manual pages and completions are made from the flag
//! tables that the programs parse with, and the pages of brands from their recipes, so that none of them can disagree.
//! [`svr4`] and [`ips`] package the tree that [`install`] made, whatever is in it. Nothing here is installed itself.

pub mod brand_page;
pub mod cli;
pub mod completion;
pub mod cpio;
pub mod datastream;
pub mod elf;
mod error;
pub mod identity;
pub mod install;
pub mod ips;
pub mod layout;
pub mod page;
pub mod programs;
pub mod roff;
pub mod svr4;
pub mod tree;

pub use error::Error;
