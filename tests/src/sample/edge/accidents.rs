//! Paths and packages that look like others.

use super::super::delivery::Delivery;
use super::super::names;
use super::super::plan::{Change, Form, Plan};

/// Beside directories that are copied, shared or dropped, and none of them.
const BESIDE: &[&str] = &[
    "/etcetera",
    "/rootfs",
    "/variants",
    "/usrlocal",
    "/libexec",
    "/sbin.old",
    "/bootstrap",
    "/kernel.d",
    "/devices.local",
    "/optional",
    "/platform-data",
    "/zonelib-old",
];

/// Paths that hold a path of the prune lists, and are not it.
const HOLDING: &[&str] = &[
    "/etc/mach-list",
    "/etc/machines.conf",
    "/etc/power.conf.example",
    "/etc/system.d/edge",
    "/etc/zones/index.old",
    "/lib/svc/manifest/system/hal.xml.orig",
    "/lib/svc/method/svc-powerstat",
    "/lib/svc/method/svc-zonesearch",
    "/usr/bin/diskinfo-all",
    "/usr/lib/udf-tools",
    "/usr/share/edge/etc/system",
    "/usr/lib/zones/zonestatd.conf",
];

pub(crate) fn plan(plan: &mut Plan) {
    plan.package("SAMPedge-accidents", "Edge cases: paths that look like others");
    for directory in BESIDE {
        plan.case("prefix-accidents", Delivery::directory(*directory));
        plan.case("prefix-accidents", Delivery::file(format!("{directory}/f")));
    }
    for path in HOLDING {
        plan.case("substring-accidents", Delivery::file(*path));
    }
    for (path, target) in [
        ("/usr/share/edge/link-to-system", "../../../etc/system"),
        ("/usr/share/edge/link-to-zones", "/lib/svc/method/svc-zones"),
    ] {
        plan.case("substring-accidents", Delivery::symlink(path, target));
    }
    opt(plan);
    alike(plan);
    saved(plan);
    strays(plan);
}

/// Packages in `/opt`, whose metadata zones drop when the `/opt` line names them.
fn opt(plan: &mut Plan) {
    let [only, mixed, marked, like_core] = names::OPT_LISTED;
    plan.package(only, "Edge cases: all of it in /opt");
    plan.case("opt", Delivery::file("/opt/only/bin/tool").mode(0o755));
    plan.package(mixed, "Edge cases: partly in /opt");
    plan.case("opt", Delivery::file("/opt/mixed/bin/tool").mode(0o755));
    plan.case("opt", Delivery::file("/usr/share/edge/opt-mixed"));
    let configuration = Delivery::editable("/etc/edge/opt-mixed.conf").holding("opt = packaged\n");
    plan.changed("opt", configuration, Change::Append("opt = live\n"));
    plan.package(marked, "Edge cases: marked on the /opt line");
    plan.add(Delivery::directory("/opt").owner("root", "sys").status("*"));
    plan.case("opt", Delivery::file("/opt/marked/f"));
    plan.package(names::OPT_UNLISTED, "Edge cases: in /opt without being on its line");
    plan.case("opt", Delivery::directory("/opt/unlisted").lone());
    plan.case("opt", Delivery::file("/opt/unlisted/f").lone());
    plan.package(like_core, "Edge cases: named like SUNWcs");
    plan.case("opt", Delivery::file("/opt/like-core/f"));
    plan.package(names::PACKAGE_IGNORED, "Edge cases: a package that no zone keeps");
    plan.case("ignored-package", Delivery::file("/usr/share/edge/dtrace-toolkit"));
    plan.case("ignored-package", Delivery::file("/usr/bin/edge-dtt").mode(0o555));
}

/// Package names that patterns confuse.
fn alike(plan: &mut Plan) {
    for name in ["SAMPedge-c++", "SAMPedge-ver.1", "SAMPedge-verX1", "SAMPedge-ver", "SAMPedge"] {
        plan.package(name, "Edge cases: package names");
        plan.case("package-names", Delivery::file(format!("/usr/share/edge/packages/{name}")));
    }
}

/// Things called `save`, as the directory is that zones must not copy.
fn saved(plan: &mut Plan) {
    plan.package(names::SAVE, "Edge cases: a package called save");
    plan.case("named-save", Delivery::file("/usr/share/edge/save/save"));
    plan.case("named-save", Delivery::file("/var/edge/save/state"));
    let configuration = Delivery::editable("/etc/edge/save").holding("save = packaged\n");
    plan.changed("named-save", configuration, Change::Append("save = live\n"));
    for path in ["/var/sadm/pkg/save/pkginfo", "/var/sadm/overlays/save.ovl", "/var/sadm/overlays/installed/save"] {
        plan.note("save-metadata", path);
    }
}

/// Unpackaged things in packaged directories.
fn strays(plan: &mut Plan) {
    for path in [
        "/etc/edge/unowned",
        "/etc/edge/unowned.d/deep/file",
        "/usr/share/edge/unowned",
        "/usr/unowned/f",
        "/lib/unowned.so.1",
        "/sbin/unowned",
        "/var/edge/unowned.db",
        "/unowned",
    ] {
        plan.note("unpackaged", path);
        plan.stray(path, 0o644, Form::File("nobody's\n".into()));
    }
    for (path, target) in [
        ("/etc/edge/unowned-link", "/etc/passwd"),
        ("/etc/edge/unowned-loop", "unowned-loop"),
        ("/var/edge/unowned-directory", "../.."),
    ] {
        plan.note("unpackaged-links", path);
        plan.stray(path, 0o777, Form::Symlink(target));
    }
}
