//! What zoneadmd does to a zone's tree at ready and at boot (section 6).

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::config::{Config, Element};
use super::host::{must_run, own_command, replace};
use super::mounts::Mount;
use super::zoneadm::Adm;
use super::zoneadmd::{inside, own_index, put_in};
use super::{Context, Done, fail, kernel, mounts, verify};
use crate::lab::net::{self, Net};

/// zone_create: the root is a file system of a zone, and nothing is mounted below it.
pub(super) fn check_root(adm: &Adm, root: &Path) -> Done {
    let text = root.display();
    let below = mounts::below(&adm.host.lab, root);
    if let Some(first) = below.first() {
        return fail(format!("unable to create zone: file systems are mounted on subdirectories of {text}: {first}"));
    }
    let found = fs::symlink_metadata(root).during(&text)?;
    if !found.is_dir() || found.mode() & 0o7777 != 0o755 {
        return fail(format!("unable to create zone: {text} must be a directory with mode 0755"));
    }
    if fs::read_dir(root).during(&text)?.next().is_none() {
        return fail(format!("unable to create zone: nothing is mounted on {text}"));
    }
    Ok(())
}

/// From the new zone in the kernel to the last hook.
pub(super) fn ready(adm: &Adm, config: &Config, root: &Path) -> Done {
    for dataset in config.zone.all("dataset") {
        if own_command(&adm.host.lab, "zfs").is_some() {
            must_run(&adm.host.lab, "zfs", &["set", "zoned=on", dataset.text("name")])?;
        }
    }
    let devices = Path::new(&adm.zonepath).join("dev");
    fs::DirBuilder::new().recursive(true).mode(0o755).create(&devices).during(devices.display())?;
    let mut wanted = platform(adm, root, false);
    wanted.extend(config.zone.all("filesystem").map(|element| resource(element, root)));
    wanted.sort_by(|one, other| one.directory.cmp(&other.directory));
    for mount in wanted {
        if mount.kind == "lofs" && fs::metadata(verify::source(adm, &mount.special)).is_err() {
            return fail(format!("cannot mount {} on {}: no such file or directory", mount.special, mount.directory));
        }
        do_mount(adm, root, mount)?;
    }
    network(adm, config)?;
    write_index(adm, root)
}

/// `<mount>` of the platform, at boot.
pub(super) fn mount_inside(adm: &Adm, root: &Path) -> Done {
    platform(adm, root, true).into_iter().try_for_each(|mount| do_mount(adm, root, mount))
}

fn platform(adm: &Adm, root: &Path, from_inside: bool) -> Vec<Mount> {
    let mounts = adm.brand.mounts.iter().filter(|mount| mount.inside == from_inside);
    let mount = |mount: &super::brand::PlatformMount| Mount {
        special: put_in(adm, &mount.special, !from_inside),
        directory: inside(root, &put_in(adm, &mount.directory, false)).display().to_string(),
        kind: mount.kind.clone(),
        options: put_in(adm, &mount.options, !from_inside),
    };
    mounts.map(mount).collect()
}

fn resource(element: &Element, root: &Path) -> Mount {
    let options: Vec<&str> = element.all("fsoption").map(|option| option.text("name")).collect();
    Mount {
        special: element.text("special").into(),
        directory: inside(root, element.text("directory")).display().to_string(),
        kind: element.text("type").into(),
        options: options.join(","),
    }
}

fn do_mount(adm: &Adm, root: &Path, mount: Mount) -> Done {
    let (lab, zone) = (&adm.host.lab, adm.zone.as_str());
    mount_point(lab, root, Path::new(&mount.directory))?;
    mounts::add(lab, &mount)?;
    let mut made = match kernel::get(lab, zone, "mounts") {
        Value::Array(made) => made,
        _ => Vec::new(),
    };
    made.push(json!(mount.directory));
    kernel::set(lab, zone, "mounts", Value::Array(made))
}

/// A mount point that is missing is made; a symlink on the way, or a name that leads elsewhere, is refused. What lies
/// below a mount of the global zone's is not looked at: in a lab nothing shows there.
fn mount_point(lab: &crate::lab::Lab, root: &Path, point: &Path) -> Done {
    let Ok(rest) = point.strip_prefix(root) else { return fail(format!("{}: not below the root", point.display())) };
    let mut path = root.to_owned();
    for part in rest.components() {
        let Component::Normal(name) = part else {
            return fail(format!("{} is not a canonical path", point.display()));
        };
        path.push(name);
        if path != point && mounts::on(lab, &path).is_some() {
            return Ok(());
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            // A file can be mounted on, such as /etc/mnttab.
            Ok(found) if found.is_file() && path == point => {}
            Ok(found) if found.is_symlink() => {
                return fail(format!("{} is a symlink; the mount on {} is refused", path.display(), point.display()));
            }
            Ok(_) => return fail(format!("{} is not a directory", path.display())),
            Err(_) => fs::DirBuilder::new().mode(0o755).create(&path).during(path.display())?,
        }
    }
    Ok(())
}

/// The links and addresses of the configuration.
pub(super) fn nets(config: &Config) -> Vec<Net> {
    let net = |found: &Element| Net {
        link: found.text("physical").to_owned(),
        address: found.text("address").to_owned(),
        allowed: found.text("allowed-address").to_owned(),
        router: found.text("defrouter").to_owned(),
    };
    config.zone.all("network").map(net).collect()
}

/// With a stack of its own, a zone takes its links into it.
fn network(adm: &Adm, config: &Config) -> Done {
    if own_command(&adm.host.lab, "dladm").is_none() {
        return Ok(());
    }
    net::ready(&adm.host.lab, &adm.zone, config.exclusive(), &nets(config)).or_else(fail)
}

/// The index that the zone reads; no link is followed.
fn write_index(adm: &Adm, root: &Path) -> Done {
    let mut path: PathBuf = root.to_owned();
    for name in ["etc", "zones"] {
        path.push(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return fail(format!("{} is not a directory", path.display())),
            Err(_) => fs::DirBuilder::new().mode(0o755).create(&path).during(path.display())?,
        }
    }
    replace(&path.join("index"), &own_index(adm)?)
}

/// init is there and may be run by its owner. What the zone shares is looked up in the global zone.
pub(super) fn check_init(adm: &Adm, root: &Path) -> Done {
    let init = adm.brand.text("initname").unwrap_or("/sbin/init");
    let in_zone = inside(root, init);
    let made = kernel::get(&adm.host.lab, &adm.zone, "mounts");
    let made: Vec<&str> = made.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let covering = mounts::all(&adm.host.lab).into_iter().filter(|mount| {
        mount.kind == "lofs" && made.contains(&mount.directory.as_str()) && in_zone.starts_with(&mount.directory)
    });
    let path = match covering.max_by_key(|mount| mount.directory.len()) {
        Some(mount) => {
            let rest = in_zone.strip_prefix(&mount.directory).unwrap_or(Path::new(""));
            verify::source(adm, &mount.special).join(rest)
        }
        None => in_zone,
    };
    let usable = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.mode() & 0o100 != 0);
    if usable { Ok(()) } else { fail(format!("{init} is not there, or may not be run ({})", path.display())) }
}
