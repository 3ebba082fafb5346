//! What the packages call themselves, and what they need.

/// The SVR4 package.
///
/// pkginfo(5) wants at most 32 letters, digits, `+` and `-`, a letter first, and by custom begins the name with capitals
/// that stand for the maker. `TRIB` and `SUNW` are those of Tribblix and illumos, and this comes from neither.
pub const PACKAGE: &str = "ZKzonekit";

/// The IPS package. The category is that of `system/zones`, which it extends.
pub const FMRI: &str = "system/zones/zonekit";

/// One line for people.
pub const TITLE: &str = "zonekit, sparse-root and whole-root zones";

/// A few lines for people.
pub const DESCRIPTION: &str = "Makes illumos zones out of the packages of the global zone: the brands sparse-root and whole-root, and the programs \
that install, verify and maintain their zones.";

/// The release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The licence, as SPDX calls it.
pub const LICENCE: &str = "MPL-2.0";

/// What pkgadd(8) shows to those who install it.
pub const COPYRIGHT: &str =
    "zonekit is free software under the Mozilla Public License, version 2.0: https://mozilla.org/MPL/2.0/\n";

/// Instruction set, as `uname -p` has it on illumos, where it covers the 64-bit one.
pub const ARCHITECTURE: &str = "i386";

/// A package that has to be there first.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    /// Its name on Tribblix, whose packages are SVR4.
    pub svr4: &'static str,
    /// Its name where packages are IPS.
    pub ips: &'static str,
    /// What of it is needed, which is also its title in the depend file.
    pub what: &'static str,
}

/// Packages that own what the programs run or link with.
pub const REQUIRES: [Requirement; 6] = [
    Requirement { svr4: "SUNWcs", ips: "SUNWcs", what: "mount, sh, and the directories of the system" },
    Requirement { svr4: "TRIBinstall-beadm", ips: "install/beadm", what: "beadm" },
    Requirement { svr4: "TRIBpackage-svr4", ips: "package/svr4", what: "pkgadm and the package database" },
    Requirement { svr4: "TRIBsys-file-system-zfs", ips: "system/file-system/zfs", what: "zfs" },
    Requirement { svr4: "TRIBsys-library", ips: "system/library", what: "libc" },
    Requirement { svr4: "TRIBsys-zones", ips: "system/zones", what: "zoneadm and zonecfg" },
];

/// The SVR4 package that has the same brands and templates at the same paths.
pub const INCOMPATIBLE: (&str, &str) = ("TRIBblix-zones", "has the same brands");
