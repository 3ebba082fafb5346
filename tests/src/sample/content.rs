//! What is in a file: bytes written out, or bytes made from a seed, so that big files cost no text.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use contents::checksum::Checksum;

/// Distance between two pieces of data in a sparse file. Larger than any block size in use.
const STRIDE: usize = 512 * 1024;
/// Length of a piece of data in a sparse file.
const PIECE: usize = 4096;

/// The bytes of one file.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// As they stand.
    Bytes(Vec<u8>),
    /// Lines of words.
    Words { seed: u64, size: usize },
    /// What a program or a library looks like from far away.
    Binary { seed: u64, size: usize },
    /// A little data between holes, and a hole at the end.
    Sparse { seed: u64, size: usize },
}

impl Content {
    /// Something that fits the name: objects and programs are binary, all else is words.
    pub(crate) fn made(path: &[u8], size: usize, program: bool) -> Self {
        let seed = seed(path);
        let has = |part: &[u8]| path.windows(part.len()).any(|window| window == part);
        if program || has(b".so") || has(b".db") || has(b"/amd64/") {
            Self::Binary { seed, size }
        } else {
            Self::Words { seed, size }
        }
    }

    /// Length in bytes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Words { size, .. } | Self::Binary { size, .. } | Self::Sparse { size, .. } => *size,
        }
    }

    /// The checksum of contents(5). Holes are zeros and add nothing.
    pub(crate) fn checksum(&self) -> u16 {
        let mut sum = Checksum::new();
        self.pieces().iter().for_each(|(_, bytes)| sum.update(bytes));
        sum.finish()
    }

    /// Writes an empty file full.
    pub(crate) fn write(&self, mut file: &File) -> io::Result<()> {
        if let Self::Sparse { size, .. } = self {
            file.set_len(*size as u64)?;
            return self.pieces().iter().try_for_each(|(offset, bytes)| file.write_all_at(bytes, *offset));
        }
        self.pieces().iter().try_for_each(|(_, bytes)| file.write_all(bytes))
    }

    /// The data and where it stands.
    fn pieces(&self) -> Vec<(u64, Vec<u8>)> {
        match self {
            Self::Bytes(bytes) => vec![(0, bytes.clone())],
            Self::Words { seed, size } => vec![(0, words(*seed, *size))],
            Self::Binary { seed, size } => vec![(0, binary(*seed, *size))],
            Self::Sparse { seed, size } => (0..*size)
                .step_by(STRIDE)
                .map(|offset| (offset as u64, binary(seed ^ offset as u64, PIECE.min(size - offset))))
                .collect(),
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

/// A number that depends on the name alone (FNV-1a), so that order and neighbours do not matter.
pub(crate) fn seed(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The next number of a sequence (splitmix64).
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

const WORDS: [&str; 32] = [
    "heron", "reed", "water", "early", "stands", "under", "willow", "and", "waits", "for", "a", "small", "silver",
    "fish", "that", "never", "quite", "arrives", "while", "the", "otter", "beyond", "bend", "eats", "three", "of",
    "them", "without", "thinking", "about", "it", "much",
];

fn words(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(size + 80);
    while bytes.len() < size {
        // One draw is enough for a line of ten words.
        let mut draw = next(&mut state);
        for _ in 0..10 {
            bytes.extend_from_slice(WORDS[(draw & 31) as usize].as_bytes());
            bytes.push(b' ');
            draw >>= 5;
        }
        bytes.pop();
        bytes.push(b'\n');
    }
    bytes.truncate(size);
    bytes
}

fn binary(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(size + 16);
    bytes.extend_from_slice(b"\x7fELF\x02\x01\x01\x06");
    while bytes.len() < size {
        bytes.extend_from_slice(&next(&mut state).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
