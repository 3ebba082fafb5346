//! The service repository that an installation gives a zone, when it is not the stock seed.

use std::fs::File;
use std::path::Path;

use crate::libclone::Clone as SharedClone;
use crate::populate::Settings;
use crate::recipe::Recipe;
use crate::root::{Stat, Tree};
use crate::smf::{self, Outcome, Prepared, Svccfg};
use crate::storage::StorageError;

use super::install::Report;

/// The repository prepared beside a clone, when there is to be one and it can be had. Without it a zone
/// only takes longer to boot.
pub(super) fn prepare(
    clone: &SharedClone<'_>,
    recipe: &Recipe,
    settings: &Settings<'_>,
    report: &mut Report,
) -> Option<(File, Stat)> {
    let prepared = Prepared::of(clone, recipe, Svccfg::of_host())?;
    match prepared.sync(settings).and_then(|outcome| Ok((outcome, prepared.open()?))) {
        Ok((outcome, repository)) => {
            if let Outcome::Made(imported) = outcome {
                report.warnings.extend(imported.warning());
                report.imported = Some(imported);
            }
            repository
        }
        Err(error) => {
            report.warnings.push(smf::warning(&error));
            None
        }
    }
}

/// Puts it in the place of the seed, when there is one.
pub(super) fn give(repository: Option<&(File, Stat)>, recipe: &Recipe, root: &Path) -> Result<(), StorageError> {
    let (Some((file, stat)), Some(services)) = (repository, &recipe.smf) else { return Ok(()) };
    let path = services.repository.trim_start_matches('/');
    Tree::open(root)
        .and_then(|tree| smf::install(file, stat, &tree, path.as_bytes()))
        .map_err(|source| StorageError::System { path: root.join(path), source })
}
