//! Bringing an installed zone up to the packages of an image: what `zone-update` does, and `attach -u`.

use contents::overlay::Overlays;

use crate::populate::{PlanError, Trees};
use crate::root::Tree;
use crate::update::{self, Options, Packages, Then, UpdateError, UpdatePlan};

use super::install::InstallError;
use super::sources::{Ingredients, Sources};

/// Why no zone followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The image, its packages or the options cannot be used.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The zone cannot be brought up to date.
    #[error(transparent)]
    Update(#[from] UpdateError),
}

/// What a zone is to follow.
#[derive(Clone, Copy, Debug)]
pub struct Follow<'a> {
    /// The image and the brand. Without a choice of packages, a zone of a brand that has one keeps what it
    /// has, see [`Then::wanted`].
    pub ingredients: Ingredients<'a>,
    /// The zone gets every package of the image, even if it has not had them.
    pub everything: bool,
    /// Read every file.
    pub verify: bool,
}

impl Follow<'_> {
    /// Compares a zone root, which is mounted, with the image, and hands the plan on.
    ///
    /// # Errors
    /// [`FollowError`]: the zone is refused, something cannot be read, or what `then` fails with.
    pub fn with_update<R>(
        &self,
        sources: &Sources,
        root: &Tree,
        go_on: &(dyn Fn() -> bool + Sync),
        then: impl FnOnce(&UpdatePlan<'_>, Trees<'_>) -> Result<R, UpdateError>,
    ) -> Result<R, FollowError> {
        self.ingredients.check()?;
        let before = Then::read(root)?;
        update::check_release(sources.image().tree(), root)?;
        let recipe = self.ingredients.recipe;
        let derived = if recipe.choose && !self.everything && self.ingredients.wanted.is_none() {
            let contents = sources.image().contents().map_err(InstallError::from)?;
            let overlays = Overlays::read(sources.image().tree().dir())
                .map_err(|error| InstallError::from(PlanError::from(error)))?;
            Some(before.wanted(&before.contents()?, &contents, &overlays))
        } else {
            None
        };
        let ingredients = Ingredients { wanted: self.ingredients.wanted.or(derived.as_ref()), ..self.ingredients };
        let done = sources.with_plan(&ingredients, |request, plan, trees| {
            let options = Options { verify: self.verify, go_on };
            let packages = Packages { request, plan, trees };
            Ok(update::plan(packages, &before, root, &options).and_then(|plan| then(&plan, trees)))
        })?;
        Ok(done?)
    }
}
