//! `pipcheck`: keeps the Python modules of a distribution in check.

fn main() {}
