//! Counts of the events of a run, and the work of its phases.

use std::collections::BTreeMap;

use super::human_size;
use crate::destination::BudgetKind;
use crate::event::{ClashFinding, ProofRecordFate, RunEvent};
use crate::results::Status;

/// Counts of the events of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunTally {
    /// API requests.
    pub requests: u64,
    /// API requests without changes.
    pub reads: u64,
    /// Records created.
    pub created: u64,
    /// Records made under throwaway ids.
    pub proof_records_made: u64,
    /// POSTs for such records whose effect is unknown.
    pub proof_records_unknown: u64,
    /// Finding about the service's refusal of a second record; `None` for a run that did not try.
    pub clash_finding: Option<ClashFinding>,
    /// Bytes of files sent, repeated uploads included.
    pub bytes_sent: u64,
    /// Bytes of files received, repeated downloads included.
    pub bytes_received: u64,
    /// Rows or attachments whose state in the service was inspected.
    pub inspected: u64,
    /// Records looked up, found or not.
    pub objects_looked_up: u64,
    /// Answers with status 429.
    pub throttled: u64,
    /// Ended rows, by status.
    pub ended: BTreeMap<Status, u64>,
}

impl RunTally {
    pub(super) fn count_event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RequestEnded(kind) => {
                self.requests += 1;
                self.reads += u64::from(*kind == BudgetKind::Read);
            }
            RunEvent::RecordCreated => self.created += 1,
            RunEvent::ProofRecordRequested => self.proof_records_unknown += 1,
            RunEvent::ProofRecordSettled(fate) => {
                self.proof_records_unknown -= 1;
                self.proof_records_made += u64::from(*fate == ProofRecordFate::Made);
            }
            RunEvent::ClashProofEnded(finding) => self.clash_finding = Some(finding.clone()),
            RunEvent::BytesSent(bytes) => self.bytes_sent += bytes,
            RunEvent::RowEnded { status } => *self.ended.entry(*status).or_default() += 1,
            RunEvent::RowInspected => self.inspected += 1,
            RunEvent::ObjectLookedUp => self.objects_looked_up += 1,
            RunEvent::BytesReceived(bytes) => self.bytes_received += bytes,
            RunEvent::Throttled { .. } => self.throttled += 1,
            RunEvent::BudgetExhausted { .. }
            | RunEvent::ServiceUnavailable { .. }
            | RunEvent::LastRowsUnanswered { .. }
            | RunEvent::ServiceRecovered
            | RunEvent::FilesUnavailable { .. }
            | RunEvent::FilesRecovered
            | RunEvent::FileInUse { .. } => {}
        }
    }

    /// Adds the counts of a later phase of the same run.
    pub fn add_phase(&mut self, later: Self) {
        let Self {
            requests,
            reads,
            created,
            proof_records_made,
            proof_records_unknown,
            clash_finding,
            bytes_sent,
            bytes_received,
            inspected,
            objects_looked_up,
            throttled,
            ended,
        } = later;
        self.requests += requests;
        self.reads += reads;
        self.created += created;
        self.proof_records_made += proof_records_made;
        self.proof_records_unknown += proof_records_unknown;
        self.clash_finding = clash_finding.or(self.clash_finding.take());
        self.bytes_sent += bytes_sent;
        self.bytes_received += bytes_received;
        self.inspected += inspected;
        self.objects_looked_up += objects_looked_up;
        self.throttled += throttled;
        for (status, rows) in ended {
            *self.ended.entry(status).or_default() += rows;
        }
    }

    pub(super) fn rows_gone_through(&self) -> u64 {
        self.ended.values().sum::<u64>() + self.inspected
    }

    /// Bytes sent or received, in words; `None` for a phase without files.
    pub(super) fn bytes_moved_words(&self) -> Option<String> {
        match (self.bytes_received, self.inspected + self.objects_looked_up) {
            (0, 0) => Some(format!("{} sent", human_size(self.bytes_sent))),
            (0, _) => None,
            (bytes, _) => Some(format!("{} received", human_size(bytes))),
        }
    }

    pub(super) fn failed_rows(&self) -> u64 {
        let is_failure = |status: &Status| matches!(status, Status::Failed | Status::Conflict);
        let failed = self.ended.iter().filter(|(status, _)| is_failure(status));
        failed.map(|(_, rows)| rows).sum()
    }
}

/// Work of a phase of a run: the noun for its pieces, and their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Rows to go through.
    Rows(u64),
    /// Records to look up.
    Records(u64),
    /// Attachments to inspect.
    Attachments(u64),
}

impl Workload {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Rows(_) => "row",
            Self::Records(_) => "record",
            Self::Attachments(_) => "attachment",
        }
    }

    pub(super) fn total(self) -> u64 {
        match self {
            Self::Rows(total) | Self::Records(total) | Self::Attachments(total) => total,
        }
    }

    /// Number of pieces whose work has ended.
    pub(super) fn ended(self, tally: &RunTally) -> u64 {
        match self {
            Self::Rows(_) => tally.rows_gone_through(),
            Self::Records(_) => tally.objects_looked_up,
            Self::Attachments(_) => tally.inspected,
        }
    }
}
