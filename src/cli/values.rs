//! Words of the command line for values of types in other modules, which know no clap.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::config::{SummaryForm, TenantEnvironment, TenantRegion};
use crate::model::LookUpPolicy;
use crate::plan::ConflictPolicy;

impl ValueEnum for TenantRegion {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Us, Self::Eu, Self::Ca]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Us => possible_value("us", "United States"),
            Self::Eu => possible_value("eu", "Europe"),
            Self::Ca => possible_value("ca", "Canada"),
        })
    }
}

impl ValueEnum for TenantEnvironment {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Production, Self::Sandbox]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Production => possible_value("production", "The company's real environment"),
            Self::Sandbox => possible_value("sandbox", "The company's environment for trials"),
        })
    }
}

impl ValueEnum for ConflictPolicy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Fail, Self::Skip, Self::Replace]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Fail => possible_value(
                "fail",
                "The attachment stays, and the row ends as a conflict",
            ),
            Self::Skip => possible_value("skip", "The attachment stays, and the row is done"),
            Self::Replace => possible_value(
                "replace",
                "The attachment gets the content of the row's file; needs --backup or --no-backup",
            ),
        })
    }
}

impl ValueEnum for LookUpPolicy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Each, Self::OnClash]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Each => possible_value("each", "Each row is looked up first"),
            Self::OnClash => possible_value(
                "on-clash",
                "New rows are looked up only when the service refuses them, once the run has proven \
                 that it refuses an external_id in use",
            ),
        })
    }
}

impl ValueEnum for SummaryForm {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Human, Self::Json]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Human => possible_value("human", "Lines for people"),
            Self::Json => possible_value("json", "One JSON object for scripts"),
        })
    }
}

pub(super) fn possible_value(name: &'static str, help: &'static str) -> PossibleValue {
    PossibleValue::new(name).help(help)
}
