//! One row of a manifest: as written ([`RawRow`]), and checked ([`Row`]).

use std::borrow::Cow;

use super::cell;
use super::column::Column;
use super::header::Header;
use super::split::{Fault, Record};
use crate::manifest::problem::{Problem, Wrong};
use crate::model::{ExternalId, ObjectRef, ObjectType, Service, Sha256Digest};

/// Row with unchecked cells, as written in the manifest.
#[derive(Debug)]
pub struct RawRow<'m> {
    pub(super) header: &'m Header,
    pub(super) cells: Vec<Cow<'m, str>>,
    pub(super) record: Record,
    pub(super) number: u32,
}

/// Checked row: valid as far as the manifest alone can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Row number, the first row under the header being 1.
    pub number: usize,
    /// Line of the manifest on which the row begins.
    pub line: u64,
    /// Path of the file, relative to the root.
    pub file_path: String,
    /// Record to which the file is attached.
    pub object: ObjectRef,
    /// User's own key of the attachment.
    pub external_id: ExternalId,
    /// Title of the attachment, if given.
    pub title: Option<String>,
    /// Name under which the file is stored, if given.
    pub file_name: Option<String>,
    /// Digest that the file must have, if given.
    pub sha256: Option<Sha256Digest>,
    /// New key for the attachment, if given and different from `external_id`.
    pub new_external_id: Option<ExternalId>,
}

impl Row {
    /// Returns the name under which the file is stored: the given name, or else the name of the
    /// file.
    pub fn file_name(&self) -> &str {
        self.file_name_at(&self.file_path)
    }

    /// Returns the name under which the file is stored, for a file at another path.
    pub fn file_name_at<'r>(&'r self, file_path: &'r str) -> &'r str {
        name_of(file_path, self.file_name.as_deref())
    }
}

/// Returns the given file name, or else the last part of the path.
pub(crate) fn name_of<'r>(file_path: &'r str, file_name: Option<&'r str>) -> &'r str {
    let own_name = || file_path.rsplit('/').next().unwrap_or_default();
    file_name.unwrap_or_else(own_name)
}

/// First mistake in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Column of the mistake. `None` for a mistake of the whole row.
    pub column: Option<Column>,
    /// Kind of the mistake.
    pub wrong: Wrong,
}

impl<'m> RawRow<'m> {
    /// Creates an empty row with the number 0, to be filled with the first row.
    pub(super) fn nowhere(header: &'m Header) -> Self {
        Self {
            header,
            cells: Vec::with_capacity(header.width),
            record: Record::default(),
            number: 0,
        }
    }
}

impl RawRow<'_> {
    /// Returns the row number, the first row under the header being 1.
    pub fn number(&self) -> usize {
        self.number as usize
    }

    /// Returns the line of the manifest on which the row begins.
    pub fn line(&self) -> u64 {
        u64::from(self.record.line)
    }

    /// Returns the cell in a column, or an empty text if the manifest or the row has none.
    pub fn cell(&self, column: Column) -> &str {
        self.header.place(column).map_or("", |place| self.at(place))
    }

    fn at(&self, place: usize) -> &str {
        self.cells.get(place).map_or("", |cell| cell)
    }

    /// Returns the cell of `file_path`.
    pub fn file_path(&self) -> &str {
        self.cell(Column::FilePath)
    }

    /// Returns the cell of `object_type`.
    pub fn object_type(&self) -> &str {
        self.cell(Column::ObjectType)
    }

    /// Returns the cell of `object_id`.
    pub fn object_id(&self) -> &str {
        self.cell(Column::ObjectId)
    }

    /// Returns the cell of `external_id`.
    pub fn external_id(&self) -> &str {
        self.cell(Column::ExternalId)
    }

    /// Returns the cell of `new_external_id`, if it requests an id other than the present id.
    pub(super) fn wished_id(&self) -> Option<&str> {
        let wished = self.cell(Column::NewExternalId);
        (!wished.is_empty() && wished != self.external_id()).then_some(wished)
    }

    /// Returns the cells carried through to the results, in the order of
    /// [`extra_columns`](super::Manifest::extra_columns).
    pub fn extras(&self) -> impl Iterator<Item = &str> {
        self.header.extras.iter().map(|place| self.at(*place))
    }

    /// Returns the required digest of the file, if the row has a valid digest.
    pub fn sha256(&self) -> Option<Sha256Digest> {
        cell::sha256(self.cell(Column::Sha256)).ok().flatten()
    }

    /// Checks the row. Fails with the first mistake.
    ///
    /// Another row or the file may still be a reason to refuse the row.
    pub fn parse(&self) -> Result<Row, Finding> {
        self.check_shape()?;
        let kind = self.checked(Column::ObjectType, cell::object_type)?;
        Ok(Row {
            number: self.number(),
            line: self.line(),
            file_path: self.checked(Column::FilePath, cell::file_path)?.to_owned(),
            object: self.checked(Column::ObjectId, |cell| cell::object(kind, cell))?,
            external_id: self.checked(Column::ExternalId, cell::owned_external_id)?,
            title: self.checked(Column::Title, cell::title)?.map(str::to_owned),
            file_name: self
                .checked(Column::FileName, cell::file_name)?
                .map(str::to_owned),
            sha256: self.checked(Column::Sha256, cell::sha256)?,
            new_external_id: self.checked(Column::NewExternalId, |cell| {
                cell::owned_new_external_id(cell, self.external_id(), Some(kind.service()))
            })?,
        })
    }

    /// Reports all mistakes of the row by itself, and returns the object type if valid. A misshapen
    /// row has no type and no further problems, because its cells may stand under the wrong names.
    pub(super) fn find(&self, mut found: impl FnMut(Finding)) -> Option<ObjectType> {
        if let Err(misshapen) = self.check_shape() {
            found(misshapen);
            return None;
        }
        let kind = self.checked(Column::ObjectType, cell::object_type);
        let object_id = |cell| match &kind {
            Ok(kind) => cell::object(*kind, cell).map(|_| ()),
            Err(_) => cell::object_id(cell),
        };
        let service = kind.as_ref().ok().map(|kind| kind.service());
        let new_external_id =
            |cell| cell::new_external_id(cell, self.external_id(), service).map(drop);
        let findings = [
            self.checked(Column::FilePath, cell::file_path).err(),
            self.checked(Column::ObjectId, object_id).err(),
            self.checked(Column::ExternalId, cell::external_id).err(),
            self.checked(Column::Title, cell::title).err(),
            self.checked(Column::FileName, cell::file_name).err(),
            self.checked(Column::Sha256, cell::sha256).err(),
            self.checked(Column::NewExternalId, new_external_id).err(),
            kind.as_ref().err().cloned(),
        ];
        findings.into_iter().flatten().for_each(found);
        kind.ok()
    }

    /// Returns the record and the stored name of the row's file, or `None` if either is invalid.
    pub(super) fn destined_for(&self) -> Option<(ObjectRef, &str)> {
        let path = self.usable_path()?;
        let kind = cell::object_type(self.object_type()).ok()?;
        let object = cell::object(kind, self.object_id()).ok()?;
        let file_name = cell::file_name(self.cell(Column::FileName)).ok()?;
        Some((object, name_of(path, file_name)))
    }

    /// Returns the service of the row, if the object type is valid.
    pub(crate) fn service(&self) -> Option<Service> {
        self.check_shape().ok()?;
        let kind = cell::object_type(self.object_type()).ok()?;
        Some(kind.service())
    }

    /// Returns the path of the row's file, if the path is valid.
    pub(crate) fn usable_path(&self) -> Option<&str> {
        self.check_shape().ok()?;
        cell::file_path(self.file_path()).ok()
    }

    /// Builds a problem of this row.
    pub(crate) fn problem(&self, column: Option<Column>, wrong: Wrong) -> Problem {
        Problem {
            row: self.number,
            column,
            wrong,
        }
    }

    /// Checks a cell by the rule of its column.
    fn checked<'r, T>(
        &'r self,
        column: Column,
        rule: impl Fn(&'r str) -> Result<T, Wrong>,
    ) -> Result<T, Finding> {
        rule(self.cell(column)).map_err(|wrong| Finding {
            column: Some(column),
            wrong,
        })
    }

    fn check_shape(&self) -> Result<(), Finding> {
        let wrong = match self.record.fault {
            Some(Fault::TextAfterQuote { opened } | Fault::Unclosed { opened }) => {
                Wrong::BrokenQuote { opened }
            }
            None if self.cells.len() == self.header.width => return Ok(()),
            None => Wrong::Ragged {
                expected: in_32_bits(self.header.width),
                found: in_32_bits(self.cells.len()),
                last_line: Some(self.record.last_line).filter(|last| *last != self.record.line),
            },
        };
        Err(Finding {
            column: None,
            wrong,
        })
    }

    /// Returns the problem of the first non-empty cell in a column without a name.
    pub(super) fn unnamed_content(&self) -> Option<Wrong> {
        let mut unnamed = self.header.unnamed.iter();
        let place = unnamed.find(|place| !self.at(**place).trim().is_empty())?;
        Some(Wrong::UnnamedColumn {
            number: in_32_bits(place + 1),
        })
    }
}

/// Converts a count. Every count in a manifest is below the size of the text, which is below 4 GiB.
pub(super) fn in_32_bits(count: usize) -> u32 {
    u32::try_from(count).expect("a manifest is smaller than 4 GiB")
}
