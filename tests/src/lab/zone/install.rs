//! `install` and `uninstall` (section 5).

use std::io::{BufRead, IsTerminal, stdin};
use std::path::Path;

use super::getopt::{Opt, getopt};
use super::hooks::{NOT_COMPLETE, OK, USAGE};
use super::index::State;
use super::zoneadm::Adm;
use super::{Done, fail, kernel, mounts, silent, verify, zonepath};

/// `install`.
pub(super) fn install(adm: &mut Adm) -> Done {
    let (line, help) = options(adm);
    if help {
        adm.print_usage();
        return match adm.hook("install", " -?")? {
            Some(OK) => Ok(()),
            _ => silent(),
        };
    }
    adm.sanity(false, false)?;
    verify::details(adm)?;
    adm.lock()?;
    adm.set_state(State::Incomplete)?;
    zonepath::create_dataset(adm)?;
    match adm.hook("install", &line)? {
        Some(OK) => {}
        Some(USAGE) => {
            adm.print_usage();
            return silent();
        }
        Some(NOT_COMPLETE) => return back_to_configured(adm),
        _ => return silent(),
    }
    adm.set_state(State::Installed)?;
    match adm.hook("postinstall", &line)? {
        None | Some(OK) => Ok(()),
        Some(NOT_COMPLETE) => back_to_configured(adm),
        Some(_) => {
            adm.set_state(State::Incomplete)?;
            silent()
        }
    }
}

fn back_to_configured(adm: &Adm) -> Done {
    zonepath::clean_up(adm, Path::new(&adm.zonepath))?;
    adm.set_state(State::Configured)?;
    silent()
}

/// The options, put together again: arguments are glued to their letters. And whether `-?` is among them.
fn options(adm: &Adm) -> (String, bool) {
    let known = format!("?x:{}", adm.brand.text("installopts").unwrap_or_default());
    let (found, next) = getopt(&adm.arguments, &known);
    let (mut line, mut help) = (String::new(), false);
    for option in found {
        match option {
            Opt::Known('?', _) => help = true,
            Opt::Known(letter, argument) => {
                line.extend([" -", &letter.to_string(), argument.as_deref().unwrap_or_default()]);
            }
            Opt::Unknown(letter) => line.extend([" -", &letter.to_string()]),
        }
    }
    for operand in &adm.arguments[next..] {
        line.extend([" ", operand]);
    }
    (line, help)
}

/// `uninstall [-F] [args]`.
pub(super) fn uninstall(adm: &mut Adm) -> Done {
    let (options, _) = getopt(&adm.arguments, "?F");
    if options.contains(&Opt::Known('?', None)) {
        return adm.usage();
    }
    adm.sanity(false, false)?;
    adm.verify_adm()?;
    if !options.contains(&Opt::Known('F', None)) && !sure(adm)? {
        return Ok(());
    }
    adm.lock()?;
    // Asked again under the lock: somebody may have booted it.
    if kernel::state(&adm.host.lab, &adm.zone).is_some() {
        return fail("uninstall operation is invalid for active zones.");
    }
    let root = Path::new(&adm.zonepath).join("root");
    let below = mounts::below(&adm.host.lab, &root);
    if let Some(first) = below.first() {
        adm.say(&format!("These file systems are mounted on subdirectories of {}: {first}", root.display()));
        return silent();
    }
    if let Some(status) = adm.hook("preuninstall", &adm.argv())?
        && status != OK
    {
        return adm.refused(status);
    }
    adm.set_state(State::Incomplete)?;
    match adm.hook("uninstall", &adm.argv())? {
        Some(OK) => {}
        Some(status) => return adm.refused(status),
        None => zonepath::clean_up(adm, Path::new(&adm.zonepath))?,
    }
    adm.set_state(State::Configured)
}

/// Asks, which takes a terminal.
fn sure(adm: &Adm) -> Done<bool> {
    if !stdin().is_terminal() {
        return fail("Input not from terminal and -F not specified: uninstall refused.");
    }
    eprint!("Are you sure you want to uninstall zone {} (y/[n])? ", adm.zone);
    let mut answer = String::new();
    let _ = stdin().lock().read_line(&mut answer);
    Ok(answer.starts_with(['y', 'Y']))
}
