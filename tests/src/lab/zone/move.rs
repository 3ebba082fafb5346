//! `move` (section 5).

use std::fs;
use std::path::Path;

use super::host::must_run;
use super::zoneadm::Adm;
use super::{Context, Done, fail, index, mounts, verify, zonepath};

/// `move newpath`.
pub(super) fn r#move(adm: &mut Adm) -> Done {
    let [new] = adm.arguments.as_slice() else { return adm.usage() };
    let new = new.clone();
    adm.sanity(false, false)?;
    verify::details(adm)?;
    let (from, to) = (Path::new(&adm.zonepath).to_owned(), Path::new(&new));
    zonepath::validate(adm, to)?;
    if fs::read_dir(to).during(to.display())?.next().is_some() {
        return fail(format!("{new} is not empty."));
    }
    adm.lock()?;
    let lab = adm.host.lab.clone();
    let root = from.join("root");
    if mounts::below(&lab, &from).iter().any(|path| Path::new(path) != root) {
        return fail(format!("file systems are mounted below {}.", from.display()));
    }
    let mounted = mounts::on(&lab, &root);
    if mounted.is_some() {
        mounts::remove(&lab, &root.display().to_string())?;
    }
    fs::remove_dir(to).during(to.display())?;
    match mounts::dataset_on(&lab, &from) {
        Some(dataset) => drop(must_run(&lab, "zfs", &["set", &format!("mountpoint={new}"), &dataset])?),
        None => fs::rename(&from, to).during(to.display())?,
    }
    if let Some(mut mount) = mounted {
        mount.directory = to.join("root").display().to_string();
        mounts::add(&lab, &mount)?;
    }
    let mut config = adm.config()?;
    config.zone.set("zonepath", &new);
    config.save(&adm.host.xml(&adm.zone))?;
    index::put(&adm.host, &adm.zone, &adm.zone, &new)
}
