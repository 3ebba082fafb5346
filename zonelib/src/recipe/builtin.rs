//! The stock brands, as they are in the source tree's `brands` folder.

/// Text of a stock recipe.
pub(super) fn recipe(brand: &str) -> Option<&'static str> {
    Some(match brand {
        "sparse-root" => include_str!("../../../brands/sparse-root/recipe.toml"),
        "whole-root" => include_str!("../../../brands/whole-root/recipe.toml"),
        _ => return None,
    })
}

/// Names of the stock brands.
pub(super) const BRANDS: [&str; 2] = ["sparse-root", "whole-root"];

/// Text of a stock list.
pub(super) fn list(file: &str) -> Option<&'static str> {
    Some(match file {
        "lib.prune" => include_str!("../../../brands/common/lib.prune"),
        "font.prune" => include_str!("../../../brands/common/font.prune"),
        "sparse.prune" => include_str!("../../../brands/common/sparse.prune"),
        "whole.prune" => include_str!("../../../brands/common/whole.prune"),
        "desktop-cache.prune" => include_str!("../../../brands/common/desktop-cache.prune"),
        "packages.ignore" => include_str!("../../../brands/common/packages.ignore"),
        _ => return None,
    })
}
