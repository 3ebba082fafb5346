//! Completions of the shells bash and zsh, from the flag tables.

use clap_complete::{Shell, generate};

use crate::programs::Program;

/// The completion file of a program.
#[must_use]
pub fn of(program: &Program, shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    generate(shell, &mut program.command(), program.name(), &mut text);
    text
}
