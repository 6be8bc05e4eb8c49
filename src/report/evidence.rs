//! Evidence for each row: the strongest evidence that its content is in the service, and the
//! findings of `verify`.

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;

use super::bounded_list::{BoundedList, ListLimits};
use super::report_row::ReportRow;
use super::values::{ByteCount, ItemCount, TimeRange, UtcTime};
use crate::model::ProcurementService;
use crate::results::earlier_results::DamagedResultsLine;
use crate::results::{ContentMatch, FormerContent, ResultsEntry, Status, VerifiedBy};
use crate::verification::verification_file::VerificationFile;
use crate::verification::{LocalFileState, ObjectProof, VerificationLine, VerificationOutcome};

/// Strongest evidence for a done row. Each row counts at one level only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceLevel {
    /// `verify` downloaded the stored bytes, and their SHA-256 is the file's.
    Content,
    /// The import downloaded the stored bytes, and their SHA-256 was the file's.
    ContentAtImport,
    /// The storage confirmed the MD5 of the bytes when the bytes arrived.
    Etag,
    /// The service reported the size that was sent.
    Size,
    /// The job with the file ended in success.
    Job,
    /// An attachment of the same size was there before.
    SameSize,
    /// Other content than the file's was there and was kept, as the user chose.
    KeptExisting,
    /// The results call the row done, without a record of any evidence.
    Unrecorded,
    /// The results call the row done, and `verify` found otherwise.
    Contradicted,
}

impl EvidenceLevel {
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
    pub fn from_entry(entry: &ResultsEntry, checked: Option<&VerificationLine>) -> Option<Self> {
        if !entry.status.is_done() {
            return None;
        }
        Some(match checked {
            Some(line) if contradicts(line.outcome) => Self::Contradicted,
            _ if keeps_other_content(entry) => Self::KeptExisting,
            Some(line) if line.is_content_proven() => Self::Content,
            _ => Self::from_import(entry),
        })
    }

    fn from_import(entry: &ResultsEntry) -> Self {
        if was_downloaded_by_import(entry) {
            return Self::ContentAtImport;
        }
        match (entry.status, entry.verified_by, entry.service()) {
            (Status::Skipped, _, _)
            | (Status::Renamed | Status::Updated, VerifiedBy::Nothing, _) => Self::SameSize,
            (_, VerifiedBy::Etag, _) => Self::Etag,
            (_, _, Some(ProcurementService::Keelvar)) => Self::Job,
            (_, VerifiedBy::Size, _) => Self::Size,
            (_, VerifiedBy::Nothing, _) => Self::Unrecorded,
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
fn keeps_other_content(entry: &ResultsEntry) -> bool {
    // A row that only gives a title or a key to such content knows no more of the content than its
    // size.
    let is_only_named = matches!(entry.status, Status::Renamed | Status::Updated);
    entry.state().keeps_existing_content()
        || (is_only_named && entry.known_content.content().is_none())
}

/// True if the import has downloaded the stored content and found the file's.
///
/// The import downloads where a size proves nothing: before and after replacing content of the same
/// size.
fn was_downloaded_by_import(entry: &ResultsEntry) -> bool {
    let former = entry.changes.replaced.as_ref();
    let has_size_of = |former: &FormerContent| Some(former.size) == entry.known_content.size();
    entry.state().content_match() == Some(ContentMatch::SameWhenDownloaded)
        || (entry.status == Status::Replaced && former.is_some_and(has_size_of))
}

/// True if the service does not hold the content as imported, according to `outcome`. The record of
/// an attachment says nothing about its content.
fn contradicts(outcome: VerificationOutcome) -> bool {
    match outcome {
        VerificationOutcome::Missing
        | VerificationOutcome::Pending
        | VerificationOutcome::SizeDiffers
        | VerificationOutcome::ContentDiffers => true,
        VerificationOutcome::Match
        | VerificationOutcome::Renamed
        | VerificationOutcome::OtherObject
        | VerificationOutcome::NotDone
        | VerificationOutcome::Unverifiable
        | VerificationOutcome::Error => false,
    }
}

/// Number of rows with a level of evidence.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceLevelCount {
    /// Word of the level.
    pub level: &'static str,
    /// Number of done rows with the level.
    pub rows: ItemCount,
    /// Sum of the known sizes of these rows.
    pub bytes: ByteCount,
    /// Meaning of the level.
    pub meaning: &'static str,
}

/// Counters of rows and bytes, one for each level.
#[derive(Debug, Default)]
pub struct EvidenceCounter([(ItemCount, ByteCount); EvidenceLevel::ALL.len()]);

impl EvidenceCounter {
    /// Counts a done row.
    pub fn count_row(&mut self, level: EvidenceLevel, entry: &ResultsEntry) {
        let (rows, bytes) = &mut self.0[level as usize];
        rows.increase();
        bytes.add(entry.known_content.size().unwrap_or(0));
    }

    /// Returns the count of every level with a row, the strongest first.
    pub fn counts(self) -> Vec<EvidenceLevelCount> {
        let counted = EvidenceLevel::ALL.into_iter().zip(self.0);
        counted
            .filter(|(_, (rows, _))| !rows.is_zero())
            .map(|(level, (rows, bytes))| EvidenceLevelCount {
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
    pub rows: ItemCount,
}

/// Numbers of done rows, rows that have left the manifest left out, by the proof for the record of
/// their attachment. The numbers add up to the done rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ObjectProofCounts {
    /// Number of rows whose record lists the attachment.
    pub proven: ItemCount,
    /// Number of rows whose record lists attachments, and not the row's.
    pub other: ItemCount,
    /// Number of rows whose record was not read, or gave an answer that proves nothing.
    pub unknown: ItemCount,
    /// Number of rows whose record was not asked for.
    pub not_asked: ItemCount,
}

impl ObjectProofCounts {
    /// Counts a line of the results, with the line of the verification about the same row, if any.
    fn take_line(&mut self, entry: &ResultsEntry, checked: Option<&VerificationLine>) {
        if entry.row.is_none() || !entry.status.is_done() {
            return;
        }
        let count = match checked.map(|line| line.object).unwrap_or_default() {
            ObjectProof::Proven => &mut self.proven,
            ObjectProof::OtherObject => &mut self.other,
            ObjectProof::Unknown => &mut self.unknown,
            ObjectProof::NotAskedFor => &mut self.not_asked,
        };
        count.increase();
    }
}

/// Findings of `verify` in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct VerificationFacts {
    /// Time of the first answer of the service; null without an answer.
    pub first_checked_at: Option<UtcTime>,
    /// Time of the last answer of the service; null without an answer.
    pub last_checked_at: Option<UtcTime>,
    /// Selections of rows for downloads: empty for no rows, `all`, or for example `10% seed 42`.
    pub download: Vec<String>,
    /// Number of lines of the results covered by the verification.
    pub rows_checked: ItemCount,
    /// Number of lines of the results not covered by the verification.
    pub rows_not_covered: ItemCount,
    /// Number of lines of the verification about claims that the results no longer make. Such lines
    /// count for nothing.
    pub outdated_lines: ItemCount,
    /// Number of lines of the verification that do not match their own check. Such lines count for
    /// nothing.
    pub altered_lines: ItemCount,
    /// Number of rows whose bytes were downloaded.
    pub rows_downloaded: ItemCount,
    /// Number of downloaded rows whose bytes had the SHA-256 of the file.
    pub rows_content_proven: ItemCount,
    /// Proofs for the records of the attachments.
    pub objects: ObjectProofCounts,
    /// Number of lines for each outcome.
    pub outcomes: Vec<OutcomeCount>,
    /// Rows whose file on this machine was another one, according to a verification of an earlier
    /// version of the program.
    pub local_files_changed: BoundedList<ReportRow>,
    /// Rows whose file was no longer on this machine, according to a verification of an earlier
    /// version of the program.
    pub local_files_gone: BoundedList<ReportRow>,
}

/// Builder of [`VerificationFacts`].
#[derive(Debug)]
pub struct VerificationFactsBuilder {
    facts: VerificationFacts,
    check_times: TimeRange,
    downloads: BTreeSet<String>,
    outcomes: [ItemCount; VerificationOutcome::ALL.len()],
}

impl VerificationFactsBuilder {
    /// Starts from a verification file. `damaged` are the damaged lines of the results.
    pub fn new(
        verification: &VerificationFile,
        damaged: &[DamagedResultsLine],
        room: ListLimits,
    ) -> Self {
        let damaged: HashSet<&str> = damaged.iter().map(|one| &*one.external_id).collect();
        // A statement about a damaged line holds as long as the line is damaged.
        let is_about_row = |line: &&VerificationLine| {
            !(line.reports_damaged_line() && damaged.contains(&*line.external_id))
        };
        Self {
            facts: VerificationFacts {
                first_checked_at: None,
                last_checked_at: None,
                download: Vec::new(),
                rows_checked: ItemCount(0),
                rows_not_covered: ItemCount(0),
                outdated_lines: ItemCount(verification.lines().filter(is_about_row).count() as u64),
                altered_lines: ItemCount(verification.altered_lines),
                rows_downloaded: ItemCount(0),
                rows_content_proven: ItemCount(0),
                objects: ObjectProofCounts::default(),
                outcomes: Vec::new(),
                local_files_changed: BoundedList::with_limits(room),
                local_files_gone: BoundedList::with_limits(room),
            },
            check_times: TimeRange::default(),
            downloads: BTreeSet::new(),
            outcomes: Default::default(),
        }
    }

    /// Adds a line of the results, with the line of the verification about the same row, if any.
    pub fn take_line(&mut self, entry: &ResultsEntry, checked: Option<&VerificationLine>) {
        let facts = &mut self.facts;
        facts.objects.take_line(entry, checked);
        let Some(line) = checked else {
            facts.rows_not_covered.increase();
            return;
        };
        facts.rows_checked.increase();
        facts.outdated_lines.0 = facts.outdated_lines.0.saturating_sub(1);
        let is_unanswered = matches!(
            line.outcome,
            VerificationOutcome::NotDone | VerificationOutcome::Error
        );
        // With the outcomes left out here, the service was not asked or did not answer. A record is
        // asked for only after the service has shown the attachment.
        if !is_unanswered || line.object != ObjectProof::NotAskedFor {
            self.check_times.include(line.checked_at);
        }
        let download = line.download.to_string();
        if !download.is_empty() {
            self.downloads.insert(download);
        }
        self.outcomes[line.outcome as usize].increase();
        if line.found.sha256.is_some() {
            facts.rows_downloaded.increase();
        }
        if line.is_content_proven() {
            facts.rows_content_proven.increase();
        }
        let row = || ReportRow::as_verified(entry, line);
        match line.local_file {
            Some(LocalFileState::Changed) => facts.local_files_changed.push(row),
            Some(LocalFileState::Gone) => facts.local_files_gone.push(row),
            Some(LocalFileState::Unchanged) | None => {}
        }
    }

    /// Returns the findings.
    pub fn finish(self) -> VerificationFacts {
        let counted = VerificationOutcome::ALL.into_iter().zip(self.outcomes);
        VerificationFacts {
            first_checked_at: self.check_times.first(),
            last_checked_at: self.check_times.last(),
            download: self
                .downloads
                .into_iter()
                .take(MAX_DOWNLOADS_NAMED)
                .collect(),
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
const MAX_DOWNLOADS_NAMED: usize = 20;
