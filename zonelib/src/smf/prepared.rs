//! The prepared repository beside a clone of /lib, for all zones that mount that clone.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use contents::database::is_below;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use crate::libclone::{Clone as SharedClone, CloneError, State, write_whole};
use crate::populate::{ApplyError, Settings, is_absence, open_anywhere};
use crate::recipe::{Recipe, Smf};
use crate::root::{Handle, Stat, Tree};

use super::import::{Import, Imported, Svccfg, clear_scratch};
use super::{DIRECTORIES, ImportError, LIMIT, dtd, manifests};

/// The prepared repository of a brand's zones.
pub struct Prepared<'p, 'a> {
    clone: &'p SharedClone<'a>,
    recipe: &'p Recipe,
    smf: &'p Smf,
    svccfg: Svccfg,
}

/// What became of it.
#[derive(Debug)]
pub enum Outcome {
    /// It is made from what is there now.
    Current,
    /// It was made.
    Made(Imported),
}

/// What a repository was made from, and which file it is: the two are two files and are not replaced at
/// once.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    fingerprint: String,
    /// In words: TOML has no integers of 64 bits without a sign.
    inode: String,
    size: u64,
}

/// A record is three lines.
const RECORD_LIMIT: u64 = 4096;

impl<'p, 'a> Prepared<'p, 'a> {
    /// The one beside a clone; `None` when the clone is of something else than the system's manifests,
    /// or the brand's zones start with no seed.
    #[must_use]
    pub fn of(clone: &'p SharedClone<'a>, recipe: &'p Recipe, svccfg: Svccfg) -> Option<Self> {
        let smf = recipe.smf.as_ref()?;
        is_below(DIRECTORIES[0], clone.directory().as_bytes()).then_some(Self { clone, recipe, smf, svccfg })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.clone.beside(".repository")
    }

    fn record_path(&self) -> PathBuf {
        self.clone.beside(".repository.zonekit")
    }

    /// Whether this host can make one.
    #[must_use]
    pub fn possible(&self) -> bool {
        self.svccfg.present() && self.seed().is_ok_and(|seed| seed.is_some())
    }

    /// Directories of manifests that the zone has for itself.
    fn own_directories(&self) -> impl Iterator<Item = &'static [u8]> {
        let shared = self.clone.directory().as_bytes();
        DIRECTORIES.into_iter().filter(move |directory| !is_below(directory, shared))
    }

    /// The seed, when the image has it.
    fn seed(&self) -> Result<Option<(File, Stat)>, ImportError> {
        let path = self.smf.seed.trim_start_matches('/');
        match open_anywhere(self.clone.image().tree, path.as_bytes()) {
            Ok(seed) => Ok(Some(seed)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(ImportError::system(&self.clone.image().tree.path().join(path))(error)),
        }
    }

    /// What it is made from, as 40 hexadecimal digits.
    fn fingerprint(&self, seed: &Stat) -> String {
        let mut hash = Sha1::new();
        let mut put = |bytes: &[u8]| {
            hash.update(bytes);
            hash.update(b"\n");
        };
        put(b"zonekit repository 1");
        put(self.clone.fingerprint().as_bytes());
        let image = self.clone.image();
        image.contents.get(self.smf.seed.as_bytes()).into_iter().for_each(|entry| put(entry.line()));
        let modified = seed.modified;
        put(format!("{} {} {}", seed.size, modified.seconds, modified.nanoseconds).as_bytes());
        for directory in self.own_directories() {
            manifests::packaged(image, self.recipe, directory).iter().for_each(|entry| put(entry.line()));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it is made from what is there now.
    ///
    /// # Errors
    /// [`ImportError`]: something cannot be read.
    pub fn state(&self) -> Result<State, ImportError> {
        let Some((_, seed)) = self.seed()? else { return Ok(State::Absent) };
        let path = self.path();
        // It need not be opened, which only root may.
        let there = beside(&path).and_then(|(parent, name)| parent.stat(&name)).or_else(absent);
        Ok(match (self.read_record()?, there.map_err(ImportError::system(&path))?) {
            (None, _) | (_, None) => State::Absent,
            (Some(record), Some(stat)) if record == self.record(&seed, &stat) => State::Current,
            _ => State::Stale,
        })
    }

    /// The repository, when it is made from what is there now.
    ///
    /// # Errors
    /// [`ImportError`]: something cannot be read.
    pub fn open(&self) -> Result<Option<(File, Stat)>, ImportError> {
        let Some((_, seed)) = self.seed()? else { return Ok(None) };
        let Some((file, stat)) = read(&self.path(), LIMIT)? else { return Ok(None) };
        let current = self.read_record()?.is_some_and(|record| record == self.record(&seed, &stat));
        Ok(current.then_some((file, stat)))
    }

    fn record(&self, seed: &Stat, repository: &Stat) -> Record {
        let (inode, size) = (repository.identity.1.to_string(), repository.size);
        Record { fingerprint: self.fingerprint(seed), inode, size }
    }

    /// Makes it, unless it is current. Two at once wait for each other, and for whoever changes the
    /// clone. An image that has no seed has nothing prepared.
    ///
    /// # Errors
    /// [`ImportError`]; what was there before is then stale still.
    pub fn sync(&self, settings: &Settings<'_>) -> Result<Outcome, ImportError> {
        let Some(seed) = self.seed()? else { return Ok(Outcome::Current) };
        let scratch = self.clone.beside(".import");
        if self.state()? == State::Current {
            self.clear_away(&scratch, settings);
            return Ok(Outcome::Current);
        }
        self.svccfg.require()?;
        let _lock = self.clone.lock(settings).map_err(interrupted)?;
        // Whoever held the lock may have done it.
        if self.state()? == State::Current {
            return Ok(Outcome::Current);
        }
        let import = Import::begin(&self.svccfg, &scratch, &seed, settings.go_on)?;
        import.carry_out(|import| self.import(import, &seed.1)).map(Outcome::Made)
    }

    /// Makes it anew where there is one of something that has changed since, and otherwise leaves it to the next
    /// installation of a zone.
    ///
    /// # Errors
    /// As [`Prepared::sync`].
    pub fn renew(&self, settings: &Settings<'_>) -> Result<Outcome, ImportError> {
        if self.state()? == State::Stale { self.sync(settings) } else { Ok(Outcome::Current) }
    }

    /// Takes away what was left by a run that was killed when it had all but finished. It is in nobody's way,
    /// so whoever may not do that leaves it.
    fn clear_away(&self, scratch: &Path, settings: &Settings<'_>) {
        if std::fs::symlink_metadata(scratch).is_err() {
            return;
        }
        if let Ok(_lock) = self.clone.lock(settings) {
            let _ = clear_scratch(scratch);
        }
    }

    fn import(&self, import: &mut Import<'_>, seed: &Stat) -> Result<Imported, ImportError> {
        let [system, _] = DIRECTORIES;
        let clone = Tree::open(self.clone.path()).map_err(ImportError::system(self.clone.path()))?;
        let inside = system.strip_prefix(self.clone.directory().as_bytes()).unwrap_or_default();
        let inside = inside.strip_prefix(b"/").unwrap_or(inside);
        manifests::below(&clone, inside, &mut |manifest| import.add(system, manifest))?;
        for directory in self.own_directories() {
            manifests::of_image(self.clone.image(), self.recipe, directory, &mut |manifest| {
                import.add(directory, manifest)
            })?;
        }
        let imported = import.run(dtd(self.clone.image().tree).as_deref())?;
        let (_, stat) = import.result()?;
        self.keep(import, seed, &stat)?;
        Ok(imported)
    }

    /// Puts the new repository in its place, and then says what it was made from.
    fn keep(&self, import: &Import<'_>, seed: &Stat, repository: &Stat) -> Result<(), ImportError> {
        let path = self.path();
        let fail = || ImportError::system(&path);
        let (scratch, name) = import.place();
        beside(&path).and_then(|(parent, kept)| scratch.rename_into(name, &parent, &kept)).map_err(fail())?;
        let text = toml::to_string(&self.record(seed, repository)).map_err(io::Error::other).map_err(fail())?;
        let record = self.record_path();
        write_whole(&record, &text).map_err(ImportError::system(&record))
    }

    fn read_record(&self) -> Result<Option<Record>, ImportError> {
        let path = self.record_path();
        let Some((file, _)) = read(&path, RECORD_LIMIT)? else { return Ok(None) };
        let mut text = String::new();
        // What is no record says nothing about the repository.
        Ok(file.take(RECORD_LIMIT).read_to_string(&mut text).ok().and_then(|_| toml::from_str(&text).ok()))
    }
}

/// The directory of a file, and its name there.
fn beside(path: &Path) -> io::Result<(Handle, Vec<u8>)> {
    let parent = Tree::open(path.parent().unwrap_or(Path::new("/")))?.handle()?;
    Ok((parent, path.file_name().unwrap_or_default().as_bytes().to_vec()))
}

fn interrupted(error: CloneError) -> ImportError {
    match error {
        CloneError::Apply { source: ApplyError::Interrupted, .. } => ImportError::Interrupted,
        error => error.into(),
    }
}

fn absent<T>(error: io::Error) -> io::Result<Option<T>> {
    if is_absence(&error) { Ok(None) } else { Err(error) }
}

/// A regular file of a sane size.
fn read(path: &Path, limit: u64) -> Result<Option<(File, Stat)>, ImportError> {
    let opened = beside(path).and_then(|(parent, name)| parent.open_file(&name)).map(Some).or_else(absent);
    let opened = opened.map_err(ImportError::system(path))?;
    Ok(opened.filter(|(_, stat)| stat.size > 0 && stat.size <= limit))
}
