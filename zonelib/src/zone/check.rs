//! A request against the host: everything that would be in the way is found before anything is made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use contents::alias::Aliases;
use contents::names::OverlayName;
use contents::overlay::Overlays;

use crate::config::{self, ZoneName};
use crate::host::zfs::{self, Datasets, Kind as DatasetKind};
use crate::host::{self, HostCommand};
use crate::journal::{self, StateDir, Subject};
use crate::net::inside::Settings;
use crate::net::{Attachment, credentials};
use crate::populate::{self, Image, Kept, Wanted};
use crate::root::Tree;
use crate::storage;
use crate::store::{Directory, Record, Records, Store};

use super::accounts::{Account, Accounts};
use super::datasets::{Claims, Reserved};
use super::kind::{FromImage, Kind};
use super::record::{self, ZoneRecord};
use super::request::{One, Request};
use super::seed;
use super::templates::Template;
use super::{Problems, TemplateName, ZoneError};

/// What the global zone keeps for itself: so many bytes, and a tenth of the rest.
const RESERVED: u64 = 128 << 20;
/// Where firmware of virtual machines is.
const FIRMWARE: &str = "/usr/share/bhyve/firmware";
/// The firmware that a machine has unless somebody says otherwise.
pub(super) const USUAL_FIRMWARE: &str = "BHYVE_RELEASE";
/// Where the configurator of the distribution is.
pub(super) const KONFIGURATOR: &str = "/usr/lib/zap/zone-konfigurator";
/// Packages that a router has, besides those of the overlay `base`.
const ROUTER_PACKAGES: [&str; 3] = ["TRIBnet-ipfilter", "TRIBdnsmasq", "TRIBblix-haproxy2"];
const BASE: &str = "base";

/// What was learnt about the host on the way.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The accounts that are shared.
    pub(super) accounts: Vec<Account>,
    /// Who may log in by key, and with which password.
    pub(super) settings: Settings,
    /// The datasets of the request, and those above, that exist; and what they are.
    pub(super) datasets: BTreeMap<String, DatasetKind>,
    /// Where the template is.
    pub(super) template: Option<PathBuf>,
    /// Arguments of `zoneadm install` that choose the packages of a router.
    pub(super) router_packages: Vec<String>,
}

impl Request {
    /// Looks whether the host can have these zones. All that is in the way goes to `problems`.
    pub(super) fn look(&self, zones: &[One], state: &StateDir, problems: &mut Problems) -> Found {
        let mut look = Look { request: self, problems, found: Found::default() };
        for looked in [look.zones(zones, state), look.place(zones)] {
            look.problems.heed(looked);
        }
        look.brand();
        for looked in [look.memory(), look.processors(), look.accounts()] {
            look.problems.heed(looked);
        }
        look.files();
        look.image();
        for looked in [look.datasets(zones, state), look.volumes(zones), look.packages()] {
            look.problems.heed(looked);
        }
        look.found
    }
}

/// Zones are made in the global zone, by root.
pub(super) fn only_global() -> Result<(), ZoneError> {
    if !host::is_root() {
        return Err(ZoneError::Refused("only root can make and destroy zones; run it as root".to_owned()));
    }
    let out = HostCommand::new("/sbin/zonename").run()?;
    let zone = String::from_utf8_lossy(&out).trim().to_owned();
    if zone == "global" {
        return Ok(());
    }
    Err(ZoneError::Refused(format!("this is zone `{}`; zones are made in the global zone", zone.escape_debug())))
}

struct Look<'l> {
    request: &'l Request,
    problems: &'l mut Problems,
    found: Found,
}

impl Look<'_> {
    fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem);
    }

    fn zones(&mut self, zones: &[One], state: &StateDir) -> Result<(), ZoneError> {
        if self.request.is_unread(&["-z"]) {
            return Ok(());
        }
        let index = config::index().map_err(ZoneError::system(Path::new("/etc/zones/index")))?;
        let known: BTreeSet<&ZoneName> = index.iter().map(|zone| &zone.name).collect();
        let store = Directory::new(state);
        let attachments = store.keys(Attachment::KIND)?;
        let attached: BTreeSet<&str> = attachments.iter().filter_map(|key| key.parts().next()).collect();
        for one in zones {
            // What a killed operation has left goes before anything is made.
            if journal::pending(state, Subject::Whole(one.name.clone()))?.is_some() {
                continue;
            }
            if known.contains(&one.name) {
                let name = &one.name;
                self.problem(format!(
                    "there is a zone `{name}` already; choose another name, or `destroy-zone -z {name}`"
                ));
                continue;
            }
            if attached.contains(one.name.as_str()) || store.get::<ZoneRecord>(&record::key(&one.name))?.is_some() {
                let name = &one.name;
                self.problem(format!(
                    "zone `{name}` is gone, but not all that was made for it; `destroy-zone -z {name}` takes it away"
                ));
                continue;
            }
            let zonepath = self.request.zonepath(&one.name);
            let occupied = std::fs::read_dir(&zonepath).map(|mut entries| entries.next().is_some());
            if occupied.unwrap_or_else(|_| std::fs::symlink_metadata(&zonepath).is_ok()) {
                self.problem(format!("{}: something is there already; move it away", zonepath.display()));
            }
        }
        Ok(())
    }

    /// Zones of zonekit live in no boot environment.
    fn place(&mut self, zones: &[One]) -> Result<(), ZoneError> {
        let request = self.request;
        let one = zones.first().filter(|_| request.kind.is_ours() && request.zones.is_absolute());
        let Some(one) = one else { return Ok(()) };
        if let Some(dataset) = storage::environment_of(&request.zonepath(&one.name))? {
            self.problem(format!(
                "{}: lies in the boot environment `{dataset}`, which is copied and destroyed as a whole; make a dataset \
                 for it, or name a directory in another one by --zones",
                request.zones.display()
            ));
        }
        Ok(())
    }

    fn brand(&mut self) {
        if self.request.is_unread(&["-t"]) {
            return;
        }
        let kind = self.request.kind;
        let brand = kind.brand();
        let has_brand = host::place(&format!("/usr/lib/brand/{brand}/config.xml")).is_file();
        if !has_brand {
            let why = format!("the brand `{brand}` is not on this host, so it has no zones of type {kind}");
            self.problem(format!("{why}; install the package that has it"));
        }
        match (&self.request.template, kind.template()) {
            (Some(name), _) => match Template::find(name) {
                Ok(template) => self.found.template = Some(template.root),
                Err(error) => self.problem(error.to_string()),
            },
            (None, Some(template)) if has_brand && !host::place(&format!("/etc/zones/{template}.xml")).is_file() => {
                self.problem(format!(
                    "/etc/zones/{template}.xml is not there; install the package of the brand `{brand}`"
                ));
            }
            _ => {}
        }
        if kind == Kind::Router && !HostCommand::new("/usr/sbin/ipnat").present() {
            self.problem(
                "a router needs the devices of IPFilter, which this host has not; `zap install TRIBnet-ipfilter`",
            );
        }
        if !self.request.konfigure.is_empty() && !HostCommand::new(KONFIGURATOR).present() {
            self.problem(format!("-K: {KONFIGURATOR} is not on this host"));
        }
    }

    fn memory(&mut self) -> Result<(), ZoneError> {
        if let Some(memory) = self.request.memory {
            let out = HostCommand::new("/usr/sbin/prtconf").arg("-m").run()?;
            let text = String::from_utf8_lossy(&out);
            let megabytes: u64 = text.trim().parse().map_err(|_| unexpected("prtconf -m", &text))?;
            let most = (megabytes << 20).saturating_sub(RESERVED) / 10 * 9;
            if memory.bytes() > most {
                let most = most >> 20;
                self.problem(format!("-m {memory} is more than the {most}M that this host has for zones"));
            }
        }
        Ok(())
    }

    fn processors(&mut self) -> Result<(), ZoneError> {
        if let Some(cpus) = &self.request.cpus {
            let out = HostCommand::new("/usr/sbin/psrinfo").run()?;
            let text = String::from_utf8_lossy(&out);
            let online = |line: &&str| line.split_whitespace().nth(1) == Some("on-line");
            let count = text.lines().filter(online).count() as u64;
            if count == 0 {
                return Err(unexpected("psrinfo", &text));
            }
            if cpus.hundredths() > count * 100 {
                self.problem(format!("-c {cpus} is more than the {count} processors of this host"));
            }
        }
        Ok(())
    }

    fn accounts(&mut self) -> Result<(), ZoneError> {
        if self.request.users.is_empty() {
            return Ok(());
        }
        let accounts = Accounts::read()?;
        for user in &self.request.users {
            match accounts.find(user) {
                Ok(account) => self.found.accounts.push(account),
                Err(error) => self.problem(error.to_string()),
            }
        }
        Ok(())
    }

    fn files(&mut self) {
        let request = self.request;
        for path in request.read_only.iter().chain(&request.read_write) {
            match std::fs::metadata(path) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => self.problem(format!("{}: is no directory, and cannot be shared", path.display())),
                Err(error) => self.problem(format!("{}: {error}", path.display())),
            }
        }
        if let Some(path) = &request.ssh_key {
            match credentials::keys(path) {
                Ok(keys) => self.found.settings.keys = keys,
                Err(problem) => self.problem(problem.to_string()),
            }
        }
        if let Some(path) = &request.password {
            let guest = request.kind == Kind::Bhyve;
            match if guest { credentials::guest_password(path) } else { credentials::password(path) } {
                Ok(password) => self.found.settings.password = Some(password),
                Err(problem) => self.problem(problem.to_string()),
            }
        }
        if request.cloud_init_iso
            && let Err(why) = seed::image::possible()
        {
            self.problem(format!("{why}, or give -C if the bhyve brand of this host makes it"));
        }
        if request.kind == Kind::Bhyve {
            let firmware = request.firmware.as_ref().map_or(USUAL_FIRMWARE, |firmware| firmware.as_str());
            let place = host::place(&format!("{FIRMWARE}/{firmware}.fd"));
            if !place.is_file() {
                self.problem(format!("firmware `{firmware}` is not in {FIRMWARE}"));
            }
        }
    }

    fn image(&mut self) {
        let request = self.request;
        let Some(image) = request.image.as_ref().filter(|_| !request.is_unread(&["-t"])) else { return };
        let named = image.display();
        let iso = image.extension().is_some_and(|ending| ending == "iso");
        match std::fs::metadata(image) {
            Ok(found) if !(found.is_file() || found.is_dir() && request.kind == Kind::S10) => {
                self.problem(format!("{named}: is no image"));
            }
            Ok(_) if request.kind.image() == FromImage::Boots && !iso => {
                self.problem(format!("{named}: a virtual machine boots a .iso image"));
            }
            Ok(_) => {}
            Err(error) => self.problem(format!("{named}: {error}; `zap retrieve-image` fetches images")),
        }
        // zoneadm pastes it into a line that a shell reads.
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@".contains(letter);
        if matches!(request.kind.image(), FromImage::Flag(_))
            && !image.to_str().is_some_and(|path| path.chars().all(plain))
        {
            self.problem(format!(
                "{named}: zoneadm cannot be told of an image with such letters in its path; rename it"
            ));
        }
    }

    fn datasets(&mut self, zones: &[One], state: &StateDir) -> Result<(), ZoneError> {
        if zones.iter().all(|one| one.datasets.is_empty()) {
            return Ok(());
        }
        let names: Vec<&ZoneName> = zones.iter().map(|one| &one.name).collect();
        let claims = Claims::look(&names)?;
        let zonepath = zones.first().map(|one| self.request.zonepath(&one.name));
        let directory = zonepath.as_deref().and_then(Path::parent).unwrap_or(Path::new("/"));
        let reserved = Reserved::look(state, directory, &names)?;
        for dataset in zones.iter().flat_map(|one| &one.datasets) {
            self.ask(dataset.as_str())?;
            if let Some(why) = reserved.refuses(dataset)? {
                self.problem(why);
                continue;
            }
            if !self.is_free(dataset.as_str(), &claims) {
                continue;
            }
            match self.found.datasets.get(dataset.as_str()) {
                Some(DatasetKind::FileSystem) => self.existing(dataset.as_str())?,
                Some(_) => self.problem(format!("`{dataset}` is no file system, and cannot be handed to a zone")),
                None => self.parents(dataset.as_str())?,
            }
        }
        Ok(())
    }

    /// Whether no other zone has it; else that is said.
    fn is_free(&mut self, dataset: &str, claims: &Claims) -> bool {
        let Some((zone, claimed)) = claims.of(dataset) else { return true };
        let what = if claimed == dataset {
            format!("zone `{zone}` has `{dataset}` already")
        } else {
            format!("`{dataset}`: zone `{zone}` has `{claimed}`, and one holds the other")
        };
        self.problem(format!("{what}; choose another, or `destroy-zone -z {zone}` first"));
        false
    }

    fn volumes(&mut self, zones: &[One]) -> Result<(), ZoneError> {
        if self.request.volume.is_none() && self.request.new_volumes.is_empty() {
            return Ok(());
        }
        let names: Vec<&ZoneName> = zones.iter().map(|one| &one.name).collect();
        let claims = Claims::look(&names)?;
        if let Some(volume) = &self.request.volume {
            self.is_free(volume.as_str(), &claims);
            self.ask(volume.as_str())?;
            match self.found.datasets.get(volume.as_str()) {
                Some(DatasetKind::Other) => {}
                Some(_) => self.problem(format!("`{volume}` is no volume")),
                None => self.problem(format!("there is no volume `{volume}`; give -V SIZE to make one")),
            }
        }
        for volume in &self.request.new_volumes {
            let parent = volume.parent.as_ref().map_or("rpool", |parent| parent.as_str());
            self.ask(parent)?;
            if self.found.datasets.get(parent) != Some(&DatasetKind::FileSystem) {
                self.problem(format!("there is no file system `{parent}` to make a volume in"));
            }
        }
        Ok(())
    }

    /// Looks a dataset up, once.
    fn ask(&mut self, name: &str) -> Result<(), ZoneError> {
        if !self.found.datasets.contains_key(name)
            && let Some(found) = Datasets::only(name)?
        {
            self.found.datasets.insert(name.to_owned(), found.kind);
        }
        Ok(())
    }

    /// zoneadm refuses one whose mount point is that of its parent.
    fn existing(&mut self, name: &str) -> Result<(), ZoneError> {
        let own = zfs::own_values(name, &["mountpoint"])?;
        if own.first().is_none_or(Option::is_none) {
            self.problem(format!("`{name}` inherits its mountpoint; `zfs set mountpoint=none {name}` first"));
        }
        Ok(())
    }

    /// The pool has to be there; file systems between are made.
    fn parents(&mut self, name: &str) -> Result<(), ZoneError> {
        let mut above = name;
        while let Some((parent, _)) = above.rsplit_once('/') {
            self.ask(parent)?;
            match self.found.datasets.get(parent) {
                Some(DatasetKind::FileSystem) => return Ok(()),
                Some(_) => {
                    self.problem(format!("`{parent}` is no file system, so nothing can be made in it"));
                    return Ok(());
                }
                None => above = parent,
            }
        }
        self.problem(format!("there is no pool `{above}`"));
        Ok(())
    }

    fn packages(&mut self) -> Result<(), ZoneError> {
        let request = self.request;
        if request.is_unread(&["-t"]) {
            return Ok(());
        }
        if request.kind != Kind::Router {
            let (overlays, added) = (&request.overlays, &request.add_overlays);
            return look_at_choice(overlays, added, &request.packages, self.problems);
        }
        let overlays = Overlays::read(here()?.dir()).map_err(ZoneError::packages)?;
        self.router(overlays.iter().any(|overlay| overlay.name.as_str() == BASE && overlay.installed));
        Ok(())
    }

    /// The overlay `base`, and what a router needs: copied where the host has it, else installed.
    fn router(&mut self, has_base: bool) {
        let installed = |package: &str| host::place(&format!("/var/sadm/pkg/{package}/pkginfo")).is_file();
        let mut arguments = Vec::new();
        if has_base {
            arguments.extend(["-o".to_owned(), BASE.to_owned()]);
        }
        for package in ROUTER_PACKAGES {
            match (installed(package), has_base) {
                (true, true) => arguments.extend(["-p".to_owned(), package.to_owned()]),
                // Without a choice everything is copied.
                (true, false) => {}
                (false, _) => arguments.extend(["-P".to_owned(), package.to_owned()]),
            }
        }
        self.found.router_packages = arguments;
    }
}

fn here() -> Result<Tree, ZoneError> {
    let root = host::place("/");
    Tree::open(&root).map_err(ZoneError::system(&root))
}

/// Looks whether the host has the packages that are chosen to be kept, and knows the overlays that are added.
pub(super) fn look_at_choice(
    overlays: &[OverlayName],
    added: &[OverlayName],
    packages: &[String],
    problems: &mut Problems,
) -> Result<(), ZoneError> {
    if overlays.is_empty() && added.is_empty() && packages.is_empty() {
        return Ok(());
    }
    let tree = here()?;
    let known = Overlays::read(tree.dir()).map_err(ZoneError::packages)?;
    for name in added.iter().filter(|name| known.get(name).is_none()) {
        problems.push(format!("there is no overlay `{name}`; `zap list-overlays` names them"));
    }
    for name in overlays.iter().filter(|name| known.get(name).is_some_and(|overlay| !overlay.installed)) {
        problems.push(format!("overlay `{name}` is not installed on this host; give -O {name} to add it"));
    }
    let aliases = Aliases::read(tree.dir()).map_err(ZoneError::packages)?;
    let refuse = |error: String| ZoneError::Refused(error);
    let image = Image::open(&host::place("/")).map_err(|error| refuse(error.to_string()))?;
    let database = image.contents().map_err(|error| refuse(error.to_string()))?;
    let installed = populate::packages(&database);
    let overlay = |name: &OverlayName| Wanted { overlays: vec![name.clone()], ..Wanted::default() };
    let package = |name: &String| Wanted { packages: vec![name.clone()], ..Wanted::default() };
    for wanted in overlays.iter().map(overlay).chain(packages.iter().map(package)) {
        if let Err(unknown) = Kept::resolve(&wanted, &known, &aliases, &installed) {
            problems.push(unknown.to_string());
        }
    }
    Ok(())
}

fn unexpected(command: &str, text: &str) -> ZoneError {
    let text: String = text.chars().take(80).collect();
    ZoneError::Refused(format!("`{command}` printed what cannot be understood: `{}`", text.escape_debug()))
}

/// The name under which zonecfg(8) knows a template.
pub(super) fn template_file(name: &TemplateName) -> String {
    format!("TRIBtemplate-{name}")
}
