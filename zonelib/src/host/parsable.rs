//! What dladm(8), ipadm(8) and flowadm(8) print for programs. Source: libofmt.

use super::{HostCommand, HostError};

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The command could not be run, or refused.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It printed what cannot be understood.
    #[error("`{command}` printed what cannot be understood: `{line}`")]
    Unexpected {
        /// The command line.
        command: String,
        /// The line.
        line: String,
    },
}

/// Runs a command that prints an object a line, and makes something of each.
///
/// # Errors
/// [`ListError`]: also when `parse` makes nothing of a line.
pub(super) fn list<T>(command: &HostCommand, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, ListError> {
    let out = command.run()?;
    let text = String::from_utf8_lossy(&out);
    let unexpected =
        |line: &str| ListError::Unexpected { command: command.line(), line: line.escape_debug().to_string() };
    // ipadm(8) ends what it says on standard error with an empty line here.
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| parse(line).ok_or_else(|| unexpected(line))).collect()
}

/// The fields of a line: colons between, and a backslash before a colon or backslash of a field.
pub(super) fn fields<const N: usize>(line: &str) -> Option<[String; N]> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ':' => fields.push(String::new()),
            '\\' => fields.last_mut()?.push(letters.next()?),
            letter => fields.last_mut()?.push(letter),
        }
    }
    fields.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_split_where_colons_are_not_escaped() {
        assert_eq!(fields(r"znic0:zrstub0:2\:8\:20\:4\:5\:f").unwrap(), ["znic0", "zrstub0", "2:8:20:4:5:f"]);
        assert_eq!(fields(r"a\\:b::").unwrap(), ["a\\", "b", "", ""]);
        assert_eq!(fields::<2>("a:b:c"), None);
        assert_eq!(fields::<1>("a\\"), None);
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(one in ".*", other in ".*") {
            let escape = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
            let line = format!("{}:{}", escape(&one), escape(&other));
            prop_assert_eq!(fields(&line).unwrap(), [one, other]);
        }
    }
}
