//! What the commands for planning an update say, as their users see it.

#![allow(clippy::unwrap_used, reason = "all of this file is tests and what they share")]

mod common;

use std::fs;
use std::path::Path;

use common::{Ran, Root, SITE, metadata, program, run, shared};
use serde_json::Value;

/// A small system in which one module holds another back, one is missing, and two require one another.
fn system() -> Root {
    let root = Root::new();
    root.add("urllib3 1.26.18", &[])
        .add(
            "kubernetes 28.1.0",
            &[
                "Requires-Dist: urllib3 (<2.0,>=1.24.2)",
                "Requires-Dist: requests",
                "Requires-Dist: websocket-client>=0.32",
            ],
        )
        .add("requests 2.31.0", &["Requires-Dist: urllib3 (<3,>=1.21.1)", "Requires-Dist: idna<4,>=2.5"])
        .add("idna 3.4", &[])
        .add(
            "patroni 3.2.0",
            &[
                "Requires-Dist: urllib3 !=1.21,>=1.19.1",
                "Provides-Extra: kubernetes",
                "Provides-Extra: aws",
                "Requires-Dist: kubernetes>=2.0; extra == 'kubernetes'",
                "Requires-Dist: boto3; extra == 'aws'",
            ],
        )
        .add("operator 1.0", &["Requires-Dist: kubernetes<29", "Requires-Dist: patroni[kubernetes]"])
        .add("loop-a 1.0", &["Requires-Dist: loop-b"])
        .add("loop-b 1.0", &["Requires-Dist: loop-a", "Requires-Dist: idna"]);
    root
}

/// What is printed, with the root by another name.
fn told(root: &Root, ran: &Ran, code: i32) -> String {
    assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{ran:#?}");
    ran.out.replace(&root.path().display().to_string(), "ROOT")
}

/// What is printed, against a file; `UPDATE_GOLDEN=1` writes that anew.
fn golden(root: &Root, name: &str, code: i32, words: &[&str]) {
    same_as_golden(&told(root, &root.run(words), code), name);
}

fn same_as_golden(told: &str, name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/plan").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, told).unwrap();
    }
    assert_eq!(told, fs::read_to_string(&file).unwrap(), "{name}");
}

fn json(ran: &Ran) -> Value {
    let answer: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    assert_eq!(answer["version"], 1);
    answer
}

/// Why there is no answer, with the root by another name.
fn refused(root: &Root, words: &[&str]) -> String {
    let ran = root.run(words);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{words:?}: {ran:#?}");
    ran.err.trim_end().replace(&root.path().display().to_string(), "ROOT")
}

#[test]
fn what_an_update_breaks_is_told_before_it_is_built() {
    let root = system();
    golden(&root, "what-if.txt", 1, &["what-if", "urllib3==2.0.7"]);
    golden(&root, "what-if-fine.txt", 0, &["what-if", "urllib3==1.26.20"]);
}

#[test]
fn metadata_of_the_new_version_count_and_new_modules_and_removals() {
    let root = system();
    let file = root.write(
        "k29/METADATA",
        metadata("kubernetes 29.0.0", &["Requires-Dist: urllib3>=1.24.2", "Requires-Dist: durationpy>=0.7"]),
    );
    let (folder, file) = (file.parent().unwrap().to_str().unwrap().to_owned(), file.to_str().unwrap().to_owned());
    golden(&root, "what-if-metadata.txt", 1, &["what-if", "--metadata", &file, "durationpy==0.9", "--remove", "idna"]);
    // A folder will do, and a module is new only if something would require it.
    let ran = root.run(&["what-if", "--json", "--metadata", &folder, "durationpy==0.9", "urllib3==2.0.7"]);
    let answer = json(&ran);
    let environment = &answer["environments"][0];
    assert_eq!((answer["command"].as_str(), ran.code), (Some("what-if"), 1));
    assert_eq!(environment["steps"][1]["needs_known"], false);
    assert_eq!(environment["blockers"][0]["name"], "operator");
    assert_eq!(environment["breaks"].as_array().unwrap().len(), 1, "{environment:#}");
}

#[test]
fn changes_that_make_no_sense_are_refused() {
    let root = system();
    let nothing = root.write("empty", "");
    let binary = root.write("binary", [0u8, 159, 146, 150].repeat(5000));
    let no_version = root.write("no-version", "Name: idna\n\n");
    let wheel = root.write("x.whl", "PK");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    for (words, why) in [
        (vec!["urlib3==2"], "`urlib3` is not installed, and nothing that is requires it; did you mean urllib3?"),
        (vec!["--remove", "websocket-client"], "`websocket-client` is not installed, and nothing that is requires it"),
        (vec!["urllib3"], "`urllib3`: write a new version as NAME==VERSION"),
        (vec!["urllib3==latest"], "`urllib3==latest`: `latest` is no version by PEP 440"),
        (vec!["urllib3[socks]==2"], "`urllib3[socks]` is no name of a module"),
        (vec!["urllib3==2", "--remove", "URLLIB3"], "two changes are asked about for urllib3"),
        (vec!["--metadata", &path(&nothing)], "empty` is no METADATA: it has no Name"),
        (vec!["--metadata", &path(&binary)], "binary` is no METADATA: it has no Name"),
        (vec!["--metadata", &path(&no_version)], "no-version` has no Version"),
        (vec!["--metadata", &path(&wheel)], "x.whl` is an archive; name the METADATA"),
        (vec!["--metadata", &path(root.path())], "` has neither METADATA nor PKG-INFO"),
        (vec!["--metadata", "/nowhere"], "`/nowhere`: No such file"),
    ] {
        let words: Vec<&str> = std::iter::once("what-if").chain(words).collect();
        let said = refused(&root, &words);
        assert!(said.starts_with("pipcheck: ") && said.contains(why), "{words:?}: {said}");
    }
}

#[test]
fn blockers_are_told_with_their_ceilings_and_the_way_to_the_tightest() {
    let root = system();
    let known = root.write("known", "urllib3 2.0.7\nurllib3 1.26.20\n");
    golden(&root, "blockers.txt", 1, &["blockers", "urllib3", "--known", known.to_str().unwrap()]);
    golden(&root, "blockers-all.txt", 1, &["blockers", "idna", "websocket-client", "loop-b", "operator"]);
    let fine = root.write("fine", "urllib3 1.26.20\n");
    assert_eq!(root.run(&["blockers", "urllib3", "--known", fine.to_str().unwrap()]).code, 0);
    assert_eq!(root.run(&["blockers", "loop-b"]).code, 0);
    assert_eq!(
        refused(&root, &["blockers", "idnaa"]),
        "pipcheck: `idnaa` is not installed, and nothing that is requires it; did you mean idna?"
    );
    let answer = json(&root.run(&["blockers", "--json", "urllib3"]));
    let limit = &answer["environments"][0]["modules"][0]["limits"][0];
    assert_eq!((limit["name"].as_str(), limit["ceiling"].as_str()), (Some("kubernetes"), Some("2.0")));
    assert_eq!((&limit["inclusive"], &limit["holds"]), (&Value::Bool(false), &Value::Bool(true)));
}

#[test]
fn ceilings_are_those_of_the_specifiers() {
    for (specifier, ceiling) in [
        ("<2", "below 2"),
        ("<=2.1", "up to 2.1"),
        ("==1.5", "up to 1.5"),
        ("==1.*", "below 2"),
        ("~=1.4.2", "below 1.5"),
        ("<3,<2,>1", "below 2"),
        (">=1", "any later"),
        ("!=2", "any later"),
        ("", "any later"),
    ] {
        let root = Root::new();
        root.add("lib 1.5", &[]).add("app 1", &[&format!("Requires-Dist: lib{specifier}")]);
        let ran = root.run(&["blockers", "lib"]);
        assert!(ran.out.contains(&format!("\n  {ceiling}  app 1 needs lib{specifier}")), "{specifier}: {}", ran.out);
        assert_eq!(ran.code, i32::from(ceiling != "any later"), "{specifier}");
    }
}

const KNOWN: &str =
    "urllib3 2.0.7\nurllib3 1.26.20\nkubernetes==29.0\nkubernetes==28.2\noperator 1.1\nidna 3.6\nrequests 2.31.0\n";

#[test]
fn what_is_held_back_could_move_together() {
    let root = system();
    let known = root.write("known", KNOWN);
    let known = known.to_str().unwrap();
    // As long as nothing is known of the newer versions, one may hope.
    golden(&root, "held-back.txt", 1, &["held-back", "--known", known]);
    root.write("new/k29", metadata("kubernetes 29.0", &["Requires-Dist: urllib3>=1.24.2"]));
    root.write("new/k28", metadata("kubernetes 28.2", &["Requires-Dist: urllib3<2"]));
    root.write("new/op/METADATA", metadata("operator 1.1", &["Requires-Dist: kubernetes<30"]));
    let new = root.path().join("new");
    let words = ["held-back", "--known", known, "--metadata", new.to_str().unwrap()];
    golden(&root, "held-back-metadata.txt", 1, &words);
    // With an operator that does not go along, no set does.
    root.write("new/op/METADATA", metadata("operator 1.1", &["Requires-Dist: kubernetes<28.5"]));
    let answer = json(&root.run(&[&words[..], &["--json", "urllib3"]].concat()));
    let held = answer["environments"][0]["held"].as_array().unwrap();
    assert_eq!((held.len(), held[0]["name"].as_str()), (1, Some("urllib3")));
    assert_eq!(held[0]["moves"]["result"], "never");
    // And without newer versions of those who hold it, it is stuck by them.
    let few = root.write("few", "urllib3 2.0.7\n");
    let ran = root.run(&["held-back", "--known", few.to_str().unwrap()]);
    let why = "stuck    kubernetes needs urllib3 (<2.0,>=1.24.2), and no newer version of it is known";
    assert!(ran.out.contains(why), "{}", ran.out);
    let none = root.write("none", "urllib3 1.26.18\nidna 3.4.0\n");
    assert_eq!(root.run(&["held-back", "--known", none.to_str().unwrap()]).code, 0);
}

/// A chain in which each step needs the next, some of them new: the set is found, and it is as good as it says.
#[test]
fn sets_that_move_together_are_found_through_what_they_need_themselves() {
    let root = Root::new();
    root.add("base 1.0", &[]).add("lib 1.0", &["Requires-Dist: base<2"]).add("app 1.0", &["Requires-Dist: lib<2"]);
    root.add("tool 1.0", &["Requires-Dist: app==1.0"]);
    for (label, lines) in [
        ("base 2.0", &["Requires-Dist: fresh>=1"][..]),
        ("lib 1.9", &["Requires-Dist: base<2"][..]),
        ("lib 2.0", &["Requires-Dist: base>=2"][..]),
        ("app 2.0", &["Requires-Dist: lib>=2"][..]),
        ("app 3.0", &["Requires-Dist: lib>=3"][..]),
        ("tool 2.0", &["Requires-Dist: app>=2,<3"][..]),
        ("fresh 1.1", &[][..]),
        ("fresh 0.9", &[][..]),
    ] {
        root.write(&format!("new/{label}"), metadata(label, lines));
    }
    let new = root.path().join("new");
    let known = root.write("known", "unrelated 1\n");
    let words =
        ["held-back", "--json", "--known", known.to_str().unwrap(), "--metadata", new.to_str().unwrap(), "base"];
    let answer = json(&root.run(&words));
    let moves = &answer["environments"][0]["held"][0]["moves"];
    assert_eq!(moves["result"], "together", "{answer:#}");
    let set: Vec<String> = moves["set"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {}", it["name"].as_str().unwrap(), it["to"].as_str().unwrap()))
        .collect();
    assert_eq!(set, ["app 2.0", "base 2.0", "fresh 1.1", "lib 2.0", "tool 2.0"]);
    let files: Vec<String> = set.iter().map(|label| new.join(label).to_str().unwrap().to_owned()).collect();
    let asked: Vec<&str> =
        std::iter::once("what-if").chain(files.iter().flat_map(|file| ["--metadata", file.as_str()])).collect();
    assert_eq!(root.run(&asked).code, 0);
    // No smaller set does.
    for (left_out, label) in set.iter().enumerate() {
        let fewer = files.iter().enumerate().filter(|(number, _)| *number != left_out);
        let asked: Vec<&str> =
            std::iter::once("what-if").chain(fewer.flat_map(|(_, file)| ["--metadata", file.as_str()])).collect();
        let ran = root.run(&asked);
        assert!(ran.code == 1 || label.starts_with("base"), "{asked:?}: {ran:#?}");
    }
}

#[test]
fn a_search_that_takes_too_long_is_given_up() {
    let root = Root::new();
    root.add("base 1.0", &[]);
    for number in 0..12 {
        root.add(&format!("user{number} 1.0"), &["Requires-Dist: base<2"]);
        root.write(&format!("new/user{number}"), metadata(&format!("user{number} 2.0"), &["Requires-Dist: base"]));
    }
    let known = root.write("known", "base 2.0\n");
    let new = root.path().join("new");
    let ran = root.run(&["held-back", "--known", known.to_str().unwrap(), "--metadata", new.to_str().unwrap()]);
    assert!(ran.out.contains("gave up  it takes more than 8 modules"), "{}", ran.out);
    assert_eq!(ran.code, 1);
    // Many versions of each of a circle that never fits.
    let root = Root::new();
    root.add("base 1.0", &[]).add("user 1.0", &["Requires-Dist: base<2"]);
    for (name, next) in [("user", "a"), ("a", "b"), ("b", "c"), ("c", "d"), ("d", "nowhere")] {
        for number in 2..40 {
            let label = format!("{name} {number}.0");
            root.write(&format!("new/{label}"), metadata(&label, &[&format!("Requires-Dist: {next}>=2")]));
        }
    }
    let known = root.write("known", "base 2.0\n");
    let new = root.path().join("new");
    let ran = root.run(&["held-back", "--known", known.to_str().unwrap(), "--metadata", new.to_str().unwrap()]);
    assert!(
        ran.out.contains("gave up  there are too many ways") || ran.out.contains("stuck    d needs nowhere>=2"),
        "{}",
        ran.out
    );
}

#[test]
fn lists_of_versions_that_are_none_are_refused() {
    let root = system();
    for (name, bytes, why) in [
        ("binary", vec![0u8, 159, 146, 150], "` is no text; it should have lines such as `urllib3 2.2.1`"),
        ("empty", vec![], "` has no versions; it should have lines such as `urllib3 2.2.1`"),
        ("comments", b"# nothing\n\n".to_vec(), "` has no versions"),
    ] {
        let file = root.write(name, bytes);
        let said = refused(&root, &["held-back", "--known", file.to_str().unwrap()]);
        assert!(said.contains(why), "{said}");
    }
    // The lines that make sense count, and the status says that it is not all.
    let file = root.write("some", "urllib3 2.0.7\nidna newest\n");
    let ran = root.run(&["held-back", "--known", file.to_str().unwrap()]);
    assert_eq!(ran.code, 2);
    assert!(ran.out.contains("urllib3 1.26.18 -> 2.0.7"), "{}", ran.out);
    assert!(ran.err.contains("line 2: `idna newest` has `newest`, which is no version by PEP 440"), "{}", ran.err);
}

#[test]
fn modules_are_shown_with_the_state_of_all_around_them() {
    let root = system();
    golden(&root, "show.txt", 1, &["show", "Patroni", "kubernetes"]);
    let owned = "urllib3-1.26.18.dist-info/METADATA";
    root.package("TRIBurllib3-python-313", "1.26.18.0", &[], &[owned]);
    let shown = told(&root, &root.run(&["show", "urllib3"]), 0);
    assert!(shown.contains("  owner        TRIBurllib3-python-313\n"), "{shown}");
    assert!(told(&root, &root.run(&["show", "idna"]), 0).contains("  owner        no package\n"));
    let answer = json(&root.run(&["show", "--json", "urllib3"]));
    let module = &answer["environments"][0]["modules"][0];
    assert_eq!(module["owner"], "TRIBurllib3-python-313");
    assert_eq!(module["required_by"].as_array().unwrap().len(), 3);
    assert_eq!(refused(&root, &["show", "patron"]), "pipcheck: `patron` is not installed; did you mean patroni?");
    // A damaged database is said, and the rest is shown.
    root.write("var/sadm/install/contents", "nonsense\n");
    let ran = root.run(&["show", "urllib3"]);
    assert_eq!(ran.code, 2);
    assert!(ran.out.contains("required by") && ran.err.contains("contents"), "{ran:#?}");
}

#[test]
fn trees_are_drawn_both_ways_and_circles_are_cut() {
    let root = system();
    golden(&root, "tree.txt", 1, &["tree"]);
    golden(&root, "tree-reverse.txt", 0, &["tree", "--reverse", "idna"]);
    golden(&root, "tree-depth.txt", 1, &["tree", "operator", "--depth", "1"]);
    golden(&root, "tree.dot", 1, &["tree", "--dot", "operator"]);
    let answer = json(&root.run(&["tree", "--json", "loop-a"]));
    let tree = &answer["environments"][0];
    assert_eq!(tree["tops"], serde_json::json!(["loop-a"]));
    assert_eq!(tree["modules"]["loop-b"]["below"].as_array().unwrap().len(), 2);
}

/// A chain of thousands is neither drawn for ever nor too deep for the stack.
#[test]
fn long_chains_are_drawn_up_to_a_depth() {
    let root = Root::new();
    for number in 0..3000 {
        root.add(&format!("m{number} 1.0"), &[&format!("Requires-Dist: m{}", (number + 1) % 3000)]);
    }
    let ran = root.run(&["tree", "m0"]);
    assert_eq!((ran.code, ran.out.lines().count()), (0, 43), "{}", ran.err);
    assert!(ran.out.ends_with("(...)\n"));
    let ran = root.run(&["tree", "m0", "--depth", "100000"]);
    assert_eq!(ran.out.lines().count(), 1003);
    assert_eq!(root.run(&["blockers", "m0"]).code, 0);
}

#[test]
fn names_control_no_terminal() {
    let root = Root::new();
    root.add("lib 1.0", &["Requires-Dist: other; \u{1b}[2J"])
        .add("app 1.0\u{1b}[31m", &["Requires-Dist: lib<0.9\u{202e}"]);
    root.site("evil-1.dist-info/METADATA", "Name: ev\u{1b}il\nVersion: 1\u{9b}\"\\\nRequires-Dist: lib\n\n");
    for words in [
        &["what-if", "lib==2"][..],
        &["what-if", "--remove", "lib"],
        &["blockers", "lib"],
        &["show", "lib"],
        &["tree"],
        &["tree", "--dot"],
        &["tree", "--reverse"],
    ] {
        let ran = root.run(words);
        assert!(ran.code < 2 && !ran.out.is_empty(), "{words:?}: {ran:#?}");
        let controls = |character: char| (character.is_control() && character != '\n') || character == '\u{202e}';
        assert!(!ran.out.contains(controls), "{words:?}: {:?}", ran.out);
    }
    let dot = root.run(&["tree", "--dot"]).out;
    assert!(dot.contains("[label=\"evil 1\\\\u{9b}\\\"\\\\\"]"), "{dot}");
}

fn diff(old: &Path, new: &Path, more: &[&str]) -> Ran {
    run(program().arg("diff").arg(old).arg(new).args(more))
}

#[test]
fn only_what_is_new_stops_a_build() {
    let (old, new) = (system(), system());
    let said = |ran: &Ran| ran.out.replace(&new.path().display().to_string(), "ROOT");
    assert_eq!(diff(old.path(), new.path(), &[]).code, 0);
    fs::remove_dir_all(new.path().join(SITE).join("loop_a-1.0.dist-info")).unwrap();
    fs::rename(new.path().join(SITE).join("idna-3.4.dist-info"), new.path().join(SITE).join("idna-4.0.dist-info"))
        .unwrap();
    new.site("idna-4.0.dist-info/METADATA", metadata("idna 4.0", &[]));
    new.add("websocket-client 1.0", &[]);
    let ran = diff(old.path(), new.path(), &[]);
    same_as_golden(&told(&new, &ran, 1), "diff.txt");
    // The same by reports, and by one of each; the other way round nothing is new but what was missing.
    let reports = [&old, &new].map(|root| {
        let ran = root.run(&["check", "--json"]);
        root.write("report.json", ran.out)
    });
    for (a, b) in [(&reports[0], &reports[1]), (&reports[0], &new.path().into()), (&old.path().into(), &reports[1])] {
        assert_eq!(said(&diff(a, b, &[])), said(&ran));
    }
    let answer = json(&diff(&reports[1], &reports[0], &["--json"]));
    let change = &answer["environments"][0];
    let kinds: Vec<&str> = change["new"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["cycle", "missing"]);
    assert_eq!(
        (change["updated"][0]["new"].as_str(), change["removed"][0]["name"].as_str()),
        (Some("3.4"), Some("websocket-client"))
    );
    assert_eq!(diff(old.path(), new.path(), &["--python", "3.12"]).code, 2);
}

#[test]
fn what_is_no_report_is_not_compared() {
    let root = system();
    let report = root.run(&["check", "--json"]).out;
    let newer = report.replacen("\"version\": 1", "\"version\": 2", 1).replacen("\"environments\"", "\"others\"", 1);
    let half = &report[..report.len() / 2];
    let other = root.run(&["show", "--json", "idna"]).out;
    for (name, text, why) in [
        ("half", half, "is neither a root nor a whole report of `check --json`"),
        ("empty", "", "is neither a root nor a whole report of `check --json`"),
        ("binary", "\0\u{1}", "is neither a root nor a whole report of `check --json`"),
        ("newer", newer.as_str(), "has the format 2, and this pipcheck reads 1"),
        ("other", other.as_str(), "is a report of `show`; only those of `check` can be compared"),
    ] {
        let file = root.write(name, text);
        for (a, b) in [(file.as_path(), root.path()), (root.path(), file.as_path())] {
            let ran = diff(a, b, &[]);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{name}");
            assert!(ran.err.contains(why), "{name}: {}", ran.err);
        }
    }
    let ran = diff(root.path(), Path::new("/nowhere"), &[]);
    assert_eq!((ran.code, ran.err.as_str()), (2, "pipcheck: `/nowhere`: No such file or directory (os error 2)\n"));
    // What was checked in part is compared in part.
    let part = report.replacen("\"failures\": []", "\"failures\": [\"something\"]", 1);
    let file = root.write("part", &part);
    assert_eq!(diff(&file, root.path(), &[]).code, 2);
}

/// Several Pythons below one root are compared each with itself.
#[test]
fn pythons_are_compared_each_with_itself() {
    let (old, new) = (Root::new(), Root::new());
    for root in [&old, &new] {
        root.add("app 1", &["Requires-Dist: lib"]);
    }
    new.write("usr/lib/python3.12/site-packages/app-1.dist-info/METADATA", metadata("app 1", &["Requires-Dist: lib"]));
    let answer = json(&diff(old.path(), new.path(), &["--json"]));
    let pythons: Vec<(&str, usize)> = answer["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["python"].as_str().unwrap(), it["new"].as_array().unwrap().len()))
        .collect();
    assert_eq!(pythons, [("3.12", 1), ("3.13", 0)]);
    // A name is unknown only if no Python has it.
    new.add("lib 1", &[]);
    assert_eq!(new.run(&["show", "lib"]).code, 0);
    assert_eq!(new.run(&["what-if", "--remove", "lib"]).code, 1);
}

/// Who holds a module back is who is in the way of the newest version, module by module, in real environments.
#[test]
fn held_back_agrees_with_what_if() {
    for (environment, every) in [("conflicts", 5), ("tribblix-recipes", 7)] {
        let Some(data) = shared(&format!("{environment}.tar.xz")) else { return };
        let root = data.path().join(environment);
        let ask = |words: &[&str]| {
            json(&run(program().arg(words[0]).arg("--json").arg("--root").arg(&root).args(&words[1..])))
        };
        let report = ask(&["check"]);
        let names: Vec<&str> = report["environments"][0]["modules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        let known = data.path().join("known");
        fs::write(&known, names.iter().map(|name| format!("{name} 9999\n")).collect::<String>()).unwrap();
        let answer = ask(&["held-back", "--known", known.to_str().unwrap()]);
        let survey = &answer["environments"][0];
        let held: Vec<&Value> = survey["held"].as_array().unwrap().iter().collect();
        assert!(held.len() > 10 && !survey["free"].as_array().unwrap().is_empty(), "{environment}");
        for name in names.iter().step_by(every) {
            let outlook = ask(&["what-if", &format!("{name}==9999")]);
            let mut blockers: Vec<(String, String)> = outlook["environments"][0]["blockers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| (it["name"].as_str().unwrap().to_owned(), it["requirement"].as_str().unwrap().to_owned()))
                .collect();
            blockers.sort();
            blockers.dedup();
            let holders = held.iter().find(|it| it["name"] == **name).map_or_else(Vec::new, |it| {
                let holders = it["holders"].as_array().unwrap().iter();
                holders
                    .map(|it| (it["name"].as_str().unwrap().to_owned(), it["requirement"].as_str().unwrap().to_owned()))
                    .collect()
            });
            assert_eq!(holders, blockers, "{environment}: {name}");
        }
    }
}

/// The modules that the packagers of a distribution say that they hold back are those that are found to be.
#[test]
fn a_distribution_is_held_back_by_whom_its_packagers_say() {
    let Some(data) = shared("tribblix-recipes.tar.xz") else { return };
    let root = data.path().join("tribblix-recipes");
    let known = data.path().join("known");
    fs::write(&known, "rsa 4.9.1\ncolorama 0.4.7\ndocutils 0.22.4\nurllib3 2.7.1\nsphinx 9.2.0\n").unwrap();
    let mut command = program();
    command.args(["held-back", "--json", "--known"]).arg(&known).arg("--root").arg(&root);
    let answer = json(&run(&mut command));
    let held: Vec<(String, Vec<String>)> = answer["environments"][0]["held"]
        .as_array()
        .unwrap()
        .iter()
        .map(|held| {
            let holders = held["holders"].as_array().unwrap().iter();
            let text = |value: &Value| value["name"].as_str().unwrap().to_owned();
            (text(held), holders.map(text).collect())
        })
        .collect();
    let expected = [("colorama", &["awscli"][..]), ("docutils", &["b2"]), ("rsa", &["awscli"])];
    let expected = expected.map(|(name, by)| (name.to_owned(), by.iter().map(|by| (*by).to_owned()).collect()));
    assert_eq!(held, expected);
}

/// An update replaces all copies in a directory, and what is taken away uncovers what it has hidden.
#[test]
fn copies_are_replaced_and_hidden_ones_come_to_light() {
    let root = Root::new();
    root.add("lib 1.0", &[]).add("lib 2.0", &[]).add("app 1.0", &["Requires-Dist: lib>=2"]);
    let ran = root.run(&["what-if", "--json", "lib==2.5"]);
    let kinds = |answer: &Value, field: &str| -> Vec<String> {
        let findings = answer["environments"][0][field].as_array().unwrap().iter();
        findings.map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
    };
    let answer = json(&ran);
    assert_eq!((ran.code, kinds(&answer, "repairs")), (0, vec!["ambiguous".to_owned(), "duplicate".to_owned()]));
    let shown = told(&root, &root.run(&["show", "lib"]), 1);
    assert_eq!(shown.matches("which one counts is chance").count(), 1, "{shown}");

    let root = Root::new();
    root.write("first/lib-2.0.dist-info/METADATA", metadata("lib 2.0", &[]));
    root.write("second/lib-1.0.dist-info/METADATA", metadata("lib 1.0", &["Requires-Dist: other"]));
    root.write("second/app-1.0.dist-info/METADATA", metadata("app 1.0", &["Requires-Dist: lib>=2"]));
    let places = ["--python", "3.13", "--path", "first", "--path", "second"];
    let ran = root.run(&[&["what-if", "--json", "--remove", "lib"], &places[..]].concat());
    let answer = json(&ran);
    assert_eq!((ran.code, kinds(&answer, "breaks")), (1, vec!["incompatible".to_owned(), "missing".to_owned()]));
    assert_eq!(kinds(&answer, "repairs"), ["shadowed"]);
    let shown = told(&root, &root.run(&[&["show", "lib"], &places[..]].concat()), 0);
    assert!(shown.contains("another that comes before it is the one that counts"), "{shown}");
}

/// METADATA files that are named, and what would hold on other Pythons, are asked about in the same way.
#[test]
fn files_and_a_matrix_of_pythons_are_asked_about() {
    let root = Root::new();
    root.add("lib 1.0", &[]).add("app 1.0", &["Requires-Dist: lib<2; python_version < '3.13'"]);
    let ran = root.run(&["what-if", "--json", "lib==2", "--matrix", "3.12,3.13"]);
    let answer = json(&ran);
    let breaks: Vec<usize> =
        answer["environments"].as_array().unwrap().iter().map(|it| it["breaks"].as_array().unwrap().len()).collect();
    assert_eq!((ran.code, breaks), (1, vec![1, 0]));
    let file = |label: &str| root.path().join(SITE).join(format!("{label}.dist-info/METADATA"));
    let mut command = program();
    command.args(["what-if", "lib==2", "--python", "3.12", "--file"]).arg(file("lib-1.0"));
    command.arg("--file").arg(file("app-1.0"));
    let ran = run(&mut command);
    assert!(ran.code == 1 && ran.out.contains("app 1.0 needs lib<2; 2 is installed"), "{ran:#?}");
}

/// The newest version may be its own hindrance: by the Python that it is for, or by what it needs.
#[test]
fn newer_versions_hold_themselves_back() {
    let root = Root::new();
    root.add("lib 1.0", &[]).add("app 1.0", &[]).add("far 1.0", &[]);
    root.write("new/lib", metadata("lib 2.0", &["Requires-Python: >=3.14"]));
    root.write("new/app", metadata("app 2.0", &["Requires-Dist: fresh>=2", "Requires-Dist: far; extra == 'x'"]));
    root.write("new/far", metadata("far 2.0b1", &["Requires-Dist: nowhere"]));
    let known = root.write("known", "lib 1.5\nfresh 2.1\nfresh 1.0\n");
    let new = root.path().join("new");
    let words = ["held-back", "--known", known.to_str().unwrap(), "--metadata", new.to_str().unwrap()];
    let out = told(&root, &root.run(&words), 1);
    for expected in [
        "\nlib 1.0 -> 2.0\n  held by  lib 2.0, which needs Python >=3.14\n  until    1.5, which nobody minds\n  \
         stuck    lib 2.0 is not for Python 3.13\n",
        "\napp 1.0 -> 2.0\n  held by  app 2.0, which needs fresh>=2\n  with     fresh 2.1 (new)\n",
        ": 2 held back, 0 could be updated alone, 1 up to date\n",
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    // Pre-releases are newest only for those who ask for them.
    let out = told(&root, &root.run(&[&words[..], &["--pre"]].concat()), 1);
    assert!(out.contains("far 1.0 -> 2.0b1\n  held by  far 2.0b1, which needs nowhere\n"), "{out}");
}
