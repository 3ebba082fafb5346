//! Stand-ins for pkgadm(8) and zap(1).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Lab;
use super::zfs::{conclude, misused, operands, options, refused, words};

/// `pkgadm sync [-R ROOT] [-q]`. Source: section 1 of the facts of the reference.
pub(super) fn pkgadm(lab: &Lab, arguments: &[OsString]) -> u8 {
    conclude(lab, |_| {
        let words = words(arguments)?;
        let Some(("sync", rest)) = words.split_first().map(|(verb, rest)| (verb.as_str(), rest)) else {
            return Err(misused("pkgadm: the lab knows sync alone"));
        };
        let options = options(rest, "R:q")?;
        let [] = operands(&options, [])?;
        match options.get('R') {
            Some(root) if !Path::new(root).is_dir() => Err(refused(format!("pkgadm: ERROR: {root} is no directory"))),
            _ => Ok(()),
        }
    })
}

/// What packages have that programs of zonekit look for: executables, and an account.
const CONTENT: [(&str, &str, &str); 3] = [
    ("TRIBnet-ipfilter", "usr/sbin/ipnat", ""),
    ("TRIBdnsmasq", "usr/sbin/dnsmasq", "dnsmasq:x:87:87:dnsmasq:/:/bin/false\n"),
    ("TRIBblix-haproxy2", "opt/tribblix/haproxy/sbin/haproxy", ""),
];

/// `zap install-pkg -R ROOT NAME` and `zap install-overlay -R ROOT NAME`: adds a line to
/// `ROOT/var/sadm/install/zap-calls`, and what [`CONTENT`] says. Source: section 2 of the facts of the reference.
pub(super) fn zap(lab: &Lab, arguments: &[OsString]) -> u8 {
    conclude(lab, |_| {
        let words = words(arguments)?;
        let Some((verb, rest)) = words.split_first() else { return Err(misused("zap: missing subcommand")) };
        if !matches!(verb.as_str(), "install-pkg" | "install-overlay") {
            return Err(misused(format!("zap: the lab does not know `{verb}`")));
        }
        let options = options(rest, "R:")?;
        let root = PathBuf::from(options.get('R').ok_or_else(|| misused("zap: missing -R"))?);
        if options.operands.is_empty() {
            return Err(misused("zap: missing name"));
        }
        let place = root.join("var/sadm/install");
        let line = format!("{verb} {}\n", options.operands.join(" "));
        let wrong = |error: std::io::Error| refused(format!("zap: {}: {error}", place.display()));
        fs::create_dir_all(&place).map_err(wrong)?;
        let mut file = File::options().create(true).append(true).open(place.join("zap-calls")).map_err(wrong)?;
        file.write_all(line.as_bytes()).map_err(wrong)?;
        let names = |package: &str| options.operands.iter().any(|operand| operand == package);
        for (_, program, account) in CONTENT.iter().filter(|(package, ..)| names(package)) {
            deliver(&root, program, account).map_err(wrong)?;
        }
        Ok(())
    })
}

fn deliver(root: &Path, program: &str, account: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let place = root.join(program);
    fs::create_dir_all(place.parent().unwrap_or(root))?;
    fs::write(&place, program)?;
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
    let passwd = root.join("etc/passwd");
    File::options().create(true).append(true).open(passwd)?.write_all(account.as_bytes())
}
