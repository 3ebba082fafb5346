//! The sample image, the scenarios and the benchmarks of zonekit.

pub mod run;
pub mod sample;
pub mod tiny;
pub mod tree;
