//! What is installed, and where.

use std::path::{Path, PathBuf};

use clap_complete::Shell;

use crate::brand_page::{self, Brand};
use crate::completion;
use crate::error::Error;
use crate::page;
use crate::programs::{PROGRAMS, Program, Reached, SECTION};

/// Something that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Where: absolute, before DESTDIR is put before it.
    pub path: PathBuf,
    /// What.
    pub what: What,
}

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A program that cargo has built.
    Program(PathBuf),
    /// A file of the source tree.
    File(PathBuf),
    /// A file that is made here.
    Text(Vec<u8>),
    /// A directory, which may be there already with something in it.
    Directory,
    /// A symbolic link, relative, so that it also holds below DESTDIR.
    Link(String),
}

/// Where things are taken from and go to.
#[derive(Clone, Debug)]
pub struct Places {
    /// The top of the source tree.
    pub source: PathBuf,
    /// The folder that cargo built the programs in.
    pub programs: PathBuf,
    /// `/usr`. Below any other prefix, `/etc` is below it too, so that trying out touches nothing else.
    pub prefix: PathBuf,
}

impl Places {
    fn configuration(&self) -> PathBuf {
        if prefix_is_usual(self) { "/etc".into() } else { self.prefix.join("etc") }
    }
}

fn prefix_is_usual(places: &Places) -> bool {
    places.prefix == Path::new("/usr")
}

/// Everything, in the order in which it is installed: programs before the links to them.
///
/// # Errors
/// A brand is not as it should be.
pub fn objects(places: &Places) -> Result<Vec<Object>, Error> {
    let mut layout = Layout { places, objects: Vec::new() };
    PROGRAMS.iter().for_each(|program| layout.program(program));
    let brands = Brand::all(&places.source)?;
    for brand in &brands {
        layout.brand(brand)?;
    }
    layout.folder("brands/common", &places.prefix.join("lib/brand/zonekit-common"))?;
    layout.folder("brands/templates", &places.configuration().join("zones"))?;
    PROGRAMS.iter().for_each(|program| layout.papers(program));
    Ok(layout.objects)
}

struct Layout<'p> {
    places: &'p Places,
    objects: Vec<Object>,
}

impl Layout<'_> {
    fn add(&mut self, path: PathBuf, what: What) {
        self.objects.push(Object { path, what });
    }

    fn program(&mut self, program: &Program) {
        let prefix = &self.places.prefix;
        let (path, link) = (prefix.join("lib/zonekit/bin").join(program.file), prefix.join("sbin"));
        self.add(path, What::Program(self.places.programs.join(program.file)));
        if let Reached::Command(name) = program.reached {
            self.add(link.join(name), What::Link(format!("../lib/zonekit/bin/{}", program.file)));
        }
    }

    fn brand(&mut self, brand: &Brand) -> Result<(), Error> {
        let folder = self.places.prefix.join("lib/brand").join(&brand.name);
        for file in ["recipe.toml", "config.xml", "platform.xml"] {
            self.add(folder.join(file), What::File(brand.folder.join(file)));
        }
        for program in PROGRAMS.iter().filter(|program| program.reached == Reached::Hook) {
            self.add(folder.join(program.file), What::Link(format!("../../zonekit/bin/{}", program.file)));
        }
        // zoneadm looks for what a zone mounts before any hook could make it.
        for share in brand.recipe.shares.iter().filter(|share| share.clone.is_some()) {
            let place = share.from.trim_start_matches('/');
            let top = if prefix_is_usual(self.places) { Path::new("/") } else { &self.places.prefix };
            self.add(top.join(place), What::Directory);
        }
        let page = self.manual(&brand.name, brand_page::SECTION);
        self.add(page, What::Text(brand.page()?));
        Ok(())
    }

    /// The files of a folder of the source tree.
    fn folder(&mut self, from: &str, to: &Path) -> Result<(), Error> {
        let folder = self.places.source.join(from);
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(Error::at(&folder))? {
            files.push(entry.map_err(Error::at(&folder))?.file_name());
        }
        files.sort();
        for file in files {
            self.add(to.join(&file), What::File(folder.join(&file)));
        }
        Ok(())
    }

    /// Manual page and completions of a program.
    fn papers(&mut self, program: &Program) {
        let page = self.manual(program.page, SECTION);
        self.add(page, What::Text(page::of(program)));
        // Nobody types the name of a hook.
        if program.reached == Reached::Hook {
            return;
        }
        let share = self.places.prefix.join("share");
        let bash = share.join("bash-completion/completions").join(program.name());
        self.add(bash, What::Text(completion::of(program, Shell::Bash)));
        let zsh = share.join("zsh/site-functions").join(format!("_{}", program.name()));
        self.add(zsh, What::Text(completion::of(program, Shell::Zsh)));
    }

    fn manual(&self, name: &str, section: &str) -> PathBuf {
        self.places.prefix.join(format!("share/man/man{section}/{name}.{section}"))
    }
}
