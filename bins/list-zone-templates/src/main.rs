//! `list-zone-templates`: lists zone templates.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(list_zone_templates::PROGRAM, list_zone_templates::run)
}
