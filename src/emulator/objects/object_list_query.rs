//! Query of a list: size of the page, cursor, and filter.

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::object_route::EXTERNAL_ID_FILTER;
use crate::emulator::attachments::JsonApiProblem;
use crate::emulator::attachments::refusals::{bad_request, unsupported_parameter};

const DEFAULT_PAGE_SIZE: usize = 10;

const MAX_PAGE_SIZE: usize = 100;

const PAGE_SIZE: &str = "page[size]";

const PAGE_CURSOR: &str = "page[cursor]";

/// Place of an object in the list of its type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct ObjectPlace {
    /// Lower-cased name of a supplier company; empty for the other types, whose lists are in the
    /// order of ids.
    pub(super) name: String,
    pub(super) id: u64,
}

/// Spelling of the brackets in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BracketSpelling {
    /// `page[size]`
    Raw,
    /// `page%5Bsize%5D`
    Encoded,
}

/// Query of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectListQuery {
    /// Largest number of objects on the page, from 1 to 100.
    pub(super) page_size: usize,
    /// Place of the last object on the page before; `None` for the first page.
    pub(super) after: Option<ObjectPlace>,
    /// External id of all objects in the list; `None` for all objects of the type.
    pub(super) external_id: Option<String>,
}

impl ObjectListQuery {
    /// Parses a query. Fails with 400 at an unknown, repeated or invalid parameter.
    pub(super) fn parse(query: &str) -> Result<Self, JsonApiProblem> {
        let mut parsed = Self {
            page_size: DEFAULT_PAGE_SIZE,
            after: None,
            external_id: None,
        };
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if seen.contains(&name) {
                return Err(bad_request(format!("'{name}' parameter is given twice")));
            }
            match name.as_ref() {
                PAGE_SIZE => parsed.page_size = parse_page_size(&value)?,
                PAGE_CURSOR => parsed.after = Some(parse_cursor(&value)?),
                EXTERNAL_ID_FILTER => parsed.external_id = Some(value.into_owned()),
                _ => return Err(unsupported_parameter(&name)),
            }
            seen.push(name);
        }
        Ok(parsed)
    }

    /// Returns the query of the page after `last`.
    pub(super) fn next_page(&self, last: &ObjectPlace, brackets: BracketSpelling) -> String {
        let size = self.page_size.to_string();
        let cursor = cursor_of(last);
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(external_id) = &self.external_id {
            query.append_pair(EXTERNAL_ID_FILTER, external_id);
        }
        query.append_pair(PAGE_SIZE, &size);
        query.append_pair(PAGE_CURSOR, &cursor);
        let query = query.finish();
        match brackets {
            BracketSpelling::Encoded => query,
            BracketSpelling::Raw => query.replace("%5B", "[").replace("%5D", "]"),
        }
    }
}

fn parse_page_size(text: &str) -> Result<usize, JsonApiProblem> {
    match text.parse() {
        Ok(size @ 1..=MAX_PAGE_SIZE) => Ok(size),
        _ => Err(bad_request(format!(
            "'{PAGE_SIZE}' parameter must be from 1 to {MAX_PAGE_SIZE}"
        ))),
    }
}

/// Returns the cursor of the page after a place: letters and digits without a meaning for clients.
fn cursor_of(place: &ObjectPlace) -> String {
    let digits = |byte: u8| [byte >> 4, byte & 15].map(|half| char::from(b'a' + half));
    let text = format!("{} {}", place.id, place.name);
    text.bytes().flat_map(digits).collect()
}

fn parse_cursor(cursor: &str) -> Result<ObjectPlace, JsonApiProblem> {
    place_of(cursor).ok_or_else(|| bad_request(format!("'{PAGE_CURSOR}' parameter is not valid")))
}

fn place_of(cursor: &str) -> Option<ObjectPlace> {
    let halves: Option<Vec<u8>> = cursor
        .bytes()
        .map(|letter| letter.checked_sub(b'a').filter(|half| *half < 16))
        .collect();
    let bytes = halves?
        .chunks(2)
        .map(|pair| Some(*pair.first()? << 4 | pair.get(1)?))
        .collect::<Option<Vec<u8>>>()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, name) = text.split_once(' ')?;
    Some(ObjectPlace {
        name: name.to_owned(),
        id: id.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_the_next_page_keeps_size_and_filter_and_names_the_place() {
        let query = ObjectListQuery {
            page_size: 7,
            after: None,
            external_id: Some("a b[1]".to_owned()),
        };
        let place = ObjectPlace {
            name: "müller & co".to_owned(),
            id: 12,
        };
        for brackets in [BracketSpelling::Raw, BracketSpelling::Encoded] {
            let next = ObjectListQuery::parse(&query.next_page(&place, brackets)).unwrap();
            let expected = ObjectListQuery {
                after: Some(place.clone()),
                ..query.clone()
            };
            assert_eq!(next, expected);
        }
    }

    #[test]
    fn a_parameter_that_is_unknown_repeated_or_invalid_is_refused() {
        for query in [
            "sort=id",
            "include=attachments",
            "filter[state_equals]=active",
            "filter[external_id_equals][]=a",
            "filter[external_id_equals]=a&filter[external_id_equals]=b",
            "page[size]=0",
            "page[size]=101",
            "page[size]=x",
            "page[cursor]=",
            "page[cursor]=abc",
            "page[cursor]=zz",
        ] {
            assert!(ObjectListQuery::parse(query).is_err(), "{query}");
        }
    }
}
