//! `consign manifest`: writes a manifest to fill in, with a row for each file of a folder. Sends
//! nothing.
//!
//! `folder_contents` tells files for rows from files left out, `folder_summary` says what was
//! written.

mod folder_contents;
mod folder_summary;

use std::io;
use std::path::Path;

use crate::atomic_file;
use crate::config::FolderManifestPlan;
use crate::error::{CommandError, ProgramExit};
use crate::manifest::draft::{DraftRefusal, DraftTally, DraftTarget, ManifestDraft};
use crate::root::Root;

use super::write_summary;
use folder_contents::FolderContents;
use folder_summary::FolderSummary;

/// Runs the command. Exits with [`ProgramExit::NOT_ALL_DONE`] if some folder could not be listed,
/// so that files may be missing from the manifest.
pub fn run(config: &FolderManifestPlan) -> Result<ProgramExit, CommandError> {
    let DraftTarget { path, format } = &config.target;
    // Before the walk, which may take minutes on a share.
    refuse_existing_file(path)?;
    let root = Root::from_path(&config.folder).map_err(|error| DraftRefusal::FolderNotOpened {
        path: config.folder.clone(),
        cause: error.into_cause(),
    })?;
    let contents = FolderContents::read(&root);
    tracing::info!(files = contents.files.len(), "read the folder");
    if contents.files.is_empty() {
        return Err(CommandError::Draft(DraftRefusal::NoFiles {
            path: config.folder.clone(),
            left_out: contents.left_out.in_brackets(),
        }));
    }
    let draft = ManifestDraft::new(contents.files, config.pattern.clone());
    draft.check_size(*format)?;
    let tally = write_draft(&config.target, &draft)?;
    let summary = FolderSummary::new(config, &draft, contents.left_out, tally);
    write_summary(config.output, &summary.for_people(), &summary.for_scripts())?;
    Ok(summary.exit())
}

fn refuse_existing_file(path: &Path) -> Result<(), DraftRefusal> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Any other error comes up again when the file is written.
        Err(_) => Ok(()),
        Ok(_) => Err(DraftRefusal::FileExists {
            path: path.to_owned(),
        }),
    }
}

fn write_draft(target: &DraftTarget, draft: &ManifestDraft) -> Result<DraftTally, CommandError> {
    let DraftTarget { path, format } = target;
    atomic_file::create_file(path, |out| draft.write(*format, out)).map_err(|source| {
        let path = path.clone();
        match source.kind() {
            io::ErrorKind::AlreadyExists => DraftRefusal::FileExists { path }.into(),
            _ => CommandError::OutputFileNotWritten { path, source },
        }
    })
}
