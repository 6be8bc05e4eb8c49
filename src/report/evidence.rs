//! How each row was verified: the strongest evidence for it, and what `verify` found.

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;

use super::listed::{Listed, Room};
use super::row::Row;
use super::value::{Bytes, Count, Moment, Span};
use crate::model::Service;
use crate::results::previous::Damaged;
use crate::results::{DoneContent, Entry, Former, Status, Verified};
use crate::verification::file::Verification;
use crate::verification::{Checked, LocalFile, Outcome};

/// The strongest evidence that there is for a row that is done. Weaker ones are not counted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `verify` downloaded the stored bytes, and their SHA-256 is that of the file.
    Content,
    /// The import downloaded the stored bytes, and their SHA-256 was that of the file.
    ContentAtImport,
    /// The storage confirmed the MD5 of the bytes when it took them.
    Etag,
    /// The service showed the size that was sent.
    Size,
    /// The job that was given the file ended in success.
    Job,
    /// Something of the same size was there before.
    SameSize,
    /// Other content than that of the file was there, and stayed, as the user wished.
    KeptExisting,
    /// The results say that it is done, and not how that is known.
    Unrecorded,
    /// The results say that it is done, and `verify` found something else.
    Contradicted,
}

impl Level {
    /// Every level, the strongest first.
    pub const ALL: [Self; 9] = [
        Self::Content,
        Self::ContentAtImport,
        Self::Etag,
        Self::Size,
        Self::Job,
        Self::SameSize,
        Self::KeptExisting,
        Self::Unrecorded,
        Self::Contradicted,
    ];

    /// The level of a row, unless it is not done.
    pub fn of(entry: &Entry, checked: Option<&Checked>) -> Option<Self> {
        if !entry.status.is_done() {
            return None;
        }
        Some(match checked {
            Some(line) if contradicts(line.outcome) => Self::Contradicted,
            _ if is_kept(entry) => Self::KeptExisting,
            Some(line) if line.content_proven() => Self::Content,
            _ => Self::when_imported(entry),
        })
    }

    fn when_imported(entry: &Entry) -> Self {
        if was_downloaded(entry) {
            return Self::ContentAtImport;
        }
        match (entry.status, entry.verified, entry.service()) {
            (Status::Skipped, _, _) | (Status::Renamed | Status::Updated, Verified::No, _) => {
                Self::SameSize
            }
            (_, Verified::Etag, _) => Self::Etag,
            (_, _, Some(Service::Keelvar)) => Self::Job,
            (_, Verified::Size, _) => Self::Size,
            (_, Verified::No, _) => Self::Unrecorded,
        }
    }

    /// The word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::ContentAtImport => "content_at_import",
            Self::Etag => "md5",
            Self::Size => "size",
            Self::Job => "job",
            Self::SameSize => "same_size",
            Self::KeptExisting => "kept_existing",
            Self::Unrecorded => "unrecorded",
            Self::Contradicted => "contradicted",
        }
    }

    /// What it is, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Content => {
                "Content: the stored bytes were downloaded by consign verify, and their SHA-256 is \
                 that of the file"
            }
            Self::ContentAtImport => {
                "Content at the import: it downloaded the stored bytes, and their SHA-256 was that of \
                 the file"
            }
            Self::Etag => "MD5: the storage confirmed the MD5 of the bytes when it took them",
            Self::Size => "Size: the service showed the size that was sent",
            Self::Job => "Job: the job that was given the file ended in success",
            Self::SameSize => {
                "Same size only: an attachment of that size was there before; no bytes were sent"
            }
            Self::KeptExisting => {
                "Other content: what was there before is not the file, and was kept, as the import was \
                 told"
            }
            Self::Unrecorded => "Not recorded: the results do not say how it was confirmed",
            Self::Contradicted => {
                "Contradicted: done, as the results say, and consign verify found something else; see \
                 the exceptions"
            }
        }
    }
}

/// Whether a row is done by leaving other content than its file where it is.
fn is_kept(entry: &Entry) -> bool {
    // Whoever only gives a title or a key to such content says no more of it than its size.
    let is_only_named = matches!(entry.status, Status::Renamed | Status::Updated);
    entry.state().is_kept() || (is_only_named && entry.known.content().is_none())
}

/// Whether the import has downloaded what is stored, and found it to be the file. It does so where a
/// size cannot tell: before it replaces content by as many bytes, and after it did.
fn was_downloaded(entry: &Entry) -> bool {
    let former = entry.changes.replaced.as_ref();
    let has_size_of = |former: &Former| Some(former.size) == entry.known.size();
    entry.state().done_content() == Some(DoneContent::Downloaded)
        || (entry.status == Status::Replaced && former.is_some_and(has_size_of))
}

/// Whether an outcome says that the content is not in the service as it was imported.
fn contradicts(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Missing | Outcome::Pending | Outcome::SizeDiffers | Outcome::ContentDiffers => {
            true
        }
        Outcome::Match
        | Outcome::Renamed
        | Outcome::NotDone
        | Outcome::Unverifiable
        | Outcome::Error => false,
    }
}

/// How many rows have a level of evidence.
#[derive(Debug, Clone, Serialize)]
pub struct LevelCount {
    /// The level's word.
    pub level: &'static str,
    /// How many rows that are done have it.
    pub rows: Count,
    /// Their bytes, as far as their size is known.
    pub bytes: Bytes,
    /// What it means.
    pub meaning: &'static str,
}

/// Counts the rows of each level.
#[derive(Debug, Default)]
pub struct Levels([(Count, Bytes); Level::ALL.len()]);

impl Levels {
    /// Takes a row that is done.
    pub fn take(&mut self, level: Level, entry: &Entry) {
        let (rows, bytes) = &mut self.0[level as usize];
        rows.increase();
        bytes.add(entry.known.size().unwrap_or(0));
    }

    /// Every level that some row has, the strongest first.
    pub fn counts(self) -> Vec<LevelCount> {
        let counted = Level::ALL.into_iter().zip(self.0);
        counted
            .filter(|(_, (rows, _))| !rows.is_zero())
            .map(|(level, (rows, bytes))| LevelCount {
                level: level.as_str(),
                rows,
                bytes,
                meaning: level.meaning(),
            })
            .collect()
    }
}

/// How many lines of the results have an outcome.
#[derive(Debug, Clone, Serialize)]
pub struct OutcomeCount {
    /// The outcome's word.
    pub outcome: &'static str,
    /// How many lines of the results have it, those of rows that have left the manifest included.
    pub rows: Count,
}

/// What `verify` found, in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct VerificationFacts {
    /// When the service was asked first.
    pub first_checked_at: Option<Moment>,
    /// When it was asked last.
    pub last_checked_at: Option<Moment>,
    /// Which rows' bytes were to be downloaded: empty for none, `all`, or `10% seed 42`.
    pub download: Vec<String>,
    /// How many lines of the results it says something about.
    pub rows_checked: Count,
    /// How many it says nothing about.
    pub rows_not_covered: Count,
    /// How many of its lines are about what the results no longer say; they count for nothing.
    pub outdated_lines: Count,
    /// How many of its lines do not match their own check; they count for nothing.
    pub altered_lines: Count,
    /// How many rows' bytes were downloaded.
    pub rows_downloaded: Count,
    /// How many of these had the SHA-256 of the file.
    pub rows_content_proven: Count,
    /// The outcomes.
    pub outcomes: Vec<OutcomeCount>,
    /// Rows whose file on this machine held something else, where a verification of an earlier version
    /// looked.
    pub local_files_changed: Listed<Row>,
    /// Rows whose file was no longer on this machine, where such a verification looked.
    pub local_files_gone: Listed<Row>,
}

/// Gathers what `verify` found.
#[derive(Debug)]
pub struct Gathering {
    facts: VerificationFacts,
    span: Span,
    downloads: BTreeSet<String>,
    outcomes: [Count; Outcome::ALL.len()],
}

impl Gathering {
    /// Of a verification file, about results of which these lines are damaged.
    pub fn of(verification: &Verification, damaged: &[Damaged], room: Room) -> Self {
        let damaged: HashSet<&str> = damaged.iter().map(|one| &*one.external_id).collect();
        // What is said of a damaged line holds as long as the line is damaged.
        let is_about_row =
            |line: &&Checked| !(line.is_about_damage() && damaged.contains(&*line.external_id));
        Self {
            facts: VerificationFacts {
                first_checked_at: None,
                last_checked_at: None,
                download: Vec::new(),
                rows_checked: Count(0),
                rows_not_covered: Count(0),
                outdated_lines: Count(verification.lines().filter(is_about_row).count() as u64),
                altered_lines: Count(verification.altered),
                rows_downloaded: Count(0),
                rows_content_proven: Count(0),
                outcomes: Vec::new(),
                local_files_changed: Listed::with(room),
                local_files_gone: Listed::with(room),
            },
            span: Span::default(),
            downloads: BTreeSet::new(),
            outcomes: Default::default(),
        }
    }

    /// Takes a line of the results, with what was found about it.
    pub fn take(&mut self, entry: &Entry, checked: Option<&Checked>) {
        let facts = &mut self.facts;
        let Some(line) = checked else {
            facts.rows_not_covered.increase();
            return;
        };
        facts.rows_checked.increase();
        facts.outdated_lines.0 = facts.outdated_lines.0.saturating_sub(1);
        if !matches!(line.outcome, Outcome::NotDone | Outcome::Error) {
            // Of the others the service was not asked, or did not answer.
            self.span.take(line.checked_at);
        }
        let download = line.download.to_string();
        if !download.is_empty() {
            self.downloads.insert(download);
        }
        self.outcomes[line.outcome as usize].increase();
        if line.found.sha256.is_some() {
            facts.rows_downloaded.increase();
        }
        if line.content_proven() {
            facts.rows_content_proven.increase();
        }
        let row = || Row::as_verified(entry, line);
        match line.local_file {
            Some(LocalFile::Changed) => facts.local_files_changed.push(row),
            Some(LocalFile::Gone) => facts.local_files_gone.push(row),
            Some(LocalFile::Unchanged) | None => {}
        }
    }

    /// All that was found.
    pub fn finish(self) -> VerificationFacts {
        let counted = Outcome::ALL.into_iter().zip(self.outcomes);
        VerificationFacts {
            first_checked_at: self.span.first(),
            last_checked_at: self.span.last(),
            download: self.downloads.into_iter().take(DOWNLOADS_NAMED).collect(),
            outcomes: counted
                .filter(|(_, rows)| !rows.is_zero())
                .map(|(outcome, rows)| OutcomeCount {
                    outcome: outcome.as_str(),
                    rows,
                })
                .collect(),
            ..self.facts
        }
    }
}

/// One verification has one way of choosing what it downloads; who puts several together may have
/// more, but hardly so many.
const DOWNLOADS_NAMED: usize = 20;
