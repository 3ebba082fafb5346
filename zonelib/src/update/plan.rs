//! From what packages said, what they say and what stands there to a list of steps. Nothing is touched.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

use contents::database::{CONTENTS, is_below};
use contents::{Contents, Entry};

use crate::populate::{
    self, Action, Attributes, MOUNTED_FILES, Missing, Owners, Plan, Request, Text, Trees, What, called, path_of,
    relative, split,
};
use crate::root::{FileKind, Stat, Tree};

use super::UpdateError;
use super::compare::{Comparer, content_entry, same_content, same_entry, time_of};
use super::decide::{Case, Hint, Standing, Verdict};
use super::look::{Look, Looker, There};
use super::merge::merge;
use super::steps::{Act, Step, UpdatePlan};
use super::then::Then;

/// What a zone is compared with: the plan of a fresh one.
#[derive(Clone, Copy)]
pub struct Packages<'p, 'a> {
    /// What the plan was made from.
    pub request: &'p Request<'a>,
    /// The plan.
    pub plan: &'p Plan<'a>,
    /// Where its files are.
    pub trees: Trees<'p>,
}

/// How it is compared.
pub struct Options<'o> {
    /// Read every file, instead of taking those for untouched whose size and time are as packaged and
    /// whose packages did not change.
    pub verify: bool,
    /// Asked between objects: false stops.
    pub go_on: &'o (dyn Fn() -> bool + Sync),
}

/// Compares a zone with what it should be now.
///
/// # Errors
/// [`UpdateError`]: the zone's database is damaged, or something cannot be looked at.
pub fn plan<'a>(
    packages: Packages<'_, 'a>,
    then: &Then,
    root: &Tree,
    options: &Options<'_>,
) -> Result<UpdatePlan<'a>, UpdateError> {
    let zone = then.contents()?;
    let owners = Owners::read(packages.trees.image)?;
    let compare = Comparer::new(Looker::new(root), packages.trees, owners, packages.request.recipe.pristine);
    let mut planner = Planner::new(packages, then, &zone, root, options, compare);
    for action in &packages.plan.actions {
        planner.check_interrupt()?;
        if !matches!(action.what, What::HardLink { .. }) {
            planner.one(action).map_err(|error| planner.unseen(&action.path, error))?;
        }
    }
    for action in &packages.plan.actions {
        if let What::HardLink { to } = &action.what {
            planner.check_interrupt()?;
            planner.link(action, to).map_err(|error| planner.unseen(&action.path, error))?;
        }
    }
    planner.gone()?;
    planner.gone_packages()?;
    planner.parents().map_err(|error| planner.unseen(b"", error))?;
    planner.finish()
}

pub(super) struct Planner<'p, 'a> {
    pub(super) packages: Packages<'p, 'a>,
    pub(super) then: &'p Then,
    pub(super) zone: &'p Contents<'p>,
    pub(super) root: &'p Tree,
    options: &'p Options<'p>,
    pub(super) compare: Comparer<'p>,
    /// Every path of the plan.
    pub(super) planned: HashMap<&'p [u8], &'p Action<'a>>,
    /// Paths that the zone itself decides about.
    pub(super) protected: HashSet<Vec<u8>>,
    /// Directories that are made where something else or nothing stands.
    made: HashSet<Vec<u8>>,
    /// Files that are made.
    pub(super) renewed: HashSet<Vec<u8>>,
    /// Directories that the zone removed and packages did not change.
    absent: BTreeMap<Vec<u8>, &'p Action<'a>>,
    /// Paths whose entries stay those of the zone's own packages.
    own: HashSet<Vec<u8>>,
    /// Steps that leave a name free.
    pub(super) removed: HashSet<Vec<u8>>,
    pub(super) out: UpdatePlan<'a>,
}

impl<'p, 'a> Planner<'p, 'a> {
    fn new(
        packages: Packages<'p, 'a>,
        then: &'p Then,
        zone: &'p Contents<'p>,
        root: &'p Tree,
        options: &'p Options<'p>,
        compare: Comparer<'p>,
    ) -> Self {
        let recipe = packages.request.recipe;
        let services = recipe
            .smf
            .iter()
            .flat_map(|smf| smf.profiles.iter().map(|link| link.path.as_str()).chain([smf.repository.as_str()]));
        let mut protected: HashSet<Vec<u8>> = services.map(|path| relative(path.as_bytes()).to_vec()).collect();
        protected.extend(MOUNTED_FILES.iter().map(|path| path.to_vec()));
        protected.insert(CONTENTS.as_bytes().to_vec());
        let plan = packages.plan;
        Self {
            packages,
            then,
            zone,
            root,
            options,
            compare,
            planned: plan.actions.iter().map(|action| (action.path.as_ref(), action)).collect(),
            protected,
            made: HashSet::new(),
            renewed: HashSet::new(),
            absent: BTreeMap::new(),
            own: HashSet::new(),
            removed: HashSet::new(),
            out: UpdatePlan {
                missing: plan.missing.clone(),
                warnings: plan.warnings.clone(),
                updated: plan.updated,
                ..UpdatePlan::default()
            },
        }
    }

    pub(super) fn unseen(&self, path: &[u8], source: io::Error) -> UpdateError {
        UpdateError::Look { path: self.root.path().join(path_of(path)), source }
    }

    pub(super) fn check_interrupt(&self) -> Result<(), UpdateError> {
        if (self.options.go_on)() {
            return Ok(());
        }
        let source = populate::ApplyError::Interrupted;
        Err(UpdateError::Apply { root: self.root.path().to_owned(), source })
    }

    pub(super) fn verify(&self) -> bool {
        self.options.verify
    }

    /// What packages say of a path now: the entry that the zone's object is made from.
    fn now(&self, absolute: &[u8]) -> Option<&'p Entry<'a>> {
        let request = self.packages.request;
        let copied = request.recipe.copied.iter().any(|copied| is_below(absolute, copied.as_bytes()));
        let contents: &'p Contents<'a> = request.template.map_or(request.image.contents, |template| template.contents);
        contents.get(absolute).filter(|_| copied)
    }

    /// Whether packages deliver something else at a path than then. A hard link is what its file is.
    fn differ(&self, then: &Entry<'_>, now: &Entry<'_>) -> bool {
        let request = self.packages.request;
        let image = request.template.unwrap_or(request.image).contents;
        !same_entry(then, now)
            || match (content_entry(self.zone, then), content_entry(image, now)) {
                (Some(before), Some(after)) => !same_content(before, after),
                (before, after) => before.is_some() != after.is_some(),
            }
    }

    fn one(&mut self, action: &'p Action<'a>) -> io::Result<()> {
        let path = action.path.as_ref();
        if self.protected.contains(path) {
            return Ok(());
        }
        let absolute = [b"/", path].concat();
        let Some(now) = self.now(&absolute) else { return self.follow(action) };
        let then = self.zone.get(&absolute);
        let own = then.is_some_and(|then| self.then.is_own(then));
        let then = then.filter(|_| !own);
        let look = self.look(path)?;
        if let (Look::There(there), Some(then)) = (&look, then)
            && now.kind().has_content()
            && same_entry(then, now)
            && !self.verify()
            && Comparer::looks_like(now, &there.stat)
        {
            self.settle(action, then, there, false)?;
            return Ok(());
        }
        let changed = then.is_none_or(|then| self.differ(then, now));
        let mut case = Case {
            then: then.is_some(),
            now: true,
            changed,
            editable: now.kind().is_editable(),
            hint: Hint::of(now.class()),
            standing: Standing::Absent,
        };
        let Look::There(there) = look else {
            return self.without(action, case, matches!(look, Look::Blocked));
        };
        case.standing = self.standing(path, Some(&action.what), then, &there)?;
        if own && case.standing != Standing::AsNow {
            self.own.insert(absolute);
        }
        self.carry_out(action, case, then, &there)
    }

    pub(super) fn look(&mut self, path: &[u8]) -> io::Result<Look> {
        if self.made.contains(split(path).0) { Ok(Look::Absent) } else { self.compare.zone.look(path) }
    }

    pub(super) fn standing(
        &mut self,
        path: &[u8],
        now: Option<&What<'_>>,
        then: Option<&Entry<'_>>,
        there: &There,
    ) -> io::Result<Standing> {
        if let Some(what) = now
            && self.compare.is_now(path, what, there)?
        {
            return Ok(Standing::AsNow);
        }
        Ok(match then {
            Some(then) if self.compare.is_then(path, self.zone, then, there)? => Standing::AsThen,
            _ => Standing::Other,
        })
    }

    /// Nothing stands there, or nothing can.
    fn without(&mut self, action: &'p Action<'a>, case: Case, blocked: bool) -> io::Result<()> {
        let path = action.path.as_ref();
        let verdict = case.verdict();
        if verdict == Verdict::Kept {
            self.out.kept += 1;
            if action.is_directory() && !blocked {
                self.absent.insert(path.to_vec(), action);
            }
            return Ok(());
        }
        if blocked {
            self.keep(path, None, "cannot be made: it lies below something that is no directory in the zone");
            return Ok(());
        }
        match verdict {
            Verdict::Beside => self.beside(action, None, "was removed in the zone"),
            _ => self.make(action, None, action.what.clone()),
        }
    }

    fn carry_out(
        &mut self,
        action: &'p Action<'a>,
        case: Case,
        then: Option<&Entry<'_>>,
        there: &There,
    ) -> io::Result<()> {
        let path = action.path.as_ref();
        match case.verdict() {
            Verdict::Nothing => match then {
                Some(then) if case.standing == Standing::AsNow => self.settle(action, then, there, case.changed)?,
                _ => self.out.unchanged += 1,
            },
            Verdict::Kept => self.out.kept += 1,
            Verdict::Replace => self.replace(action, then, there)?,
            Verdict::Beside if !case.then => {
                let kind = called(there.stat.kind);
                self.beside(
                    action,
                    Some(there.stat),
                    &format!("is new in the packages, and {kind} of the zone is there"),
                )?;
            }
            Verdict::Beside => {
                self.beside(action, Some(there.stat), "was changed in the zone, and in the packages")?;
            }
            Verdict::Aside => self.aside(action, there)?,
            Verdict::Preserved => {
                self.out.kept += 1;
                self.push(Step { path: path.to_vec(), act: Act::Keep, conflict: None, seen: Some(there.stat) });
            }
            Verdict::Add | Verdict::Remove | Verdict::Orphaned => {}
        }
        Ok(())
    }

    pub(super) fn push(&mut self, step: Step<'a>) {
        self.out.steps.push(step);
    }

    pub(super) fn keep(&mut self, path: &[u8], seen: Option<Stat>, why: &str) {
        self.push(Step { path: path.to_vec(), act: Act::Keep, conflict: Some(why.to_owned()), seen });
    }

    /// The content is right; the attributes follow, and the time when the packages have another.
    fn settle(&mut self, action: &Action<'a>, then: &Entry<'_>, there: &There, changed: bool) -> io::Result<()> {
        let (path, stat) = (action.path.as_ref(), &there.stat);
        let now = match &action.what {
            What::File { attributes, .. } | What::Directory { attributes, .. } | What::Special { attributes, .. } => {
                *attributes
            }
            _ => Attributes::known(stat.mode, stat.uid, stat.gid),
        };
        let wanted = self.compare.attributes(then, now, stat);
        let untouched = then.modified() == Some(stat.modified.seconds);
        let mut modified = stat.modified;
        if changed && untouched && stat.kind == FileKind::Regular {
            let source = self.compare.source(path, &action.what)?.map(|(_, stat)| stat);
            modified = time_of(&action.what, source.as_ref()).unwrap_or(modified);
        }
        if wanted.is_none() && modified == stat.modified {
            self.out.unchanged += 1;
            return Ok(());
        }
        let wanted = wanted.unwrap_or(Attributes::known(stat.mode, stat.uid, stat.gid));
        let act = Act::Attributes {
            mode: wanted.mode.unwrap_or(stat.mode),
            owner: (wanted.uid.unwrap_or(stat.uid), wanted.gid.unwrap_or(stat.gid)),
            modified,
        };
        self.push(Step { path: path.to_vec(), act, conflict: None, seen: Some(*stat) });
        Ok(())
    }

    /// Makes something at a path, unless the image lacks it.
    pub(super) fn make(&mut self, action: &Action<'a>, seen: Option<Stat>, what: What<'a>) -> io::Result<()> {
        let path = action.path.as_ref();
        if !self.can_make(path, &what)? {
            return Ok(());
        }
        if matches!(what, What::Directory { .. }) {
            self.made.insert(path.to_vec());
        } else {
            self.renewed.insert(path.to_vec());
        }
        let act = if seen.is_some() { Act::Replace(what) } else { Act::Add(what) };
        self.push(Step { path: path.to_vec(), act, conflict: None, seen });
        Ok(())
    }

    pub(super) fn can_make(&mut self, path: &[u8], what: &What<'_>) -> io::Result<bool> {
        if matches!(what, What::File { .. }) && self.compare.source(path, what)?.is_none() {
            self.out.missing.push(Missing { path: path.to_vec(), reason: "is not in the image".to_owned() });
            return Ok(false);
        }
        Ok(true)
    }

    /// What is untouched goes; attributes that the zone changed stay. A directory has to be empty by then.
    fn replace(&mut self, action: &'p Action<'a>, then: Option<&Entry<'_>>, there: &There) -> io::Result<()> {
        let mut what = action.what.clone();
        let stat = there.stat;
        if let (What::File { attributes, .. }, Some(then), FileKind::Regular) = (&mut what, then, stat.kind)
            && then.kind().has_content()
        {
            let followed = self.compare.follow(then, *attributes, &stat);
            *attributes = followed;
        }
        if stat.kind == FileKind::Directory && !self.will_be_empty(&action.path)? {
            let why = "is a directory with things of the zone in it, and no directory in the packages any more";
            return self.beside(action, Some(stat), why);
        }
        self.make(action, Some(stat), what)
    }

    /// Whether everything in a directory belongs to packages no more and is untouched.
    fn will_be_empty(&mut self, path: &[u8]) -> io::Result<bool> {
        let Some(handle) = self.compare.zone.directory(path)? else { return Ok(false) };
        for (name, _) in handle.list()? {
            let below = [path, b"/", &name].concat();
            let absolute = [b"/", below.as_slice()].concat();
            let Some(then) = self.zone.get(&absolute).filter(|then| !self.then.has_part_in(then)) else {
                return Ok(false);
            };
            let Look::There(there) = self.compare.zone.look(&below)? else { continue };
            if !self.compare.is_then(&below, self.zone, then, &there)?
                || (there.stat.kind == FileKind::Directory && !self.will_be_empty(&below)?)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A hard link leads to what the file is that it is linked to.
    fn link(&mut self, action: &'p Action<'a>, to: &[u8]) -> io::Result<()> {
        let path = action.path.as_ref();
        let absolute = [b"/", path].concat();
        let Some(now) = self.now(&absolute) else { return Ok(()) };
        let then = self.zone.get(&absolute).filter(|then| !self.then.is_own(then));
        let renewed = self.renewed.contains(to);
        let changed = renewed || then.is_none_or(|then| self.differ(then, now));
        let case = Case {
            then: then.is_some(),
            now: true,
            changed,
            editable: false,
            hint: Hint::RenameNew,
            standing: Standing::Absent,
        };
        let joined = self.compare.identity(to)?;
        if !renewed && joined.is_none() {
            let reason = populate::leads_nowhere(to);
            self.out.missing.push(Missing { path: path.to_vec(), reason });
            return Ok(());
        }
        let look = self.look(path)?;
        let Look::There(there) = look else {
            return self.without(action, case, matches!(look, Look::Blocked));
        };
        let standing = match self.standing(path, Some(&action.what), then, &there)? {
            // It is another name of the file that is replaced.
            Standing::AsNow if renewed => Standing::AsThen,
            standing => standing,
        };
        self.carry_out(action, Case { standing, ..case }, then, &there)
    }

    /// Directories that the zone removed, when something has to be made in them.
    fn parents(&mut self) -> io::Result<()> {
        let mut needed = Vec::new();
        for step in &self.out.steps {
            let making = step.act.makes().is_some() || matches!(step.act, Act::Beside { what: Some(_), .. });
            let mut up = split(&step.path).0;
            while making && !up.is_empty() {
                if let Some(action) = self.absent.remove(up) {
                    needed.push(action);
                }
                up = split(up).0;
            }
        }
        self.out.kept -= needed.len();
        for action in needed {
            self.make(action, None, action.what.clone())?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<UpdatePlan<'a>, UpdateError> {
        let fresh = self.planned.get(CONTENTS.as_bytes()).map(|action| &action.what);
        let bytes = match fresh {
            Some(What::Text { bytes, .. }) => bytes.clone(),
            _ => Text::default(),
        };
        let mut text = Vec::with_capacity(usize::try_from(bytes.len()).unwrap_or(0));
        let written = bytes.write_to(&mut text);
        written.map_err(|error| self.unseen(CONTENTS.as_bytes(), error))?;
        let merged = merge(&text, self.then, self.zone, &self.own)?;
        if merged != self.zone.text() {
            let mut contents = Text::default();
            contents.push(merged);
            self.out.contents = Some(contents);
        }
        self.out.steps.sort_by(|a, b| a.path.cmp(&b.path));
        self.out.missing.sort();
        self.out.missing.dedup();
        Ok(self.out)
    }
}
