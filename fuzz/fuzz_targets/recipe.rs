//! Recipes and prune lists: what is taken names only canonical absolute paths, and no share lies in
//! what is copied.
#![no_main]

use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use zonelib::recipe::{PruneList, PruneSet, Site};

fuzz_target!(|text: &[u8]| {
    let nowhere = PathBuf::from("/nonexistent");
    let site = Site { config: nowhere.clone(), brands: nowhere };
    if let Ok(recipe) = site.recipe_text(Path::new("/nonexistent/recipe.toml"), text.to_vec()) {
        let shares = recipe.shares.iter().flat_map(|share| [&share.path, &share.from]);
        for path in recipe.copied.iter().chain(shares).chain(&recipe.drop) {
            assert!(canonical(path.as_bytes()), "{path}");
        }
        for share in &recipe.shares {
            assert!(recipe.copied.iter().all(|copied| !Path::new(&share.path).starts_with(copied)));
        }
    }
    let mut list = PruneList::default();
    if list.add(Path::new("fuzz.prune"), text).is_ok() {
        let set = PruneSet::union([&list]);
        for entry in &list.entries {
            assert!(canonical(&entry.path));
            assert!(set.contains(&entry.path));
        }
    }
});

fn canonical(path: &[u8]) -> bool {
    path.strip_prefix(b"/")
        .is_some_and(|rest| rest.split(|&byte| byte == b'/').all(|part| !matches!(part, b"" | b"." | b"..")))
}
