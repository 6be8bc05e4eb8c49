//! Records of the rows to be sent: their existence, states and attachments. Pure functions;
//! `record_looks` sends the requests.

use std::collections::{BTreeMap, HashMap};

use super::record_forecast::{RecordForecast, StateCount};
use crate::destination::{AttachmentLinkage, ObjectDetails};
use crate::model::{AttachmentId, NamedObject, ObjectRef, ObjectType};
use crate::pipeline::{BatchSurvey, ObjectFinding, PredictedOutcome, RowSurvey};
use crate::results::{Status, StatusReason};

/// Highest number of states counted one by one for each type. A service may have any number of
/// states.
const MAX_STATES_COUNTED: usize = 100;

/// Records of the rows to be sent, each once, in the order of the manifest.
#[derive(Debug, Default)]
pub(super) struct RecordSurvey {
    records: Vec<SurveyedRecord>,
    places: HashMap<ObjectRef, usize>,
}

/// Record of rows to be sent.
#[derive(Debug)]
pub(super) struct SurveyedRecord {
    pub(super) object: ObjectRef,
    /// Number of the rows.
    rows: u64,
    /// Files for which attachments would be made.
    pub(super) new_files: Vec<NewFileSize>,
    sight: RecordSight,
}

/// File of a row for which an attachment would be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NewFileSize {
    pub(super) row: usize,
    /// Size in bytes.
    pub(super) size: u64,
}

/// Record as seen by the dry run.
#[derive(Debug)]
enum RecordSight {
    /// The dry run ended before the record was asked for.
    NotReached,
    /// The record is there.
    Found {
        /// State in the service's word, fit to be shown; `None` where the answer has no state.
        state: Option<String>,
        /// Attachments of the record; `None` where the answer does not tell.
        attachments: Option<Vec<AttachmentId>>,
    },
    /// The service has no such record.
    Missing,
    /// The record could not be read. Holds the cause.
    Unreadable(String),
}

impl RecordSurvey {
    /// Returns the records of all rows to be sent.
    pub(super) fn from_rows(seen: &[BatchSurvey]) -> Self {
        let mut survey = Self::default();
        let rows = seen.iter().flat_map(|batch| &batch.rows);
        for row in rows.filter(|row| sends_file(row)) {
            let records = &mut survey.records;
            let place = *survey.places.entry(row.object).or_insert_with(|| {
                records.push(SurveyedRecord {
                    object: row.object,
                    rows: 0,
                    new_files: Vec::new(),
                    sight: RecordSight::NotReached,
                });
                records.len() - 1
            });
            let record = &mut records[place];
            record.rows += 1;
            if row.predicted_outcome == PredictedOutcome::Create {
                record.new_files.push(NewFileSize {
                    row: row.row,
                    size: row.size,
                });
            }
        }
        survey
    }

    /// Takes records read before, as far as their answers tell enough.
    pub(super) fn take_known(&mut self, known: Vec<ObjectDetails>) {
        for details in known {
            if let Some(place) = self.places.get(&details.object).copied()
                && self.is_enough(place, &details)
            {
                self.take(place, ObjectFinding::Found(details));
            }
        }
    }

    /// Returns the places of the records still to be read, and the queries in the same order.
    pub(super) fn queries(&self) -> (Vec<usize>, Vec<NamedObject>) {
        let records = self.records.iter().enumerate();
        records
            .filter(|(_, record)| matches!(record.sight, RecordSight::NotReached))
            .map(|(place, record)| (place, NamedObject::Known(record.object)))
            .unzip()
    }

    /// True if a record in the answer of a list need not be asked for alone.
    pub(super) fn is_enough(&self, place: usize, shown: &ObjectDetails) -> bool {
        // A list of records may cut what it shows of each sooner than the record's own answer does.
        let is_whole = matches!(shown.attachments, AttachmentLinkage::Listed(_))
            && !shown.attachments.may_be_cut();
        self.records[place].new_files.is_empty() || is_whole
    }

    /// Takes the finding about the record at a place.
    pub(super) fn take(&mut self, place: usize, finding: ObjectFinding) {
        let record = &mut self.records[place];
        record.sight = match finding {
            ObjectFinding::Found(details) if details.object == record.object => {
                RecordSight::Found {
                    state: details.state.redacted().map(str::to_owned),
                    attachments: match details.attachments {
                        // Nobody asks for the attachments later.
                        _ if record.new_files.is_empty() => None,
                        AttachmentLinkage::Listed(attachments) => Some(attachments),
                        AttachmentLinkage::NotReported
                        | AttachmentLinkage::Malformed
                        | AttachmentLinkage::Copying => None,
                    },
                }
            }
            ObjectFinding::Found(other) => {
                RecordSight::Unreadable(format!("the service answers with {}", other.object))
            }
            ObjectFinding::Missing => RecordSight::Missing,
            ObjectFinding::Ambiguous(records) => {
                RecordSight::Unreadable(format!("the service answers with {records} records"))
            }
            ObjectFinding::Unknown(why) => RecordSight::Unreadable(why),
        };
    }

    /// Notes the cause for which no further record is read.
    pub(super) fn give_up(&mut self, why: &str) {
        for record in &mut self.records {
            if let RecordSight::NotReached = record.sight {
                record.sight = RecordSight::Unreadable(why.to_owned());
            }
        }
    }

    /// Predicts the refusal of each new attachment on a missing record. Returns the numbers of the
    /// rows.
    pub(super) fn refuse_rows_without_record(&self, seen: &mut [BatchSurvey]) -> Vec<usize> {
        let mut refused = Vec::new();
        for row in seen.iter_mut().flat_map(|batch| &mut batch.rows) {
            if row.predicted_outcome == PredictedOutcome::Create && self.is_missing(row.object) {
                row.predicted_outcome =
                    PredictedOutcome::NotDone(Status::Failed, StatusReason::Refused);
                row.name_changes.clear();
                refused.push(row.row);
            }
        }
        refused
    }

    /// True if no record is to be looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// True if the service has no such record.
    fn is_missing(&self, object: ObjectRef) -> bool {
        let place = self.places.get(&object);
        place.is_some_and(|place| matches!(self.records[*place].sight, RecordSight::Missing))
    }

    /// Returns the records for which attachments would be made, each with its present attachments;
    /// `None` where the present attachments are not known.
    pub(super) fn records_with_new_files(
        &self,
    ) -> impl Iterator<Item = (&SurveyedRecord, Option<&[AttachmentId]>)> {
        let with_new_files = |record: &&SurveyedRecord| !record.new_files.is_empty();
        self.records
            .iter()
            .filter(with_new_files)
            .filter_map(|record| match &record.sight {
                RecordSight::Found { attachments, .. } => Some((record, attachments.as_deref())),
                RecordSight::NotReached | RecordSight::Missing | RecordSight::Unreadable(_) => None,
            })
    }

    /// Counts the records and their rows.
    pub(super) fn forecast(&self) -> RecordForecast {
        let mut forecast = RecordForecast::default();
        let mut states: BTreeMap<ObjectType, BTreeMap<Option<&str>, u64>> = BTreeMap::new();
        for record in &self.records {
            match &record.sight {
                RecordSight::Found { state, .. } => {
                    forecast.found += 1;
                    let of_type = states.entry(record.object.object_type()).or_default();
                    *of_type.entry(state.as_deref()).or_default() += record.rows;
                }
                RecordSight::Missing => forecast.missing += 1,
                RecordSight::NotReached => forecast.not_read.add(record.rows, None),
                RecordSight::Unreadable(why) => forecast.not_read.add(record.rows, Some(why)),
            }
        }
        for (object_type, of_type) in states {
            let mut counts: Vec<_> = of_type.into_iter().collect();
            counts.sort_by_key(|(state, rows)| (state.is_none(), std::cmp::Reverse(*rows)));
            let uncounted = counts.split_off(counts.len().min(MAX_STATES_COUNTED));
            let counts = counts.into_iter().map(|(state, rows)| StateCount {
                object_type,
                state: state.map(str::to_owned),
                rows,
            });
            forecast.rows_by_state.extend(counts);
            forecast.rows_in_other_states += uncounted.iter().map(|(_, rows)| rows).sum::<u64>();
        }
        forecast
    }
}

/// True if an import would send the file of the row.
fn sends_file(row: &RowSurvey) -> bool {
    match row.predicted_outcome {
        PredictedOutcome::Create
        | PredictedOutcome::SendToBegunRecord
        | PredictedOutcome::Replace { .. }
        | PredictedOutcome::ReplaceUnlessSame => true,
        PredictedOutcome::KeepOtherContent
        | PredictedOutcome::DoneWithoutSending(_)
        | PredictedOutcome::NotDone(..) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::attachment_metadata::Reported;

    fn object(kind: ObjectType, id: usize) -> ObjectRef {
        ObjectRef::parse(kind, &id.to_string()).unwrap()
    }

    /// Returns surveys of rows, numbered from 1.
    fn surveys(rows: &[(ObjectRef, PredictedOutcome)]) -> Vec<BatchSurvey> {
        let rows = (1..)
            .zip(rows)
            .map(|(number, (object, outcome))| RowSurvey {
                new_row_object: None,
                row: number,
                object: *object,
                external_id: format!("A{number}"),
                size: 7,
                predicted_outcome: outcome.clone(),
                name_changes: Vec::new(),
            });
        vec![BatchSurvey {
            rows: rows.collect(),
            initial_look_ups: 0,
        }]
    }

    fn details(
        object: ObjectRef,
        state: Reported,
        attachments: AttachmentLinkage,
    ) -> ObjectDetails {
        ObjectDetails {
            object,
            external_id: Reported::NotReported,
            state,
            attachments,
        }
    }

    fn found(object: ObjectRef, state: Reported, attachments: AttachmentLinkage) -> ObjectFinding {
        ObjectFinding::Found(details(object, state, attachments))
    }

    fn listed(count: usize) -> AttachmentLinkage {
        let ids = (1..=count).map(|id| AttachmentId::parse(&id.to_string()).unwrap());
        AttachmentLinkage::Listed(ids.collect())
    }

    #[test]
    fn only_records_to_which_a_file_would_be_sent_are_looked_at_each_once() {
        use PredictedOutcome::{
            Create, DoneWithoutSending, KeepOtherContent, NotDone, Replace, ReplaceUnlessSame,
            SendToBegunRecord,
        };
        let contract = |id| object(ObjectType::Contract, id);
        let survey = RecordSurvey::from_rows(&surveys(&[
            (contract(9), Create),
            (contract(1), SendToBegunRecord),
            (contract(2), Replace { old_size: 3 }),
            (contract(3), ReplaceUnlessSame),
            (contract(4), KeepOtherContent),
            (contract(5), DoneWithoutSending(Status::Skipped)),
            (
                contract(6),
                NotDone(Status::Conflict, StatusReason::Refused),
            ),
            (contract(9), Create),
        ]));
        let asked = [9, 1, 2, 3].map(|id| NamedObject::Known(contract(id)));
        assert_eq!(survey.queries(), (vec![0, 1, 2, 3], asked.to_vec()));
    }

    #[test]
    fn a_record_read_before_is_read_again_only_where_its_attachments_are_uncertain() {
        let contract = |id| object(ObjectType::Contract, id);
        let rows = [1, 2, 3].map(|id| (contract(id), PredictedOutcome::Create));
        let mut survey = RecordSurvey::from_rows(&surveys(&rows));
        let known = [(1, listed(3)), (2, listed(50)), (4, listed(0))];
        let known = known.map(|(id, linkage)| details(contract(id), Reported::Null, linkage));
        survey.take_known(known.to_vec());
        let asked = [2, 3].map(|id| NamedObject::Known(contract(id)));
        assert_eq!(survey.queries(), (vec![1, 2], asked.to_vec()));
    }

    #[test]
    fn a_list_is_enough_unless_attachments_are_needed_and_uncertain() {
        let contract = |id| object(ObjectType::Contract, id);
        let survey = RecordSurvey::from_rows(&surveys(&[
            (contract(1), PredictedOutcome::Create),
            (contract(2), PredictedOutcome::SendToBegunRecord),
        ]));
        let shown = |linkage| details(contract(1), Reported::Null, linkage);
        for (linkage, is_enough) in [
            (listed(0), true),
            (listed(9), true),
            (listed(10), false),
            (listed(100), false),
            (AttachmentLinkage::NotReported, false),
            (AttachmentLinkage::Malformed, false),
            (AttachmentLinkage::Copying, false),
        ] {
            assert_eq!(survey.is_enough(0, &shown(linkage.clone())), is_enough);
            assert!(survey.is_enough(1, &shown(linkage)));
        }
    }

    #[test]
    fn rows_are_counted_by_type_and_state_and_records_not_looked_at_are_told() {
        let rows: Vec<_> = [1, 1, 2, 3, 4, 5, 6]
            .map(|id| (object(ObjectType::Contract, id), PredictedOutcome::Create))
            .into_iter()
            .chain([1, 2].map(|id| {
                let company = object(ObjectType::SupplierCompany, id);
                (company, PredictedOutcome::Create)
            }))
            .collect();
        let mut seen = surveys(&rows);
        let mut survey = RecordSurvey::from_rows(&seen);
        let state = Reported::from_own_text;
        for (place, reported) in [
            (0, state("in_progress")),
            (1, state("expired")),
            (2, Reported::Null),
            (6, state("approved")),
            (7, state("approved")),
        ] {
            let object = survey.records[place].object;
            survey.take(place, found(object, reported, listed(0)));
        }
        survey.take(3, ObjectFinding::Missing);
        survey.take(4, ObjectFinding::Unknown("status 500".into()));
        assert_eq!(survey.refuse_rows_without_record(&mut seen), [5]);
        assert_eq!(
            seen[0].rows[4].predicted_outcome,
            PredictedOutcome::NotDone(Status::Failed, StatusReason::Refused)
        );
        assert_eq!(
            survey.forecast().for_people(),
            "rows by the state of their record: 2 in_progress contracts, 1 expired, 1 without a \
             state; 2 approved supplier companies; no document says which states refuse \
             attachments\n\
             2 records were not looked at (2 rows): status 500\n"
        );
        assert_eq!(
            serde_json::to_value(survey.forecast()).unwrap()["rows_by_state"][2],
            serde_json::json!({ "object_type": "contract", "state": null, "rows": 1 })
        );
    }

    #[test]
    fn the_answer_about_another_record_is_no_answer() {
        let contract = |id| object(ObjectType::Contract, id);
        let rows = surveys(&[(contract(1), PredictedOutcome::Create)]);
        let mut survey = RecordSurvey::from_rows(&rows);
        survey.take(0, found(contract(2), Reported::Null, listed(0)));
        assert_eq!(
            survey.forecast().for_people(),
            "1 record was not looked at (1 row): the service answers with contract 2\n"
        );
    }
}
