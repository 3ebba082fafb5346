//! What a zone root is made from: whoever installs one, and whoever checks one, reads it here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use contents::Contents;
use contents::alias::Aliases;
use contents::overlay::Overlays;

use crate::config::{self, ZoneName};
use crate::host::{self, HostCommand, HostError};
use crate::libclone::{self, CloneError};
use crate::populate::{self, Image, Kept, Listing, Origin, Plan, PlanError, Request, Trees, Wanted};
use crate::recipe::{Recipe, Share, Template};
use crate::root::Tree;

use super::install::InstallError;

/// The package tools of the host.
pub(super) const PKGADM: &str = "/usr/bin/pkgadm";

/// What a zone root is made from, which is also all that it takes to say what it should be.
#[derive(Clone, Copy, Debug)]
pub struct Ingredients<'a> {
    /// The root whose packages are installed from.
    pub image: &'a Path,
    /// The brand.
    pub recipe: &'a Recipe,
    /// A template to fill the zone from.
    pub template: Option<&'a Path>,
    /// The root is to be a template itself.
    pub makes_template: bool,
    /// Overlays and packages to keep, when not everything.
    pub wanted: Option<&'a Wanted>,
}

impl Ingredients<'_> {
    /// Refuses what makes no sense for the brand.
    ///
    /// # Errors
    /// [`InstallError::Usage`].
    pub fn check(&self) -> Result<(), InstallError> {
        let usage = |problem: String| Err(InstallError::Usage(problem));
        let brand = &self.recipe.name;
        if self.wanted.is_some() && !self.recipe.choose {
            return usage(format!("brand `{brand}` has no choice of packages; leave out -o, -p, -O and -P"));
        }
        if self.template.is_some() && self.recipe.template != Template::Source {
            return usage(format!("brand `{brand}` is not filled from templates"));
        }
        if self.makes_template && self.recipe.template != Template::Target {
            return usage(format!("brand `{brand}` makes no templates; give -T the directory of one"));
        }
        Ok(())
    }
}

/// The image, and the template if there is one, read once.
pub struct Sources {
    image: Image,
    template: Option<Image>,
    /// The metadata of the template, or else of the image, which a thread lists meanwhile.
    listing: Mutex<Option<JoinHandle<Result<Listing, PlanError>>>>,
}

impl Sources {
    /// Opens the image, and the template if there is one.
    ///
    /// # Errors
    /// [`InstallError::Image`].
    pub fn open(from: &Ingredients<'_>) -> Result<Self, InstallError> {
        let (root, origin) = from.template.map_or((from.image, Origin::Image), |root| (root, Origin::Template));
        let root = root.to_owned();
        let listing = std::thread::spawn(move || {
            let tree = Tree::open(&root).map_err(|source| PlanError::Read { path: root, source })?;
            Listing::collect(&tree, origin)
        });
        let image = Image::open(from.image)?;
        let template = from.template.map(Image::open).transpose()?;
        Ok(Self { image, template, listing: Mutex::new(Some(listing)) })
    }

    /// The image.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Makes the plan and hands it on.
    ///
    /// # Errors
    /// [`InstallError`] of the plan, and those of `then`.
    pub fn with_plan<R>(
        &self,
        from: &Ingredients<'_>,
        then: impl FnOnce(&Request<'_>, &mut Plan<'_>, Trees<'_>) -> Result<R, InstallError>,
    ) -> Result<R, InstallError> {
        let contents = self.image.contents()?;
        let template_contents = self.template.as_ref().map(Image::contents).transpose()?;
        let kept = from.wanted.map(|wanted| self.kept(wanted, &contents)).transpose()?;
        let template = self.template.as_ref().zip(template_contents.as_ref());
        let listing = self.listing()?;
        let request = Request {
            image: self.image.packages(&contents),
            listing: &listing,
            recipe: from.recipe,
            kept: kept.as_ref(),
            template: template.map(|(image, contents)| image.packages(contents)),
            makes_template: from.makes_template,
        };
        let mut plan = populate::plan(&request)?;
        let trees = Trees { image: self.image.tree(), template: self.template.as_ref().map(Image::tree) };
        then(&request, &mut plan, trees)
    }

    /// The directories that zones of a brand mount, as a running zone shows them: device and number.
    #[must_use]
    pub fn shared(&self, recipe: &Recipe) -> Vec<(u64, u64)> {
        let identity = |path: &str| self.image.tree().resolve_dir(path.as_bytes()).and_then(|dir| dir.stat_self()).ok();
        let paths = recipe.shares.iter().flat_map(|share| [&share.path, &share.from]);
        paths.filter_map(|path| identity(path)).map(|stat| stat.identity).collect()
    }

    fn listing(&self) -> Result<Listing, PlanError> {
        let started = self.listing.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (started, &self.template) {
            (Some(listing), _) => listing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            (None, Some(template)) => Listing::collect(template.tree(), Origin::Template),
            (None, None) => Listing::collect(self.image.tree(), Origin::Image),
        }
    }

    fn kept(&self, wanted: &Wanted, contents: &Contents<'_>) -> Result<Kept, InstallError> {
        let dir = self.image.tree().dir();
        let overlays = Overlays::read(dir).map_err(PlanError::from)?;
        let aliases = Aliases::read(dir).map_err(PlanError::from)?;
        let installed: BTreeSet<&[u8]> = populate::packages(contents);
        Ok(Kept::resolve(wanted, &overlays, &aliases, &installed).map_err(PlanError::from)?)
    }
}

/// Where the clone of a shared directory is: in `zonelib`, or where the zone's configuration mounts the
/// directory from, or where the recipe has it.
///
/// # Errors
/// [`CloneError`]: the path cannot be walked.
pub fn clone_path(
    image: &Path,
    share: &Share,
    zonelib: Option<&Path>,
    zone: Option<&ZoneName>,
) -> Result<PathBuf, CloneError> {
    let configured = match (zonelib, zone) {
        (None, Some(zone)) => config::mounted_from(zone, &share.path),
        _ => None,
    };
    match configured {
        Some(path) if path != Path::new(&share.path) => libclone::place_in(image, &path),
        _ => libclone::place(image, share, zonelib),
    }
}

/// Whether a zone's configuration shares the directories of a template: then what it mounts as /lib is the template's own,
/// and no clone of the host's.
#[must_use]
pub fn shares_template(recipe: &Recipe, zone: Option<&ZoneName>) -> bool {
    let Some(zone) = zone else { return false };
    let elsewhere = |share: &Share| {
        let from = config::mounted_from(zone, &share.path);
        from.is_some_and(|from| from != Path::new(&share.from) && from != host::place(&share.from))
    };
    recipe.shares.iter().filter(|share| share.clone.is_none()).any(elsewhere)
}

/// Has pending changes written into the database, where there are package tools.
///
/// # Errors
/// [`HostError`]: `pkgadm` failed.
pub fn sync_database(image: &Path) -> Result<(), HostError> {
    let pkgadm = HostCommand::new(PKGADM).arg("sync");
    if !pkgadm.present() {
        return Ok(());
    }
    let pkgadm = if image == host::place("/") { pkgadm } else { pkgadm.arg("-R").arg(image) };
    pkgadm.arg("-q").run()?;
    Ok(())
}
