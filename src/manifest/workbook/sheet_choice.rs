//! Choice of the sheet that is the manifest, and of the row that is its header.
//!
//! A sheet is a candidate if one of its first rows has the required columns. Of several candidates
//! none is guessed.

use std::borrow::Cow;
use std::collections::HashSet;

use super::error::{SheetInWords, WorkbookError};
use super::sheet_reader::{ListedSheet, SheetKind};
use crate::manifest::header::ManifestHeader;
use crate::manifest::{ManifestErrorKind, ManifestOptions};
use crate::text::quoted;

/// Number of rows of a sheet among which the header is sought; titles and remarks may stand above
/// the header.
pub(super) const HEADER_ROWS: u32 = 20;

/// Row among the first rows of a sheet.
#[derive(Debug)]
pub(super) struct HeadRow {
    /// Number of the row, from 0.
    pub(super) row: u32,
    /// Cells that are not blank, each with the number of its column from 0.
    pub(super) cells: Vec<(u32, String)>,
}

/// Header of a sheet.
#[derive(Debug)]
pub(super) struct SheetHeader {
    /// Number of the row, from 0.
    pub(super) row: u32,
    /// Position in the sheet of each column with a name, from 0.
    pub(super) columns: Vec<u32>,
    /// Names as written.
    pub(super) names: Vec<String>,
}

/// Result of the search for a header among the first rows of a sheet.
#[derive(Debug)]
pub(super) enum HeaderSearch {
    /// The row has the required columns.
    Found(SheetHeader),
    /// The row has the required columns, and another mistake.
    Faulty(ManifestErrorKind),
    /// No row has the required columns; the reason is that of the most similar row.
    Missing(ManifestErrorKind),
}

/// Searches the first rows of a sheet for the header.
pub(super) fn find_header(rows: &[HeadRow], options: &ManifestOptions) -> HeaderSearch {
    let mut nearest: Option<(usize, ManifestErrorKind)> = None;
    for row in rows {
        let names: Vec<Cow<'_, str>> = row
            .cells
            .iter()
            .map(|(_, name)| Cow::Borrowed(name.as_str()))
            .collect();
        match ManifestHeader::from_names(row.row + 1, &names, &options.columns) {
            Ok(_) => {
                let (columns, names) = row.cells.iter().cloned().unzip();
                return HeaderSearch::Found(SheetHeader {
                    row: row.row,
                    columns,
                    names,
                });
            }
            Err(ManifestErrorKind::MissingColumns(missing)) => {
                let count = missing.missing.len();
                if nearest.as_ref().is_none_or(|(least, _)| count < *least) {
                    nearest = Some((count, ManifestErrorKind::MissingColumns(missing)));
                }
            }
            Err(ManifestErrorKind::UnknownHeading(unknown)) => {
                let count = unknown.missing;
                if nearest.as_ref().is_none_or(|(least, _)| count < *least) {
                    nearest = Some((count, ManifestErrorKind::UnknownHeading(unknown)));
                }
            }
            // Rows of titles may hold anything.
            Err(ManifestErrorKind::DuplicateColumn { .. })
                if !is_header_without_repetitions(row, options) => {}
            Err(other) => return HeaderSearch::Faulty(with_columns_of_sheet(other, row)),
        }
    }
    HeaderSearch::Missing(nearest.map_or(ManifestErrorKind::EmptyFile, |(_, reason)| reason))
}

/// Counts the columns of a mistake as the sheet does, with the columns without a name.
fn with_columns_of_sheet(reason: ManifestErrorKind, row: &HeadRow) -> ManifestErrorKind {
    let in_sheet = |number: usize| {
        let cell = row.cells.get(number - 1);
        cell.map_or(number, |(column, _)| *column as usize + 1)
    };
    match reason {
        ManifestErrorKind::DuplicateColumn {
            line,
            name,
            first,
            second,
        } => ManifestErrorKind::DuplicateColumn {
            line,
            name,
            first: in_sheet(first),
            second: in_sheet(second),
        },
        other => other,
    }
}

/// Returns `true` if a row with repeated names is a header but for the repetitions.
fn is_header_without_repetitions(row: &HeadRow, options: &ManifestOptions) -> bool {
    let mut seen = HashSet::new();
    let mut names: Vec<Cow<'_, str>> = Vec::new();
    for (_, name) in &row.cells {
        if seen.insert(name.trim().to_lowercase()) {
            names.push(Cow::Borrowed(name));
        }
    }
    !matches!(
        ManifestHeader::from_names(row.row + 1, &names, &options.columns),
        Err(ManifestErrorKind::MissingColumns(_) | ManifestErrorKind::UnknownHeading(_))
    )
}

/// Returns the index of the sheet with a name: the very name, or else the only name that differs in
/// case alone, as spreadsheets compare names.
pub(super) fn find_named_sheet(sheets: &[ListedSheet], name: &str) -> Result<usize, WorkbookError> {
    let exact = sheets.iter().position(|sheet| sheet.name == name);
    let alike = || {
        let lower = name.trim().to_lowercase();
        let is_alike = |sheet: &ListedSheet| sheet.name.trim().to_lowercase() == lower;
        let mut alike = (0..sheets.len()).filter(|index| is_alike(&sheets[*index]));
        alike.next().filter(|_| alike.next().is_none())
    };
    let index = exact
        .or_else(alike)
        .ok_or_else(|| WorkbookError::NoSuchSheet {
            name: name.to_owned(),
            sheets: sheets
                .iter()
                .map(|sheet| SheetInWords {
                    name: sheet.name.clone(),
                    remark: kind_remark(sheet.kind).to_owned(),
                })
                .collect(),
        })?;
    if sheets[index].kind == SheetKind::WithoutCells {
        return Err(WorkbookError::NoCells {
            name: sheets[index].name.clone(),
        });
    }
    Ok(index)
}

/// Chooses the only visible sheet with a header. Fails with the mistake of the header where one
/// visible sheet alone is not empty. `searches` has the result of each sheet of cells.
pub(super) fn choose_sheet(
    sheets: &[ListedSheet],
    searches: Vec<Option<HeaderSearch>>,
) -> Result<(usize, SheetHeader), ManifestErrorKind> {
    let is_visible = |index: &usize| sheets[*index].kind == SheetKind::Visible;
    let is_candidate =
        |search: &Option<HeaderSearch>| !matches!(search, None | Some(HeaderSearch::Missing(_)));
    let visible: Vec<usize> = (0..sheets.len()).filter(is_visible).collect();
    let candidates: Vec<usize> = visible
        .iter()
        .copied()
        .filter(|index| is_candidate(&searches[*index]))
        .collect();
    let hidden_candidate =
        (0..sheets.len()).any(|index| !is_visible(&index) && is_candidate(&searches[index]));
    // A sheet without any cell is none that the user can mean.
    let is_empty = |index: &usize| {
        let search = &searches[*index];
        matches!(
            search,
            Some(HeaderSearch::Missing(ManifestErrorKind::EmptyFile))
        )
    };
    let filled: Vec<usize> = visible
        .iter()
        .copied()
        .filter(|index| !is_empty(index))
        .collect();
    let chosen = match (&candidates[..], &visible[..], &filled[..]) {
        ([only], ..) => *only,
        ([], [only], _) | ([], _, [only]) if !hidden_candidate => *only,
        ([], ..) => {
            return Err(no_candidate(sheets, &searches).into());
        }
        (several, ..) => {
            let names = several.iter().map(|index| sheets[*index].name.clone());
            let names = names.collect();
            return Err(WorkbookError::SeveralCandidates { names }.into());
        }
    };
    let search = searches.into_iter().nth(chosen).flatten();
    let header = header_or_error(&sheets[chosen].name, search)?;
    Ok((chosen, header))
}

/// Returns the header found in a sheet, or the reason why there is none, with the sheet's name.
pub(super) fn header_or_error(
    sheet: &str,
    search: Option<HeaderSearch>,
) -> Result<SheetHeader, ManifestErrorKind> {
    match search {
        Some(HeaderSearch::Found(header)) => Ok(header),
        Some(HeaderSearch::Faulty(reason) | HeaderSearch::Missing(reason)) => {
            Err(reason.in_sheet(sheet))
        }
        None => Err(ManifestErrorKind::EmptyFile.in_sheet(sheet)),
    }
}

fn no_candidate(sheets: &[ListedSheet], searches: &[Option<HeaderSearch>]) -> WorkbookError {
    let in_words = |(sheet, search): (&ListedSheet, &Option<HeaderSearch>)| {
        let mut remarks = vec![kind_remark(sheet.kind).to_owned()];
        remarks.push(match search {
            None => String::new(),
            Some(HeaderSearch::Missing(ManifestErrorKind::MissingColumns(missing))) => {
                format!("without {}", missing.names())
            }
            Some(HeaderSearch::Missing(ManifestErrorKind::UnknownHeading(unknown))) => {
                format!("without the heading {}", quoted(&unknown.heading))
            }
            Some(HeaderSearch::Missing(_)) => "empty".to_owned(),
            Some(_) => "with the columns: name it with --sheet".to_owned(),
        });
        remarks.retain(|remark| !remark.is_empty());
        SheetInWords {
            name: sheet.name.clone(),
            remark: remarks.join(", "),
        }
    };
    WorkbookError::NoCandidate {
        rows: HEADER_ROWS,
        sheets: sheets.iter().zip(searches).map(in_words).collect(),
    }
}

fn kind_remark(kind: SheetKind) -> &'static str {
    match kind {
        SheetKind::Visible => "",
        SheetKind::Hidden => "hidden",
        SheetKind::WithoutCells => "a chart or a dialog",
    }
}
