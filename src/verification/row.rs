//! One row of the results on its way through a verification: what it claims, and what has been
//! found of that so far.

use jiff::Timestamp;

use super::compare::{Claim, Verdict};
use super::{Checked, Download, Facts, LocalFile, Outcome};
use crate::manifest::name_of;
use crate::model::{AttachmentId, Content};
use crate::results::ledger::Ledger;
use crate::results::{Entry, Status};

/// A row of the results.
#[derive(Debug, Clone)]
pub struct Row {
    /// The line of the verification file, as far as it is known.
    pub line: Checked,
    /// What there is to compare; nothing where the results do not claim that the row is done.
    pub claim: Option<Claim>,
    /// The file that was imported.
    pub file: Option<(String, Content)>,
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
            checked_at: self.began,
            download: self.download,
            local_file: LocalFile::NotCompared,
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
        if !entry.status.is_done() {
            line.message = match entry.reason.as_str() {
                "" => format!("the row is {}", entry.status),
                reason => format!("the row is {}, {reason}", entry.status),
            };
            return Self {
                line,
                claim: None,
                file: None,
            };
        }
        line.settle(Verdict::unknown(match &line.attachment_id {
            Some(_) => "the verification ended before it came to this row",
            None => "the results name no attachment",
        }));
        Self {
            claim: Some(Claim {
                external_id: entry.external_id.clone(),
                title: title(ledger, entry),
                file_name: file_name(ledger, entry),
                expected: line.expected,
            }),
            file: entry
                .known
                .content()
                .map(|content| (entry.file_path.clone(), content)),
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
            file: None,
        }
    }

    /// The attachment to be asked for, and how many bytes it should have; nothing where there is
    /// nothing to compare.
    pub fn to_ask(&self) -> Option<(&AttachmentId, Option<u64>)> {
        let claim = self.claim.as_ref()?;
        Some((self.line.attachment_id.as_ref()?, claim.expected.size))
    }

    /// Takes what was found out.
    pub fn settle(&mut self, now: Timestamp, compare: impl FnOnce(&Claim) -> Verdict) {
        if let Some(claim) = &self.claim {
            self.line.checked_at = now;
            self.line.settle(compare(claim));
        }
    }

    /// Whether the row speaks against a verification. A row that has left the manifest does so only
    /// by what it claims.
    pub fn is_objection(&self) -> bool {
        match self.line.outcome {
            Outcome::Match => false,
            Outcome::NotDone => self.line.row.is_some(),
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

/// The title that the import gave. What was there already has the title that it had.
fn title(ledger: &Ledger, entry: &Entry) -> Option<String> {
    if entry.status == Status::Skipped {
        return None;
    }
    Some(ledger.extra(entry, "title")).filter(|title| !title.is_empty())
}

/// The name under which the file was stored.
fn file_name(ledger: &Ledger, entry: &Entry) -> String {
    let chosen = ledger.extra(entry, "file_name");
    let chosen = Some(&*chosen).filter(|name| !name.is_empty());
    name_of(&entry.file_path, chosen).to_owned()
}

#[cfg(test)]
mod tests;
