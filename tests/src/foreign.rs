//! Brands of other makers, as far as making zones of them goes: alien-root, lx, solaris10 and bhyve.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests, which end by panics")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::lab::Lab;

/// A brand: its name, the template that zonecfg copies, the options of its install hook, and what its zones have.
type Foreign = (&'static str, Option<&'static str>, &'static str, &'static str);

const BRANDS: [Foreign; 4] = [
    ("alien-root", Some("TRIBalien"), "i:", "/etc/inet /etc/ssh"),
    ("lx", Some("SUNWlx"), "t:s:", "/etc"),
    ("solaris10", Some("SUNWsolaris10"), "a:d:su", "/etc/inet"),
    ("bhyve", None, "", "/"),
];

/// zoneadm(8) itself uninstalls such zones. `install` notes its arguments in `/.lab/installed`, refuses an image that is not there, and makes a root that boots.
const HOOK: &str = r#"#!/bin/sh
name=$1 zone=$2 root=$3/root
shift 3
case $name in
install)
    echo "$zone $*" >>LAB/.lab/installed
    for word in "$@"; do
        case $word in
        -[ita]/*) [ -e "${word#-?}" ] || { echo "no image ${word#-?}" >&2; exit 254; } ;;
        esac
    done
    for folder in FOLDERS /sbin; do mkdir -p "$root$folder"; done
    chmod 755 "$root"
    : >"$root/sbin/init" && chmod 755 "$root/sbin/init"
    echo 'root:x:0:0::/root:/bin/sh' >"$root/etc/passwd" 2>/dev/null
    for switch in conf files; do echo 'hosts: files' 2>/dev/null >"$root/etc/nsswitch.$switch"; done
    echo 'smf::sysinit:/lib/svc/bin/svc.startd' >"$root/etc/inittab" 2>/dev/null
    exit 0 ;;
query) printf - ;;
esac
exit 0
"#;

/// Gives a host these brands.
///
/// # Panics
/// It cannot be done.
pub fn install(lab: &Lab) {
    for (name, template, options, folders) in BRANDS {
        let folder = lab.place(&format!("/usr/lib/brand/{name}"));
        fs::create_dir_all(&folder).unwrap();
        let hook = folder.join("hook");
        let text = HOOK.replace("LAB", &lab.root().display().to_string()).replace("FOLDERS", folders);
        fs::write(&hook, text).unwrap();
        fs::set_permissions(&hook, Permissions::from_mode(0o755)).unwrap();
        let line = |word: &str| format!("<{word}>/usr/lib/brand/{name}/hook {word} %z %R</{word}>\n");
        let options =
            if options.is_empty() { String::new() } else { format!("<installopts>{options}</installopts>\n") };
        let config = format!(
            "<?xml version=\"1.0\"?>\n<!DOCTYPE brand SYSTEM \"file:///usr/share/lib/xml/dtd/brand.dtd.1\">\n\
             <brand name=\"{name}\">\n<initname>/sbin/init</initname>\n<login_cmd>l</login_cmd>\n\
             <forcedlogin_cmd>f</forcedlogin_cmd>\n<user_cmd>u</user_cmd>\n{}{options}{}\
             <privilege set=\"default\" name=\"sys_mount\"/>\n<privilege set=\"required\" name=\"proc_fork\"/>\n\
             </brand>\n",
            line("install"),
            line("query")
        );
        fs::write(folder.join("config.xml"), config).unwrap();
        let platform = format!(
            "<!DOCTYPE platform SYSTEM \"file:///usr/share/lib/xml/dtd/zone_platform.dtd.1\">\n\
             <platform name=\"{name}\" allow-exclusive-ip=\"true\"></platform>\n"
        );
        fs::write(folder.join("platform.xml"), platform).unwrap();
        if let Some(template) = template {
            let text = format!(
                "<?xml version=\"1.0\"?>\n<!DOCTYPE zone PUBLIC \"-//Sun Microsystems Inc//DTD Zones//EN\" \
                 \"file:///usr/share/lib/xml/dtd/zonecfg.dtd.1\">\n\
                 <zone name=\"x\" zonepath=\"\" autoboot=\"false\" brand=\"{name}\"/>\n"
            );
            fs::write(lab.place(&format!("/etc/zones/{template}.xml")), text).unwrap();
        }
    }
    let firmware = lab.place("/usr/share/bhyve/firmware");
    fs::create_dir_all(&firmware).unwrap();
    fs::write(firmware.join("BHYVE_RELEASE.fd"), "firmware").unwrap();
    let images = lab.place("/images");
    fs::create_dir_all(&images).unwrap();
    for image in ["one.tar.gz", "one.iso", "s10.flar"] {
        fs::write(images.join(image), "image").unwrap();
    }
}
