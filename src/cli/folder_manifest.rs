//! Arguments of `manifest`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};

use super::OutputArgs;
use super::file_path::file_path;
use crate::config::FolderManifestPlan;
use crate::manifest::draft::{DraftTarget, PathPattern};

/// Arguments of `manifest`.
#[derive(Debug, Args)]
pub struct ManifestArgs {
    /// Folder of the files, with all folders below
    #[arg(value_name = "FOLDER", value_parser = file_path())]
    folder: PathBuf,
    /// Manifest to write: a .csv, or an .xlsx for Excel; an existing file is never touched
    #[arg(value_name = "OUT", value_parser = PathBufValueParser::new().try_map(DraftTarget::from_path))]
    target: DraftTarget,
    /// Columns from the path of each file below FOLDER, such as `{object_external_id}/{title}.{ext}`:
    /// names of columns in braces, `{ext}` for the extension, `{any}` for text to leave out, `**` for
    /// any folders
    #[arg(long, value_name = "PATTERN", value_parser = PathPattern::parse)]
    pattern: Option<PathPattern>,
    /// Output arguments.
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl ManifestArgs {
    /// Resolves the arguments to the order of a manifest from a folder.
    pub fn into_plan(self) -> FolderManifestPlan {
        FolderManifestPlan {
            folder: self.folder,
            target: self.target,
            pattern: self.pattern,
            output: self.output.into_config(),
        }
    }
}
