//! NoCloud seeds for guests whose brand makes none: a directory, or an image that the guest sees as a CD.
//!
//! What was there before is replaced only when it was written here, and as it was written. A seed without `meta-data` is
//! none, so that is what goes first and comes last; an image, and a directory that is new, appear as a whole.

mod guest;
pub(super) mod image;
mod place;
mod write;

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Serialize;

use crate::config::command::Commands;
use crate::config::{ZoneConfig, ZoneName};
use crate::journal::{Journal, Recovered, StateDir, Subject};
use crate::net::Domain;
use crate::store::Directory;

use super::check::only_global;
use super::{ShownFile, ZoneError};
pub use guest::GuestFacts;
use guest::Told;
use place::{Folder, Spot, There};

/// Brands whose guests are virtual machines, and see CDs.
const MACHINES: [&str; 3] = ["bhyve", "kvm", "emu"];
/// The attributes by which they are given CDs. Source: bhyve(7), kvm(7).
pub(super) const CDROMS: [&str; 8] = ["cdrom", "cdrom1", "cdrom2", "cdrom3", "cdrom4", "cdrom5", "cdrom6", "cdrom7"];

/// A file of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedFile {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub text: String,
}

/// In what form a seed is wanted, and where.
#[derive(Clone, Debug)]
pub enum Output {
    /// As files in a directory.
    Directory(PathBuf),
    /// As an image.
    Image(PathBuf),
}

/// A seed that is wanted.
#[derive(Clone, Debug)]
pub struct SeedRequest {
    /// The zone of the guest.
    pub zone: ZoneName,
    /// Where.
    pub output: Output,
    /// A file that takes the place of the user-data that would be made.
    pub user_data: Option<PathBuf>,
    /// Files with public keys.
    pub keys: Vec<PathBuf>,
    /// A file with the crypted password of the usual account.
    pub password: Option<PathBuf>,
    /// Name servers; none: its routers, else those of this host.
    pub servers: Vec<IpAddr>,
    /// The domain of its names; `None`: that of its segment.
    pub domain: Option<Domain>,
    /// What the instance is called, instead of the zone's UUID.
    pub instance: Option<String>,
    /// Replace what is there, whoever has written it.
    pub force: bool,
}

/// What is written, or would be.
#[derive(Clone, Debug, Serialize)]
pub struct SeedPlan {
    version: u32,
    zone: ZoneName,
    instance_id: String,
    output: PathBuf,
    files: Vec<ShownFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    /// What gives the guest the image, for `zonecfg -f`.
    zonecfg: String,
    notes: Vec<String>,
}

impl SeedPlan {
    /// For people who check it: every file, and every command.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("seed for zone `{}`, in {}:\n", self.zone, self.output.display());
        for file in &self.files {
            text.push_str(&format!("  {}:\n", file.path));
            file.text.lines().for_each(|line| text.push_str(&format!("    {}\n", super::plan::printable(line))));
        }
        self.command.iter().for_each(|command| text.push_str(&format!("  $ {command}\n")));
        text + &self.rest()
    }

    /// For people, once it is done.
    #[must_use]
    pub fn done(&self) -> String {
        format!("seed for zone `{}` is in {}\n", self.zone, self.output.display()) + &self.rest()
    }

    fn rest(&self) -> String {
        let mut text = String::new();
        if !self.zonecfg.is_empty() {
            text.push_str(&format!("  the guest sees it by, in zonecfg -z {}:\n", self.zone));
            self.zonecfg.lines().for_each(|line| text.push_str(&format!("    {line}\n")));
        }
        self.notes.iter().for_each(|note| text.push_str(&format!("  note: {note}\n")));
        text
    }
}

/// All that is known before anything is written.
struct Prepared {
    files: Vec<SeedFile>,
    spot: Spot,
    there: There,
    plan: SeedPlan,
}

impl SeedRequest {
    /// What would be written; nothing is changed.
    ///
    /// # Errors
    /// [`ZoneError`]: what [`SeedRequest::write`] would refuse.
    pub fn plan(&self, state: &StateDir) -> Result<SeedPlan, ZoneError> {
        only_global()?;
        Ok(self.prepare(state)?.plan)
    }

    fn prepare(&self, state: &StateDir) -> Result<Prepared, ZoneError> {
        let told = Told::look(self, &Directory::new(state))?;
        let files = told.files();
        let (Output::Directory(path) | Output::Image(path)) = &self.output;
        let spot = Spot::of(path)?;
        let there = spot.look(state)?;
        write::refuse(self, &spot, &there, state)?;
        let is_image = matches!(self.output, Output::Image(_));
        if is_image {
            image::possible()
                .map_err(|why| ZoneError::Refused(format!("{why}, or use --directory, which needs none")))?;
        }
        let shown = |file: &SeedFile| ShownFile { path: file.name.to_owned(), text: file.text.clone() };
        let config = told.config.as_ref().filter(|_| is_image);
        let plan = SeedPlan {
            version: 1,
            zone: self.zone.clone(),
            instance_id: told.instance.clone(),
            output: spot.path.clone(),
            files: files.iter().map(shown).collect(),
            command: is_image.then(|| image::command(state, &self.zone).line()),
            zonecfg: config.map(|config| attached(config, &spot)).transpose()?.unwrap_or_default(),
            notes: told.notes,
        };
        Ok(Prepared { files, spot, there, plan })
    }

    /// Writes it, all or nothing. `recovered` is told what a killed operation had left.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub fn write(&self, state: &StateDir, recovered: &dyn Fn(&Recovered)) -> Result<SeedPlan, ZoneError> {
        only_global()?;
        // Nothing is written down for what is refused.
        self.prepare(state)?;
        let subject = Subject::Whole(self.zone.clone());
        let done = Journal::during(state, &subject, ("cloud-init-seed", false), recovered, |journal| {
            let prepared = self.prepare(state)?;
            match self.output {
                Output::Image(_) => {
                    let bytes = image::make(&prepared.files, &self.zone, state, journal)?;
                    write::image(&prepared.spot, &bytes, state, journal)?;
                }
                Output::Directory(_) => write::directory(&prepared, &self.zone, state, journal)?,
            }
            Ok::<SeedPlan, ZoneError>(prepared.plan)
        });
        Ok(done?)
    }
}

/// What gives a machine the image; nothing where it has it, or is none.
fn attached(config: &ZoneConfig, spot: &Spot) -> Result<String, ZoneError> {
    let machine = config.brand.as_ref().is_some_and(|brand| MACHINES.contains(&brand.to_string().as_str()));
    let path = match &spot.folder {
        Folder::Host(_) => spot.path.display().to_string(),
        // The program that is the machine sees the root of its zone.
        Folder::Zone { zone, path, .. } if *zone == config.name => {
            Some(path.as_str()).filter(|path| !path.is_empty()).map_or_else(String::new, |path| format!("/{path}"))
                + &format!("/{}", spot.name)
        }
        Folder::Zone { .. } => return Ok(String::new()),
    };
    let cds = || config.attrs.iter().filter(|attr| attr.name.starts_with("cdrom"));
    if !machine || cds().any(|attr| attr.value == path) {
        return Ok(String::new());
    }
    let free = CDROMS.iter().find(|name| !cds().any(|attr| attr.name == **name));
    let Some(name) = free else {
        return Err(ZoneError::Refused(format!("zone `{}` has as many CDs as it can have", config.name)));
    };
    let mut commands = Commands::more();
    if matches!(spot.folder, Folder::Host(_)) && !config.filesystems.iter().any(|mount| mount.directory == path) {
        commands.lofs(&path, &path, &["ro", "nodevices"])?;
    }
    commands.attr(name, &path)?;
    Ok(commands.text().to_owned())
}
