use super::*;

fn site() -> (tempfile::TempDir, Site) {
    let dir = tempfile::tempdir().unwrap();
    let site = Site { config: dir.path().join("etc"), brands: dir.path().join("brand") };
    (dir, site)
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn brand(name: &str) -> BrandName {
    name.parse().unwrap()
}

fn parse(text: &str) -> Result<Recipe, RecipeError> {
    let (dir, site) = site();
    let file = dir.path().join("mine/recipe.toml");
    write(&file, text);
    site.recipe_file(&file)
}

#[test]
fn stock_brands_need_no_files() {
    let (_keep, site) = site();
    let sparse = site.recipe(&brand("sparse-root")).unwrap();
    assert_eq!(sparse.shares.iter().map(|share| share.path.as_str()).collect::<Vec<_>>(), ["/usr", "/sbin", "/lib"]);
    assert!(sparse.prune.contains(b"/etc/path_to_inst") && !sparse.prune.contains(b"/lib/svc/method/svc-hal"));
    assert!(sparse.prune_contents.contains(b"/lib/svc/method/svc-hal"));
    assert!(sparse.prune_contents.contains(b"/lib/svc/manifest/application/font/fc-cache.xml"));
    let whole = site.recipe(&brand("whole-root")).unwrap();
    assert!(whole.prune.contains(b"/lib/svc/method/svc-hal") && whole.choose && whole.postinstall);
}

#[test]
fn a_brand_of_the_administrator_comes_first() {
    let (_keep, site) = site();
    write(&site.config.join("brands/sparse-root/recipe.toml"), "description = 'ours'\n[copy]\npaths = ['/etc']\n");
    assert_eq!(site.recipe(&brand("sparse-root")).unwrap().description, "ours");
    write(&site.config.join("brands/tiny/recipe.toml"), "[copy]\npaths = ['/etc']\n");
    assert_eq!(site.recipe(&brand("tiny")).unwrap().name, "tiny");
}

#[test]
fn an_unknown_brand_names_those_that_exist() {
    let (_keep, site) = site();
    let error = site.recipe(&brand("sparse")).unwrap_err().to_string();
    assert!(error.contains("unknown brand `sparse`") && error.contains("sparse-root, whole-root"), "{error}");
    assert!("../etc".parse::<BrandName>().is_err());
}

#[test]
fn a_site_adds_to_a_list() {
    let (_keep, site) = site();
    write(&site.config.join("prune.d/sparse/site.prune"), "/etc/site-secret\n");
    write(&site.config.join("prune.d/sparse/README"), "not a list ../..\n");
    assert!(site.recipe(&brand("sparse-root")).unwrap().prune.contains(b"/etc/site-secret"));
}

#[test]
fn a_recipe_brings_its_own_lists() {
    let (dir, site) = site();
    let file = dir.path().join("mine/recipe.toml");
    write(&file, "[copy]\npaths = ['/etc']\nprune = ['own']\n");
    write(&dir.path().join("mine/own.prune"), "/etc/x\n");
    assert!(site.recipe_file(&file).unwrap().prune.contains(b"/etc/x"));
}

#[test]
fn broken_rules_are_named_with_their_line() {
    let cases = [
        ("[copy]\npaths = ['/etc']\nprunee = []\n", 3, "unknown field `prunee`"),
        ("colour = 1\n[copy]\npaths = ['/etc']\n", 1, "unknown field `colour`"),
        ("[copy]\npaths = [\n '/etc',\n 'var',\n]\n", 4, "`var` is not absolute"),
        ("[copy]\npaths = ['/etc/../var']\n", 2, "has a `..` component"),
        ("[copy]\npaths = ['/etc/']\n", 2, "ends in `/`"),
        ("[copy]\npaths = ['/usr']\n\n[[share]]\npath = '/usr/lib'\n", 5, "lie in each other"),
        ("[copy]\npaths = ['/usr/lib']\n[[share]]\npath = '/usr'\n", 4, "lie in each other"),
        ("[copy]\npaths = ['/etc', '/etc/inet']\n", 2, "copied twice"),
        ("[copy]\npaths = ['/etc']\nprune = ['none-such']\n", 3, "none-such"),
        ("[copy]\npaths = ['/etc']\nprune = ['../../etc']\n", 3, "not a file name"),
        ("[copy]\npaths = ['/etc']\n[[create]]\npath = '/x'\nmode = '0999'\n", 5, "not an octal mode"),
        ("[copy]\npaths = ['/etc']\n[[share]]\npath = '/lib'\nclone-prune = []\n", 4, "without `from`"),
        ("[copy]\npaths = [\n", 2, ""),
        ("# no copy\n", 1, "missing field `copy`"),
    ];
    for (text, line, problem) in cases {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(&format!("recipe.toml: line {line}: ")) && error.contains(problem), "{text:?}: {error}");
    }
}

#[test]
fn binary_is_refused() {
    let (dir, site) = site();
    let file = dir.path().join("recipe.toml");
    std::fs::write(&file, b"a = 1\n\xff\xfe").unwrap();
    assert!(site.recipe_file(&file).unwrap_err().to_string().contains("line 2: is not UTF-8"));
    assert!(site.recipe_file(dir.path()).is_err());
}
