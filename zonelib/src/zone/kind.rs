//! The types of zones that `create-zone -t` knows, and what each can be asked for.

use std::fmt;
use std::str::FromStr;

/// A type of zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Shares /usr, /lib and /sbin of the global zone.
    #[default]
    Sparse,
    /// Has its own copy of everything.
    Whole,
    /// A whole-root zone that zonekit runs the routers of networks in.
    Router,
    /// illumos of another distribution, from an image.
    Alien,
    /// Linux, from an image.
    Lx,
    /// Solaris 10, from an archive.
    S10,
    /// A virtual machine.
    Bhyve,
}

/// How the program that installs zones of a brand is told of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromImage {
    /// It makes zones from the packages of the host.
    Never,
    /// By this flag of `zoneadm install`, with others before it.
    Flag(&'static [&'static str]),
    /// Not by `zoneadm install`: the machine boots it.
    Boots,
}

/// What is peculiar to a type.
struct Traits {
    kind: Kind,
    name: &'static str,
    /// What the reference also calls it.
    also: &'static [&'static str],
    brand: &'static str,
    template: Option<&'static str>,
    image: FromImage,
}

const KINDS: &[Traits] = &[
    Traits {
        kind: Kind::Sparse,
        name: "sparse",
        also: &["TRIBsparse"],
        brand: "sparse-root",
        template: Some("TRIBsparse"),
        image: FromImage::Never,
    },
    Traits {
        kind: Kind::Whole,
        name: "whole",
        also: &["TRIBwhole"],
        brand: "whole-root",
        template: Some("TRIBwhole"),
        image: FromImage::Never,
    },
    Traits {
        kind: Kind::Router,
        name: "router",
        also: &[],
        brand: "whole-root",
        template: Some("TRIBwhole"),
        image: FromImage::Never,
    },
    Traits {
        kind: Kind::Alien,
        name: "alien",
        also: &["TRIBalien"],
        brand: "alien-root",
        template: Some("TRIBalien"),
        image: FromImage::Flag(&["-i"]),
    },
    Traits {
        kind: Kind::Lx,
        name: "lx",
        also: &["SUNWlx"],
        brand: "lx",
        template: Some("SUNWlx"),
        image: FromImage::Flag(&["-t"]),
    },
    Traits {
        kind: Kind::S10,
        name: "s10",
        also: &["solaris10", "SUNWsolaris10"],
        brand: "solaris10",
        template: Some("SUNWsolaris10"),
        // Unconfigured: what it is called and how it is reached stands in a file of its own.
        image: FromImage::Flag(&["-u", "-a"]),
    },
    Traits { kind: Kind::Bhyve, name: "bhyve", also: &[], brand: "bhyve", template: None, image: FromImage::Boots },
];

impl Kind {
    fn traits(self) -> &'static Traits {
        // The table has every one of them, which a test asks for.
        KINDS.iter().find(|traits| traits.kind == self).unwrap_or(&KINDS[0])
    }

    /// All names, for help.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|traits| traits.name)
    }

    /// The name that it is asked for by.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.traits().name
    }

    /// Its brand.
    #[must_use]
    pub fn brand(self) -> &'static str {
        self.traits().brand
    }

    /// The template for `create -t` in zonecfg(8); none: it begins blank.
    #[must_use]
    pub fn template(self) -> Option<&'static str> {
        self.traits().template
    }

    /// How it is made from an image.
    #[must_use]
    pub fn image(self) -> FromImage {
        self.traits().image
    }

    /// Whether it is filled from the packages of the host, by zonekit.
    #[must_use]
    pub fn is_ours(self) -> bool {
        self.image() == FromImage::Never
    }

    /// Whether its files are those of an illumos system, which sets itself up by them.
    #[must_use]
    pub fn is_illumos(self) -> bool {
        matches!(self, Self::Sparse | Self::Whole | Self::Router | Self::Alien)
    }
}

/// Types that the reference has besides.
const ELSEWHERE: [&str; 2] = ["appstack", "emu"];

/// No type of zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindError(String);

impl std::error::Error for KindError {}

impl fmt::Display for KindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        let names: Vec<&str> = Kind::names().collect();
        let names = names.join(", ");
        if ELSEWHERE.contains(&name.as_str()) {
            return write!(f, "zonekit makes no zones of type `{name}`; use `zap create-zone`, or one of {names}");
        }
        write!(f, "`{}` is no type of zone; there are {names}", name.escape_debug())
    }
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(name: &str) -> Result<Self, KindError> {
        let found = KINDS.iter().find(|traits| traits.name == name || traits.also.contains(&name));
        found.map(|traits| traits.kind).ok_or_else(|| KindError(name.to_owned()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_name_and_brand() {
        let all = [Kind::Sparse, Kind::Whole, Kind::Router, Kind::Alien, Kind::Lx, Kind::S10, Kind::Bhyve];
        assert_eq!(all.map(|kind| kind.name().parse::<Kind>().unwrap()), all);
        let brands = ["sparse-root", "whole-root", "whole-root", "alien-root", "lx", "solaris10", "bhyve"];
        assert_eq!(all.map(Kind::brand), brands);
        assert_eq!("SUNWsolaris10".parse(), Ok(Kind::S10));
        assert_eq!("solaris10".parse(), Ok(Kind::S10));
        for name in ["", "Sparse", "sparse-root", "lx\n"] {
            let error = name.parse::<Kind>().unwrap_err().to_string();
            assert!(error.contains("there are sparse, whole, router") && !error.contains('\n'), "{error}");
        }
        for name in ["emu", "appstack"] {
            let error = name.parse::<Kind>().unwrap_err().to_string();
            assert!(error.contains("use `zap create-zone`, or one of sparse, whole"), "{error}");
        }
    }
}
