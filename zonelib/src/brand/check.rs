//! The hooks that look at a zone before something is done with it: `verify_cfg` and `verify_adm`.

use std::path::{Path, PathBuf};

use crate::config::{self, ZoneConfig, ZoneName};
use crate::libclone::{Clone as SharedClone, State};
use crate::populate::Image;
use crate::recipe::{Recipe, Share};

use super::HookError;
use super::install::InstallError;
use super::sources::{clone_path, shares_template};

/// Looks whether a configuration makes sense for the brand: every directory that its zones share has to be
/// mounted, read-only, for else a zone could not boot, or could write to the global zone.
///
/// # Errors
/// [`HookError`]: it cannot be read.
pub fn configuration(recipe: &Recipe, file: &Path) -> Result<Vec<String>, HookError> {
    let zone = ZoneConfig::read(file)?;
    let mut problems = Vec::new();
    for share in &recipe.shares {
        let mount =
            format!("add fs; set dir={0}; set special={1}; set type=lofs; add options ro; end", share.path, share.from);
        match zone.filesystems.iter().find(|mounted| mounted.directory == share.path) {
            None => {
                problems.push(format!("{} is not mounted, and a {} zone shares it: {mount}", share.path, recipe.name))
            }
            Some(mounted) if mounted.kind != "lofs" => {
                problems.push(format!("{} is mounted as {}, not as lofs: {mount}", share.path, mounted.kind));
            }
            Some(mounted) if !mounted.has_option("ro") => {
                let way = format!("select fs dir={}; add options ro; end", share.path);
                problems.push(format!(
                    "{} is not mounted read-only, so that the zone could change it for all: {way}",
                    share.path
                ));
            }
            Some(_) => {}
        }
    }
    for copied in &recipe.copied {
        if let Some(mounted) = zone.filesystems.iter().find(|mounted| mounted.directory == *copied) {
            let (special, name) = (&mounted.special, &recipe.name);
            problems.push(format!(
                "{copied} is the zone's own in a {name} zone, and `{special}` would hide it: remove fs dir={copied}"
            ));
        }
    }
    Ok(problems)
}

/// What zoneadm(8) is about to do with a zone.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The brand.
    pub recipe: &'a Recipe,
    /// The zone; `None` while there is none, for `attach -n`.
    pub zone: Option<ZoneName>,
    /// The subcommand.
    pub subcommand: &'a str,
    /// Its arguments.
    pub arguments: &'a [String],
    /// The root whose packages zones are made from.
    pub image: PathBuf,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The subcommand must not go on.
    pub refused: Option<String>,
    /// It may, and this is to be said.
    pub notes: Vec<String>,
}

impl About<'_> {
    /// Looks whether the clones of shared directories are there, and current.
    ///
    /// # Errors
    /// [`HookError`]: the image or a clone cannot be read.
    pub fn check(&self) -> Result<Checked, HookError> {
        let installs = match self.subcommand {
            // The hook tells everything that is lacking, and this too.
            "attach" if self.arguments.iter().any(|argument| argument == "-n") => return Ok(Checked::default()),
            "install" | "clone" | "attach" => true,
            "boot" | "ready" | "reboot" | "mount" => false,
            _ => return Ok(Checked::default()),
        };
        let mut checked = Checked::default();
        let clones = !installs || !shares_template(self.recipe, self.zone.as_ref());
        let shares = self.recipe.shares.iter().filter(|share| share.clone.is_some() && clones);
        for share in shares {
            self.check_share(share, installs, &mut checked)?;
        }
        Ok(checked)
    }

    /// Whether the hook brings the clones up to date.
    fn syncs(&self) -> bool {
        let updates = |argument: &String| matches!(argument.as_str(), "-u" | "-U" | "--update");
        self.subcommand == "install" || (self.subcommand == "attach" && self.arguments.iter().any(updates))
    }

    fn check_share(&self, share: &Share, installs: bool, checked: &mut Checked) -> Result<(), HookError> {
        let at = clone_path(&self.image, share, None, self.zone.as_ref()).map_err(InstallError::from)?;
        let way = "`zonelib-sync` brings it up to date";
        if !installs {
            // To boot, it only has to be there.
            if std::fs::read_dir(&at).map_or(true, |mut entries| entries.next().is_none()) {
                let (at, path) = (at.display(), &share.path);
                checked.refused = Some(format!(
                    "{at}: the zone's {path} is mounted from there, and there is nothing; `zonelib-sync` makes it"
                ));
            }
            return Ok(());
        }
        let image = Image::open(&self.image).map_err(InstallError::from)?;
        let contents = image.contents().map_err(InstallError::from)?;
        let Some(clone) = SharedClone::of(image.packages(&contents), share, at.clone()) else { return Ok(()) };
        let state = clone.state().map_err(InstallError::from)?;
        let at = at.display();
        let syncs = self.syncs();
        match state {
            State::Current => {}
            // Whatever is to be mounted has to exist before a hook can make it.
            _ if syncs && std::fs::symlink_metadata(clone.path()).is_err() => {
                let path = &share.path;
                checked.refused = Some(format!(
                    "{at}: the zone mounts its {path} from there, and there is no such directory; `zonelib-sync` makes it"
                ));
            }
            state if syncs => checked.notes.push(format!("{at} is {}, and is brought up to date now", state.as_str())),
            State::Absent => {
                let path = &share.path;
                checked.refused = Some(format!(
                    "{at}: the zone mounts its {path} from there, and there is none; `zonelib-sync` makes it"
                ));
            }
            state => checked.notes.push(format!("{at} is {}; {way}", state.as_str())),
        }
        Ok(())
    }
}

/// The datasets that a zone's configuration hands to it; none when there is no configuration.
///
/// # Errors
/// [`HookError`]: it cannot be read.
pub fn delegated(zone: &ZoneName) -> Result<Vec<String>, HookError> {
    let file = config::file(zone);
    if std::fs::symlink_metadata(&file).is_err() {
        return Ok(Vec::new());
    }
    Ok(ZoneConfig::read(&file)?.datasets.iter().map(ToString::to_string).collect())
}

/// The zonepath of another zone, which has to be installed.
///
/// # Errors
/// [`HookError`]: there is no such zone.
pub fn installed_zonepath(zone: &ZoneName) -> Result<PathBuf, HookError> {
    let all = config::index().map_err(HookError::system(Path::new("/etc/zones/index")))?;
    match all.into_iter().find(|found| found.name == *zone) {
        Some(found) if found.state == "installed" => Ok(found.zonepath),
        Some(found) => Err(HookError::Refused(format!("zone `{zone}` is {}, not installed", found.state))),
        None => Err(HookError::Refused(format!("there is no zone `{zone}`"))),
    }
}
