//! Words of the command line for the emulator's settings.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cli::values::possible_value;
use crate::emulator::{
    DottedIdRouting, ExternalIdClashStatus, ExternalIdUniqueness, JobFileNaming, PendingLinkage,
    PostAnswerBody, PurgeClock, SizeWithoutBytes, TitleOnRename, UnknownObjectAnswer,
};

/// External ids unique among the attachments of a type of records.
const PER_TYPE: ExternalIdUniqueness = ExternalIdUniqueness::UniquePerType {
    clash_status: ExternalIdClashStatus::Unprocessable422,
};

/// External ids unique among the attachments of a record.
const PER_OBJECT: ExternalIdUniqueness = ExternalIdUniqueness::UniquePerObject {
    clash_status: ExternalIdClashStatus::Unprocessable422,
};

impl ValueEnum for ExternalIdUniqueness {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Unique {
                clash_status: ExternalIdClashStatus::Conflict409,
            },
            Self::Unique {
                clash_status: ExternalIdClashStatus::Unprocessable422,
            },
            PER_TYPE,
            PER_OBJECT,
            Self::NotUnique,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Unique {
                clash_status: ExternalIdClashStatus::Conflict409,
            } => possible_value("409", "Refused as a conflict"),
            Self::Unique {
                clash_status: ExternalIdClashStatus::Unprocessable422,
            } => possible_value("422", "Refused as invalid"),
            Self::UniquePerType { .. } => possible_value(
                "422-in-type",
                "Refused as invalid on records of the same type",
            ),
            Self::UniquePerObject { .. } => {
                possible_value("422-on-record", "Refused as invalid on the same record")
            }
            Self::NotUnique => possible_value("allow", "Taken"),
        })
    }
}

impl ValueEnum for DottedIdRouting {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Routed, Self::NotFound404, Self::RouterPage]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Routed => possible_value("found", "The attachment"),
            Self::NotFound404 => {
                possible_value("404", "404, as of an attachment that is not there")
            }
            Self::RouterPage => possible_value("page", "404, with a web page"),
        })
    }
}

impl ValueEnum for TitleOnRename {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Keep, Self::Derive]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Keep => possible_value("keep", "The title stays"),
            Self::Derive => possible_value("derive", "The title is derived from the file's name"),
        })
    }
}

impl ValueEnum for SizeWithoutBytes {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Null, Self::Zero]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Null => possible_value("null", "Null"),
            Self::Zero => possible_value("0", "Zero"),
        })
    }
}

impl ValueEnum for PurgeClock {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::CreationOrRenewal, Self::Creation]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::CreationOrRenewal => possible_value(
                "bytes",
                "The loss of the record's bytes, if it ever had any",
            ),
            Self::Creation => possible_value("creation", "The record's creation, always"),
        })
    }
}

impl ValueEnum for PendingLinkage {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Shown, Self::LeftOut]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Shown => possible_value("shown", "Shown as all others are"),
            Self::LeftOut => possible_value("left-out", "Left out"),
        })
    }
}

impl ValueEnum for PostAnswerBody {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Job, Self::IdOnly, Self::JobIdOnly, Self::BareId]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Job => possible_value("job", "The whole job, as a read shows the job"),
            Self::IdOnly => possible_value("id", "The job's id, as `id`"),
            Self::JobIdOnly => possible_value("job_id", "The job's id, as `job_id`"),
            Self::BareId => possible_value("text", "The job's id, as a bare text"),
        })
    }
}

impl ValueEnum for JobFileNaming {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::AsGiven, Self::Decomposed, Self::Trimmed]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::AsGiven => possible_value("as-given", "As given"),
            Self::Decomposed => possible_value("nfd", "With accents as separate characters"),
            Self::Trimmed => possible_value("trimmed", "Without superfluous blanks"),
        })
    }
}

impl ValueEnum for UnknownObjectAnswer {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::BadRequest400, Self::FailedJob]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::BadRequest400 => possible_value("400", "Refused, and no job is created"),
            Self::FailedJob => {
                possible_value("failed-job", "The job is created, and fails at its start")
            }
        })
    }
}
