//! All that a report says, gathered once: the HTML and the JSON are two forms of the same [`Report`].
//!
//! Gathering is pure, and goes through the lines of the results once: the order of the report is the
//! order of the rows, and no time is in it that is not in the results or the verification.

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

/// So much of the list of all rows is in a report.
pub const ROW_LIST: Room = Room {
    things: 5_000,
    bytes: 2_800_000,
};

/// So much of each other list.
const SHORT_LIST: Room = Room {
    things: 50,
    bytes: 24 * 1024,
};

/// What a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The results.
    pub ledger: &'a Ledger,
    /// The verification, where there is one, and the file that it is in.
    pub verification: Option<(&'a Verification, &'a InputFile)>,
    /// The manifest.
    pub manifest: ManifestAtHand<'a>,
}

/// Whether the rows can be reconciled with the manifest.
#[derive(Debug, Clone, Copy)]
pub enum ManifestAtHand<'a> {
    /// It was read.
    Read(&'a Manifest, &'a InputFile),
    /// It is where it should be, and cannot be read for this reason.
    Unreadable(&'a ManifestError),
    /// It is not where it should be.
    Absent,
}

/// A file that a report was made from.
#[derive(Debug, Clone, Serialize)]
pub struct InputFile {
    /// Its name, without the folder that it happened to be in.
    pub name: Text,
    /// The SHA-256 of the whole file.
    pub sha256: String,
    /// Its size.
    pub size: Bytes,
}

/// All that a report says.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of the form of the JSON.
    pub schema: &'static str,
    /// The program that wrote the report.
    pub written_by: String,
    /// The whole in a few sentences.
    pub verdict: String,
    /// The service, where the types of the records tell.
    pub service: Option<String>,
    /// The bases that the results name.
    pub destinations: Listed<Text>,
    /// When the first row came to stand as it does.
    pub first_updated_at: Option<Moment>,
    /// When the last one did.
    pub last_updated_at: Option<Moment>,
    /// What the report was made from.
    pub inputs: InputFiles,
    /// How many rows have a line.
    pub rows: Count,
    /// How many of them are done.
    pub rows_done: Count,
    /// How many are not.
    pub rows_not_done: Count,
    /// The bytes of all rows, as far as their size is known.
    pub bytes: Bytes,
    /// Those of the rows that are done.
    pub bytes_done: Bytes,
    /// The same by status; the rows of all statuses are all rows.
    pub statuses: Vec<StatusCount>,
    /// Rows that are no longer in the manifest; they count for nothing above.
    pub rows_no_longer_in_manifest: Listed<Row>,
    /// Whether the rows are those of the manifest.
    pub reconciliation: Reconciliation,
    /// What is wrong with the results file itself.
    pub damage: Damage,
    /// The strongest evidence for each row that is done; the rows of all levels are the rows done.
    pub evidence: Vec<LevelCount>,
    /// What `consign verify` found, where it was run.
    pub verification: Option<VerificationFacts>,
    /// What was changed on request.
    pub changed: Changed,
    /// What somebody has to look at.
    pub exceptions: Vec<Group>,
    /// Rows done over time.
    pub done_over_time: Vec<Slice>,
    /// Sizes of the files of rows that are done.
    pub sizes: Vec<SizeRange>,
    /// What is proven.
    pub proven: Vec<String>,
    /// What is not.
    pub not_proven: Vec<String>,
    /// The rows, as far as there is room.
    pub row_list: Listed<Row>,
}

/// The files that a report was made from.
#[derive(Debug, Clone, Serialize)]
pub struct InputFiles {
    /// The results.
    pub results: InputFile,
    /// The manifest, where it was at hand.
    pub manifest: Option<InputFile>,
    /// Why the manifest that is there could not be read.
    pub manifest_unreadable: Option<Text>,
    /// The verification, where there is one.
    pub verification: Option<InputFile>,
}

/// How many rows have a status.
#[derive(Debug, Clone, Serialize)]
pub struct StatusCount {
    /// The status.
    pub status: &'static str,
    /// Whether such rows are done.
    pub done: bool,
    /// How many there are.
    pub rows: Count,
    /// Their bytes, as far as their size is known.
    pub bytes: Bytes,
    /// Of how many of them no size is known.
    pub rows_without_size: Count,
}

/// What is wrong with the results file itself. Lines that are lost count for nothing.
#[derive(Debug, Clone, Serialize)]
pub struct Damage {
    /// Lines that do not match their own check.
    pub damaged_lines: Listed<DamagedLine>,
    /// The number of the last line, where it was torn.
    pub torn_line: Option<u64>,
    /// How many lines somebody has removed.
    pub removed_lines: Count,
    /// How many lines later ones have taken the place of. There are some only in the journal of an
    /// import that did not come to its end.
    pub superseded_lines: Count,
}

impl Damage {
    /// Whether no line is lost.
    pub fn is_none(&self) -> bool {
        self.damaged_lines.is_empty() && self.torn_line.is_none() && self.removed_lines.is_zero()
    }

    /// Whether the file is the journal of an import that did not come to its end.
    pub fn is_journal(&self) -> bool {
        !self.superseded_lines.is_zero()
    }
}

/// A line that is not believed.
#[derive(Debug, Clone, Serialize)]
pub struct DamagedLine {
    /// Its number in the file, the header being line 1.
    pub line: u64,
    /// What stands in its `external_id` cell now.
    pub external_id: Text,
    /// What is wrong with it.
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
    /// Gathers all that there is to say. `entries` are those of the ledger: a pass over them takes
    /// time, and others may want to see them go by.
    pub fn gather(inputs: &Inputs<'_>, entries: impl Iterator<Item = Entry>) -> Self {
        let mut gathered = Gathered::of(inputs);
        entries.for_each(|entry| gathered.take(&entry));
        gathered.finish()
    }

    /// How many exceptions there are that speak against a row.
    pub fn serious_exceptions(&self) -> Count {
        serious(&self.exceptions)
    }
}

/// A report in the making.
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
    /// A file of this content.
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
