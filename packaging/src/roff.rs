//! The little of roff(7) that manual pages need, in the macros of man(7).

/// A manual page, or a part of one.
#[derive(Clone, Debug, Default)]
pub struct Roff {
    text: Vec<u8>,
}

impl Roff {
    /// Begins a page.
    #[must_use]
    pub fn page(name: &str, section: &str) -> Self {
        let mut roff = Self::default();
        let source = format!("zonekit {}", crate::identity::VERSION);
        let manual =
            if section == "8" { "Maintenance Commands and Procedures" } else { "Standards, Environments, Macros" };
        // Some readers of man(7) take a hyphen for a minus sign only if it is written as one.
        roff.macro_line(&format!("TH {} {section} \"\" \"{source}\" \"{manual}\"", escape(&name.to_uppercase())));
        roff
    }

    /// The page so far.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.text
    }

    /// Appends what is roff already.
    pub fn raw(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    /// A section.
    pub fn heading(&mut self, title: &str) {
        self.macro_line(&format!("SH \"{}\"", escape(title)));
    }

    /// A section inside a section.
    pub fn subheading(&mut self, title: &str) {
        self.macro_line(&format!("SS \"{}\"", escape(title)));
    }

    /// A line of text, which is filled with those around it.
    pub fn text(&mut self, line: &str) {
        self.line(&escape(line.trim()));
    }

    /// Text whose paragraphs are apart by an empty line.
    pub fn paragraphs(&mut self, text: &str) {
        for (number, paragraph) in text.trim().split("\n\n").enumerate() {
            if number > 0 {
                self.paragraph();
            }
            paragraph.lines().for_each(|line| self.text(line));
        }
    }

    /// Begins a paragraph.
    pub fn paragraph(&mut self) {
        self.macro_line("PP");
    }

    /// A word in bold with its explanation.
    pub fn item(&mut self, word: &str, explanation: &str) {
        self.macro_line("TP");
        self.line(&format!("\\fB{}\\fR", escape(word)));
        self.text(explanation);
    }

    /// Lines exactly as they are, such as examples.
    pub fn verbatim<'l>(&mut self, lines: impl Iterator<Item = &'l str>) {
        self.macro_line("nf");
        for line in lines {
            self.line(&escape(line));
        }
        self.macro_line("fi");
    }

    fn macro_line(&mut self, line: &str) {
        self.text.push(b'.');
        self.text.extend_from_slice(line.as_bytes());
        self.text.push(b'\n');
    }

    fn line(&mut self, line: &str) {
        // A dot or an apostrophe at the start of a line would make it a request.
        if line.starts_with(['.', '\'']) {
            self.text.extend_from_slice(b"\\&");
        }
        self.text.extend_from_slice(line.as_bytes());
        self.text.push(b'\n');
    }
}

/// Text in which nothing means anything to roff.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq").replace('`', "\\(ga")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_taken_for_a_request() {
        let mut roff = Roff::default();
        roff.paragraphs(".SH is text\n'br too\n\na \\fB \"-n\"");
        let expected = "\\&.SH is text\n\\&'br too\n.PP\na \\efB \\(dq\\-n\\(dq\n";
        assert_eq!(String::from_utf8(roff.into_bytes()).unwrap(), expected);
    }
}
