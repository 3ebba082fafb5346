//! All that is known of one module.

use serde::Serialize;

use crate::check::wanted;
use crate::model::{Applies, Model, Module, ProjectId, PythonFit, Reverse, Row, Verdict};
use crate::pep::{ExtraName, Requirement};

/// One requirement, with its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The module on the other side: what is required, or what requires; none if the requirement cannot be understood.
    pub name: Option<String>,
    /// Its installed version.
    pub version: Option<String>,
    /// As metadata have it.
    pub requirement: String,
    /// `met`, `missing`, `incompatible`, `ambiguous` or `bad`.
    pub state: &'static str,
    /// Whether it counts: `always`, `by-extra`, `only-with-extra`, or `not-here`.
    pub counts: &'static str,
    /// The extras that it is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<String>,
    /// How it comes that it counts, if by an extra.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
}

/// An extra of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extra {
    /// Its name.
    pub name: String,
    /// The modules that ask for it.
    pub asked_by: Vec<String>,
}

/// One module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModuleView {
    /// Its name.
    pub name: String,
    /// As its metadata write it.
    pub written: String,
    /// Its version.
    pub version: Option<String>,
    /// How it is installed.
    pub form: &'static str,
    /// Where, on this machine.
    pub path: String,
    /// `counted`, `duplicate` of another in the same directory, or `shadowed` by one before it.
    pub standing: &'static str,
    /// The package that owns it, if one does; not there if there is no package database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Option<String>>,
    /// The Pythons that it is for, as it says.
    pub requires_python: Option<String>,
    /// Whether that is so here: `fits`, `wrong`, `unsure` or `bad`.
    pub python: &'static str,
    /// What it requires.
    pub requires: Vec<Need>,
    /// What requires it.
    pub required_by: Vec<Need>,
    /// Its extras.
    pub extras: Vec<Extra>,
}

impl ModuleView {
    /// Whether something that counts does not hold. A module that another comes before needs nothing.
    #[must_use]
    pub fn has_trouble(&self) -> bool {
        let fails = |need: &Need| need.state != "met" && matches!(need.counts, "always" | "by-extra");
        self.required_by.iter().any(fails)
            || (self.standing != "shadowed"
                && (self.requires.iter().any(fails) || matches!(self.python, "wrong" | "bad")))
    }
}

/// The modules of a project: those that count, and those that others come before.
#[must_use]
pub fn show(model: &Model<'_>, reverse: &Reverse, project: ProjectId) -> Vec<(u32, ModuleView)> {
    let known = &model.projects[project as usize];
    let numbers = known.copies.iter().chain(&known.shadowed);
    numbers.map(|number| (*number, view(model, reverse, &model.modules[*number as usize]))).collect()
}

fn view(model: &Model<'_>, reverse: &Reverse, module: &Module<'_>) -> ModuleView {
    let requirers = reverse.rows(module.project).iter().map(|number| (*number, &model.rows[*number as usize]));
    let requirers = requirers.filter(|(_, row)| row.applies != Applies::No && model.is_live(model.requirer(row)));
    let mut required_by: Vec<Need> = requirers.map(|(number, row)| requirer(model, number, row)).collect();
    required_by.sort_by(|a, b| (&a.name, &a.requirement).cmp(&(&b.name, &b.requirement)));
    ModuleView {
        name: module.name.to_string(),
        written: module.name.raw().to_owned(),
        version: module.version_text().map(str::to_owned),
        form: module.distribution.form.as_str(),
        path: model.collection.path_of(module.distribution).to_string_lossy().into_owned(),
        standing: match module.standing {
            crate::model::Standing::Counted => "counted",
            crate::model::Standing::Duplicate => "duplicate",
            crate::model::Standing::Shadowed => "shadowed",
        },
        owner: None,
        requires_python: module.distribution.metadata.requires_python().map(str::to_owned),
        python: match module.python {
            PythonFit::Fits => "fits",
            PythonFit::Wrong => "wrong",
            PythonFit::Unsure => "unsure",
            PythonFit::Bad(_) => "bad",
        },
        requires: model.rows_of(module).map(|(number, row)| required(model, number, row)).collect(),
        required_by,
        extras: extras(model, reverse, module),
    }
}

fn need(model: &Model<'_>, number: u32, row: &Row<'_>, name: Option<String>, version: Option<&str>) -> Need {
    let requirement = Requirement::parse(row.text).ok();
    let marker = requirement.as_ref().and_then(|it| it.marker.as_ref());
    Need {
        name,
        version: version.map(str::to_owned),
        requirement: row.text.to_owned(),
        state: state(row.verdict),
        counts: match row.applies {
            Applies::Yes => "always",
            Applies::ByExtra => "by-extra",
            Applies::OnlyWithExtra => "only-with-extra",
            Applies::No => "not-here",
        },
        extras: marker.map(|it| it.extras().iter().map(ToString::to_string).collect()).unwrap_or_default(),
        via: model.way_to(number),
    }
}

/// What people call a verdict.
pub(super) fn state(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::Missing => "missing",
        Verdict::Wrong => "incompatible",
        Verdict::Ambiguous => "ambiguous",
        Verdict::Bad => "bad",
    }
}

fn required(model: &Model<'_>, number: u32, row: &Row<'_>) -> Need {
    let name = Requirement::parse(row.text).ok().map(|it| it.name.to_string());
    let version = row.target.and_then(|target| model.counted(target).version_text());
    need(model, number, row, name, version)
}

fn requirer(model: &Model<'_>, number: u32, row: &Row<'_>) -> Need {
    let requirer = model.requirer(row);
    let found = need(model, number, row, Some(requirer.name.to_string()), requirer.version_text());
    Need { requirement: wanted(&found.requirement).to_owned(), ..found }
}

fn extras(model: &Model<'_>, reverse: &Reverse, module: &Module<'_>) -> Vec<Extra> {
    let mut names: Vec<String> =
        module.distribution.metadata.provides_extra().map(|extra| ExtraName::lenient(extra).to_string()).collect();
    names.sort();
    names.dedup();
    let asking: Vec<(&str, Requirement<'_>)> = reverse
        .rows(module.project)
        .iter()
        .map(|number| &model.rows[*number as usize])
        .filter(|row| row.asks_extras && row.counts() && model.is_live(model.requirer(row)))
        .filter_map(|row| Some((model.requirer(row).name.as_str(), Requirement::parse(row.text).ok()?)))
        .collect();
    let extra = |name: String| {
        let asks = |requirement: &Requirement<'_>| requirement.extras.iter().any(|extra| extra.as_str() == name);
        let by = asking.iter().filter(|(_, requirement)| asks(requirement)).map(|(by, _)| (*by).to_owned());
        let mut asked_by: Vec<String> = by.collect();
        asked_by.sort();
        asked_by.dedup();
        Extra { asked_by, name }
    };
    names.into_iter().map(extra).collect()
}
