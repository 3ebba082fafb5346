//! The program, run on a small image.

#![allow(clippy::unwrap_used, reason = "all of this file is tests and what they share")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use tests::tiny::Tiny;

struct Place(TempDir);

impl Place {
    /// An image, a site, and a brand of its own.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let mut image = Tiny::new(&place.join("image"));
        image.file("/etc/here", "x").file("/var/tree/a/b", "x").write();
        place.write(
            "etc/brands/tiny/recipe.toml",
            "description = 'a tiny one'\n[copy]\npaths = ['/etc']\nprune = ['own']\n",
        );
        place.write(
            "etc/brands/tiny/own.prune",
            "/etc/here\n# gone since\n/etc/gone\n/var/tree/\n/var/none/\n/var/tre/\n",
        );
        place
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.join(name).parent().unwrap()).unwrap();
        fs::write(self.join(name), text).unwrap();
    }

    fn ask(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recipe"));
        command.args(words).arg("--config").arg(self.join("etc"));
        command.output().unwrap()
    }

    /// Standard output of a question that is answered without a word on standard error.
    fn answer(&self, words: &[&str], status: i32) -> String {
        let output = self.ask(words);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(status), ""), "{words:?}");
        text(&output.stdout).to_owned()
    }

    fn refused(&self, words: &[&str]) -> String {
        let output = self.ask(words);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{words:?}");
        let said = text(&output.stderr).to_owned();
        assert!(said.starts_with("recipe: ") && said.lines().count() == 1, "{words:?}: {said}");
        said
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn str(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn entries_that_match_nothing_are_named() {
    let place = Place::new();
    let (image, own) = (place.join("image"), place.join("etc/brands/tiny/own.prune"));
    let said = place.answer(&["check", "-b", "tiny", "--image", str(&image)], 1);
    let expected = format!(
        "{own}:3: /etc/gone: no package delivers it\n\
         {own}:5: /var/none/: no package delivers it or anything in it\n\
         {own}:6: /var/tre/: no package delivers it or anything in it\n\
         {recipe}: 3 of 5 entries of its prune lists match no package of {image}\n",
        own = own.display(),
        recipe = place.join("etc/brands/tiny/recipe.toml").display(),
        image = image.display(),
    );
    assert_eq!(said, expected);
    let data = place.answer(&["check", "-b", "tiny", "--json", "--image", str(&image)], 1);
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((&data["version"], &data["entries"]), (&Value::from(1), &Value::from(5)));
    assert_eq!(data["problems"].as_array().unwrap().len(), 3);
    assert_eq!(data["problems"][0]["line"], 3);

    place.write("etc/brands/tiny/own.prune", "/etc/here\n/var/tree/\n");
    let said = place.answer(&["check", "-b", "tiny", "--image", str(&image)], 0);
    assert!(said.ends_with(&format!("fine; all 2 entries of its prune lists match packages of {}\n", image.display())));
    place.write("etc/prune.d/own/site.prune", "/etc/heer\n");
    let said = place.answer(&["check", "-b", "tiny", "--image", str(&image)], 1);
    assert!(said.contains("site.prune:1: /etc/heer: "), "{said}");
}

#[test]
fn a_recipe_that_breaks_a_rule_is_an_answer() {
    let place = Place::new();
    place.write("mine/recipe.toml", "[copy]\npaths = ['/etc']\nprunee = []\n");
    let file = place.join("mine/recipe.toml");
    let said = place.answer(&["check", str(&file)], 1);
    assert!(said.starts_with(&format!("{}:3: ", file.display())) && said.contains("unknown field `prunee`"), "{said}");
    assert_eq!(said.lines().count(), 1);
    let data: Value = serde_json::from_str(&place.answer(&["check", "--json", str(&file)], 1)).unwrap();
    assert_eq!(data["problems"][0]["line"], 3);
    assert!(place.refused(&["show", str(&file)]).contains("line 3: "));
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    let place = Place::new();
    let image = place.join("image");
    assert!(place.refused(&["check", "-b", "none"]).contains("brands here: sparse-root, tiny, whole-root"));
    assert!(place.refused(&["check", "-b", "../tiny"]).contains("is not a brand name"));
    assert!(place.refused(&["check"]).contains("give -b BRAND or a file"));
    assert!(place.refused(&["show", "-b", "tiny", "file"]).contains("cannot be used with"));
    assert!(place.refused(&["check", "/nonexistent"]).contains("No such file"));
    assert!(place.refused(&["check", "-b", "tiny", "--image", "/nonexistent"]).contains("image /nonexistent: "));
    fs::write(image.join("var/sadm/install/contents"), "/etc d none 0755 root\n").unwrap();
    assert!(place.refused(&["check", "-b", "tiny", "--image", str(&image)]).contains("line 1"));
}

#[test]
fn recipes_are_shown() {
    let place = Place::new();
    let said = place.answer(&["show", "-b", "tiny"], 0);
    assert!(said.contains("a tiny one") && said.contains("own (5)") && said.contains("copies       /etc\n"), "{said}");
    for brand in ["sparse-root", "whole-root"] {
        let said = place.answer(&["show", "-b", brand], 0);
        assert!(said.contains("/tmp 1777 root:root") && said.contains("ns_files.xml"), "{said}");
        let data: Value = serde_json::from_str(&place.answer(&["show", "--json", "-b", brand], 0)).unwrap();
        assert_eq!(data["version"], 1);
        assert!(data["prunes"].as_array().unwrap().contains(&Value::from("/etc/path_to_inst")));
    }
}

#[test]
fn brands_are_listed_with_their_origin() {
    let place = Place::new();
    let said = place.answer(&["list"], 0);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines[0].starts_with("sparse-root  ") && lines[0].ends_with("(built in)]"), "{said}");
    assert!(lines[1].starts_with("tiny         a tiny one  ["), "{said}");
    let data: Value = serde_json::from_str(&place.answer(&["list", "--json"], 0)).unwrap();
    assert_eq!(data["brands"][1]["brand"], "tiny");

    place.write("etc/brands/broken/recipe.toml", "nonsense\n");
    let output = place.ask(&["list"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), said);
    assert!(text(&output.stderr).contains("broken/recipe.toml: line 1: "));
}
