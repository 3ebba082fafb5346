use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Barrier;

use ::tests::run::Scratch;
use ::tests::svccfg;
use ::tests::tiny::{PACKAGED, Tiny, set_time};

use super::*;
use crate::libclone::{Clone as SharedClone, State};
use crate::populate::{Counters, Image, Settings};
use crate::recipe::{Recipe, Site};

const SEED: &str = "** This file contains an SQLite 2.1 database **\nseed\n";
const RECIPE: &str = "[copy]\npaths = ['/etc', '/var']\nprune = ['zone']\n\
    [[share]]\npath = '/lib'\nfrom = '/zonelib/lib'\nclone-prune = ['mine']\n\
    [smf]\nprofile-directory = '/etc/svc/profile'\nprofiles = {}\n\
    seed = '/lib/svc/seed/nonglobal.db'\nrepository = '/etc/svc/repository.db'\n";

/// An image with manifests in both places, and a host with a stand-in for svccfg.
struct World {
    dir: Scratch,
    image: Tiny,
}

impl World {
    fn new() -> Self {
        let dir = Scratch::new();
        let mut image = Tiny::new(&dir.path().join("image"));
        image.accounts_of_caller();
        for above in ["/lib", "/lib/svc", "/lib/svc/manifest", "/lib/svc/manifest/site", "/lib/svc/seed", "/var"] {
            image.directory(above);
        }
        image.directory("/var/svc").directory("/var/svc/manifest").file("/lib/svc/seed/nonglobal.db", SEED);
        for path in ["/lib/svc/manifest/kept", "/lib/svc/manifest/pruned", "/lib/svc/manifest/site/own"] {
            image.file(&format!("{path}.xml"), "manifest");
        }
        image.file("/var/svc/manifest/app.xml", "app").file("/var/svc/manifest/gone.xml", "gone");
        image.file("/lib/svc/manifest/README", "no manifest").put("/var/svc/manifest/stray.xml", "of no package");
        image.write();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("recipe.toml", RECIPE);
        write("mine.prune", "/lib/svc/manifest/pruned.xml\n");
        write("zone.prune", "/var/svc/manifest/gone.xml\n");
        let world = Self { dir, image };
        svccfg::put(&world.at("svccfg"), &world.at("log"));
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn repository(&self) -> PathBuf {
        self.image.at("/zonelib/.lib.repository")
    }

    fn svccfg(&self) -> Svccfg {
        Svccfg::at(&self.at("svccfg"))
    }

    /// How often svccfg was run.
    fn runs(&self) -> usize {
        fs::read_to_string(self.at("log")).map_or(0, |log| log.lines().count())
    }

    fn with<R>(&self, act: impl FnOnce(&SharedClone<'_>, &Prepared<'_, '_>) -> R) -> R {
        let nowhere = self.at("nowhere");
        let site = Site { config: nowhere.clone(), brands: nowhere };
        let recipe: Recipe = site.recipe_file(&self.at("recipe.toml")).unwrap();
        let image = Image::open(self.image.path()).unwrap();
        let contents = image.contents().unwrap();
        let at = self.image.at("/zonelib/lib");
        let clone = SharedClone::of(image.packages(&contents), &recipe.shares[0], at).unwrap();
        act(&clone, &Prepared::of(&clone, &recipe, self.svccfg()).unwrap())
    }

    fn state(&self) -> State {
        self.with(|_, prepared| prepared.state().unwrap())
    }

    fn sync_while(&self, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Outcome, ImportError> {
        let counters = Counters::default();
        let settings = |go_on| Settings { jobs: 1, verify: false, go_on, counters: &counters };
        self.with(|clone, prepared| {
            clone.sync(&settings(&|| true)).unwrap();
            prepared.sync(&settings(go_on))
        })
    }

    fn sync(&self) -> Result<Outcome, ImportError> {
        self.sync_while(&|| true)
    }

    fn made(&self) -> Imported {
        match self.sync().unwrap() {
            Outcome::Made(imported) => imported,
            Outcome::Current => panic!("nothing was made"),
        }
    }

    /// The lines of the repository behind the seed.
    fn imported(&self) -> Vec<String> {
        let text = fs::read_to_string(self.repository()).unwrap();
        text.strip_prefix(SEED).unwrap().lines().map(str::to_owned).collect()
    }

    fn no_leftovers(&self) {
        let mut names: Vec<_> =
            fs::read_dir(self.image.at("/zonelib")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| {
            !["lib", ".lib.lock", ".lib.zonekit", ".lib.repository", ".lib.repository.zonekit"]
                .iter()
                .any(|known| name == known)
        });
        assert_eq!(names, Vec::<std::ffi::OsString>::new());
    }
}

#[test]
fn what_the_zone_will_have_is_imported_as_the_zone_will_see_it() {
    let world = World::new();
    assert_eq!(world.state(), State::Absent);
    assert_eq!(world.made(), Imported { manifests: 3, refused: 0 });
    assert_eq!(
        world.imported(),
        [
            format!("/lib/svc/manifest/kept.xml 8 {PACKAGED}"),
            format!("/lib/svc/manifest/site/own.xml 8 {PACKAGED}"),
            format!("/var/svc/manifest/app.xml 3 {PACKAGED}"),
        ]
    );
    assert_eq!(world.state(), State::Current);
    let metadata = fs::metadata(world.repository()).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o600);
    let log = fs::read_to_string(world.at("log")).unwrap();
    assert!(log.contains("/.lib.import/") && log.ends_with("/root/var/svc/manifest repository.db 1 \n"), "{log}");
    world.no_leftovers();
}

#[test]
fn a_current_repository_costs_no_process() {
    let world = World::new();
    world.made();
    assert!(matches!(world.sync().unwrap(), Outcome::Current));
    assert_eq!(world.runs(), 1);
    world.with(|_, prepared| {
        let (_, stat) = prepared.open().unwrap().unwrap();
        assert_eq!(stat.size, fs::metadata(world.repository()).unwrap().len());
    });
}

#[test]
fn what_changes_is_imported_again() {
    let mut world = World::new();
    world.made();
    type Change<'c> = (&'c str, &'c dyn Fn(&mut World));
    let changes: [Change<'_>; 4] = [
        ("a manifest of the clone", &|world| {
            world.image.file("/lib/svc/manifest/kept.xml", "changed manifest").write();
        }),
        ("a manifest of the zone", &|world| {
            world.image.file("/var/svc/manifest/app.xml", "changed app").write();
        }),
        ("the seed", &|world| {
            world.image.file("/lib/svc/seed/nonglobal.db", &format!("{SEED}more\n")).write();
        }),
        ("the prune list of zones", &|world| {
            fs::write(world.at("zone.prune"), "/var/svc/manifest/app.xml\n").unwrap();
        }),
    ];
    for (number, (what, change)) in changes.iter().enumerate() {
        change(&mut world);
        assert_eq!(world.state(), State::Stale, "{what}");
        world.with(|_, prepared| assert!(prepared.open().unwrap().is_none(), "{what}"));
        world.made();
        assert_eq!((world.state(), world.runs()), (State::Current, number + 2), "{what}");
    }
    assert!(world.imported().contains(&format!("/var/svc/manifest/gone.xml 4 {PACKAGED}")));
    assert!(!world.imported().iter().any(|line| line.contains("app.xml")));
}

#[test]
fn another_file_in_its_place_is_not_it() {
    let world = World::new();
    world.made();
    fs::copy(world.repository(), world.at("copy")).unwrap();
    fs::rename(world.at("copy"), world.repository()).unwrap();
    assert_eq!(world.state(), State::Stale);
    fs::write(world.image.at("/zonelib/.lib.repository.zonekit"), "no record").unwrap();
    assert_eq!(world.state(), State::Absent);
    world.made();
    fs::remove_file(world.repository()).unwrap();
    std::os::unix::fs::symlink(world.at("recipe.toml"), world.repository()).unwrap();
    assert_ne!(world.state(), State::Current);
    world.made();
    assert_eq!(world.state(), State::Current);
}

#[test]
fn one_refused_manifest_does_not_lose_the_others() {
    let mut world = World::new();
    world.image.file("/lib/svc/manifest/kept.xml", "refuse me").write();
    let imported = world.made();
    assert_eq!(imported, Imported { manifests: 3, refused: 1 });
    assert!(imported.warning().unwrap().starts_with("svccfg refused 1 of 3 service manifests"));
    assert_eq!(world.imported().len(), 2);
}

/// Whatever svccfg does, nothing of it stays but a whole repository.
#[test]
fn a_host_that_cannot() {
    let cases: [(&str, &str); 5] = [
        ("echo no repository for you >&2; exit 1", "no repository for you"),
        ("exit 0", "the repository without the services"),
        ("echo more > \"$SVCCFG_REPOSITORY\"", "something that is no repository"),
        ("rm \"$SVCCFG_REPOSITORY\"; mkfifo \"$SVCCFG_REPOSITORY\"", ".import"),
        ("echo >> \"$SVCCFG_REPOSITORY\"; touch \"$SVCCFG_REPOSITORY-journal\"", "not finished writing"),
    ];
    let world = World::new();
    for (script, problem) in cases {
        svccfg::put_script(&world.at("svccfg"), script);
        let message = warning(&world.sync().unwrap_err());
        assert!(
            message.starts_with("services are imported at the first boot") && message.contains(problem),
            "{message}"
        );
        assert_eq!(world.state(), State::Absent, "{script}");
        world.no_leftovers();
    }
    fs::remove_file(world.at("svccfg")).unwrap();
    let message = world.sync().unwrap_err().to_string();
    assert!(message.ends_with("svccfg` is not on this host"), "{message}");
    svccfg::put(&world.at("svccfg"), &world.at("log"));
    world.made();
}

#[test]
fn a_failure_leaves_what_was_there_before_stale() {
    let mut world = World::new();
    world.made();
    let before = world.imported();
    world.image.file("/lib/svc/manifest/kept.xml", "changed").write();
    svccfg::put_script(&world.at("svccfg"), "exit 1");
    world.sync().unwrap_err();
    assert_eq!((world.state(), world.imported()), (State::Stale, before));
}

#[test]
fn what_a_killed_run_left_is_cleared() {
    let world = World::new();
    let leave = || {
        let scratch = world.image.at("/zonelib/.lib.import");
        fs::create_dir_all(scratch.join("0123/root/lib/svc/manifest")).unwrap();
        fs::set_permissions(&scratch, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(scratch.join("0123/root/lib/svc/manifest/left.xml"), "left").unwrap();
        fs::write(scratch.join("0123/repository.db-journal"), "left").unwrap();
    };
    leave();
    // It had put the repository in its place, and not yet said what it was made from.
    fs::write(world.repository(), "half").unwrap();
    world.made();
    assert_eq!(world.imported().len(), 3);
    world.no_leftovers();
    // It had said that too, and was killed before it could tidy up.
    leave();
    assert!(matches!(world.sync(), Ok(Outcome::Current)) && world.runs() == 1);
    world.no_leftovers();
}

/// Whoever may write beside a clone of their own cannot have root follow a link.
#[test]
fn a_scratch_directory_of_somebody_else_is_not_entered() {
    let world = World::new();
    let scratch = world.image.at("/zonelib/.lib.import");
    fs::create_dir_all(world.at("elsewhere")).unwrap();
    fs::write(world.at("elsewhere/precious"), "").unwrap();
    fs::create_dir_all(world.image.at("/zonelib")).unwrap();
    std::os::unix::fs::symlink(world.at("elsewhere"), &scratch).unwrap();
    world.sync().unwrap_err();
    assert!(world.at("elsewhere/precious").exists());
    fs::remove_file(&scratch).unwrap();
    fs::create_dir(&scratch).unwrap();
    fs::set_permissions(&scratch, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(world.sync().unwrap_err().to_string().contains("for its owner alone"));
}

#[test]
fn an_interruption_is_one() {
    let world = World::new();
    for after in 0..12 {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let go_on = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < after;
        match world.sync_while(&go_on) {
            Err(ImportError::Interrupted) => assert_eq!(world.state(), State::Absent, "{after}"),
            Err(error) => panic!("{after}: {error}"),
            Ok(_) => return assert!(after > 3, "{after}"),
        }
        world.no_leftovers();
    }
    panic!("never done");
}

#[test]
fn two_at_once_import_once() {
    let world = World::new();
    let slow = format!(
        "sleep 0.2\nLOG={}\necho run >> \"$LOG\"\necho more >> \"$SVCCFG_REPOSITORY\"\n",
        world.at("log").display()
    );
    svccfg::put_script(&world.at("svccfg"), &slow);
    let start = Barrier::new(3);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                start.wait();
                world.sync().unwrap();
            });
        }
    });
    assert_eq!((world.runs(), world.state()), (1, State::Current));
}

#[test]
fn a_path_that_svccfg_would_not_read_is_not_given_to_it() {
    let world = World::new();
    let root = Tree::open(&world.dir.path().join("image")).unwrap();
    let smf = Smf {
        profiles: Vec::new(),
        seed: "/lib/svc/seed/nonglobal.db".to_owned(),
        repository: "/lib/svc/seed/nonglobal.db".to_owned(),
    };
    let prepare = |scratch: &str| prepare_root(&world.svccfg(), &root, &smf, &world.at(scratch), &|| true);
    let error = prepare("a b").unwrap_err();
    assert!(matches!(error, ImportError::Path(_)) && world.runs() == 0, "{error}");
}

/// A filled whole root: its manifests are its own, and links in it lead nowhere.
#[test]
fn the_repository_of_a_root_is_replaced() {
    let world = World::new();
    let root = world.dir.path().join("root");
    for path in ["lib/svc/manifest/system", "var/svc/manifest", "etc/svc"] {
        fs::create_dir_all(root.join(path)).unwrap();
    }
    fs::write(root.join("lib/svc/manifest/system/a.xml"), "a").unwrap();
    fs::write(root.join("var/svc/manifest/b.xml"), "b").unwrap();
    set_time(&root.join("lib/svc/manifest/system/a.xml"), PACKAGED);
    set_time(&root.join("var/svc/manifest/b.xml"), PACKAGED);
    std::os::unix::fs::symlink(world.at("recipe.toml"), root.join("lib/svc/manifest/link.xml")).unwrap();
    let repository = root.join("etc/svc/repository.db");
    fs::write(&repository, SEED).unwrap();
    fs::set_permissions(&repository, fs::Permissions::from_mode(0o600)).unwrap();
    let smf = Smf {
        profiles: Vec::new(),
        seed: "/lib/svc/seed/nonglobal.db".to_owned(),
        repository: "/etc/svc/repository.db".to_owned(),
    };
    let tree = Tree::open(&root).unwrap();
    let prepare = || prepare_root(&world.svccfg(), &tree, &smf, &world.at("scratch"), &|| true);
    assert_eq!(prepare().unwrap(), Imported { manifests: 2, refused: 0 });
    let expected = format!("{SEED}/lib/svc/manifest/system/a.xml 1 {PACKAGED}\n/var/svc/manifest/b.xml 1 {PACKAGED}\n");
    assert_eq!(fs::read_to_string(&repository).unwrap(), expected);
    assert_eq!(fs::metadata(&repository).unwrap().mode() & 0o7777, 0o600);
    assert!(!world.at("scratch").exists());
    svccfg::put_script(&world.at("svccfg"), "exit 1");
    prepare().unwrap_err();
    assert_eq!(fs::read_to_string(&repository).unwrap(), expected);
    assert!(!world.at("scratch").exists());
}
