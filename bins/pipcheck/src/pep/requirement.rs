//! Requirements (PEP 508), as Requires-Dist has them.

use std::fmt;

use super::error::{ParseError, Reason};
use super::marker::{Marker, parse};
use super::name::{ExtraName, ProjectName, is_name_byte};
use super::scan::Cursor;
use super::specifier::Specifiers;

/// A requirement. It borrows from the text that it was read from.
#[derive(Clone, Debug)]
pub struct Requirement<'a> {
    raw: &'a str,
    /// The project that is required.
    pub name: ProjectName<'a>,
    /// The extras of that project that are required with it, as written.
    pub extras: Vec<ExtraName<'a>>,
    /// The versions that will do.
    pub specifiers: Specifiers<'a>,
    /// Where exactly it is to come from; then there are no specifiers.
    pub url: Option<&'a str>,
    /// When the requirement counts; always if there is none.
    pub marker: Option<Marker<'a>>,
}

const BLANK: fn(char) -> bool = |character| matches!(character, ' ' | '\t');

impl<'a> Requirement<'a> {
    /// Reads a requirement.
    ///
    /// # Errors
    /// [`ParseError`] if it is none, not even leniently: see [`Specifiers::legacy`].
    pub fn parse(raw: &'a str) -> Result<Self, ParseError> {
        let mut cursor = Cursor::bounded(raw)?;
        cursor.blanks();
        let name = name(&mut cursor, "the name of a project")?;
        let name = ProjectName::lenient(name);
        cursor.blanks();
        let extras = extras(&mut cursor)?;
        cursor.blanks();
        let mut requirement = Self { raw, name, extras, specifiers: Specifiers::default(), url: None, marker: None };
        let expected = if cursor.eat(b'@') {
            requirement.url = Some(url(&mut cursor)?);
            "`;` and a marker, or the end"
        } else {
            requirement.specifiers = specifiers(&mut cursor)?;
            match (requirement.specifiers.is_empty(), requirement.extras.is_empty()) {
                (false, _) => "a comma and a specifier, `;` and a marker, or the end",
                (true, false) => "a version specifier, `@`, `;` or the end",
                (true, true) => "`[` and extras, a version specifier, `@`, `;` or the end",
            }
        };
        cursor.blanks();
        if cursor.eat(b';') {
            requirement.marker = Some(parse::marker(&mut cursor)?);
            cursor.blanks();
            return if cursor.at_end() { Ok(requirement) } else { Err(cursor.expected("`and`, `or` or the end")) };
        }
        if cursor.at_end() { Ok(requirement) } else { Err(cursor.expected(expected)) }
    }

    /// As it is written, for messages.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.raw
    }
}

fn name<'a>(cursor: &mut Cursor<'a>, expected: &'static str) -> Result<&'a str, ParseError> {
    let start = *cursor;
    let name = cursor.take_while(is_name_byte);
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if !ends(name.as_bytes().first()) {
        return Err(start.expected(expected));
    }
    if !ends(name.as_bytes().last()) || cursor.peek().is_some_and(|byte| !byte.is_ascii()) {
        return Err(cursor.expected("a letter or digit at the end of a name"));
    }
    Ok(name)
}

fn extras<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<ExtraName<'a>>, ParseError> {
    let open = *cursor;
    let mut extras = Vec::new();
    if !cursor.eat(b'[') {
        return Ok(extras);
    }
    cursor.blanks();
    if cursor.eat(b']') {
        return Ok(extras);
    }
    loop {
        cursor.blanks();
        if cursor.at_end() {
            return Err(open.error(Reason::Unclosed('[')));
        }
        extras.push(ExtraName::lenient(name(cursor, "the name of an extra")?));
        cursor.blanks();
        if cursor.eat(b']') {
            return Ok(extras);
        }
        if !cursor.eat(b',') {
            return Err(if cursor.at_end() {
                open.error(Reason::Unclosed('['))
            } else {
                cursor.expected("`,` or `]`")
            });
        }
    }
}

fn url<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, ParseError> {
    cursor.blanks();
    let start = *cursor;
    let url = cursor.take_chars(|character| !BLANK(character));
    if url.is_empty() { Err(start.expected("an address")) } else { Ok(url) }
}

fn specifiers<'a>(cursor: &mut Cursor<'a>) -> Result<Specifiers<'a>, ParseError> {
    let open = *cursor;
    let enclosed = cursor.eat(b'(');
    cursor.blanks();
    let specifiers = Specifiers::scan(cursor, BLANK)?;
    if enclosed && !cursor.eat(b')') {
        return Err(if cursor.at_end() {
            open.error(Reason::Unclosed('('))
        } else {
            cursor.expected("a version specifier or `)`")
        });
    }
    Ok(specifiers)
}

/// The normal form: extras and specifiers sorted, one blank after `;`.
impl fmt::Display for Requirement<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name.raw())?;
        if !self.extras.is_empty() {
            let mut extras: Vec<&str> = self.extras.iter().map(ExtraName::raw).collect();
            extras.sort_unstable();
            extras.dedup();
            write!(formatter, "[{}]", extras.join(","))?;
        }
        write!(formatter, "{}", self.specifiers)?;
        if let Some(url) = self.url {
            write!(formatter, " @ {url}{}", if self.marker.is_some() { " " } else { "" })?;
        }
        if let Some(marker) = &self.marker {
            write!(formatter, "; {marker}")?;
        }
        Ok(())
    }
}
