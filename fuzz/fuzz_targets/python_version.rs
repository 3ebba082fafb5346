//! Versions: the normal form is the same version, the order is one, and operators agree with it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipcheck::pep::{DeclaredVersion, PreReleases, Specifiers, Version};

fuzz_target!(|text: &str| {
    let (a, b) = text.split_once('\n').unwrap_or((text, "1.0"));
    let (Ok(a), Ok(b)) = (Version::parse(a), Version::parse(b)) else {
        return;
    };
    let normal = a.to_string();
    assert_eq!(Version::parse(&normal).as_ref(), Ok(&a));
    assert_eq!(Version::parse(&normal).map(|again| again.to_string()), Ok(normal.clone()));
    assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    assert_eq!(a == b, a.cmp(&b).is_eq());
    let declared = DeclaredVersion::parse(&normal);
    let public = b.public();
    let holds = |operator: &str| {
        let text = format!("{operator}{public}");
        Specifiers::parse(&text).expect("a specifier").contains(&declared, PreReleases::Admit)
    };
    assert_eq!(holds("=="), !holds("!="));
    assert_eq!(holds("<="), a.public() <= public);
    assert_eq!(holds(">="), a >= public);
    assert!(!holds("<") || a < public);
    assert!(!holds(">") || a > public);
});
