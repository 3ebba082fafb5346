//! Command lines as getopt(3C) and getopt_long(3C) read them, options before operands.

use super::super::zfs::Refused;

/// The options of a command line.
#[derive(Debug)]
pub(super) struct Options {
    found: Vec<(char, String)>,
    pub operands: Vec<String>,
}

impl Options {
    /// `spec` as in getopt(3C): a letter that a colon follows takes an argument. A long name stands for the letter
    /// beside it. None: an option that is not in it, or one without its argument.
    pub fn read(words: &[String], spec: &str, long: &[(&str, char)]) -> Option<Self> {
        let takes = |letter: char| {
            let at = spec.find(letter).filter(|_| letter != ':')?;
            Some(spec[at + letter.len_utf8()..].starts_with(':'))
        };
        let mut found = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.as_slice().first() {
            if !word.starts_with('-') || word == "-" {
                break;
            }
            rest.next();
            if word == "--" {
                break;
            }
            if let Some(name) = word.strip_prefix("--") {
                let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
                let (_, letter) = long.iter().find(|(known, _)| *known == name)?;
                let argument = match (takes(*letter)?, value) {
                    (true, Some(value)) => value.to_owned(),
                    (true, None) => rest.next()?.clone(),
                    (false, Some(_)) => return None,
                    (false, None) => String::new(),
                };
                found.push((*letter, argument));
                continue;
            }
            let mut letters = word[1..].chars();
            while let Some(letter) = letters.next() {
                let mut argument = String::new();
                if takes(letter)? {
                    argument = letters.by_ref().collect();
                    if argument.is_empty() {
                        argument.clone_from(rest.next()?);
                    }
                }
                found.push((letter, argument));
            }
        }
        Some(Self { found, operands: rest.cloned().collect() })
    }

    pub fn has(&self, letter: char) -> bool {
        self.found.iter().any(|(found, _)| *found == letter)
    }

    /// The last argument of an option.
    pub fn get(&self, letter: char) -> Option<&str> {
        self.all(letter).last()
    }

    pub fn all(&self, letter: char) -> impl Iterator<Item = &str> {
        self.found.iter().filter(move |(found, _)| *found == letter).map(|(_, argument)| argument.as_str())
    }

    /// All options in their order.
    pub fn each(&self) -> impl Iterator<Item = (char, &str)> {
        self.found.iter().map(|(letter, argument)| (*letter, argument.as_str()))
    }

    /// The operands, where there are just so many.
    pub fn exactly<const N: usize>(&self) -> Option<[&str; N]> {
        let words: Vec<&str> = self.operands.iter().map(String::as_str).collect();
        words.try_into().ok()
    }

    /// The operand, where there is one at most.
    pub fn one(&self) -> Option<Option<&str>> {
        match &self.operands[..] {
            [] => Some(None),
            [one] => Some(Some(one)),
            _ => None,
        }
    }
}

/// A refusal of which everything has been said.
pub(super) fn said(status: u8) -> Refused {
    Refused { status, text: String::new() }
}

/// `name=value,name=value`. None: no such list.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pair = |word: &str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.split(',').map(pair).collect()
}
