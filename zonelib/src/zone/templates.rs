//! Zone templates: roots that sparse zones share instead of the global zone.
//!
//! A template is a root below [`TEMPLATES`] and a file `/etc/zones/TRIBtemplate-NAME.xml`, which
//! `create -t` of zonecfg(8) copies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use contents::names::OverlayName;

use crate::brand::install::{Install, InstallError, Watch};
use crate::config::{self, ZoneConfig, ZoneName};
use crate::host::{self, HostCommand};
use crate::journal::{Journal, Recovered, StateDir, Subject, Undo};
use crate::populate::{Counters, Wanted};
use crate::recipe::{RecipeError, Site};
use crate::storage::Which;

use super::check::{look_at_choice, only_global};
use super::error::go_on;
use super::places::Places;
use super::request::check_package_names;
use super::step::Doing;
use super::{Kind, Problems, Shown, TemplateName, Unread, ZoneError};

/// Where the roots of templates are.
pub const TEMPLATES: &str = "/export/zone-templates";
const PREFIX: &str = "TRIBtemplate-";
/// What sparse zones share, and where from in a template.
const SHARED: [&str; 3] = ["/usr", "/sbin", "/lib"];
/// Bytes of the largest file of a template that is read.
const LIMIT: u64 = 1 << 20;

/// A template.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its root.
    pub root: PathBuf,
    /// The zones that share it.
    pub zones: Vec<String>,
}

/// A template that is to be made.
#[derive(Clone, Debug)]
pub struct NewTemplate {
    /// Its name.
    pub name: TemplateName,
    /// Whole or alien.
    pub kind: Kind,
    /// What an alien one is installed from.
    pub image: Option<PathBuf>,
    /// Overlays that it keeps.
    pub overlays: Vec<OverlayName>,
    /// Overlays that are added.
    pub add_overlays: Vec<OverlayName>,
    /// Packages that it keeps besides.
    pub packages: Vec<String>,
    /// Packages that are added.
    pub add_packages: Vec<String>,
    /// Flags with values that could not be read.
    pub unread: Vec<Unread>,
}

fn xml_of(name: &str) -> PathBuf {
    host::place(&format!("/etc/zones/{PREFIX}{name}.xml"))
}

/// The root that a configuration shares /usr of.
fn root_of(config: &ZoneConfig) -> Option<PathBuf> {
    let usr = config.filesystems.iter().find(|mounted| mounted.directory == "/usr")?;
    Some(host::place(&Path::new(&usr.special).parent()?.to_string_lossy()))
}

impl Template {
    /// The template of a name, without its zones.
    ///
    /// # Errors
    /// [`ZoneError`]: there is none, or its root is not whole.
    pub fn find(name: &TemplateName) -> Result<Self, ZoneError> {
        let xml = xml_of(name.as_str());
        if !xml.is_file() {
            let why = format!("there is no template `{name}`; `list-zone-templates` names them");
            return Err(ZoneError::Refused(why));
        }
        let (_, root) = shares_of(&xml)?;
        let broken = |what: &str| ZoneError::Refused(format!("template `{name}`: {what}; make it anew"));
        let root = root.ok_or_else(|| broken("its file shares no /usr"))?;
        if !root.join("usr").is_dir() {
            return Err(broken(&format!("{} has no usr", root.display())));
        }
        Ok(Self { name: name.to_string(), root, zones: Vec::new() })
    }

    /// All templates with their zones, by name.
    ///
    /// # Errors
    /// [`ZoneError`]: /etc/zones cannot be read.
    pub fn all() -> Result<Vec<Self>, ZoneError> {
        let folder = host::place("/etc/zones");
        let mut templates = BTreeMap::new();
        for entry in std::fs::read_dir(&folder).map_err(ZoneError::system(&folder))? {
            let path = entry.map_err(ZoneError::system(&folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(name) = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(".xml")) else { continue };
            if let Some(root) = shares_of(&path)?.1 {
                templates.insert(name.to_owned(), Self { name: name.to_owned(), root, zones: Vec::new() });
            }
        }
        if templates.is_empty() {
            return Ok(Vec::new());
        }
        for zone in config::index().map_err(ZoneError::system(Path::new("/etc/zones/index")))? {
            let Ok(config) = ZoneConfig::read(&config::file(&zone.name)) else { continue };
            let Some(root) = root_of(&config) else { continue };
            let shared = templates.values_mut().find(|template| template.root == root);
            shared.into_iter().for_each(|template| template.zones.push(zone.name.to_string()));
        }
        Ok(templates.into_values().collect())
    }
}

/// What a template's file shares. It is no zone's configuration: it has no zonepath.
fn shares_of(xml: &Path) -> Result<(String, Option<PathBuf>), ZoneError> {
    use std::io::Read;
    let fail = || ZoneError::system(xml);
    let mut text = String::new();
    std::fs::File::open(xml).map_err(fail())?.take(LIMIT).read_to_string(&mut text).map_err(fail())?;
    let options = roxmltree::ParsingOptions { allow_dtd: true, nodes_limit: 64 * 1024, entity_resolver: None };
    let document = roxmltree::Document::parse_with_options(&text, options)
        .map_err(|error| ZoneError::Refused(format!("{}: {error}", xml.display())))?;
    let usr = document.descendants().find(|node| node.attribute("directory") == Some("/usr"));
    let special = usr.and_then(|node| node.attribute("special")).map(PathBuf::from);
    let root = special.and_then(|special| special.parent().map(|root| host::place(&root.to_string_lossy())));
    Ok((text, root))
}

impl NewTemplate {
    /// Makes it.
    ///
    /// # Errors
    /// [`ZoneError`]; nothing of it is left then.
    pub fn make(
        &self,
        state: &StateDir,
        tell: &dyn Fn(&str),
        recovered: impl FnOnce(&Recovered),
    ) -> Result<Template, ZoneError> {
        let root = self.check()?;
        let subject = Subject::Whole(zone_name(&self.name)?);
        let store = crate::store::Directory::new(state);
        let done = Journal::during(state, &subject, ("create-zone-template", false), recovered, |journal| {
            // Somebody else may have made it since; what it has would be taken for what has to be undone.
            self.check()?;
            let mut doing = Doing { journal, state, store: &store, tell };
            for (step, _) in Places::look()?.ensure(&root)? {
                step.perform(&mut doing)?;
            }
            // The hook has a journal of its own, which ends before the last step here.
            doing.journal.step(Undo::Empty { path: root.clone(), identity: identity(&root)?, mode: 0o755 })?;
            go_on()?;
            self.fill(&root, state, tell)?;
            let xml = xml_of(self.name.as_str());
            doing.journal.step(Undo::RemoveFile { path: xml.clone() })?;
            write_whole(&xml, &document(&self.name))
        });
        done?;
        Ok(Template { name: self.name.to_string(), root, zones: Vec::new() })
    }

    /// What would be done, in order.
    ///
    /// # Errors
    /// As [`NewTemplate::make`].
    pub fn plan(&self) -> Result<Vec<Shown>, ZoneError> {
        let root = self.check()?;
        let mut shown: Vec<Shown> = Places::look()?.ensure(&root)?.iter().map(|(step, _)| step.show()).collect();
        let what = format!(
            "fill {} from {}",
            root.display(),
            match &self.image {
                Some(image) => image.display().to_string(),
                None => "the packages of the host".to_owned(),
            }
        );
        let command = self.image.as_ref().map(|_| self.install_image(&root).line());
        shown.push(Shown { what, command, files: Vec::new() });
        let path = xml_of(self.name.as_str()).display().to_string();
        let file = super::ShownFile { path, text: document(&self.name) };
        shown.push(Shown { what: "let zones be made from it".to_owned(), command: None, files: vec![file] });
        Ok(shown)
    }

    /// Where its root will be.
    fn check(&self) -> Result<PathBuf, ZoneError> {
        let mut problems = Problems::with(&self.unread);
        let is_unread = |flag: &str| self.unread.iter().any(|unread| unread.flag == flag);
        if !is_unread("-t") {
            self.check_kind(&mut problems);
        }
        let missing = self.overlays.is_empty() && !is_unread("-o") && !self.packages.is_empty();
        problems.when(missing, || "-p adds to the overlays that are kept; give -o OVERLAY, such as -o base".to_owned());
        check_package_names(self.packages.iter().chain(&self.add_packages), &mut problems);
        let root = host::place(TEMPLATES).join(self.name.as_str());
        if problems.heed(only_global()).is_some() {
            self.look(&root, !is_unread("-T"), &mut problems);
        }
        problems.end(root)
    }

    fn check_kind(&self, problems: &mut Problems) {
        match (self.kind, &self.image) {
            (Kind::Whole, None) | (Kind::Alien, Some(_)) => {}
            (Kind::Whole, Some(_)) => {
                problems.push("a whole template is made from the packages of the host; leave out -I");
            }
            (Kind::Alien, None) => problems.push("an alien template is installed from an image; give -I IMAGE"),
            (kind, _) => problems.push(format!("a template is whole or alien, not {kind}")),
        }
        let plain = self.overlays.is_empty()
            && self.add_overlays.is_empty()
            && self.packages.is_empty()
            && self.add_packages.is_empty();
        problems.when(!plain && self.kind == Kind::Alien, || {
            "only whole templates have a choice of packages; leave out -o, -O, -p and -P".to_owned()
        });
    }

    fn look(&self, root: &Path, is_named: bool, problems: &mut Problems) {
        let name = &self.name;
        if let Some(image) = &self.image {
            let is_image = image.is_absolute() && image.is_file();
            problems.when(!is_image, || format!("{}: is no image; give its absolute path", image.display()));
        }
        let exists = is_named && xml_of(name.as_str()).exists();
        problems.when(exists, || format!("there is a template `{name}` already; `destroy-zone-template -T {name}`"));
        let hook = self.install_image(Path::new("/"));
        problems.when(self.kind == Kind::Alien && !hook.present(), || {
            format!("{} is not there, so no {} template can be made", hook.program().display(), self.kind)
        });
        let is_filled = std::fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some());
        problems.when(is_named && is_filled && !exists, || {
            format!("{}: something is there already; move it away", root.display())
        });
        let chosen = look_at_choice(&self.overlays, &self.add_overlays, &self.packages, problems);
        problems.heed(chosen);
    }

    /// The install hook of the brand of another distribution.
    fn install_image(&self, root: &Path) -> HostCommand {
        let hook = HostCommand::new(&format!("/usr/lib/brand/{}/pkgcreatezone", self.kind.brand()));
        let hook = hook.arg("-T").arg("-R").arg(root).args(["-z", &format!("template-{}", self.name)]);
        hook.arg("-i").args(&self.image)
    }

    fn fill(&self, root: &Path, state: &StateDir, tell: &dyn Fn(&str)) -> Result<(), ZoneError> {
        if self.image.is_some() {
            self.install_image(root).run_heeding()?.lines().for_each(tell);
            return Ok(());
        }
        let refuse = |error: InstallError| ZoneError::Refused(error.to_string());
        let brand = self.kind.brand().parse().map_err(|error: RecipeError| ZoneError::Refused(error.to_string()))?;
        let recipe = Site::default().recipe(&brand).map_err(|error| ZoneError::Refused(error.to_string()))?;
        let wanted = Wanted { overlays: self.overlays.clone(), packages: self.packages.clone() };
        let install = Install {
            zone: Some(zone_name(&self.name)?),
            zonepath: Some(root.to_owned()),
            recipe,
            image: host::place("/"),
            zonelib: None,
            template: None,
            makes_template: true,
            wanted: (!self.overlays.is_empty()).then_some(wanted),
            add_overlays: self.add_overlays.clone(),
            add_packages: self.add_packages.clone(),
            archive: None,
            import: true,
            verify: false,
            strict: false,
            jobs: host::processors(),
            storage: Which::Directory,
            state: state.clone(),
            keep: false,
            golden: false,
        };
        let counters = Counters::default();
        let report = install.run(&Watch { phase: &|_| {}, counters: &counters }).map_err(refuse)?;
        report.warnings.iter().for_each(|warning| tell(warning));
        Ok(())
    }
}

/// The name under which an operation on a template has its journal.
fn zone_name(name: &TemplateName) -> Result<ZoneName, ZoneError> {
    format!("template-{name}").parse().map_err(|error: config::ZoneNameError| ZoneError::Refused(error.to_string()))
}

fn identity(path: &Path) -> Result<(u64, u64), ZoneError> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).map_err(ZoneError::system(path))?;
    Ok((found.dev(), found.ino()))
}

fn write_whole(path: &Path, text: &str) -> Result<(), ZoneError> {
    use std::io::Write;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(ZoneError::system(path))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(ZoneError::system(path))
}

/// What `create -t` copies: that of sparse zones, with the shares from the template.
fn document(name: &TemplateName) -> String {
    let share = |directory: &str| {
        format!(
            "  <filesystem special=\"{TEMPLATES}/{name}{directory}\" directory=\"{directory}\" type=\"lofs\">\n    \
             <fsoption name=\"ro\"/>\n  </filesystem>\n"
        )
    };
    let shares: String = SHARED.iter().map(|directory| share(directory)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE zone PUBLIC \"-//Sun Microsystems Inc//DTD Zones//EN\" \
         \"file:///usr/share/lib/xml/dtd/zonecfg.dtd.1\">\n\
         <!-- Made by create-zone-template. -->\n\
         <zone name=\"{name}\" zonepath=\"\" autoboot=\"false\" brand=\"sparse-root\">\n{shares}</zone>\n"
    )
}

/// What goes with a template, in words, and the removal of it.
#[derive(Clone, Debug)]
pub struct Removal {
    template: Template,
    /// Where the root is a file system.
    dataset: Option<String>,
}

impl Removal {
    /// Looks what would go.
    ///
    /// # Errors
    /// [`ZoneError`]: there is no such template, or zones share it.
    pub fn of(name: &TemplateName) -> Result<Self, ZoneError> {
        only_global()?;
        let template = Template::all()?.into_iter().find(|template| template.name == name.as_str());
        let Some(template) = template else {
            return Err(ZoneError::Refused(format!("there is no template `{name}`; `list-zone-templates` names them")));
        };
        if !template.zones.is_empty() {
            let zones = template.zones.join(", ");
            return Err(ZoneError::Refused(format!("template `{name}` is shared by {zones}; destroy these first")));
        }
        let usual = host::place(TEMPLATES).join(name.as_str());
        if template.root != usual {
            let root = template.root.display();
            return Err(ZoneError::Refused(format!(
                "template `{name}` is in {root}, where create-zone-template makes none; remove it by hand"
            )));
        }
        let mounts = host::mounts::Mounts::read().map_err(ZoneError::system(Path::new("/etc/mnttab")))?;
        let dataset = mounts.dataset_on(&template.root).map(str::to_owned);
        Ok(Self { template, dataset })
    }

    /// In words.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let root = self.template.root.display();
        let root = match &self.dataset {
            Some(dataset) => format!("destroy `{dataset}`, on {root}"),
            None => format!("remove {root} with everything in it"),
        };
        vec![format!("remove {}", xml_of(&self.template.name).display()), root]
    }

    /// Removes it; its file last, so that a removal that was interrupted can be gone on with.
    ///
    /// # Errors
    /// [`ZoneError`]; giving the command again goes on.
    pub fn run(&self) -> Result<(), ZoneError> {
        match &self.dataset {
            Some(dataset) => super::destroy::destroy_tree(dataset)?,
            None => super::destroy::remove_directory(&self.template.root)?,
        }
        let xml = xml_of(&self.template.name);
        std::fs::remove_file(&xml).map_err(ZoneError::system(&xml))
    }
}
