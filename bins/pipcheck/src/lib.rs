//! What the Python modules of a distribution declare to need, and whether that holds.

pub mod pep;
