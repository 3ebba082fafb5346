//! Packages: what one is, and the ones of every sample image.

use std::collections::BTreeSet;
use std::io;

use super::delivery::Delivery;
use super::{names, prototype};

/// A package and what it delivers.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) depends: Vec<String>,
    /// Name and text of what is in `install/` beside `depend`.
    pub(crate) scripts: Vec<(&'static str, String)>,
    pub(crate) deliveries: Vec<Delivery>,
    /// Bytes of pkginfo's VENDOR, which need not be UTF-8.
    pub(crate) vendor: Vec<u8>,
}

impl Package {
    pub(crate) fn new(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            summary: summary.into(),
            depends: vec!["SUNWcs".to_owned()],
            scripts: Vec::new(),
            deliveries: Vec::new(),
            vendor: b"zonekit samples".to_vec(),
        }
    }

    /// Adds the directories above everything that is not delivered alone, as package builders do, and
    /// puts all in the order of paths.
    pub(crate) fn complete(&mut self) {
        let mut known: BTreeSet<Vec<u8>> = self.deliveries.iter().map(|delivery| delivery.path.clone()).collect();
        let mut parents = Vec::new();
        for delivery in self.deliveries.iter().filter(|delivery| !delivery.lone) {
            for (at, _) in delivery.path.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/') {
                let parent = &delivery.path[..at];
                if known.insert(parent.to_vec()) {
                    parents.push(Delivery::directory(parent).implied());
                }
            }
        }
        self.deliveries.append(&mut parents);
        self.deliveries.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

/// Name, summary, what it needs besides SUNWcs, script (name, text), prototype.
type Recipe =
    (&'static str, &'static str, &'static [&'static str], &'static [(&'static str, &'static str)], &'static str);

/// The packages of every sample image, in the order in which they were installed.
pub(crate) fn base() -> io::Result<Vec<Package>> {
    BASE.iter()
        .map(|(name, summary, depends, scripts, text)| {
            let mut package = Package::new(*name, *summary);
            if *name == "SUNWcs" {
                package.depends.clear();
            }
            package.depends.extend(depends.iter().map(|depend| (*depend).to_owned()));
            package.scripts.extend(scripts.iter().map(|(name, text)| (*name, (*text).to_owned())));
            package.deliveries = prototype::parse(text)?;
            Ok(package)
        })
        .collect()
}

const ADD_DRIVER: &str = "#!/sbin/sh\nif [ \"${BASEDIR:-/}\" = / ]; then\n\tWHERE=\nelse\n\tWHERE=\"-b ${BASEDIR}\"\nfi\n\
    /usr/sbin/add_drv ${WHERE} -m '* 0600 root sys' plover\n";
const LEAVE_A_MARK: &str = "#!/sbin/sh\nmkdir -p \"${BASEDIR}/var/sample\" || exit 1\n\
    echo ran > \"${BASEDIR}/var/sample/postinstall-ran\"\nexit 0\n";
const FAIL: &str = "#!/sbin/sh\necho 'this script always fails' >&2\nexit 3\n";
const RESTART_IMPORT: &str = "#!/sbin/sh\nif [ \"${BASEDIR:-/}\" = / ]; then\n\
    \t/usr/sbin/svcadm restart svc:/system/manifest-import:default\nfi\nexit 0\n";
const PRESERVE: &str = "#!/bin/sh\nwhile read path; do\n\trm -f \"${path}\"\ndone\nexit 0\n";

const BASE: &[Recipe] = &[
    ("SUNWcs", "Core", &[], &[], CORE),
    ("SUNWcsd", "Core devices", &[], &[], DEVICES),
    ("TRIBsys-kernel", "Kernel", &[], &[], KERNEL),
    ("TRIBsys-library", "System libraries", &[], &[], LIBRARIES),
    ("TRIBpackage-svr4", "Packaging commands", &["TRIBsys-library"], &[], PACKAGING),
    ("TRIBzap", "Package client", &["TRIBpackage-svr4"], &[], CLIENT),
    ("TRIBrelease-name", "Name of the release", &[], &[], RELEASE),
    ("TRIBsys-zones", "Zones", &["TRIBsys-library"], &[("postinstall", RESTART_IMPORT)], ZONES),
    ("TRIBzonekit", "Zone brands", &["TRIBsys-zones"], &[], BRANDS),
    ("TRIBsvc-hal", "Hardware abstraction", &[], &[("postinstall", RESTART_IMPORT)], HAL),
    ("TRIBnet-ssh", "Secure shell", &["TRIBsys-library"], &[("r.preserve", PRESERVE)], SSH),
    ("TRIBnet-iscsi-target", "iSCSI target", &[], &[], ISCSI),
    ("TRIBsys-lib-storage-mpapi", "Multipathing library", &[], &[], MULTIPATH),
    ("TRIBsvc-font-cache", "Font caches", &[], &[], FONTS),
    ("TRIBsvc-desktop-cache", "Desktop caches", &[], &[], DESKTOP),
    ("TRIBman", "Manual pages", &[], &[], MANUAL),
    ("SAMPatlas", "An atlas", &[], &[], ATLAS),
    (names::POSTINSTALL_WRITES, "Leaves a mark when installed", &[], &[("postinstall", LEAVE_A_MARK)], WRITES),
    (
        names::POSTINSTALL_ADDS_DRIVER,
        "A driver",
        &["TRIBsys-kernel"],
        &[("postinstall", ADD_DRIVER), ("preremove", "#!/sbin/sh\n/usr/sbin/rem_drv plover\n")],
        DRIVER,
    ),
    (names::POSTINSTALL_FAILS, "Fails when installed", &[], &[("postinstall", FAIL)], FAILS),
];

const CORE: &str = "
d 0755 root:sys
/ boot dev etc export kernel mnt opt platform usr var
/etc cron.d crypto default dfs inet init.d rc2.d rc3.d security skel svc
/etc/svc profile volatile
/etc/svc/profile site
/export home
/usr share
/usr/share lib
/var adm cron log opt run sadm spool svc
/var/adm exacct sa
/var/sadm install pkg
/var/svc log manifest profile
/var/svc/manifest application network site system
/lib/svc manifest method seed
/lib/svc/manifest application milestone network site system
d 0755 root:bin
/ lib sbin
/lib svc
/lib/svc bin share
/usr bin lib sbin
/usr/lib amd64
/usr/share man
d 0755 root:root
/ system
/system contract object
d 0555 root:root
/ home proc
d 0700 root:root
/ root
d 1777 root:sys
/ tmp
/var tmp
d 0755 root:root
/var/spool cron
d 0755 root:sys
/var/spool/cron crontabs

s
/ bin=./usr/bin
/etc hosts=./inet/hosts netmasks=./inet/netmasks protocols=./inet/protocols services=./inet/services
/etc cron=../usr/sbin/cron
/usr adm=../var/adm tmp=../var/tmp
/usr/lib 64=amd64
/usr/bin sh=ksh93 vedit=vi

e 0644 root:sys
/etc group motd passwd profile syslog.conf vfstab inittab
/etc nsswitch.conf nsswitch.dns nsswitch.files
/etc/default cron init login passwd su
/etc/inet hosts netmasks protocols services
/etc/crypto kcf.conf
/etc/skel .profile:120
e 0400 root:sys
/etc shadow
e 0644 root:root
/root .bashrc .profile
e 0600 root:sys
/var/spool/cron/crontabs adm root
e 0644 root:sys class=preserve
/etc/security auth_attr policy.conf:900 prof_attr:6k user_attr
v 0644 root:sys 40
/var/adm messages sulog
/var/log syslog
v 0600 root:sys 60
/var/log authlog
f 0444 root:sys 300
/etc/svc/profile generic_limited_net.xml generic_open.xml inetd_generic.xml inetd_upgrade.xml
/etc/svc/profile ns_dns.xml ns_files.xml ns_none.xml platform_i86pc.xml platform_none.xml
f 0744 root:sys 900
/etc/init.d mkdtab README.boot
l
/etc/rc2.d S80sample=../init.d/mkdtab
/etc/rc3.d S80sample=../init.d/mkdtab

f 0444 root:sys
/lib/svc/manifest/milestone single-user.xml multi-user.xml
/lib/svc/manifest/network loopback.xml physical.xml sample-blocks.xml
/lib/svc/manifest/network/dns client.xml
/lib/svc/manifest/system identity.xml cron.xml system-log.xml dumpadm.xml sysevent.xml intrd.xml pools.xml stmf.xml
/lib/svc/manifest/system/svc global.xml
/lib/svc/manifest/system/filesystem minimal-fs.xml local-fs.xml rmvolmgr.xml
/lib/svc/manifest/application/sample ledger.xml inventory.xml
/lib/svc/seed global.db:96k nonglobal.db:72k
f 0555 root:bin
/lib/svc/method net-loopback net-physical dns-client fs-minimal fs-local identity-node svc-cron system-log
/lib/svc/method sample-ledger sample-inventory sample-blocks sample-cache
/lib/svc/method svc-dumpadm svc-intrd svc-pools svc-rmvolmgr svc-stmf svc-syseventd
/lib/svc/bin svc.startd:90k svc.configd:120k
f 0444 root:bin 3k
/lib/svc/share smf_include.sh smf_exit_codes.sh

f 0555 root:bin 14k
/sbin init ifconfig mount umount uadmin sulogin zpool zfs
/usr/bin ls cat cp mv rm ln chmod grep awk sed tar date ps vi ksh93:180k false true
/usr/sbin add_drv rem_drv svcadm useradd usermod prtconf cron
f 4555 root:bin 20k
/usr/bin su passwd login
f 2555 root:tty 9k
/usr/bin write
l
/usr/bin edit=vi ex=vi
/usr/sbin mount=../../sbin/mount
f 0555 root:bin 12k
/usr/bin diskinfo sys-suspend
/usr/lib utmp_update
f 0644 root:bin
/usr/share/lib/xml/dtd service_bundle.dtd.1
";

const DEVICES: &str = "
d 0755 root:sys
/ dev devices
/devices pseudo
/dev pts
c 0666 root:sys
/devices/pseudo mm@0:null=13,2 mm@0:zero=13,12
c 0620 root:tty
/devices/pseudo cn@0:console=0,0
s
/dev null=../devices/pseudo/mm@0:null zero=../devices/pseudo/mm@0:zero console=../devices/pseudo/cn@0:console
e 0644 root:sys
/etc devlink.tab:1k minor_perm:2k driver_classes:600 path_to_inst
e 0644 root:sys
/etc/security device_policy:1k extra_privs:500
";

const KERNEL: &str = "
d 0755 root:sys
/ boot kernel platform
/kernel drv exec fs misc
/kernel/drv amd64
/kernel/fs amd64
/platform i86pc
/platform/i86pc kernel
f 0755 root:sys 22k
/kernel/drv/amd64 ahci e1000g ip mm pts sd tcp vioif zfs:160k
/kernel/fs/amd64 lofs procfs tmpfs
/kernel/misc/amd64 krtld
/platform/i86pc/kernel/amd64 unix:240k
/kernel/amd64 genunix:300k
/usr/kernel/drv/amd64 eventfd ksyms
f 0644 root:sys 200
/kernel/drv sd.conf e1000g.conf
e 0644 root:sys
/etc system driver_aliases name_to_major name_to_sysnum:700 mach:10 iu.ap:400 dacf.conf:300 power.conf:400
/etc/default power:150
/boot loader.conf:200
f 0444 root:sys 30k
/boot loader:60k gptzfsboot
/boot/forth menu.4th:6k
f 0644 root:sys 60
/etc/sock2path.d system%2Fkernel
f 0444 root:sys
/lib/svc/manifest/system power.xml
f 0555 root:bin
/lib/svc/method svc-power
/usr/lib/power powerd:18k
";

const LIBRARIES: &str = "
f 0755 root:bin 30k
/lib libc.so.1:1400k ld.so.1:90k libnsl.so.1 libsocket.so.1 libm.so.2 libzfs.so.1:70k libscf.so.1
/lib/amd64 libc.so.1:300k ld.so.1:90k libnsl.so.1 libsocket.so.1
/usr/lib libcurses.so.1 librsm.so.2
/usr/lib/amd64 libcurses.so.1
s
/lib libc.so=libc.so.1 libnsl.so=libnsl.so.1 libsocket.so=libsocket.so.1 64=amd64
/usr/lib libc.so=../../lib/libc.so.1 libc.so.1=../../lib/libc.so.1 libcurses.so=libcurses.so.1
/usr/lib/amd64 libc.so=../../../lib/amd64/libc.so.1
f 0755 root:bin 25k
/lib libgrubmgmt.so.1
s
/lib libgrubmgmt.so=libgrubmgmt.so.1
f 0444 root:bin 2k
/usr/share/lib/zoneinfo UTC Zulu
/usr/share/lib/zoneinfo/Europe Paris Prague
l
/usr/share/lib/zoneinfo Universal=UTC
/usr/share/lib/zoneinfo/Europe Bratislava=Prague
";

const PACKAGING: &str = "
d 0755 root:sys
/var/sadm pkg install
d 0755 root:bin
/var/sadm security
f 0555 root:sys 40k
/usr/sbin pkgadd pkgrm pkgask
/usr/bin pkgadm pkginfo pkgparam
f 0555 root:sys 8k
/usr/sadm/install/bin pkginstall pkgremove
/usr/sadm/install/scripts i.preserve r.preserve i.none
e 0644 root:bin
/var/sadm/install/admin default:300
";

const CLIENT: &str = "
d 0755 root:bin
/etc zap
/etc/zap repositories
/var zap
/var/zap cache zones
/var/sadm overlays
/var/sadm/overlays installed
f 0755 root:bin 7k
/usr/bin zap
/usr/lib/zap create-zone destroy-zone install-pkg install-overlay search
e 0644 root:bin
/etc/zap version.current repo.list
";

const RELEASE: &str = "
d 0755 root:sys
/ etc
f 0644 root:bin
/etc release
/etc/zap/repositories sample.repo extra.repo
";

const ZONES: &str = "
d 0755 root:sys
/etc zones
d 0700 root:root
/var/spool zoneinstall
f 0444 root:bin
/etc/zones SUNWblank.xml SUNWdefault.xml
e 0644 root:sys
/etc/zones index
f 0555 root:bin 30k
/usr/sbin zoneadm zonecfg zlogin
/usr/bin zonename
/usr/lib/zones zoneadmd zonestatd
f 0444 root:sys
/lib/svc/manifest/system zones.xml zonestat.xml
f 0555 root:bin
/lib/svc/method svc-zones svc-zonestat
";

const BRANDS: &str = "
d 0755 root:bin
/ zonelib
/zonelib lib
f 0444 root:bin
/etc/zones TRIBsparse.xml TRIBwhole.xml
f 0444 root:bin 1k
/usr/share/doc/zonekit README
";

const HAL: &str = "
f 0444 root:sys
/lib/svc/manifest/system hal.xml
f 0555 root:bin
/lib/svc/method svc-hal
/usr/lib/hal hald:60k hald-runner:20k
f 0444 root:bin 500
/etc/dbus-1/system.d hal.conf
/etc/hal/fdi/policy/10osvendor 10-cpufreq.fdi 10-laptop-panel-mgmt-policy.fdi
/etc/hal/fdi/preprobe/10osvendor 20-ignore-lofi.fdi
s
/usr/sbin hald=../lib/hal/hald
";

const SSH: &str = "
d 0755 root:sys
/etc ssh
e 0644 root:sys class=preserve
/etc/ssh ssh_config sshd_config
e 0600 root:sys class=preserve
/etc/ssh moduli:4k
f 0555 root:bin 45k
/usr/bin ssh scp ssh-keygen
/usr/lib/ssh sshd sftp-server
s
/usr/bin slogin=./ssh
f 0444 root:sys
/lib/svc/manifest/network ssh.xml
f 0555 root:bin
/lib/svc/method sshd
";

const ISCSI: &str = "
f 0444 root:sys
/lib/svc/manifest/network/iscsi iscsi-initiator.xml iscsi-target.xml
f 0555 root:bin
/lib/svc/method iscsi-initiator iscsi-target
f 0755 root:sys 40k
/kernel/drv/amd64 iscsit
e 0644 root:sys
/etc/iscsi initiator.conf
";

const MULTIPATH: &str = "
f 0755 root:bin 24k
/lib libMPAPI.so.1 libmpscsi_vhci.so.1
/lib/amd64 libMPAPI.so.1 libmpscsi_vhci.so.1
s
/lib libMPAPI.so=libMPAPI.so.1 libmpscsi_vhci.so=libmpscsi_vhci.so.1
/lib/amd64 libMPAPI.so=libMPAPI.so.1 libmpscsi_vhci.so=libmpscsi_vhci.so.1
f 0555 root:bin 15k
/usr/sbin mpathadm
";

const FONTS: &str = "
d 0755 root:sys
/lib/svc/manifest/application font
f 0444 root:sys
/lib/svc/manifest/application/font fc-cache.xml stsf.xml
f 0555 root:bin 11k
/usr/bin fc-cache
";

const DESKTOP: &str = "
d 0755 root:sys
/var/svc/manifest/application desktop-cache
f 0444 root:sys
/var/svc/manifest/application/desktop-cache icon-cache.xml mime-types-cache.xml pixbuf-loaders-installer.xml
";

const MANUAL: &str = "
f 0444 root:bin 4k
/usr/share/man/man1 ls.1 cat.1 ksh93.1:9k vi.1
/usr/share/man/man8 zoneadm.8 zonecfg.8:12k pkgadd.8
/usr/share/man/man5 contents.5
l
/usr/share/man/man1 ex.1=vi.1
";

const ATLAS: &str = "
f 0444 root:bin
/usr/share/atlas map.db:900k index.txt:20k
";

const WRITES: &str = "
d 0755 root:sys
/var sample
f 0644 root:bin
/usr/share/sample mark.txt
";

const DRIVER: &str = "
f 0755 root:sys 33k
/kernel/drv/amd64 plover
f 0644 root:sys
/kernel/drv plover.conf
";

const FAILS: &str = "
f 0644 root:bin
/usr/share/sample fails.txt
";
