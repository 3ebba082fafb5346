//! The sample image, the scenarios and the benchmarks of zonekit.

pub mod sample;
