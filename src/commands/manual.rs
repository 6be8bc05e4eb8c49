//! `consign man`: writes the manual pages into a folder.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};

use crate::atomic_file;
use crate::config::ManualPlan;
use crate::error::{CommandError, ProgramExit};
use crate::root::path_in_folder;
use crate::text::{CommandShell, count_with_noun, escape};

/// Runs the command. Creates the folder if missing, and replaces existing pages.
pub fn run(config: &ManualPlan) -> Result<ProgramExit, CommandError> {
    let ManualPlan { folder, pages } = config;
    fs::create_dir_all(folder).map_err(|source| CommandError::OutputFileNotWritten {
        path: folder.clone(),
        source,
    })?;
    for page in pages {
        let path = path_in_folder(folder, &page.file_name);
        atomic_file::replace_public_file(&path, &page.content)
            .map_err(|source| CommandError::OutputFileNotWritten { path, source })?;
    }
    let mut summary = format!(
        "{}: {}, one for the program and one for each command\n",
        escape(&folder.to_string_lossy()),
        count_with_noun(pages.len() as u64, "manual page"),
    );
    if let Some(first) = pages.first() {
        let path = CommandShell::of_this_process().path(&path_in_folder(folder, &first.file_name));
        let _ = writeln!(summary, "read the first: man {path}");
    }
    Ok(io::stdout()
        .write_all(summary.as_bytes())
        .map(|()| ProgramExit::DONE)?)
}
