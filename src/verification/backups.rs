//! Check that the backups named in the results still hold the kept bytes. Backups are files on this
//! machine. The check sends no request and has no part in the outcome of a row.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::row::VerificationRow;
use crate::model::Sha256Digest;
use crate::prepare::{HashProgress, digest_to_end, parallel_map};
use crate::results::{BackupOutcome, FormerContent};
use crate::root::{OpenFileError, OpenRootError, Root, parent_folder, path_in_folder};

/// Backup as a line of the results names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedBackup {
    /// Number of the manifest row; `None` where the row has left the manifest.
    pub row: Option<usize>,
    /// External id of the row.
    pub external_id: String,
    /// Path of the backup, relative to the folder in which the import was run.
    pub path: PathBuf,
    /// Size of the kept bytes.
    pub size: u64,
    /// Digest of the kept bytes; `None` if the results know none.
    pub sha256: Option<Sha256Digest>,
}

impl RecordedBackup {
    /// Returns the backup of a row, or `None` if no backup was kept.
    pub fn from_row(row: &VerificationRow) -> Option<Self> {
        let former = row.former_content.as_ref()?;
        let FormerContent { size, sha256, .. } = *former;
        match &former.backup {
            BackupOutcome::Kept(path) => Some(Self {
                row: row.line.row,
                external_id: row.line.external_id.clone(),
                path: path.into(),
                size,
                sha256,
            }),
            BackupOutcome::Waived => None,
        }
    }
}

/// State of a backup on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BackupState {
    /// The backup holds the kept bytes.
    AsRecorded,
    /// The backup is not where the results say.
    Missing,
    /// The backup has another size than the kept bytes.
    OtherSize,
    /// The backup has the right size and holds other bytes.
    OtherBytes,
    /// The backup cannot be read.
    Unreadable,
}

impl BackupState {
    /// Every state, in the order in which summaries list them.
    pub const ALL: [Self; 5] = [
        Self::AsRecorded,
        Self::Missing,
        Self::OtherSize,
        Self::OtherBytes,
        Self::Unreadable,
    ];

    /// Word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsRecorded => "as_recorded",
            Self::Missing => "missing",
            Self::OtherSize => "other_size",
            Self::OtherBytes => "other_bytes",
            Self::Unreadable => "unreadable",
        }
    }

    /// Words for people.
    pub fn description(self) -> &'static str {
        match self {
            Self::AsRecorded => "as recorded",
            Self::Missing => "missing",
            Self::OtherSize => "with another size",
            Self::OtherBytes => "with other bytes",
            Self::Unreadable => "not readable",
        }
    }
}

/// Checks each backup, and reads the backups whose size is right. Paths are relative to the working
/// directory, or else to `near`: a user who has moved the results has most likely moved the backups
/// with them.
pub fn check_backups(
    named: &[RecordedBackup],
    near: &Path,
    watch: &dyn HashProgress,
) -> Vec<BackupState> {
    let found = parallel_map(named.iter().collect(), |one| {
        (one, locate_backup(one, near))
    });
    let to_read = found.iter().filter(|(_, found)| found.is_ok());
    let (count, bytes) = to_read.fold((0, 0), |(count, bytes), (one, _)| {
        (count + 1, bytes + one.size)
    });
    watch.begin(count, bytes);
    parallel_map(found, |(one, found)| match found {
        Ok(path) => compare_content(one, &path, watch),
        Err(standing) => standing,
    })
}

/// Returns the path of a backup of the right size, or the state of the backup if there is none.
fn locate_backup(one: &RecordedBackup, near: &Path) -> Result<PathBuf, BackupState> {
    let size_at = |path: &Path| {
        let (root, name) = open_parent(path)?;
        Ok(root.stamp_file(name)?.size)
    };
    let beside = path_in_folder(near, &one.path);
    let (path, size) = match size_at(&one.path) {
        Err(OpenFileError::Missing) => (beside.as_path(), size_at(&beside)),
        found => (one.path.as_path(), found),
    };
    match size {
        Ok(size) if size == one.size => Ok(path.to_owned()),
        Ok(_) => Err(BackupState::OtherSize),
        Err(OpenFileError::Missing) => Err(BackupState::Missing),
        Err(
            OpenFileError::OutsideRoot
            | OpenFileError::NotAFile(_)
            | OpenFileError::InUse
            | OpenFileError::Io(_),
        ) => Err(BackupState::Unreadable),
    }
}

/// Opens the folder of a file as a root which no link leaves. Returns the root and the file's name.
fn open_parent(path: &Path) -> Result<(Root, &str), OpenFileError> {
    let name = path.file_name().and_then(OsStr::to_str);
    let name = name.ok_or(OpenFileError::Missing)?;
    match Root::from_path(parent_folder(path)).map_err(OpenRootError::into_cause) {
        Ok(root) => Ok((root, name)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(OpenFileError::Missing),
        Err(cause) => Err(OpenFileError::Io(cause)),
    }
}

fn compare_content(one: &RecordedBackup, path: &Path, watch: &dyn HashProgress) -> BackupState {
    let opened = open_parent(path).and_then(|(root, name)| root.open_file(name));
    let digested = opened
        .map_err(io::Error::other)
        .and_then(|mut opened| digest_to_end(&mut opened.file, watch));
    watch.add_file();
    match digested {
        Err(_) => BackupState::Unreadable,
        Ok((size, _)) if size != one.size => BackupState::OtherSize,
        Ok((_, sha256)) if one.sha256.is_none_or(|kept| kept == sha256) => BackupState::AsRecorded,
        Ok(_) => BackupState::OtherBytes,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::digest::sha256;
    use crate::prepare::IgnoredHashProgress;

    fn named(path: &Path, content: &[u8]) -> RecordedBackup {
        RecordedBackup {
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
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", at("link")).unwrap();
        #[cfg(not(unix))]
        fs::create_dir(at("link")).unwrap();
        let undigested = RecordedBackup {
            sha256: None,
            ..named(&at("forged"), b"old")
        };
        let mut all: Vec<RecordedBackup> = [
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
            check_backups(&all, folder.path(), &IgnoredHashProgress),
            [
                BackupState::AsRecorded,
                BackupState::OtherSize,
                BackupState::OtherBytes,
                BackupState::Missing,
                BackupState::Missing,
                BackupState::Unreadable,
                BackupState::Unreadable,
                BackupState::Missing,
                BackupState::AsRecorded,
                BackupState::AsRecorded,
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
        let found = |near: &Path| check_backups(&all, near, &IgnoredHashProgress);
        assert_eq!(found(folder.path()), [BackupState::AsRecorded]);
        assert_eq!(
            found(&folder.path().join("elsewhere")),
            [BackupState::Missing]
        );
    }
}
