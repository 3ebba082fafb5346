//! Names on terminals and in JSON.

use serde_json::{Map, Value};

/// A name in which nothing controls a terminal: control characters, marks that turn the direction of
/// writing, and bytes that are not UTF-8 become `\xHH`.
pub(crate) fn harmless(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if controls(character) {
                push_escaped(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        push_escaped(&mut text, chunk.invalid());
    }
    text
}

fn push_escaped(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("\\x{byte:02x}"));
    }
}

fn controls(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON text that controls no terminal either, and is still the same JSON.
pub(crate) fn harmless_json(text: &str) -> String {
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

/// Adds a name to an object; one that is not UTF-8 also in hexadecimal, as `key_hex`.
pub(crate) fn put_name(object: &mut Map<String, Value>, key: &str, name: &[u8]) {
    object.insert(key.to_owned(), String::from_utf8_lossy(name).into());
    if std::str::from_utf8(name).is_err() {
        let hex: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        object.insert(format!("{key}_hex"), hex.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_controlled() {
        let cases: &[(&[u8], &str)] = &[
            (b"/etc/motd", "/etc/motd"),
            ("/na\u{ef}ve/\u{65e5}".as_bytes(), "/na\u{ef}ve/\u{65e5}"),
            (b"/\x1b[2J\x07\r\x7f", "/\\x1b[2J\\x07\\x0d\\x7f"),
            ("/\u{9b}2J".as_bytes(), "/\\xc2\\x9b2J"),
            (b"/latin-\xe9\xff", "/latin-\\xe9\\xff"),
            ("/\u{202e}gnp".as_bytes(), "/\\xe2\\x80\\xaegnp"),
        ];
        for (name, expected) in cases {
            assert_eq!(harmless(name), *expected);
        }
        let json = serde_json::to_string("\u{9b}\u{7f}\u{202e}\u{1b}e").unwrap();
        let shown = harmless_json(&json);
        assert_eq!(shown, "\"\\u009b\\u007f\\u202e\\u001be\"");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), "\u{9b}\u{7f}\u{202e}\u{1b}e");
    }

    #[test]
    fn names_that_are_not_utf8_are_given_twice() {
        let mut object = Map::new();
        put_name(&mut object, "path", b"/a");
        put_name(&mut object, "name", b"\xff/");
        let expected = serde_json::json!({"path": "/a", "name": "\u{fffd}/", "name_hex": "ff2f"});
        assert_eq!(Value::Object(object), expected);
    }
}
