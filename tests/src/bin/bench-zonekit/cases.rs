//! What is measured beside what.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use contents::Contents;
use contents::database::CONTENTS;

use crate::database;
use crate::measure::{Contender, in_turn, make_empty, remove};
use crate::place::{Place, installed};
use crate::processes;
use crate::report::{Goal, Table, Target};

/// Entries of the large database.
const LARGE: usize = 300_000;
/// How long parsing is repeated.
const PARSING: Duration = Duration::from_secs(3);

const OURS: &str = "pkgcreatezone";
const VERIFYING: &str = "pkgcreatezone --verify";

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Those whose program is there; the others are named in the note.
fn present(contenders: Vec<(&str, Contender)>, note: &mut String) -> Vec<Contender> {
    let mut kept = Vec::new();
    for (programs, contender) in contenders {
        match programs.split(' ').find(|program| !installed(program)) {
            Some(absent) => note.push_str(&format!("\nAbsent: {} ({absent} is not installed).", contender.name)),
            None => kept.push(contender),
        }
    }
    kept
}

/// The other programs, copying what a finished zone has to `to`.
pub(crate) fn copiers(place: &Place, to: &Path, note: &mut String) -> Vec<Contender> {
    let from = &place.finished;
    let shown = (from.display(), to.display());
    let cpio = |program: &str| {
        let command = words(&[program, "-pdm0"]).into_iter().chain([to.into()]);
        Contender::new(&format!("{program} -pdm"), command).inside(from).reading(&place.list)
    };
    let pipe = format!("cd '{}' && tar cf - . | tar xpf - -C '{}'", shown.0, shown.1);
    let cp = words(&["cp", "-a"]).into_iter().chain([from.join(".").into(), to.into()]);
    let rsync = words(&["rsync", "-a"]).into_iter().chain([from.join(".").into(), to.into()]);
    let all = vec![
        ("cpio", cpio("cpio")),
        ("rsync", Contender::new("rsync -a", rsync)),
        ("bsdcpio", cpio("bsdcpio")),
        ("tar", Contender::new("tar | tar", words(&["sh", "-c", &pipe]))),
        ("cp", Contender::new("cp -a", cp)),
    ];
    present(all, note).into_iter().map(|contender| contender.fresh(to)).collect()
}

fn whole_contenders(place: &Place, to: &Path, note: &mut String) -> Vec<Contender> {
    let verify = [OsString::from("--verify")];
    let mut all = vec![place.install(OURS, "whole-root", to, &[]), place.install(VERIFYING, "whole-root", to, &verify)];
    all.extend(copiers(place, to, note));
    all
}

/// A: everything that a whole-root zone takes, beside bare copies of the same files.
pub(crate) fn whole_root(place: &Place) -> io::Result<Table> {
    let mut note = "The others copy a finished zone root. Ours reads the package database, takes editable files\n\
                    from their pristine copies, prunes, writes the zone's own database and runs package scripts."
        .to_owned();
    let to = place.at("zone");
    let contenders = whole_contenders(place, &to, &mut note);
    let rows = in_turn(&contenders, place.rounds, true);
    Ok(Table::new("whole-root", &note, rows, &[OURS, VERIFYING]).targets([
        Target::ratio(OURS, "cp -a", 0.7),
        Target::ratio(OURS, "cpio -pdm", 0.3),
        Target::ratio(VERIFYING, "cp -a", 1.0),
        Target::memory(OURS, 100),
        Target::memory(VERIFYING, 100),
    ]))
}

/// A once, on another file system.
pub(crate) fn elsewhere(place: &Place, other: &Path) -> io::Result<Table> {
    let folder = other.join(format!("zonekit-bench.{}", std::process::id()));
    make_empty(&folder)?;
    let mut note =
        format!("For information: to {}, where reclaiming memory counts as much as copying.", other.display());
    let contenders = whole_contenders(place, &folder.join("zone"), &mut note);
    let rows = in_turn(&contenders, 1, false);
    remove(&folder)?;
    Ok(Table::new("whole-root elsewhere, once", &note, rows, &[OURS, VERIFYING]))
}

/// B: a sparse-root zone, beside a script of text tools, cpio and a cp for each pristine file.
pub(crate) fn sparse_root(place: &Place) -> io::Result<Table> {
    const CURRENT: &str = "pkgcreatezone, /zonelib current";
    const BUILDING: &str = "pkgcreatezone, builds /zonelib";
    const CLASSIC: &str = "classic, copies /zonelib";
    let (to, clone) = (place.at("zone"), place.at("clone-new"));
    let zonelib = |path: &Path| [OsString::from("--zonelib"), path.into()];
    let classic = |name: &str| classic(place, name, "sparse-root", &to);
    let mut with_clone = classic(CLASSIC);
    with_clone.command.push(clone.clone().into());
    let mut note = "The classic script: grep and awk choose, cpio copies, then one cp a pristine file.".to_owned();
    let mut contenders = vec![
        place.install(CURRENT, "sparse-root", &to, &zonelib(&place.clone)),
        place.install(BUILDING, "sparse-root", &to, &zonelib(&clone)).fresh(&clone),
    ];
    let others =
        vec![("cpio grep awk", with_clone.fresh(&clone)), ("cpio grep awk", classic("classic, /zonelib is there"))];
    contenders.extend(present(others, &mut note));
    let rows = in_turn(&contenders, place.rounds, true);
    Ok(Table::new("sparse-root", &note, rows, &[CURRENT, BUILDING]).targets([
        Target::ratio(CURRENT, CLASSIC, 0.1),
        Target::ratio(BUILDING, CLASSIC, 0.2),
        Target::memory(CURRENT, 100),
    ]))
}

/// The classic script, making a zone in `to`.
fn classic(place: &Place, name: &str, brand: &str, to: &Path) -> Contender {
    let (script, lists) = &place.classic;
    let command = ["sh".into(), script.clone(), brand.into(), place.image.clone(), to.join("root"), lists.clone()];
    Contender::new(name, command).fresh(to)
}

/// F: programs that are started to make one zone.
pub(crate) fn programs(place: &Place, counted: &[(String, usize)]) -> io::Result<Table> {
    let to = place.at("zone");
    let zonelib = [OsString::from("--zonelib"), place.clone.clone().into()];
    let mut contenders = vec![
        place.install("pkgcreatezone, sparse-root", "sparse-root", &to, &zonelib),
        place.install("pkgcreatezone, whole-root", "whole-root", &to, &[]),
    ];
    let reference = |brand: &str| ("cpio grep awk", classic(place, &format!("classic, {brand}"), brand, &to));
    contenders.extend(present(vec![reference("sparse-root"), reference("whole-root")], &mut String::new()));
    processes::processes(place, &contenders, counted)
}

/// C: planning alone, from the image's database and from a large one.
pub(crate) fn planning(place: &Place) -> io::Result<Table> {
    let large = place.at("large");
    database::enlarged(&place.image, &large, LARGE)?;
    let zonepath = place.at("planned");
    make_empty(&zonepath)?;
    let plan = |brand: &str, image: &Path, size: &str| {
        let mut command = place.command(brand, image);
        command.extend(["-n".into(), "-R".into(), zonepath.clone().into()]);
        Contender::new(&format!("{brand} -n, {size}"), command)
    };
    let contenders = [
        plan("whole-root", &large, "300,000 entries"),
        plan("sparse-root", &large, "300,000 entries"),
        plan("whole-root", &place.image, "the image's own"),
        plan("sparse-root", &place.image, "the image's own"),
    ];
    let rows = in_turn(&contenders, place.rounds, true);
    remove(&large)?;
    remove(&zonepath)?;
    let note = "The large database is the image's with invented files in it.";
    Ok(Table::new("planning", note, rows, &[]).targets([
        Target::wall("whole-root -n, 300,000 entries", 0.3),
        Target::wall("sparse-root -n, 300,000 entries", 0.3),
    ]))
}

/// D: the parser alone, in this process, on one thread.
pub(crate) fn parsing(place: &Place) -> io::Result<Table> {
    let file = place.image.join(CONTENTS);
    let text = fs::read(&file)?;
    let mut speeds = Vec::new();
    let mut entries = 0;
    let until = Instant::now() + PARSING;
    while speeds.len() < 20 || Instant::now() < until {
        let start = Instant::now();
        let parsed = Contents::parse(&file, &text).map_err(io::Error::other)?;
        entries = std::hint::black_box(&parsed).entries().len();
        speeds.push(text.len() as f64 / 1e6 / start.elapsed().as_secs_f64());
    }
    speeds.sort_by(f64::total_cmp);
    let (best, median) = (speeds[speeds.len() - 1], speeds[speeds.len() / 2]);
    let note = format!(
        "{entries} entries, {:.2} MB, {} times on one thread: median {median:.0} MB/s, best {best:.0} MB/s",
        text.len() as f64 / 1e6,
        speeds.len()
    );
    let figures = serde_json::json!({ "entries": entries, "bytes": text.len(), "median": median, "best": best });
    let goal = Goal { text: "at least 500 MB/s".to_owned(), value: format!("{median:.0} MB/s"), met: median >= 500.0 };
    Ok(Table::new("parsing the database", &note, Vec::new(), &[]).figures(figures).goal(goal))
}

/// E: an archive, beside tar and gzip.
pub(crate) fn archive(place: &Place) -> io::Result<Table> {
    let folder = place.at("archive");
    let file = folder.join("zone.tar.gz");
    let ours = |jobs: &str| {
        let mut command = place.command("whole-root", &place.image);
        command.extend(["--jobs".into(), jobs.into(), "--archive".into(), file.clone().into()]);
        Contender::new(&format!("pkgcreatezone --archive --jobs {jobs}"), command).fresh(&folder)
    };
    let tar = words(&["tar", "czf"]).into_iter().chain([file.clone().into(), ".".into()]);
    let mut note = "For information, once.".to_owned();
    let mut contenders = vec![ours("1"), ours("2")];
    let peers = vec![("tar gzip", Contender::new("tar czf", tar).inside(&place.finished).fresh(&folder))];
    contenders.extend(present(peers, &mut note));
    let rows = in_turn(&contenders, 1, false);
    Ok(Table::new("archive", &note, rows, &["pkgcreatezone --archive --jobs 2"]))
}
