//! Files of a folder: files for rows, and files left out, with the reason.

use serde::Serialize;

use crate::manifest::OwnFileFinder;
use crate::manifest::draft::{DraftedFile, refusal_of_file_path};
use crate::model::NonFileKind;
use crate::root::{OpenFileError, Root, WalkFinding};
use crate::text::count_with_noun;

/// Files of a folder.
#[derive(Debug)]
pub(super) struct FolderContents {
    /// Files for rows, in no particular order.
    pub(super) files: Vec<DraftedFile>,
    /// Files without a row.
    pub(super) left_out: LeftOutFiles,
}

/// Files and folders without a row. The serialised fields are part of the JSON summary.
#[derive(Debug, Default, Serialize)]
pub(super) struct LeftOutFiles {
    /// Number of files left by programs.
    system_files: u64,
    /// Number of files whose names begin with a dot.
    hidden_files: u64,
    /// Number of hidden folders and folders of a system, with all their files.
    hidden_folders: u64,
    /// Files written or read by consign.
    pub(super) consign_files: Vec<String>,
    /// Other files, with reasons.
    pub(super) others: Vec<LeftOutFile>,
    /// Folders that could not be listed, with reasons.
    pub(super) unlisted: Vec<LeftOutFile>,
}

/// File or folder without a row.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LeftOutFile {
    pub(super) path: String,
    pub(super) reason: String,
}

impl FolderContents {
    /// Walks through a folder.
    pub(super) fn read(root: &Root) -> Self {
        let mut files = Vec::new();
        let mut left_out = LeftOutFiles::default();
        let mut own_files = OwnFileFinder::new(root);
        root.walk(usize::MAX, |path, finding| {
            if !matches!(finding, WalkFinding::File) {
                left_out.add(path, finding);
            } else if let Some(refusal) = refusal_of_file_path(&path) {
                let reason =
                    format!("a manifest cannot name the file ({refusal}); rename the file");
                left_out.others.push(LeftOutFile { path, reason });
            } else if own_files.is_own_file(&path) {
                left_out.consign_files.push(path);
            } else {
                match root.stamp_file(&path) {
                    Ok(stamp) => files.push(DraftedFile { path, stamp }),
                    // Removed since the folder was listed.
                    Err(OpenFileError::Missing) => {}
                    Err(error) => {
                        let reason = error.to_string();
                        left_out.others.push(LeftOutFile { path, reason });
                    }
                }
            }
        });
        left_out.consign_files.sort_unstable();
        left_out.others.sort_unstable();
        left_out.unlisted.sort_unstable();
        Self { files, left_out }
    }
}

impl LeftOutFiles {
    fn add(&mut self, path: String, finding: WalkFinding) {
        let reason = match finding {
            WalkFinding::File => return,
            WalkFinding::SystemFile(_) => return self.system_files += 1,
            WalkFinding::HiddenFile => return self.hidden_files += 1,
            WalkFinding::HiddenFolder => return self.hidden_folders += 1,
            WalkFinding::Unlisted(error) => {
                let path = if path.is_empty() {
                    ".".to_owned()
                } else {
                    path
                };
                let reason = error.to_string();
                return self.unlisted.push(LeftOutFile { path, reason });
            }
            WalkFinding::FolderLink => "is a symbolic link to a folder, which is not followed",
            WalkFinding::OutsideLink => "is a symbolic link that leads out of the folder",
            WalkFinding::DanglingLink => "is a symbolic link that leads to nothing",
            WalkFinding::NotAFile(NonFileKind::Pipe) => "is a named pipe",
            WalkFinding::NotAFile(_) => "is a device or a socket",
            WalkFinding::UnreachableName => {
                "no program on Windows can open the file by its name; rename the file on the \
                 system that it comes from"
            }
            WalkFinding::NameNotUtf8 => {
                "a manifest cannot name the file (its name is not UTF-8); rename the file"
            }
        };
        self.others.push(LeftOutFile {
            path,
            reason: reason.to_owned(),
        });
    }

    /// Returns the counts in words, `None` where nothing was left out.
    pub(super) fn in_words(&self) -> Option<String> {
        let counts = [
            (self.system_files, "system file"),
            (self.hidden_files, "hidden file"),
            (self.hidden_folders, "hidden folder"),
            (self.consign_files.len() as u64, "file of consign"),
            (self.others.len() as u64, "other"),
            (self.unlisted.len() as u64, "folder that cannot be listed"),
        ];
        let words: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, noun)| match (count, noun.split_once(' ')) {
                // The plural is in the first word of these nouns.
                (2.., Some((first, rest)))
                    if rest.starts_with("of ") || rest.starts_with("that ") =>
                {
                    format!("{} {rest}", count_with_noun(count, first))
                }
                _ => count_with_noun(count, noun),
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// Returns the counts in brackets for the end of a message; empty where nothing was left out.
    pub(super) fn in_brackets(&self) -> String {
        let words = self.in_words();
        words.map_or_else(String::new, |words| format!(" (left out: {words})"))
    }
}
