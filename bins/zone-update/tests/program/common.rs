//! A small image, zones that are made from it, and the program run on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tests::run::{Ran, Scratch, run};
use tests::tiny::{Tiny, measures};
use tests::tree::{self, Nodes};
use zonelib::brand::install::{Install, Watch};
use zonelib::journal::StateDir;
use zonelib::populate::Counters;
use zonelib::recipe::Site;
use zonelib::storage::Which;

pub struct Place {
    pub scratch: Scratch,
    pub image: Tiny,
    pub brand: &'static str,
}

impl Place {
    /// An image of directories and of files of every sort, and no zone yet.
    pub fn new(brand: &'static str) -> Self {
        let scratch = Scratch::new();
        let mut image = Tiny::new(&scratch.join("image"));
        for directory in
            ["/etc", "/etc/svc", "/etc/svc/profile", "/var", "/var/sadm", "/lib", "/lib/svc", "/usr", "/usr/bin"]
        {
            image.directory(directory);
        }
        image.directory("/etc/gone.d").file("/etc/gone.d/gone", "gone").file("/etc/dropped", "dropped");
        image.file("/etc/plain", "one").file("/etc/same", "same").file("/usr/bin/tool", "tool one");
        for name in ["clean", "edited", "mine", "away", "removed", "swapped"] {
            image.editable(&format!("/etc/{name}"), &format!("{name}: files dns\n"), "live");
        }
        image.link("/etc/link", "./plain").link("/etc/turned", "./plain");
        image.directory("/etc/becomes").file("/etc/becomes/file", "in a directory");
        image.put("/var/sadm/pkg/SUNWcs/pkginfo", "PKG=SUNWcs\nVERSION=0.5.11\n");
        image.put("/var/sadm/pkg/TRIBold/pkginfo", "PKG=TRIBold\nVERSION=1\n");
        image.put("/etc/zap/repositories/one.catalog", "one|1\n").write();
        Self { scratch, image, brand }
    }

    /// The packages change.
    pub fn second_version(&mut self) {
        let image = &mut self.image;
        image.remove("/etc/gone.d").remove("/etc/dropped").remove("/etc/becomes").remove("/etc/link");
        image.file("/etc/plain", "two").file("/usr/bin/tool", "tool two").file("/etc/added", "added");
        for name in ["clean", "edited", "removed", "swapped"] {
            image.editable(&format!("/etc/{name}"), &format!("{name}: files dns mdns\n"), "live");
        }
        image.link("/etc/link", "./same").link("/etc/becomes", "./same");
        fs::remove_dir_all(image.at("/var/sadm/pkg/TRIBold")).unwrap();
        image.put("/var/sadm/pkg/TRIBnew/pkginfo", "PKG=TRIBnew\nVERSION=1\n");
        image.put("/etc/zap/repositories/one.catalog", "one|2\n").write();
    }

    pub fn zonepath(&self) -> PathBuf {
        self.scratch.join("zone")
    }

    /// Where a path of the zone is.
    pub fn at(&self, path: &str) -> PathBuf {
        self.zonepath().join("root").join(path.trim_start_matches('/'))
    }

    pub fn install(&self) {
        install(self.brand, self.image.path(), &self.scratch.zonepath("zone"), &self.scratch.join("zonelib"));
    }

    /// What the zone's administrator does.
    pub fn edit(&self) {
        fs::write(self.at("/etc/edited"), "edited: dns\n").unwrap();
        fs::write(self.at("/etc/mine"), "mine\n").unwrap();
        fs::remove_file(self.at("/etc/away")).unwrap();
        fs::remove_file(self.at("/etc/removed")).unwrap();
        // The same size and checksum as the packaged one.
        fs::write(self.at("/etc/swapped"), "swapped: dns files\n").unwrap();
        fs::write(self.at("/etc/dropped"), "kept").unwrap();
        fs::write(self.at("/etc/added"), "mine").unwrap();
        fs::write(self.at("/etc/stray"), "stray").unwrap();
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zone-update"));
        command.args(["--config", "/nonexistent", "--image"]).arg(self.image.path()).args(words);
        command.env("ZONEKIT_LAB", self.scratch.join("lab")).stdin(Stdio::null());
        command
    }

    /// Runs the program on the root of the zone.
    pub fn ask(&self, words: &[&str]) -> Ran {
        run(&mut self.on_root(words))
    }

    pub fn on_root(&self, words: &[&str]) -> Command {
        let mut command = self.command(&["-b", self.brand, "--zonelib"]);
        command.arg(self.scratch.join("zonelib")).arg("--root").arg(self.zonepath().join("root")).args(words);
        command
    }

    /// The lines about the zone, without the first one.
    pub fn steps(&self, words: &[&str], status: i32) -> Vec<String> {
        let done = self.ask(words);
        assert_eq!((done.code(), &*done.err), (status, ""), "{done:#?}");
        let root = self.zonepath().join("root").display().to_string();
        let lines = done.out.lines().skip_while(|line| !line.starts_with(&root)).skip(1);
        lines.map(str::to_owned).collect()
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// The zone root, as [`zone_tree`] has it.
    pub fn tree(&self) -> Nodes {
        zone_tree(&self.zonepath())
    }

    pub fn contents(&self) -> String {
        self.read("/var/sadm/install/contents")
    }

    /// Adds lines to the zone's database in their places, as the package tools do.
    pub fn add_lines(&self, lines: &[&str]) {
        let text = self.contents();
        let (comments, mut all): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#'));
        let path = |line: &str| line.split([' ', '=']).next().unwrap().to_owned();
        for line in lines {
            all.retain(|other| path(other) != path(line));
            all.push(line);
        }
        all.sort_by_key(|line| path(line));
        let text: String = all.iter().chain(&comments).map(|line| format!("{line}\n")).collect();
        fs::write(self.at("/var/sadm/install/contents"), text).unwrap();
    }

    /// A package that the zone installs itself.
    pub fn own_package(&self) {
        fs::create_dir_all(self.at("/var/sadm/pkg/TRIBown/save/pspool/TRIBown")).unwrap();
        fs::write(self.at("/var/sadm/pkg/TRIBown/pkginfo"), "PKG=TRIBown\n").unwrap();
        fs::create_dir_all(self.at("/opt/own")).unwrap();
        fs::write(self.at("/opt/own/tool"), "own").unwrap();
        fs::write(self.at("/etc/own.conf"), "own").unwrap();
        self.add_lines(&[
            "/opt d none 0755 root sys TRIBown",
            "/opt/own d none 0755 root bin TRIBown",
            &format!("/opt/own/tool f none 0755 root bin {} TRIBown", measures("own")),
            &format!("/etc/own.conf f none 0644 root bin {} TRIBown", measures("own")),
            "/etc d none 0755 root bin SUNWcs TRIBown",
        ]);
    }
}

/// Makes a zone.
pub fn install(brand: &str, image: &Path, zonepath: &Path, zonelib: &Path) {
    let site = Site { config: "/nonexistent".into(), brands: "/nonexistent".into() };
    let install = Install {
        zone: Some("z1".parse().unwrap()),
        zonepath: Some(zonepath.to_owned()),
        recipe: site.recipe(&brand.parse().unwrap()).unwrap(),
        image: image.to_owned(),
        zonelib: Some(zonelib.to_owned()),
        template: None,
        makes_template: false,
        wanted: None,
        add_overlays: Vec::new(),
        add_packages: Vec::new(),
        archive: None,
        import: true,
        verify: false,
        strict: false,
        jobs: 1,
        storage: Which::Directory,
        state: StateDir::new(&tests::run::state_of(zonepath)),
        keep: false,
        golden: false,
    };
    install.run(&Watch { phase: &|_| {}, counters: &Counters::default() }).unwrap();
}

/// A zone root, without the times of directories, which tell when something was put into them, and of
/// links, which every image has of its own.
pub fn zone_tree(zonepath: &Path) -> Nodes {
    let mut nodes = tree::read(&zonepath.join("root"));
    for node in nodes.values_mut().filter(|node| matches!(node.kind, 'd' | 'l')) {
        node.modified = (0, 0);
    }
    nodes
}
