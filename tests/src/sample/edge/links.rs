//! Hard links, within a tree and across the trees that a zone copies or shares.

use super::super::content::Content;
use super::super::delivery::Delivery;
use super::super::plan::{Change, Form, Plan};

/// Category, link, target.
const LINKS: &[(&str, &str, &str)] = &[
    ("hard-links-within", "/usr/share/edge/links/b", "a"),
    ("hard-links-within", "/usr/share/edge/links/c", "../links/a"),
    // Sorts before its target, so that a reader in order meets the link first.
    ("hard-links-within", "/usr/share/edge/links/0-early", "a"),
    ("hard-links-absolute", "/usr/share/edge/links/absolute", "/usr/share/edge/links/a"),
    ("hard-links-chain", "/usr/share/edge/links/d", "b"),
    ("hard-links-chain", "/usr/share/edge/links/0-chain", "d"),
    ("hard-links-across", "/usr/sbin/edge-tool", "../../sbin/edge-tool"),
    ("hard-links-across", "/lib/edge.so.1", "../usr/lib/edge/edge.so.1"),
    ("hard-links-across", "/etc/edge/links/to-usr", "../../../usr/share/edge/links/a"),
    ("hard-links-across", "/usr/share/edge/links/to-etc", "../../../../etc/edge/links/plain"),
    ("hard-links-editable", "/etc/edge/links/editable-too", "editable"),
    ("hard-links-editable", "/usr/share/edge/links/editable", "../../../../etc/edge/links/editable"),
    ("hard-links-pruned", "/lib/svc/method/edge-hal", "svc-hal"),
    ("hard-links-broken", "/etc/edge/links/broken", "plain"),
    ("hard-links-missing", "/etc/edge/links/missing", "plain"),
];

pub(crate) fn plan(plan: &mut Plan) {
    plan.package("SAMPedge-links", "Edge cases: hard links");
    plan.case("hard-links-within", Delivery::file("/usr/share/edge/links/a"));
    plan.case("hard-links-across", Delivery::file("/etc/edge/links/plain"));
    for path in ["/sbin/edge-tool", "/usr/lib/edge/edge.so.1"] {
        let content = Content::made(path.as_bytes(), 30_000, true);
        plan.case("hard-links-across", Delivery::file(path).mode(0o555).holding(content));
    }
    let editable = Delivery::editable("/etc/edge/links/editable").class("preserve").holding("links = packaged\n");
    plan.changed("hard-links-editable", editable, Change::Append("links = live\n"));
    for (category, path, target) in LINKS {
        plan.case(category, Delivery::hard_link(*path, *target));
    }
    plan.change("/etc/edge/links/broken", Change::File);
    plan.change("/etc/edge/links/missing", Change::Remove);
    plan.note("hard-links-stray", "/etc/edge/links/stray");
    plan.stray("/etc/edge/links/stray", 0o644, Form::HardLink("/etc/edge/links/plain"));
}
