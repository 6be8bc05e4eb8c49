//! The columns that a manifest may have and the tool knows.

use std::fmt;

/// A column of the manifest whose meaning is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// Where the file is, relative to the root.
    FilePath,
    /// The kind of record that it is attached to.
    ObjectType,
    /// The service's own id of that record.
    ObjectId,
    /// The user's own key of the attachment.
    ExternalId,
    /// What the attachment is called.
    Title,
    /// The name under which the file is stored; the file's own name where there is none.
    FileName,
    /// The digest that the file must have.
    Sha256,
    /// The key that the attachment shall have from now on.
    NewExternalId,
}

impl Column {
    /// Every known column, the required ones first.
    pub const ALL: [Self; 8] = [
        Self::FilePath,
        Self::ObjectType,
        Self::ObjectId,
        Self::ExternalId,
        Self::Title,
        Self::FileName,
        Self::Sha256,
        Self::NewExternalId,
    ];

    /// Those that every manifest has.
    pub const REQUIRED: [Self; 4] = [
        Self::FilePath,
        Self::ObjectType,
        Self::ObjectId,
        Self::ExternalId,
    ];

    /// The column's name in the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FilePath => "file_path",
            Self::ObjectType => "object_type",
            Self::ObjectId => "object_id",
            Self::ExternalId => "external_id",
            Self::Title => "title",
            Self::FileName => "file_name",
            Self::Sha256 => "sha256",
            Self::NewExternalId => "new_external_id",
        }
    }

    /// Whether the results have a column of their own for it. What they do not have is carried
    /// through to them.
    pub(super) fn is_kept_by_the_results(self) -> bool {
        matches!(
            self,
            Self::FilePath | Self::ObjectType | Self::ObjectId | Self::ExternalId | Self::Sha256
        )
    }

    /// The column that a normalised header name stands for.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.as_str() == name)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
