//! Stand-ins for commands of illumos, told apart by the name that they are called by.

use std::process::ExitCode;

use tests::lab::{self, Lab};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    let Some((lab, name)) = Lab::of_command(called.as_ref()) else {
        eprintln!("{}: not below the root of a lab", called.display());
        return ExitCode::from(127);
    };
    lab::command(&lab, &name, &arguments.collect::<Vec<_>>()).into()
}
