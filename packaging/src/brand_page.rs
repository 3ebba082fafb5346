//! The manual page of a brand: a few words by hand, and the rest from its recipe and its `config.xml`.

use std::path::{Path, PathBuf};

use clap::Command;
use roxmltree::{Document, ParsingOptions};
use zonelib::recipe::{Recipe, Site, Template};

use crate::error::Error;
use crate::programs::{PROGRAMS, Program};
use crate::roff::Roff;

/// The section that brands are described in.
pub const SECTION: &str = "7";

/// A hook of a brand: the element of `config.xml`, and the command line without what zoneadm(8) substitutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Such as `install`.
    pub element: String,
    /// The whole text of the element.
    pub line: String,
}

/// A brand of the source tree.
#[derive(Debug)]
pub struct Brand {
    /// Its name, which is that of its folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its recipe, without anything that this host adds.
    pub recipe: Recipe,
    /// Its hooks in the order of `config.xml`.
    pub hooks: Vec<Hook>,
    /// The options that `zoneadm install` takes for it, as getopt(3C) wants them.
    pub install_options: String,
}

impl Brand {
    /// The brands below `source`/brands, in the order of their names.
    ///
    /// # Errors
    /// A file is missing, or is not as it should be.
    pub fn all(source: &Path) -> Result<Vec<Self>, Error> {
        let brands = source.join("brands");
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(&brands).map_err(Error::at(&brands))? {
            let folder = entry.map_err(Error::at(&brands))?.path();
            if folder.join("config.xml").exists() {
                folders.push(folder);
            }
        }
        folders.sort();
        folders.iter().map(|folder| Self::read(&brands, folder)).collect()
    }

    fn read(brands: &Path, folder: &Path) -> Result<Self, Error> {
        // A folder that is not there: what a site adds to lists is no part of a package.
        let site = Site { config: brands.join("no-site"), brands: brands.to_owned() };
        let recipe = site.recipe_file(&folder.join("recipe.toml"))?;
        let file = folder.join("config.xml");
        let text = std::fs::read_to_string(&file).map_err(Error::at(&file))?;
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(&text, options)
            .map_err(|error| Error::Brand { file: file.clone(), problem: error.to_string() })?;
        let folder_of_hooks = format!("/usr/lib/brand/{}/", recipe.name);
        let elements = document.root_element().children().filter(|node| node.is_element());
        let mut hooks = Vec::new();
        let mut install_options = String::new();
        for element in elements {
            let line = element.text().unwrap_or_default();
            if line.starts_with(&folder_of_hooks) {
                hooks.push(Hook { element: element.tag_name().name().to_owned(), line: line.to_owned() });
            } else if element.has_tag_name("installopts") {
                line.clone_into(&mut install_options);
            }
        }
        Ok(Self { name: recipe.name.clone(), folder: folder.to_owned(), recipe, hooks, install_options })
    }

    /// The manual page.
    ///
    /// # Errors
    /// The words by hand cannot be read.
    pub fn page(&self) -> Result<Vec<u8>, Error> {
        let mut roff = Roff::page(&self.name, SECTION);
        let recipe = &self.recipe;
        roff.heading("NAME");
        roff.text(&format!("{} - zone brand that {}", self.name, recipe.description));
        roff.heading("DESCRIPTION");
        let manual = self.folder.join("manual.txt");
        match std::fs::read_to_string(&manual) {
            Ok(text) => roff.paragraphs(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                roff.text(&format!("A zone of this brand {}.", recipe.description));
            }
            Err(error) => return Err(Error::at(&manual)(error)),
        }
        self.what_it_has(&mut roff);
        self.options(&mut roff);
        self.hooks(&mut roff);
        roff.heading("FILES");
        roff.item(&format!("/usr/lib/brand/{}/recipe.toml", self.name), "what a zone of this brand is made of");
        roff.item(&format!("/usr/lib/brand/{}/config.xml", self.name), "its hooks and privileges");
        roff.item(&format!("/usr/lib/brand/{}/platform.xml", self.name), "its devices and file systems");
        roff.item("/etc/zonekit/prune.d", "paths that the site adds to the lists of what is left out");
        roff.heading("SEE ALSO");
        let pages: Vec<String> = self.programs().iter().map(|program| format!("{}(8),", program.page)).collect();
        roff.text(&pages.join(" "));
        roff.text("zonekit-recipe(8), zonelib-sync(8), zoneadm(8), zonecfg(8), brands(7), zones(7)");
        Ok(roff.into_bytes())
    }

    fn what_it_has(&self, roff: &mut Roff) {
        let recipe = &self.recipe;
        if !recipe.shares.is_empty() {
            roff.heading("SHARED WITH THE GLOBAL ZONE");
            roff.text("Mounted read-only by the zone's configuration:");
            for share in &recipe.shares {
                let clone = share.clone.as_ref().map(|set| {
                    format!(
                        ", a clone of {} without {} paths that make no sense in a zone",
                        share.path,
                        set.paths().count()
                    )
                });
                roff.item(&share.path, &format!("from {}{}", share.from, clone.unwrap_or_default()));
            }
        }
        roff.heading("COPIED");
        roff.text(&format!("What packages deliver in {}.", recipe.copied.join(", ")));
        if recipe.pristine {
            roff.text("Editable files come from the pristine copies that the package tools keep.");
        }
        let lists: Vec<&str> = recipe.lists.iter().map(|list| list.name.as_str()).collect();
        roff.paragraph();
        roff.text(&format!("Left out are {} paths", recipe.prune.paths().count()));
        roff.text(&format!("that make no sense in a zone. The lists that this brand reads: {}.", lists.join(", ")));
        self.packages(roff);
        roff.heading("CREATED");
        for directory in &recipe.create {
            let what = format!("directory, mode {:04o}, {}:{}", directory.mode, directory.owner, directory.group);
            roff.item(&directory.path, &what);
        }
        for link in &recipe.links {
            roff.item(&link.path, &format!("link to {}", link.target));
        }
        if let Some(smf) = &recipe.smf {
            for link in &smf.profiles {
                roff.item(&link.path, &format!("link to {}", link.target));
            }
            roff.item(&smf.repository, &format!("service repository, from {} of the image", smf.seed));
        }
        if let Some(catalogues) = &recipe.catalogues {
            let suffixes = catalogues.suffixes.join(", ");
            roff.item(&catalogues.directory, &format!("package catalogues of the image: names that end in {suffixes}"));
        }
    }

    fn packages(&self, roff: &mut Roff) {
        let recipe = &self.recipe;
        roff.heading("PACKAGES");
        if recipe.choose {
            roff.text("The zone has the packages of the image, or those that the options choose.");
        } else {
            roff.text("The zone has the packages of the image.");
        }
        if !recipe.omit_owners_of.is_empty() {
            let except = recipe.omit_owners_except.join(", ");
            let except = if except.is_empty() { except } else { format!(" except {except}") };
            roff.text(&format!("Not those that own {}{except}.", recipe.omit_owners_of.join(", ")));
        }
        if !recipe.omit.is_empty() {
            roff.text(&format!("Not {} either.", recipe.omit.join(", ")));
        }
        if recipe.postinstall {
            roff.text("Postinstall scripts of packages are run in it.");
        }
        if !recipe.drop.is_empty() {
            roff.text(&format!("Its contents file does not list {}.", recipe.drop.join(", ")));
        }
    }

    /// The options of `zoneadm install`: the letters from `config.xml`, what they mean from the program's flag table.
    fn options(&self, roff: &mut Roff) {
        let Some(program) = self.programs().into_iter().find(|program| program.file == "pkgcreatezone") else {
            return;
        };
        let table = program.command();
        roff.heading("OPTIONS");
        roff.text("Of zoneadm -z ZONE install:");
        for letter in self.install_options.chars().filter(|letter| *letter != ':') {
            if let Some((synopsis, help)) = option(&table, letter) {
                roff.item(&synopsis, &help);
            }
        }
        if self.recipe.template == Template::Target {
            roff.paragraph();
            roff.text("Templates are made by running pkgcreatezone(8) with -T by hand: the zonepath itself is filled.");
        }
    }

    fn hooks(&self, roff: &mut Roff) {
        roff.heading("HOOKS");
        for hook in &self.hooks {
            roff.item(&hook.element, hook.line.trim());
        }
    }

    /// The programs that its hooks are, each once.
    #[must_use]
    pub fn programs(&self) -> Vec<&'static Program> {
        let named = |program: &&Program| self.hooks.iter().any(|hook| hook.program() == program.file);
        PROGRAMS.iter().filter(named).collect()
    }
}

impl Hook {
    /// The file of the program, without its folder.
    #[must_use]
    pub fn program(&self) -> &str {
        let path = self.line.split_whitespace().next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

fn option(table: &Command, letter: char) -> Option<(String, String)> {
    let flag = table.get_arguments().find(|flag| flag.get_short() == Some(letter))?;
    let value = flag.get_value_names().filter(|_| flag.get_action().takes_values());
    let value = value.map(|names| format!(" {}", names.join(" "))).unwrap_or_default();
    let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
    Some((format!("-{letter}{value}"), help))
}
