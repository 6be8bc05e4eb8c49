//! Search for attachments uploaded by other means, as far as names and sizes tell: probable copies
//! of the files for their records. Pure functions; `record_looks` sends the requests.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use super::record_survey::{NewFileSize, RecordSurvey, SurveyedRecord};
use crate::destination::attachment_metadata::{AttachmentMetadata, Reported};
use crate::manifest::{Column, Manifest};
use crate::model::{AttachmentId, ObjectId};
use crate::pipeline::{InspectedAttachment, InspectionDepth, InspectionQuery};
use crate::plan::PlannedUpload;
use crate::results::earlier_results::EarlierResults;
use crate::text::{count_with_noun, count_with_noun_and_verb, escape, group_thousands, quoted};

/// Longest list of probable copies; further copies are only counted.
const MAX_COPIES_NAMED: usize = 100;

/// Attachments to be compared with the files for their records.
#[derive(Debug, Default)]
pub(super) struct CopyQueries<'s> {
    queries: Vec<InspectionQuery>,
    /// Record of the query with the same key.
    records: Vec<&'s SurveyedRecord>,
    /// Number of records whose attachments are not known.
    records_unknown: u64,
}

impl<'s> CopyQueries<'s> {
    /// Returns the attachments on all records for which new attachments would be made.
    pub(super) fn from_survey(survey: &'s RecordSurvey) -> Self {
        let mut queries = Self::default();
        for (record, attachments) in survey.records_with_new_files() {
            let Some(attachments) = attachments else {
                queries.records_unknown += 1;
                continue;
            };
            for id in attachments {
                queries.queries.push(InspectionQuery {
                    key: queries.records.len(),
                    id: id.clone(),
                    depth: InspectionDepth::MetadataOnly,
                });
                queries.records.push(record);
            }
        }
        queries
    }

    /// Returns the queries.
    pub(super) fn queries(&self) -> &[InspectionQuery] {
        &self.queries
    }

    /// Returns no findings yet.
    pub(super) fn no_findings(&self) -> CopyFindings {
        CopyFindings {
            records_unknown: self.records_unknown,
            attachments_unknown: self.records.len() as u64,
            ..CopyFindings::default()
        }
    }

    /// Compares the attachment of a query with the files for its record.
    pub(super) fn compare(
        &self,
        key: usize,
        inspected: &InspectedAttachment,
        manifest: &Manifest,
        findings: &mut CopyFindings,
    ) {
        let metadata = match inspected {
            InspectedAttachment::Found(metadata, _) => metadata,
            InspectedAttachment::Absent => {
                findings.attachments_unknown -= 1;
                return;
            }
            InspectedAttachment::Unknown(why) => {
                findings.why_unknown.get_or_insert_with(|| why.clone());
                return;
            }
        };
        findings.attachments_unknown -= 1;
        let (record, id) = (self.records[key], &self.queries[key].id);
        let same_size = |file: &&NewFileSize| metadata.size == Some(file.size);
        for file in record.new_files.iter().filter(same_size) {
            let Ok(row) = manifest.row(file.row - 1).parse() else {
                continue;
            };
            let planned = PlannedUpload {
                external_id: row.external_id.as_str(),
                file_name: row.stored_file_name(),
                title: row.title.as_deref(),
                size: file.size,
            };
            if planned.is_probably_copied_by(metadata) {
                let copy = ProbableCopy::new(record, *file, &row.file_path, id, metadata);
                findings.copies.push(copy);
            }
        }
    }
}

/// Probable copies found so far.
#[derive(Debug, Default)]
pub(super) struct CopyFindings {
    copies: Vec<ProbableCopy>,
    /// Records whose attachments are not known.
    records_unknown: u64,
    /// Number of attachments without an inspection.
    attachments_unknown: u64,
    /// Cause for the first attachment without an inspection; `None` where the dry run ended before.
    why_unknown: Option<String>,
}

/// Attachment, probably a copy of a file of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ProbableCopy {
    row: usize,
    file_path: String,
    object_type: &'static str,
    object_id: ObjectId,
    #[serde(serialize_with = "serialize_id")]
    attachment_id: AttachmentId,
    #[serde(serialize_with = "serialize_redacted")]
    file_name: Reported,
    #[serde(serialize_with = "serialize_redacted")]
    title: Reported,
    /// Size in bytes.
    size: u64,
    #[serde(serialize_with = "serialize_redacted")]
    external_id: Reported,
}

fn serialize_id<S: Serializer>(id: &AttachmentId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}

fn serialize_redacted<S: Serializer>(text: &Reported, serializer: S) -> Result<S::Ok, S::Error> {
    text.redacted().serialize(serializer)
}

impl CopyFindings {
    /// Leaves out the attachments of other rows of the manifest, and of its results.
    pub(super) fn leave_out_own(&mut self, manifest: &Manifest, earlier: &EarlierResults) {
        if self.copies.is_empty() {
            return;
        }
        let mut own_keys = HashSet::new();
        let mut own_ids = HashSet::new();
        {
            let keys: HashSet<&str> = self.copies.iter().filter_map(ProbableCopy::key).collect();
            let ids: HashSet<&AttachmentId> =
                self.copies.iter().map(|copy| &copy.attachment_id).collect();
            let mut note_key = |key: &str| {
                if keys.contains(key) {
                    own_keys.insert(key.to_owned());
                }
            };
            for row in manifest.rows() {
                note_key(row.external_id());
                note_key(row.cell(Column::NewExternalId));
            }
            for external_id in earlier.external_ids() {
                note_key(external_id);
                if let Some(entry) = earlier.latest_entry(external_id) {
                    entry.changes.renamed_to.as_deref().map(&mut note_key);
                    own_ids.extend(entry.attachment_id.filter(|id| ids.contains(id)));
                }
            }
        }
        self.copies.retain(|copy| {
            let is_own_key = copy.key().is_some_and(|key| own_keys.contains(key));
            !is_own_key && !own_ids.contains(&copy.attachment_id)
        });
    }

    /// Counts the copies and lists the first copies, in the order of the manifest.
    pub(super) fn into_forecast(mut self) -> CopyForecast {
        self.copies.sort_by_key(|copy| copy.row);
        let rows: BTreeSet<usize> = self.copies.iter().map(|copy| copy.row).collect();
        let not_listed = self.copies.len().saturating_sub(MAX_COPIES_NAMED) as u64;
        self.copies.truncate(MAX_COPIES_NAMED);
        CopyForecast {
            rows: rows.len() as u64,
            list: self.copies,
            not_listed,
            records_unknown: self.records_unknown,
            attachments_unknown: self.attachments_unknown,
            why_unknown: self.why_unknown,
        }
    }
}

impl ProbableCopy {
    fn new(
        record: &SurveyedRecord,
        file: NewFileSize,
        file_path: &str,
        id: &AttachmentId,
        metadata: &AttachmentMetadata,
    ) -> Self {
        Self {
            row: file.row,
            file_path: file_path.to_owned(),
            object_type: record.object.object_type().as_str(),
            object_id: record.object.id(),
            attachment_id: id.clone(),
            file_name: metadata.file_name.clone(),
            title: metadata.title.clone(),
            size: file.size,
            external_id: metadata.external_id.clone(),
        }
    }

    /// Returns the key of the attachment, for comparison only.
    fn key(&self) -> Option<&str> {
        self.external_id.value()
    }
}

/// Count and list of probable copies. Also a part of the JSON summary.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct CopyForecast {
    /// Number of rows with a probable copy.
    rows: u64,
    list: Vec<ProbableCopy>,
    /// Number of copies beyond the end of the list.
    not_listed: u64,
    /// Records whose attachments are not known.
    records_unknown: u64,
    /// Number of attachments without an inspection.
    attachments_unknown: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_unknown: Option<String>,
}

impl CopyForecast {
    /// Returns the copies as lines for people.
    pub(super) fn for_people(&self) -> String {
        let mut text = String::new();
        if self.rows > 0 {
            let files = count_with_noun_and_verb(self.rows, "file", ["is", "are"]);
            let _ = writeln!(
                text,
                "{files} probably on the record already, uploaded by hand: an attachment has the \
                 same name or title and the same size"
            );
        }
        for copy in &self.list {
            let _ = writeln!(text, "{copy}");
        }
        if self.not_listed > 0 {
            let others = count_with_noun(self.not_listed, "other attachment");
            let _ = writeln!(text, "and {others}");
        }
        if self.rows > 0 {
            text.push_str(
                "to keep such an attachment, write its external_id into the row, or leave the row \
                 out; to attach the file once more, go on\n",
            );
        }
        if self.records_unknown > 0 {
            let records = count_with_noun_and_verb(
                self.records_unknown,
                "record",
                ["does not show its", "do not show their"],
            );
            let _ = writeln!(
                text,
                "{records} attachments, so files uploaded there by hand are not known"
            );
        }
        if self.attachments_unknown > 0 {
            let attachments =
                count_with_noun_and_verb(self.attachments_unknown, "attachment", ["was", "were"]);
            let why = self.why_unknown.as_deref();
            let why = why.map_or_else(String::new, |why| format!(": {}", escape(why)));
            let _ = writeln!(text, "{attachments} not compared with the files{why}");
        }
        text
    }
}

impl fmt::Display for ProbableCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "row {}, file {}: {} {} has attachment {}",
            self.row,
            quoted(&self.file_path),
            self.object_type,
            self.object_id,
            self.attachment_id
        )?;
        for (name, text) in [("file_name", &self.file_name), ("title", &self.title)] {
            if let Some(text) = text.redacted() {
                write!(f, ", {name} {}", quoted(text))?;
            }
        }
        write!(f, ", {} bytes, ", group_thousands(self.size))?;
        match &self.external_id {
            Reported::Text { redacted, .. } => write!(f, "external_id {}", quoted(redacted)),
            Reported::Null => write!(f, "no external_id"),
            Reported::NotReported => write!(f, "external_id not shown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ObjectRef, ObjectType};

    fn copy(row: usize, external_id: Reported) -> ProbableCopy {
        let contract = ObjectRef::parse(ObjectType::Contract, "77").unwrap();
        ProbableCopy {
            row,
            file_path: "scans/5.pdf".to_owned(),
            object_type: contract.object_type().as_str(),
            object_id: contract.id(),
            attachment_id: AttachmentId::parse("4711").unwrap(),
            file_name: Reported::from_own_text("5.pdf"),
            title: Reported::NotReported,
            size: 20_113,
            external_id,
        }
    }

    fn told(findings: CopyFindings) -> String {
        findings.into_forecast().for_people()
    }

    #[test]
    fn each_copy_is_told_with_its_attachment_in_the_order_of_the_manifest() {
        let copies = vec![
            copy(7, Reported::NotReported),
            copy(5, Reported::Null),
            copy(7, Reported::from_own_text("OLD\n7")),
        ];
        let there = "file \"scans/5.pdf\": contract 77 has attachment 4711, file_name \"5.pdf\", 20,113 \
                     bytes,";
        assert_eq!(
            told(CopyFindings {
                copies,
                ..CopyFindings::default()
            }),
            format!(
                "2 files are probably on the record already, uploaded by hand: an attachment has \
                 the same name or title and the same size\n\
                 row 5, {there} no external_id\n\
                 row 7, {there} external_id not shown\n\
                 row 7, {there} external_id \"OLD\\u{{a}}7\"\n\
                 to keep such an attachment, write its external_id into the row, or leave the row \
                 out; to attach the file once more, go on\n"
            )
        );
    }

    #[test]
    fn a_long_list_is_cut_and_all_copies_are_counted() {
        let forecast = CopyFindings {
            copies: (1..=130).map(|row| copy(row, Reported::Null)).collect(),
            ..CopyFindings::default()
        }
        .into_forecast();
        assert_eq!(
            (forecast.rows, forecast.list.len(), forecast.not_listed),
            (130, 100, 30)
        );
        assert!(
            forecast
                .for_people()
                .contains("\nand 30 other attachments\n")
        );
    }

    #[test]
    fn what_could_not_be_looked_at_is_told_once_with_numbers() {
        assert_eq!(
            told(CopyFindings {
                records_unknown: 1,
                attachments_unknown: 3,
                why_unknown: Some("status 500".to_owned()),
                ..CopyFindings::default()
            }),
            "1 record does not show its attachments, so files uploaded there by hand are not known\n\
             3 attachments were not compared with the files: status 500\n"
        );
        assert_eq!(told(CopyFindings::default()), "");
    }
}
