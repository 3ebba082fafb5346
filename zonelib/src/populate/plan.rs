//! From an image, a recipe and options to an ordered list of actions. Nothing is touched.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::os::unix::ffi::OsStrExt;

use contents::pristine::Pristine;
use contents::{Contents, Entry, Kind};

use crate::recipe::{PruneSet, Recipe, Smf, Template};
use crate::root::{FileKind, Special, Stat, Timestamp, Tree};

use super::action::{Action, Attributes, Modified, Origin, Packaged, Source, Text, What, split};
use super::live::Live;
use super::metadata::Listing;
use super::owners::Owners;
use super::select::{Kept, Selection, omitted};
use super::{PlanError, metadata, zone_contents};

/// Longer chains of hard links to hard links are a loop.
const LINK_CHAIN: usize = 20;

/// A tree and its database.
#[derive(Clone, Copy)]
pub struct Packages<'a> {
    /// The tree.
    pub tree: &'a Tree,
    /// Its contents file.
    pub contents: &'a Contents<'a>,
    /// When that file was written: the time that created objects get.
    pub updated: Timestamp,
}

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The image.
    pub image: Packages<'a>,
    /// The brand.
    pub recipe: &'a Recipe,
    /// The metadata of the image, or of the template if there is one.
    pub listing: &'a Listing,
    /// The packages to keep, when not all.
    pub kept: Option<&'a Kept>,
    /// A template to fill the zone from instead of the image (`-T DIR`).
    pub template: Option<Packages<'a>>,
    /// The root is to be a template itself (`-T`).
    pub makes_template: bool,
}

impl<'a> Request<'a> {
    /// What the zone is filled from: the template if there is one, else the image.
    #[must_use]
    pub fn main(&self) -> (Origin, Packages<'a>) {
        match &self.template {
            Some(template) => (Origin::Template, *template),
            None => (Origin::Image, self.image),
        }
    }
}

/// What is to be made, and what there is to say about it.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    /// By path, parents first.
    pub actions: Vec<Action<'a>>,
    /// The main source, that of paths which are copied as they are.
    pub main: Option<Origin>,
    /// Packaged objects that the image does not have.
    pub missing: Vec<Missing>,
    /// For people.
    pub warnings: Vec<String>,
    /// Packages whose postinstall script is to be run, in order.
    pub postinstall: Vec<String>,
    /// The time that objects without one get.
    pub updated: Timestamp,
}

/// A packaged object that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// Its relative path in the zone.
    pub path: Vec<u8>,
    /// Why.
    pub reason: String,
}

/// Makes the plan of a zone root.
///
/// # Errors
/// [`PlanError`]: the image cannot be read, or its database contradicts itself.
pub fn plan<'a>(request: &Request<'a>) -> Result<Plan<'a>, PlanError> {
    let main = request.main();
    let mut planner = Planner::new(request.image.tree, main.0, main.1)?;
    planner.kept = request.kept;
    if request.recipe.pristine && request.template.is_none() {
        planner.pristine = Some(Pristine::new(main.1.tree.dir())?);
    }
    // A template has been pruned as its maker wanted it.
    let prune = if request.template.is_some() { &PruneSet::default() } else { &request.recipe.prune };
    let selection = Selection { copied: &request.recipe.copied, prune, kept: request.kept };
    let beside = std::thread::scope(|scope| {
        let beside = scope.spawn(|| Beside::collect(request, main.1));
        planner.entries(&selection)?;
        beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    planner.extra = beside.actions;
    planner.plan.postinstall = beside.postinstall;
    planner.created(request.recipe);
    if !request.makes_template
        && let Some(smf) = &request.recipe.smf
    {
        planner.services(smf);
    }
    planner.catalogues(request)?;
    planner.finish(request)
}

/// Makes the plan of a clone of one shared directory, with the paths of the image. Editable files come
/// from their pristine copies.
///
/// # Errors
/// As [`plan`].
pub fn plan_clone<'a>(image: Packages<'a>, directory: &[String; 1], prune: &PruneSet) -> Result<Plan<'a>, PlanError> {
    let mut planner = Planner::new(image.tree, Origin::Image, image)?;
    planner.pristine = Some(Pristine::new(image.tree.dir())?);
    planner.entries(&Selection { copied: directory, prune, kept: None })?;
    planner.assemble()
}

/// What no entry of the database names: it is collected while the entries are gone through.
struct Beside<'a> {
    actions: Vec<Action<'a>>,
    postinstall: Vec<String>,
}

impl<'a> Beside<'a> {
    fn collect(request: &Request<'a>, main: Packages<'a>) -> Result<Self, PlanError> {
        let recipe = request.recipe;
        let (omitted, bytes) = match request.template {
            // A template has been through this, and its database already is one of a zone.
            Some(_) => (BTreeMap::new(), Text::from(main.contents.text())),
            None => {
                let out = zone_contents::filter(main.contents, &recipe.drop, &recipe.prune_contents, request.kept);
                (omitted(recipe, main.contents), out)
            }
        };
        let skip = |package: &[u8]| {
            omitted.contains_key(package) || request.kept.is_some_and(|kept| !kept.packages.contains(package))
        };
        let mut actions = request.listing.select(&skip, request.kept.map(|kept| &kept.overlays), main.updated);
        let postinstall = match recipe.postinstall && !request.makes_template {
            true => metadata::postinstalls(main.tree, &skip)
                .map_err(|(path, source)| unreadable(main.tree, &path, source))?,
            false => Vec::new(),
        };
        let attributes = Attributes::known(0o644, 0, 0);
        let path = Cow::Borrowed(contents::database::CONTENTS.as_bytes());
        actions.push(Action { path, what: What::Text { bytes, attributes, modified: main.updated } });
        Ok(Self { actions, postinstall })
    }
}

fn unreadable(tree: &Tree, path: &[u8], source: std::io::Error) -> PlanError {
    PlanError::Read { path: tree.path().join(std::ffi::OsStr::from_bytes(relative(path))), source }
}

struct Planner<'a> {
    image: &'a Tree,
    main: Packages<'a>,
    origin: Origin,
    live: Live<'a>,
    owners: Owners,
    kept: Option<&'a Kept>,
    pristine: Option<Pristine>,
    plan: Plan<'a>,
    /// Actions that take the place of packaged objects.
    extra: Vec<Action<'a>>,
}

/// A path of the database as plans have it.
pub(crate) fn relative(path: &[u8]) -> &[u8] {
    path.strip_prefix(b"/").unwrap_or(path)
}

impl<'a> Planner<'a> {
    fn new(image: &'a Tree, origin: Origin, main: Packages<'a>) -> Result<Self, PlanError> {
        let owners = Owners::read(image)?;
        let plan = Plan { main: Some(origin), updated: main.updated, ..Plan::default() };
        Ok(Self {
            image,
            main,
            origin,
            live: Live::new(main.tree),
            owners,
            kept: None,
            pristine: None,
            plan,
            extra: Vec::new(),
        })
    }

    /// Every selected entry of the database, as the settled rules have it.
    fn entries(&mut self, selection: &Selection<'_>) -> Result<(), PlanError> {
        let contents: &'a Contents<'a> = self.main.contents;
        for entry in selection.entries(contents) {
            if entry.path_bytes() == b"/" {
                continue;
            }
            match entry.kind() {
                Kind::Directory | Kind::Exclusive => self.directory(entry),
                Kind::File | Kind::Editable | Kind::Volatile => self.file(entry.path_bytes(), entry)?,
                Kind::Symlink => self.symlink(entry)?,
                Kind::HardLink => self.hard_link(entry, selection)?,
                Kind::Pipe | Kind::Character | Kind::Block => self.special(entry)?,
                Kind::Information => {}
            }
        }
        Ok(())
    }

    fn push(&mut self, path: &'a [u8], what: What<'a>) {
        self.plan.actions.push(Action { path: Cow::Borrowed(relative(path)), what });
    }

    fn missing(&mut self, path: &[u8], reason: impl Into<String>) {
        self.plan.missing.push(Missing { path: relative(path).to_vec(), reason: reason.into() });
    }

    fn attributes(&mut self, entry: &Entry<'_>) -> Attributes {
        Attributes {
            mode: entry.mode(),
            uid: entry.owner().and_then(|name| self.owners.user(name)),
            gid: entry.group().and_then(|name| self.owners.group(name)),
        }
    }

    fn directory(&mut self, entry: &Entry<'a>) {
        let attributes = self.attributes(entry);
        self.push(entry.path_bytes(), What::Directory { attributes, modified: Modified::Live });
    }

    /// A file of `entry`, made at `path`: the entry's own, or that of a hard link which becomes a copy.
    fn file(&mut self, path: &'a [u8], entry: &Entry<'a>) -> Result<(), PlanError> {
        let mut attributes = self.attributes(entry);
        let editable = entry.kind().is_editable();
        if editable && let Some(copy) = self.pristine_copy(entry)? {
            if !attributes.complete() {
                let live = self.stat(entry.path_bytes())?.filter(|stat| stat.kind == FileKind::Regular);
                let (mode, uid, gid) = live.map_or((0o644, 0, 0), |stat| (stat.mode, stat.uid, stat.gid));
                attributes = Attributes {
                    mode: attributes.mode.or(Some(mode)),
                    uid: attributes.uid.or(Some(uid)),
                    gid: attributes.gid.or(Some(gid)),
                };
            }
            let modified = entry.modified().map_or(Modified::Live, |at| Modified::At(Timestamp::from_seconds(at)));
            let source = Source { origin: Origin::Image, path: Some(Cow::Owned(copy)) };
            self.push(path, What::File { source, attributes, modified, packaged: None, editable });
            return Ok(());
        }
        let packaged =
            (entry.kind() == Kind::File).then(|| Packaged { size: entry.size(), checksum: entry.checksum() });
        let own = entry.path_bytes();
        let source = Source { origin: self.origin, path: (own != path).then(|| Cow::Borrowed(relative(own))) };
        self.push(path, What::File { source, attributes, modified: Modified::Live, packaged, editable });
        Ok(())
    }

    /// The pristine copy of the last listed owner, of those that are kept, that has one.
    fn pristine_copy(&mut self, entry: &Entry<'_>) -> Result<Option<Vec<u8>>, PlanError> {
        let Some(pristine) = &mut self.pristine else { return Ok(None) };
        for package in entry.packages().rev() {
            if self.kept.is_some_and(|kept| !kept.packages.contains(package.name)) {
                continue;
            }
            if let Some(path) = pristine.find(package.name, entry.path_bytes())? {
                return Ok(Some(path.as_os_str().as_bytes().to_vec()));
            }
        }
        Ok(None)
    }

    fn stat(&mut self, path: &[u8]) -> Result<Option<Stat>, PlanError> {
        self.live.stat(relative(path)).map_err(|source| unreadable(self.main.tree, path, source))
    }

    fn symlink(&mut self, entry: &Entry<'a>) -> Result<(), PlanError> {
        let path = entry.path_bytes();
        let live = self.stat(path)?.filter(|stat| stat.kind == FileKind::Symlink);
        let what = match live {
            Some(stat) => {
                let target =
                    self.live.read_link(relative(path)).map_err(|source| unreadable(self.main.tree, path, source))?;
                let recorded = entry.target().unwrap_or_default();
                let target = if target == recorded { Cow::Borrowed(recorded) } else { Cow::Owned(target) };
                What::Symlink { target, owner: (stat.uid, stat.gid), modified: stat.modified }
            }
            None => What::Symlink {
                target: Cow::Borrowed(entry.target().unwrap_or_default()),
                owner: (0, 0),
                modified: self.main.updated,
            },
        };
        self.push(path, what);
        Ok(())
    }

    /// Both ends selected: a link. The other end not in the zone: a copy of it. An end that is itself a
    /// link counts as what it becomes.
    fn hard_link(&mut self, entry: &Entry<'a>, selection: &Selection<'_>) -> Result<(), PlanError> {
        let path = entry.path_bytes();
        let contents: &'a Contents<'a> = self.main.contents;
        let mut link = *entry;
        // The nearest selected link on the way, which becomes the copy that this one joins.
        let mut joined: Option<&'a [u8]> = None;
        for _ in 0..LINK_CHAIN {
            let target = link_target(link.path_bytes(), link.target().unwrap_or_default());
            let Some(found) = contents.get(&target) else {
                // Nothing packaged: the live object is all there is to go by.
                return self.copy_of_link(path, Attributes::default(), joined);
            };
            match found.kind() {
                Kind::HardLink => {
                    link = *found;
                    if joined.is_none() && selection.selects(found) {
                        joined = Some(found.path_bytes());
                    }
                }
                Kind::File | Kind::Editable | Kind::Volatile if selection.selects(found) => {
                    if self.has_source(found)? {
                        self.push(path, What::HardLink { to: Cow::Borrowed(relative(found.path_bytes())) });
                        return Ok(());
                    }
                    let attributes = self.attributes(found);
                    return self.copy_of_link(path, attributes, joined);
                }
                Kind::File | Kind::Editable | Kind::Volatile => {
                    return match joined {
                        Some(to) => {
                            self.push(path, What::HardLink { to: Cow::Borrowed(relative(to)) });
                            Ok(())
                        }
                        None => self.file(path, found),
                    };
                }
                _ => {
                    self.missing(path, "is a hard link to something that is no file");
                    return Ok(());
                }
            }
        }
        self.missing(path, "is a hard link to itself");
        Ok(())
    }

    fn copy_of_link(
        &mut self,
        path: &'a [u8],
        attributes: Attributes,
        joined: Option<&'a [u8]>,
    ) -> Result<(), PlanError> {
        let what = match joined {
            Some(to) => What::HardLink { to: Cow::Borrowed(relative(to)) },
            None => What::File {
                source: Source { origin: self.origin, path: None },
                attributes,
                modified: Modified::Live,
                packaged: None,
                editable: false,
            },
        };
        self.push(path, what);
        Ok(())
    }

    /// Whether a file entry can be made: from its pristine copy, or from what is live.
    fn has_source(&mut self, entry: &Entry<'_>) -> Result<bool, PlanError> {
        if entry.kind().is_editable() && self.pristine_copy(entry)?.is_some() {
            return Ok(true);
        }
        Ok(self.stat(entry.path_bytes())?.is_some_and(|stat| stat.kind == FileKind::Regular))
    }

    fn special(&mut self, entry: &Entry<'a>) -> Result<(), PlanError> {
        let path = entry.path_bytes();
        let Some(stat) = self.stat(path)? else {
            self.missing(path, "is not in the image");
            return Ok(());
        };
        let special = match (entry.kind(), stat.kind) {
            (Kind::Pipe, FileKind::Pipe) => Special::Pipe,
            (Kind::Character, FileKind::Character) => Special::Character(stat.device),
            (Kind::Block, FileKind::Block) => Special::Block(stat.device),
            _ => {
                self.missing(path, "is something else in the image");
                return Ok(());
            }
        };
        let attributes = Attributes::known(stat.mode, stat.uid, stat.gid);
        self.push(path, What::Special { special, attributes, modified: stat.modified });
        Ok(())
    }

    fn created(&mut self, recipe: &'a Recipe) {
        for create in &recipe.create {
            let uid = self.owners.user(create.owner.as_bytes());
            let gid = self.owners.group(create.group.as_bytes());
            let attributes = Attributes { mode: Some(create.mode), uid: uid.or(Some(0)), gid: gid.or(Some(0)) };
            let what = What::Directory { attributes, modified: Modified::At(self.main.updated) };
            self.extra.push(Action { path: Cow::Borrowed(relative(create.path.as_bytes())), what });
        }
        for link in &recipe.links {
            self.link(&link.path, &link.target);
        }
    }

    fn link(&mut self, path: &'a str, target: &'a str) {
        let target = Cow::Borrowed(target.as_bytes());
        let what = What::Symlink { target, owner: (0, 0), modified: self.main.updated };
        self.extra.push(Action { path: Cow::Borrowed(relative(path.as_bytes())), what });
    }

    fn services(&mut self, smf: &'a Smf) {
        for profile in &smf.profiles {
            self.link(&profile.path, &profile.target);
        }
        // Group sys is 3 on every illumos.
        let gid = self.owners.group(b"sys").unwrap_or(3);
        let what = What::File {
            source: Source { origin: Origin::Image, path: Some(Cow::Borrowed(relative(smf.seed.as_bytes()))) },
            attributes: Attributes::known(0o600, 0, gid),
            modified: Modified::Live,
            packaged: None,
            editable: true,
        };
        self.extra.push(Action { path: Cow::Borrowed(relative(smf.repository.as_bytes())), what });
    }

    fn catalogues(&mut self, request: &Request<'a>) -> Result<(), PlanError> {
        let Some(catalogues) = &request.recipe.catalogues else { return Ok(()) };
        let directory = relative(catalogues.directory.as_bytes());
        let before = self.extra.len();
        metadata::catalogues(self.image, directory, &catalogues.suffixes, &mut self.extra)
            .map_err(|source| PlanError::Read { path: self.image.path().join(&catalogues.directory[1..]), source })?;
        if self.extra.len() == before {
            let directory = &catalogues.directory;
            self.plan.warnings.push(format!("no catalogues in {directory}: packages cannot be added in the zone"));
        }
        Ok(())
    }

    fn finish(self, request: &Request<'a>) -> Result<Plan<'a>, PlanError> {
        let mut plan = self.assemble()?;
        if let Some(kept) = request.kept {
            let names = |list: Vec<String>| list.join(", ");
            if !kept.not_installed.is_empty() {
                let list = kept.not_installed.iter().map(ToString::to_string).collect();
                plan.warnings.push(format!("listed in overlays but not installed: {}", names(list)));
            }
            for (by, missing) in &kept.not_known {
                plan.warnings.push(format!("overlay `{by}` requires `{missing}`, which is not known here"));
            }
        }
        if request.makes_template && request.recipe.template != Template::Target {
            plan.warnings.push(format!("brand `{}` makes no templates", request.recipe.name));
        }
        Ok(plan)
    }

    /// Puts everything in order: what zonekit makes takes the place of what packages deliver (but a
    /// packaged directory keeps its packaged attributes), every object has its directory, nothing lies
    /// below what is no directory.
    fn assemble(mut self) -> Result<Plan<'a>, PlanError> {
        for name in self.owners.unknown() {
            self.plan.warnings.push(format!("unknown {name}: the live owner is kept"));
        }
        let mut actions = std::mem::take(&mut self.plan.actions);
        let packaged = actions.len();
        actions.append(&mut self.extra);
        // Stable, and the extra ones come after: of equal paths the last one counts.
        if packaged != actions.len() || !actions.is_sorted_by(|a, b| a.path <= b.path) {
            actions.sort_by(|a, b| a.path.cmp(&b.path));
        }
        actions.dedup_by(|later, earlier| {
            let same = later.path == earlier.path;
            if same && !(later.is_directory() && earlier.is_directory()) {
                std::mem::swap(later, earlier);
            }
            same
        });
        let implied = self.check_parents(&mut actions);
        if !implied.is_empty() {
            actions.extend(implied);
            actions.sort_by(|a, b| a.path.cmp(&b.path));
        }
        self.plan.actions = actions;
        self.plan.missing.sort();
        Ok(self.plan)
    }

    /// Directories that no package delivers but that packaged objects are in. Objects below something
    /// that is no directory are taken out and reported: making them would mean to write through it.
    fn check_parents(&mut self, actions: &mut Vec<Action<'a>>) -> Vec<Action<'a>> {
        let Parents { implied, lost } = Parents::of(actions);
        for (index, above) in lost.into_iter().rev() {
            let action = actions.remove(index);
            let reason = format!("lies below `/{}`, which is no directory", String::from_utf8_lossy(&above));
            self.missing(&action.path, reason);
        }
        let make = |path| Action {
            path: Cow::Owned(path),
            what: What::Directory { attributes: Attributes::known(0o755, 0, 0), modified: Modified::Live },
        };
        implied.into_iter().map(make).collect()
    }
}

/// What stands above the objects of a plan.
#[derive(Default)]
struct Parents {
    /// Directories that are not in the plan and have to be.
    implied: BTreeSet<Vec<u8>>,
    /// Objects, by index, below something that is no directory, and what that is.
    lost: Vec<(usize, Vec<u8>)>,
}

impl Parents {
    /// Looks at the directories above each object of a sorted list.
    fn of(actions: &[Action<'_>]) -> Self {
        let mut parents = Self::default();
        let mut good: HashSet<&[u8]> = HashSet::from([&b""[..]]);
        let mut last: &[u8] = b"";
        for (index, action) in actions.iter().enumerate() {
            let (parent, _) = action.split();
            if parent != last {
                match Self::climb(actions, &good, parent) {
                    Ok(wanting) => {
                        good.extend(&wanting);
                        parents.implied.extend(wanting.into_iter().map(<[u8]>::to_vec));
                        last = parent;
                    }
                    Err(above) => {
                        parents.lost.push((index, above.to_vec()));
                        continue;
                    }
                }
            }
            if action.is_directory() {
                good.insert(&action.path);
            }
        }
        parents
    }

    /// The directories from `path` upwards that are not known to be there; or what is in the way.
    fn climb<'p>(actions: &[Action<'_>], good: &HashSet<&[u8]>, path: &'p [u8]) -> Result<Vec<&'p [u8]>, &'p [u8]> {
        let mut wanting = Vec::new();
        let mut up = path;
        while !good.contains(up) {
            if actions.binary_search_by(|action| action.path.as_ref().cmp(up)).is_ok() {
                // It comes before what is below it: a directory would be known.
                return Err(up);
            }
            wanting.push(up);
            up = split(up).0;
        }
        Ok(wanting)
    }
}

/// Where a hard link leads: from its own directory, or from the root. Source: `averify()` of libinst.
pub(crate) fn link_target(link: &[u8], target: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    let (directory, _) = split(link);
    let start: &[u8] = if target.first() == Some(&b'/') { b"" } else { directory };
    for part in start.split(|&byte| byte == b'/').chain(target.split(|&byte| byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut path = Vec::with_capacity(link.len() + target.len());
    for part in parts {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    path
}
