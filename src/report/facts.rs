//! Facts of a report, gathered once: HTML and JSON are two forms of the same [`Report`].
//!
//! Gathering is pure and goes through the lines of the results once. The order of the report is the
//! order of the rows, and every time in a report comes from the results or the verification.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::JSON_SCHEMA_VERSION;
use super::bounded_list::{BoundedList, HtmlSize, ListLimits};
use super::chart_series::{SizeHistogram, SizeRange, TimeSlice, slices_over_time};
use super::evidence::{
    EvidenceCounter, EvidenceLevel, EvidenceLevelCount, VerificationFacts, VerificationFactsBuilder,
};
use super::exceptions::{ExceptionCollector, ExceptionGroup, count_serious};
use super::reconciliation::{Reconciler, Reconciliation};
use super::report_row::ReportRow;
use super::requested_changes::RequestedChanges;
use super::statement;
use super::values::{ByteCount, ItemCount, TimeRange, UntrustedText, UtcTime};
use crate::manifest::{Manifest, ManifestError};
use crate::model::{ProcurementService, Sha256Digest};
use crate::results::earlier_results::DamagedResultsLine;
use crate::results::ledger::Ledger;
use crate::results::{ResultsEntry, Status};
use crate::verification::verification_file::VerificationFile;

/// Limits of the list of all rows.
pub const ROW_LIST_LIMITS: ListLimits = ListLimits {
    items: 5_000,
    html_bytes: 2_800_000,
};

/// Limits of each other list.
const SHORT_LIST_LIMITS: ListLimits = ListLimits {
    items: 50,
    html_bytes: 24 * 1024,
};

/// Inputs of a report.
#[derive(Debug, Clone, Copy)]
pub struct ReportInputs<'a> {
    /// Results of the import.
    pub ledger: &'a Ledger,
    /// Verification and its file, if there is one.
    pub verification: Option<(&'a VerificationFile, &'a InputFile)>,
    /// Manifest of the import.
    pub manifest: ManifestAtHand<'a>,
}

/// Manifest as found, with which the rows are reconciled.
#[derive(Debug, Clone, Copy)]
pub enum ManifestAtHand<'a> {
    /// The manifest was read.
    Read(&'a Manifest, &'a InputFile),
    /// The manifest is at its place and cannot be read.
    Unreadable(&'a ManifestError),
    /// There is no manifest at its place.
    Absent,
}

/// Input file of a report.
#[derive(Debug, Clone, Serialize)]
pub struct InputFile {
    /// Name of the file, without the folder that the file happened to be in.
    pub name: UntrustedText,
    /// SHA-256 of the whole file.
    pub sha256: String,
    /// Size of the file.
    pub size: ByteCount,
}

/// Content of a report. The fields are the members of the JSON report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of the JSON form, [`JSON_SCHEMA_VERSION`].
    pub schema: &'static str,
    /// Name and version of this program.
    pub written_by: String,
    /// Summary of the report in a few sentences.
    pub verdict: String,
    /// Service of the rows; null if no row's type names a service.
    pub service: Option<String>,
    /// Base URLs named by the results.
    pub destinations: BoundedList<UntrustedText>,
    /// Time of the earliest status of a row.
    pub first_updated_at: Option<UtcTime>,
    /// Time of the latest status of a row.
    pub last_updated_at: Option<UtcTime>,
    /// Input files of the report.
    pub inputs: ReportInputFiles,
    /// Number of rows with a line.
    pub rows: ItemCount,
    /// Number of done rows.
    pub rows_done: ItemCount,
    /// Number of rows not done.
    pub rows_not_done: ItemCount,
    /// Sum of the known sizes of all rows.
    pub bytes: ByteCount,
    /// Sum of the known sizes of the done rows.
    pub bytes_done: ByteCount,
    /// Counts by status. The rows of all statuses add up to all rows.
    pub statuses: Vec<StatusCount>,
    /// Rows that have left the manifest. No count above includes these rows.
    pub rows_no_longer_in_manifest: BoundedList<ReportRow>,
    /// Comparison of the rows with the manifest.
    pub reconciliation: Reconciliation,
    /// Damage of the results file itself.
    pub damage: ResultsDamage,
    /// Strongest evidence for each done row. The rows of all levels add up to the done rows.
    pub evidence: Vec<EvidenceLevelCount>,
    /// Findings of `consign verify`; null without a verification.
    pub verification: Option<VerificationFacts>,
    /// Changes on request.
    pub changed: RequestedChanges,
    /// Rows in need of attention, in groups.
    pub exceptions: Vec<ExceptionGroup>,
    /// Rows done over time.
    pub done_over_time: Vec<TimeSlice>,
    /// Sizes of the files of done rows.
    pub sizes: Vec<SizeRange>,
    /// Sentences about proven facts.
    pub proven: Vec<String>,
    /// Sentences about facts without proof.
    pub not_proven: Vec<String>,
    /// All rows, up to the limits of the list.
    pub row_list: BoundedList<ReportRow>,
}

/// Input files of a report.
#[derive(Debug, Clone, Serialize)]
pub struct ReportInputFiles {
    /// Results file.
    pub results: InputFile,
    /// Manifest, if the manifest was read.
    pub manifest: Option<InputFile>,
    /// Error from reading an existing manifest.
    pub manifest_unreadable: Option<UntrustedText>,
    /// Verification file, if there is one.
    pub verification: Option<InputFile>,
}

/// Counts of the rows with one status.
#[derive(Debug, Clone, Serialize)]
pub struct StatusCount {
    /// Word of the status.
    pub status: &'static str,
    /// True if rows with the status are done.
    pub done: bool,
    /// Number of rows with the status.
    pub rows: ItemCount,
    /// Sum of the known sizes of these rows.
    pub bytes: ByteCount,
    /// Number of these rows whose size is unknown.
    pub rows_without_size: ItemCount,
}

/// Damage of the results file itself. Lost lines count for nothing.
#[derive(Debug, Clone, Serialize)]
pub struct ResultsDamage {
    /// Lines that do not match their own check.
    pub damaged_lines: BoundedList<DamagedLine>,
    /// Number of the last line, if the last line was torn.
    pub torn_line: Option<u64>,
    /// Number of removed lines.
    pub removed_lines: ItemCount,
    /// Number of lines superseded by later lines. Only the journal of an unfinished import has
    /// superseded lines.
    pub superseded_lines: ItemCount,
}

impl ResultsDamage {
    /// True if no line is lost.
    pub fn is_none(&self) -> bool {
        self.damaged_lines.is_empty() && self.torn_line.is_none() && self.removed_lines.is_zero()
    }

    /// True if the file is the journal of an unfinished import.
    pub fn is_journal(&self) -> bool {
        !self.superseded_lines.is_zero()
    }
}

/// Line of the results that does not match its own check.
#[derive(Debug, Clone, Serialize)]
pub struct DamagedLine {
    /// Line number in the file. The header is line 1.
    pub line: u64,
    /// Text of the `external_id` cell now.
    pub external_id: UntrustedText,
    /// Damage of the line.
    pub why: UntrustedText,
}

impl HtmlSize for DamagedLine {
    fn html_bytes(&self) -> usize {
        80 + self.external_id.html_bytes() + self.why.html_bytes()
    }
}

impl HtmlSize for UntrustedText {
    fn html_bytes(&self) -> usize {
        self.html_bytes()
    }
}

impl Report {
    /// Gathers the report. `entries` are the entries of the ledger: the caller makes the pass over
    /// the lines, which takes time, so that others can inspect the entries on their way.
    pub fn gather(inputs: &ReportInputs<'_>, entries: impl Iterator<Item = ResultsEntry>) -> Self {
        let mut gathered = ReportBuilder::new(inputs);
        entries.for_each(|entry| gathered.take_line(&entry));
        gathered.finish()
    }

    /// Number of rows in exceptions, unverifiable rows left out.
    pub fn serious_exceptions(&self) -> ItemCount {
        count_serious(&self.exceptions)
    }
}

/// Report in the making.
struct ReportBuilder<'a> {
    inputs: &'a ReportInputs<'a>,
    update_times: TimeRange,
    service: Option<ProcurementService>,
    statuses: [StatusCount; Status::ALL.len()],
    rows_no_longer_in_manifest: BoundedList<ReportRow>,
    reconciler: Reconciler<'a>,
    levels: EvidenceCounter,
    verification: Option<VerificationFactsBuilder>,
    changed: RequestedChanges,
    exceptions: ExceptionCollector,
    done_at: Vec<Timestamp>,
    sizes: SizeHistogram,
    row_list: BoundedList<ReportRow>,
}

impl<'a> ReportBuilder<'a> {
    fn new(inputs: &'a ReportInputs<'a>) -> Self {
        let manifest = match inputs.manifest {
            ManifestAtHand::Read(manifest, _) => Some(manifest),
            ManifestAtHand::Unreadable(_) | ManifestAtHand::Absent => None,
        };
        let verification = inputs.verification;
        Self {
            inputs,
            update_times: TimeRange::default(),
            service: None,
            statuses: Status::ALL.map(|status| StatusCount {
                status: status.as_str(),
                done: status.is_done(),
                rows: ItemCount(0),
                bytes: ByteCount(0),
                rows_without_size: ItemCount(0),
            }),
            rows_no_longer_in_manifest: BoundedList::with_limits(SHORT_LIST_LIMITS),
            reconciler: Reconciler::new(manifest, SHORT_LIST_LIMITS),
            levels: EvidenceCounter::default(),
            verification: verification.map(|(read, _)| {
                VerificationFactsBuilder::new(
                    read,
                    &inputs.ledger.earlier_results().damaged_lines,
                    SHORT_LIST_LIMITS,
                )
            }),
            changed: RequestedChanges::default(),
            exceptions: ExceptionCollector::default(),
            done_at: Vec::new(),
            sizes: SizeHistogram::default(),
            row_list: BoundedList::with_limits(ROW_LIST_LIMITS),
        }
    }

    fn take_line(&mut self, entry: &ResultsEntry) {
        let checked = self
            .inputs
            .verification
            .and_then(|(read, _)| read.current_line_for(entry));
        if let Some(verification) = &mut self.verification {
            verification.take_line(entry, checked);
        }
        self.changed.take_line(self.inputs.ledger, entry);
        self.exceptions.take_line(entry, checked);
        self.service = self.service.or_else(|| entry.service());
        let Some(row) = entry.row else {
            self.rows_no_longer_in_manifest
                .push(|| ReportRow::new(entry, checked));
            return;
        };
        self.update_times.include(entry.updated_at);
        self.reconciler.take_line(row, entry);
        self.count(entry);
        if let Some(level) = EvidenceLevel::from_entry(entry, checked) {
            self.levels.count_row(level, entry);
            self.done_at.push(entry.updated_at);
            if let Some(size) = entry.known_content.size() {
                self.sizes.count_size(size);
            }
        }
        self.row_list.push(|| ReportRow::new(entry, checked));
    }

    fn count(&mut self, entry: &ResultsEntry) {
        let status = &mut self.statuses[entry.status as usize];
        status.rows.increase();
        match entry.known_content.size() {
            Some(size) => status.bytes.add(size),
            None => status.rows_without_size.increase(),
        }
    }

    fn finish(self) -> Report {
        let ledger = self.inputs.ledger;
        let statuses = self.statuses.into_iter();
        let statuses: Vec<_> = statuses.filter(|one| !one.rows.is_zero()).collect();
        let done = || statuses.iter().filter(|one| one.done);
        let rows_done = done().map(|one| one.rows.0).sum();
        let rows = statuses.iter().map(|one| one.rows.0).sum::<u64>();
        let mut report = Report {
            schema: JSON_SCHEMA_VERSION,
            written_by: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            verdict: String::new(),
            service: self.service.map(|service| service.to_string()),
            destinations: destinations(&ledger.earlier_results().destinations),
            first_updated_at: self.update_times.first(),
            last_updated_at: self.update_times.last(),
            inputs: input_files(self.inputs),
            rows: ItemCount(rows),
            rows_done: ItemCount(rows_done),
            rows_not_done: ItemCount(rows - rows_done),
            bytes: total_bytes(statuses.iter()),
            bytes_done: total_bytes(done()),
            rows_no_longer_in_manifest: self.rows_no_longer_in_manifest,
            reconciliation: self.reconciler.finish(),
            damage: damage(ledger),
            evidence: self.levels.counts(),
            verification: self.verification.map(VerificationFactsBuilder::finish),
            changed: self.changed,
            exceptions: self.exceptions.groups(),
            done_over_time: slices_over_time(self.done_at),
            sizes: self.sizes.ranges(),
            proven: Vec::new(),
            not_proven: Vec::new(),
            row_list: self.row_list,
            statuses,
        };
        report.verdict = statement::verdict(&report);
        report.proven = statement::proven(&report, self.service);
        report.not_proven = statement::not_proven(&report, self.service);
        report
    }
}

fn total_bytes<'a>(statuses: impl Iterator<Item = &'a StatusCount>) -> ByteCount {
    let mut bytes = ByteCount(0);
    statuses.for_each(|one| bytes.add(one.bytes.0));
    bytes
}

fn destinations(named: &BTreeSet<String>) -> BoundedList<UntrustedText> {
    let mut list = BoundedList::with_limits(SHORT_LIST_LIMITS);
    for one in named {
        list.push(|| UntrustedText::new(one));
    }
    list
}

fn input_files(inputs: &ReportInputs<'_>) -> ReportInputFiles {
    let ledger = inputs.ledger;
    let (manifest, unreadable) = match inputs.manifest {
        ManifestAtHand::Read(_, file) => (Some(file.clone()), None),
        ManifestAtHand::Unreadable(why) => {
            (None, Some(UntrustedText::new(&why.reason.to_string())))
        }
        ManifestAtHand::Absent => (None, None),
    };
    ReportInputFiles {
        results: InputFile::new(ledger.path(), ledger.sha256, ledger.size),
        manifest,
        manifest_unreadable: unreadable,
        verification: inputs.verification.map(|(_, file)| file.clone()),
    }
}

impl InputFile {
    /// Returns the description of a file with this path and content.
    pub fn new(path: &std::path::Path, sha256: Sha256Digest, size: u64) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            name: UntrustedText::new(&name.to_string_lossy()),
            sha256: sha256.to_string(),
            size: ByteCount(size),
        }
    }
}

fn damage(ledger: &Ledger) -> ResultsDamage {
    let previous = ledger.earlier_results();
    let mut damaged_lines = BoundedList::with_limits(SHORT_LIST_LIMITS);
    for DamagedResultsLine {
        line_number: line,
        external_id,
        problem: why,
    } in &previous.damaged_lines
    {
        damaged_lines.push(|| DamagedLine {
            line: *line,
            external_id: UntrustedText::new(external_id),
            why: UntrustedText::new(why),
        });
    }
    ResultsDamage {
        damaged_lines,
        torn_line: previous.torn_line,
        removed_lines: ItemCount(previous.lost_lines().removed),
        superseded_lines: ItemCount(previous.count_superseded_lines()),
    }
}
