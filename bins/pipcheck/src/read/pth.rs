//! `.pth` files: more places where Python looks, as `site.py` reads them.

use std::path::{Path, PathBuf};

/// The places that a `.pth` file names, relative to the root. `site` is the directory that it is in. Lines that Python
/// would run are passed over: they tell nothing without running it.
pub(super) fn places(site: &Path, text: &[u8]) -> Vec<PathBuf> {
    let text = String::from_utf8_lossy(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let runs = |line: &str| line.starts_with("import ") || line.starts_with("import\t");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !runs(line));
    let places = lines.map(str::trim_end).filter(|line| !line.is_empty());
    // An absolute path takes the place of `site`, and is then one of the root.
    places.map(|line| site.join(line)).collect()
}

/// The directory that an `.egg-link` file names: its first line.
pub(super) fn linked(site: &Path, text: &[u8]) -> Option<PathBuf> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| site.join(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_count() {
        let text = b"# a comment\nimport os; os.x()\n\n./foo-1.0.egg  \r\n/opt/more\nimport\tsys\nimportant\n";
        let found = places(Path::new("usr/lib"), text);
        assert_eq!(found, [Path::new("usr/lib/./foo-1.0.egg"), Path::new("/opt/more"), Path::new("usr/lib/important")]);
        assert_eq!(linked(Path::new("a"), b"/src/foo\n.\n").unwrap(), Path::new("/src/foo"));
        assert_eq!(linked(Path::new("a"), b"\n"), None);
    }
}
