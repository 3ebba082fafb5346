//! `ready`, `boot`, `halt`, `reboot`, `shutdown` and `sysboot` (section 5).

use super::getopt::{Opt, getopt};
use super::hooks::OK;
use super::index::State;
use super::zoneadm::Adm;
use super::zoneadmd::{Request, request};
use super::{Done, Failed, fail, kernel, verify};

/// Longest arguments of a boot, with their end.
const BOOT_ARGUMENTS: usize = 256;
/// Z_BRAND_ERROR, which sysboot passes on (section 1).
const BRAND_ERROR: u8 = 40;

/// `ready`.
pub(super) fn ready(adm: &mut Adm) -> Done {
    no_arguments(adm)?;
    adm.sanity(true, false)?;
    verify::details(adm)?;
    adm.lock()?;
    request(adm, Request::Ready)
}

/// `boot [-f] [-- args]`.
pub(super) fn boot(adm: &mut Adm) -> Done {
    let (options, next) = getopt(&adm.arguments, "?f");
    if options.iter().any(|option| *option != Opt::Known('f', None)) {
        return adm.usage();
    }
    let force = !options.is_empty();
    boot_arguments(&adm.arguments[next..])?;
    adm.sanity(true, force)?;
    verify::details(adm)?;
    adm.lock()?;
    request(adm, Request::Boot)
}

fn boot_arguments(words: &[String]) -> Done {
    let line = words.join(" ");
    if line.len() >= BOOT_ARGUMENTS {
        return fail("boot arguments are too long.");
    }
    Ok(())
}

/// `halt`. There is nothing to verify but what the brand wants to.
pub(super) fn halt(adm: &mut Adm) -> Done {
    no_arguments(adm)?;
    adm.sanity(true, false)?;
    adm.verify_adm()?;
    adm.lock()?;
    request(adm, Request::Halt)
}

/// `reboot [-- args]`.
pub(super) fn reboot(adm: &mut Adm) -> Done {
    let (options, next) = getopt(&adm.arguments, "?");
    if !options.is_empty() {
        return adm.usage();
    }
    boot_arguments(&adm.arguments[next..])?;
    adm.sanity(true, false)?;
    running(adm)?;
    verify::details(adm)?;
    adm.lock()?;
    request(adm, Request::Reboot)
}

/// `shutdown [-r]`: what runs inside the zone ends by asking the kernel for a halt or a reboot.
pub(super) fn shutdown(adm: &mut Adm) -> Done {
    let (options, _) = getopt(&adm.arguments, "?r");
    let again = options.contains(&Opt::Known('r', None));
    if options.iter().any(|option| *option != Opt::Known('r', None)) {
        return adm.usage();
    }
    adm.sanity(true, false)?;
    running(adm)?;
    adm.lock()?;
    request(adm, if again { Request::InsideReboot } else { Request::InsideHalt })
}

fn running(adm: &Adm) -> Done {
    match kernel::state(&adm.host.lab, &adm.zone) {
        Some(State::Running) => Ok(()),
        _ => fail("not running"),
    }
}

/// `sysboot`: the hook of that name, without the lock.
pub(super) fn sysboot(adm: &mut Adm) -> Done {
    adm.sanity(false, false)?;
    match adm.hook("sysboot", "")? {
        None | Some(OK) => Ok(()),
        Some(_) => Err(Failed { status: BRAND_ERROR, message: String::new() }),
    }
}

fn no_arguments(adm: &Adm) -> Done {
    if adm.arguments.is_empty() { Ok(()) } else { adm.usage() }
}
