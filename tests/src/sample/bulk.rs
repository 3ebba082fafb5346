//! Ordinary packages, as many as the scale asks for.

use contents::Kind;

use super::content::Content;
use super::delivery::Delivery;
use super::packages::Package;
use super::plan::{Change, Plan};
use super::prototype::about;
use super::services;

/// What a flavour of package is made of: how many files of each sort.
struct Flavour {
    name: &'static str,
    noun: &'static str,
    commands: usize,
    libraries: usize,
    headers: usize,
    modules: usize,
    documents: usize,
    configuration: usize,
    service: bool,
}

const fn flavour(name: &'static str, noun: &'static str, files: [usize; 6], service: bool) -> Flavour {
    let [commands, libraries, headers, modules, documents, configuration] = files;
    Flavour { name, noun, commands, libraries, headers, modules, documents, configuration, service }
}

const FLAVOURS: [Flavour; 8] = [
    flavour("lib", "kestrel", [1, 3, 6, 2, 1, 0], false),
    flavour("dev", "heron", [3, 1, 12, 3, 2, 1], false),
    flavour("web", "otter", [1, 0, 0, 6, 9, 3], true),
    flavour("app", "lapwing", [2, 1, 0, 6, 3, 2], false),
    flavour("doc", "reed", [0, 0, 0, 0, 14, 0], false),
    flavour("net", "dipper", [2, 1, 2, 4, 2, 2], true),
    flavour("lang", "wagtail", [3, 1, 3, 9, 2, 0], false),
    flavour("text", "marten", [4, 0, 0, 2, 2, 1], false),
];

/// Names of the ordinary packages of the first unit of scale.
pub(crate) fn first_names() -> [String; FLAVOURS.len()] {
    FLAVOURS.each_ref().map(|flavour| name(flavour, 0))
}

/// Adds the ordinary packages of one unit of scale.
pub(crate) fn plan(plan: &mut Plan, unit: u32) {
    for flavour in &FLAVOURS {
        ordinary(plan, flavour, unit);
    }
}

fn noun(flavour: &Flavour, unit: u32) -> String {
    if unit == 0 { flavour.noun.to_owned() } else { format!("{}-{unit}", flavour.noun) }
}

fn name(flavour: &Flavour, unit: u32) -> String {
    format!("SAMP{}-{}", flavour.name, noun(flavour, unit))
}

fn ordinary(plan: &mut Plan, flavour: &Flavour, unit: u32) {
    let noun = noun(flavour, unit);
    let mut package = Package::new(name(flavour, unit), format!("Sample of {noun}"));
    if flavour.name != FLAVOURS[0].name {
        package.depends.push(name(&FLAVOURS[0], unit));
    }
    let mut put = |count: usize, mode: u32, size: usize, path: &dyn Fn(usize) -> String| {
        for number in 0..count {
            let path = path(number).into_bytes();
            let content = Content::made(&path, about(size, &path), mode & 0o111 != 0);
            package.deliveries.push(Delivery::file(path).mode(mode).holding(content));
        }
    };
    put(flavour.commands, 0o555, 9000, &|n| {
        format!("/usr/bin/{noun}{}", ["", "-config", "-dump", "-view", "-edit", "-sync"][n % 6])
    });
    put(flavour.commands, 0o444, 2500, &|n| format!("/usr/share/man/man1/{noun}-{n}.1"));
    put(flavour.libraries, 0o755, 26_000, &|n| format!("/usr/lib/amd64/lib{noun}{n}.so.1"));
    put(flavour.headers, 0o644, 1800, &|n| format!("/usr/include/{noun}/part{n:02}.h"));
    put(flavour.modules, 0o755, 7000, &|n| format!("/usr/lib/{noun}/modules/module{n:02}.so"));
    put(flavour.documents, 0o444, 3000, &|n| format!("/usr/share/doc/{noun}/chapter{}/page{n:02}.html", n / 8));
    for number in 0..flavour.libraries {
        let link = format!("/usr/lib/amd64/lib{noun}{number}.so");
        package.deliveries.push(Delivery::symlink(link, format!("lib{noun}{number}.so.1")));
    }
    if flavour.documents > 0 {
        let index = format!("/usr/share/doc/{noun}/index.html");
        package.deliveries.push(Delivery::hard_link(index, "chapter0/page00.html"));
    }
    configuration(plan, &mut package, flavour, &noun);
    plan.packages.push(package);
}

/// Editable files, half of which the administrator has edited, and a service with its log.
fn configuration(plan: &mut Plan, package: &mut Package, flavour: &Flavour, noun: &str) {
    for number in 0..flavour.configuration {
        let path = format!("/etc/{noun}/{}.conf", ["main", "site", "access"][number % 3]);
        let text = format!("# {noun}, as packaged\nlisten = localhost\nworkers = {}\n", number + 1);
        package.deliveries.push(Delivery::editable(path.as_bytes()).class("preserve").holding(text));
        if number % 2 == 0 {
            plan.change(path, Change::Append("workers = 64\n"));
        }
    }
    if flavour.service {
        let manifest = format!("/lib/svc/manifest/application/{noun}.xml");
        let text = services::manifest(&format!("application/{noun}"), &["network/physical"], &[], "sample-cache");
        package.deliveries.push(Delivery::file(manifest).mode(0o444).holding(text));
        let log = format!("/var/log/{noun}.log");
        package.deliveries.push(Delivery::new(Kind::Volatile, log.as_bytes()).holding("started\n"));
        plan.change(log, Change::Append("served one request\n"));
    }
}
