//! Names in the sample image that tests ask for.

/// Its postinstall writes `${BASEDIR}/var/sample/postinstall-ran`.
pub const POSTINSTALL_WRITES: &str = "SAMPscript-writes";
/// Its postinstall calls add_drv, which only the global zone may.
pub const POSTINSTALL_ADDS_DRIVER: &str = "SAMPdrv-plover";
/// Its postinstall exits 3.
pub const POSTINSTALL_FAILS: &str = "SAMPscript-fails";
/// What the postinstall of [`POSTINSTALL_WRITES`] makes: `ran` and a newline.
pub const POSTINSTALL_MARK: &str = "/var/sample/postinstall-ran";

/// The overlay that every zone has: what a system needs to run. Installed.
pub const OVERLAY_BASE: &str = "base";
/// Compilers and headers; requires [`OVERLAY_BASE`]. Installed.
pub const OVERLAY_DEVELOP: &str = "develop";
/// Two overlays that require each other. Installed.
pub const OVERLAY_RING: [&str; 2] = ["ring-a", "ring-b"];
/// An overlay that lists [`PACKAGE_ABSENT`]. Installed.
pub const OVERLAY_GHOST: &str = "ghost";
/// An overlay that is described and not installed, although its packages are.
pub const OVERLAY_UNINSTALLED: &str = "office";
/// The overlay of everything planted for edge cases; requires [`OVERLAY_BASE`]. Installed.
pub const OVERLAY_EDGE: &str = "edge";
/// A package and, with edge cases, an overlay that are called like pkgadd's backup directory.
pub const SAVE: &str = "save";
/// A package that an overlay lists and nobody installed.
pub const PACKAGE_ABSENT: &str = "SAMPnever-installed";
/// A package on the `/opt` line whose name starts like that of the one package exempt there.
pub const PACKAGE_LIKE_CORE: &str = "SUNWcsopt";
/// Packages that the `/opt` line names, the one like SUNWcs included: zones drop their metadata.
pub const OPT_LISTED: [&str; 4] = ["SAMPopt-only", "SAMPopt-mixed", "SAMPopt-marked", PACKAGE_LIKE_CORE];
/// A package below `/opt` that the `/opt` line does not name.
pub const OPT_UNLISTED: &str = "SAMPopt-unlisted";
/// A package that zones never keep, although it is not in `/opt` here.
pub const PACKAGE_IGNORED: &str = "TRIBdev-dtrace-toolkit";

/// Manifests of desktop caches, which no zone has.
pub const DESKTOP_CACHE: &str = "/var/svc/manifest/application/desktop-cache";
/// Manifests of font caches, which no zone has.
pub const FONT_MANIFESTS: &str = "/lib/svc/manifest/application/font";
/// A packaged, empty directory: where the clone of `/lib` goes.
pub const LIBRARY_CLONE: &str = "/zonelib/lib";

/// Packaged paths of the sample that the list for `/zonelib` names.
pub const PRUNED_LIB: &[&str] = &[
    "/lib/amd64/libmpscsi_vhci.so",
    "/lib/amd64/libmpscsi_vhci.so.1",
    "/lib/libgrubmgmt.so",
    "/lib/libgrubmgmt.so.1",
    "/lib/libmpscsi_vhci.so",
    "/lib/libmpscsi_vhci.so.1",
    "/lib/svc/manifest/network/iscsi/iscsi-initiator.xml",
    "/lib/svc/manifest/network/iscsi/iscsi-target.xml",
    "/lib/svc/manifest/system/dumpadm.xml",
    "/lib/svc/manifest/system/filesystem/rmvolmgr.xml",
    "/lib/svc/manifest/system/hal.xml",
    "/lib/svc/manifest/system/intrd.xml",
    "/lib/svc/manifest/system/pools.xml",
    "/lib/svc/manifest/system/power.xml",
    "/lib/svc/manifest/system/stmf.xml",
    "/lib/svc/manifest/system/sysevent.xml",
    "/lib/svc/manifest/system/zones.xml",
    "/lib/svc/manifest/system/zonestat.xml",
    "/lib/svc/method/iscsi-initiator",
    "/lib/svc/method/iscsi-target",
    "/lib/svc/method/svc-dumpadm",
    "/lib/svc/method/svc-hal",
    "/lib/svc/method/svc-intrd",
    "/lib/svc/method/svc-pools",
    "/lib/svc/method/svc-power",
    "/lib/svc/method/svc-rmvolmgr",
    "/lib/svc/method/svc-stmf",
    "/lib/svc/method/svc-syseventd",
    "/lib/svc/method/svc-zones",
    "/lib/svc/method/svc-zonestat",
    "/lib/svc/seed/global.db",
];

/// Packaged paths of the sample that the list for the sparse zone itself names.
pub const PRUNED_SPARSE: &[&str] = &[
    "/etc/crypto/kcf.conf",
    "/etc/dacf.conf",
    "/etc/dbus-1/system.d/hal.conf",
    "/etc/default/power",
    "/etc/devlink.tab",
    "/etc/driver_aliases",
    "/etc/driver_classes",
    "/etc/hal/fdi/policy/10osvendor/10-cpufreq.fdi",
    "/etc/hal/fdi/policy/10osvendor/10-laptop-panel-mgmt-policy.fdi",
    "/etc/hal/fdi/preprobe/10osvendor/20-ignore-lofi.fdi",
    "/etc/iu.ap",
    "/etc/mach",
    "/etc/minor_perm",
    "/etc/name_to_major",
    "/etc/name_to_sysnum",
    "/etc/path_to_inst",
    "/etc/power.conf",
    "/etc/security/device_policy",
    "/etc/security/extra_privs",
    "/etc/sock2path.d/system%2Fkernel",
    "/etc/system",
    "/etc/zones/SUNWblank.xml",
    "/etc/zones/SUNWdefault.xml",
    "/etc/zones/TRIBsparse.xml",
    "/etc/zones/TRIBwhole.xml",
    "/etc/zones/index",
];

/// Packaged paths of the sample that the list for whole zones names.
pub const PRUNED_WHOLE: &[&str] = &[
    "/lib/amd64/libMPAPI.so",
    "/lib/amd64/libMPAPI.so.1",
    "/lib/libMPAPI.so",
    "/lib/libMPAPI.so.1",
    "/usr/bin/diskinfo",
    "/usr/bin/sys-suspend",
    "/usr/kernel/drv/amd64/eventfd",
    "/usr/kernel/drv/amd64/ksyms",
    "/usr/lib/power/powerd",
    "/usr/lib/zones/zonestatd",
    "/usr/sbin/mpathadm",
];
