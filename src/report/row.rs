//! One row of the results, as a report shows it.

use serde::Serialize;

use super::evidence::Level;
use super::listed::Weigh;
use super::value::{Bytes, Moment, Text};
use crate::results::Entry;
use crate::verification::Checked;

/// How many bytes of HTML a row takes besides the text of others: its elements, its digest, its time.
const MARKUP: usize = 420;

/// One row of the results.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The manifest row's number, or null where the row has left the manifest.
    pub row: Option<usize>,
    /// The file, as the manifest names it.
    pub file_path: Text,
    /// The type of the record that it was to be attached to.
    pub object_type: Text,
    /// The id of that record.
    pub object_id: Text,
    /// The user's key of the attachment.
    pub external_id: Text,
    /// The key that the attachment was given in its place.
    pub renamed_to: Option<Text>,
    /// The attachment, or Keelvar's job.
    pub attachment_id: Option<Text>,
    /// How the row stands.
    pub status: &'static str,
    /// Why it stands so.
    pub reason: Text,
    /// The size of the content.
    pub size: Option<Bytes>,
    /// The SHA-256 of the file.
    pub sha256: Option<String>,
    /// The strongest evidence for a row that is done.
    pub evidence: Option<&'static str>,
    /// What `verify` found.
    pub outcome: Option<&'static str>,
    /// When the row came to stand so.
    pub updated_at: Moment,
    /// What happened and what to do, in words.
    pub message: Text,
}

impl Row {
    /// What a line of the results says, and what `verify` found about it.
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

    /// The same, with what `verify` says in place of what the results say.
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
