//! Whether backups still hold what was kept in them.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::read::{BUFFER, digest};
use super::{Watch, on_many_workers};
use crate::root::{OpenError, Root, RootError, folder_of};
use crate::verification::backups::{Named, Standing};

/// Looks at each backup, and reads those that have their size. Their paths are relative to the working
/// directory, or else to `near`: who has moved the results has most likely moved them together.
pub fn backups(named: &[Named], near: &Path, watch: &dyn Watch) -> Vec<Standing> {
    on_many_workers(|| {
        let found: Vec<_> = named.par_iter().map(|one| find(one, near)).collect();
        let to_read = named.iter().zip(&found).filter(|(_, found)| found.is_ok());
        let (count, bytes) = to_read.fold((0, 0), |(count, bytes), (one, _)| {
            (count + 1, bytes + one.size)
        });
        watch.begin(count, bytes);
        let found = found.into_par_iter().zip(named).with_max_len(1);
        found
            .map(|(found, one)| match found {
                Ok(path) => compare(one, &path, watch),
                Err(standing) => standing,
            })
            .collect()
    })
}

/// Where a backup is that has its size.
fn find(one: &Named, near: &Path) -> Result<PathBuf, Standing> {
    let size_at = |path: &Path| {
        let (root, name) = below(path)?;
        Ok(root.stamp(name)?.size)
    };
    let beside = near.join(&one.path);
    let (path, size) = match size_at(&one.path) {
        Err(OpenError::Missing) => (beside.as_path(), size_at(&beside)),
        found => (one.path.as_path(), found),
    };
    match size {
        Ok(size) if size == one.size => Ok(path.to_owned()),
        Ok(_) => Err(Standing::OtherSize),
        Err(OpenError::Missing) => Err(Standing::Missing),
        Err(OpenError::OutsideRoot | OpenError::NotAFile(_) | OpenError::Io(_)) => {
            Err(Standing::Unreadable)
        }
    }
}

/// The folder that a file should be in, out of which no link leads, and its name there.
fn below(path: &Path) -> Result<(Root, &str), OpenError> {
    let name = path.file_name().and_then(OsStr::to_str);
    let name = name.ok_or(OpenError::Missing)?;
    match Root::at(folder_of(path)).map_err(RootError::into_cause) {
        Ok(root) => Ok((root, name)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(OpenError::Missing),
        Err(cause) => Err(OpenError::Io(cause)),
    }
}

fn compare(one: &Named, path: &Path, watch: &dyn Watch) -> Standing {
    let opened = below(path).and_then(|(root, name)| root.open(name));
    let digested = opened.map_err(io::Error::other).and_then(|mut opened| {
        BUFFER.with_borrow_mut(|buffer| digest(&mut opened.file, buffer, watch))
    });
    watch.file();
    match digested {
        Err(_) => Standing::Unreadable,
        Ok((size, _)) if size != one.size => Standing::OtherSize,
        Ok((_, sha256)) if one.sha256.is_none_or(|kept| kept == sha256) => Standing::AsRecorded,
        Ok(_) => Standing::OtherBytes,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Nobody;
    use super::*;
    use crate::digest::sha256;

    fn named(path: &Path, content: &[u8]) -> Named {
        Named {
            row: Some(1),
            external_id: "A1".into(),
            path: path.to_owned(),
            size: content.len() as u64,
            sha256: Some(sha256(content)),
        }
    }

    #[test]
    fn a_backup_is_what_was_kept_or_is_named_for_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, content) in [("same", "old"), ("empty", ""), ("longer", "older")] {
            fs::write(at(name), content).unwrap();
        }
        fs::write(at("forged"), "OLD").unwrap();
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", at("link")).unwrap();
        let undigested = Named {
            sha256: None,
            ..named(&at("forged"), b"old")
        };
        let mut all: Vec<Named> = [
            "same",
            "longer",
            "forged",
            "gone",
            "nowhere/gone",
            "folder",
            "link",
            "..",
        ]
        .map(|name| named(&at(name), b"old"))
        .into();
        all.extend([named(&at("empty"), b""), undigested]);
        assert_eq!(
            backups(&all, folder.path(), &Nobody),
            [
                Standing::AsRecorded,
                Standing::OtherSize,
                Standing::OtherBytes,
                Standing::Missing,
                Standing::Missing,
                Standing::Unreadable,
                Standing::Unreadable,
                Standing::Missing,
                Standing::AsRecorded,
                Standing::AsRecorded,
            ]
        );
    }

    #[test]
    fn a_backup_that_was_moved_with_the_results_is_found_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = Path::new("consign-test-backups/A1.12.pdf");
        fs::create_dir(folder.path().join("consign-test-backups")).unwrap();
        fs::write(folder.path().join(path), "old").unwrap();
        let all = [named(path, b"old")];
        let found = |near: &Path| backups(&all, near, &Nobody);
        assert_eq!(found(folder.path()), [Standing::AsRecorded]);
        assert_eq!(found(&folder.path().join("elsewhere")), [Standing::Missing]);
    }
}
