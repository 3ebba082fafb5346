//! A small image in a temporary folder, for the tests of this crate.

use std::fs;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

pub(crate) struct Image(tempfile::TempDir);

impl Image {
    /// With these files, and the folders that they need.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let image = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            image.write(path, text);
        }
        image
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn dir(&self) -> Dir {
        Dir::open_ambient_dir(self.0.path(), ambient_authority()).unwrap()
    }
}
