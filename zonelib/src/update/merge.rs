//! The zone's new contents file: that of a fresh zone, with what the zone added itself.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use contents::database::{CONTENTS, Line};
use contents::{Contents, Entry, Error};

use super::then::Then;

/// Merges the database of a fresh zone with the zone's own entries. `kept` are paths whose object stays
/// that of the zone's own packages.
///
/// # Errors
/// The fresh database does not parse, which would be a mistake of its making.
pub(super) fn merge(fresh: &[u8], then: &Then, zone: &Contents<'_>, kept: &HashSet<Vec<u8>>) -> Result<Vec<u8>, Error> {
    let own: BTreeMap<&[u8], &Entry<'_>> = zone
        .entries()
        .iter()
        .filter(|entry| then.has_part_in(entry))
        .map(|entry| (entry.path_bytes(), entry))
        .collect();
    if own.is_empty() {
        return Ok(fresh.to_vec());
    }
    let base = Contents::parse(Path::new(CONTENTS), fresh)?;
    let mut lines: Vec<(&[u8], Cow<'_, [u8]>)> = Vec::with_capacity(base.entries().len() + own.len());
    let mut comments = Vec::new();
    for line in base.lines() {
        match line {
            Line::Comment(comment) => comments.push(comment),
            Line::Entry(_, entry) => {
                let path = entry.path_bytes();
                let line = match own.get(path) {
                    None => Cow::Borrowed(entry.line()),
                    Some(mine) => Cow::Owned(joined(&entry, mine, then.own(), kept.contains(path))),
                };
                lines.push((path, line));
            }
        }
    }
    let added = own.values().filter(|entry| base.get(entry.path_bytes()).is_none());
    lines.extend(added.map(|entry| (entry.path_bytes(), Cow::Owned(only_own(entry, then.own())))));
    if base.is_sorted() {
        lines.sort_by(|a, b| a.0.cmp(b.0));
    }
    let mut out = Vec::with_capacity(fresh.len() + own.len() * 80);
    for line in lines.iter().map(|(_, line)| line.as_ref()).chain(comments) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    Ok(out)
}

/// One line of both: the names of the image's packages, then those of the zone's own.
fn joined(now: &Entry<'_>, mine: &Entry<'_>, own: &BTreeSet<Vec<u8>>, keeps: bool) -> Vec<u8> {
    let mut line = if keeps { mine.line_before_packages() } else { now.line_before_packages() }.to_vec();
    push_tokens(&mut line, now, |name| !own.contains(name));
    push_tokens(&mut line, mine, |name| own.contains(name));
    line
}

fn only_own(entry: &Entry<'_>, own: &BTreeSet<Vec<u8>>) -> Vec<u8> {
    let mut line = entry.line_before_packages().to_vec();
    push_tokens(&mut line, entry, |name| own.contains(name));
    line
}

fn push_tokens(line: &mut Vec<u8>, entry: &Entry<'_>, wanted: impl Fn(&[u8]) -> bool) {
    for (token, package) in entry.package_tokens().zip(entry.packages()) {
        if wanted(package.name) {
            line.push(b' ');
            line.extend_from_slice(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: &str = "/etc d none 0755 root sys A B\n\
        /etc-x d none 0755 root sys A\n\
        /etc/file f none 0644 root sys 1 1 1 A\n\
        /etc/taken f none 0644 root sys 2 2 2 A\n\
        # Last modified by pkgadd for A package\n# now\n";

    fn run(zone: &str, own: &[&str], kept: &[&str]) -> String {
        let then = Then::of(zone.as_bytes(), own);
        let kept = kept.iter().map(|path| path.as_bytes().to_vec()).collect();
        let merged = merge(FRESH.as_bytes(), &then, &then.contents().unwrap(), &kept).unwrap();
        String::from_utf8(merged).unwrap()
    }

    #[test]
    fn a_zone_without_packages_of_its_own_gets_the_fresh_database() {
        assert_eq!(
            run("/etc d none 0700 root sys A Gone\n/etc/gone f none 0644 root sys 1 1 1 Gone\n# then\n", &[], &[]),
            FRESH
        );
    }

    #[test]
    fn lines_and_names_of_own_packages_stay_in_their_places() {
        let zone = "/etc d none 0700 root sys A Own Gone *Mine\\:cls\n\
            /etc/gone f none 0644 root sys 1 1 1 Gone\n\
            /etc/mine=x s none Mine\n\
            /etc/taken f none 0600 root sys 3 3 3 Own\n\
            /opt d none 0755 root sys Gone Own\n# then\n";
        let expected = "/etc d none 0755 root sys A B Own *Mine\\:cls\n\
            /etc-x d none 0755 root sys A\n\
            /etc/file f none 0644 root sys 1 1 1 A\n\
            /etc/mine=x s none Mine\n\
            /etc/taken f none 0600 root sys 3 3 3 A Own\n\
            /opt d none 0755 root sys Own\n\
            # Last modified by pkgadd for A package\n# now\n";
        let merged = run(zone, &["Own", "Mine"], &["/etc/taken"]);
        assert_eq!(merged, expected);
        assert_eq!(run(&merged, &["Own", "Mine"], &["/etc/taken"]), expected, "once more changes nothing");
        assert!(run(zone, &["Own", "Mine"], &[]).contains("/etc/taken f none 0644 root sys 2 2 2 A Own\n"));
    }

    #[test]
    fn a_package_that_both_have_is_named_once() {
        let merged = run("/etc d none 0755 root sys B A\n", &["A"], &[]);
        assert!(merged.starts_with("/etc d none 0755 root sys B A\n"), "{merged}");
    }
}
