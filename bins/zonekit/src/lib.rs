//! The flags of `zonekit`, and which programs it runs.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use zonelib::host;
use zonelib::program::{self, Answer};

/// What it is called in messages.
pub const PROGRAM: &str = "zonekit";

/// A program: its name, the file that it is, and what it is for.
pub type Known = (&'static str, &'static str, &'static str);

/// The programs that people call, by name.
pub const PROGRAMS: &[Known] = &[
    ("be-uuid", "be-uuid", "makes, stores and shows the UUID of a boot environment"),
    ("cloud-init-seed", "cloud-init-seed", "writes a seed of cloud-init for the guest of a zone"),
    ("contents-query", "contents-query", "asks the package database"),
    ("create-zone", "create-zone", "makes a zone, with its network, and boots it"),
    ("create-zone-template", "create-zone-template", "makes a template that sparse zones can share"),
    ("describe-zone", "describe-zone", "describes a zone, and what would go with it"),
    ("destroy-zone", "destroy-zone", "destroys a zone with all that was made for it"),
    ("destroy-zone-template", "destroy-zone-template", "destroys a zone template"),
    ("global-router", "global-router", "makes the global zone the router of networks of zones"),
    ("golden", "golden", "shows golden images, and removes those that nobody uses"),
    ("ingress", "ingress", "lets connections to a router in to zones behind it"),
    ("list-zone-templates", "list-zone-templates", "lists zone templates"),
    ("list-zones", "list-zones", "lists zones with their types, addresses and routers"),
    ("net-attach", "net-attach", "wires a zone to the networks that its addresses are on"),
    ("net-detach", "net-detach", "takes a zone from its networks"),
    ("net-list", "net-list", "shows the networks of zones"),
    ("net-peer", "net-peer", "lets zones behind two routers reach each other"),
    ("pipcheck", "pipcheck", "keeps the Python modules of a distribution in check"),
    ("recipe", "recipe", "checks and shows recipes"),
    ("recover", "zonekit-recover", "puts right what an operation left that was killed"),
    ("store", "store", "compares the records of networks with the host, and takes over those of zap"),
    ("verify-zone", "verify-zone", "compares a zone root with what its brand says"),
    ("zone-ssh", "zone-ssh", "logs in to a zone, through its router"),
    ("zone-update", "zone-update", "brings zones up to the packages of the global zone"),
    ("zonelib-sync", "zonelib-sync", "keeps /zonelib up to date"),
];

/// Runs a program of zonekit by its name
///
/// `zonekit create-zone -z web` is the same as `create-zone -z web`.
#[derive(Debug, Parser)]
#[command(name = "zonekit", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: that of the program; 2 there is none of this name.")]
pub struct Cli {
    /// Print the programs, and what they are for
    #[arg(short, long, exclusive = true)]
    pub list: bool,
    /// The program, and its arguments
    #[arg(value_name = "PROGRAM", trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}

/// Does what the flags say. A program that is run takes the place of this one.
///
/// # Errors
/// There is no such program, or it cannot be run; in words.
pub fn run(cli: &Cli) -> Result<Answer, String> {
    if cli.list {
        let width = PROGRAMS.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        let lines = PROGRAMS.iter().map(|(name, _, what)| format!("{name:<width$}  {what}\n"));
        return Ok(program::answer(PROGRAM, &lines.collect::<String>(), Answer::Yes));
    }
    let Some((name, arguments)) = cli.words.split_first() else { return Err("no program; try --list".to_owned()) };
    let file = find(&name.to_string_lossy())?;
    Err(host::become_program(file, arguments).to_string())
}

/// The file of a program; `zonekit-NAME` is the name that some have in `sbin`.
fn find(name: &str) -> Result<&'static str, String> {
    let plain = name.strip_prefix("zonekit-").unwrap_or(name);
    let found = PROGRAMS.iter().find(|(known, file, _)| *known == plain || *file == name);
    found.map(|(_, file, _)| *file).ok_or_else(|| {
        let near = contents::names::nearest(plain, PROGRAMS.iter().map(|(name, ..)| *name));
        let hint = near.first().map(|name| format!(", did you mean `{name}`")).unwrap_or_default();
        format!("there is no program `{}`{hint}; `zonekit --list` names them", name.escape_debug())
    })
}

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_table_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn programs_are_found_by_both_names() {
        assert_eq!(find("create-zone"), Ok("create-zone"));
        assert_eq!(find("golden"), Ok("golden"));
        assert_eq!(find("zonekit-golden"), Ok("golden"));
        assert_eq!(find("recover"), Ok("zonekit-recover"));
        assert_eq!(find("zonekit-recover"), Ok("zonekit-recover"));
        for name in ["", "../create-zone", "lab", "/bin/sh", "zonekit"] {
            assert!(find(name).is_err(), "{name}");
        }
        assert!(find("creat-zone").unwrap_err().contains("did you mean `create-zone`"));
        let sorted = PROGRAMS.windows(2).all(|pair| pair[0].0 < pair[1].0);
        assert!(sorted);
    }
}
