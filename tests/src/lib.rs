//! The sample image, the scenarios and the benchmarks of zonekit.

pub mod foreign;
pub mod lab;
pub mod run;
pub mod sample;
pub mod scenario;
pub mod svccfg;
pub mod sweep;
pub mod tiny;
pub mod tree;
