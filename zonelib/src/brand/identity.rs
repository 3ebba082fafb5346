//! stub
use crate::config::ZoneName;
use crate::root::Tree;
use std::path::Path;
pub fn plan(_: &Tree, _: &ZoneName, _: Option<&str>, _: Option<&Path>) -> std::io::Result<Vec<String>> {
    Ok(vec![])
}
pub fn apply(_: &Tree, _: &[String]) -> std::io::Result<()> {
    Ok(())
}
