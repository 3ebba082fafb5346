//! requires.txt, in which `.egg-info` of setuptools has its requirements: sections `[extra:marker]`, and requirements
//! one a line.

/// What the requirements of a section depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    extra: String,
    marker: String,
}

impl Section {
    /// Reads the line that begins a section; none if `line` is another one.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let header = line.strip_prefix('[')?.strip_suffix(']')?;
        let (extra, marker) = header.split_once(':').unwrap_or((header, ""));
        Some(Self { extra: extra.trim().to_owned(), marker: marker.trim().to_owned() })
    }

    /// The extra that asks for the section.
    pub(super) fn extra(&self) -> Option<&str> {
        Some(self.extra.as_str()).filter(|extra| !extra.is_empty())
    }

    /// A requirement of the section, as Requires-Dist says it.
    pub(super) fn requirement(&self, line: &str) -> String {
        let (requirement, own) = split_marker(line);
        let extra = self.extra().map(|extra| format!("extra == \"{extra}\""));
        let markers: Vec<&str> = [own, &self.marker].into_iter().filter(|marker| !marker.is_empty()).collect();
        let condition = match (markers.as_slice(), extra) {
            ([], None) => return line.to_owned(),
            ([], Some(extra)) => extra,
            ([marker], None) => (*marker).to_owned(),
            (markers, extra) => {
                let mut all: Vec<String> = markers.iter().map(|marker| format!("({marker})")).collect();
                all.extend(extra);
                all.join(" and ")
            }
        };
        // The blank ends an address, of which a semicolon could be a part.
        format!("{requirement} ; {condition}")
    }
}

/// A requirement, and the marker that it has itself. A semicolon in an address has no blank before it.
fn split_marker(line: &str) -> (&str, &str) {
    let separator = if line.contains('@') { " ;" } else { ";" };
    let (requirement, marker) = line.split_once(separator).unwrap_or((line, ""));
    (requirement.trim_end(), marker.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(section: &str, line: &str) -> String {
        Section::parse(section).unwrap_or_default().requirement(line)
    }

    #[test]
    fn a_section_becomes_a_marker() {
        assert_eq!(requirement("", "a>=1"), "a>=1");
        assert_eq!(requirement("[test]", "a>=1"), "a>=1 ; extra == \"test\"");
        assert_eq!(requirement("[:os_name == 'nt']", "a"), "a ; os_name == 'nt'");
        assert_eq!(
            requirement("[test:os_name == 'nt' or os_name == 'x']", "a"),
            "a ; (os_name == 'nt' or os_name == 'x') and extra == \"test\""
        );
    }

    #[test]
    fn a_marker_of_its_own_is_kept() {
        assert_eq!(
            requirement("[t]", "a; python_version < '3' or os_name == 'x'"),
            "a ; (python_version < '3' or os_name == 'x') and extra == \"t\""
        );
        assert_eq!(requirement("[t]", "a @ file:///x;y"), "a @ file:///x;y ; extra == \"t\"");
    }
}
