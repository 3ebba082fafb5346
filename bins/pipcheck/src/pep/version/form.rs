//! How versions are held and ordered.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

use super::PreRelease;
use crate::pep::number::Number;

/// Equal versions have the same form: whatever fits is packed.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Packed(Packed),
    Full(Box<Full>),
}

/// Four numbers of a release and what follows it, in an integer that has the order of versions.
///
/// From the top: the numbers, the kind of pre-release, its number, the post-release, the development release.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    /// The upper and the lower half of the integer: one of 128 bits would make every version a third larger.
    halves: [u64; 2],
    /// Numbers in the release as written.
    length: NonZeroU32,
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
pub(super) struct Full {
    pub(super) epoch: Number,
    pub(super) release: Vec<Number>,
    pub(super) suffix: Suffix,
    pub(super) local: Vec<LocalPart>,
}

/// What follows a release, apart from the local version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Suffix {
    pub(super) pre: Option<(PreRelease, Number)>,
    pub(super) post: Option<Number>,
    pub(super) dev: Option<Number>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum LocalPart {
    Text(Box<str>),
    Number(Number),
}

impl Suffix {
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
pub(super) struct Release {
    pub(super) epoch: Number,
    first: [u64; 4],
    length: usize,
    /// All numbers, as soon as one cannot be packed.
    rest: Vec<Number>,
}

impl Release {
    pub(super) fn of(full: &Full) -> Self {
        let mut release = Self { epoch: full.epoch.clone(), ..Self::default() };
        full.release.iter().for_each(|number| release.push(number.clone()));
        release
    }

    pub(super) fn push(&mut self, number: Number) {
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
        let zeros = std::iter::repeat_n(&0, self.length.saturating_sub(self.first.len()));
        self.first.iter().take(self.length).chain(zeros).map(|&value| Number::Small(value)).collect()
    }

    pub(super) fn with(self, suffix: Suffix, local: Vec<LocalPart>) -> Form {
        let packable = self.rest.is_empty() && self.epoch == Number::ZERO && local.is_empty();
        let packed = packable.then(|| Packed::new(&self, &suffix)).flatten();
        packed.map(Form::Packed).unwrap_or_else(|| {
            let release = if self.rest.is_empty() { self.packable() } else { self.rest };
            Form::Full(Box::new(Full { epoch: self.epoch, release, suffix, local }))
        })
    }
}

impl Packed {
    fn new(release: &Release, suffix: &Suffix) -> Option<Self> {
        let length = u32::try_from(release.length).ok().and_then(NonZeroU32::new)?;
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
        let mut key: u128 = 0;
        for (value, bits) in release.first.iter().zip(RELEASE_BITS) {
            key = key << bits | u128::from(*value);
        }
        for (value, bits) in [(kind, KIND_BITS), (pre, PRE_BITS), (post, POST_BITS), (dev, DEV_BITS)] {
            key = key << bits | u128::from(value);
        }
        Some(Self { halves: [(key >> u64::BITS) as u64, key as u64], length })
    }

    fn key(self) -> u128 {
        u128::from(self.halves[0]) << u64::BITS | u128::from(self.halves[1])
    }

    pub(super) fn length(self) -> usize {
        self.length.get() as usize
    }

    /// The `bits` above the lowest `shift`.
    fn field(self, shift: u32, bits: u32) -> u64 {
        (self.key() >> shift) as u64 & ((1 << bits) - 1)
    }

    fn dev(self) -> u64 {
        self.field(0, DEV_BITS)
    }

    fn kind(self) -> u64 {
        self.field(SUFFIX_BITS - KIND_BITS, KIND_BITS)
    }

    pub(super) fn suffix(self) -> Suffix {
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
        let release = numbers.chain(std::iter::repeat(Number::ZERO)).take(self.length()).collect();
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

    pub(super) fn local_text(&self) -> String {
        let parts: Vec<String> = self.local.iter().map(LocalPart::to_string).collect();
        parts.join(".")
    }

    fn order(&self) -> impl Ord + '_ {
        (&self.epoch, self.trimmed(), self.suffix.order(), &self.local)
    }
}

impl Form {
    pub(super) fn full(&self) -> Cow<'_, Full> {
        match self {
            Self::Packed(packed) => Cow::Owned(packed.unpack()),
            Self::Full(full) => Cow::Borrowed(full),
        }
    }

    pub(super) fn suffix(&self) -> Cow<'_, Suffix> {
        match self {
            Self::Packed(packed) => Cow::Owned(packed.suffix()),
            Self::Full(full) => Cow::Borrowed(&full.suffix),
        }
    }

    /// The parts of the local version; none if there is no local version.
    pub(super) fn local(&self) -> &[LocalPart] {
        match self {
            Self::Packed(_) => &[],
            Self::Full(full) => &full.local,
        }
    }

    pub(super) fn is_prerelease(&self) -> bool {
        match self {
            Self::Packed(packed) => packed.kind() != KIND_NONE || packed.dev() != NO_DEV,
            Self::Full(full) => full.suffix.pre.is_some() || full.suffix.dev.is_some(),
        }
    }

    /// Whether epoch and the first `length` numbers of the release are those of `other`.
    pub(super) fn starts_like(&self, other: &Self, length: usize) -> bool {
        if let (Self::Packed(a), Self::Packed(b)) = (self, other) {
            let kept: u32 = RELEASE_BITS.iter().take(length).sum();
            return kept == 0 || (a.key() ^ b.key()) >> (u128::BITS - kept) == 0;
        }
        let (a, b) = (self.full(), other.full());
        a.epoch == b.epoch && (0..length).all(|index| a.number(index) == b.number(index))
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Packed(a), Self::Packed(b)) => a.halves == b.halves,
            (Self::Full(a), Self::Full(b)) => a.order().cmp(&b.order()).is_eq(),
            _ => false,
        }
    }
}

impl Eq for Form {}

impl Hash for Form {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Packed(packed) => packed.halves.hash(state),
            Self::Full(full) => (&full.epoch, full.trimmed(), &full.suffix, &full.local).hash(state),
        }
    }
}

impl PartialOrd for Form {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Form {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Packed(a), Self::Packed(b)) => a.halves.cmp(&b.halves),
            _ => {
                let (a, b) = (self.full(), other.full());
                a.order().cmp(&b.order())
            }
        }
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
