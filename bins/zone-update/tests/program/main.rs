//! The program, run on zones of small images.

#![allow(clippy::unwrap_used, reason = "all of this is tests and what they share")]

mod common;
mod kinds;
mod samples;
mod update;
mod zones;

/// For comparing with no lines at all.
const NONE: [&str; 0] = [];
