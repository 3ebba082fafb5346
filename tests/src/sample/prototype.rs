//! The notation in which ordinary packages are written down, after prototype(5) but shorter.
//!
//! A line that starts with `/` names a directory and what stands in it; the heading above it says what
//! these things are:
//!
//! ```text
//! f 0555 root:bin 12k        kind, mode, owner:group, size (exact sizes behind a `:`), class=NAME
//! /usr/bin ls cat ksh93:180k
//! s
//! / bin=./usr/bin
//! c 0666 root:sys
//! /devices/pseudo mm@0:null=13,2
//! ```

use std::io;

use contents::Kind;

use super::content::{Content, seed};
use super::delivery::Delivery;
use super::texts;

#[derive(Clone, Copy)]
struct Heading {
    kind: Kind,
    mode: Option<u32>,
    owner: (&'static str, &'static str),
    size: usize,
    class: &'static str,
}

/// Reads a prototype. An error is a mistake in this crate's own tables.
pub(crate) fn parse(text: &'static str) -> io::Result<Vec<Delivery>> {
    let mut heading = None;
    let mut deliveries = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let wrong = || io::Error::other(format!("prototype line `{line}`"));
        if line.starts_with('/') {
            let heading = heading.as_ref().ok_or_else(wrong)?;
            let mut words = line.split_ascii_whitespace();
            let directory = words.next().unwrap_or_default().trim_end_matches('/');
            for word in words {
                deliveries.push(delivery(heading, directory, word).ok_or_else(wrong)?);
            }
        } else {
            heading = Some(parse_heading(line).ok_or_else(wrong)?);
        }
    }
    Ok(deliveries)
}

fn parse_heading(line: &'static str) -> Option<Heading> {
    let mut words = line.split_ascii_whitespace();
    let kind = Kind::from_letter(*words.next()?.as_bytes().first()?)?;
    let mut heading = Heading { kind, mode: None, owner: ("root", "bin"), size: 400, class: "none" };
    for word in words {
        if let Some(class) = word.strip_prefix("class=") {
            heading.class = class;
        } else if let Some(owner) = word.split_once(':') {
            heading.owner = owner;
        } else if word.starts_with('0') {
            heading.mode = Some(u32::from_str_radix(word, 8).ok()?);
        } else {
            heading.size = size(word)?;
        }
    }
    Some(heading)
}

fn delivery(heading: &Heading, directory: &str, word: &str) -> Option<Delivery> {
    let (owner, group) = heading.owner;
    let (name, rest) = match heading.kind {
        Kind::Symlink | Kind::HardLink | Kind::Character | Kind::Block => word.split_once('=')?,
        kind if kind.has_content() => word.split_once(':').unwrap_or((word, "")),
        _ => (word, ""),
    };
    let path = format!("{directory}/{name}");
    let mut made = Delivery::new(heading.kind, path.as_bytes()).owner(owner, group).class(heading.class);
    made.mode = heading.mode.or(made.mode);
    match heading.kind {
        Kind::Symlink | Kind::HardLink => made.target = Some(rest.into()),
        Kind::Character | Kind::Block => {
            let (major, minor) = rest.split_once(',')?;
            made.device = Some((major.parse().ok()?, minor.parse().ok()?));
        }
        kind if kind.has_content() => {
            let size = if rest.is_empty() { about(heading.size, path.as_bytes()) } else { size(rest)? };
            let program = heading.mode.is_some_and(|mode| mode & 0o111 != 0);
            made.content = texts::of(&path).unwrap_or_else(|| Content::made(path.as_bytes(), size, program));
        }
        _ => {}
    }
    Some(made)
}

/// `400`, `12k`, `2m`.
fn size(word: &str) -> Option<usize> {
    let digits = word.trim_end_matches(['k', 'm']);
    let unit = match &word[digits.len()..] {
        "" => 1,
        "k" => 1024,
        "m" => 1024 * 1024,
        _ => return None,
    };
    Some(digits.parse::<usize>().ok()? * unit)
}

/// Half to one and a half times the size, so that no two files are alike.
pub(crate) fn about(size: usize, path: &[u8]) -> usize {
    size / 2 + (seed(path) as usize) % (size + 1)
}
