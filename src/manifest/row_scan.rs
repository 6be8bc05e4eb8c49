//! Scan of all rows: the position of each row, the problems of each row alone, and the values for the
//! comparison of rows with each other.

use std::borrow::Cow;

use super::cell_doubts;
use super::header::{ManifestHeader, is_blank_record};
use super::id_column_check::{IdColumnCheck, ObjectExternalIdCheck};
use super::manifest_service::ManifestService;
use super::record_file_names::RecordFileNames;
use super::record_splitter::{QuoteFault, RecordSpan, RecordSplitter};
use super::row::to_u32;
use super::stray_quote::{StrayQuote, find_stray_quote, splitter_after};
use super::table::{ManifestTable, TableSource};
use super::{Column, ManifestErrorKind, RawRow, RowFinding, SimilarIdPolicy};
use crate::manifest::problem::{
    FileWarning, ManifestProblem, ProblemKind, ProblemList, QuoteProblem,
};

/// Position of a row: its offset in the text, and its line in the file of the user.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowOffset {
    /// Offset of the first byte in the text.
    pub(super) offset: u32,
    /// Line on which the row begins.
    pub(super) line: u32,
}

/// Result of the scan of all rows.
pub(super) struct RowScan {
    /// Position of each row.
    pub(super) row_offsets: Vec<RowOffset>,
    /// Comparison of the values of `external_id`.
    pub(super) ids: IdColumnCheck,
    /// Comparison of the values of `new_external_id`.
    pub(super) new_ids: IdColumnCheck,
    /// Comparison of the values of `object_external_id`.
    pub(super) object_external_ids: ObjectExternalIdCheck,
    /// Comparison of the names under which files are stored.
    pub(super) file_names: RecordFileNames,
    /// Service of the rows, and the checks for the service.
    pub(super) service: ManifestService,
    /// Rows with a mistake in the quotes, and rows inside such a quote.
    pub(super) quote_faults: Vec<ManifestProblem>,
}

impl RowScan {
    fn new() -> Self {
        let ids = IdColumnCheck::new(Column::ExternalId);
        Self {
            row_offsets: Vec::new(),
            new_ids: ids.for_other_column(Column::NewExternalId),
            ids,
            object_external_ids: ObjectExternalIdCheck::default(),
            file_names: RecordFileNames::default(),
            service: ManifestService::default(),
            quote_faults: Vec::new(),
        }
    }

    /// Adds a row, and returns its number.
    fn add_position(&mut self, offset: usize, line: u32) -> u32 {
        self.row_offsets.push(RowOffset {
            offset: to_u32(offset),
            line,
        });
        to_u32(self.row_offsets.len())
    }

    /// Adds a row whose quotes are wrong, and the rows inside the quote.
    fn add_stray_quote(
        &mut self,
        record: RecordSpan,
        stray: StrayQuote,
        problems: &mut ProblemList,
    ) {
        let row = self.add_position(record.offset, record.line);
        let mut found = vec![(row, stray.fault)];
        for inner in stray.inner_rows {
            let row = self.add_position(inner.offset, inner.line);
            let opened = inner.quote_line;
            found.push((row, QuoteProblem::HoldsRow { opened }));
        }
        for (row, wrong) in found {
            let fault = ManifestProblem {
                row,
                column: None,
                kind: ProblemKind::Quote(wrong),
            };
            self.quote_faults.push(fault.clone());
            problems.push(fault);
        }
    }
}

/// Ids of a row for the comparison with other rows. An invalid id takes no part in the comparison.
struct ComparableIds<'r> {
    id: Option<&'r str>,
    new_id: Option<&'r str>,
    object_external_id: Option<&'r str>,
}

impl<'r> ComparableIds<'r> {
    fn from_row(row: &'r RawRow<'_>) -> Self {
        Self {
            id: Some(row.external_id()),
            new_id: row.requested_new_id(),
            object_external_id: Some(row.object_external_id()).filter(|id| !id.is_empty()),
        }
    }

    /// Excludes the id of a column with a problem. A problem of the whole row excludes all ids.
    fn exclude_column(&mut self, column: Option<Column>) {
        if matches!(column, None | Some(Column::ExternalId)) {
            self.id = None;
        }
        if matches!(column, None | Some(Column::NewExternalId)) {
            self.new_id = None;
        }
        if matches!(column, None | Some(Column::ObjectExternalId)) {
            self.object_external_id = None;
        }
    }
}

/// Scans all rows once. Records the position of each row and the problems of each row alone.
///
/// The cells of a sheet were quoted by consign itself, so no quote among them is a mistake.
pub(super) fn scan_rows<'m>(
    table: &'m ManifestTable,
    header: &'m ManifestHeader,
    mut rest: RecordSplitter<'m>,
    similar: SimilarIdPolicy,
    problems: &mut ProblemList,
) -> Result<RowScan, ManifestErrorKind> {
    let text = table.text.as_str();
    let mut found = RowScan::new();
    let mut row = RawRow::before_first(header);
    let mut unnamed_told = false;
    while let Some(mut record) = rest.next_record(&mut row.cells) {
        // A row of a sheet with blank cells alone is there for its faults.
        if table.record_lines.is_none() && is_blank_record(&row.cells, record) {
            continue;
        }
        if let Some(QuoteFault::UnclosedQuote {
            opened_on_line: line,
        }) = record.fault
        {
            let column = header.names.get(row.cells.len()).cloned();
            return Err(ManifestErrorKind::UnclosedQuote { line, column });
        }
        if table.source == TableSource::Text
            && let Some(stray) = find_stray_quote(text, header, record)
        {
            found.add_stray_quote(record, stray, problems);
            rest = splitter_after(text, header, record, rest);
            continue;
        }
        record.line = table.line_of_record(found.row_offsets.len(), record.line);
        row.number = found.add_position(record.offset, record.line);
        row.span = record;
        row.faults = Cow::Borrowed(table.faults.of_row(row.number));
        let mut ids = ComparableIds::from_row(&row);
        let kind = row.for_each_finding(
            |RowFinding {
                 column,
                 kind: wrong,
             }| {
                ids.exclude_column(column);
                problems.push(row.problem(column, wrong));
            },
        );
        cell_doubts::for_each_doubt(&row, similar, |doubt| {
            problems.push(row.problem(doubt.column, doubt.kind));
        });
        if let Some(kind) = kind {
            found.service.add_row(&row, kind.service(), problems);
            found.file_names.add_row(&row);
            if let Some(id) = ids.object_external_id {
                found.object_external_ids.add(kind, id);
            }
        }
        if let Some(kind) = row.system_file() {
            let wrong = ProblemKind::File(FileWarning::SystemFile(kind));
            problems.push(row.problem(Some(Column::FilePath), wrong));
        }
        if !unnamed_told && let Some(wrong) = row.cell_without_column_name() {
            problems.push(row.problem(None, wrong));
            unnamed_told = true;
        }
        if let Some(id) = ids.id {
            found.ids.add(row.number, id);
        }
        if let Some(id) = ids.new_id {
            found.new_ids.add(row.number, id);
        }
    }
    if found.row_offsets.is_empty() {
        return Err(ManifestErrorKind::NoRows);
    }
    found.row_offsets.shrink_to_fit();
    Ok(found)
}
