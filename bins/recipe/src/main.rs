//! `recipe`: checks and explains the recipes of brands.

use std::process::ExitCode;

use zonelib::program;

fn main() -> ExitCode {
    program::main(recipe::PROGRAM, recipe::run)
}
