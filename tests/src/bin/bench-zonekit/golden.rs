//! Whole-root zones that are clones of a golden image, in the datasets of a pretend host.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use tests::lab::Lab;

use crate::cases::copiers;
use crate::measure::{Contender, Row, in_turn, remove};
use crate::place::{Place, installed};
use crate::processes;
use crate::report::{Table, Target};

const ZONE: &str = "rpool/zones/bench";
const HOLDER: &str = "rpool/zones/.golden";

const CLONES: &str = "pkgcreatezone, the image is there";
const FILLS: &str = "pkgcreatezone, fills the image first";
const WITHOUT: &str = "pkgcreatezone --no-golden";

/// What an installation begins with.
struct Host<'p> {
    place: &'p Place,
    lab: Lab,
}

impl<'p> Host<'p> {
    fn new(place: &'p Place) -> io::Result<Self> {
        let lab = Lab::create(&place.at("host"));
        // Scripts of packages are run by the shell of the host.
        fs::create_dir(lab.place("/bin"))?;
        symlink("/bin/sh", lab.place("/bin/sh"))?;
        Ok(Self { place, lab })
    }

    fn contender(&self, name: &str, more: &[&str]) -> Contender {
        let mut command: Vec<OsString> = vec![self.place.with_lab.clone().into()];
        command.extend(["-b", "whole-root", "-z", "bench", "-R"].map(OsString::from));
        command.push(self.zonepath().into());
        command.extend([OsString::from("--image"), self.place.image.clone().into()]);
        command.extend(more.iter().map(OsString::from));
        Contender::new(name, command).on(self.lab.root())
    }

    fn zonepath(&self) -> PathBuf {
        self.lab.place("/zones/bench")
    }

    /// An empty zonepath, as zoneadm(8) makes it; and no image.
    fn clear(&self, image: bool) -> io::Result<()> {
        // Neither need be there.
        let _ = self.lab.run("umount", &[&self.zonepath().join("root").display().to_string()]);
        let _ = self.lab.zfs(&["destroy", "-r", ZONE]);
        if image {
            let _ = self.lab.zfs(&["destroy", "-r", HOLDER]);
        }
        self.lab.zfs_ok(&["create", ZONE]);
        fs::set_permissions(self.zonepath(), Permissions::from_mode(0o700))
    }

    /// Runs one once; its time is without that of the stand-ins.
    fn measure(&self, contender: &Contender, row: &mut Row, counts: bool) -> io::Result<()> {
        self.lab.time_calls();
        let mut sample = contender.run()?;
        sample.wall = sample.wall.saturating_sub(self.lab.time_of_calls());
        if counts {
            row.samples.push(sample);
        }
        Ok(())
    }
}

/// G: whole-root zones in ZFS. Also how many programs each way starts.
pub(crate) fn golden(place: &Place) -> io::Result<(Table, Vec<(String, usize)>)> {
    let host = Host::new(place)?;
    let ways = [(FILLS, true, &[][..]), (CLONES, false, &[]), (WITHOUT, false, &["--no-golden"])];
    let contenders = ways.map(|(name, _, more)| host.contender(name, more));
    let row = |contender: &Contender| Row { name: contender.name.clone(), samples: Vec::new(), failure: None };
    let mut rows: Vec<Row> = contenders.iter().map(row).collect();
    for round in 0..=place.rounds {
        for ((contender, row), (_, clears, _)) in contenders.iter().zip(&mut rows).zip(ways) {
            host.clear(clears)?;
            host.measure(contender, row, round > 0 || place.rounds == 1)?;
        }
    }
    let mut counted = Vec::new();
    if installed("strace") {
        for (contender, (_, clears, _)) in contenders.iter().zip(ways) {
            host.clear(clears)?;
            counted.push((format!("{}, ZFS", contender.name), processes::started(place, contender)?));
        }
    }
    drop(host);
    remove(&place.at("host"))?;
    let mut note =
        "In the datasets of a pretend host. The time of zfs, mount, umount, svccfg and the like is left out:\n\
                    they are stand-ins here, which copy where ZFS does not. Beside bare copies of the same files."
            .to_owned();
    let others = copiers(place, &place.at("zone"), &mut note);
    rows.extend(in_turn(&others, place.rounds, true));
    let table = Table::new("golden images", &note, rows, &[CLONES])
        .targets([Target::ratio(CLONES, WITHOUT, 0.5), Target::ratio(CLONES, "cpio -pdm", 0.1)]);
    Ok((table, counted))
}
