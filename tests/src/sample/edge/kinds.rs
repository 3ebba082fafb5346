//! Every kind of entry, and every form that its fields can take.

use contents::Kind;

use super::super::content::{Content, seed};
use super::super::delivery::{Delivery, Pristine};
use super::super::plan::{Change, Plan};

const PACKAGED: &str = "setting = packaged\n";

pub(crate) fn plan(plan: &mut Plan) {
    plan.package("SAMPedge-kinds", "Edge cases: kinds and fields").vendor = b"Caf\xe9 Samples".to_vec();
    kinds(plan);
    unknown(plan);
    marks(plan);
    modes_and_times(plan);
    sizes(plan);
    shared(plan);
}

fn kinds(plan: &mut Plan) {
    let node = |kind, path: &str, device| Delivery::new(kind, path).mode(0o620).owner("root", "tty").device(device);
    for delivery in [
        Delivery::file("/var/edge/kinds/file"),
        Delivery::editable("/var/edge/kinds/editable"),
        Delivery::new(Kind::Volatile, "/var/edge/kinds/volatile").mode(0o640),
        Delivery::directory("/var/edge/kinds/directory").mode(0o750).owner("lp", "lp"),
        Delivery::new(Kind::Exclusive, "/var/edge/kinds/exclusive").mode(0o700),
        Delivery::symlink("/var/edge/kinds/symlink", "./file"),
        Delivery::hard_link("/var/edge/kinds/hard-link", "file"),
        node(Kind::Pipe, "/etc/edge/kinds/pipe", None),
        node(Kind::Pipe, "/var/edge/kinds/pipe", None),
    ] {
        plan.case("kinds", delivery);
    }
    plan.changed("pipe-mode", node(Kind::Pipe, "/var/edge/kinds/live-pipe", None), Change::Mode(0o600));
    for delivery in [
        node(Kind::Character, "/var/edge/kinds/character", Some((13, 2))),
        node(Kind::Block, "/var/edge/kinds/block", Some((7, 200))),
        node(Kind::Character, "/devices/pseudo/edge@0:live", Some((13, 12))),
    ] {
        plan.case("devices", delivery);
    }
    plan.case("unknown-device", node(Kind::Character, "/var/edge/kinds/unknown-device", None));
}

/// `?` in place of attributes, measures, or both.
fn unknown(plan: &mut Plan) {
    let category = "unknown-attributes";
    plan.case(category, Delivery::file("/usr/share/edge/unknown/attributes").unowned());
    plan.case(category, Delivery::file("/usr/share/edge/unknown/measures").unmeasured());
    plan.case(category, Delivery::directory("/var/edge/unknown").unowned());
    let all = |path: &str| Delivery::editable(path).unowned().unmeasured().holding(PACKAGED);
    plan.changed(category, all("/etc/edge/unknown/editable"), Change::Mode(0o640));
    plan.change("/etc/edge/unknown/editable", Change::Owner("lp", "lp"));
    plan.change("/etc/edge/unknown/editable", Change::Append("setting = live\n"));
    plan.changed("unknown-missing", all("/etc/edge/unknown/missing"), Change::Remove);
}

/// Status marks, alternate kinds and classes in the list of packages.
fn marks(plan: &mut Plan) {
    for (name, mark) in
        [("ready", "+"), ("removal", "-"), ("missing", "!"), ("served", "%"), ("content", "*"), ("attributes", "~")]
    {
        plan.case("status-marks", Delivery::file(format!("/usr/share/edge/marks/{name}")).status(mark));
        let editable = Delivery::editable(format!("/etc/edge/marks/{name}")).status(mark).holding(PACKAGED);
        plan.changed("status-marks", editable, Change::Append("setting = live\n"));
    }
    for (name, suffix) in [("alternate", "\\"), ("class", ":build"), ("both", "\\:build")] {
        plan.case("package-suffixes", Delivery::file(format!("/usr/share/edge/suffixes/{name}")).suffix(suffix));
        let editable = Delivery::editable(format!("/etc/edge/suffixes/{name}")).suffix(suffix).class("sed");
        plan.changed("package-suffixes", editable.holding(PACKAGED), Change::Append("setting = live\n"));
    }
}

fn modes_and_times(plan: &mut Plan) {
    for (name, mode) in
        [("none", 0), ("set-user", 0o4755), ("set-group", 0o2555), ("sticky", 0o1644), ("write-only", 0o200)]
    {
        plan.case("modes", Delivery::file(format!("/usr/share/edge/modes/{name}")).mode(mode).owner("lp", "mail"));
        plan.case("modes", Delivery::file(format!("/etc/edge/modes/{name}")).mode(mode).owner("adm", "mail"));
    }
    for (name, mode) in [("sticky-directory", 0o1777), ("set-group-directory", 0o2775)] {
        plan.case("modes", Delivery::directory(format!("/var/edge/modes/{name}")).mode(mode).owner("root", "mail"));
    }
    for (name, time) in [("epoch", 0), ("second-one", 1), ("signed-end", 1 << 31), ("year-2100", 4_102_444_800)] {
        plan.case("times", Delivery::file(format!("/usr/share/edge/times/{name}")).modified(time));
        let editable = Delivery::editable(format!("/etc/edge/times/{name}")).modified(time);
        plan.changed("times", editable.holding(PACKAGED), Change::Append("setting = live\n"));
    }
    for (path, nanoseconds) in [("/usr/share/edge/times/nanoseconds", 1), ("/etc/edge/times/nanoseconds", 999_999_999)]
    {
        plan.changed("nanoseconds", Delivery::file(path), Change::Time(1_760_000_000, nanoseconds));
    }
    plan.case("live-owner", Delivery::directory("/var/tern").mode(0o750).owner("tern", "tern"));
    plan.case("live-owner", Delivery::file("/var/tern/state").mode(0o640).owner("tern", "tern"));
    plan.case("live-owner", Delivery::editable("/etc/edge/tern.conf").mode(0o640).owner("tern", "tern"));
}

fn sizes(plan: &mut Plan) {
    plan.case("zero-length", Delivery::file("/var/edge/empty").holding(""));
    plan.case("zero-length", Delivery::editable("/etc/edge/empty.conf").class("preserve").holding(""));
    plan.change("/etc/edge/empty.conf", Change::Append("no longer\n"));
    for path in ["/etc/edge/big.db", "/usr/lib/edge/big.so.1"] {
        plan.case("big", Delivery::file(path).holding(Content::made(path.as_bytes(), 1_200_007, true)));
    }
    for path in ["/etc/edge/sparse.db", "/usr/lib/edge/sparse.db", "/lib/edge-sparse.db"] {
        let content = Content::Sparse { seed: seed(path.as_bytes()), size: 3 * 1024 * 1024 + 5 };
        plan.case("sparse", Delivery::file(path).holding(content));
    }
}

/// Paths that two packages deliver: attributes and content are those of the second.
fn shared(plan: &mut Plan) {
    let file = |name: &str| Delivery::editable(format!("/etc/edge/shared/{name}"));
    plan.package("SAMPedge-shared-first", "Edge cases: shared files, first owner");
    plan.add(file("both.conf").holding("from the first package\n"));
    plan.add(file("first-only.conf").holding("from the first package\n"));
    plan.add(Delivery::file("/etc/edge/shared/alternate.conf").holding("a plain file\n").suffix("\\"));
    plan.add(file("classes.conf").class("build").suffix(":build"));
    plan.package("SAMPedge-shared-second", "Edge cases: shared files, second owner");
    let edit = || Change::Append("edited live\n");
    let second = |name: &str| file(name).holding("from the second package\n").mode(0o640);
    plan.changed("editable-two-pristine", second("both.conf"), edit());
    plan.changed("editable-earlier-pristine", second("first-only.conf").pristine(Pristine::Lost), edit());
    plan.changed("editable-alternate-kind", second("alternate.conf"), edit());
    plan.changed("editable-alternate-kind", second("classes.conf").class("preserve"), edit());
    plan.package("SAMPedge-absolute", "Edge cases: absolute paths in pkgmap");
    plan.changed("pristine-root", file("absolute.conf").holding(PACKAGED).pristine(Pristine::Root), edit());
}
