//! Version specifiers: PEP 440's `>=1.0,<2`.

use std::fmt;

use super::error::{ParseError, Reason};
use super::scan::{Cursor, is_space, trim};
use super::version::{DeclaredVersion, Version};

/// How a specifier compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<=`
    LessEqual,
    /// `>=`
    GreaterEqual,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `~=`: this or a later one of the same series.
    Compatible,
    /// `===`: the same text.
    Identical,
}

impl Operator {
    /// Reads the operator that is next.
    pub(super) fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
        let (operator, length) = match cursor.rest().as_bytes() {
            [b'=', b'=', b'=', ..] => (Self::Identical, 3),
            [b'=', b'=', ..] => (Self::Equal, 2),
            [b'~', b'=', ..] => (Self::Compatible, 2),
            [b'!', b'=', ..] => (Self::NotEqual, 2),
            [b'<', b'=', ..] => (Self::LessEqual, 2),
            [b'>', b'=', ..] => (Self::GreaterEqual, 2),
            [b'<', ..] => (Self::Less, 1),
            [b'>', ..] => (Self::Greater, 1),
            _ => return None,
        };
        cursor.skip(length);
        Some(operator)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::LessEqual => "<=",
            Self::GreaterEqual => ">=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::Compatible => "~=",
            Self::Identical => "===",
        }
    }
}

/// What PEP 440 does not allow in a specifier, and old metadata has nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Legacy {
    /// `>=2.0.*`, read as `>=2.0`.
    #[error("`.*` may follow only `==` or `!=`; read without it")]
    Prefix,
    /// `==2.0*`, read as `==2.0.*`.
    #[error("`*` without a dot before it; read as `.*`")]
    Star,
    /// `>=1 <2`, read as `>=1,<2`.
    #[error("no comma before it; read as if there were one")]
    Comma,
    /// `>="1"`, read as `>=1`.
    #[error("the version is quoted; read without the quotes")]
    Quoted,
}

/// One condition on a version.
#[derive(Clone, Debug)]
pub struct Specifier<'a> {
    operator: Operator,
    text: &'a str,
    version: Option<Version>,
    prefix: bool,
    legacy: Option<Legacy>,
}

/// Whether pre-releases may satisfy a specifier that admits their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreReleases {
    /// They may. For what is installed: it was chosen already.
    Admit,
    /// Only if one of the specifiers names a pre-release. For choosing among versions (PEP 440).
    WhenMentioned,
    /// They may not.
    Refuse,
}

impl<'a> Specifier<'a> {
    /// How it compares.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The version as written, with `.*` if it has that.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The version, without `.*`; none if `===` has text that is no version.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Whether it compares only the beginning of versions: `==1.2.*`.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.prefix
    }

    /// Why it could only be read leniently.
    #[must_use]
    pub fn legacy(&self) -> Option<Legacy> {
        self.legacy
    }

    /// Whether it is for a pre-release, so that pre-releases are wanted.
    #[must_use]
    pub fn mentions_prerelease(&self) -> bool {
        self.operator != Operator::NotEqual && self.version.as_ref().is_some_and(Version::is_prerelease)
    }

    /// Whether `declared` satisfies it; pre-releases may. A version that PEP 440 does not know satisfies only `===`.
    #[must_use]
    pub fn contains(&self, declared: &DeclaredVersion<'_>) -> bool {
        if self.operator == Operator::Identical {
            return self.text.to_lowercase() == declared.text().to_lowercase();
        }
        match (declared.version(), &self.version) {
            (Some(version), Some(wanted)) => self.compare(version, wanted),
            _ => false,
        }
    }

    fn compare(&self, version: &Version, wanted: &Version) -> bool {
        match self.operator {
            Operator::Equal => self.equals(version, wanted),
            Operator::NotEqual => !self.equals(version, wanted),
            Operator::GreaterEqual => version >= wanted,
            Operator::LessEqual => version <= wanted || is_local_of(version, wanted),
            Operator::Less => version < wanted && !leads_to(version, wanted),
            Operator::Greater => version > wanted && !follows_from(version, wanted),
            Operator::Compatible => version >= wanted && version.starts_like(wanted, series(wanted)),
            Operator::Identical => false,
        }
    }

    fn equals(&self, version: &Version, wanted: &Version) -> bool {
        if self.prefix {
            version.starts_like(wanted, wanted.release_length())
        } else {
            version == wanted || is_local_of(version, wanted)
        }
    }

    /// `>=1.0` and `>=1.0.0` do; `~=1.0` and `~=1.0.0` do not.
    fn says_the_same(&self, other: &Self) -> bool {
        let spelling_counts = self.prefix || matches!(self.operator, Operator::Compatible | Operator::Identical);
        let same = if spelling_counts { self.text == other.text } else { self.version == other.version };
        self.operator == other.operator && self.prefix == other.prefix && same
    }

    /// The highest version that it lets pass, if there is one.
    fn ceiling(&self) -> Option<Ceiling<'_, 'a>> {
        let version = self.version.as_ref()?;
        let (version, inclusive) = match self.operator {
            Operator::Less => (version.clone(), false),
            Operator::Equal if self.prefix => (version.after_series(version.release_length()), false),
            Operator::Compatible => (version.after_series(series(version)), false),
            Operator::LessEqual | Operator::Equal | Operator::Identical => (version.clone(), true),
            Operator::NotEqual | Operator::GreaterEqual | Operator::Greater => return None,
        };
        Some(Ceiling { version, inclusive, specifier: self })
    }

    /// Reads the specifier that is next, if one is.
    fn scan(cursor: &mut Cursor<'a>) -> Result<Option<Self>, ParseError> {
        let Some(operator) = Operator::scan(cursor) else {
            return Ok(None);
        };
        cursor.take_chars(is_space);
        if operator == Operator::Identical {
            let text = cursor.take_chars(|character| !ends_text(character) && character != ',');
            let version = Version::parse(text).ok();
            return Ok(Some(Self { operator, text, version, prefix: false, legacy: None }));
        }
        let quote = cursor.peek().filter(|byte| matches!(byte, b'\'' | b'"'));
        cursor.skip(usize::from(quote.is_some()));
        let start = *cursor;
        let mut specifier = Self::scan_version(operator, cursor).map_err(|reason| start.error(reason))?;
        if let Some(quote) = quote {
            if !cursor.eat(quote) {
                return Err(start.error(Reason::Unclosed(char::from(quote))));
            }
            specifier.legacy = Some(Legacy::Quoted);
        }
        Ok(Some(specifier))
    }

    /// The specifier of an operator and a version, which have to be all that PEP 440 asks for.
    pub(super) fn exactly(operator: Operator, text: &'a str) -> Option<Self> {
        let mut cursor = Cursor::new(trim(text));
        if operator == Operator::Identical {
            let text = cursor.take_chars(|character| !ends_text(character));
            let specifier = Self { operator, text, version: None, prefix: false, legacy: None };
            return cursor.at_end().then_some(specifier);
        }
        let specifier = Self::scan_version(operator, &mut cursor).ok()?;
        (cursor.at_end() && specifier.legacy.is_none()).then_some(specifier)
    }

    /// Reads the version that is next.
    fn scan_version(operator: Operator, cursor: &mut Cursor<'a>) -> Result<Self, Reason> {
        let start = *cursor;
        let version = Version::scan(cursor);
        let dotted = cursor.eat_str(".*");
        let star = dotted || cursor.eat(b'*');
        let complete = cursor.next_char().is_none_or(|next| ends_version(next) || begins_operator(next));
        let Some(version) = version.filter(|_| complete) else {
            let found = start.rest().split(ends_version).next().unwrap_or_default();
            return Err(Reason::Version(found.to_owned()));
        };
        let exact = matches!(operator, Operator::Equal | Operator::NotEqual);
        if version.is_local() && !exact {
            return Err(Reason::Local);
        }
        if operator == Operator::Compatible && series(&version) == 0 {
            return Err(Reason::Compatible(version.to_string()));
        }
        if star && (!version.is_release() || operator == Operator::Compatible) {
            return Err(Reason::Prefix);
        }
        let legacy = match (star, exact) {
            (true, false) => Some(Legacy::Prefix),
            (true, true) if !dotted => Some(Legacy::Star),
            _ => None,
        };
        Ok(Self {
            operator,
            text: cursor.since(start.position()),
            version: Some(version),
            prefix: star && exact,
            legacy,
        })
    }
}

/// How many numbers versions have in common that are compatible with `version`.
fn series(version: &Version) -> usize {
    version.release_length().saturating_sub(1)
}

fn ends_version(character: char) -> bool {
    ends_text(character) || matches!(character, ',' | '\'' | '"')
}

/// What `===` compares may be anything else.
fn ends_text(character: char) -> bool {
    is_space(character) || matches!(character, ';' | ')')
}

fn begins_operator(character: char) -> bool {
    matches!(character, '<' | '>' | '=' | '!' | '~')
}

/// Whether `version` is `wanted` with a local version, which `wanted` does not ask for.
fn is_local_of(version: &Version, wanted: &Version) -> bool {
    version.is_local() && !wanted.is_local() && version.public() == *wanted
}

/// Whether `version`, which is older, is a pre-release of `wanted` itself: `<1.0` does not mean 1.0rc1, and `<1.0.post1`
/// not 1.0.post1.dev1.
fn leads_to(version: &Version, wanted: &Version) -> bool {
    if wanted.is_prerelease() || !version.same_release(wanted) {
        return false;
    }
    match wanted.post() {
        None => true,
        post => version.pre().is_none() && version.post() == post,
    }
}

/// Whether `version`, which is newer, is still `wanted`: `>1.0` means neither 1.0.post1 nor 1.0+local.
fn follows_from(version: &Version, wanted: &Version) -> bool {
    if wanted.dev().is_some() || wanted.is_postrelease() {
        is_local_of(version, wanted)
    } else {
        version.same_release(wanted) && version.pre() == wanted.pre()
    }
}

/// The highest version that specifiers let pass.
#[derive(Clone, Debug)]
pub struct Ceiling<'s, 'a> {
    /// The version.
    pub version: Version,
    /// Whether it passes itself.
    pub inclusive: bool,
    /// What sets it.
    pub specifier: &'s Specifier<'a>,
}

/// Conditions on a version, all of which have to hold.
#[derive(Clone, Debug, Default)]
pub struct Specifiers<'a>(Vec<Specifier<'a>>);

impl<'a> Specifiers<'a> {
    /// Reads specifiers between commas, as Requires-Python has them. None at all are allowed.
    ///
    /// # Errors
    /// [`ParseError`] if one can be read not even leniently ([`Specifiers::legacy`]).
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        let mut cursor = Cursor::bounded(text)?;
        let mut all = Self::default();
        loop {
            cursor.take_chars(|character| is_space(character) || character == ',');
            if cursor.at_end() {
                return Ok(all);
            }
            let some = Self::scan(&mut cursor, is_space)?;
            if some.is_empty() || !(cursor.at_end() || cursor.peek() == Some(b',')) {
                return Err(cursor.expected("a version specifier such as `>=1.0`"));
            }
            all.0.extend(some.0);
        }
    }

    /// Reads the specifiers that are next, and one comma after each.
    pub(super) fn scan(cursor: &mut Cursor<'a>, space: fn(char) -> bool) -> Result<Self, ParseError> {
        let mut list = Vec::new();
        let mut separated = true;
        while let Some(mut specifier) = Specifier::scan(cursor)? {
            if !separated {
                specifier.legacy = Some(Legacy::Comma);
            }
            list.push(specifier);
            cursor.take_chars(space);
            separated = cursor.eat(b',');
            cursor.take_chars(space);
        }
        Ok(Self(list))
    }

    /// Each of them, as written.
    pub fn iter(&self) -> std::slice::Iter<'_, Specifier<'a>> {
        self.0.iter()
    }

    /// Whether any version will do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `declared` satisfies all.
    #[must_use]
    pub fn contains(&self, declared: &DeclaredVersion<'_>, pre_releases: PreReleases) -> bool {
        self.admits(declared, pre_releases) && self.rejecting(declared).is_none()
    }

    /// The first that `declared` does not satisfy, pre-releases admitted.
    #[must_use]
    pub fn rejecting(&self, declared: &DeclaredVersion<'_>) -> Option<&Specifier<'a>> {
        self.0.iter().find(|specifier| !specifier.contains(declared))
    }

    fn admits(&self, declared: &DeclaredVersion<'_>, pre_releases: PreReleases) -> bool {
        let admitted = match pre_releases {
            PreReleases::Admit => true,
            PreReleases::WhenMentioned => self.mention_prerelease(),
            PreReleases::Refuse => false,
        };
        admitted || !declared.version().is_some_and(Version::is_prerelease)
    }

    /// Whether one of them is for a pre-release.
    #[must_use]
    pub fn mention_prerelease(&self) -> bool {
        self.0.iter().any(Specifier::mentions_prerelease)
    }

    /// Those that could only be read leniently, and why.
    pub fn legacy(&self) -> impl Iterator<Item = (&Specifier<'a>, Legacy)> {
        self.0.iter().filter_map(|specifier| Some((specifier, specifier.legacy?)))
    }

    /// The lowest of their upper bounds, if one has any.
    #[must_use]
    pub fn ceiling(&self) -> Option<Ceiling<'_, 'a>> {
        let bounds = self.0.iter().filter_map(Specifier::ceiling);
        bounds.min_by(|a, b| a.version.cmp(&b.version).then(a.inclusive.cmp(&b.inclusive)))
    }
}

impl<'s, 'a> IntoIterator for &'s Specifiers<'a> {
    type Item = &'s Specifier<'a>;
    type IntoIter = std::slice::Iter<'s, Specifier<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Specifier<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.operator, self.text)
    }
}

/// Sorted, with commas between them, and none that says the same as one before it.
impl fmt::Display for Specifiers<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted: Vec<(String, &Specifier<'_>)> = self.iter().map(|each| (each.to_string(), each)).collect();
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut written: Vec<&Specifier<'_>> = Vec::new();
        for (text, specifier) in sorted {
            if !written.iter().any(|before| before.says_the_same(specifier)) {
                write!(formatter, "{}{text}", if written.is_empty() { "" } else { "," })?;
                written.push(specifier);
            }
        }
        Ok(())
    }
}
