//! Row of the results during a verification: its claim, and its line in the verification file.

use jiff::Timestamp;

use super::compare::{Claim, NamedBy, Verdict};
use super::{Checked, Download, Facts, KnownAs, Outcome};
use crate::manifest::name_of;
use crate::model::AttachmentId;
use crate::results::ledger::Ledger;
use crate::results::{Backup, Entry, Former, Replacement, RowState, Status, Verified};
use crate::text::quoted;

/// Row of the results during a verification.
#[derive(Debug, Clone)]
pub struct Row {
    /// Line of the verification file, as far as it is known.
    pub line: Checked,
    /// Claim to compare; `None` where the results do not claim the row to be done.
    pub claim: Option<Claim>,
    /// Content which was replaced, or was about to be replaced.
    pub former: Option<Former>,
    /// State of a replacement of the attachment's bytes.
    pub waits: Waits,
}

/// State of a replacement, which may leave an attachment without bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// The results report no unfinished replacement.
    No,
    /// The results report an unfinished replacement: the attachment waits for bytes, or may do so.
    ForBytes,
}

/// Values common to all rows of one verification.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// Start of the verification.
    pub began: Timestamp,
    /// Attachments to be downloaded.
    pub download: Download,
    /// Host and path of the service's base.
    pub destination: String,
}

impl Occasion {
    /// Returns a line without any result.
    fn line(&self, external_id: &str) -> Checked {
        Checked {
            row: None,
            external_id: external_id.to_owned(),
            attachment_id: None,
            outcome: Outcome::Error,
            expected: Facts::default(),
            found: Facts::default(),
            expected_as: KnownAs::default(),
            checked_at: self.began,
            download: self.download,
            local_file: None,
            destination: self.destination.clone(),
            message: String::new(),
        }
    }
}

impl Row {
    /// Creates a row without any result of a comparison.
    pub fn of(ledger: &Ledger, entry: &Entry, occasion: &Occasion) -> Self {
        let mut line = Checked {
            row: entry.row,
            attachment_id: entry.attachment_id.clone(),
            outcome: Outcome::NotDone,
            expected: Facts::of(entry),
            ..occasion.line(&entry.external_id)
        };
        let former = entry.changes.replaced.clone();
        if !entry.status.is_done() {
            line.message = standing(entry);
            return Self {
                line,
                claim: None,
                former,
                waits: Waits::of(entry),
            };
        }
        let claim = Claim::of(ledger, entry);
        line.expected_as = KnownAs {
            external_id: Some(claim.external_id.clone()),
            title: claim.title.clone(),
        };
        line.settle(Verdict::unknown(match &line.attachment_id {
            Some(_) => "the verification ended before it came to this row",
            None => "the results name no attachment",
        }));
        Self {
            claim: Some(claim),
            former,
            waits: Waits::No,
            line,
        }
    }

    /// Creates a row for a damaged line of the results, whose claim is therefore unknown.
    pub fn unbelieved(external_id: &str, why: String, occasion: &Occasion) -> Self {
        let mut line = occasion.line(external_id);
        line.settle(Verdict::unknown(why));
        Self {
            line,
            claim: None,
            former: None,
            waits: Waits::No,
        }
    }

    /// Returns the id of the attachment to look up, and its expected size; `None` if there is
    /// nothing to compare.
    pub fn to_ask(&self) -> Option<(&AttachmentId, Option<u64>)> {
        let claim = self.claim.as_ref()?;
        Some((self.line.attachment_id.as_ref()?, claim.expected.size))
    }

    /// True if there is an attachment, and the results know the digest of its bytes.
    pub fn is_worth_a_download(&self) -> bool {
        self.to_ask().is_some() && self.line.expected.sha256.is_some()
    }

    /// Records the result of a comparison, if the row has a claim.
    pub fn settle(&mut self, now: Timestamp, compare: impl FnOnce(&Claim) -> Verdict) {
        if let Some(claim) = &self.claim {
            self.line.checked_at = now;
            self.line.settle(compare(claim));
        }
    }

    /// True if the row makes the verification fail. A row which has left the manifest does so only
    /// by a claim which does not hold, or by an attachment without bytes.
    pub fn is_objection(&self) -> bool {
        match self.line.outcome {
            Outcome::Match => false,
            Outcome::NotDone => self.line.row.is_some() || self.waits == Waits::ForBytes,
            _ => true,
        }
    }
}

impl Checked {
    fn settle(&mut self, verdict: Verdict) {
        self.outcome = verdict.outcome;
        self.found = verdict.found;
        self.message = verdict.message;
    }
}

impl Waits {
    fn of(entry: &Entry) -> Self {
        match entry.state() {
            RowState::Replacing(_) => Self::ForBytes,
            _ => Self::No,
        }
    }
}

impl Claim {
    /// Reads the claim of a done row from its line.
    fn of(ledger: &Ledger, entry: &Entry) -> Self {
        let (external_id, named_by) = match &entry.changes.renamed_to {
            Some(new) => (new, NamedBy::Rename),
            None => (&entry.external_id, NamedBy::Maker),
        };
        Self {
            external_id: external_id.clone(),
            named_by,
            title: title(ledger, entry),
            file_name: file_name(ledger, entry),
            expected: Facts::of(entry),
        }
    }
}

/// Describes the state of a row which is not done, and the remedy if the attachment may be without
/// bytes.
fn standing(entry: &Entry) -> String {
    let replaced = entry.changes.replaced.as_ref();
    let backup = || match replaced.map(|former| &former.backup) {
        Some(Backup::Kept(path)) => format!("the old content is in {}", quoted(path)),
        Some(Backup::Waived) => "the old content was not kept (--no-backup)".to_owned(),
        None => "the results name no backup".to_owned(),
    };
    match (entry.state(), entry.status, entry.reason.as_str()) {
        (RowState::Replacing(replacement), _, _) => {
            let how = match replacement {
                Replacement::LettingGo => "may be without bytes: it was about to be replaced",
                Replacement::LetGo(_) | Replacement::Sent => {
                    "waits for bytes: its old ones were let go of, and the new ones are not confirmed"
                }
            };
            // An import which came to its end has left a more exact message.
            let what_to_do = match &*entry.message {
                "" => format!("run the import again with --resume; {}", backup()),
                told => told.to_owned(),
            };
            format!("the attachment {how}; {what_to_do}")
        }
        (_, status, "") => format!("the row is {status}"),
        (_, status, reason) => format!("the row is {status}, {reason}"),
    }
}

/// Returns the title which the import gave; `None` if the title is older than the import. An
/// attachment which the import only found, replaced or renamed keeps its title, unless the import
/// changed the title as well.
fn title(ledger: &Ledger, entry: &Entry) -> Option<String> {
    let changes = &entry.changes;
    let was_made_by_us = || entry.verified != Verified::No && changes.replaced.is_none();
    let was_given = match entry.status {
        Status::Uploaded | Status::Updated => true,
        _ if changes.previous_title.is_some() => true,
        Status::Renamed => was_made_by_us(),
        _ => false,
    };
    let title = || Some(ledger.extra(entry, "title")).filter(|title| !title.is_empty());
    was_given.then(title).flatten()
}

/// Returns the name under which the file was stored.
fn file_name(ledger: &Ledger, entry: &Entry) -> String {
    let chosen = ledger.extra(entry, "file_name");
    let chosen = Some(&*chosen).filter(|name| !name.is_empty());
    name_of(&entry.file_path, chosen).to_owned()
}

#[cfg(test)]
mod tests;
