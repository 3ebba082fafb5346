//! Command lines as getopt(3C) and getopt_long(3C) read them, options before operands.

/// What a command line asks for.
#[derive(Debug)]
pub(super) struct Options {
    found: Vec<(char, String)>,
    /// What is no option.
    pub operands: Vec<String>,
}

/// Why a command line cannot be read.
#[derive(Debug)]
pub(super) enum Misread {
    /// There is no such option.
    Unknown(String),
    /// Its argument is missing.
    Missing(String),
    /// It takes no argument.
    Surplus(String),
}

/// Whether an option takes an argument; `None` when it is none.
pub(super) fn takes_argument(spec: &str, letter: char) -> Option<bool> {
    let at = spec.find(letter).filter(|_| letter != ':')?;
    Some(spec[at + letter.len_utf8()..].starts_with(':'))
}

impl Options {
    /// Reads options as `spec` has them: a letter each, with a colon behind those that take an argument. Long ones are
    /// names for letters.
    pub fn read(words: &[String], spec: &str, long: &[(&str, char)]) -> Result<Self, Misread> {
        let mut read = Self { found: Vec::new(), operands: Vec::new() };
        let mut rest = words.iter();
        while let Some(word) = rest.as_slice().first() {
            if !word.starts_with('-') || word == "-" {
                break;
            }
            rest.next();
            match word.strip_prefix("--") {
                Some("") => break,
                Some(name) => read.long(name, spec, long, &mut rest)?,
                None => read.letters(&word[1..], spec, &mut rest)?,
            }
        }
        read.operands = rest.cloned().collect();
        Ok(read)
    }

    fn long<'w>(
        &mut self,
        word: &str,
        spec: &str,
        long: &[(&str, char)],
        rest: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), Misread> {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let unknown = || Misread::Unknown(format!("-{word}"));
        let (_, letter) = *long.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        let argument = match (takes_argument(spec, letter).ok_or_else(unknown)?, value) {
            (true, Some(value)) => value.to_owned(),
            (true, None) => rest.next().ok_or_else(|| Misread::Missing(name.to_owned()))?.clone(),
            (false, Some(_)) => return Err(Misread::Surplus(name.to_owned())),
            (false, None) => String::new(),
        };
        self.found.push((letter, argument));
        Ok(())
    }

    fn letters<'w>(
        &mut self,
        word: &str,
        spec: &str,
        rest: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), Misread> {
        let mut letters = word.chars();
        while let Some(letter) = letters.next() {
            let takes = takes_argument(spec, letter).ok_or_else(|| Misread::Unknown(letter.to_string()))?;
            let mut argument = String::new();
            if takes {
                argument = letters.by_ref().collect();
                if argument.is_empty() {
                    argument.clone_from(rest.next().ok_or_else(|| Misread::Missing(letter.to_string()))?);
                }
            }
            self.found.push((letter, argument));
        }
        Ok(())
    }

    /// Whether an option is given.
    pub fn has(&self, letter: char) -> bool {
        self.found.iter().any(|(found, _)| *found == letter)
    }

    /// The last argument of an option.
    pub fn get(&self, letter: char) -> Option<&str> {
        self.all(letter).last()
    }

    /// All arguments of an option.
    pub fn all(&self, letter: char) -> impl Iterator<Item = &str> {
        self.found.iter().filter(move |(found, _)| *found == letter).map(|(_, argument)| argument.as_str())
    }

    /// All options, in their order.
    pub fn each(&self) -> impl Iterator<Item = (char, &str)> {
        self.found.iter().map(|(letter, argument)| (*letter, argument.as_str()))
    }

    /// So many operands.
    pub fn exactly<const N: usize>(&self) -> Option<[&str; N]> {
        let words: Vec<&str> = self.operands.iter().map(String::as_str).collect();
        words.try_into().ok()
    }

    /// At most one operand.
    pub fn one(&self) -> Option<Option<&str>> {
        match &self.operands[..] {
            [] => Some(None),
            [one] => Some(Some(one)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(line: &str) -> Result<Options, Misread> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::read(&words, "ab:c", &[("all", 'a'), ("be", 'b')])
    }

    #[test]
    fn options_come_before_operands() {
        let given = read("-acb one --be=two --be three -- -a x").unwrap();
        let all: Vec<(char, &str)> = given.each().collect();
        assert_eq!(all, [('a', ""), ('c', ""), ('b', "one"), ('b', "two"), ('b', "three")]);
        assert_eq!((given.get('b'), given.has('c'), given.exactly()), (Some("three"), true, Some(["-a", "x"])));
        assert_eq!(read("- -a").unwrap().operands, ["-", "-a"]);
        assert_eq!(read("-bone").unwrap().get('b'), Some("one"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, said) in [
            ("-x", "Unknown(\"x\")"),
            ("-:", "Unknown(\":\")"),
            ("--xx", "Unknown(\"-xx\")"),
            ("-ab", "Missing(\"b\")"),
            ("--be", "Missing(\"be\")"),
            ("--all=1", "Surplus(\"all\")"),
        ] {
            assert_eq!(format!("{:?}", read(line).unwrap_err()), said, "{line}");
        }
    }
}
