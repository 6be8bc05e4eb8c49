//! One row of a manifest: as written ([`RawRow`]), and checked ([`ManifestRow`]).

use std::borrow::Cow;

use super::cell_rules;
use super::column::Column;
use super::header::{CellSource, ExtraColumn, ManifestHeader, TwoObjectIdsPolicy};
use super::record_splitter::RecordSpan;
use super::sought_path::{SoughtPath, last_path_part};
use super::table::fault_of_column;
use crate::manifest::problem::{ManifestProblem, ProblemKind};
use crate::model::{
    ExternalId, NamedObject, ObjectExternalId, ObjectRef, ObjectType, ProcurementService,
    Sha256Digest,
};
use crate::root::SystemFileKind;

/// Row with unchecked cells, as written in the manifest.
#[derive(Debug)]
pub struct RawRow<'m> {
    pub(super) header: &'m ManifestHeader,
    pub(super) cells: Vec<Cow<'m, str>>,
    pub(super) span: RecordSpan,
    pub(super) number: u32,
    /// Faults of the row found while the file was read. Such a row is refused, whatever its cells
    /// hold.
    pub(super) faults: Cow<'m, [ManifestProblem]>,
}

/// Checked row: valid as far as the manifest alone can show.
///
/// `O` is the record of the row: a [`NamedObject`] as the manifest names the record, or, once the
/// service's own id is known, an [`ObjectRef`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow<O = ObjectRef> {
    /// Row number, the first row under the header being 1.
    pub number: usize,
    /// Line of the manifest on which the row begins.
    pub line: u64,
    /// Path of the file as the manifest has it.
    pub file_path: String,
    /// Record to which the file is attached.
    pub object: O,
    /// Customer's own id of the record, if the row names the record so.
    pub object_external_id: Option<ObjectExternalId>,
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

impl<O> ManifestRow<O> {
    /// Returns the row with its record in another form.
    pub fn with_object<P>(self, object: P) -> ManifestRow<P> {
        ManifestRow {
            object,
            number: self.number,
            line: self.line,
            file_path: self.file_path,
            object_external_id: self.object_external_id,
            external_id: self.external_id,
            title: self.title,
            file_name: self.file_name,
            sha256: self.sha256,
            new_external_id: self.new_external_id,
        }
    }

    /// Returns the cell of `object_external_id`, which is empty where the row has the service's own
    /// id of the record.
    pub fn object_external_id_text(&self) -> &str {
        self.object_external_id
            .as_ref()
            .map_or("", ObjectExternalId::as_str)
    }

    /// Returns the name under which the file is stored: the given name, or else the name of the
    /// file.
    pub fn stored_file_name(&self) -> &str {
        self.stored_file_name_at(&self.file_path)
    }

    /// Returns the name under which the file is stored, for a file at another path.
    pub fn stored_file_name_at<'r>(&'r self, file_path: &'r str) -> &'r str {
        stored_file_name(file_path, self.file_name.as_deref())
    }
}

/// Returns the given file name, or else the last part of the path as the manifest spells the path.
pub(crate) fn stored_file_name<'r>(file_path: &'r str, file_name: Option<&'r str>) -> &'r str {
    file_name.unwrap_or_else(|| last_path_part(file_path))
}

/// First mistake in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFinding {
    /// Column of the mistake. `None` for a mistake of the whole row.
    pub column: Option<Column>,
    /// Kind of the mistake.
    pub kind: ProblemKind,
}

impl<'m> RawRow<'m> {
    /// Creates an empty row with the number 0, to be filled with the first row.
    pub(super) fn before_first(header: &'m ManifestHeader) -> Self {
        Self {
            header,
            cells: Vec::with_capacity(header.width),
            span: RecordSpan::default(),
            number: 0,
            faults: Cow::Borrowed(&[]),
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
        u64::from(self.span.line)
    }

    /// Returns the cell in a column, or an empty text if the manifest or the row has none. A column
    /// with one value for all rows has this value in each cell.
    pub fn cell(&self, column: Column) -> &str {
        match self.header.cell_source(column) {
            CellSource::Absent => "",
            CellSource::Position(place) => self.cell_at(*place),
            CellSource::Constant(value) => value,
        }
    }

    pub(super) fn cell_at(&self, place: usize) -> &str {
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

    /// Returns the cell of `object_external_id`, or an empty text where the cell does not count
    /// beside `object_id`.
    pub fn object_external_id(&self) -> &str {
        match self.header.two_object_ids {
            TwoObjectIdsPolicy::OwnIdCounts if !self.object_id().is_empty() => "",
            _ => self.cell(Column::ObjectExternalId),
        }
    }

    /// Returns the cell of `external_id`.
    pub fn external_id(&self) -> &str {
        self.cell(Column::ExternalId)
    }

    /// Returns the cell of `new_external_id`, if it requests an id other than the present id.
    pub(super) fn requested_new_id(&self) -> Option<&str> {
        let wished = self.cell(Column::NewExternalId);
        (!wished.is_empty() && wished != self.external_id()).then_some(wished)
    }

    /// Returns the cells carried through to the results, in the order of
    /// [`extra_columns`](super::Manifest::extra_columns).
    pub fn extras(&self) -> impl Iterator<Item = &str> {
        self.header.extra_columns.iter().map(|extra| match extra {
            ExtraColumn::Position(place) => self.cell_at(*place),
            ExtraColumn::Constant(column) => self.cell(*column),
        })
    }

    /// Returns the positions of the columns without a known meaning, also those without a name.
    pub(super) fn unknown_column_indices(&self) -> impl Iterator<Item = usize> {
        let header = self.header;
        (0..header.width).filter(move |position| !header.is_known_column_at(*position))
    }

    /// Returns the required digest of the file, if the row has a valid digest.
    pub fn sha256(&self) -> Option<Sha256Digest> {
        let digest = self.check_cell(Column::Sha256, cell_rules::sha256);
        digest.ok().flatten()
    }

    /// Checks the row. Fails with the first mistake.
    ///
    /// Another row or the file may still be a reason to refuse the row.
    pub fn parse(&self) -> Result<ManifestRow<NamedObject>, RowFinding> {
        self.check_shape()?;
        let kind = self.check_cell(Column::ObjectType, cell_rules::object_type)?;
        let object = self.named_object(kind)?;
        Ok(ManifestRow {
            number: self.number(),
            line: self.line(),
            file_path: self
                .check_file_path()
                .map(|_| self.file_path().to_owned())?,
            object_external_id: object.external_id().cloned(),
            object,
            external_id: self.check_cell(Column::ExternalId, cell_rules::owned_external_id)?,
            title: self
                .check_cell(Column::Title, cell_rules::title)?
                .map(str::to_owned),
            file_name: self
                .check_cell(Column::FileName, cell_rules::file_name)?
                .map(str::to_owned),
            sha256: self.check_cell(Column::Sha256, cell_rules::sha256)?,
            new_external_id: self.check_cell(Column::NewExternalId, |cell| {
                cell_rules::owned_new_external_id(cell, self.external_id(), Some(kind.service()))
            })?,
        })
    }

    /// Reports all mistakes of the row by itself, and returns the object type if valid. A misshapen
    /// row has no type and no further problems, because its cells may be under the wrong names.
    pub(super) fn for_each_finding(&self, mut found: impl FnMut(RowFinding)) -> Option<ObjectType> {
        if let Err(misshapen) = self.check_shape() {
            found(misshapen);
            return None;
        }
        let kind = self.check_cell(Column::ObjectType, cell_rules::object_type);
        let object = match &kind {
            Ok(kind) => self.named_object(*kind).map(drop),
            Err(_) => self.check_object_of_unknown_type(),
        };
        let service = kind.as_ref().ok().map(|kind| kind.service());
        let new_external_id =
            |cell| cell_rules::new_external_id(cell, self.external_id(), service).map(drop);
        let findings = [
            self.check_file_path().err(),
            object.err(),
            self.check_cell(Column::ExternalId, cell_rules::external_id)
                .err(),
            self.check_cell(Column::Title, cell_rules::title).err(),
            self.check_cell(Column::FileName, cell_rules::file_name)
                .err(),
            self.check_cell(Column::Sha256, cell_rules::sha256).err(),
            self.check_cell(Column::NewExternalId, new_external_id)
                .err(),
            kind.as_ref().err().cloned(),
        ];
        findings.into_iter().flatten().for_each(found);
        kind.ok()
    }

    /// Checks the name of the record in a row of a known type.
    fn named_object(&self, kind: ObjectType) -> Result<NamedObject, RowFinding> {
        match self.object_name_column(Some(kind.service()))? {
            Column::ObjectExternalId => self
                .check_cell(Column::ObjectExternalId, cell_rules::object_external_id)
                .map(|id| NamedObject::ByExternalId(kind, id)),
            own_id => self
                .check_cell(own_id, |cell| cell_rules::object_ref(kind, cell))
                .map(NamedObject::Known),
        }
    }

    /// Checks the name of the record in a row of an unknown type.
    fn check_object_of_unknown_type(&self) -> Result<(), RowFinding> {
        match self.object_name_column(None)? {
            Column::ObjectExternalId => self
                .check_cell(Column::ObjectExternalId, cell_rules::object_external_id)
                .map(drop),
            own_id => self.check_cell(own_id, cell_rules::object_id),
        }
    }

    /// Returns the one column whose cell names the record: `object_id` or `object_external_id`.
    fn object_name_column(
        &self,
        service: Option<ProcurementService>,
    ) -> Result<Column, RowFinding> {
        // A cell that could not be read may name the record, whatever the other cell says.
        for column in [Column::ObjectId, Column::ObjectExternalId] {
            self.refuse_reading_fault(Some(column))?;
        }
        let has_column = |column| self.header.has_column(column);
        let problem = |column, kind| {
            Err(RowFinding {
                column: Some(column),
                kind,
            })
        };
        let (own_id, external_id) = (self.object_id(), self.object_external_id());
        if service == Some(ProcurementService::Keelvar) {
            if !external_id.is_empty() || !has_column(Column::ObjectId) {
                let wrong = ProblemKind::ObjectExternalIdUnsupported;
                return problem(Column::ObjectExternalId, wrong);
            }
            return Ok(Column::ObjectId);
        }
        match (own_id.is_empty(), external_id.is_empty()) {
            (false, false) => problem(Column::ObjectExternalId, ProblemKind::TwoObjectIds),
            (true, false) => Ok(Column::ObjectExternalId),
            (false, true) => Ok(Column::ObjectId),
            (true, true) if !has_column(Column::ObjectId) => Ok(Column::ObjectExternalId),
            (true, true) if !has_column(Column::ObjectExternalId) => Ok(Column::ObjectId),
            (true, true) => problem(Column::ObjectId, ProblemKind::NoObjectId),
        }
    }

    /// Returns a text for the record of the row, the same in all rows that name the record alike, or
    /// `None` if the record is invalid. The text has a line break only between the type and the
    /// external id of a record.
    pub(crate) fn record_key(&self) -> Option<String> {
        self.check_shape().ok()?;
        let kind = self.check_cell(Column::ObjectType, cell_rules::object_type);
        Some(match self.named_object(kind.ok()?).ok()? {
            NamedObject::Known(object) => object.to_string(),
            NamedObject::ByExternalId(kind, id) => format!("{kind}\n{id}"),
        })
    }

    /// Returns the name under which the row's file is stored, or `None` if the name or the path is
    /// invalid.
    pub(super) fn valid_stored_name(&self) -> Option<&str> {
        self.sought_path()?;
        let file_name = self.check_cell(Column::FileName, cell_rules::file_name);
        Some(stored_file_name(self.file_path(), file_name.ok()?))
    }

    /// Returns the kind of the row's file if a program wrote the file for its own use.
    pub(super) fn system_file(&self) -> Option<SystemFileKind> {
        self.sought_path()?;
        SystemFileKind::from_path(self.file_path())
    }

    /// Returns the service of the row, if the object type is valid.
    pub(crate) fn service(&self) -> Option<ProcurementService> {
        self.check_shape().ok()?;
        let kind = self.check_cell(Column::ObjectType, cell_rules::object_type);
        Some(kind.ok()?.service())
    }

    /// Returns the path at which the row's file is sought, if the path is valid.
    pub(crate) fn sought_path(&self) -> Option<SoughtPath<'_>> {
        self.check_shape().ok()?;
        self.check_file_path().ok()
    }

    /// Builds a problem of this row.
    pub(crate) fn problem(&self, column: Option<Column>, wrong: ProblemKind) -> ManifestProblem {
        ManifestProblem {
            row: self.number,
            column,
            kind: wrong,
        }
    }

    /// Checks the cell of `file_path`, without the prefix that the user takes off.
    fn check_file_path(&self) -> Result<SoughtPath<'_>, RowFinding> {
        let prefix = self.header.strip_prefix.as_ref();
        self.check_cell(Column::FilePath, |cell| cell_rules::file_path(cell, prefix))
    }

    /// Checks a cell by the rule of its column.
    fn check_cell<'r, T>(
        &'r self,
        column: Column,
        rule: impl Fn(&'r str) -> Result<T, ProblemKind>,
    ) -> Result<T, RowFinding> {
        self.refuse_reading_fault(Some(column))?;
        rule(self.cell(column)).map_err(|wrong| RowFinding {
            column: Some(column),
            kind: wrong,
        })
    }

    /// Fails with a fault of the reading, in a column or, for `None`, of the whole row.
    fn refuse_reading_fault(&self, column: Option<Column>) -> Result<(), RowFinding> {
        match fault_of_column(&self.faults, column) {
            None => Ok(()),
            Some(fault) => Err(RowFinding {
                column,
                kind: fault.kind.clone(),
            }),
        }
    }

    /// Fails for a row whose cells may be under the wrong names.
    pub(super) fn check_shape(&self) -> Result<(), RowFinding> {
        self.refuse_reading_fault(None)?;
        if self.cells.len() == self.header.width {
            return Ok(());
        }
        let wrong = ProblemKind::RaggedRow {
            header_cells: to_u32(self.header.width),
            row_cells: to_u32(self.cells.len()),
            last_line: Some(self.span.last_line).filter(|last| *last != self.span.line),
        };
        Err(RowFinding {
            column: None,
            kind: wrong,
        })
    }

    /// Returns the problem of the first non-empty cell in a column without a name.
    pub(super) fn cell_without_column_name(&self) -> Option<ProblemKind> {
        let mut unnamed = self.header.unnamed_indices.iter();
        let place = unnamed.find(|place| !self.cell_at(**place).trim().is_empty())?;
        Some(ProblemKind::UnnamedColumn {
            number: to_u32(place + 1),
        })
    }
}

/// Converts a count. Every count in a manifest is below the size of the text, which is below 4 GiB.
pub(super) fn to_u32(count: usize) -> u32 {
    u32::try_from(count).expect("a manifest is smaller than 4 GiB")
}
