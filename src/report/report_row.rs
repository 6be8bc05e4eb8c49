//! Row of the results in a report.

use serde::Serialize;

use super::bounded_list::HtmlSize;
use super::evidence::EvidenceLevel;
use super::values::{ByteCount, UntrustedText, UtcTime};
use crate::results::ResultsEntry;
use crate::verification::VerificationLine;

/// Bytes of HTML of a row without its untrusted texts: elements, digest and time.
const ROW_MARKUP_BYTES: usize = 420;

/// Row of the results, with its evidence.
#[derive(Debug, Clone, Serialize)]
pub struct ReportRow {
    /// Row number in the manifest; null if the row has left the manifest.
    pub row: Option<usize>,
    /// Path of the file, as the manifest names the file.
    pub file_path: UntrustedText,
    /// Type of the record for the file.
    pub object_type: UntrustedText,
    /// Id of the record for the file.
    pub object_id: UntrustedText,
    /// External id of the record, if the manifest named the record so.
    pub object_external_id: Option<UntrustedText>,
    /// The user's key of the attachment.
    pub external_id: UntrustedText,
    /// New key of the attachment, if the attachment was renamed.
    pub renamed_to: Option<UntrustedText>,
    /// Id of the attachment, or of Keelvar's job.
    pub attachment_id: Option<UntrustedText>,
    /// Status of the row.
    pub status: &'static str,
    /// Reason of the status; may be empty.
    pub reason: UntrustedText,
    /// Size of the content.
    pub size: Option<ByteCount>,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// Level of the strongest evidence; null if the row is not done.
    pub evidence: Option<&'static str>,
    /// Outcome of `verify`; null if the verification does not cover the row.
    pub outcome: Option<&'static str>,
    /// Proof for the record of the attachment; null if `verify` did not ask for the record.
    pub object_proof: Option<&'static str>,
    /// Time of the status.
    pub updated_at: UtcTime,
    /// Message to the user: the problem and the next step.
    pub message: UntrustedText,
}

impl ReportRow {
    /// Returns the row of a line of the results, with the outcome of `verify`.
    pub fn new(entry: &ResultsEntry, checked: Option<&VerificationLine>) -> Self {
        Self {
            row: entry.row,
            file_path: UntrustedText::new(&entry.file_path),
            object_type: UntrustedText::new(&entry.object_type),
            object_id: UntrustedText::new(&entry.object_id),
            object_external_id: Some(&*entry.object_external_id)
                .filter(|id| !id.is_empty())
                .map(UntrustedText::new),
            external_id: UntrustedText::new(&entry.external_id),
            renamed_to: entry.changes.renamed_to.as_deref().map(UntrustedText::new),
            attachment_id: entry
                .attachment_id
                .as_ref()
                .map(|id| UntrustedText::new(id.as_str())),
            status: entry.status.as_str(),
            reason: UntrustedText::new(entry.reason.as_str()),
            size: entry.known_content.size().map(ByteCount),
            sha256: entry
                .known_content
                .content()
                .map(|known| known.sha256.to_string()),
            evidence: EvidenceLevel::from_entry(entry, checked).map(EvidenceLevel::as_str),
            outcome: checked.map(|line| line.outcome.as_str()),
            object_proof: checked
                .map(|line| line.object.as_str())
                .filter(|proof| !proof.is_empty()),
            updated_at: UtcTime(entry.updated_at),
            message: UntrustedText::new(&entry.message),
        }
    }

    /// Returns the row with the message of `verify` instead of the message of the results.
    pub fn as_verified(entry: &ResultsEntry, checked: &VerificationLine) -> Self {
        Self {
            message: UntrustedText::new(&checked.message),
            ..Self::new(entry, Some(checked))
        }
    }
}

impl HtmlSize for ReportRow {
    fn html_bytes(&self) -> usize {
        let texts = [
            &self.file_path,
            &self.object_type,
            &self.object_id,
            &self.external_id,
            &self.reason,
            &self.message,
        ];
        let others = [
            &self.object_external_id,
            &self.attachment_id,
            &self.renamed_to,
        ]
        .into_iter()
        .flatten();
        ROW_MARKUP_BYTES
            + texts
                .into_iter()
                .chain(others)
                .map(UntrustedText::html_bytes)
                .sum::<usize>()
    }
}
