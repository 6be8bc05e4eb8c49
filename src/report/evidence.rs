//! Evidence for each row: the strongest evidence that its content is in the service, and the
//! findings of `verify`.

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

/// Strongest evidence for a done row. Each row counts at one level only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `verify` downloaded the stored bytes, and their SHA-256 is the file's.
    Content,
    /// The import downloaded the stored bytes, and their SHA-256 was the file's.
    ContentAtImport,
    /// The storage confirmed the MD5 of the bytes when the bytes arrived.
    Etag,
    /// The service showed the size that was sent.
    Size,
    /// The job with the file ended in success.
    Job,
    /// An attachment of the same size was there before.
    SameSize,
    /// Other content than the file's was there and was kept, as the user wished.
    KeptExisting,
    /// The results call the row done, without a record of any evidence.
    Unrecorded,
    /// The results call the row done, and `verify` found otherwise.
    Contradicted,
}

impl Level {
    /// All levels, the strongest first.
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

    /// Returns the level of a row; `None` if the row is not done.
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

    /// Word for scripts.
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

    /// Sentence for people.
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

/// True if a row is done because other content than its file's was kept.
fn is_kept(entry: &Entry) -> bool {
    // A row that only gives a title or a key to such content knows no more of the content than its
    // size.
    let is_only_named = matches!(entry.status, Status::Renamed | Status::Updated);
    entry.state().is_kept() || (is_only_named && entry.known.content().is_none())
}

/// True if the import has downloaded the stored content and found the file's.
///
/// The import downloads where a size cannot tell: before and after replacing content of the same
/// size.
fn was_downloaded(entry: &Entry) -> bool {
    let former = entry.changes.replaced.as_ref();
    let has_size_of = |former: &Former| Some(former.size) == entry.known.size();
    entry.state().done_content() == Some(DoneContent::Downloaded)
        || (entry.status == Status::Replaced && former.is_some_and(has_size_of))
}

/// True if the service does not hold the content as imported, according to `outcome`.
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

/// Number of rows with a level of evidence.
#[derive(Debug, Clone, Serialize)]
pub struct LevelCount {
    /// Word of the level.
    pub level: &'static str,
    /// Number of done rows with the level.
    pub rows: Count,
    /// Sum of the known sizes of these rows.
    pub bytes: Bytes,
    /// Meaning of the level.
    pub meaning: &'static str,
}

/// Counters of rows and bytes, one for each level.
#[derive(Debug, Default)]
pub struct Levels([(Count, Bytes); Level::ALL.len()]);

impl Levels {
    /// Counts a done row.
    pub fn take(&mut self, level: Level, entry: &Entry) {
        let (rows, bytes) = &mut self.0[level as usize];
        rows.increase();
        bytes.add(entry.known.size().unwrap_or(0));
    }

    /// Returns the count of every level with a row, the strongest first.
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

/// Number of lines of the results with an outcome.
#[derive(Debug, Clone, Serialize)]
pub struct OutcomeCount {
    /// Word of the outcome.
    pub outcome: &'static str,
    /// Number of lines of the results with the outcome, including lines of rows that have left the
    /// manifest.
    pub rows: Count,
}

/// Findings of `verify` in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct VerificationFacts {
    /// Time of the first answer of the service; null without an answer.
    pub first_checked_at: Option<Moment>,
    /// Time of the last answer of the service; null without an answer.
    pub last_checked_at: Option<Moment>,
    /// Selections of rows for downloads: empty for no rows, `all`, or for example `10% seed 42`.
    pub download: Vec<String>,
    /// Number of lines of the results covered by the verification.
    pub rows_checked: Count,
    /// Number of lines of the results not covered by the verification.
    pub rows_not_covered: Count,
    /// Number of lines of the verification about claims that the results no longer make. Such lines
    /// count for nothing.
    pub outdated_lines: Count,
    /// Number of lines of the verification that do not match their own check. Such lines count for
    /// nothing.
    pub altered_lines: Count,
    /// Number of rows whose bytes were downloaded.
    pub rows_downloaded: Count,
    /// Number of downloaded rows whose bytes had the SHA-256 of the file.
    pub rows_content_proven: Count,
    /// Number of lines for each outcome.
    pub outcomes: Vec<OutcomeCount>,
    /// Rows whose file on this machine was another one, according to a verification of an earlier
    /// version of the program.
    pub local_files_changed: Listed<Row>,
    /// Rows whose file was no longer on this machine, according to a verification of an earlier
    /// version of the program.
    pub local_files_gone: Listed<Row>,
}

/// Builder of [`VerificationFacts`].
#[derive(Debug)]
pub struct Gathering {
    facts: VerificationFacts,
    span: Span,
    downloads: BTreeSet<String>,
    outcomes: [Count; Outcome::ALL.len()],
}

impl Gathering {
    /// Starts from a verification file. `damaged` are the damaged lines of the results.
    pub fn of(verification: &Verification, damaged: &[Damaged], room: Room) -> Self {
        let damaged: HashSet<&str> = damaged.iter().map(|one| &*one.external_id).collect();
        // A statement about a damaged line holds as long as the line is damaged.
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

    /// Adds a line of the results, with the line of the verification about the same row, if any.
    pub fn take(&mut self, entry: &Entry, checked: Option<&Checked>) {
        let facts = &mut self.facts;
        let Some(line) = checked else {
            facts.rows_not_covered.increase();
            return;
        };
        facts.rows_checked.increase();
        facts.outdated_lines.0 = facts.outdated_lines.0.saturating_sub(1);
        if !matches!(line.outcome, Outcome::NotDone | Outcome::Error) {
            // With the outcomes left out here, the service was not asked or did not answer.
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

    /// Returns the findings.
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

/// Most selections of rows listed. One verification has one selection; a file put together from
/// several may have more, but hardly as many as 20.
const DOWNLOADS_NAMED: usize = 20;
