//! Errors of a workbook that cannot be read as a manifest at all.

use std::fmt;

use crate::text::{escape, group_thousands, quoted};

/// Reason for which a workbook cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WorkbookError {
    /// The file has a format other than .xlsx.
    #[error("{0}")]
    OtherFormat(OtherFileFormat),
    /// The workbook opens with a password alone.
    #[error(
        "is protected by a password; in Excel, take the password away under File, Info, Protect \
         Workbook, Encrypt with Password, save the workbook, and name that file"
    )]
    Encrypted,
    /// The file is no whole workbook.
    #[error(
        "is a damaged workbook: {}: {}; open it in a spreadsheet program and save it again",
        escape(part),
        escape(cause)
    )]
    Damaged {
        /// Part of the package with the damage.
        part: String,
        /// Damage in words.
        cause: String,
    },
    /// A part of the package unpacks to more bytes than are read.
    #[error(
        "is a workbook whose part {} unpacks to more than {} bytes, the most that one run takes; \
         copy the rows into a new workbook, or split them",
        escape(part),
        group_thousands(*limit)
    )]
    TooLarge {
        /// Name of the part.
        part: String,
        /// Largest number of bytes.
        limit: u64,
    },
    /// The sheet named by the user does not exist.
    #[error(
        "has no sheet {}; its sheets are {}",
        quoted(name),
        join_sheets(sheets)
    )]
    NoSuchSheet {
        /// Name given by the user.
        name: String,
        /// Sheets of the workbook.
        sheets: Vec<SheetInWords>,
    },
    /// The sheet named by the user holds a chart or a dialog.
    #[error(
        "has no cells in {}, which is a chart or a dialog; name another sheet",
        quoted(name)
    )]
    NoCells {
        /// Name of the sheet.
        name: String,
    },
    /// No visible sheet has the columns of a manifest.
    #[error(
        "has no visible sheet with the columns of a manifest in its first {rows} rows; its sheets \
         are {}",
        join_sheets(sheets)
    )]
    NoCandidate {
        /// Number of rows looked through in each sheet.
        rows: u32,
        /// Sheets of the workbook.
        sheets: Vec<SheetInWords>,
    },
    /// Several visible sheets have the columns of a manifest.
    #[error(
        "has several sheets with the columns of a manifest: {}; name one of them with --sheet NAME",
        join_quoted(names)
    )]
    SeveralCandidates {
        /// Names of the sheets.
        names: Vec<String>,
    },
}

/// Format of a file that is neither text nor an .xlsx workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherFileFormat {
    /// Workbook of Excel 97-2003.
    Xls,
    /// Binary workbook of Excel.
    Xlsb,
    /// Spreadsheet of the `OpenDocument` format.
    Ods,
    /// Document, presentation or other file of an office program.
    OfficeDocument,
    /// ZIP archive without a workbook.
    ZipArchive,
}

impl fmt::Display for OtherFileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xls => {
                "is a workbook of Excel 97-2003 (.xls); save it as .xlsx and name that file"
            }
            Self::Xlsb => "is a binary workbook (.xlsb); save it as .xlsx and name that file",
            Self::Ods => {
                "is an OpenDocument spreadsheet (.ods); save it as .xlsx and name that file"
            }
            Self::OfficeDocument => {
                "is a document of an office program, not a spreadsheet; name a CSV or an .xlsx file"
            }
            Self::ZipArchive => "is a ZIP archive without a workbook; name a CSV or an .xlsx file",
        })
    }
}

/// Name of a sheet, and what is to be said of the sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetInWords {
    /// Name of the sheet.
    pub name: String,
    /// Remark, such as `hidden`; may be empty.
    pub remark: String,
}

/// Largest number of sheets named in a message.
const MAX_SHEETS_NAMED: usize = 20;

fn join_sheets(sheets: &[SheetInWords]) -> String {
    let words: Vec<String> = sheets
        .iter()
        .map(|sheet| {
            let name = quoted(&sheet.name);
            match sheet.remark.as_str() {
                "" => name,
                remark => format!("{name} ({remark})"),
            }
        })
        .collect();
    shorten(words)
}

fn join_quoted(names: &[String]) -> String {
    shorten(names.iter().map(|name| quoted(name)).collect())
}

fn shorten(mut words: Vec<String>) -> String {
    if words.len() > MAX_SHEETS_NAMED {
        let more = words.len() - MAX_SHEETS_NAMED;
        words.truncate(MAX_SHEETS_NAMED);
        words.push(format!("and {more} more"));
    }
    words.join(", ")
}

impl WorkbookError {
    /// Creates the error of a damaged part.
    pub(super) fn damaged(part: &str, cause: impl fmt::Display) -> Self {
        Self::Damaged {
            part: part.to_owned(),
            cause: cause.to_string(),
        }
    }
}
