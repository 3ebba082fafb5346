//! Packaged things that the running system no longer has as they were packaged.

use contents::Kind;

use super::super::content::Content;
use super::super::delivery::{Delivery, Pristine};
use super::super::plan::{Change, Form, Plan};

const PACKAGE: &str = "SAMPedge-live";

fn text(path: &str) -> String {
    format!("# {path}, as packaged\nkey = value\n")
}

fn editable(path: &str) -> Delivery {
    Delivery::editable(path).class("preserve").holding(text(path))
}

fn file(path: &str) -> Delivery {
    Delivery::file(path).holding(text(path))
}

pub(crate) fn plan(plan: &mut Plan) {
    plan.package(PACKAGE, "Edge cases: the running system")
        .scripts
        .push(("r.preserve", "#!/bin/sh\nexit 0\n".to_owned()));
    edited(plan);
    elsewhere(plan);
    replaced(plan);
    plain(plan);
    directories(plan);
    leftovers(plan);
}

fn edited(plan: &mut Plan) {
    let live = || Change::Append("key = live\n");
    plan.changed("editable-content", editable("/etc/edge/live/appended"), live());
    plan.changed("editable-content", editable("/etc/edge/live/classless").class("none"), live());
    plan.changed("editable-content", editable("/etc/edge/live/replaced"), Change::Write("all new\n".into()));
    plan.changed("editable-content", editable("/etc/edge/live/emptied"), Change::Write("".into()));
    let log = Delivery::new(Kind::Volatile, "/var/edge/live.log").holding("");
    let grown = Content::Words { seed: 1, size: 60_000 };
    plan.changed("editable-content", log, Change::Write(grown));
    plan.changed("editable-mode", editable("/etc/edge/live/chmodded").mode(0o600), Change::Mode(0o666));
    let owned = editable("/etc/edge/live/chowned").mode(0o640).owner("lp", "lp");
    plan.changed("editable-owner", owned, Change::Owner("ada", "staff"));
    plan.changed("editable-time", editable("/etc/edge/live/touched"), Change::Time(1_762_000_000, 42));
    let setid = editable("/etc/edge/live/set-id").mode(0o4755).owner("uucp", "uucp");
    plan.changed("editable-setid", setid, live());
    plan.changed("editable-no-pristine", editable("/etc/edge/live/no-pristine").pristine(Pristine::Lost), live());
}

/// Editable files in unusual places.
fn elsewhere(plan: &mut Plan) {
    for path in ["/usr/share/edge/editable.conf", "/lib/edge-editable.conf", "/sbin/edge-editable.conf"] {
        plan.changed("editable-outside", editable(path), Change::Append("key = live\n"));
    }
    for path in [
        "/etc/edge/reloc.conf",
        "/etc/edge/reloc/etc/inner.conf",
        "/etc/reloc/edge.conf",
        "/usr/share/edge/reloc/etc/outer.conf",
    ] {
        plan.changed("reloc-components", editable(path), Change::Append("key = live\n"));
    }
    plan.changed("implied-parents", editable("/etc/edge/implied/editable.conf").lone(), Change::Append("key = live\n"));
    for path in ["/etc/edge/implied/deep/file.conf", "/usr/share/edge/implied/file.txt", "/lib/edge-implied/file"] {
        plan.case("implied-parents", file(path).lone());
    }
}

fn replaced(plan: &mut Plan) {
    let victim = "/etc/edge/live/symlink-victim";
    plan.case("symlink-victims", editable(victim));
    plan.changed("editable-symlink", editable("/etc/edge/live/now-a-symlink"), Change::Symlink("symlink-victim"));
    let outside = Change::Symlink("/zonekit-sample-outside/victim");
    plan.changed("editable-symlink", editable("/etc/edge/live/now-a-symlink-outside"), outside);
    plan.changed("editable-directory", editable("/etc/edge/live/now-a-directory"), Change::Directory);
    plan.changed("editable-missing", editable("/etc/edge/live/missing"), Change::Remove);
    let lost = editable("/etc/edge/live/lost").pristine(Pristine::Lost);
    plan.changed("editable-lost", lost, Change::Remove);
    let setid = editable("/etc/edge/live/missing-set-id").mode(0o2755).owner("root", "mail");
    plan.changed("editable-missing", setid, Change::Remove);
}

/// Files and links of which no pristine copy exists.
fn plain(plan: &mut Plan) {
    plan.changed("file-content", file("/etc/edge/live/file-edited"), Change::Append("key = live\n"));
    plan.changed("file-mode", file("/etc/edge/live/file-chmodded"), Change::Mode(0o600));
    plan.changed("file-missing", file("/etc/edge/live/file-missing"), Change::Remove);
    let link = |path: &str| Delivery::symlink(path, "appended");
    plan.changed("symlink-retargeted", link("/etc/edge/live/link-retargeted"), Change::Symlink("replaced"));
    plan.changed("symlink-replaced", link("/etc/edge/live/link-replaced"), Change::File);
    plan.changed("symlink-missing", link("/etc/edge/live/link-missing"), Change::Remove);
}

fn directories(plan: &mut Plan) {
    let directory = |path: &str| Delivery::directory(path).mode(0o750).owner("root", "mail");
    plan.case("directory-symlink-inside", file("/var/edge/moved/data.txt"));
    plan.case("directory-symlink-inside", editable("/var/edge/moved/data.conf"));
    let moved = Change::Move { to: "/var/edge/elsewhere", link: "elsewhere" };
    plan.changed("directory-symlink-inside", directory("/var/edge/moved"), moved);
    for (path, target) in
        [("/var/edge/away", "/export/edge-away"), ("/etc/edge/outward", "/etc/../zonekit-sample-outside")]
    {
        plan.changed("directory-symlink-absolute", directory(path), Change::Symlink(target));
    }
    plan.stray("/export/edge-away/user-data", 0o644, Form::File("never to be reached through a link\n".into()));
    plan.changed("directory-missing", directory("/var/edge/removed"), Change::Remove);
}

/// Below the package's own directory, what no database line speaks of.
fn leftovers(plan: &mut Plan) {
    let pool = format!("/var/sadm/pkg/{PACKAGE}/save/pspool/{PACKAGE}/reloc");
    for (category, path) in [
        ("stale-pristine", format!("{pool}/etc/edge/live/stale.conf")),
        ("stale-pristine", format!("{pool}/etc/edge/live/stale with blanks.conf")),
        ("stale-pristine", format!("{pool}/usr/share/edge/reloc/etc/stale.conf")),
        ("undo", format!("/var/sadm/pkg/{PACKAGE}/save/undo.Z")),
        ("undo", format!("/var/sadm/pkg/{PACKAGE}/save/118833-36/undo.Z")),
    ] {
        plan.note(category, path.as_bytes());
        plan.stray(path, 0o644, Form::File("left behind\n".into()));
    }
}
