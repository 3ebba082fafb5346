use super::*;
use crate::testing::Image;

fn overlay(name: &str) -> OverlayName {
    name.parse().unwrap()
}

fn names(closure: &Closure) -> Vec<&str> {
    closure.overlays.iter().map(OverlayName::as_str).collect()
}

fn sample() -> Image {
    Image::new(&[
        ("var/sadm/overlays/a.ovl", "VERSION=2\nNAME=First one\nREQUIRES=b\nREQUIRES=lost\nSERVICE=x:default\n"),
        ("var/sadm/overlays/a.pkgs", "# head\nTRIBone\n\n TRIBtwo \n"),
        ("var/sadm/overlays/b.ovl", "NAME=caf\u{e9}\nVERSION=1\nREQUIRES=c\n"),
        ("var/sadm/overlays/c.ovl", "REQUIRES=a\nREQUIRES=c\n"),
        ("var/sadm/overlays/c.pkgs", "TRIBtwo\nTRIBlibsigc++\n"),
        ("var/sadm/overlays/only.pkgs", "TRIBonly\n"),
        ("var/sadm/overlays/overlays.minimal", "not = one\n"),
        ("var/sadm/overlays/installed/c", ""),
        ("var/sadm/overlays/installed/only", ""),
        ("var/sadm/overlays/installed/gone", ""),
    ])
}

#[test]
fn descriptions_lists_and_markers_make_an_overlay() {
    let overlays = Overlays::read(&sample().dir()).unwrap();
    assert_eq!(overlays.names().map(OverlayName::as_str).collect::<Vec<_>>(), ["a", "b", "c", "only"]);
    assert_eq!(overlays.iter().count(), 4);
    let first = overlays.get(&overlay("a")).unwrap();
    assert_eq!((first.title.as_deref(), first.version.as_deref()), (Some(&b"First one"[..]), Some(&b"2"[..])));
    assert_eq!(first.requires, [overlay("b"), overlay("lost")]);
    assert_eq!(first.packages, ["TRIBone", "TRIBtwo"].map(|name| name.parse().unwrap()));
    assert!(!first.installed);
    assert_eq!(overlays.get(&overlay("b")).unwrap().title.as_deref(), Some("caf\u{e9}".as_bytes()));
    let only = overlays.get(&overlay("only")).unwrap();
    assert!(only.installed && only.title.is_none() && only.version.is_none() && only.requires.is_empty());
    assert!(overlays.get(&overlay("gone")).is_none());
}

#[test]
fn the_closure_follows_circles_and_collects_what_is_missing() {
    let overlays = Overlays::read(&sample().dir()).unwrap();
    let closure = overlays.closure(&[overlay("b")]).unwrap();
    assert_eq!(names(&closure), ["a", "b", "c"]);
    assert_eq!(closure.missing, [(overlay("a"), overlay("lost"))].into());
    assert_eq!(closure.packages, ["TRIBlibsigc++", "TRIBone", "TRIBtwo"].map(|name| name.parse().unwrap()).into());
    assert_eq!(names(&overlays.closure(&[overlay("only"), overlay("only")]).unwrap()), ["only"]);
    assert_eq!(overlays.closure(&[]).unwrap(), Closure::default());
    let error = overlays.closure(&[overlay("only"), overlay("onl")]).unwrap_err();
    assert_eq!(error.to_string(), "unknown overlay `onl`; nearest: only");
}

#[test]
fn without_the_folder_there_are_none() {
    assert_eq!(Overlays::read(&Image::new(&[]).dir()).unwrap().names().count(), 0);
    let error = Overlays::read(&Image::new(&[(OVERLAYS, "a file")]).dir()).unwrap_err();
    assert!(error.to_string().starts_with("var/sadm/overlays: "), "{error}");
}

#[test]
fn damage_is_refused_with_file_and_line() {
    let cases = [
        ("a.ovl", "VERSION=1\nREQUIRES=b c\n", "a.ovl: line 2: `b c` is no overlay name: it holds something else"),
        ("a.ovl", "REQUIRES=\n", "a.ovl: line 1: `` is no overlay name: it is empty"),
        ("a.ovl", "VERSION\n", "a.ovl: line 1: is not `KEY=value`"),
        ("a.ovl", "1X=2\n", "a.ovl: line 1: is not `KEY=value`"),
        ("a.ovl", "NAME=x\nNAME=x\n", "a.ovl: line 2: says `NAME` again"),
        ("a.ovl", "NAME=x", "a.ovl: line 1: the last line has no newline"),
        ("a.pkgs", "TRIBx\nTRIBx y\n", "a.pkgs: line 2: `TRIBx y` is no package name"),
        ("a.pkgs", "TRIBx\0\n", "a.pkgs: line 1: holds a NUL byte"),
        ("-a.pkgs", "", "-a.pkgs: `-a` is no overlay name: it does not start with a letter or a digit"),
        (".ovl", "", ".ovl: `` is no overlay name: it is empty"),
        ("a.ovl/x", "", "a.ovl: is a directory, not a regular file"),
        ("installed/a/x", "", "installed/a: is a directory, not a regular file"),
        ("installed", "", "installed: "),
    ];
    for (file, text, message) in cases {
        let image = Image::new(&[(&format!("{OVERLAYS}/{file}"), text)]);
        let error = Overlays::read(&image.dir()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{OVERLAYS}/{message}")), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in "(NAME|VERSION|REQUIRES|X)?[ =#a-c\n\t\0\u{e9}]{0,40}\n?") {
        let mut overlay = Overlay::nothing(overlay("x"), false);
        let _ = overlay.describe(Path::new("x"), text.as_bytes());
        let _ = overlay.fill(Path::new("x"), text.as_bytes());
    }
}
