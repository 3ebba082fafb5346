//! `clone` (section 5).

use std::path::Path;
use std::process::Command;

use super::config::Config;
use super::getopt::{Opt, getopt};
use super::hooks::OK;
use super::host::run_own;
use super::index::{self, State};
use super::zoneadm::{Adm, ending};
use super::{Context, Done, fail, kernel, mounts, silent, verify};

/// `clone [-m copy] [-s snap] [args] source`.
pub(super) fn clone(adm: &mut Adm) -> Done {
    let (options, next) = getopt(&adm.arguments, "?m:s:");
    if options.contains(&Opt::Known('?', None)) {
        return adm.usage();
    }
    let copy = match options.iter().find_map(|option| match option {
        Opt::Known('m', Some(method)) => Some(method.as_str()),
        _ => None,
    }) {
        None => false,
        Some("copy") => true,
        Some(_) => return adm.usage(),
    };
    let [source] = &adm.arguments[next..] else { return adm.usage() };
    let source = source.clone();
    adm.sanity(false, false)?;
    verify::details(adm)?;
    let from = check_source(adm, &source)?;
    adm.lock()?;
    adm.set_state(State::Incomplete)?;
    match adm.hook("clone", &adm.argv())? {
        Some(OK) => {}
        Some(status) => return adm.refused(status),
        None => built_in(adm, &from, copy)?,
    }
    match adm.hook("postclone", &adm.argv())? {
        None | Some(OK) => adm.set_state(State::Installed),
        Some(_) => silent(),
    }
}

/// The source is of the same brand, installed and at rest; gives its zonepath.
fn check_source(adm: &Adm, source: &str) -> Done<String> {
    if source == "global" || source.starts_with("SUNW") {
        return fail(format!("clone operation is invalid for {source}."));
    }
    let Some(entry) = index::find(&adm.host, source)? else {
        return fail(format!("source zone {source}: No such zone configured"));
    };
    if kernel::state(&adm.host.lab, source).is_some() || entry.state != State::Installed {
        return fail(format!("source zone {source} must be installed and halted."));
    }
    if Config::read(&adm.host.xml(source))?.brand() != adm.brand.name {
        return fail("cannot clone zones of different brands.");
    }
    Ok(entry.zonepath)
}

/// A snapshot and a clone of it; or a copy.
fn built_in(adm: &Adm, from: &str, copy: bool) -> Done {
    let lab = &adm.host.lab;
    let path = Path::new(&adm.zonepath);
    let above = path.parent().and_then(|parent| mounts::dataset_on(lab, parent));
    if let (false, Some(theirs), Some(above)) = (copy, mounts::dataset_on(lab, Path::new(from)), above) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let snapshot = snapshot(adm, &theirs)?;
        let target = format!("{above}/{name}");
        let arguments = ["clone", "-o", "sharenfs=off", "-o", "sharesmb=off", &snapshot, &target];
        if let Some(done) = run_own(lab, "zfs", &arguments)
            && done?.status.success()
        {
            return Ok(());
        }
    }
    super::zonepath::create_dataset(adm)?;
    let ended = Command::new("/bin/cp").arg("-a").arg(format!("{from}/.")).arg(path).status().during("cp")?;
    if ended.success() { Ok(()) } else { fail(format!("the copy failed: {}", ending(ended))) }
}

/// The first name `@SUNWzoneN` that is free.
fn snapshot(adm: &Adm, dataset: &str) -> Done<String> {
    if !matches!(adm.hook("presnap", "")?, None | Some(OK)) {
        return silent();
    }
    for number in 1..100 {
        let name = format!("{dataset}@SUNWzone{number}");
        match run_own(&adm.host.lab, "zfs", &["snapshot", &name]) {
            None => break,
            Some(done) => {
                if done?.status.success() {
                    return Ok(name);
                }
            }
        }
    }
    fail(format!("{dataset}: no snapshot could be made"))
}
