//! What zonecfg(8) is told about a zone.

use std::path::{Path, PathBuf};

use crate::config::Network;
use crate::config::command::{Begin, CommandError, Commands, MADE};
use crate::host;
use crate::net::files::cloud_init;

use super::accounts::Account;
use super::check::{USUAL_FIRMWARE, template_file};
use super::record::Share;
use super::request::Request;
use super::seed::CDROMS;
use super::{Kind, ZoneError};

/// The packages that the distribution's installer keeps, which zones of the host can use too.
const CACHE: &str = "/var/zap/cache";
const CACHE_IN_ZONE: &str = "/var/zap/global-cache";

/// What the configuration of one zone is made from.
pub(super) struct Configuration<'c> {
    pub(super) request: &'c Request,
    pub(super) zonepath: &'c Path,
    /// Which operation makes it.
    pub(super) operation: &'c str,
    pub(super) networks: &'c [Network],
    pub(super) shares: &'c [Share],
    pub(super) datasets: &'c [String],
    pub(super) accounts: &'c [Account],
    /// Disks of a machine, the first of which it boots.
    pub(super) volumes: &'c [String],
    /// Attributes of the network of a system that does not read files.
    pub(super) attributes: &'c [(&'static str, String)],
}

impl Configuration<'_> {
    /// The file of commands.
    pub(super) fn commands(&self) -> Result<Commands, ZoneError> {
        let mut commands = self.begin()?;
        let request = self.request;
        commands.set("autoboot", if request.autoboot { "true" } else { "false" })?;
        // Before any network: what one may say depends on it.
        commands.set("ip-type", if request.is_exclusive() { "exclusive" } else { "shared" })?;
        let networks = if request.kind == Kind::Bhyve { of_machine(self.networks) } else { self.networks.to_vec() };
        for network in &networks {
            let mut properties = vec![("physical", network.physical.as_str())];
            properties.extend(network.address.as_deref().map(|address| ("address", address)));
            properties.extend(network.allowed_address.as_deref().map(|address| ("allowed-address", address)));
            properties.extend(network.defrouter.as_deref().map(|router| ("defrouter", router)));
            commands.add("net", &properties)?;
        }
        self.mounts(&mut commands)?;
        for dataset in self.datasets {
            commands.add("dataset", &[("name", dataset)])?;
        }
        for account in self.accounts {
            commands.add("admin", &[("user", account.name.as_str()), ("auths", "manage")])?;
        }
        for (name, value) in self.attributes {
            commands.attr(name, value)?;
        }
        match request.kind {
            Kind::Bhyve => self.machine(&mut commands)?,
            _ => self.limits(&mut commands)?,
        }
        Ok(commands)
    }

    fn begin(&self) -> Result<Commands, CommandError> {
        let request = self.request;
        let template = request.template.as_ref().map(template_file);
        let template = template.as_deref().or(request.kind.template());
        let mut commands = Commands::create(template.map_or(Begin::Blank, Begin::Template))?;
        if template.is_none() {
            commands.set("brand", request.kind.brand())?;
        }
        commands.set("zonepath", &self.zonepath.to_string_lossy())?;
        // Before anything that could be refused: a configuration that was half saved has to say whose it is.
        commands.attr(MADE, self.operation)?;
        Ok(commands)
    }

    fn mounts(&self, commands: &mut Commands) -> Result<(), CommandError> {
        let cache = host::place(CACHE);
        if self.request.kind.is_ours() && cache.is_dir() {
            commands.lofs(CACHE_IN_ZONE, &cache.to_string_lossy(), &["ro", "nodevices"])?;
        }
        for share in self.shares {
            let options: &[&str] = if share.read_only { &["ro", "nodevices"] } else { &["nodevices"] };
            commands.lofs(&share.directory.to_string_lossy(), &share.special.to_string_lossy(), options)?;
        }
        Ok(())
    }

    fn limits(&self, commands: &mut Commands) -> Result<(), CommandError> {
        if let Some(memory) = self.request.memory {
            commands.add("capped-memory", &[("physical", &memory.to_string())])?;
        }
        if let Some(cpus) = &self.request.cpus {
            commands.add("capped-cpu", &[("ncpus", cpus.as_str())])?;
        }
        Ok(())
    }

    /// Attributes of a virtual machine. Source: bhyve(7).
    fn machine(&self, commands: &mut Commands) -> Result<(), CommandError> {
        let request = self.request;
        const DISKS: [&str; 8] = ["bootdisk", "disk0", "disk1", "disk2", "disk3", "disk4", "disk5", "disk6"];
        for (attribute, volume) in DISKS.iter().zip(self.volumes) {
            commands.add("device", &[("match", &format!("/dev/zvol/rdsk/{volume}"))])?;
            commands.attr(attribute, volume)?;
        }
        if let Some(image) = &request.image {
            let image = image.to_string_lossy();
            commands.lofs(&image, &image, &["ro", "nodevices"])?;
            commands.attr(CDROMS[0], &image)?;
        }
        if request.cloud_init_iso {
            // What boots a CD boots the first one.
            let name = CDROMS[usize::from(request.image.is_some())];
            commands.attr(name, &format!("/{}", cloud_init::IMAGE))?;
        }
        let firmware = request.firmware.as_ref().map_or(USUAL_FIRMWARE, |firmware| firmware.as_str());
        for (name, value) in [("vnc", "on"), ("bootrom", firmware), ("acpi", "off")] {
            commands.attr(name, value)?;
        }
        const TAGS: [&str; 16] = [
            "virtfs0", "virtfs1", "virtfs2", "virtfs3", "virtfs4", "virtfs5", "virtfs6", "virtfs7", "virtfs8",
            "virtfs9", "virtfs10", "virtfs11", "virtfs12", "virtfs13", "virtfs14", "virtfs15",
        ];
        for ((number, attribute), share) in TAGS.iter().enumerate().zip(self.shares) {
            let read_only = if share.read_only { ",ro" } else { "" };
            commands.attr(attribute, &format!("bhyvefs{number},{}{read_only}", share.directory.display()))?;
        }
        if let Some(memory) = request.memory {
            commands.attr("ram", &memory.to_string())?;
        }
        if let Some(cpus) = &request.cpus {
            commands.attr("vcpus", cpus.as_str())?;
        }
        Ok(())
    }
}

/// The networks of a machine. Its brand makes an interface of each, so a link with two addresses is one network, which
/// cannot be bound to both. Source: `/usr/lib/brand/bhyve/init`, or `boot`; zonecfg(8), `allowed-address`.
pub(super) fn of_machine(networks: &[Network]) -> Vec<Network> {
    let mut merged: Vec<Network> = Vec::new();
    for network in networks {
        match merged.iter_mut().find(|known| known.physical == network.physical) {
            Some(known) => (known.allowed_address, known.defrouter) = (None, None),
            None => merged.push(network.clone()),
        }
    }
    merged
}

/// Most disks and shared directories that a machine can be told of.
pub(super) const MOST_DISKS: usize = 8;
/// See [`MOST_DISKS`].
pub(super) const MOST_SHARES: usize = 16;

/// What zones of a request share, for one of them.
pub(super) fn shares(request: &Request, data: &Path, accounts: &[Account]) -> Vec<Share> {
    let below = |directory: &PathBuf| data.join(directory.strip_prefix("/").unwrap_or(directory));
    let same =
        |directory: &PathBuf, read_only| Share { directory: directory.clone(), special: directory.clone(), read_only };
    let made = request.directories.iter().map(|directory| Share {
        directory: directory.clone(),
        special: below(directory),
        read_only: false,
    });
    let homes = accounts.iter().map(|account| Share {
        directory: account.home.clone(),
        special: host::place(&account.home.to_string_lossy()),
        read_only: false,
    });
    made.chain(request.read_write.iter().map(|path| same(path, false)))
        .chain(request.read_only.iter().map(|path| same(path, true)))
        .chain(homes)
        .collect()
}

#[cfg(test)]
#[path = "configuration_tests.rs"]
mod tests;
