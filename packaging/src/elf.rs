//! For which system a program was built.

/// Whether a file is a program for illumos: one that the runtime linker of illumos starts. A script is not.
#[must_use]
pub fn is_for_illumos(file: &[u8]) -> bool {
    interpreter(file).is_some_and(|linker| linker.ends_with(b"/ld.so.1"))
}

/// The interpreter that a 64-bit little-endian ELF file asks for.
fn interpreter(file: &[u8]) -> Option<&[u8]> {
    const INTERPRETER: u64 = 3;
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) = (number(file, 32, 8)?, number(file, 54, 2)?, number(file, 56, 2)?);
    for index in 0..count {
        let at = usize::try_from(table.checked_add(size * index)?).ok()?;
        if number(file, at, 4)? == INTERPRETER {
            let start = usize::try_from(number(file, at.checked_add(8)?, 8)?).ok()?;
            let length = usize::try_from(number(file, at.checked_add(32)?, 8)?).ok()?;
            return file.get(start..start.checked_add(length)?)?.strip_suffix(b"\0");
        }
    }
    None
}

fn number(file: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let bytes = file.get(at..at.checked_add(bytes)?)?;
    Some(bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(interpreter: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (file[32], file[54], file[56]) = (64, 56, 1);
        (file[64], file[64 + 8], file[64 + 32]) = (3, 120, interpreter.len() as u8);
        file.extend_from_slice(interpreter);
        file
    }

    #[test]
    fn systems_are_told_apart_by_their_linkers() {
        assert!(is_for_illumos(&elf(b"/lib/amd64/ld.so.1\0")));
        assert!(!is_for_illumos(&elf(b"/lib64/ld-linux-x86-64.so.2\0")));
        assert!(!is_for_illumos(b"#!/bin/sh\n"));
        assert!(!is_for_illumos(&elf(b"/lib/amd64/ld.so.1\0")[..125]));
    }
}
