//! The manifests that a zone has.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

use contents::database::is_below;
use contents::{Entry, Kind};

use crate::libclone::MANIFEST_LIMIT;
use crate::populate::{Packages, is_absence, open_anywhere};
use crate::recipe::Recipe;
use crate::root::{FileKind, Handle, Stat, Tree};

use super::ImportError;

/// Directories in directories; svccfg itself is content with fewer.
const DEPTH: usize = 24;

/// A manifest, by its path below the directory of manifests.
pub(super) struct Manifest<'m> {
    pub path: &'m [u8],
    pub file: File,
    pub stat: Stat,
}

/// Whom to give manifests.
pub(super) type Each<'e> = dyn FnMut(Manifest<'_>) -> Result<(), ImportError> + 'e;

/// Whether svccfg takes a file of a directory for a manifest.
fn is_manifest(path: &[u8]) -> bool {
    path.ends_with(b".xml")
}

/// Every manifest below a directory of a tree, in the order of their paths. What is no regular file of a
/// sane size is none.
pub(super) fn below(tree: &Tree, directory: &[u8], each: &mut Each<'_>) -> Result<(), ImportError> {
    match tree.open_dir(directory) {
        Ok(handle) => walk(tree, &handle, b"", DEPTH, each),
        Err(error) if is_absence(&error) => Ok(()),
        Err(error) => Err(ImportError::system(&tree.path().join(OsStr::from_bytes(directory)))(error)),
    }
}

fn walk(tree: &Tree, here: &Handle, path: &[u8], depth: usize, each: &mut Each<'_>) -> Result<(), ImportError> {
    let fail = || ImportError::system(tree.path());
    let mut names = here.list().map_err(fail())?;
    names.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, kind) in names {
        let path = if path.is_empty() { name.clone() } else { [path, b"/", &name].concat() };
        match kind {
            FileKind::Directory if depth > 0 => {
                walk(tree, &here.open_dir(&name).map_err(fail())?, &path, depth - 1, each)?;
            }
            FileKind::Regular if is_manifest(&path) => {
                let (file, stat) = here.open_file(&name).map_err(fail())?;
                if stat.size <= MANIFEST_LIMIT {
                    each(Manifest { path: &path, file, stat })?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The manifests that packages deliver below a directory that zones of a brand have a copy of.
pub(super) fn packaged<'a>(image: &Packages<'a>, recipe: &Recipe, directory: &'a [u8]) -> Vec<&'a Entry<'a>> {
    let is_kept = |entry: &&Entry<'_>| {
        let path = entry.path_bytes();
        matches!(entry.kind(), Kind::File | Kind::Editable | Kind::Volatile)
            && is_manifest(path)
            && recipe.copied.iter().any(|copied| is_below(path, copied.as_bytes()))
            && !recipe.prune.contains(path)
    };
    image.contents.below(directory).filter(is_kept).collect()
}

/// Gives those manifests out, as far as the image has them.
pub(super) fn of_image(
    image: &Packages<'_>,
    recipe: &Recipe,
    directory: &'static [u8],
    each: &mut Each<'_>,
) -> Result<(), ImportError> {
    for entry in packaged(image, recipe, directory) {
        let source = &entry.path_bytes()[1..];
        match open_anywhere(image.tree, source) {
            Ok((file, stat)) if stat.size <= MANIFEST_LIMIT => {
                each(Manifest { path: &source[directory.len()..], file, stat })?;
            }
            Ok(_) => {}
            Err(error) if is_absence(&error) => {}
            Err(error) => return Err(ImportError::system(&image.tree.path().join(OsStr::from_bytes(source)))(error)),
        }
    }
    Ok(())
}
