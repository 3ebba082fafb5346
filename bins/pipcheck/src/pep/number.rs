//! Whole numbers of any size: a version may hold a date, a checksum, or a joke.

use std::cmp::Ordering;
use std::fmt;

/// A whole number of a version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Number {
    /// One of 64 bits.
    Small(u64),
    /// A larger one.
    Large(Digits),
}

/// Decimal digits that begin with none that is zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Digits(Box<str>);

impl Number {
    pub(super) const ZERO: Self = Self::Small(0);

    /// Reads digits; there are only digits in `text`, of which there may be none.
    pub(super) fn from_digits(text: &[u8]) -> Self {
        let mut value: u64 = 0;
        for &digit in text {
            let next = value.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(digit - b'0')));
            let Some(next) = next else {
                return Self::large(text);
            };
            value = next;
        }
        Self::Small(value)
    }

    #[cold]
    fn large(text: &[u8]) -> Self {
        let digits: String = text.iter().skip_while(|&&digit| digit == b'0').map(|&digit| char::from(digit)).collect();
        Self::Large(Digits(digits.into()))
    }

    /// The number after it.
    pub(super) fn successor(&self) -> Self {
        if let Some(next) = self.as_u64().and_then(|value| value.checked_add(1)) {
            return Self::Small(next);
        }
        let mut digits = self.to_string().into_bytes();
        let kept = digits.iter().rposition(|&digit| digit != b'9').map_or(0, |last| last + 1);
        digits[kept..].fill(b'0');
        match digits[..kept].last_mut() {
            Some(digit) => *digit += 1,
            None => digits.insert(0, b'1'),
        }
        Self::from_digits(&digits)
    }

    /// The number, if 64 bits hold it.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Small(value) => Some(*value),
            Self::Large(_) => None,
        }
    }
}

impl Default for Number {
    fn default() -> Self {
        Self::ZERO
    }
}

impl PartialOrd for Digits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Digits {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small(value) => value.fmt(formatter),
            Self::Large(digits) => formatter.write_str(&digits.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_64_bits_keep_their_order() {
        let number = |text: &str| Number::from_digits(text.as_bytes());
        assert_eq!(number("007"), Number::Small(7));
        assert_eq!(number("18446744073709551615").as_u64(), Some(u64::MAX));
        let beyond = number("0018446744073709551616");
        assert_eq!(beyond.to_string(), "18446744073709551616");
        assert!(number("18446744073709551615") < beyond);
        assert_eq!(number("99999999999999999999").successor(), number("100000000000000000000"));
        assert_eq!(number("18446744073709551615").successor(), beyond);
        assert!(number("99999999999999999999") < number("100000000000000000000"));
    }
}
