//! Attachments waiting for content: the old content was released, or is about to be, and the new
//! content is not there yet. No other remainder of a run is as urgent.

use std::fmt::Write as _;

use serde::Serialize;

use crate::results::{BackupOutcome, ReplacementStage, ResultsEntry, RowState};
use crate::text::{count_with_noun, count_with_noun_and_verb, escape, group_thousands, quoted};

/// Longest list of attachments; further attachments are only counted.
const MAX_ATTACHMENTS_NAMED: usize = 100;

/// List of the attachments waiting for content.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct AwaitingContentList {
    list: Vec<AttachmentAwaitingContent>,
    /// Number of attachments beyond the end of the list.
    not_listed: u64,
}

/// Attachment waiting for content.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct AttachmentAwaitingContent {
    /// `None` if the row has left the manifest.
    row: Option<u64>,
    external_id: String,
    attachment_id: Option<String>,
    /// Size in bytes of the old content.
    previous_size: Option<u64>,
    /// Path of the backup of the old content; `None` if the user did without backups.
    backup: Option<String>,
    /// True if the old content may still be there, because the request to release the content got
    /// no answer.
    may_be_there: bool,
}

impl AwaitingContentList {
    /// Adds the attachment of a line if the attachment waits for content.
    pub(super) fn take_line(&mut self, entry: &ResultsEntry) {
        let RowState::Replacing(replacement) = entry.state() else {
            return;
        };
        if self.list.len() == MAX_ATTACHMENTS_NAMED {
            self.not_listed += 1;
        } else {
            self.list
                .push(AttachmentAwaitingContent::new(entry, &replacement));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Warning with one line for each attachment, and the user's next step; empty if no attachment
    /// waits.
    pub(super) fn warning(&self) -> String {
        let all = self.list.len() as u64 + self.not_listed;
        if all == 0 {
            return String::new();
        }
        let mut text = format!(
            "{} for new content, and may be without any until you go on with --resume:\n",
            count_with_noun_and_verb(all, "attachment", ["waits", "wait"])
        );
        for one in &self.list {
            let _ = writeln!(text, "  {}", one.description());
        }
        if self.not_listed > 0 {
            let _ = writeln!(text, "  and {}", count_with_noun(self.not_listed, "other"));
        }
        text
    }
}

impl AttachmentAwaitingContent {
    fn new(entry: &ResultsEntry, replacement: &ReplacementStage) -> Self {
        let former = entry.changes.replaced.as_ref();
        Self {
            row: entry.row.map(|row| row as u64),
            external_id: entry.external_id.clone(),
            attachment_id: entry.attachment_id.as_ref().map(ToString::to_string),
            previous_size: former.map(|former| former.size),
            backup: former.and_then(|former| match &former.backup {
                BackupOutcome::Kept(path) => Some(path.clone()),
                BackupOutcome::Waived => None,
            }),
            may_be_there: *replacement == ReplacementStage::ReleaseRequested,
        }
    }

    fn description(&self) -> String {
        let row = match self.row {
            Some(row) => format!("row {row}"),
            None => "a row that is no longer in the manifest".to_owned(),
        };
        let old = match self.previous_size {
            Some(size) => format!("the old content, {} bytes,", group_thousands(size)),
            None => "the old content".to_owned(),
        };
        let whereabouts = match (&self.backup, self.may_be_there) {
            (Some(path), _) => format!("is in {}", escape(path)),
            (None, true) => "may be there still, and was not kept".to_owned(),
            (None, false) => "was not kept".to_owned(),
        };
        format!(
            "{row}, external_id {}, attachment {}: {old} {whereabouts}",
            quoted(&self.external_id),
            self.attachment_id.as_deref().unwrap_or("unknown")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AttachmentId;
    use crate::results::{
        AttachmentChanges, FormerContent, KnownContent, Status, StatusReason, VerifiedBy,
    };

    fn line(row: Option<usize>, reason: StatusReason, backup: BackupOutcome) -> ResultsEntry {
        ResultsEntry {
            row,
            file_path: "a.pdf".into(),
            object_type: "contract".into(),
            object_id: "7".into(),
            object_external_id: String::new(),
            external_id: "LEG-14".into(),
            status: Status::Replacing,
            reason,
            attachment_id: Some(AttachmentId::parse("12").unwrap()),
            known_content: KnownContent::Nothing,
            verified_by: VerifiedBy::Nothing,
            attempts: 1,
            destination: "here".into(),
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            message: String::new(),
            changes: AttachmentChanges {
                replaced: Some(FormerContent {
                    size: 18_201,
                    sha256: None,
                    backup,
                }),
                ..AttachmentChanges::default()
            },
        }
    }

    fn words(lines: &[ResultsEntry]) -> String {
        let mut waiting = AwaitingContentList::default();
        for line in lines {
            waiting.take_line(line);
        }
        waiting.warning()
    }

    #[test]
    fn each_attachment_that_waits_is_named_with_its_backup() {
        let kept = BackupOutcome::Kept("old/LEG-14.12.0a1b2c3d4e5f.pdf".into());
        assert_eq!(
            words(&[
                line(Some(14), StatusReason::None, kept),
                line(Some(15), StatusReason::Renewing, BackupOutcome::Waived),
                line(None, StatusReason::None, BackupOutcome::Waived),
            ]),
            "3 attachments wait for new content, and may be without any until you go on with \
             --resume:\n\
             \x20 row 14, external_id \"LEG-14\", attachment 12: the old content, 18,201 bytes, is \
             in old/LEG-14.12.0a1b2c3d4e5f.pdf\n\
             \x20 row 15, external_id \"LEG-14\", attachment 12: the old content, 18,201 bytes, may \
             be there still, and was not kept\n\
             \x20 a row that is no longer in the manifest, external_id \"LEG-14\", attachment 12: \
             the old content, 18,201 bytes, was not kept\n"
        );
    }

    #[test]
    fn what_waits_for_nothing_is_not_named() {
        let uploaded = ResultsEntry {
            status: Status::Uploaded,
            ..line(Some(1), StatusReason::None, BackupOutcome::Waived)
        };
        assert_eq!(words(&[uploaded]), "");
    }

    #[test]
    fn a_long_list_is_cut_and_everything_is_counted() {
        let lines = vec![line(Some(1), StatusReason::None, BackupOutcome::Waived); 130];
        let words = words(&lines);
        assert!(words.starts_with("130 attachments wait"), "{words}");
        assert!(words.ends_with("  and 30 others\n"), "{words}");
        assert_eq!(words.lines().count(), 102);
    }
}
