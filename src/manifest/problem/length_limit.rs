//! Longest values of cells, each limit with its unit.

use super::problem_kind::ProblemKind;
use crate::model::{MAX_OBJECT_EXTERNAL_ID_CHARS, MAX_TEXT_CHARS};
use crate::text::group_thousands;

/// Longest file name on common file systems, in bytes.
const MAX_FILE_NAME_BYTES: usize = 255;

/// Limit for the length of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthLimit {
    /// Characters of an `external_id` or a `new_external_id`.
    ExternalId,
    /// Characters of an `object_external_id`.
    ObjectExternalId,
    /// Characters of a title.
    Title,
    /// Bytes of a file name in UTF-8.
    FileName,
}

impl LengthLimit {
    /// Refuses a value that is longer than the limit.
    pub(in crate::manifest) fn check(self, value: &str) -> Result<(), ProblemKind> {
        // A text has at least as many bytes as characters, and bytes need no count.
        if value.len() > self.most() && self.length_of(value) > self.most() {
            return Err(ProblemKind::TooLong(self));
        }
        Ok(())
    }

    /// Returns the mistake in words, with the length of the value, the limit and their unit.
    pub(super) fn predicate(self, value: &str) -> String {
        let unit = self.unit();
        format!(
            "has {} {unit}; {} {unit} is the most that {} may have",
            group_thousands(self.length_of(value) as u64),
            group_thousands(self.most() as u64),
            self.noun()
        )
    }

    fn most(self) -> usize {
        match self {
            Self::ExternalId | Self::Title => MAX_TEXT_CHARS,
            Self::ObjectExternalId => MAX_OBJECT_EXTERNAL_ID_CHARS,
            Self::FileName => MAX_FILE_NAME_BYTES,
        }
    }

    fn length_of(self, value: &str) -> usize {
        match self {
            Self::FileName => value.len(),
            Self::ExternalId | Self::ObjectExternalId | Self::Title => value.chars().count(),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::FileName => "bytes",
            Self::ExternalId | Self::ObjectExternalId | Self::Title => "characters",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::ExternalId => "an external id",
            Self::ObjectExternalId => "the external id of a record",
            Self::Title => "a title",
            Self::FileName => "a file name",
        }
    }
}
