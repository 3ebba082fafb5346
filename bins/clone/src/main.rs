//! `clone`: makes a second zone out of the root of one: the clone hook of a brand.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::brand::hook(clone::PROGRAM, clone::run)
}
