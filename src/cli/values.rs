//! Words of the command line for values of types in other modules, which know no clap.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::config::{SummaryForm, TenantEnvironment, TenantRegion};
use crate::plan::OnConflict;

impl ValueEnum for TenantRegion {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Us, Self::Eu, Self::Ca]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Us => word("us", "United States"),
            Self::Eu => word("eu", "Europe"),
            Self::Ca => word("ca", "Canada"),
        })
    }
}

impl ValueEnum for TenantEnvironment {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Production, Self::Sandbox]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Production => word("production", "The real one"),
            Self::Sandbox => word("sandbox", "The one to try in"),
        })
    }
}

impl ValueEnum for OnConflict {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Fail, Self::Skip, Self::Replace]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Fail => word("fail", "It stays, and the row ends as a conflict"),
            Self::Skip => word("skip", "It stays, and the row is done"),
            Self::Replace => word(
                "replace",
                "It gets the content of the row's file; needs --backup or --no-backup",
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
            Self::Human => word("human", "Lines for people"),
            Self::Json => word("json", "One JSON object for scripts"),
        })
    }
}

pub(super) fn word(name: &'static str, help: &'static str) -> PossibleValue {
    PossibleValue::new(name).help(help)
}
