//! A stand-in for mkisofs(8): it runs the one of this machine where there is one, and else writes a file that begins
//! like an image, with the names and contents after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::zfs::{Done, misused, refused};
use super::Call;

/// Where the volume label is in an image. Source: ECMA-119, 8.4: sector 16, byte 41 on.
const LABEL: usize = 16 * 2048 + 40;
/// Where it is said what has made it.
const APPLICATION: usize = 16 * 2048 + 574;

/// `mkisofs [-quiet] -o FILE -V LABEL [-A APPLICATION] [-J] [-r|-R|-rock] PATH...`.
pub(super) fn mkisofs(call: &mut Call<'_>, words: &[String]) -> Done {
    let (mut output, mut label, mut application, mut paths) = (None, None, None, Vec::new());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-o" | "-output" => output = rest.next().cloned(),
            "-V" | "-volid" => label = rest.next().cloned(),
            "-A" | "-appid" => application = rest.next().cloned(),
            "-quiet" | "-J" | "-joliet" | "-r" | "-R" | "-rock" | "-rational-rock" | "-graft-points" => {}
            option if option.starts_with('-') => {
                return Err(misused(format!("mkisofs: the lab does not know {option}")));
            }
            path => paths.push(path.to_owned()),
        }
    }
    let (Some(output), false) = (output, paths.is_empty()) else {
        return Err(misused("mkisofs: Missing pathspec."));
    };
    if label.as_ref().is_some_and(|label| label.len() > 32) {
        return Err(refused("mkisofs: Volume ID string too long"));
    }
    if application.as_ref().is_some_and(|application| application.len() > 128) {
        return Err(refused("mkisofs: Application-id string too long"));
    }
    for path in paths.iter().map(|path| call.file(path)) {
        if !path.exists() {
            return Err(refused(format!("mkisofs: No such file or directory. Invalid node - '{}'.", path.display())));
        }
    }
    let real = ["/usr/bin/genisoimage", "/usr/bin/mkisofs", "/usr/bin/xorrisofs"]
        .iter()
        .find(|path| Path::new(path).is_file());
    match real {
        Some(program) => {
            let done = Command::new(program).args(words).stdin(Stdio::null()).output();
            let done = done.map_err(|error| refused(format!("mkisofs: {error}")))?;
            if done.status.success() {
                Ok(())
            } else {
                Err(refused(String::from_utf8_lossy(&done.stderr).trim().to_owned()))
            }
        }
        None => write(
            &call.file(&output),
            (&label.unwrap_or_default(), &application.unwrap_or_default()),
            &paths.iter().map(|path| call.file(path)).collect::<Vec<_>>(),
        ),
    }
}

fn write(output: &Path, (label, application): (&str, &str), paths: &[PathBuf]) -> Done {
    let mut image = vec![0; 17 * 2048];
    image[16 * 2048..16 * 2048 + 7].copy_from_slice(b"\x01CD001\x01");
    image[LABEL..LABEL + 32].fill(b' ');
    image[LABEL..LABEL + label.len()].copy_from_slice(label.as_bytes());
    image[APPLICATION..APPLICATION + 128].fill(b' ');
    image[APPLICATION..APPLICATION + application.len()].copy_from_slice(application.as_bytes());
    let mut files: Vec<PathBuf> = paths.to_vec();
    for directory in paths.iter().filter(|path| path.is_dir()) {
        files.extend(fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    for file in files.iter().filter(|file| file.is_file()) {
        image.extend(file.file_name().unwrap_or_default().as_encoded_bytes());
        image.push(0);
        image.extend(fs::read(file).map_err(|error| refused(format!("mkisofs: {error}")))?);
    }
    fs::write(output, image).map_err(|error| refused(format!("mkisofs: {}: {error}", output.display())))
}
