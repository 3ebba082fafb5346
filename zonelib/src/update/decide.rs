//! The decision for one object, as a table: what packages said when the zone was last made or updated,
//! what they say now, and what stands in the zone.

/// What stands in the zone, measured against both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Absent,
    /// What packages deliver now.
    AsNow,
    /// What packages delivered then.
    AsThen,
    /// Something else: the zone's administrator changed it.
    Other,
}

/// What a package wants to become of an edited file, by the class of its entry. The database has no
/// other place for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// `renamenew`, and every other class: the new one goes beside it.
    RenameNew,
    /// `renameold`: the new one takes its place, the edited one goes beside it.
    RenameOld,
    /// `preserve`: the edited one stays, and the new one is not wanted.
    Preserve,
}

impl Hint {
    /// The hint of a class. Source: pkg(7) and the class action scripts of the same names.
    pub(super) fn of(class: &[u8]) -> Self {
        match class {
            b"renameold" => Self::RenameOld,
            b"preserve" => Self::Preserve,
            _ => Self::RenameNew,
        }
    }
}

/// One object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    /// Packages delivered it then.
    pub(super) then: bool,
    /// They do now.
    pub(super) now: bool,
    /// They deliver something else than then.
    pub(super) changed: bool,
    /// It may be edited (`e`, `v`).
    pub(super) editable: bool,
    pub(super) hint: Hint,
    pub(super) standing: Standing,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is as it should be.
    Nothing,
    /// The administrator changed it and packages did not.
    Kept,
    Add,
    Replace,
    Remove,
    /// It stays, and the new one goes beside it.
    Beside,
    /// It goes beside, and the new one takes its place.
    Aside,
    /// It stays, for its package wants no more than that.
    Preserved,
    /// It stays though no package delivers it any more.
    Orphaned,
}

impl Case {
    pub(super) fn verdict(self) -> Verdict {
        match (self.then, self.now, self.standing) {
            (_, _, Standing::AsNow) | (false, false, _) | (true, false, Standing::Absent) => Verdict::Nothing,
            (false, true, Standing::Absent) => Verdict::Add,
            (false, true, _) => Verdict::Beside,
            (true, false, Standing::AsThen) => Verdict::Remove,
            (true, false, Standing::Other) => Verdict::Orphaned,
            (true, true, Standing::AsThen) if self.changed => Verdict::Replace,
            (true, true, Standing::AsThen) => Verdict::Nothing,
            (true, true, _) if !self.changed => Verdict::Kept,
            // A file that nobody is expected to change is needed; one that was removed on purpose stays away.
            (true, true, Standing::Absent) if self.editable => Verdict::Beside,
            (true, true, Standing::Absent) => Verdict::Add,
            (true, true, Standing::Other) => match self.hint {
                Hint::RenameNew => Verdict::Beside,
                Hint::RenameOld => Verdict::Aside,
                Hint::Preserve => Verdict::Preserved,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::{Absent, AsNow, AsThen, Other};
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        use Hint::{Preserve, RenameNew, RenameOld};
        use Verdict::{Add, Aside, Beside, Kept, Nothing, Orphaned, Preserved, Remove, Replace};
        // then, now, changed, editable, hint, standing
        let rows = [
            ((true, true, false, false, RenameNew, AsNow), Nothing),
            ((true, true, true, false, RenameNew, AsNow), Nothing),
            ((true, true, true, true, RenameOld, AsNow), Nothing),
            ((true, true, false, false, RenameNew, AsThen), Nothing),
            ((true, true, true, false, RenameNew, AsThen), Replace),
            ((true, true, true, true, Preserve, AsThen), Replace),
            ((true, true, false, false, RenameNew, Other), Kept),
            ((true, true, false, true, RenameOld, Other), Kept),
            ((true, true, true, false, RenameNew, Other), Beside),
            ((true, true, true, true, RenameOld, Other), Aside),
            ((true, true, true, true, Preserve, Other), Preserved),
            ((true, true, false, false, RenameNew, Absent), Kept),
            ((true, true, false, true, RenameNew, Absent), Kept),
            ((true, true, true, false, RenameNew, Absent), Add),
            ((true, true, true, true, RenameNew, Absent), Beside),
            ((true, true, true, true, RenameOld, Absent), Beside),
            ((true, false, true, false, RenameNew, Absent), Nothing),
            ((true, false, true, false, RenameNew, AsThen), Remove),
            ((true, false, true, true, RenameNew, AsThen), Remove),
            ((true, false, true, true, Preserve, Other), Orphaned),
            ((false, true, true, false, RenameNew, Absent), Add),
            ((false, true, true, true, RenameNew, AsNow), Nothing),
            ((false, true, true, true, RenameOld, Other), Beside),
            ((false, true, true, true, Preserve, Other), Beside),
            ((false, false, false, false, RenameNew, Other), Nothing),
        ];
        for ((then, now, changed, editable, hint, standing), expected) in rows {
            let case = Case { then, now, changed, editable, hint, standing };
            assert_eq!(case.verdict(), expected, "{case:?}");
        }
    }

    #[test]
    fn classes_are_hints() {
        assert_eq!(Hint::of(b"renameold"), Hint::RenameOld);
        assert_eq!(Hint::of(b"preserve"), Hint::Preserve);
        for class in [&b"none"[..], b"renamenew", b"build", b"renameolder"] {
            assert_eq!(Hint::of(class), Hint::RenameNew);
        }
    }
}
