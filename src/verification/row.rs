//! One row of the results on its way through a verification: what it claims, and what has been
//! found of that so far.

use jiff::Timestamp;

use super::compare::{Claim, NamedBy, Verdict};
use super::{Checked, Download, Facts, KnownAs, Outcome};
use crate::manifest::name_of;
use crate::model::AttachmentId;
use crate::results::ledger::Ledger;
use crate::results::{Backup, Entry, Former, Replacement, RowState, Status, Verified};
use crate::text::quoted;

/// A row of the results.
#[derive(Debug, Clone)]
pub struct Row {
    /// The line of the verification file, as far as it is known.
    pub line: Checked,
    /// What there is to compare; nothing where the results do not claim that the row is done.
    pub claim: Option<Claim>,
    /// The content that gave way to other content, or was to do so.
    pub former: Option<Former>,
    /// Whether the attachment waits for bytes.
    pub waits: Waits,
}

/// Whether an attachment waits for bytes that a replacement was to bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// The results do not say so.
    No,
    /// They do, or that it may: a replacement has not come to its end.
    ForBytes,
}

/// What all rows of one verification have in common.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// When it began.
    pub began: Timestamp,
    /// Which rows' bytes are to be downloaded.
    pub download: Download,
    /// Which service is asked.
    pub destination: String,
}

impl Occasion {
    /// A line that says nothing yet.
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
    /// A row of which nothing has been found out yet.
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

    /// A line of the results that cannot be believed, so that nobody knows what it claims.
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

    /// The attachment to be asked for, and how many bytes it should have; nothing where there is
    /// nothing to compare.
    pub fn to_ask(&self) -> Option<(&AttachmentId, Option<u64>)> {
        let claim = self.claim.as_ref()?;
        Some((self.line.attachment_id.as_ref()?, claim.expected.size))
    }

    /// Whether there is an attachment whose bytes can be compared with a digest that the results know.
    pub fn is_worth_a_download(&self) -> bool {
        self.to_ask().is_some() && self.line.expected.sha256.is_some()
    }

    /// Takes what was found out.
    pub fn settle(&mut self, now: Timestamp, compare: impl FnOnce(&Claim) -> Verdict) {
        if let Some(claim) = &self.claim {
            self.line.checked_at = now;
            self.line.settle(compare(claim));
        }
    }

    /// Whether the row speaks against a verification. A row that has left the manifest does so only
    /// by what it claims, or by what it has left without bytes.
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
    /// What a line claims of which the row is done.
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

/// How a row stands that is not done, and what to do where that is urgent.
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
            // The import knew more, where it came to an end.
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

/// The title that the import gave. What it only found has the title that it had, and so has what it
/// replaced or renamed, unless it gave that another title, too.
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

/// The name under which the file was stored.
fn file_name(ledger: &Ledger, entry: &Entry) -> String {
    let chosen = ledger.extra(entry, "file_name");
    let chosen = Some(&*chosen).filter(|name| !name.is_empty());
    name_of(&entry.file_path, chosen).to_owned()
}

#[cfg(test)]
mod tests;
