//! `zonecfg` (section 8).

mod commands;
mod draft;
mod lex;
mod print;
mod privileges;
mod properties;
mod scope;
mod session;
mod verify;

use std::ffi::OsString;
use std::fs;
use std::io::{Read, stdin};
use std::path::PathBuf;

use crate::lab::Lab;

use super::getopt::{Opt, getopt};
use super::host::Host;

use lex::{Token, statements};
pub(super) use privileges::check as check_privileges;
pub(super) use properties::is_address;
use session::{Mode, Session};

const USAGE: &str = "usage: zonecfg [-R root] -z zone [-f file | command ...]";

/// `zonecfg`.
#[must_use]
pub fn zonecfg(lab: &Lab, arguments: &[OsString]) -> u8 {
    let arguments: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if arguments.first().is_some_and(|word| word == "help") {
        super::host::print(&format!("{USAGE}\n"));
        return 0;
    }
    let (options, next) = getopt(&arguments, "?z:f:R:");
    let mut host = Host::new(lab);
    let (mut zone, mut file) = (None, None);
    for option in options {
        match option {
            Opt::Known('z', Some(name)) => zone = Some(name),
            Opt::Known('f', Some(path)) => file = Some(path),
            Opt::Known('R', Some(root)) => host.altroot = Some(PathBuf::from(root)),
            _ => return usage(),
        }
    }
    let Some(zone) = zone else { return usage() };
    if !properties::is_zone_name(&zone) || zone.starts_with("SUNW") {
        eprintln!("zonecfg: {zone}: Bogus zone name");
        return 2;
    }
    match (file, &arguments[next..]) {
        (Some(path), []) if path != "-" => {
            if !fs::metadata(&path).is_ok_and(|found| found.is_file()) {
                eprintln!("zonecfg: {path} is not a regular file.");
                return 1;
            }
            match fs::read_to_string(&path) {
                Ok(text) => Session::new(host, &zone, Mode::File(path)).run(&text),
                Err(error) => {
                    eprintln!("zonecfg: {path}: {error}");
                    1
                }
            }
        }
        (None, words) if !words.is_empty() => {
            Session::new(host, &zone, Mode::Words).run(&format!("{}\n", words.join(" ")))
        }
        (_, []) => {
            let mut text = String::new();
            if let Err(error) = stdin().read_to_string(&mut text) {
                eprintln!("zonecfg: standard input: {error}");
                return 1;
            }
            Session::new(host, &zone, Mode::Input).run(&text)
        }
        _ => usage(),
    }
}

/// The words of each command of a file, as zonecfg cuts it; signs are words too.
#[must_use]
pub fn zonecfg_words(text: &str) -> Vec<Vec<String>> {
    let word = |token: Token| match token {
        Token::Word(word) => word,
        Token::Sign(sign) => sign.to_string(),
    };
    statements(text).into_iter().map(|statement| statement.tokens.into_iter().map(word).collect()).collect()
}

fn usage() -> u8 {
    eprintln!("{USAGE}");
    2
}
