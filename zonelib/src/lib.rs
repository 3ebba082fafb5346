//! What an illumos zone is and how it comes to be.

pub mod brand;
pub mod config;
pub mod host;
pub mod journal;
pub mod libclone;
pub mod net;
pub mod populate;
pub mod program;
pub mod recipe;
pub mod root;
pub mod router;
pub mod smf;
pub mod storage;
pub mod store;
pub mod update;
pub mod zone;
