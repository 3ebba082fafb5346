//! getopt(3C), as zoneadm uses it: no permutation, errors silenced, and what comes behind an unknown option is read too.

use super::super::options::takes_argument;

/// One option, or one that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opt {
    Known(char, Option<String>),
    Unknown(char),
}

/// The options at the front, and where the operands begin.
pub(super) fn getopt(arguments: &[String], known: &str) -> (Vec<Opt>, usize) {
    let mut found = Vec::new();
    let mut next = 0;
    while let Some(word) = arguments.get(next) {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else { break };
        next += 1;
        if letters == "-" {
            break;
        }
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            match takes_argument(known, letter) {
                None => found.push(Opt::Unknown(letter)),
                Some(false) => found.push(Opt::Known(letter, None)),
                Some(true) => {
                    let glued: String = rest.by_ref().collect();
                    if !glued.is_empty() {
                        found.push(Opt::Known(letter, Some(glued)));
                    } else if let Some(separate) = arguments.get(next) {
                        next += 1;
                        found.push(Opt::Known(letter, Some(separate.clone())));
                    } else {
                        found.push(Opt::Unknown(letter));
                    }
                }
            }
        }
    }
    (found, next)
}
