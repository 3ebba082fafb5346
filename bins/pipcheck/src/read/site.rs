//! Reading the directories of modules of one Python.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cap_std::fs::{Dir, File};

use super::entry::{Identity, Sort, sort_of};
use super::imports::Imports;
use super::python::{Interpreter, PythonVersion};
use super::root::{Root, reading};
use super::{Collection, egg, pth};
use crate::pep::{Metadata, ProjectName, Scratch};

/// A `.pth` file, or another small one, is not larger.
const SMALL: u64 = 1024 * 1024;
/// No environment has more places.
const LINES: usize = 10_000;
/// So much of a list of installed files is read.
const RECORD: usize = 16 * 1024 * 1024;
/// Nearly all lists of names or files are smaller.
const BUFFER: usize = 32 * 1024;
/// A thread costs more than it saves below so many distributions.
const WORTH_THREADS: usize = 100;
/// More threads wait for the same directory.
const THREADS: usize = 8;
/// So many distributions a thread takes at a time.
const STRIDE: usize = 32;

/// How a distribution is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `NAME-VERSION.dist-info/METADATA`, as wheels are.
    DistInfo,
    /// `NAME-VERSION-pyX.Y.egg-info/PKG-INFO`, as setup.py does.
    EggInfo,
    /// `NAME-VERSION-pyX.Y.egg-info`, a file, as distutils did.
    EggInfoFile,
    /// `NAME.egg-link`, which leads to a source tree.
    EggLink,
    /// `NAME-VERSION-pyX.Y.egg/EGG-INFO/PKG-INFO`, as easy_install did.
    Egg,
    /// The same as a zip file.
    EggZip,
    /// A METADATA file that was named.
    File,
    /// One that is not there, but is asked about.
    Planned,
}

impl Form {
    /// What it is called in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DistInfo => "dist-info",
            Self::EggInfo => "egg-info",
            Self::EggInfoFile => "egg-info-file",
            Self::EggLink => "egg-link",
            Self::Egg => "egg",
            Self::EggZip => "egg-zip",
            Self::File => "metadata-file",
            Self::Planned => "planned",
        }
    }
}

/// A directory that Python looks into.
#[derive(Debug)]
pub struct Place {
    /// The directory.
    pub dir: Dir,
    /// Its path below the root.
    pub path: PathBuf,
}

/// A distribution and what it says of itself.
#[derive(Debug)]
pub struct Distribution {
    /// How it is installed.
    pub form: Form,
    /// The place that it was found in, by number.
    pub place: u16,
    /// Its entry there.
    pub entry: Box<str>,
    /// Its metadata; empty when they could not be read.
    pub metadata: Metadata,
    /// Why they could not be read.
    pub unread: Option<Unread>,
    /// What can be imported from it, where that was asked for.
    pub imports: Imports,
}

/// Why metadata could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// There are none.
    pub absent: bool,
    /// The file and the error.
    pub why: Box<str>,
}

impl Unread {
    fn new(file: &str, error: &io::Error) -> Self {
        Self { absent: error.kind() == io::ErrorKind::NotFound, why: format!("{file}: {error}").into() }
    }
}

impl Distribution {
    /// What its entry says of its name and version.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        Identity::of_entry(&self.entry)
    }
}

/// What is wrong with an entry that is no distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// It cannot be read, or leads nowhere.
    Unreadable,
    /// An interrupted installation has left it.
    Leftover,
}

/// An entry that is no distribution but ought to be looked at.
#[derive(Debug)]
pub struct Trouble {
    /// What is wrong.
    pub kind: TroubleKind,
    /// Its path, as people on this machine call it.
    pub path: PathBuf,
    /// More about it.
    pub detail: String,
}

/// An entry that looks like a distribution.
struct Candidate {
    form: Form,
    place: u16,
    entry: OsString,
    /// Where its metadata are, below the root, if not in the place itself.
    elsewhere: Option<PathBuf>,
}

#[derive(Default)]
struct Listing {
    places: Vec<Place>,
    candidates: Vec<Candidate>,
    /// Entries `.egg-link`, by place.
    links: Vec<(u16, OsString)>,
    troubles: Vec<Trouble>,
}

/// Reads all that one Python finds.
pub(super) fn read_sites(root: &Arc<Root>, python: Interpreter, imports: bool) -> Collection {
    let mut listing = Listing::default();
    for site in &python.sites {
        listing.site(root, site);
    }
    listing.follow_links(root);
    let Listing { places, candidates, mut troubles, .. } = listing;
    let reader = Reader { root, places: &places, imports };
    let mut distributions = Vec::with_capacity(candidates.len());
    for (candidate, read) in candidates.iter().zip(read_all(&reader, &candidates)) {
        match read {
            Ok(distribution) => distributions.push(distribution),
            Err(detail) => {
                let path = root.show(&places[usize::from(candidate.place)].path.join(&candidate.entry));
                troubles.push(Trouble { kind: TroubleKind::Unreadable, path, detail });
            }
        }
    }
    Collection { root: Some(Arc::clone(root)), python, places, distributions, troubles }
}

/// Reads METADATA files that were named.
pub(super) fn read_files(files: &[PathBuf], python: &PythonVersion) -> Collection {
    let mut scratch = Scratch::default();
    let mut distributions = Vec::new();
    let mut troubles = Vec::new();
    for path in files {
        match open_ambient(path).and_then(|file| Metadata::read(file, &mut scratch)) {
            Ok(metadata) => distributions.push(Distribution {
                form: Form::File,
                place: u16::MAX,
                entry: path.to_string_lossy().into(),
                metadata,
                unread: None,
                imports: Imports::unknown(),
            }),
            Err(error) => {
                let (path, detail) = (path.clone(), error.to_string());
                troubles.push(Trouble { kind: TroubleKind::Unreadable, path, detail });
            }
        }
    }
    let python = Interpreter { version: python.clone(), prefix: PathBuf::new(), sites: Vec::new() };
    Collection { root: None, python, places: Vec::new(), distributions, troubles }
}

/// Opens a file that the user named, without waiting for a writer if it is a pipe that nobody writes to.
pub(crate) fn open_ambient(path: &Path) -> io::Result<std::fs::File> {
    let flags = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
    std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
}

impl Listing {
    /// A directory of modules, with the places that its `.pth` files add.
    fn site(&mut self, root: &Root, path: &Path) {
        let Some(paths) = self.place(root, path) else { return };
        let mut more = Vec::new();
        for name in paths {
            match root.read(&path.join(&name), SMALL) {
                Ok(text) => more.extend(pth::places(path, &text)),
                Err(error) => self.unreadable(root, &path.join(&name), &error),
            }
        }
        if more.len() > LINES {
            self.unreadable(root, path, &io::Error::other(format!("its .pth files name over {LINES} places")));
            more.truncate(LINES);
        }
        for added in more {
            // Python passes over places that are not there.
            let Ok(added) = root.resolve(&added) else { continue };
            if root.has_folder(&added) {
                self.place(root, &added);
            } else if added.extension() == Some(OsStr::new("egg")) && root.has_file(&added) {
                self.zip(path, added);
            }
        }
    }

    /// Lists a place, and gives its `.pth` files; `None` when it was listed before.
    fn place(&mut self, root: &Root, path: &Path) -> Option<Vec<OsString>> {
        if self.places.iter().any(|place| place.path == path) {
            return None;
        }
        let names = root.folder(path).and_then(|folder| {
            let names = folder.dir.entries()?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
            Ok((folder.dir, names))
        });
        let (dir, names) = names.map_err(|error| self.unreadable(root, path, &error)).ok()?;
        let Ok(number) = u16::try_from(self.places.len()) else {
            let error = io::Error::other("is one place too many: `.pth` files name over 65,535");
            self.unreadable(root, path, &error);
            return None;
        };
        self.places.push(Place { dir, path: path.to_owned() });
        let mut known: Vec<(Sort, OsString)> =
            names.into_iter().filter_map(|name| Some((sort_of(name.as_bytes())?, name))).collect();
        known.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        if path.extension() == Some(OsStr::new("egg")) {
            self.add(Form::Egg, number, "EGG-INFO".into());
        }
        let mut paths = Vec::new();
        for (sort, entry) in known {
            match sort {
                Sort::Pth => paths.push(entry),
                Sort::Leftover => self.troubles.push(Trouble {
                    kind: TroubleKind::Leftover,
                    path: root.show(&path.join(entry)),
                    detail: "an interrupted installation has left it; remove it".to_owned(),
                }),
                Sort::DistInfo => self.add(Form::DistInfo, number, entry),
                Sort::EggInfo => self.add(Form::EggInfo, number, entry),
                Sort::EggLink => self.links.push((number, entry)),
            }
        }
        Some(paths)
    }

    fn add(&mut self, form: Form, place: u16, entry: OsString) {
        self.candidates.push(Candidate { form, place, entry, elsewhere: None });
    }

    /// Adds an egg that is a zip file. It counts as found in the directory whose `.pth` file names it.
    fn zip(&mut self, site: &Path, egg: PathBuf) {
        let known = self.candidates.iter().any(|candidate| candidate.elsewhere.as_ref() == Some(&egg));
        let place = self.places.iter().position(|place| place.path == site);
        if let Some(place) = place.and_then(|place| u16::try_from(place).ok()).filter(|_| !known) {
            let entry = egg.file_name().unwrap_or_default().to_owned();
            self.candidates.push(Candidate { form: Form::EggZip, place, entry, elsewhere: Some(egg) });
        }
    }

    /// Adds the source trees that egg-links lead to, unless a `.pth` file has led there before.
    fn follow_links(&mut self, root: &Root) {
        for (place, entry) in std::mem::take(&mut self.links) {
            match follow(root, &self.places[usize::from(place)].path, &entry) {
                Ok(found) => {
                    let known = found.parent().is_some_and(|tree| self.places.iter().any(|place| place.path == tree));
                    if !known {
                        self.candidates.push(Candidate { form: Form::EggLink, place, entry, elsewhere: Some(found) });
                    }
                }
                Err(detail) => {
                    let path = root.show(&self.places[usize::from(place)].path.join(entry));
                    self.troubles.push(Trouble { kind: TroubleKind::Unreadable, path, detail });
                }
            }
        }
    }

    fn unreadable(&mut self, root: &Root, path: &Path, error: &io::Error) {
        let (path, detail) = (root.show(path), error.to_string());
        self.troubles.push(Trouble { kind: TroubleKind::Unreadable, path, detail });
    }
}

type Outcome = Result<Distribution, String>;

/// Reads all candidates, several at a time, and gives them back in their order.
fn read_all(reader: &Reader<'_>, candidates: &[Candidate]) -> Vec<Outcome> {
    let available = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = if candidates.len() < WORTH_THREADS { 1 } else { available.min(THREADS) };
    if threads == 1 {
        let mut memory = Memory::new();
        return candidates.iter().map(|candidate| reader.read(candidate, &mut memory)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut memory = Memory::new();
        let mut done: Vec<(usize, Vec<Outcome>)> = Vec::new();
        loop {
            let start = next.fetch_add(STRIDE, Ordering::Relaxed);
            let Some(some) = candidates.get(start..candidates.len().min(start + STRIDE)) else { return done };
            if some.is_empty() {
                return done;
            }
            done.push((start, some.iter().map(|candidate| reader.read(candidate, &mut memory)).collect()));
        }
    };
    let mut parts = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut parts = work();
        for other in others {
            // A thread that panicked has broken an invariant of this program.
            parts.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        parts
    });
    parts.sort_unstable_by_key(|(start, _)| *start);
    parts.into_iter().flat_map(|(_, outcomes)| outcomes).collect()
}

/// What a thread uses again for each distribution.
struct Memory {
    scratch: Scratch,
    buffer: Vec<u8>,
}

impl Memory {
    fn new() -> Self {
        Self { scratch: Scratch::default(), buffer: vec![0; BUFFER] }
    }
}

/// What threads need to read.
struct Reader<'r> {
    root: &'r Root,
    places: &'r [Place],
    imports: bool,
}

impl Reader<'_> {
    fn read(&self, candidate: &Candidate, memory: &mut Memory) -> Outcome {
        let Memory { scratch, buffer } = memory;
        let form = candidate.form;
        if let (Form::EggZip, Some(path)) = (form, &candidate.elsewhere) {
            let read = self.root.file(path).and_then(|file| egg::read(file, scratch));
            let entry = candidate.entry.to_string_lossy().into();
            let (metadata, unread) = match read {
                Ok(metadata) => (metadata, None),
                Err(error) => (Metadata::default(), Some(Unread::new("EGG-INFO", &error))),
            };
            let imports = Imports::unknown();
            return Ok(Distribution { form, place: candidate.place, entry, metadata, unread, imports });
        }
        let (place, folder) = match &candidate.elsewhere {
            Some(path) => (None, path.as_path()),
            None => (Some(candidate.place), Path::new(&candidate.entry)),
        };
        let at = |name: &str| self.open(place, &folder.join(name));
        let main = if form == Form::DistInfo { "METADATA" } else { "PKG-INFO" };
        let (form, opened) = match at(main) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory && form == Form::EggInfo => {
                (Form::EggInfoFile, self.open(place, folder))
            }
            opened => (form, opened),
        };
        let (mut metadata, unread) = match opened.and_then(|file| Metadata::read(file, scratch)) {
            Ok(metadata) => (metadata, None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err("is not a directory".to_owned()),
            Err(error) => (Metadata::default(), Some(Unread::new(main, &error))),
        };
        if matches!(form, Form::EggInfo | Form::Egg | Form::EggLink)
            && metadata.requires_dist().next().is_none()
            && let Ok(file) = at("requires.txt")
        {
            metadata.add_requires_txt(file, scratch).map_err(|error| format!("requires.txt: {error}"))?;
        }
        let imports = if self.imports { self.imports(form, at, buffer) } else { Imports::unknown() };
        let entry = candidate.entry.to_string_lossy().into();
        Ok(Distribution { form, place: candidate.place, entry, metadata, unread, imports })
    }

    /// Opens a file of a place, or of the root. One call to the system does where no link leads elsewhere.
    fn open(&self, place: Option<u16>, path: &Path) -> io::Result<File> {
        let Some(place) = place.map(|number| &self.places[usize::from(number)]) else { return self.root.file(path) };
        match place.dir.open_with(path, &reading()) {
            // The place was left on the way: the root may still not have been.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.root.file(&place.path.join(path)).map_err(|_| error)
            }
            opened => opened,
        }
    }

    fn imports(&self, form: Form, at: impl Fn(&str) -> io::Result<File>, buffer: &mut [u8]) -> Imports {
        // A list that fills the buffer is none of names: RECORD will tell.
        let listed =
            at("top_level.txt").and_then(|mut file| file.read(buffer)).ok().filter(|read| *read < buffer.len());
        if let Some(length) = listed {
            return Imports::top_level(&buffer[..length]);
        }
        if form != Form::DistInfo {
            return Imports::unknown();
        }
        at("RECORD").and_then(|file| Imports::record(file, buffer, RECORD)).unwrap_or_else(|_| Imports::unknown())
    }
}

/// The egg-info that an egg-link leads to, below the root.
fn follow(root: &Root, place: &Path, entry: &OsStr) -> Result<PathBuf, String> {
    let text = root.read(&place.join(entry), SMALL).map_err(|error| error.to_string())?;
    let source = pth::linked(place, &text).ok_or("is empty, and should name a source tree")?;
    let tree = root.resolve(&source).map_err(|error| format!("leads to `{}`: {error}", source.display()))?;
    let wanted = entry.to_string_lossy();
    let wanted = ProjectName::parse(Identity::of_entry(&wanted).name).map_err(|error| error.to_string())?;
    let is_it = |name: &OsString| {
        let name = name.to_string_lossy();
        name.ends_with(".egg-info")
            && ProjectName::parse(Identity::of_entry(&name).name).is_ok_and(|name| name == wanted)
    };
    let found = root.names(&tree).into_iter().find(is_it);
    let found = found.ok_or_else(|| format!("leads to `{}`, where there is no egg-info of it", source.display()))?;
    Ok(tree.join(found))
}
