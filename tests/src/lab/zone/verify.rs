//! verify_details: what a configuration must be for a zone to be worked on (section 5).

use std::fs;
use std::path::Path;

use super::config::{Config, Element};
use super::host::{own_command, run_own};
use super::index::State;
use super::zoneadm::Adm;
use super::{Done, silent, zonepath};

/// `verify`.
pub(super) fn verify(adm: &Adm) -> Done {
    adm.sanity(true, false)?;
    details(adm)
}

/// All problems are told before the command fails.
pub(super) fn details(adm: &Adm) -> Done {
    let config = adm.config()?;
    let mut failed = false;
    let mut problem = |message: String| {
        adm.say(&message);
        failed = true;
    };
    let expected = adm.host.altroot.as_ref().map_or(String::new(), |root| root.display().to_string());
    if format!("{expected}{}", config.zonepath()) != adm.zonepath {
        problem("the zonepath of the index and of the configuration differ.".into());
    }
    if adm.command != "attach"
        && let Err(error) = zonepath::validate(adm, Path::new(&adm.zonepath))
    {
        problem(error.message);
    }
    networks(&config).into_iter().for_each(&mut problem);
    for element in config.zone.all("filesystem") {
        if let Err(message) = filesystem(adm, element) {
            problem(format!("could not verify fs {}: {message}", element.text("directory")));
        }
    }
    if let Err(error) = adm.verify_adm() {
        problem(if error.message.is_empty() { "brand-specific verification failed".into() } else { error.message });
    }
    for element in config.zone.all("dataset") {
        if let Err(message) = delegated(adm, element.text("name")) {
            problem(format!("could not verify zfs dataset {}: {message}", element.text("name")));
        }
    }
    if let Err(name) = super::zonecfg::check_privileges(&config, &adm.brand) {
        problem(format!(
            "privilege \"{name}\" is not permitted within the zone's privilege set, or is missing from it"
        ));
    }
    if failed { silent() } else { Ok(()) }
}

fn networks(config: &Config) -> Vec<String> {
    if config.exclusive() {
        return Vec::new();
    }
    let bad = |net: &&Element| !super::zonecfg::is_address(net.text("address"));
    let nets = config.zone.all("network").filter(bad);
    nets.map(|net| format!("could not verify net address={} physical={}", net.text("address"), net.text("physical")))
        .collect()
}

fn filesystem(adm: &Adm, element: &Element) -> Result<(), String> {
    let (kind, special, raw) = (element.text("type"), element.text("special"), element.text("raw"));
    if ["proc", "mntfs", "autofs"].contains(&kind) || kind.starts_with("nfs") {
        return Err(format!("cannot specify type {kind}"));
    }
    let helpers = adm.host.lab.place("usr/lib/fs").join(kind);
    if !fs::metadata(helpers.join("mount")).is_ok_and(|found| found.is_file()) {
        return Err(format!("no /usr/lib/fs/{kind}/mount"));
    }
    let checked = helpers.join("fsck").exists();
    let found = source(adm, special);
    if checked && raw.is_empty() && !fs::metadata(&found).is_ok_and(|found| found.is_file()) {
        return Err("must specify 'raw' device for this type".into());
    }
    if !checked && !raw.is_empty() {
        return Err("must not specify 'raw' device for this type".into());
    }
    if kind == "zfs" {
        return dataset_for_fs(adm, special);
    }
    if !special.starts_with('/') || fs::metadata(&found).is_err() {
        return if kind == "tmpfs" || special == "swap" { Ok(()) } else { Err(format!("could not access {special}")) };
    }
    Ok(())
}

/// Where a path of the global zone is: a real path below the lab's root, or one that is taken to start there.
pub(super) fn source(adm: &Adm, special: &str) -> std::path::PathBuf {
    let lab = &adm.host.lab;
    if Path::new(special).starts_with(lab.root()) { special.into() } else { lab.place(special) }
}

fn dataset_for_fs(adm: &Adm, dataset: &str) -> Result<(), String> {
    let (kind, _) = property(adm, "type", dataset)?;
    let (mountpoint, _) = property(adm, "mountpoint", dataset)?;
    match (kind.as_str(), mountpoint.as_str()) {
        ("filesystem", "legacy") => Ok(()),
        ("filesystem", _) => Err("zfs 'mountpoint' property is not \"legacy\"".into()),
        _ => Err("not a file system".into()),
    }
}

/// A delegated dataset exists and does not inherit its mountpoint.
fn delegated(adm: &Adm, dataset: &str) -> Result<(), String> {
    if own_command(&adm.host.lab, "zfs").is_none() {
        return Ok(());
    }
    let (_, source) = property(adm, "mountpoint", dataset)?;
    if source.starts_with("inherited") { Err("mountpoint cannot be inherited".into()) } else { Ok(()) }
}

/// A property of a dataset, and where it comes from.
fn property(adm: &Adm, name: &str, dataset: &str) -> Result<(String, String), String> {
    let arguments = ["get", "-H", "-o", "value,source", name, dataset];
    match run_own(&adm.host.lab, "zfs", &arguments) {
        None => Err("there is no ZFS".into()),
        Some(Err(error)) => Err(error.message),
        Some(Ok(done)) if !done.status.success() => Err("no such dataset".into()),
        Some(Ok(done)) => {
            let text = String::from_utf8_lossy(&done.stdout).into_owned();
            let (value, source) = text.trim_end().split_once('\t').unwrap_or((text.trim_end(), ""));
            Ok((value.to_owned(), source.to_owned()))
        }
    }
}

/// Whether the zone is known, but has not been installed.
pub(super) fn is_configured(adm: &Adm) -> bool {
    adm.state().is_ok_and(|state| state == State::Configured)
}
