//! Versions by PEP 440.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::number::Number;
use super::scan::{Cursor, trim};

/// The text is not a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version (PEP 440)")]
pub struct VersionError;

/// Which kind of pre-release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PreRelease {
    /// `a`, `alpha`.
    Alpha,
    /// `b`, `beta`.
    Beta,
    /// `rc`, `c`, `pre`, `preview`.
    Candidate,
}

/// A version. The order is that of PEP 440, in which `1.0` and `1.0.0` are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(Form);

/// Equal versions have the same form: whatever fits is packed.
#[derive(Clone, Debug)]
enum Form {
    Packed(Packed),
    Full(Box<Full>),
}

/// Four numbers of a release and what follows it, in an integer that has the order of versions.
///
/// From the top: the numbers, the kind of pre-release, its number, the post-release, the development release.
#[derive(Clone, Copy, Debug)]
struct Packed {
    key: u128,
    /// Numbers in the release as written.
    length: u32,
}

const RELEASE_BITS: [u32; 4] = [25, 20, 19, 25];
const KIND_BITS: u32 = 3;
const PRE_BITS: u32 = 10;
const POST_BITS: u32 = 13;
const DEV_BITS: u32 = 13;
const SUFFIX_BITS: u32 = KIND_BITS + PRE_BITS + POST_BITS + DEV_BITS;
const NO_DEV: u64 = (1 << DEV_BITS) - 1;
/// A development release alone comes before all pre-releases.
const KIND_DEV: u64 = 0;
const KIND_NONE: u64 = 4;

/// All that a version may have.
#[derive(Clone, Debug)]
struct Full {
    epoch: Number,
    release: Vec<Number>,
    suffix: Suffix,
    local: Vec<LocalPart>,
}

/// What follows a release, apart from the local version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Suffix {
    pre: Option<(PreRelease, Number)>,
    post: Option<Number>,
    dev: Option<Number>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum LocalPart {
    Text(Box<str>),
    Number(Number),
}

impl Version {
    /// Reads a version in any spelling that PEP 440 allows, white space around it included.
    ///
    /// # Errors
    /// [`VersionError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let mut cursor = Cursor::new(trim(text));
        match Self::scan(&mut cursor) {
            Some(version) if cursor.at_end() => Ok(version),
            _ => Err(VersionError),
        }
    }

    /// Reads the longest version that is next.
    pub(super) fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
        Self::scan_release(cursor).map(|full| Self::scan_rest(cursor, full))
    }

    /// Reads the epoch and the release that are next.
    fn scan_release(cursor: &mut Cursor<'_>) -> Option<ReleaseText> {
        if !cursor.eat(b'v') {
            cursor.eat(b'V');
        }
        let mut release = ReleaseText::default();
        let mut number = scan_number(cursor)?;
        if cursor.eat(b'!') {
            release.epoch = number;
            number = scan_number(cursor)?;
        }
        release.push(number);
        loop {
            let before = cursor.position();
            match cursor.eat(b'.').then(|| scan_number(cursor)).flatten() {
                Some(number) => release.push(number),
                None => {
                    cursor.rewind(before);
                    return Some(release);
                }
            }
        }
    }

    fn scan_rest(cursor: &mut Cursor<'_>, release: ReleaseText) -> Self {
        let next_may_follow = cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || b"-_.+".contains(&byte));
        if !next_may_follow {
            return release.with(Suffix::default(), Vec::new());
        }
        let suffix = Suffix::scan(cursor);
        release.with(suffix, scan_local(cursor))
    }

    fn full(&self) -> Cow<'_, Full> {
        match &self.0 {
            Form::Packed(packed) => Cow::Owned(packed.unpack()),
            Form::Full(full) => Cow::Borrowed(full),
        }
    }

    /// The epoch, 0 if none is written.
    #[must_use]
    pub fn epoch(&self) -> Number {
        match &self.0 {
            Form::Packed(_) => Number::ZERO,
            Form::Full(full) => full.epoch.clone(),
        }
    }

    /// The numbers of the release as written, `[3, 13, 0]` for 3.13.0.
    #[must_use]
    pub fn release(&self) -> Vec<Number> {
        self.full().into_owned().release
    }

    /// The pre-release and its number.
    #[must_use]
    pub fn pre(&self) -> Option<(PreRelease, Number)> {
        self.suffix().pre
    }

    /// The number of the post-release.
    #[must_use]
    pub fn post(&self) -> Option<Number> {
        self.suffix().post
    }

    /// The number of the development release.
    #[must_use]
    pub fn dev(&self) -> Option<Number> {
        self.suffix().dev
    }

    /// The local version in its normal form, `cpu.1` for 1.0+CPU-1.
    #[must_use]
    pub fn local(&self) -> Option<String> {
        match &self.0 {
            Form::Full(full) if !full.local.is_empty() => Some(full.local_text()),
            _ => None,
        }
    }

    /// Whether it is a pre-release or a development release.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        match &self.0 {
            Form::Packed(packed) => packed.kind() != KIND_NONE || packed.dev() != NO_DEV,
            Form::Full(full) => full.suffix.pre.is_some() || full.suffix.dev.is_some(),
        }
    }

    /// Whether it is a post-release.
    #[must_use]
    pub fn is_postrelease(&self) -> bool {
        self.suffix().post.is_some()
    }

    /// Whether it has a local version.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(&self.0, Form::Full(full) if !full.local.is_empty())
    }

    /// Without the local version.
    #[must_use]
    pub fn public(&self) -> Self {
        match &self.0 {
            Form::Full(full) if !full.local.is_empty() => ReleaseText::of(full).with(full.suffix.clone(), Vec::new()),
            _ => self.clone(),
        }
    }

    /// Epoch and release alone.
    #[must_use]
    pub fn base(&self) -> Self {
        ReleaseText::of(&self.full()).with(Suffix::default(), Vec::new())
    }

    fn suffix(&self) -> Suffix {
        match &self.0 {
            Form::Packed(packed) => packed.suffix(),
            Form::Full(full) => full.suffix.clone(),
        }
    }

    /// How many numbers its release was written with.
    pub(super) fn release_length(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.length as usize,
            Form::Full(full) => full.release.len(),
        }
    }

    /// Whether epoch and the first `length` numbers of the release are those of `other`. Numbers that are not written
    /// are 0.
    pub(super) fn starts_like(&self, other: &Self, length: usize) -> bool {
        if let (Form::Packed(a), Form::Packed(b)) = (&self.0, &other.0) {
            let kept: u32 = RELEASE_BITS.iter().take(length).sum();
            return kept == 0 || (a.key ^ b.key) >> (u128::BITS - kept) == 0;
        }
        let (a, b) = (self.full(), other.full());
        a.epoch == b.epoch && (0..length).all(|index| a.number(index) == b.number(index))
    }

    /// Whether epoch and release are those of `other`.
    pub(super) fn same_release(&self, other: &Self) -> bool {
        self.starts_like(other, self.release_length().max(other.release_length()))
    }

    /// Whether it is an epoch and a release and nothing else.
    pub(super) fn is_release(&self) -> bool {
        !self.is_local() && self.suffix() == Suffix::default()
    }

    /// The first release after all versions whose release begins with `length` numbers of this one.
    pub(super) fn after_series(&self, length: usize) -> Self {
        let mut full = self.full().into_owned();
        full.release.truncate(length.max(1));
        if let Some(last) = full.release.last_mut() {
            *last = last.successor();
        }
        ReleaseText::of(&full).with(Suffix::default(), Vec::new())
    }
}

fn scan_number(cursor: &mut Cursor<'_>) -> Option<Number> {
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    (!digits.is_empty()).then(|| Number::from_digits(digits.as_bytes()))
}

fn scan_separator(cursor: &mut Cursor<'_>) {
    if matches!(cursor.peek(), Some(b'.' | b'_' | b'-')) {
        cursor.skip(1);
    }
}

/// A word and its number, with a separator before and between; 0 if it has no number.
fn scan_labelled<T: Copy>(cursor: &mut Cursor<'_>, words: &[(&str, T)]) -> Option<(T, Number)> {
    let before = cursor.position();
    scan_separator(cursor);
    let Some((_, label)) = words.iter().find(|(word, _)| cursor.eat_any_case(word)) else {
        cursor.rewind(before);
        return None;
    };
    scan_separator(cursor);
    Some((*label, scan_number(cursor).unwrap_or(Number::ZERO)))
}

fn scan_local(cursor: &mut Cursor<'_>) -> Vec<LocalPart> {
    let mut parts = Vec::new();
    let mut before = cursor.position();
    let mut more = cursor.eat(b'+');
    while more {
        let part = cursor.take_while(|byte| byte.is_ascii_alphanumeric());
        if part.is_empty() {
            cursor.rewind(before);
            break;
        }
        parts.push(if part.bytes().all(|byte| byte.is_ascii_digit()) {
            LocalPart::Number(Number::from_digits(part.as_bytes()))
        } else {
            LocalPart::Text(part.to_ascii_lowercase().into())
        });
        before = cursor.position();
        more = matches!(cursor.peek(), Some(b'.' | b'_' | b'-'));
        cursor.skip(usize::from(more));
    }
    parts
}

impl Suffix {
    fn scan(cursor: &mut Cursor<'_>) -> Self {
        const PRE: &[(&str, PreRelease)] = &[
            ("alpha", PreRelease::Alpha),
            ("a", PreRelease::Alpha),
            ("beta", PreRelease::Beta),
            ("b", PreRelease::Beta),
            ("preview", PreRelease::Candidate),
            ("pre", PreRelease::Candidate),
            ("c", PreRelease::Candidate),
            ("rc", PreRelease::Candidate),
        ];
        let pre = scan_labelled(cursor, PRE);
        let before = cursor.position();
        let post = match cursor.eat(b'-').then(|| scan_number(cursor)).flatten() {
            Some(number) => Some(number),
            None => {
                cursor.rewind(before);
                scan_labelled(cursor, &[("post", ()), ("rev", ()), ("r", ())]).map(|(_, number)| number)
            }
        };
        let dev = scan_labelled(cursor, &[("dev", ())]).map(|(_, number)| number);
        Self { pre, post, dev }
    }

    /// Of two versions with the same release, one with less here is the older: development releases alone first, and
    /// no post-release before any.
    fn order(&self) -> impl Ord + '_ {
        let kind = match (&self.pre, &self.post, &self.dev) {
            (Some((kind, number)), ..) => (1 + *kind as u8, Some(number)),
            (None, None, Some(_)) => (0, None),
            (None, ..) => (4, None),
        };
        (kind, &self.post, self.dev.is_none(), &self.dev)
    }
}

/// A release that is being read: the first numbers stay where they can be packed.
#[derive(Debug, Default)]
struct ReleaseText {
    epoch: Number,
    first: [u64; 4],
    length: usize,
    /// All numbers, as soon as one cannot be packed.
    rest: Vec<Number>,
}

impl ReleaseText {
    fn of(full: &Full) -> Self {
        let mut release = Self { epoch: full.epoch.clone(), ..Self::default() };
        full.release.iter().for_each(|number| release.push(number.clone()));
        release
    }

    fn push(&mut self, number: Number) {
        let slot = self.first.get_mut(self.length).zip(RELEASE_BITS.get(self.length));
        match (number.as_u64(), slot) {
            (Some(value), Some((slot, bits))) if self.rest.is_empty() && value >> bits == 0 => *slot = value,
            (Some(0), None) if self.rest.is_empty() => {}
            _ => {
                if self.rest.is_empty() {
                    self.rest = self.packable();
                }
                self.rest.push(number);
            }
        }
        self.length += 1;
    }

    fn packable(&self) -> Vec<Number> {
        let zeros = std::iter::repeat(&0).take(self.length.saturating_sub(self.first.len()));
        self.first.iter().take(self.length).chain(zeros).map(|&value| Number::Small(value)).collect()
    }

    fn with(self, suffix: Suffix, local: Vec<LocalPart>) -> Version {
        let packable = self.rest.is_empty() && self.epoch == Number::ZERO && local.is_empty();
        let packed = packable.then(|| Packed::new(&self, &suffix)).flatten();
        Version(match packed {
            Some(packed) => Form::Packed(packed),
            None => {
                let release = if self.rest.is_empty() { self.packable() } else { self.rest };
                Form::Full(Box::new(Full { epoch: self.epoch, release, suffix, local }))
            }
        })
    }
}

impl Packed {
    fn new(release: &ReleaseText, suffix: &Suffix) -> Option<Self> {
        let length = u32::try_from(release.length).ok()?;
        let fit = |number: &Number, below: u64| number.as_u64().filter(|value| *value < below);
        let (kind, pre) = match (&suffix.pre, &suffix.post, &suffix.dev) {
            (Some((kind, number)), ..) => (1 + *kind as u64, fit(number, 1 << PRE_BITS)?),
            (None, None, Some(_)) => (KIND_DEV, 0),
            (None, ..) => (KIND_NONE, 0),
        };
        let post = match &suffix.post {
            Some(number) => 1 + fit(number, (1 << POST_BITS) - 1)?,
            None => 0,
        };
        let dev = match &suffix.dev {
            Some(number) => fit(number, NO_DEV)?,
            None => NO_DEV,
        };
        let mut key = 0;
        for (value, bits) in release.first.iter().zip(RELEASE_BITS) {
            key = key << bits | u128::from(*value);
        }
        for (value, bits) in [(kind, KIND_BITS), (pre, PRE_BITS), (post, POST_BITS), (dev, DEV_BITS)] {
            key = key << bits | u128::from(value);
        }
        Some(Self { key, length })
    }

    /// The `bits` above the lowest `shift`.
    fn field(self, shift: u32, bits: u32) -> u64 {
        (self.key >> shift) as u64 & ((1 << bits) - 1)
    }

    fn dev(self) -> u64 {
        self.field(0, DEV_BITS)
    }

    fn kind(self) -> u64 {
        self.field(SUFFIX_BITS - KIND_BITS, KIND_BITS)
    }

    fn suffix(self) -> Suffix {
        let number = Number::Small(self.field(DEV_BITS + POST_BITS, PRE_BITS));
        let pre = match self.kind() {
            1 => Some((PreRelease::Alpha, number)),
            2 => Some((PreRelease::Beta, number)),
            3 => Some((PreRelease::Candidate, number)),
            _ => None,
        };
        let post = self.field(DEV_BITS, POST_BITS).checked_sub(1).map(Number::Small);
        let dev = Some(self.dev()).filter(|dev| *dev != NO_DEV).map(Number::Small);
        Suffix { pre, post, dev }
    }

    fn unpack(self) -> Full {
        let mut shift = u128::BITS;
        let numbers = RELEASE_BITS.iter().map(|&bits| {
            shift -= bits;
            Number::Small(self.field(shift, bits))
        });
        let release = numbers.chain(std::iter::repeat(Number::ZERO)).take(self.length as usize).collect();
        Full { epoch: Number::ZERO, release, suffix: self.suffix(), local: Vec::new() }
    }
}

impl Full {
    fn number(&self, index: usize) -> &Number {
        self.release.get(index).unwrap_or(&Number::ZERO)
    }

    /// The numbers without zeros at their end.
    fn trimmed(&self) -> &[Number] {
        let end = self.release.iter().rposition(|number| *number != Number::ZERO).map_or(0, |last| last + 1);
        &self.release[..end]
    }

    fn local_text(&self) -> String {
        let parts: Vec<String> = self.local.iter().map(LocalPart::to_string).collect();
        parts.join(".")
    }

    fn order(&self) -> impl Ord + '_ {
        (&self.epoch, self.trimmed(), self.suffix.order(), &self.local)
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Packed(a), Self::Packed(b)) => a.key == b.key,
            (Self::Full(a), Self::Full(b)) => a.order().cmp(&b.order()).is_eq(),
            _ => false,
        }
    }
}

impl Eq for Form {}

impl Hash for Form {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Packed(packed) => packed.key.hash(state),
            Self::Full(full) => (&full.epoch, full.trimmed(), &full.suffix, &full.local).hash(state),
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Form::Packed(a), Form::Packed(b)) => a.key.cmp(&b.key),
            _ => {
                let (a, b) = (self.full(), other.full());
                a.order().cmp(&b.order())
            }
        }
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Self::parse(text)
    }
}

/// The normal form of PEP 440.
impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = self.full();
        if full.epoch != Number::ZERO {
            write!(formatter, "{}!", full.epoch)?;
        }
        for (index, number) in full.release.iter().enumerate() {
            write!(formatter, "{}{number}", if index == 0 { "" } else { "." })?;
        }
        if let Some((kind, number)) = &full.suffix.pre {
            write!(formatter, "{kind}{number}")?;
        }
        if let Some(number) = &full.suffix.post {
            write!(formatter, ".post{number}")?;
        }
        if let Some(number) = &full.suffix.dev {
            write!(formatter, ".dev{number}")?;
        }
        if !full.local.is_empty() {
            write!(formatter, "+{}", full.local_text())?;
        }
        Ok(())
    }
}

impl fmt::Display for PreRelease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Alpha => "a",
            Self::Beta => "b",
            Self::Candidate => "rc",
        })
    }
}

impl fmt::Display for LocalPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Number(number) => number.fmt(formatter),
        }
    }
}

/// The version that a distribution says it has: its text, and the version that it is unless PEP 440 does not know it.
#[derive(Clone, Debug)]
pub struct DeclaredVersion<'a> {
    text: &'a str,
    version: Option<Version>,
}

impl<'a> DeclaredVersion<'a> {
    /// Takes any text.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let text = trim(text);
        Self { text, version: Version::parse(text).ok() }
    }

    /// A text of which it is known which version it is.
    pub(super) fn known(text: &'a str, version: Option<Version>) -> Self {
        Self { text, version }
    }

    /// As written, without white space around it.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The version; none if PEP 440 does not know it.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }
}
