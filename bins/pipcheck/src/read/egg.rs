//! Eggs that are zip files.

use std::io::{self, Read, Seek};

use cap_std::fs::File;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::pep::{Metadata, Scratch};

const PKG_INFO: &str = "EGG-INFO/PKG-INFO";
const REQUIRES: &str = "EGG-INFO/requires.txt";

/// Reads the metadata in an egg, and no more of them than anyone has.
pub(super) fn read(file: File, scratch: &mut Scratch) -> io::Result<Metadata> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file"));
    }
    read_zip(file.into_std(), scratch)
}

fn read_zip(file: impl Read + Seek, scratch: &mut Scratch) -> io::Result<Metadata> {
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    let mut metadata = {
        let member = archive.by_name(PKG_INFO).map_err(|error| within(PKG_INFO, error))?;
        Metadata::read(member, scratch)?
    };
    match archive.by_name(REQUIRES) {
        Ok(member) => metadata.add_requires_txt(member, scratch)?,
        Err(ZipError::FileNotFound) => {}
        Err(error) => return Err(within(REQUIRES, error)),
    }
    Ok(metadata)
}

fn damaged(error: ZipError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("is no zip file: {error}"))
}

fn within(name: &str, error: ZipError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name}: {error}"))
}
