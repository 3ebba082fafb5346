//! gzip on several threads: independent members of a fixed size, in order, so that the same input
//! gives the same bytes whatever the number of threads. Every gzip reader joins members (RFC 1952, 2.2).

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::{Compression, GzBuilder};

/// Bytes of one member before compression.
const MEMBER: usize = 1024 * 1024;
/// `OS` field of the header: Unix, wherever it is made.
const UNIX: u8 = 3;

/// Runs `produce`, and compresses what it writes to `out` on `threads` threads.
pub(super) fn compress<E: From<io::Error>>(
    out: impl Write + Send,
    threads: usize,
    produce: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let (to_workers, work) = sync_channel::<(u64, Vec<u8>)>(threads.max(1) * 2);
    let (to_writer, done) = channel::<(u64, io::Result<Vec<u8>>)>();
    // Only workers hold the receiving end: when all of them are gone, sending fails instead of waiting.
    let work = Arc::new(Mutex::new(work));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let (work, to_writer) = (Arc::clone(&work), to_writer.clone());
            scope.spawn(move || worker(&work, &to_writer));
        }
        drop((work, to_writer));
        let writer = scope.spawn(move || write_in_order(out, &done));
        let mut members = Members { to_workers, buffer: Vec::with_capacity(MEMBER), next: 0 };
        let produced = produce(&mut members).and_then(|()| members.flush_member().map_err(E::from));
        drop(members);
        let written = writer.join().unwrap_or_else(|_| Err(io::Error::other("the writing thread failed")));
        // A writer that failed is why the producer could not go on.
        written.map_err(E::from).and(produced)
    })
}

struct Members {
    to_workers: SyncSender<(u64, Vec<u8>)>,
    buffer: Vec<u8>,
    next: u64,
}

impl Members {
    fn flush_member(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let member = std::mem::replace(&mut self.buffer, Vec::with_capacity(MEMBER));
        self.next += 1;
        self.to_workers.send((self.next - 1, member)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Members {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let take = bytes.len().min(MEMBER - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..take]);
        if self.buffer.len() == MEMBER {
            self.flush_member()?;
        }
        Ok(take)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn worker(work: &Mutex<Receiver<(u64, Vec<u8>)>>, to_writer: &Sender<(u64, io::Result<Vec<u8>>)>) {
    loop {
        let received = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, member)) = received else { return };
        if to_writer.send((number, one_member(&member))).is_err() {
            return;
        }
    }
}

fn one_member(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let out = Vec::with_capacity(bytes.len() / 2);
    let mut encoder = GzBuilder::new().mtime(0).operating_system(UNIX).write(out, Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn write_in_order(mut out: impl Write, done: &Receiver<(u64, io::Result<Vec<u8>>)>) -> io::Result<()> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, member) in done {
        early.insert(number, member?);
        while let Some(member) = early.remove(&next) {
            out.write_all(&member)?;
            next += 1;
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn squeeze(bytes: &[u8], threads: usize) -> Vec<u8> {
        let mut out = Vec::new();
        compress::<io::Error>(&mut out, threads, |writer| writer.write_all(bytes)).unwrap();
        out
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bytes() {
        let bytes: Vec<u8> = (0..5_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 & 0x3f).collect();
        let one = squeeze(&bytes, 1);
        assert!(one == squeeze(&bytes, 4));
        let mut back = Vec::new();
        flate2::read::MultiGzDecoder::new(&one[..]).read_to_end(&mut back).unwrap();
        assert!(back == bytes);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let bytes = vec![1; 20_000_000];
        let error = compress::<io::Error>(Full, 2, |writer| writer.write_all(&bytes)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
