//! Columns named by the user: headings in the house's own words, and values for all rows.
//!
//! The options are judged here as far as possible without a manifest. `header` applies the columns
//! to the headings of a file.

use std::fmt;

use super::cell_rules;
use super::column::Column;
use super::heading::{normalise_heading, without_line_breaks};
use super::problem::ProblemKind;
use crate::model::ObjectType;
use crate::text::{CommandShell, nearest_word, quoted};

/// Heading under which a manifest has a known column, as `--column COLUMN=HEADING` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnHeading {
    /// Known column.
    pub column: Column,
    /// Heading as typed. Headings are compared in the spelling of `normalise_heading`.
    pub heading: String,
}

impl ColumnHeading {
    /// Parses `COLUMN=HEADING`. Fails for an unknown column and for an empty heading.
    pub fn parse(text: &str) -> Result<Self, InvalidColumnOption> {
        let example = "file_path=\"Document link\"";
        let (column, heading) = split_at_equals_sign(text, "COLUMN=HEADING", example)?;
        if normalise_heading(heading).is_empty() {
            return Err(InvalidColumnOption::NoHeading { column });
        }
        Ok(Self {
            column,
            heading: heading.to_owned(),
        })
    }
}

impl fmt::Display for ColumnHeading {
    /// Writes the option as a user types the option at a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_option(CommandShell::of_this_process()))
    }
}

impl ColumnHeading {
    /// Returns the option as a user types the option at a shell.
    fn to_option(&self, shell: CommandShell) -> String {
        let heading = without_line_breaks(&self.heading);
        // Each shell reads a word with quotes in the middle.
        let is_safe_in_double_quotes =
            |c: char| !"\"$`\\!%\u{201c}\u{201d}\u{201e}".contains(c) && !c.is_control();
        let word = if heading.contains(' ') && heading.chars().all(is_safe_in_double_quotes) {
            format!("\"{heading}\"")
        } else {
            shell.word(heading.as_ref())
        };
        format!("--column {}={word}", self.column)
    }
}

/// Value of a known column for all rows, as `--set COLUMN=VALUE` says.
///
/// Guarantee: the value is valid in a cell of the column, as far as the cell alone can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnConstant {
    column: Column,
    value: String,
}

impl ColumnConstant {
    /// Parses `COLUMN=VALUE`. Fails for an unknown column, for a column whose cells differ from row
    /// to row, and for a value that no cell of the column may hold.
    pub fn parse(text: &str) -> Result<Self, InvalidColumnOption> {
        let (column, value) = split_at_equals_sign(text, "COLUMN=VALUE", "object_type=contract")?;
        if let Some(reason) = reason_against_constant(column) {
            return Err(InvalidColumnOption::NoConstant { column, reason });
        }
        if value.is_empty() {
            return Err(InvalidColumnOption::NoValue { column });
        }
        match check_constant(column, value) {
            Ok(()) => Ok(Self {
                column,
                value: value.to_owned(),
            }),
            Err(kind) => Err(InvalidColumnOption::InvalidValue {
                mistake: kind.advice_on_value(value),
            }),
        }
    }
}

/// Returns the known column and the rest of an option's value.
fn split_at_equals_sign<'t>(
    text: &'t str,
    form: &'static str,
    example: &'static str,
) -> Result<(Column, &'t str), InvalidColumnOption> {
    let (name, rest) = text
        .split_once('=')
        .ok_or(InvalidColumnOption::NoEqualsSign { form, example })?;
    let column = Column::from_name(&normalise_heading(name)).ok_or_else(|| {
        InvalidColumnOption::UnknownColumn {
            name: name.to_owned(),
        }
    })?;
    Ok((column, rest))
}

/// Returns the reason for which a column cannot have one value in all rows.
fn reason_against_constant(column: Column) -> Option<&'static str> {
    match column {
        Column::FilePath => Some("each row names a file of its own"),
        Column::ExternalId | Column::NewExternalId => {
            Some("each row needs an id of its own, by which its attachment is found again")
        }
        Column::Sha256 => Some("each file has a digest of its own"),
        Column::ObjectType
        | Column::ObjectId
        | Column::ObjectExternalId
        | Column::Title
        | Column::FileName => None,
    }
}

/// Checks a value by the rule for the cells of its column.
fn check_constant(column: Column, value: &str) -> Result<(), ProblemKind> {
    match column {
        Column::ObjectType => cell_rules::object_type(value).map(drop),
        Column::ObjectId => {
            // An id in the form of either service is valid beside the object types of that service.
            let of_either = [ObjectType::Contract, ObjectType::SourcingEvent]
                .map(|kind| cell_rules::object_ref(kind, value).map(drop));
            match of_either {
                [Err(wrong), Err(_)] => Err(wrong),
                _ => Ok(()),
            }
        }
        Column::ObjectExternalId => cell_rules::object_external_id(value).map(drop),
        Column::Title => cell_rules::title(value).map(drop),
        Column::FileName => cell_rules::file_name(value).map(drop),
        Column::FilePath | Column::ExternalId | Column::NewExternalId | Column::Sha256 => Ok(()),
    }
}

/// Refusal of the value of `--column` or `--set`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidColumnOption {
    /// The value is in one part.
    #[error("{form} is expected, such as {example}")]
    NoEqualsSign {
        /// Form of the value.
        form: &'static str,
        /// Value in this form.
        example: &'static str,
    },
    /// No column has the name.
    #[error("{}", unknown_column_message(name))]
    UnknownColumn {
        /// Name as typed.
        name: String,
    },
    /// The heading is empty.
    #[error("no heading is named for {column}")]
    NoHeading {
        /// Column without a heading.
        column: Column,
    },
    /// The value is empty.
    #[error("the value for {column} is empty; leave the option out")]
    NoValue {
        /// Column without a value.
        column: Column,
    },
    /// The column cannot have one value in all rows.
    #[error("{column} cannot have one value in all rows: {reason}")]
    NoConstant {
        /// Column.
        column: Column,
        /// Reason in words.
        reason: &'static str,
    },
    /// No cell of the column may hold the value.
    #[error("{mistake}")]
    InvalidValue {
        /// Mistake and remedy in words.
        mistake: String,
    },
}

fn unknown_column_message(name: &str) -> String {
    let names = Column::ALL.map(Column::as_str);
    let shown = quoted(name);
    let meant = nearest_word(&normalise_heading(name), names);
    let meant = meant.map_or_else(String::new, |meant| format!("did you mean {meant}? "));
    let names = names.join(", ");
    format!("there is no column {shown}; {meant}the columns are {names}")
}

/// Sources of columns named by the user.
///
/// Guarantees: no column has two sources, and no heading serves for two columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnSources {
    headings: Vec<ColumnHeading>,
    constants: Vec<ColumnConstant>,
}

impl ColumnSources {
    /// Creates the sources. Fails if the options contradict each other.
    pub fn new(
        headings: Vec<ColumnHeading>,
        constants: Vec<ColumnConstant>,
    ) -> Result<Self, ColumnSourceConflict> {
        for (at, later) in headings.iter().enumerate() {
            for earlier in &headings[..at] {
                if earlier.column == later.column {
                    let (option, column) = ("--column", later.column);
                    return Err(ColumnSourceConflict::NamedTwice { option, column });
                }
                if normalise_heading(&earlier.heading) == normalise_heading(&later.heading) {
                    return Err(ColumnSourceConflict::OneHeadingForTwo {
                        heading: later.heading.clone(),
                        columns: [earlier.column, later.column],
                    });
                }
            }
        }
        for (at, later) in constants.iter().enumerate() {
            let column = later.column;
            if constants[..at].iter().any(|one| one.column == column) {
                let option = "--set";
                return Err(ColumnSourceConflict::NamedTwice { option, column });
            }
            if headings.iter().any(|one| one.column == column) {
                return Err(ColumnSourceConflict::HeadingAndConstant { column });
            }
        }
        let sources = Self {
            headings,
            constants,
        };
        sources.check_object()?;
        Ok(sources)
    }

    /// Checks the constants of the columns that name the record, as far as the constants alone show.
    fn check_object(&self) -> Result<(), ColumnSourceConflict> {
        let Some(id) = self.constant(Column::ObjectId) else {
            return Ok(());
        };
        if self.constant(Column::ObjectExternalId).is_some() {
            return Err(ColumnSourceConflict::TwoObjectIds);
        }
        let kind = self
            .constant(Column::ObjectType)
            .map(cell_rules::object_type);
        let Some(Ok(kind)) = kind else {
            return Ok(());
        };
        match cell_rules::object_ref(kind, id) {
            Ok(_) => Ok(()),
            Err(wrong) => Err(ColumnSourceConflict::IdOfOtherType {
                object_type: kind,
                mistake: wrong.advice_on_value(id),
            }),
        }
    }

    /// Returns the heading named for a column.
    pub(super) fn heading(&self, column: Column) -> Option<&ColumnHeading> {
        self.headings.iter().find(|one| one.column == column)
    }

    /// Returns the value named for a column.
    pub(super) fn constant(&self, column: Column) -> Option<&str> {
        let of_column = self.constants.iter().find(|one| one.column == column);
        of_column.map(|one| one.value.as_str())
    }

    /// Returns the column for which a heading was named. The heading is in the spelling of
    /// `normalise_heading`.
    pub(super) fn column_of_heading(&self, heading: &str) -> Option<Column> {
        let is_it = |one: &&ColumnHeading| normalise_heading(&one.heading) == heading;
        self.headings.iter().find(is_it).map(|one| one.column)
    }
}

/// Contradiction between options about columns.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnSourceConflict {
    /// One option names a column twice.
    #[error("{option} names {column} twice; leave one of the two out")]
    NamedTwice {
        /// Option.
        option: &'static str,
        /// Column.
        column: Column,
    },
    /// One heading is named for two columns.
    #[error(
        "--column names the heading {} for {} and for {}; a heading is one column",
        quoted(heading), columns[0], columns[1]
    )]
    OneHeadingForTwo {
        /// Heading as typed the second time.
        heading: String,
        /// Columns.
        columns: [Column; 2],
    },
    /// A column has a heading and a value.
    #[error("--column and --set both name {column}; leave one of the two out")]
    HeadingAndConstant {
        /// Column.
        column: Column,
    },
    /// Every row would have two ids of its record.
    #[error("--set names object_id and object_external_id, and a row has one of them alone")]
    TwoObjectIds,
    /// The id of the record is no id of the type.
    #[error("--set object_id does not go with --set object_type={object_type}: {mistake}")]
    IdOfOtherType {
        /// Type of the record.
        object_type: ObjectType,
        /// Mistake and remedy in words.
        mistake: String,
    },
}

#[cfg(test)]
pub(super) mod tests;
