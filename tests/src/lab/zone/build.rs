//! Getting a lab ready for zones.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use roxmltree::{Document, ParsingOptions};

use crate::lab::Lab;

/// Elements of config.xml whose first word is a program of the brand, run in the global zone.
const HOOKS: [&str; 21] = [
    "install",
    "boot",
    "sysboot",
    "halt",
    "verify_cfg",
    "verify_adm",
    "postattach",
    "postclone",
    "postinstall",
    "predetach",
    "attach",
    "detach",
    "clone",
    "presnap",
    "postsnap",
    "validatesnap",
    "preuninstall",
    "uninstall",
    "prestatechange",
    "poststatechange",
    "query",
];

const DOCTYPE: &str = "<?xml version=\"1.0\"?>\n<!DOCTYPE zone PUBLIC \"-//Sun Microsystems Inc//DTD Zones//EN\" \
                       \"file:///usr/share/lib/xml/dtd/zonecfg.dtd.1\">\n";

impl Lab {
    /// Makes what the zone commands need of a host: an index with the global zone, the templates `SUNWdefault`
    /// (of the default brand) and `SUNWblank`, and the helpers of file systems. What is there stays.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn prepare_zones(&self) -> io::Result<()> {
        for directory in ["etc/zones", "var/run/zones", "usr/lib/brand", "usr/lib/fs/ufs", ".lab"] {
            fs::create_dir_all(self.place(directory))?;
        }
        for kind in ["lofs", "tmpfs", "ufs", "zfs"] {
            fs::create_dir_all(self.place("usr/lib/fs").join(kind))?;
            self.keep(&format!("usr/lib/fs/{kind}/mount"), "")?;
        }
        self.keep("usr/lib/fs/ufs/fsck", "")?;
        self.keep("etc/mnttab", "")?;
        self.keep("etc/zones/index", "global:installed:/\n")?;
        let blank = format!("{DOCTYPE}<zone name=\"blank\" zonepath=\"\" autoboot=\"false\"/>\n");
        self.keep("etc/zones/SUNWblank.xml", &blank)?;
        let default = format!("{DOCTYPE}<zone name=\"default\" zonepath=\"\" autoboot=\"false\" brand=\"ipkg\"/>\n");
        self.keep("etc/zones/SUNWdefault.xml", &default)
    }

    fn keep(&self, path: &str, text: &str) -> io::Result<()> {
        let path = self.place(path);
        if path.exists() { Ok(()) } else { fs::write(path, text) }
    }

    /// Installs the brands of a directory, as `make install` does: their files, what they have in common as
    /// `zonekit-common`, and the programs that config.xml names as links to those of the same name in
    /// `programs`.
    ///
    /// # Errors
    /// Something cannot be read, written, or is no XML.
    pub fn install_brands(&self, brands: &Path, programs: &Path) -> io::Result<()> {
        self.prepare_zones()?;
        for entry in fs::read_dir(brands)? {
            let (name, from) = entry.map(|entry| (entry.file_name(), entry.path()))?;
            let name = name.to_string_lossy().into_owned();
            let common = name == "common";
            if !common && !from.join("config.xml").is_file() {
                continue;
            }
            let to = self.place("usr/lib/brand").join(if common { "zonekit-common" } else { &name });
            fs::create_dir_all(&to)?;
            for file in fs::read_dir(&from)? {
                let file = file?;
                let wanted =
                    common || ["config.xml", "platform.xml", "recipe.toml"].iter().any(|own| file.file_name() == *own);
                if wanted && file.file_type()?.is_file() {
                    fs::copy(file.path(), to.join(file.file_name()))?;
                }
            }
            if !common {
                link_programs(self, &to, programs)?;
            }
        }
        Ok(())
    }

    /// Configures a zone with an IP stack of its own, by the stand-in for `zonecfg`; gives its exit status.
    #[must_use]
    pub fn configure(&self, zone: &str, brand: &str, zonepath: &Path) -> u8 {
        let commands = format!(
            "create -b; set brand={brand}; set zonepath={}; set ip-type=exclusive; verify; commit",
            zonepath.display()
        );
        let words = ["-z", zone, &commands].map(OsString::from);
        super::zonecfg(self, &words)
    }
}

/// Links the programs below `/usr/lib/brand` that a brand's hooks name.
fn link_programs(lab: &Lab, directory: &Path, programs: &Path) -> io::Result<()> {
    let text = fs::read_to_string(directory.join("config.xml"))?;
    let options = ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = Document::parse_with_options(&text, options).map_err(io::Error::other)?;
    let hooks = document.root_element().children().filter(|node| HOOKS.contains(&node.tag_name().name()));
    for line in hooks.filter_map(|node| node.text()) {
        let word = line.split_ascii_whitespace().next().unwrap_or_default();
        let Some(program) = word.strip_prefix("/usr/lib/brand/").map(Path::new) else { continue };
        let link = lab.place("usr/lib/brand").join(program);
        let (Some(name), Some(parent)) = (program.file_name(), link.parent()) else { continue };
        fs::create_dir_all(parent)?;
        if fs::symlink_metadata(&link).is_err() {
            symlink(programs.join(name), &link)?;
        }
    }
    Ok(())
}
