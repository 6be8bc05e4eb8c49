//! Known columns of a manifest.

use std::fmt;

/// Column of the manifest with a known meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// Path of the file, relative to the root.
    FilePath,
    /// Type of the record to which the file is attached.
    ObjectType,
    /// Service's own id of the record.
    ObjectId,
    /// Customer's own id of the record, by which the service finds the record.
    ObjectExternalId,
    /// User's own key of the attachment.
    ExternalId,
    /// Title of the attachment.
    Title,
    /// Name under which the file is stored. The default is the file's own name.
    FileName,
    /// Digest that the file must have.
    Sha256,
    /// New key for the attachment. Replaces the `external_id`.
    NewExternalId,
}

impl Column {
    /// All known columns, the required columns first.
    pub const ALL: [Self; 9] = [
        Self::FilePath,
        Self::ObjectType,
        Self::ObjectId,
        Self::ObjectExternalId,
        Self::ExternalId,
        Self::Title,
        Self::FileName,
        Self::Sha256,
        Self::NewExternalId,
    ];

    /// Columns required in every manifest: of each list, at least one column.
    pub const REQUIRED: [&[Self]; 4] = [
        &[Self::FilePath],
        &[Self::ObjectType],
        &[Self::ObjectId, Self::ObjectExternalId],
        &[Self::ExternalId],
    ];

    /// Returns the name of the column in the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FilePath => "file_path",
            Self::ObjectType => "object_type",
            Self::ObjectId => "object_id",
            Self::ObjectExternalId => "object_external_id",
            Self::ExternalId => "external_id",
            Self::Title => "title",
            Self::FileName => "file_name",
            Self::Sha256 => "sha256",
            Self::NewExternalId => "new_external_id",
        }
    }

    /// Returns `true` if the cells decide what is attached where.
    pub(super) fn is_key(self) -> bool {
        !matches!(self, Self::Title | Self::FileName)
    }

    /// Returns `true` if the results have a column of their own for this column. Other columns are
    /// carried through to the results.
    pub(super) fn has_own_results_column(self) -> bool {
        matches!(
            self,
            Self::FilePath
                | Self::ObjectType
                | Self::ObjectId
                | Self::ObjectExternalId
                | Self::ExternalId
                | Self::Sha256
        )
    }

    /// Returns the column for a normalised header name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.as_str() == name)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
