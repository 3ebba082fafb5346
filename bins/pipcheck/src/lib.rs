//! What `pipcheck` does: finds the Python distributions below a root, and checks what they need of one another.

pub mod pep;
