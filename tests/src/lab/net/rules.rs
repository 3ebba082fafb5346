//! What the files of IPFilter have in common: words, addresses, ports. Source: `lexer.c`, `ipf_y.y`, `ipnat_y.y` of
//! IPFilter 4.1 in illumos-gate.

use std::iter::Peekable;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::vec::IntoIter;

use ipnet::IpNet;

/// A word, and the line that it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub text: String,
    pub line: usize,
}

/// What is wrong with a file, as the parsers say it.
pub(super) type Wrong = String;

/// The words of a file, from the first to the last.
#[derive(Debug)]
pub(super) struct Tokens {
    rest: Peekable<IntoIter<Token>>,
    line: usize,
    variables: Vec<(String, String)>,
}

/// Words that stand for themselves wherever they are.
const MARKS: &[char] = &['!', '{', '}', ',', ';', '=', '(', ')', '<', '>'];

impl Tokens {
    /// Cuts a text into words.
    pub fn new(text: &str) -> Self {
        let mut tokens = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let code = line.split('#').next().unwrap_or_default();
            cut(code, index + 1, &mut tokens);
        }
        Self { rest: tokens.into_iter().peekable(), line: 1, variables: Vec::new() }
    }

    pub fn peek(&mut self) -> Option<String> {
        let found = self.rest.peek()?.text.clone();
        Some(self.replaced(found))
    }

    pub fn next(&mut self) -> Option<String> {
        let token = self.rest.next()?;
        self.line = token.line;
        Some(self.replaced(token.text))
    }

    /// `$name` stands for its value.
    fn replaced(&self, text: String) -> String {
        let Some(name) = text.strip_prefix('$') else { return text };
        let known = self.variables.iter().rev().find(|(known, _)| known == name);
        known.map_or(text.clone(), |(_, value)| value.clone())
    }

    /// Keywords are read without regard to case.
    pub fn is(&mut self, word: &str) -> bool {
        self.peek().is_some_and(|found| found.eq_ignore_ascii_case(word))
    }

    /// Takes a word if it is the next one.
    pub fn take(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.next();
        }
        found
    }

    /// Takes a word that has to be the next one.
    pub fn want(&mut self, word: &str) -> Result<(), Wrong> {
        if self.take(word) { Ok(()) } else { Err(self.wrong("syntax error")) }
    }

    pub fn word(&mut self) -> Result<String, Wrong> {
        match self.peek() {
            Some(text) if !text.starts_with(MARKS) => {
                self.next();
                Ok(text)
            }
            _ => Err(self.wrong("syntax error")),
        }
    }

    /// What is wrong with the next word.
    pub fn wrong(&mut self, message: &str) -> Wrong {
        let token = self.rest.peek().cloned();
        let (text, line) = token.map_or((String::new(), self.line), |token| (token.text, token.line));
        format!("{message} error at \"{text}\", line {line}")
    }

    /// The line of the word that was read last.
    pub fn line(&self) -> usize {
        self.line
    }

    /// `name=value;`, where that is what comes.
    pub fn definition(&mut self) -> bool {
        let ahead: Vec<Token> = self.rest.clone().take(3).collect();
        let [name, sign, value] = &ahead[..] else { return false };
        let simple = name.text.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'_');
        if sign.text != "=" || !simple || value.text.starts_with(MARKS) {
            return false;
        }
        self.variables.push((name.text.clone(), value.text.clone()));
        (0..3).for_each(|_| drop(self.next()));
        self.take(";");
        true
    }

    /// An address or a network: `any`, `A`, `A/len`, `A/mask`, `A mask M`. The host's table of names is empty.
    pub fn net(&mut self, family: Family) -> Result<Option<IpNet>, Wrong> {
        let Some(text) = self.peek() else { return Err(self.wrong("syntax error")) };
        if text.eq_ignore_ascii_case("any") {
            self.next();
            return Ok(None);
        }
        if text.starts_with(MARKS) {
            return Err(self.wrong("syntax error"));
        }
        let (address, length) = text.split_once('/').map_or((text.as_str(), None), |(one, two)| (one, Some(two)));
        let Some(address) = read_address(address, family) else {
            let line = self.rest.peek().map_or(self.line, |token| token.line);
            return Err(format!(
                "Unknown hostname error at \"{}\", line {line}",
                text.split('/').next().unwrap_or_default()
            ));
        };
        let full = if address.is_ipv6() { 128 } else { 32 };
        let length = match length {
            None => full,
            Some(text) => match text.parse::<u8>() {
                Ok(length) => length,
                Err(_) => {
                    let mask = text.parse().ok().and_then(|mask| IpNet::with_netmask(address, mask).ok());
                    mask.map(|net| net.prefix_len()).ok_or_else(|| self.wrong("syntax error"))?
                }
            },
        };
        self.next();
        if self.take("mask") || self.take("netmask") {
            self.word()?;
        }
        // A prefix that is too long is taken by the parser and refused by the kernel.
        match IpNet::new(address, length) {
            Ok(net) => Ok(Some(net.trunc())),
            Err(_) => Err(format!("{}:ioctl(add/insert rule): Invalid argument", self.line)),
        }
    }
}

/// What addresses are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Four,
    Six,
    Both,
}

/// `0` is 0.0.0.0. Under `-6` an address of IPv4 is read as the first bytes of one of IPv6.
fn read_address(text: &str, family: Family) -> Option<IpAddr> {
    let four: Option<Ipv4Addr> = if text == "0" { Some(Ipv4Addr::UNSPECIFIED) } else { text.parse().ok() };
    match (four, family) {
        (Some(four), Family::Six) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&four.octets());
            Some(Ipv6Addr::from(bytes).into())
        }
        (Some(four), _) => Some(four.into()),
        (None, Family::Four) => None,
        (None, _) => text.parse::<Ipv6Addr>().ok().map(IpAddr::from),
    }
}

fn cut(code: &str, line: usize, tokens: &mut Vec<Token>) {
    let mut word = String::new();
    let flush = |word: &mut String, tokens: &mut Vec<Token>| {
        if !word.is_empty() {
            tokens.push(Token { text: std::mem::take(word), line });
        }
    };
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        let two = letters.peek().map(|second| format!("{letter}{second}"));
        match (letter, two.as_deref()) {
            (_, Some("->" | "><" | "<>" | "<=" | ">=" | "!=")) => {
                flush(&mut word, tokens);
                tokens.push(Token { text: two.unwrap_or_default(), line });
                letters.next();
            }
            (letter, _) if letter.is_whitespace() => flush(&mut word, tokens),
            (mark, _) if MARKS.contains(&mark) => {
                flush(&mut word, tokens);
                tokens.push(Token { text: mark.to_string(), line });
            }
            (other, _) => word.push(other),
        }
    }
    flush(&mut word, tokens);
}

/// Whether a word can be the name of an interface.
pub(super) fn is_interface(text: &str) -> bool {
    text == "*"
        || (text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"_.:-".contains(&letter)))
}

/// A number, or the name of a service that the lab knows.
pub(super) fn port(text: &str) -> Option<u16> {
    let known = [("ftp", 21), ("ssh", 22), ("smtp", 25), ("domain", 53), ("http", 80), ("https", 443), ("ntp", 123)];
    known.iter().find(|(name, _)| *name == text).map(|(_, port)| *port).or_else(|| text.parse().ok())
}

/// Whether a file can be read at all: one of blank lines alone is refused, though an empty one is not.
pub(super) fn only_blank(text: &str) -> bool {
    !text.is_empty() && text.trim().is_empty()
}
