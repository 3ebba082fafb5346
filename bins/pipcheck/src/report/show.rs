//! Texts on terminals: harmless, coloured, and no wider than the screen.

/// A text in which nothing controls a terminal or breaks a line: control characters and marks that turn the direction
/// of writing become `\u{hex}`.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if controls(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// JSON text that controls no terminal either, and is still the same JSON.
#[must_use]
pub fn harmless_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if controls(character) && character != '\n' {
            // Only strings can hold such characters, and none of them is beyond 16 bits.
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

fn controls(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What is known of the place that a text goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colour is wanted.
    pub color: bool,
    /// The width of the terminal, if it is one.
    pub width: Option<usize>,
}

/// The meaning of a coloured word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Strong,
    /// Something that is wrong.
    Bad,
    /// Something worth a note.
    Note,
    /// Something that is right.
    Good,
}

impl Style {
    /// A word in colour, if there is colour.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Strong => "1",
            Tone::Bad => "31",
            Tone::Note => "33",
            Tone::Good => "32",
        };
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Appends a text after a lead of `indent` columns, broken between words at the width of the terminal.
    pub fn wrap(self, out: &mut String, text: &str, indent: usize) {
        let Some(room) = self.width.map(|width| width.saturating_sub(indent)).filter(|room| *room >= 20) else {
            out.push_str(text);
            out.push('\n');
            return;
        };
        let mut column = 0;
        for word in text.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > room {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = 0;
            } else if column > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
        }
        out.push('\n');
    }
}

/// `1 finding`, `2 findings`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_controlled() {
        assert_eq!(harmless("na\u{ef}ve\u{65e5}"), "na\u{ef}ve\u{65e5}");
        assert_eq!(harmless("\u{1b}[2J\n\u{9b}\u{202e}"), "\\u{1b}[2J\\u{a}\\u{9b}\\u{202e}");
        let json = serde_json::to_string("\u{9b}\u{7f}\u{202e}\u{1b}e").unwrap();
        assert_eq!(harmless_json(&json), "\"\\u009b\\u007f\\u202e\\u001be\"");
    }

    #[test]
    fn lines_are_broken_on_terminals_only() {
        let mut out = String::new();
        Style { color: false, width: Some(26) }.wrap(&mut out, "one two three four five six", 4);
        assert_eq!(out, "one two three four\n    five six\n");
        let mut out = String::new();
        Style::default().wrap(&mut out, "one two three four five six", 4);
        assert_eq!(out, "one two three four five six\n");
    }
}
