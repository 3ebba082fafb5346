//! Texts of the files that something reads: everything else in the image is filler.

use super::content::Content;
use super::{accounts, services};

const TEXTS: &[(&str, &str)] = &[
    ("/etc/motd", "Welcome to the sample image.\n"),
    (
        "/etc/release",
        "                    Sample illumos image of zonekit\n                  Made by us, for tests only\n",
    ),
    ("/etc/inittab", "smf::sysinit:/lib/svc/bin/svc.startd >/dev/msglog 2<>/dev/msglog\n"),
    ("/etc/system", "* Tunables of the machine: a zone has none.\nset zfs:zfs_arc_max = 0x40000000\n"),
    ("/etc/profile", "PATH=/usr/bin:/usr/sbin:/sbin\nexport PATH\numask 022\n"),
    ("/etc/vfstab", "#device\tfsck\tmount point\ttype\tpass\tboot\toptions\nswap\t-\t/tmp\ttmpfs\t-\tyes\t-\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ("/etc/nsswitch.dns", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ("/etc/nsswitch.files", "passwd: files\ngroup: files\nhosts: files\n"),
    ("/etc/syslog.conf", "*.err;kern.notice\t/dev/sysmsg\n*.notice\t/var/adm/messages\nauth.info\t/var/log/authlog\n"),
    ("/etc/default/cron", "CRONLOG=YES\n"),
    ("/etc/default/init", "TZ=UTC\nCMASK=022\nLANG=C.UTF-8\n"),
    ("/etc/default/login", "CONSOLE=/dev/console\nPASSREQ=YES\n"),
    ("/etc/default/passwd", "MAXWEEKS=\nMINWEEKS=\nPASSLENGTH=8\n"),
    ("/etc/default/su", "SULOG=/var/adm/sulog\n"),
    ("/etc/inet/hosts", "::1\t\tlocalhost\n127.0.0.1\tlocalhost loghost\n"),
    ("/etc/inet/netmasks", "# network\tnetmask\n192.0.2.0\t255.255.255.0\n"),
    ("/etc/inet/protocols", "ip\t0\tIP\nicmp\t1\tICMP\ntcp\t6\tTCP\nudp\t17\tUDP\n"),
    ("/etc/inet/services", "ssh\t22/tcp\ndomain\t53/udp\nhttp\t80/tcp\n"),
    ("/etc/ssh/ssh_config", "Host *\n\tHashKnownHosts yes\n"),
    ("/etc/ssh/sshd_config", "Port 22\nPermitRootLogin without-password\nSubsystem sftp internal-sftp\n"),
    ("/etc/zones/index", "global:installed:/\n"),
    ("/etc/driver_aliases", "pvdr \"pci15ad,1\"\nplover \"pci1af4,ffff\"\n"),
    ("/etc/name_to_major", "cn 0\nmm 13\npts 24\n"),
    ("/etc/path_to_inst", "\"/pseudo\" 0 \"pseudo\"\n\"/pci@0,0\" 0 \"npe\"\n"),
    ("/root/.profile", "PATH=/usr/bin:/usr/sbin:/sbin\nexport PATH\n"),
    ("/root/.bashrc", "PS1='\\u@\\h:\\w# '\n"),
    ("/etc/zap/version.current", "m1\n"),
    ("/etc/zap/repo.list", "1 sample\n100 extra\n"),
    ("/etc/zap/repositories/sample.repo", "NAME=sample\nDESC=Sample packages\nURL=https://pkgs.example.org/sample/\n"),
    ("/etc/zap/repositories/extra.repo", "NAME=extra\nDESC=Extra packages\nURL=https://pkgs.example.org/extra/\n"),
    ("/usr/share/lib/xml/dtd/service_bundle.dtd.1", SERVICE_BUNDLE),
];

/// Our own, smaller than the real one: what the sample's manifests and profiles use.
const SERVICE_BUNDLE: &str = "\
<!ELEMENT service_bundle (service*)>
<!ATTLIST service_bundle type CDATA #REQUIRED name CDATA #REQUIRED>
<!ELEMENT service (create_default_instance?, single_instance?, dependency*, exec_method*, instance*, stability?, template?)>
<!ATTLIST service name CDATA #REQUIRED version CDATA #REQUIRED type CDATA #REQUIRED>
<!ELEMENT create_default_instance EMPTY>
<!ATTLIST create_default_instance enabled (true|false) #REQUIRED>
<!ELEMENT single_instance EMPTY>
<!ELEMENT dependency (service_fmri+)>
<!ATTLIST dependency name CDATA #REQUIRED grouping CDATA #REQUIRED restart_on CDATA #REQUIRED type CDATA #REQUIRED>
<!ELEMENT service_fmri EMPTY>
<!ATTLIST service_fmri value CDATA #REQUIRED>
<!ELEMENT exec_method EMPTY>
<!ATTLIST exec_method type CDATA #REQUIRED name CDATA #REQUIRED exec CDATA #REQUIRED timeout_seconds CDATA #REQUIRED>
<!ELEMENT instance EMPTY>
<!ATTLIST instance name CDATA #REQUIRED enabled (true|false) #REQUIRED>
<!ELEMENT stability EMPTY>
<!ATTLIST stability value CDATA #REQUIRED>
<!ELEMENT template (common_name)>
<!ELEMENT common_name (loctext)>
<!ELEMENT loctext (#PCDATA)>
<!ATTLIST loctext xml:lang CDATA #REQUIRED>
";

/// The text of a packaged file that has one of its own.
pub(crate) fn of(path: &str) -> Option<Content> {
    let text = match path {
        "/etc/passwd" => accounts::passwd(false),
        "/etc/group" => accounts::group(false),
        "/etc/shadow" => accounts::shadow(false),
        _ => match TEXTS.iter().find(|text| text.0 == path) {
            Some((_, text)) => (*text).to_owned(),
            None => services::manifest_at(path)
                .or_else(|| services::profile_at(path))
                .or_else(|| method(path))
                .or_else(|| template(path))?,
        },
    };
    Some(text.into())
}

fn method(path: &str) -> Option<String> {
    let name = path.strip_prefix("/lib/svc/method/")?;
    Some(format!(
        "#!/sbin/sh\n# Method of {name} in the sample image.\n. /lib/svc/share/smf_include.sh\nexit $SMF_EXIT_OK\n"
    ))
}

fn template(path: &str) -> Option<String> {
    let name = path.strip_prefix("/etc/zones/")?.strip_suffix(".xml")?;
    Some(format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE zone PUBLIC \"-//Sun Microsystems Inc//DTD Zones//EN\" \
         \"file:///usr/share/lib/xml/dtd/zonecfg.dtd.1\">\n<zone name=\"{name}\" zonepath=\"\" autoboot=\"false\"/>\n"
    ))
}
