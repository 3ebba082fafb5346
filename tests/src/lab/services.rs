//! A stand-in for svccfg(8).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::Lab;
use super::zfs::{Done, conclude, misused, options, refused, words};

/// `svccfg`: `import FILE...`, `repository FILE`, `-f SCRIPT` with these. The repository is the one that
/// `$SVCCFG_REPOSITORY` or `repository` names; without one it is the host's own. It is a text that
/// names what was imported. Source: svccfg(8), and how `usr/src/cmd/svc/seed` of illumos-gate uses it.
pub(super) fn svccfg(lab: &Lab, arguments: &[OsString]) -> u8 {
    let mut repository = std::env::var_os("SVCCFG_REPOSITORY").map(PathBuf::from);
    conclude(lab, |host| {
        if host.state.services_broken {
            return Err(refused("svccfg: Could not connect to repository server: No such file or directory."));
        }
        let words = words(arguments)?;
        let options = options(&words, "vf:s:")?;
        let Some(script) = options.get('f') else {
            return perform(lab, &mut repository, &options.operands);
        };
        let text = fs::read_to_string(script);
        let text = text.map_err(|_| refused(format!("svccfg: Could not open file \"{script}\".")))?;
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            perform(lab, &mut repository, &words)?;
        }
        Ok(())
    })
}

fn perform(lab: &Lab, repository: &mut Option<PathBuf>, words: &[String]) -> Done {
    match words {
        [verb, file] if verb == "repository" => {
            *repository = Some(file.into());
            Ok(())
        }
        [verb, files @ ..] if verb == "import" && !files.is_empty() => {
            let own = lab.place("/etc/svc/repository.db");
            let into = repository.clone().unwrap_or(own);
            let files = files.iter().filter(|word| !matches!(word.as_str(), "-V" | "-p" | "-"));
            let mut manifests = Vec::new();
            files.map(Path::new).try_for_each(|path| collect(path, &mut manifests))?;
            import(&into, &manifests)
        }
        [] => Err(misused("svccfg: the lab does not read commands from standard input")),
        [verb, ..] => Err(refused(format!("svccfg: the lab does not know `{verb}`"))),
    }
}

/// The manifests that a path stands for: itself, or all below it.
fn collect(path: &Path, into: &mut Vec<PathBuf>) -> Done {
    if !path.is_dir() {
        into.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|error| refused(error.to_string()))?;
    let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    below.sort();
    let wanted = |path: &PathBuf| path.is_dir() || path.extension().is_some_and(|end| end == "xml");
    below.iter().filter(|path| wanted(path)).try_for_each(|path| collect(path, into))
}

/// Imports. Of several, one that is refused does not end it, and the exit status is 0 all the same.
/// Source: `engine_import()` of illumos-gate.
fn import(repository: &Path, manifests: &[PathBuf]) -> Done {
    let mut failed = 0;
    for path in manifests {
        match import_one(repository, path) {
            Err(_) if manifests.len() > 1 => failed += 1,
            done => done?,
        }
    }
    if failed > 0 {
        eprintln!("svccfg: {failed} smf(7) service descriptions failed to load");
    }
    Ok(())
}

/// Adds the services of a manifest and, where checksums are asked for, the path of the manifest in the root
/// that is told.
fn import_one(repository: &Path, path: &Path) -> Done {
    let text = fs::read_to_string(path);
    let text = text.map_err(|_| refused(format!("svccfg: couldn't parse document: {}", path.display())))?;
    let whole = text.trim_end().ends_with("</service_bundle>") || text.trim_end().ends_with("/>");
    if !text.contains("<service_bundle") || !whole {
        return Err(refused(format!("svccfg: couldn't parse document: {}", path.display())));
    }
    let services = text.split("<service").skip(1).filter_map(|part| {
        let start = part.strip_prefix(char::is_whitespace)?.split('>').next()?;
        start.split("name=").nth(1)?.split(['\'', '"']).nth(1)
    });
    let held = fs::read_to_string(repository).unwrap_or_else(|_| "SMF repository of the lab\n".to_owned());
    let mut held: Vec<String> = held.lines().map(str::to_owned).collect();
    let mut lines: Vec<String> = services.map(|service| format!("service {service}")).collect();
    if std::env::var_os("SVCCFG_CHECKHASH").is_some() {
        let root = std::env::var_os("PKG_INSTALL_ROOT").unwrap_or_default();
        let path = path.strip_prefix(root).unwrap_or(path);
        lines.push(format!("manifest /{}", path.display()));
    }
    for line in lines {
        if !held.contains(&line) {
            held.push(line);
        }
    }
    let text = held.join("\n") + "\n";
    fs::write(repository, text).map_err(|error| refused(format!("svccfg: {}: {error}", repository.display())))
}
