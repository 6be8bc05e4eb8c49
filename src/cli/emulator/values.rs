//! Words of the command line for the emulator's settings.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cli::values::word;
use crate::emulator::{
    Clash, DottedIds, EmptySizes, ExternalIds, FileNames, PostBody, PurgeClock, Titles, UnknownAs,
};

impl ValueEnum for ExternalIds {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Unique {
                clash: Clash::Conflict409,
            },
            Self::Unique {
                clash: Clash::Unprocessable422,
            },
            Self::NotUnique,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Unique {
                clash: Clash::Conflict409,
            } => word("409", "Refused as a conflict"),
            Self::Unique {
                clash: Clash::Unprocessable422,
            } => word("422", "Refused as invalid"),
            Self::NotUnique => word("allow", "Taken"),
        })
    }
}

impl ValueEnum for DottedIds {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Routed, Self::NotFound404, Self::RouterPage]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Routed => word("found", "It leads to the attachment"),
            Self::NotFound404 => word("404", "404, as of an attachment that is not there"),
            Self::RouterPage => word("page", "404, with a web page"),
        })
    }
}

impl ValueEnum for Titles {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Keep, Self::Derive]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Keep => word("keep", "It stays"),
            Self::Derive => word("derive", "It is derived from the file's name"),
        })
    }
}

impl ValueEnum for EmptySizes {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Null, Self::Zero]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Null => word("null", "Null"),
            Self::Zero => word("0", "Zero"),
        })
    }
}

impl ValueEnum for PurgeClock {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::LastBytes, Self::Creation]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::LastBytes => word("bytes", "From when it lost its bytes, if it ever had any"),
            Self::Creation => word("creation", "From its creation"),
        })
    }
}

impl ValueEnum for PostBody {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Job, Self::IdOnly, Self::JobIdOnly, Self::BareId]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Job => word("job", "All that a read tells"),
            Self::IdOnly => word("id", "Its id, as `id`"),
            Self::JobIdOnly => word("job_id", "Its id, as `job_id`"),
            Self::BareId => word("text", "Its id, as a text that stands by itself"),
        })
    }
}

impl ValueEnum for FileNames {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::AsGiven, Self::Decomposed, Self::Trimmed]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::AsGiven => word("as-given", "As they were called"),
            Self::Decomposed => word("nfd", "With accents as characters of their own"),
            Self::Trimmed => word("trimmed", "Without superfluous blanks"),
        })
    }
}

impl ValueEnum for UnknownAs {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::BadRequest400, Self::FailedJob]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::BadRequest400 => word("400", "Refused, and no job is created"),
            Self::FailedJob => word("failed-job", "Created, and failed at its start"),
        })
    }
}
