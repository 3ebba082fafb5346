//! Command files for zonecfg(8), written so that a value stays a value.
//!
//! zonecfg has no escapes: what cannot stand between two quotes cannot be said at all, and is refused
//! here. Everything else comes out as the one word that it is. Source: `zonecfg_lex.l`, zonecfg(8).

use std::fmt::Write as _;

use crate::host::{HostCommand, HostError};

use super::{ConfigError, ZoneConfig, ZoneName, file};

/// Where zonecfg(8) is.
pub const ZONECFG: &str = "/usr/sbin/zonecfg";

/// The attribute that says which operation of zonekit has made a zone: whoever undoes an operation
/// deletes no configuration that does not say so.
pub const MADE: &str = "zonekit-made";

/// Bytes of a value that zonecfg(8) keeps whole.
const VALUE_LIMIT: usize = 1023;
/// Bytes of the value of an attribute of type string that zonecfg(8) takes.
pub const ATTRIBUTE_LIMIT: usize = 255;

/// A value that zonecfg(8) cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be told to zonecfg as `{property}`: {rule}", value.escape_debug())]
pub struct CommandError {
    property: &'static str,
    value: String,
    rule: &'static str,
}

/// Commands of one zonecfg(8) run, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    text: String,
}

/// What a configuration begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin<'b> {
    /// A copy of this template, `/etc/zones/NAME.xml`.
    Template(&'b str),
    /// Nothing.
    Blank,
}

impl Commands {
    /// Begins a new configuration.
    ///
    /// # Errors
    /// [`CommandError`]: the template's name cannot be one.
    pub fn create(begin: Begin<'_>) -> Result<Self, CommandError> {
        let text = match begin {
            Begin::Template(name) => format!("create -t {}\n", word("template", name)?),
            Begin::Blank => "create -b\n".to_owned(),
        };
        Ok(Self { text })
    }

    /// Adds to a configuration that there is.
    #[must_use]
    pub fn more() -> Self {
        Self { text: String::new() }
    }

    /// The commands, a line each.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Sets a global property.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn set(&mut self, property: &'static str, value: &str) -> Result<(), CommandError> {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "set {property}={}", word(property, value)?);
        Ok(())
    }

    /// Adds a resource with properties that have one value each.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn add(&mut self, resource: &'static str, properties: &[(&'static str, &str)]) -> Result<(), CommandError> {
        self.add_with(resource, properties, &[])
    }

    /// Adds a free attribute of type string.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn attr(&mut self, name: &'static str, value: &str) -> Result<(), CommandError> {
        if value.len() > ATTRIBUTE_LIMIT {
            let rule = "an attribute has at most 255 bytes";
            return Err(CommandError { property: name, value: value.to_owned(), rule });
        }
        self.add("attr", &[("name", name), ("type", "string"), ("value", value)])
    }

    /// Adds a loopback mount.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn lofs(&mut self, directory: &str, special: &str, options: &[&str]) -> Result<(), CommandError> {
        self.add_with("fs", &[("dir", directory), ("special", special), ("type", "lofs")], options)
    }

    fn add_with(
        &mut self,
        resource: &'static str,
        properties: &[(&'static str, &str)],
        options: &[&str],
    ) -> Result<(), CommandError> {
        let mut text = format!("add {resource}\n");
        for (property, value) in properties {
            let _ = writeln!(text, "set {property}={}", word(property, value)?);
        }
        // One at a time: several in one word would be one option.
        for option in options {
            let _ = writeln!(text, "add options {}", word("options", option)?);
        }
        text.push_str("end\n");
        self.text.push_str(&text);
        Ok(())
    }

    /// The file, which verifies and saves the configuration at its end.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}verify\ncommit\n", self.text)
    }
}

/// A value as one word.
fn word(property: &'static str, value: &str) -> Result<String, CommandError> {
    let rule = if value.len() > VALUE_LIMIT {
        "it has more than 1023 bytes"
    } else if value.contains('"') {
        "it has a double quote, for which zonecfg has no escape"
    } else if value.contains(char::is_control) {
        "it has a line break or another control character"
    } else {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b':' | b'-' | b'+');
        let bare = !value.is_empty() && value.bytes().all(plain);
        return Ok(if bare { value.to_owned() } else { format!("\"{value}\"") });
    };
    Err(CommandError { property, value: value.to_owned(), rule })
}

/// Whether a zone's configuration says that this operation has made it.
///
/// # Errors
/// [`ConfigError`]: there is one, and it cannot be read.
pub fn was_made_by(zone: &ZoneName, operation: &str) -> Result<bool, ConfigError> {
    let path = file(zone);
    if !path.exists() {
        return Ok(false);
    }
    let config = ZoneConfig::read(&path)?;
    Ok(config.attrs.iter().any(|attr| attr.name == MADE && attr.value == operation))
}

/// Deletes a zone's configuration without asking.
///
/// # Errors
/// zonecfg(8) refused.
pub fn delete(zone: &ZoneName) -> Result<(), HostError> {
    HostCommand::new(ZONECFG).args(["-z", zone.as_str(), "delete", "-F"]).run().map(drop)
}

#[cfg(test)]
mod tests {
    use ::tests::lab::zone::zonecfg_words;
    use proptest::prelude::*;

    use super::*;

    fn commands(value: &str) -> Result<Commands, CommandError> {
        let mut commands = Commands::create(Begin::Template("TRIBsparse"))?;
        commands.set("zonepath", value)?;
        commands.attr("note", value)?;
        commands.lofs("/data", value, &["ro", "nodevices"])?;
        Ok(commands)
    }

    #[test]
    fn a_file_is_as_a_person_would_write_it() {
        let mut commands = commands("/export/zones/web").unwrap();
        commands.set("bootargs", "-m verbose").unwrap();
        commands.set("pool", "").unwrap();
        let expected = "create -t TRIBsparse\nset zonepath=/export/zones/web\n\
            add attr\nset name=note\nset type=string\nset value=/export/zones/web\nend\n\
            add fs\nset dir=/data\nset special=/export/zones/web\nset type=lofs\n\
            add options ro\nadd options nodevices\nend\n\
            set bootargs=\"-m verbose\"\nset pool=\"\"\nverify\ncommit\n";
        assert_eq!(commands.file(), expected);
        assert_eq!(Commands::create(Begin::Blank).unwrap().file(), "create -b\nverify\ncommit\n");
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        for value in ["a\"b", "a\nset brand=lx", "a\rb", "\0", "\u{7f}", &"x".repeat(1024)] {
            let error = commands(value).unwrap_err().to_string();
            assert!(error.contains("cannot be told to zonecfg as `zonepath`") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn attributes_are_short() {
        let mut commands = Commands::more();
        commands.attr("note", &"x".repeat(255)).unwrap();
        let error = commands.attr("note", &"x".repeat(256)).unwrap_err().to_string();
        assert!(error.contains("told to zonecfg as `note`: an attribute has at most 255 bytes"), "{error}");
    }

    proptest! {
        /// Whatever a value is, it is the one word that stands behind `=`, and no command of its own.
        #[test]
        fn no_value_becomes_a_command(value in "\\PC{0,40}|[;=\\[\\](),# \t/a-z\"]{0,20}") {
            let plain = commands("x").unwrap();
            if let Ok(commands) = commands(&value) {
                let expected: Vec<Vec<String>> = zonecfg_words(&plain.file())
                    .into_iter()
                    .map(|words| words.into_iter().map(|word| if word == "x" { value.clone() } else { word }).collect())
                    .collect();
                prop_assert_eq!(zonecfg_words(&commands.file()), expected);
            } else {
                prop_assert!(value.contains('"') || value.contains(char::is_control));
            }
        }
    }
}
