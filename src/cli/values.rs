//! The words of the command line for choices that are types of other modules, which know no clap.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::config::{TenantEnvironment, TenantRegion};

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

fn word(name: &'static str, help: &'static str) -> PossibleValue {
    PossibleValue::new(name).help(help)
}
