//! Commands that may not end, and may say anything.

use std::io::{self, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that are kept of what a command says.
pub(super) const LIMIT: usize = 1 << 20;
/// How often it is looked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);
/// How long the rest of what it has said is waited for once it has ended: something else may hold its output open.
const REST: Duration = Duration::from_secs(1);

/// Runs a command, and stops it when it takes longer; `None` then.
///
/// # Errors
/// As `fork(2)`, `execve(2)`.
pub(super) fn output(command: &mut Command, patience: Duration) -> io::Result<Option<Output>> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (out, err) = (child.stdout.take().map(collect), child.stderr.take().map(collect));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() >= patience {
            stop(&mut child);
            return Ok(None);
        }
        thread::sleep(PAUSE);
    };
    Ok(Some(Output { status, stdout: said(out), stderr: said(err) }))
}

fn stop(child: &mut Child) {
    // It may have ended meanwhile.
    let _ = child.kill();
    let _ = child.wait();
}

/// Pieces of what a command says, as they come; what is too much is read and forgotten.
fn collect(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (to, pieces) = channel();
    thread::spawn(move || {
        let (mut buffer, mut kept) = (vec![0; 64 << 10], 0);
        loop {
            let read = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => break,
                Ok(read) => read,
            };
            let keep = read.min(LIMIT - kept);
            kept += keep;
            if keep > 0 && to.send(buffer[..keep].to_vec()).is_err() {
                break;
            }
        }
    });
    pieces
}

fn said(pieces: Option<Receiver<Vec<u8>>>) -> Vec<u8> {
    let Some(pieces) = pieces else { return Vec::new() };
    let (mut all, ended) = (Vec::new(), Instant::now());
    while let Ok(piece) = pieces.recv_timeout(REST.saturating_sub(ended.elapsed())) {
        all.extend(piece);
    }
    all
}
