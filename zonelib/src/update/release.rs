//! Whether a zone and an image are of releases between which packages can be followed.

use contents::pkginfo::PackageInfo;

use crate::root::Tree;

use super::UpdateError;

/// Larger files are no release files.
const LIMIT: u64 = 64 * 1024;

/// The package that every release has.
const BASE: &str = "var/sadm/pkg/SUNWcs/pkginfo";

/// What is known of a release.
#[derive(Debug, Default, PartialEq, Eq)]
struct Release {
    /// `ID` of os-release(5), else the first word of etc/release.
    distribution: Option<String>,
    /// The leading number of `VERSION_ID`.
    version: Option<u64>,
    /// The leading number of the version of the base package.
    base: Option<u64>,
}

/// Refuses another distribution, and another major number of the release or of the base package. What
/// one side does not say is not compared.
///
/// # Errors
/// [`UpdateError::Release`] with the reason.
pub fn check(image: &Tree, root: &Tree) -> Result<(), UpdateError> {
    let in_image = |path: &str| contents::image::read_if_present(image.dir(), path).ok().flatten();
    let in_zone = |path: &str| root.read(path.as_bytes(), LIMIT).ok();
    match difference(&Release::of(&in_image), &Release::of(&in_zone)) {
        Some(reason) => Err(UpdateError::Release { root: root.path().to_owned(), reason }),
        None => Ok(()),
    }
}

fn difference(image: &Release, zone: &Release) -> Option<String> {
    if let (Some(now), Some(then)) = (&image.distribution, &zone.distribution)
        && now != then
    {
        return Some(format!("the zone is of `{then}`, the image of `{now}`"));
    }
    let numbers = [("release", image.version, zone.version), ("package SUNWcs", image.base, zone.base)];
    numbers.into_iter().find_map(|(what, now, then)| match (now, then) {
        (Some(now), Some(then)) if now != then => Some(format!("{what} {then} in the zone, {now} in the image")),
        _ => None,
    })
}

impl Release {
    fn of(read: &dyn Fn(&str) -> Option<Vec<u8>>) -> Self {
        let os_release = read("etc/os-release").unwrap_or_default();
        let os_release = String::from_utf8_lossy(&os_release);
        let value = |key: &str| {
            let line = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.map(|value| value.trim().trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
        };
        let first_word = || {
            let text = read("etc/release")?;
            Some(printable_word(String::from_utf8_lossy(&text).split_whitespace().next()?))
        };
        let base = read(BASE).and_then(|text| {
            let info = PackageInfo::parse(std::path::Path::new(BASE), &text).ok()?;
            leading_number(&String::from_utf8_lossy(info.get("VERSION")?))
        });
        Self {
            distribution: value("ID").map(|id| printable_word(&id)).or_else(first_word),
            version: value("VERSION_ID").and_then(|version| leading_number(&version)),
            base,
        }
    }
}

/// A word as it can stand in a message.
fn printable_word(word: &str) -> String {
    word.chars().take(40).flat_map(char::escape_debug).flat_map(char::to_lowercase).collect()
}

fn leading_number(text: &str) -> Option<u64> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(files: &[(&str, &str)]) -> Release {
        let files: Vec<(String, Vec<u8>)> =
            files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        Release::of(&|path| files.iter().find(|(name, _)| name == path).map(|(_, text)| text.clone()))
    }

    #[test]
    fn another_distribution_or_major_number_is_another_release() {
        let tribblix = release(&[("etc/release", "    Tribblix m38 for i86pc\n"), (BASE, "VERSION=0.5.11\n")]);
        let next = release(&[("etc/release", "    Tribblix m39 for i86pc\n"), (BASE, "VERSION=0.5.12\n")]);
        assert_eq!(difference(&tribblix, &next), None);
        assert_eq!(difference(&Release::default(), &next), None);
        let other = release(&[("etc/os-release", "NAME=\"OmniOS\"\nID=omnios\nVERSION_ID=r151046\n")]);
        assert_eq!(difference(&other, &tribblix).unwrap(), "the zone is of `tribblix`, the image of `omnios`");
        let newer = release(&[("etc/release", "Tribblix\n"), (BASE, "VERSION=\"11.4\"\n")]);
        assert_eq!(difference(&newer, &tribblix).unwrap(), "package SUNWcs 0 in the zone, 11 in the image");
        let (one, two) = ("ID=\"x\"\nVERSION_ID=1.2\n", "ID=x\nVERSION_ID='2'\n");
        let (one, two) = (release(&[("etc/os-release", one)]), release(&[("etc/os-release", two)]));
        assert_eq!(difference(&two, &one).unwrap(), "release 1 in the zone, 2 in the image");
    }
}
