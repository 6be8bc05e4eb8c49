//! Catalogue files: the contracts, events, projects and supplier companies that exist, in CSV,
//! written by users.
//!
//! ```csv
//! object_type,object_id,object_external_id,state,title
//! contract,48213,CW-2019-17,active,Cleaning of the offices
//! ```
//!
//! The first line names the columns, in any order; `object_type` and `object_id` must be there.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use csv::StringRecord;

use crate::emulator::attachments::CatalogueObject;
use crate::model::{InvalidObjectId, ObjectRef, ObjectType, ProcurementService};
use crate::text::{escape, nearest_word, quoted};

const COLUMNS: [&str; 5] = [
    "object_type",
    "object_id",
    "object_external_id",
    "state",
    "title",
];

/// Reason for the refusal of a catalogue file.
#[derive(Debug, thiserror::Error)]
pub enum ObjectFileError {
    /// The file cannot be read.
    #[error("the objects in {}: {source}", escaped_path(path))]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A line holds a mistake.
    #[error("{} line {line}: {message}", escaped_path(path))]
    Mistake {
        /// Path of the file.
        path: PathBuf,
        /// Line of the mistake, from 1.
        line: u64,
        /// Message with the mistake and the remedy.
        message: String,
    },
    /// The file holds no object.
    #[error(
        "{} holds no object; below the line with the columns, each line is one, such as \
         contract,48213",
        escaped_path(path)
    )]
    Empty {
        /// Path of the file.
        path: PathBuf,
    },
}

fn escaped_path(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}

/// Reads the objects of a catalogue file.
pub fn read(path: &Path) -> Result<Vec<CatalogueObject>, ObjectFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| ObjectFileError::Io {
        path: path.to_owned(),
        source,
    })?;
    let objects = parse(&text).map_err(|mistake| ObjectFileError::Mistake {
        path: path.to_owned(),
        line: mistake.line,
        message: mistake.message,
    })?;
    if objects.is_empty() {
        return Err(ObjectFileError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(objects)
}

/// Mistake in a line, without the path of the file.
#[derive(Debug, PartialEq, Eq)]
struct LineMistake {
    line: u64,
    message: String,
}

impl From<csv::Error> for LineMistake {
    fn from(error: csv::Error) -> Self {
        let line = error.position().map_or(1, csv::Position::line);
        let message = match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => format!(
                "{len} cells in place of {expected_len}, the number of columns; a cell with a \
                 comma must be in quotes"
            ),
            _ => error.to_string(),
        };
        Self { line, message }
    }
}

fn parse(text: &str) -> Result<Vec<CatalogueObject>, LineMistake> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let columns =
        ColumnPlaces::of(reader.headers()?).map_err(|message| LineMistake { line: 1, message })?;
    let mut objects: Vec<CatalogueObject> = Vec::new();
    let mut known = HashSet::new();
    for record in reader.records() {
        let record = record?;
        let mistake = |message| LineMistake {
            line: record.position().map_or(1, csv::Position::line),
            message,
        };
        let object = columns.object(&record).map_err(mistake)?;
        if !known.insert(object.object) {
            let message = format!("{} is there twice; remove one of the lines", object.object);
            return Err(mistake(message));
        }
        objects.push(object);
    }
    Ok(objects)
}

/// Places of the known columns in each line; `None` for an absent column.
struct ColumnPlaces([Option<usize>; COLUMNS.len()]);

impl ColumnPlaces {
    fn of(header: &StringRecord) -> Result<Self, String> {
        let mut places = [None; COLUMNS.len()];
        for (place, name) in header.iter().enumerate() {
            let Some(column) = COLUMNS.iter().position(|column| *column == name) else {
                let hint = nearest_word(name, COLUMNS)
                    .map(|meant| format!("did you mean {meant}? "))
                    .unwrap_or_default();
                return Err(format!(
                    "{} is no column; {hint}The columns are {}, with commas between",
                    quoted(name),
                    COLUMNS.join(", ")
                ));
            };
            if places[column].replace(place).is_some() {
                return Err(format!("the column {name} is there twice; remove one"));
            }
        }
        match COLUMNS
            .iter()
            .zip(places)
            .take(2)
            .find(|(_, place)| place.is_none())
        {
            Some((column, _)) => Err(format!("the column {column} is missing; add it")),
            None => Ok(Self(places)),
        }
    }

    fn object(&self, record: &StringRecord) -> Result<CatalogueObject, String> {
        let [kind, id, external_id, state, title] = self.0.map(|place| {
            place
                .and_then(|place| record.get(place))
                .unwrap_or_default()
        });
        let workday = |kind: &ObjectType| kind.service() == ProcurementService::Workday;
        let kind = kind.parse().ok().filter(workday).ok_or_else(|| {
            let types = ProcurementService::Workday.object_types();
            let words: Vec<&str> = types.map(ObjectType::as_str).collect();
            format!(
                "the type {} is not one of {}",
                quoted(kind),
                words.join(", ")
            )
        })?;
        let object = ObjectRef::parse(kind, id)
            .map_err(|why: InvalidObjectId| format!("the id {} {why}", quoted(id)))?;
        let if_given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(CatalogueObject {
            object,
            external_id: if_given(external_id),
            state: if_given(state),
            title: if_given(title),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_line_for_each_object_and_columns_in_any_order() {
        let text = "title,object_id,object_type,object_external_id\n\
                    \"Tea, coffee\",7,contract,CW-1\n,7,event,CW-1\n";
        let object = |kind| ObjectRef::parse(kind, "7").unwrap();
        let expected = [
            CatalogueObject {
                title: Some("Tea, coffee".to_owned()),
                ..CatalogueObject::new(object(ObjectType::Contract), "CW-1")
            },
            CatalogueObject::new(object(ObjectType::Event), "CW-1"),
        ];
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn each_mistake_is_told_with_its_line_and_what_would_be_right() {
        for (text, line, message) in [
            (
                "object_type,object_nr",
                1,
                "\"object_nr\" is no column; did you mean object_id? The columns are object_type, \
                 object_id, object_external_id, state, title, with commas between",
            ),
            (
                "object_type,title",
                1,
                "the column object_id is missing; add it",
            ),
            (
                "object_type,object_id,object_id",
                1,
                "the column object_id is there twice; remove one",
            ),
            (
                "object_type,object_id\ncontract,1\ncontrakt,2",
                3,
                "the type \"contrakt\" is not one of contract, event, project, supplier_company",
            ),
            (
                "object_type,object_id\nsourcing_event,1",
                2,
                "the type \"sourcing_event\" is not one of contract, event, project, \
                 supplier_company",
            ),
            (
                "object_type,object_id\ncontract,007",
                2,
                "the id \"007\" is not a positive whole number in plain digits",
            ),
            (
                "object_type,object_id\ncontract,1,x",
                2,
                "3 cells in place of 2, the number of columns; a cell with a comma must be in quotes",
            ),
            (
                "object_type,object_id\ncontract,1\nevent,1\ncontract,1",
                4,
                "contract 1 is there twice; remove one of the lines",
            ),
        ] {
            let mistake = parse(text).unwrap_err();
            assert_eq!((mistake.line, mistake.message.as_str()), (line, message));
        }
    }
}
