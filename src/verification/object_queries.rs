//! Records to be asked for their attachments, and the verdicts about rows from the answers. Pure
//! functions; `pipeline::find_objects` sends the requests.

use std::collections::HashMap;

use jiff::Timestamp;

use super::object_proof::{ObjectVerdict, UnprovenCause, is_enough, judge_linkage};
use super::row::{AttachmentToPlace, VerificationRow};
use crate::destination::{AttachmentLinkage, ObjectDetails};
use crate::model::{AttachmentId, NamedObject, ObjectRef, ProcurementService};
use crate::pipeline::ObjectFinding;

/// Distinct records of rows, each with the attachments wanted on the record.
#[derive(Debug, Default)]
pub struct ObjectQueries {
    records: Vec<NamedObject>,
    /// Attachments wanted on the record at the same place.
    wanted: Vec<Vec<AttachmentId>>,
    places: HashMap<ObjectRef, usize>,
    /// Record which the results claim for an attachment.
    claimed: HashMap<AttachmentId, ObjectRef>,
}

impl ObjectQueries {
    /// Returns the records of all attachments which `service` has shown, in the order of the rows.
    pub fn from_rows(rows: &[VerificationRow], service: ProcurementService) -> Self {
        let mut queries = Self::default();
        let attachments = rows.iter().filter_map(VerificationRow::attachment_to_place);
        for AttachmentToPlace { id, claimed, .. } in attachments {
            let Ok(object) = claimed else { continue };
            if object.object_type().service() != service {
                continue;
            }
            let place = *queries.places.entry(object).or_insert_with(|| {
                queries.records.push(NamedObject::Known(object));
                queries.wanted.push(Vec::new());
                queries.records.len() - 1
            });
            queries.wanted[place].push(id.clone());
            queries.claimed.insert(id.clone(), object);
        }
        queries
    }

    /// Returns the records, each once.
    pub fn records(&self) -> &[NamedObject] {
        &self.records
    }

    /// True if the record at `place`, as a list of records shows it, need not be asked for alone.
    pub fn is_enough(&self, place: usize, shown: &ObjectDetails) -> bool {
        is_enough(&shown.attachments, &self.wanted[place])
    }

    /// Returns the verdict about an attachment.
    fn judge(
        &self,
        wanted: AttachmentToPlace<'_>,
        answers: &ObjectAnswers,
    ) -> (ObjectVerdict, Option<Timestamp>) {
        let nameless = |fault| ObjectVerdict::Unknown {
            claimed: None,
            cause: UnprovenCause::NoRecordNamed(fault),
        };
        let claimed = match wanted.claimed {
            Ok(object) => object,
            Err(fault) => return (nameless(fault.clone()), None),
        };
        let Some(place) = self.places.get(&claimed) else {
            let fault = format!("the service has no {}", claimed.object_type());
            return (nameless(fault), None);
        };
        let unknown = |cause| ObjectVerdict::Unknown {
            claimed: Some(claimed),
            cause,
        };
        let Some((answered_at, finding)) = &answers.findings[*place] else {
            return (unknown(UnprovenCause::NotReached), None);
        };
        let verdict = match finding {
            ObjectFinding::Found(found) if found.object == claimed => judge_linkage(
                claimed,
                &found.attachments,
                wanted.id,
                wanted.bytes,
                answers.elsewhere.get(wanted.id).copied(),
            ),
            ObjectFinding::Found(other) => unknown(UnprovenCause::NotReadable(format!(
                "the service answers with {}",
                other.object
            ))),
            ObjectFinding::Missing => unknown(UnprovenCause::RecordGone),
            ObjectFinding::Ambiguous(records) => unknown(UnprovenCause::NotReadable(format!(
                "the service answers with {records} records"
            ))),
            ObjectFinding::Unknown(why) => unknown(UnprovenCause::NotReadable(why.clone())),
        };
        (verdict, Some(*answered_at))
    }
}

/// Answers about records, at the places of [`ObjectQueries::records`].
#[derive(Debug)]
pub struct ObjectAnswers {
    findings: Vec<Option<(Timestamp, ObjectFinding)>>,
    /// Records on which an answer shows an attachment, other than the record which the results
    /// claim for the attachment.
    elsewhere: HashMap<AttachmentId, ObjectRef>,
}

impl ObjectAnswers {
    /// Returns no answer to each of the queries.
    pub fn none_yet(queries: &ObjectQueries) -> Self {
        Self {
            findings: queries.records.iter().map(|_| None).collect(),
            elsewhere: HashMap::new(),
        }
    }

    /// Takes the answer which came at `now`.
    pub fn take(
        &mut self,
        queries: &ObjectQueries,
        place: usize,
        now: Timestamp,
        finding: ObjectFinding,
    ) {
        if let ObjectFinding::Found(found) = &finding {
            self.note_shown(queries, found);
        }
        self.findings[place] = Some((now, finding));
    }

    /// Notes which attachments of the queries hang on a record, queried or not, which the results
    /// do not claim for the attachment.
    pub fn note_shown(&mut self, queries: &ObjectQueries, shown: &ObjectDetails) {
        let AttachmentLinkage::Listed(listed) = &shown.attachments else {
            return;
        };
        for id in listed {
            let claimed = queries.claimed.get(id);
            if claimed.is_some_and(|claimed| *claimed != shown.object) {
                self.elsewhere.entry(id.clone()).or_insert(shown.object);
            }
        }
    }

    /// Number of records with an answer.
    pub fn count(&self) -> u64 {
        self.findings.iter().flatten().count() as u64
    }

    /// Records the verdicts about all rows whose attachment the service has shown.
    pub fn settle_rows(&self, queries: &ObjectQueries, rows: &mut [VerificationRow]) {
        for row in rows {
            let Some(wanted) = row.attachment_to_place() else {
                continue;
            };
            let (verdict, answered_at) = queries.judge(wanted, self);
            row.record_object_verdict(verdict, answered_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::attachment_metadata::Reported;
    use crate::model::ObjectType;
    use crate::verification::compare::{AttachmentClaim, ClaimComparison, KeySource};
    use crate::verification::row::{AwaitedBytes, VerificationRun};
    use crate::verification::{ContentFacts, DownloadScope, ObjectProof, VerificationOutcome};

    fn contract(id: &str) -> ObjectRef {
        ObjectRef::parse(ObjectType::Contract, id).unwrap()
    }

    fn attachment(id: usize) -> AttachmentId {
        AttachmentId::parse(&id.to_string()).unwrap()
    }

    /// Returns a row whose attachment has the row's number, after the inspection of the attachment.
    fn row(
        number: usize,
        object: Result<ObjectRef, String>,
        outcome: VerificationOutcome,
    ) -> VerificationRow {
        let run = VerificationRun {
            started_at: Timestamp::UNIX_EPOCH,
            download: DownloadScope::None,
            destination: "here".into(),
        };
        let mut row = VerificationRow::from_damaged_line("A", String::new(), &run);
        row.line.row = Some(number);
        row.line.attachment_id = Some(attachment(number));
        row.claim = Some(AttachmentClaim {
            external_id: "A".into(),
            key_source: KeySource::Creator,
            title: None,
            file_name: "a.pdf".into(),
            object,
            expected: ContentFacts::default(),
        });
        assert_eq!(row.awaited_bytes, AwaitedBytes::None);
        row.record_comparison(Timestamp::UNIX_EPOCH, |_| ClaimComparison {
            outcome,
            found: ContentFacts::default(),
            message: String::new(),
        });
        row
    }

    fn matching(number: usize, object: &str) -> VerificationRow {
        row(number, Ok(contract(object)), VerificationOutcome::Match)
    }

    fn found(object: &str, attachments: &[usize]) -> ObjectFinding {
        ObjectFinding::Found(ObjectDetails {
            object: contract(object),
            external_id: Reported::NotReported,
            state: Reported::NotReported,
            attachments: AttachmentLinkage::Listed(
                attachments.iter().copied().map(attachment).collect(),
            ),
        })
    }

    /// Settles the rows with an answer to each query in turn. Returns the outcomes, proofs and
    /// messages.
    fn settle(
        mut rows: Vec<VerificationRow>,
        findings: Vec<Option<ObjectFinding>>,
    ) -> Vec<(VerificationOutcome, ObjectProof, String)> {
        let queries = ObjectQueries::from_rows(&rows, ProcurementService::Workday);
        assert_eq!(queries.records().len(), findings.len(), "{queries:?}");
        let mut answers = ObjectAnswers::none_yet(&queries);
        for (place, finding) in findings.into_iter().enumerate() {
            if let Some(finding) = finding {
                answers.take(&queries, place, Timestamp::MAX, finding);
            }
        }
        answers.settle_rows(&queries, &mut rows);
        let lines = rows.into_iter().map(|row| row.line);
        lines
            .map(|line| (line.outcome, line.object, line.message))
            .collect()
    }

    #[test]
    fn each_record_is_asked_for_once_and_only_for_attachments_that_are_there() {
        let rows = [
            matching(1, "7"),
            row(2, Ok(contract("9")), VerificationOutcome::Missing),
            matching(3, "8"),
            matching(4, "7"),
            row(
                5,
                Err("object_id is empty".into()),
                VerificationOutcome::Match,
            ),
        ];
        let queries = ObjectQueries::from_rows(&rows, ProcurementService::Workday);
        let records = ["7", "8"].map(|id| NamedObject::Known(contract(id)));
        assert_eq!(queries.records(), records);
        let shows = |object, attachments: &[usize]| match found(object, attachments) {
            ObjectFinding::Found(details) => details,
            other => panic!("{other:?}"),
        };
        assert!(queries.is_enough(0, &shows("7", &[1, 4])));
        assert!(!queries.is_enough(0, &shows("7", &[1])));
        assert!(queries.is_enough(1, &shows("8", &[1, 3])));
    }

    #[test]
    fn an_attachment_on_another_record_is_named_with_the_record_where_an_answer_shows_it() {
        let rows = vec![matching(1, "7"), matching(2, "8"), matching(3, "8")];
        let settled = settle(rows, vec![Some(found("7", &[])), Some(found("8", &[1, 2]))]);
        let ending = |object| {
            format!(
                "; to attach the file to contract {object}, import it there under a new external_id"
            )
        };
        assert_eq!(
            settled,
            [
                (
                    VerificationOutcome::OtherObject,
                    ObjectProof::OtherObject,
                    "attachment 1 hangs on contract 8, not on contract 7: find out which record is \
                     right"
                        .to_owned() + &ending(7),
                ),
                (
                    VerificationOutcome::Match,
                    ObjectProof::Proven,
                    String::new()
                ),
                (
                    VerificationOutcome::OtherObject,
                    ObjectProof::OtherObject,
                    "attachment 3 is not on contract 8: verify again later if it was attached just \
                     now, else find out where it hangs"
                        .to_owned() + &ending(8),
                ),
            ]
        );
    }

    #[test]
    fn a_record_without_a_clear_answer_proves_nothing_and_the_row_says_why() {
        for (finding, message) in [
            (
                None,
                "the verification ended before contract 7 was asked for its attachments",
            ),
            (
                Some(ObjectFinding::Missing),
                "contract 7 does not exist any more: find out who removed it",
            ),
            (
                Some(ObjectFinding::Ambiguous(2)),
                "contract 7 could not be read: the service answers with 2 records",
            ),
            (
                Some(ObjectFinding::Unknown("status 500".into())),
                "contract 7 could not be read: status 500",
            ),
            (
                Some(found("8", &[1])),
                "contract 7 could not be read: the service answers with contract 8",
            ),
        ] {
            let settled = settle(vec![matching(1, "7")], vec![finding]);
            let expected = (
                VerificationOutcome::Error,
                ObjectProof::Unknown,
                message.to_owned(),
            );
            assert_eq!(settled, [expected]);
        }
    }

    #[test]
    fn a_row_that_names_no_record_of_the_service_says_so_and_asks_for_nothing() {
        let event = ObjectRef::parse(
            ObjectType::SourcingEvent,
            "0190c0de-0000-7000-8000-000000000001",
        );
        for (object, message) in [
            (
                Err("object_id is empty".to_owned()),
                "the results name no record: object_id is empty",
            ),
            (
                Ok(event.unwrap()),
                "the results name no record: the service has no sourcing_event",
            ),
        ] {
            let settled = settle(vec![row(1, object, VerificationOutcome::Match)], Vec::new());
            let expected = (
                VerificationOutcome::Error,
                ObjectProof::Unknown,
                message.to_owned(),
            );
            assert_eq!(settled, [expected]);
        }
    }
}
