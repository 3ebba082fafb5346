//! `attach` and `detach` (section 5).

use std::fs;
use std::io::{Read, stdin};
use std::path::Path;

use super::brand::Brand;
use super::config::Config;
use super::getopt::{Opt, getopt};
use super::hooks::{Call, OK, Signals};
use super::host::{Host, print, replace};
use super::index::State;
use super::zoneadm::Adm;
use super::{Context, Done, fail, mounts, silent, verify, zonepath};

const OPTIONS: &str = "?Fn:U";
const DETACHED: &str = "SUNWdetached.xml";
const ATTACHED: &str = "SUNWattached.xml";

fn asked_for(arguments: &[String], wanted: char) -> bool {
    let (options, _) = getopt(arguments, OPTIONS);
    options.iter().any(|option| matches!(option, Opt::Known(letter, _) if *letter == wanted))
}

/// Whether `-n` was given, for which no zone need exist.
pub(super) fn is_dry_run(arguments: &[String]) -> bool {
    asked_for(arguments, 'n') && !asked_for(arguments, '?')
}

/// `attach -n path|-`: the brand comes out of the manifest, zone and zonepath are `-`.
pub(super) fn dry_run(host: &Host, arguments: &[String], signals: Signals) -> Done {
    if asked_for(arguments, 'F') {
        return fail("-F and -n can not be specified together.");
    }
    let (options, _) = getopt(arguments, OPTIONS);
    let found = options.into_iter().find_map(|option| match option {
        Opt::Known('n', Some(path)) => Some(path),
        _ => None,
    });
    let Some(path) = found else { return fail("-n needs a path.") };
    let mut text = String::new();
    if path == "-" {
        stdin().read_to_string(&mut text).during("standard input")?;
    } else {
        text = fs::read_to_string(Path::new("/").join(&path)).during(&path)?;
    }
    let config = Config::parse(&text)?;
    let Some(brand) = Brand::open(&host.lab, config.brand()) else { return fail("missing or invalid brand") };
    let copy = host.place(&format!("var/run/zone.{}", std::process::id()));
    if let Some(parent) = copy.parent() {
        fs::create_dir_all(parent).during(parent.display())?;
    }
    replace(&copy, &text)?;
    let argv = replaced(arguments, &path, &copy.display().to_string());
    for (hook, word) in [("verify_adm", "attach"), ("attach", "")] {
        let Some(line) = brand.line(hook, "-", "-") else { continue };
        let (lab, line) = (&host.lab, format!("{line}{word}{argv}"));
        let status = Call { lab, zone: "-", hook, line, state: State::Configured, held: false }.run(&signals)?;
        if status != OK {
            return silent();
        }
    }
    fs::remove_file(&copy).during(copy.display())
}

/// The words with the path of the manifest replaced; `-U` becomes `-u`.
fn replaced(arguments: &[String], path: &str, copy: &str) -> String {
    let word = |word: &String| {
        if word == path {
            copy.to_owned()
        } else if word.strip_prefix("-n").is_some_and(|rest| rest == path) {
            format!("-n{copy}")
        } else {
            word.clone()
        }
    };
    arguments.iter().map(word).fold(String::new(), |line, word| line + " " + &word)
}

/// `attach [-F] [-U|-u]`.
pub(super) fn attach(adm: &mut Adm) -> Done {
    if asked_for(&adm.arguments, '?') {
        return adm.usage();
    }
    let (force, update) = (asked_for(&adm.arguments, 'F'), asked_for(&adm.arguments, 'U'));
    for word in adm.arguments.iter_mut().filter(|word| *word == "-U") {
        "-u".clone_into(word);
    }
    adm.sanity(false, update)?;
    verify::details(adm)?;
    adm.lock()?;
    if force {
        return forced(adm);
    }
    if let Some(status) = adm.hook("attach", &adm.argv())?
        && status != OK
    {
        return adm.refused(status);
    }
    let path = Path::new(&adm.zonepath).to_owned();
    zonepath::validate(adm, &path)?;
    for name in [DETACHED, ATTACHED] {
        zonepath::remove(&path.join(name))?;
    }
    adm.set_state(State::Installed)?;
    adm.unlock();
    match adm.hook("postattach", &adm.argv())? {
        None | Some(OK) => Ok(()),
        // The exit status is that of this update.
        Some(_) => adm.set_state(State::Configured),
    }
}

/// No hook is run.
fn forced(adm: &Adm) -> Done {
    let path = Path::new(&adm.zonepath);
    zonepath::validate(adm, path)?;
    if path.join(DETACHED).exists() {
        fs::rename(path.join(DETACHED), path.join(ATTACHED)).during(path.display())?;
    }
    adm.set_state(State::Installed)
}

/// `detach [-n]`.
pub(super) fn detach(adm: &mut Adm) -> Done {
    let (options, _) = getopt(&adm.arguments, "?n");
    if options.contains(&Opt::Known('?', None)) {
        return adm.usage();
    }
    let dry = options.contains(&Opt::Known('n', None));
    if !dry {
        adm.sanity(false, false)?;
        verify::details(adm)?;
        adm.lock()?;
    }
    for hook in ["predetach", "detach"] {
        match adm.hook(hook, &adm.argv())? {
            Some(OK) => {}
            Some(status) => return adm.refused(status),
            None if hook == "detach" => write_manifest(adm, dry)?,
            None => {}
        }
    }
    if dry { Ok(()) } else { adm.set_state(State::Configured) }
}

/// The built-in manifest.
fn write_manifest(adm: &Adm, dry: bool) -> Done {
    let path = Path::new(&adm.zonepath);
    if !dry && let Some(first) = mounts::below(&adm.host.lab, path).first() {
        return fail(format!("These file systems are mounted on subdirectories of {}: {first}", path.display()));
    }
    let text = adm.config()?.print("DO NOT EDIT THIS FILE.  It was written by zoneadm detach.");
    if dry {
        print(&text);
        return Ok(());
    }
    replace(&path.join(DETACHED), &text)
}
