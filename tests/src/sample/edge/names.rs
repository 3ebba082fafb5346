//! Names that a shell, a pattern or a terminal would mangle.

use super::super::delivery::Delivery;
use super::super::plan::{Change, Form, Plan};

/// Names that contents(5) can hold.
const ODD: &[&str] = &[
    "it's.conf",
    "\"quoted\".conf",
    "$(reboot)",
    "`halt`",
    "${HOME}",
    "$1",
    "Outer$Inner.class",
    "a;b",
    "a&b",
    "a|b",
    "a,b",
    "a:b",
    "<in>out",
    "(paren)",
    "{a,b}",
    "[a-z]",
    "*",
    "what?",
    "-n",
    "-",
    "--help",
    "...",
    ".hidden",
    "ends.",
    "back\\slash",
    "tail\\",
    "~",
    "~root",
    "middle~tilde",
    "%s%n",
    "driver%2Fnetwork%2Fsample",
    "#hash",
    "!bang",
    "^caret",
    "at@host",
    "c++",
    "\u{1b}[31mred",
    "\u{7f}",
    "žluťoučký-kůň.conf",
    "東京.txt",
    "🦉.png",
    "cafe\u{301}",
    "caf\u{e9}",
    "a\u{202e}txt.exe",
    "no\u{a0}break",
];

/// Names that are not UTF-8.
const RAW: &[&[u8]] = &[b"latin1-\xe9.conf", b"\xff\xfe", b"cut-\xe6\x97"];

/// Names that contents(5) cannot hold: they can only be on disk.
const UNPACKAGEABLE: &[&str] = &[
    "with blank.conf",
    " leading",
    "trailing ",
    "tab\there",
    "new\nline",
    "ends-a-line f none 0644 root root 1 1 1 SUNWcs\n",
    "a=b.conf",
];

/// Link and target.
const TARGETS: &[(&str, &str)] = &[
    ("/usr/share/edge/names/equals", "key=value=more"),
    ("/etc/edge/names/equals", "../names/a=b.conf"),
    ("/usr/share/edge/names/quote", "it's.conf"),
    ("/usr/share/edge/names/utf8", "東京.txt"),
    ("/usr/share/edge/names/dangling", "/nowhere/at/all"),
    ("/etc/edge/names/self", "self"),
    ("/etc/edge/names/upwards", "../../../../../../../../zonekit-sample-outside"),
];

const PLACES: [&str; 2] = ["/etc/edge/names/", "/usr/share/edge/names/"];
const EDITABLE: &str = "/etc/edge/editable-names/";

pub(crate) fn plan(plan: &mut Plan) {
    plan.package("SAMPedge-names", "Edge cases: names");
    let long = ["n".repeat(255), "長".repeat(85)];
    let named: Vec<(&'static str, Vec<u8>)> = (ODD.iter().map(|name| ("odd-names", name.as_bytes().to_vec())))
        .chain(RAW.iter().map(|name| ("invalid-utf8", name.to_vec())))
        .chain(long.iter().map(|name| ("long-names", name.as_bytes().to_vec())))
        .collect();
    for (category, name) in &named {
        for place in PLACES {
            plan.case(category, Delivery::file([place.as_bytes(), name].concat()));
        }
    }
    plan.case("odd-names", Delivery::file("/usr/share/edge/names/it's-a-directory/it's-inside"));
    for (path, target) in TARGETS {
        plan.case("symlink-targets", Delivery::symlink(*path, *target));
    }
    for name in UNPACKAGEABLE {
        for place in PLACES {
            let path = format!("{place}{name}");
            plan.note("unpackageable-names", path.as_bytes());
            plan.stray(path, 0o644, Form::File("cannot be packaged\n".into()));
        }
    }
    plan.package("SAMPedge-names-editable", "Edge cases: names of editable files");
    for (_, name) in &named {
        let path = [EDITABLE.as_bytes(), name].concat();
        let delivery = Delivery::editable(path).class("preserve").holding("key = packaged\n");
        plan.changed("odd-names-editable", delivery, Change::Append("key = live\n"));
    }
}
