//! Row of the results in a report.

use serde::Serialize;

use super::evidence::Level;
use super::listed::Weigh;
use super::value::{Bytes, Moment, Text};
use crate::results::Entry;
use crate::verification::Checked;

/// Bytes of HTML of a row without its untrusted texts: elements, digest and time.
const MARKUP: usize = 420;

/// Row of the results, with its evidence.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Row number in the manifest; null if the row has left the manifest.
    pub row: Option<usize>,
    /// Path of the file, as the manifest names the file.
    pub file_path: Text,
    /// Type of the record for the file.
    pub object_type: Text,
    /// Id of the record for the file.
    pub object_id: Text,
    /// The user's key of the attachment.
    pub external_id: Text,
    /// New key of the attachment, if the attachment was renamed.
    pub renamed_to: Option<Text>,
    /// Id of the attachment, or of Keelvar's job.
    pub attachment_id: Option<Text>,
    /// Status of the row.
    pub status: &'static str,
    /// Reason of the status; may be empty.
    pub reason: Text,
    /// Size of the content.
    pub size: Option<Bytes>,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// Level of the strongest evidence; null if the row is not done.
    pub evidence: Option<&'static str>,
    /// Outcome of `verify`; null if the verification does not cover the row.
    pub outcome: Option<&'static str>,
    /// Time of the status.
    pub updated_at: Moment,
    /// Message to the user: the problem and the next step.
    pub message: Text,
}

impl Row {
    /// Returns the row of a line of the results, with the outcome of `verify`.
    pub fn of(entry: &Entry, checked: Option<&Checked>) -> Self {
        Self {
            row: entry.row,
            file_path: Text::of(&entry.file_path),
            object_type: Text::of(&entry.object_type),
            object_id: Text::of(&entry.object_id),
            external_id: Text::of(&entry.external_id),
            renamed_to: entry.changes.renamed_to.as_deref().map(Text::of),
            attachment_id: entry.attachment_id.as_ref().map(|id| Text::of(id.as_str())),
            status: entry.status.as_str(),
            reason: Text::of(entry.reason.as_str()),
            size: entry.known.size().map(Bytes),
            sha256: entry.known.content().map(|known| known.sha256.to_string()),
            evidence: Level::of(entry, checked).map(Level::as_str),
            outcome: checked.map(|line| line.outcome.as_str()),
            updated_at: Moment(entry.updated_at),
            message: Text::of(&entry.message),
        }
    }

    /// Returns the row with the message of `verify` instead of the message of the results.
    pub fn as_verified(entry: &Entry, checked: &Checked) -> Self {
        Self {
            message: Text::of(&checked.message),
            ..Self::of(entry, Some(checked))
        }
    }
}

impl Weigh for Row {
    fn weight(&self) -> usize {
        let texts = [
            &self.file_path,
            &self.object_type,
            &self.object_id,
            &self.external_id,
            &self.reason,
            &self.message,
        ];
        let others = [&self.attachment_id, &self.renamed_to]
            .into_iter()
            .flatten();
        MARKUP
            + texts
                .into_iter()
                .chain(others)
                .map(Text::weight)
                .sum::<usize>()
    }
}
