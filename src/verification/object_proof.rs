//! Proof that an attachment hangs on the record of its row, from the record's own answer. Pure
//! functions.
//!
//! No answer about an attachment shows its record (the vendor's schema of attachments has no
//! relationships). Answers about contracts, events, projects and suppliers list the attachments in
//! `relationships.attachments` (documented).

use std::collections::HashSet;

use crate::destination::AttachmentLinkage;
use crate::model::{AttachmentId, ObjectRef};
use crate::text::escape;

/// Proof for the record of a row's attachment, as the verification file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ObjectProof {
    /// The record was not asked for: the user did not want it, the row claims no attachment, or the
    /// attachment was not found.
    #[default]
    NotAskedFor,
    /// The record lists the attachment.
    Proven,
    /// The record's own answer lists attachments, and not the row's.
    OtherObject,
    /// The record was not read, or its answer proves nothing.
    Unknown,
}

impl ObjectProof {
    /// Every proof.
    pub const ALL: [Self; 4] = [
        Self::NotAskedFor,
        Self::Proven,
        Self::OtherObject,
        Self::Unknown,
    ];

    /// Word in the verification file; empty for a record which was not asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAskedFor => "",
            Self::Proven => "proven",
            Self::OtherObject => "other",
            Self::Unknown => "unknown",
        }
    }
}

/// Verdict about the record of a row's attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectVerdict {
    /// The record lists the attachment.
    Proven,
    /// The record's own answer lists attachments, and not the row's.
    OtherObject {
        /// Attachment of the row.
        attachment: AttachmentId,
        /// Record which the results claim.
        claimed: ObjectRef,
        /// Record whose answer lists the attachment, if an answer of the same run does.
        shown_on: Option<ObjectRef>,
    },
    /// Nothing is proven.
    Unknown {
        /// Record which the results claim; `None` where the results name no record.
        claimed: Option<ObjectRef>,
        /// Cause of the lack of proof.
        cause: UnprovenCause,
    },
}

/// Cause for which nothing is proven about the record of an attachment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnprovenCause {
    /// The results name no record. Holds the fault of the cells, as a clause.
    NoRecordNamed(String),
    /// The service has no record with this id.
    RecordGone,
    /// The record could not be read. Holds the cause.
    NotReadable(String),
    /// The answer does not mention attachments.
    NotMentioned,
    /// The answer mentions attachments in an unknown form.
    UnknownForm,
    /// The service still copies attachments to the record.
    StillCopied,
    /// The record lists so many attachments that the list may have been cut.
    MayBeCut(usize),
    /// The record does not list the attachment, which has no bytes.
    WithoutBytes,
    /// The verification ended before the record was asked for.
    NotReached,
}

/// Bytes of an attachment at the service, as far as the service lists attachments without bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BytesAtService {
    /// The attachment has bytes.
    Stored,
    /// The attachment has no bytes. No document says if records list such attachments.
    None,
}

/// True if a record as a list of records shows it proves where all `wanted` attachments hang. Else
/// the record is asked for alone.
pub fn is_enough(linkage: &AttachmentLinkage, wanted: &[AttachmentId]) -> bool {
    let AttachmentLinkage::Listed(listed) = linkage else {
        return false;
    };
    // A list of records may cut what it shows of each sooner than the record's own answer does.
    if linkage.may_be_cut() {
        return false;
    }
    let listed: HashSet<&AttachmentId> = listed.iter().collect();
    wanted.iter().all(|id| listed.contains(id))
}

/// Judges the record's own answer about an attachment of a row. `shown_on` is another record whose
/// answer lists the attachment.
pub fn judge_linkage(
    claimed: ObjectRef,
    linkage: &AttachmentLinkage,
    id: &AttachmentId,
    bytes: BytesAtService,
    shown_on: Option<ObjectRef>,
) -> ObjectVerdict {
    let cause = match linkage {
        AttachmentLinkage::Listed(listed) if listed.contains(id) => return ObjectVerdict::Proven,
        AttachmentLinkage::Listed(listed) if linkage.may_be_cut() => {
            UnprovenCause::MayBeCut(listed.len())
        }
        AttachmentLinkage::Listed(_) if bytes == BytesAtService::None => {
            UnprovenCause::WithoutBytes
        }
        AttachmentLinkage::Listed(_) => {
            return ObjectVerdict::OtherObject {
                attachment: id.clone(),
                claimed,
                shown_on,
            };
        }
        AttachmentLinkage::NotReported => UnprovenCause::NotMentioned,
        AttachmentLinkage::Malformed => UnprovenCause::UnknownForm,
        AttachmentLinkage::Copying => UnprovenCause::StillCopied,
    };
    ObjectVerdict::Unknown {
        claimed: Some(claimed),
        cause,
    }
}

impl ObjectVerdict {
    /// Returns the word for the verification file.
    pub fn proof(&self) -> ObjectProof {
        match self {
            Self::Proven => ObjectProof::Proven,
            Self::OtherObject { .. } => ObjectProof::OtherObject,
            Self::Unknown { .. } => ObjectProof::Unknown,
        }
    }

    /// Returns the finding and the remedy, for people; `None` where nothing is wrong.
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Proven => None,
            Self::OtherObject {
                attachment,
                claimed,
                shown_on,
            } => {
                let (place, first_step) = match shown_on {
                    Some(other) => (
                        format!("hangs on {other}, not on {claimed}"),
                        "find out which record is right",
                    ),
                    None => (
                        format!("is not on {claimed}"),
                        "verify again later if it was attached just now, else find out where it hangs",
                    ),
                };
                Some(format!(
                    "attachment {attachment} {place}: {first_step}; to attach the file to {claimed}, \
                     import it there under a new external_id"
                ))
            }
            Self::Unknown { claimed, cause } => {
                let record = claimed.map(|object| object.to_string());
                Some(cause.to_words(record.as_deref().unwrap_or("the record")))
            }
        }
    }
}

impl UnprovenCause {
    /// Returns the word for scripts.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoRecordNamed(_) => "no_record_named",
            Self::RecordGone => "record_gone",
            Self::NotReadable(_) => "not_readable",
            Self::NotMentioned => "not_mentioned",
            Self::UnknownForm => "unknown_form",
            Self::StillCopied => "still_copied",
            Self::MayBeCut(_) => "may_be_cut",
            Self::WithoutBytes => "without_bytes",
            Self::NotReached => "not_reached",
        }
    }

    /// Returns the cause and the remedy as a clause about `record`.
    pub fn to_words(&self, record: &str) -> String {
        match self {
            Self::NoRecordNamed(fault) => format!("the results name no record: {fault}"),
            Self::RecordGone => {
                format!("{record} does not exist any more: find out who removed it")
            }
            Self::NotReadable(why) => format!("{record} could not be read: {}", escape(why)),
            Self::NotMentioned => format!(
                "{record} does not mention its attachments in its answer: look at it in the service"
            ),
            Self::UnknownForm => format!(
                "{record} lists its attachments in an unknown form: look at it in the service"
            ),
            Self::StillCopied => format!(
                "the service still copies attachments to {record}: run verify --objects again later"
            ),
            Self::MayBeCut(length) => format!(
                "{record} lists exactly {length} attachments and not this one, and no document says \
                 if long lists are cut: look at it in the service"
            ),
            Self::WithoutBytes => format!(
                "{record} does not list the attachment, and no document says if records list \
                 attachments without bytes"
            ),
            Self::NotReached => {
                format!("the verification ended before {record} was asked for its attachments")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::LENGTHS_OF_CUT_LISTS;
    use crate::model::ObjectType;

    fn contract(id: &str) -> ObjectRef {
        ObjectRef::parse(ObjectType::Contract, id).unwrap()
    }

    fn id(number: usize) -> AttachmentId {
        AttachmentId::parse(&number.to_string()).unwrap()
    }

    /// Returns a list of the attachments 1 to `length`.
    fn listed(length: usize) -> AttachmentLinkage {
        AttachmentLinkage::Listed((1..=length).map(id).collect())
    }

    #[test]
    fn a_list_is_enough_where_it_shows_every_wanted_attachment_and_was_not_cut() {
        for (linkage, wanted, enough) in [
            (listed(3), vec![1, 3], true),
            (listed(3), vec![1, 4], false),
            (listed(0), vec![1], false),
            (listed(9), vec![1], true),
            (listed(10), vec![1], false),
            (listed(25), vec![1], false),
            (listed(50), vec![1], false),
            (listed(99), vec![1], true),
            (listed(100), vec![1], false),
            (listed(101), vec![1], true),
            (AttachmentLinkage::NotReported, vec![1], false),
            (AttachmentLinkage::Malformed, vec![1], false),
            (AttachmentLinkage::Copying, vec![1], false),
        ] {
            let wanted: Vec<_> = wanted.into_iter().map(id).collect();
            assert_eq!(
                is_enough(&linkage, &wanted),
                enough,
                "{linkage:?} {wanted:?}"
            );
        }
    }

    #[test]
    fn the_records_own_answer_proves_only_what_it_lists_and_refutes_only_by_a_whole_list() {
        use BytesAtService::{None as Bytesless, Stored};
        let unknown = |cause| ObjectVerdict::Unknown {
            claimed: Some(contract("7")),
            cause,
        };
        let other = ObjectVerdict::OtherObject {
            attachment: id(2),
            claimed: contract("7"),
            shown_on: None,
        };
        for (linkage, bytes, verdict) in [
            (listed(3), Stored, ObjectVerdict::Proven),
            (listed(10), Stored, ObjectVerdict::Proven),
            (listed(3), Bytesless, ObjectVerdict::Proven),
            (listed(1), Stored, other.clone()),
            (listed(0), Stored, other),
            (listed(0), Bytesless, unknown(UnprovenCause::WithoutBytes)),
            (
                AttachmentLinkage::NotReported,
                Stored,
                unknown(UnprovenCause::NotMentioned),
            ),
            (
                AttachmentLinkage::Malformed,
                Stored,
                unknown(UnprovenCause::UnknownForm),
            ),
            (
                AttachmentLinkage::Copying,
                Stored,
                unknown(UnprovenCause::StillCopied),
            ),
        ] {
            let found = judge_linkage(contract("7"), &linkage, &id(2), bytes, None);
            assert_eq!(found, verdict, "{linkage:?} {bytes:?}");
        }
        for length in LENGTHS_OF_CUT_LISTS {
            let found = judge_linkage(contract("7"), &listed(length), &id(1_000), Stored, None);
            assert_eq!(found, unknown(UnprovenCause::MayBeCut(length)));
        }
    }

    #[test]
    fn a_message_names_the_records_and_what_to_do() {
        let elsewhere = |shown_on| ObjectVerdict::OtherObject {
            attachment: id(12),
            claimed: contract("7"),
            shown_on,
        };
        let may_be_cut = ObjectVerdict::Unknown {
            claimed: Some(contract("7")),
            cause: UnprovenCause::MayBeCut(50),
        };
        for (verdict, message) in [
            (
                elsewhere(Some(contract("8"))),
                "attachment 12 hangs on contract 8, not on contract 7: find out which record is \
                 right; to attach the file to contract 7, import it there under a new external_id",
            ),
            (
                elsewhere(None),
                "attachment 12 is not on contract 7: verify again later if it was attached just now, \
                 else find out where it hangs; to attach the file to contract 7, import it there \
                 under a new external_id",
            ),
            (
                may_be_cut,
                "contract 7 lists exactly 50 attachments and not this one, and no document says if \
                 long lists are cut: look at it in the service",
            ),
        ] {
            assert_eq!(verdict.message().as_deref(), Some(message));
        }
        assert_eq!(ObjectVerdict::Proven.message(), None);
    }
}
