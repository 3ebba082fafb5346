//! Archives that nobody made.

use proptest::prelude::*;

use super::*;

fn samples() -> Vec<Vec<u8>> {
    let tar = Tarball::root()
        .file("etc/a", "content")
        .add(EntryType::Link, "etc/b", "etc/a", b"")
        .add(EntryType::Symlink, "etc/c", "/", b"")
        .add(EntryType::XHeader, "pax", "", b"14 path=etc/x\n20 mtime=1700000000\n")
        .file("d", "x")
        .end();
    let mut all = vec![gzip(&tar), tar];
    for magic in ["070701", "070702", "070707"] {
        all.push(
            Cpio::new(magic)
                .add("etc/a", 0o100_644, 1, 2, b"")
                .add("etc/b", 0o100_644, 1, 2, b"content")
                .add("etc/l", 0o120_777, 2, 1, b"/")
                .end(),
        );
    }
    all
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Ground::new().unpack(&bytes);
    }

    #[test]
    fn no_archive_is_too_broken(which in 0usize..5, end in any::<usize>(), at in any::<usize>(), byte in any::<u8>(), repair in any::<bool>()) {
        let mut bytes = samples().swap_remove(which);
        let whole = bytes.len();
        let at = at % whole;
        bytes[at] = byte;
        if repair && which == 1 {
            // With its checksum right a header is read.
            let block = at / 512 * 512;
            let mut header = Header::from_byte_slice(&bytes[block..block + 512]).clone();
            header.set_cksum();
            bytes[block..block + 512].copy_from_slice(header.as_bytes());
        }
        let limits = Limits { max_size: 1 << 20, max_members: 100 };
        let _ = Ground::new().unpack_limited(&bytes, limits);
        let _ = Ground::new().unpack_limited(&bytes[..end % whole], limits);
    }

    #[test]
    fn no_part_passes_for_the_whole(which in 0usize..5, end in any::<usize>()) {
        let bytes = samples().swap_remove(which);
        let needed = match which {
            0 => bytes.len(),
            1 => bytes.len() - 512,
            _ => bytes.windows(11).position(|window| window == b"TRAILER!!!\0").unwrap() + 11,
        };
        prop_assert!(Ground::new().unpack(&bytes[..end % needed]).is_err());
        prop_assert!(Ground::new().unpack(&bytes).is_ok());
    }
}
