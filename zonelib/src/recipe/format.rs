//! The text form of a recipe: TOML, with the position of every path kept for messages.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::RecipeError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRecipe {
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub template: RawTemplate,
    #[serde(default)]
    pub golden: bool,
    #[serde(default)]
    pub share: Vec<RawShare>,
    pub copy: RawCopy,
    #[serde(default)]
    pub packages: RawPackages,
    #[serde(default)]
    pub contents: RawContents,
    #[serde(default)]
    pub create: Vec<RawCreate>,
    #[serde(default)]
    pub link: Vec<RawLink>,
    pub smf: Option<RawSmf>,
    pub catalogues: Option<RawCatalogues>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawTemplate {
    #[default]
    None,
    Source,
    Target,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawShare {
    pub path: Spanned<String>,
    pub from: Option<Spanned<String>>,
    pub clone_prune: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawCopy {
    pub paths: Vec<Spanned<String>>,
    #[serde(default)]
    pub pristine: bool,
    #[serde(default)]
    pub prune: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPackages {
    #[serde(default)]
    pub choose: bool,
    #[serde(default)]
    pub postinstall: bool,
    #[serde(default)]
    pub omit_owners_of: Vec<Spanned<String>>,
    #[serde(default)]
    pub omit_owners_except: Vec<String>,
    #[serde(default)]
    pub omit: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContents {
    #[serde(default)]
    pub drop: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCreate {
    pub path: Spanned<String>,
    pub mode: Option<Spanned<String>>,
    pub owner: Option<String>,
    pub group: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLink {
    pub path: Spanned<String>,
    pub target: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSmf {
    pub profile_directory: Spanned<String>,
    #[serde(default)]
    pub profiles: BTreeMap<Spanned<String>, Spanned<String>>,
    pub seed: Spanned<String>,
    pub repository: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCatalogues {
    pub directory: Spanned<String>,
    pub suffixes: Vec<String>,
}

/// The text and its name, to say where something is wrong.
pub(super) struct Source<'a> {
    pub file: &'a Path,
    pub text: &'a str,
}

impl Source<'_> {
    pub(super) fn parse(&self) -> Result<RawRecipe, RecipeError> {
        toml::from_str(self.text).map_err(|error| {
            let at = error.span().unwrap_or(0..0);
            let missing = error.message().trim_end().to_owned();
            self.error(at, missing)
        })
    }

    pub(super) fn error(&self, at: Range<usize>, problem: impl Into<String>) -> RecipeError {
        let before = &self.text.as_bytes()[..at.start.min(self.text.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        RecipeError::Line { file: self.file.to_owned(), line, problem: problem.into() }
    }

    /// An absolute path without empty, `.` and `..` components, blanks or control characters.
    pub(super) fn path(&self, value: &Spanned<String>) -> Result<String, RecipeError> {
        let path = value.as_ref();
        let fail = |problem: &str| Err(self.error(value.span(), format!("the path `{path}` {problem}")));
        let Some(relative) = path.strip_prefix('/') else {
            return fail("is not absolute");
        };
        if relative.split('/').any(|part| part == "..") {
            return fail("has a `..` component");
        }
        if relative.split('/').any(|part| matches!(part, "" | ".")) {
            return fail("has an empty or `.` component, or ends in `/`");
        }
        if path.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            return fail("holds white space or control characters");
        }
        Ok(path.clone())
    }

    /// A file name: one component.
    pub(super) fn leaf(&self, value: &Spanned<String>) -> Result<String, RecipeError> {
        let name = value.as_ref();
        if matches!(name.as_str(), "" | "." | "..") || name.contains(['/', '\0', '\n']) {
            return Err(self.error(value.span(), format!("`{name}` is not a file name")));
        }
        Ok(name.clone())
    }
}
