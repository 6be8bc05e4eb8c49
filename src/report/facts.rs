//! Facts of a report, gathered once: HTML and JSON are two forms of the same [`Report`].
//!
//! Gathering is pure and goes through the lines of the results once. The order of the report is the
//! order of the rows, and every time in a report comes from the results or the verification.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::SCHEMA;
use super::changes::Changed;
use super::evidence::{Gathering, Level, LevelCount, Levels, VerificationFacts};
use super::exceptions::{Exceptions, Group, serious};
use super::listed::{Listed, Room, Weigh};
use super::reconcile::{Reconciler, Reconciliation};
use super::row::Row;
use super::series::{SizeRange, Sizes, Slice, over_time};
use super::statement;
use super::value::{Bytes, Count, Moment, Span, Text};
use crate::manifest::{Manifest, ManifestError};
use crate::model::{Service, Sha256Digest};
use crate::results::ledger::Ledger;
use crate::results::previous::Damaged;
use crate::results::{Entry, Status};
use crate::verification::file::Verification;

/// Limits of the list of all rows.
pub const ROW_LIST: Room = Room {
    things: 5_000,
    bytes: 2_800_000,
};

/// Limits of each other list.
const SHORT_LIST: Room = Room {
    things: 50,
    bytes: 24 * 1024,
};

/// Inputs of a report.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Results of the import.
    pub ledger: &'a Ledger,
    /// Verification and its file, if there is one.
    pub verification: Option<(&'a Verification, &'a InputFile)>,
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
    pub name: Text,
    /// SHA-256 of the whole file.
    pub sha256: String,
    /// Size of the file.
    pub size: Bytes,
}

/// Content of a report. The fields are the members of the JSON report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of the JSON form, [`SCHEMA`].
    pub schema: &'static str,
    /// Name and version of this program.
    pub written_by: String,
    /// Summary of the report in a few sentences.
    pub verdict: String,
    /// Service of the rows; null if no row's type names a service.
    pub service: Option<String>,
    /// Base URLs named by the results.
    pub destinations: Listed<Text>,
    /// Time of the earliest status of a row.
    pub first_updated_at: Option<Moment>,
    /// Time of the latest status of a row.
    pub last_updated_at: Option<Moment>,
    /// Input files of the report.
    pub inputs: InputFiles,
    /// Number of rows with a line.
    pub rows: Count,
    /// Number of done rows.
    pub rows_done: Count,
    /// Number of rows not done.
    pub rows_not_done: Count,
    /// Sum of the known sizes of all rows.
    pub bytes: Bytes,
    /// Sum of the known sizes of the done rows.
    pub bytes_done: Bytes,
    /// Counts by status. The rows of all statuses add up to all rows.
    pub statuses: Vec<StatusCount>,
    /// Rows that have left the manifest. No count above includes these rows.
    pub rows_no_longer_in_manifest: Listed<Row>,
    /// Comparison of the rows with the manifest.
    pub reconciliation: Reconciliation,
    /// Damage of the results file itself.
    pub damage: Damage,
    /// Strongest evidence for each done row. The rows of all levels add up to the done rows.
    pub evidence: Vec<LevelCount>,
    /// Findings of `consign verify`; null without a verification.
    pub verification: Option<VerificationFacts>,
    /// Changes on request.
    pub changed: Changed,
    /// Rows in need of attention, in groups.
    pub exceptions: Vec<Group>,
    /// Rows done over time.
    pub done_over_time: Vec<Slice>,
    /// Sizes of the files of done rows.
    pub sizes: Vec<SizeRange>,
    /// Sentences about proven facts.
    pub proven: Vec<String>,
    /// Sentences about facts without proof.
    pub not_proven: Vec<String>,
    /// All rows, up to the limits of the list.
    pub row_list: Listed<Row>,
}

/// Input files of a report.
#[derive(Debug, Clone, Serialize)]
pub struct InputFiles {
    /// Results file.
    pub results: InputFile,
    /// Manifest, if the manifest was read.
    pub manifest: Option<InputFile>,
    /// Error from reading an existing manifest.
    pub manifest_unreadable: Option<Text>,
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
    pub rows: Count,
    /// Sum of the known sizes of these rows.
    pub bytes: Bytes,
    /// Number of these rows whose size is unknown.
    pub rows_without_size: Count,
}

/// Damage of the results file itself. Lost lines count for nothing.
#[derive(Debug, Clone, Serialize)]
pub struct Damage {
    /// Lines that do not match their own check.
    pub damaged_lines: Listed<DamagedLine>,
    /// Number of the last line, if the last line was torn.
    pub torn_line: Option<u64>,
    /// Number of removed lines.
    pub removed_lines: Count,
    /// Number of lines superseded by later lines. Only the journal of an unfinished import has
    /// superseded lines.
    pub superseded_lines: Count,
}

impl Damage {
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
    pub external_id: Text,
    /// Damage of the line.
    pub why: Text,
}

impl Weigh for DamagedLine {
    fn weight(&self) -> usize {
        80 + self.external_id.weight() + self.why.weight()
    }
}

impl Weigh for Text {
    fn weight(&self) -> usize {
        self.weight()
    }
}

impl Report {
    /// Gathers the report. `entries` are the entries of the ledger: the caller makes the pass over
    /// the lines, which takes time, so that others can inspect the entries on their way.
    pub fn gather(inputs: &Inputs<'_>, entries: impl Iterator<Item = Entry>) -> Self {
        let mut gathered = Gathered::of(inputs);
        entries.for_each(|entry| gathered.take(&entry));
        gathered.finish()
    }

    /// Number of rows in exceptions, unverifiable rows left out.
    pub fn serious_exceptions(&self) -> Count {
        serious(&self.exceptions)
    }
}

/// Report in the making.
struct Gathered<'a> {
    inputs: &'a Inputs<'a>,
    span: Span,
    service: Option<Service>,
    statuses: [StatusCount; Status::ALL.len()],
    left: Listed<Row>,
    reconciler: Reconciler<'a>,
    levels: Levels,
    verification: Option<Gathering>,
    changed: Changed,
    exceptions: Exceptions,
    done_at: Vec<Timestamp>,
    sizes: Sizes,
    row_list: Listed<Row>,
}

impl<'a> Gathered<'a> {
    fn of(inputs: &'a Inputs<'a>) -> Self {
        let manifest = match inputs.manifest {
            ManifestAtHand::Read(manifest, _) => Some(manifest),
            ManifestAtHand::Unreadable(_) | ManifestAtHand::Absent => None,
        };
        let verification = inputs.verification;
        Self {
            inputs,
            span: Span::default(),
            service: None,
            statuses: Status::ALL.map(|status| StatusCount {
                status: status.as_str(),
                done: status.is_done(),
                rows: Count(0),
                bytes: Bytes(0),
                rows_without_size: Count(0),
            }),
            left: Listed::with(SHORT_LIST),
            reconciler: Reconciler::new(manifest, SHORT_LIST),
            levels: Levels::default(),
            verification: verification.map(|(read, _)| {
                Gathering::of(read, &inputs.ledger.previous().damaged, SHORT_LIST)
            }),
            changed: Changed::default(),
            exceptions: Exceptions::default(),
            done_at: Vec::new(),
            sizes: Sizes::default(),
            row_list: Listed::with(ROW_LIST),
        }
    }

    fn take(&mut self, entry: &Entry) {
        let checked = self
            .inputs
            .verification
            .and_then(|(read, _)| read.of(entry));
        if let Some(verification) = &mut self.verification {
            verification.take(entry, checked);
        }
        self.changed.take(self.inputs.ledger, entry);
        self.exceptions.take(entry, checked);
        self.service = self.service.or_else(|| entry.service());
        let Some(row) = entry.row else {
            self.left.push(|| Row::of(entry, checked));
            return;
        };
        self.span.take(entry.updated_at);
        self.reconciler.take(row, entry);
        self.count(entry);
        if let Some(level) = Level::of(entry, checked) {
            self.levels.take(level, entry);
            self.done_at.push(entry.updated_at);
            if let Some(size) = entry.known.size() {
                self.sizes.take(size);
            }
        }
        self.row_list.push(|| Row::of(entry, checked));
    }

    fn count(&mut self, entry: &Entry) {
        let status = &mut self.statuses[entry.status as usize];
        status.rows.increase();
        match entry.known.size() {
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
            schema: SCHEMA,
            written_by: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            verdict: String::new(),
            service: self.service.map(|service| service.to_string()),
            destinations: destinations(&ledger.previous().destinations),
            first_updated_at: self.span.first(),
            last_updated_at: self.span.last(),
            inputs: input_files(self.inputs),
            rows: Count(rows),
            rows_done: Count(rows_done),
            rows_not_done: Count(rows - rows_done),
            bytes: together(statuses.iter()),
            bytes_done: together(done()),
            rows_no_longer_in_manifest: self.left,
            reconciliation: self.reconciler.finish(),
            damage: damage(ledger),
            evidence: self.levels.counts(),
            verification: self.verification.map(Gathering::finish),
            changed: self.changed,
            exceptions: self.exceptions.groups(),
            done_over_time: over_time(self.done_at),
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

fn together<'a>(statuses: impl Iterator<Item = &'a StatusCount>) -> Bytes {
    let mut bytes = Bytes(0);
    statuses.for_each(|one| bytes.add(one.bytes.0));
    bytes
}

fn destinations(named: &BTreeSet<String>) -> Listed<Text> {
    let mut list = Listed::with(SHORT_LIST);
    for one in named {
        list.push(|| Text::of(one));
    }
    list
}

fn input_files(inputs: &Inputs<'_>) -> InputFiles {
    let ledger = inputs.ledger;
    let (manifest, unreadable) = match inputs.manifest {
        ManifestAtHand::Read(_, file) => (Some(file.clone()), None),
        ManifestAtHand::Unreadable(why) => (None, Some(Text::of(&why.reason.to_string()))),
        ManifestAtHand::Absent => (None, None),
    };
    InputFiles {
        results: InputFile::of(ledger.path(), ledger.sha256, ledger.size),
        manifest,
        manifest_unreadable: unreadable,
        verification: inputs.verification.map(|(_, file)| file.clone()),
    }
}

impl InputFile {
    /// Returns the description of a file with this path and content.
    pub fn of(path: &std::path::Path, sha256: Sha256Digest, size: u64) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            name: Text::of(&name.to_string_lossy()),
            sha256: sha256.to_string(),
            size: Bytes(size),
        }
    }
}

fn damage(ledger: &Ledger) -> Damage {
    let previous = ledger.previous();
    let mut damaged_lines = Listed::with(SHORT_LIST);
    for Damaged {
        line,
        external_id,
        why,
    } in &previous.damaged
    {
        damaged_lines.push(|| DamagedLine {
            line: *line,
            external_id: Text::of(external_id),
            why: Text::of(why),
        });
    }
    Damage {
        damaged_lines,
        torn_line: previous.torn,
        removed_lines: Count(previous.lost().removed),
        superseded_lines: Count(previous.superseded()),
    }
}
