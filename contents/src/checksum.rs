//! The 16-bit checksum of contents(5) and pkgmap(5): what `sum -s` prints.

/// Sums bytes as contents(5) does: modulo 2^32, folded twice into 16 bits.
///
/// ```
/// let mut sum = contents::checksum::Checksum::new();
/// sum.update(b"hello\n");
/// assert_eq!(sum.finish(), 542);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum {
    total: u32,
}

impl Checksum {
    /// A sum of nothing, which is 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        // A lane of 255 * 4096 cannot overflow, and the inner loop is one the compiler vectorises.
        for chunk in bytes.chunks(4096) {
            let lane: u32 = chunk.iter().map(|&byte| u32::from(byte)).sum();
            self.total = self.total.wrapping_add(lane);
        }
    }

    /// The sum of all bytes so far.
    #[must_use]
    pub fn finish(self) -> u16 {
        let once = (self.total & 0xffff) + (self.total >> 16);
        let twice = (once & 0xffff) + (once >> 16);
        // Two folds of a 32-bit value always fit: at most 0xffff.
        (twice & 0xffff) as u16
    }
}

/// The checksum of a whole buffer.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = Checksum::new();
    sum.update(bytes);
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of `sum -s` for the same bytes.
    #[test]
    fn agrees_with_sum_s() {
        assert_eq!(checksum(b""), 0);
        assert_eq!(checksum(b"hello\n"), 542);
        assert_eq!(checksum(&[0xff; 257]), 65535);
        assert_eq!(checksum(&[0xff; 258]), 255);
        assert_eq!(checksum(&vec![0xff; 10_000_000]), 33150);
        // Past 2^32.
        assert_eq!(checksum(&vec![0xff; 30_000_000]), 33914);
    }

    #[test]
    fn pieces_sum_to_the_whole() {
        let bytes: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect();
        let mut sum = Checksum::new();
        for piece in bytes.chunks(977) {
            sum.update(piece);
        }
        assert_eq!(sum.finish(), checksum(&bytes));
    }
}
