//! Checks of the parts that calamine keeps in memory: the texts of cells and the styles.
//!
//! calamine takes the number of texts from the file and reserves memory for all of them, and copies
//! a font and a number format for each style. A hostile file could make either fill the memory.

use std::io::{Read, Seek};

use quick_xml::events::Event;

use super::error::WorkbookError;
use super::xml_part::{XmlPart, raw_attribute};

/// Largest number of bytes of one text with its markup. A cell has up to 32,767 characters.
const MAX_TEXT_BYTES: u64 = 4 << 20;

/// Largest number of different texts: 32 for each row of the longest possible sheet.
const MAX_TEXTS: u64 = 32 << 20;

/// Number of texts that a file may promise without having them. Some programs count too many.
const TEXTS_ON_TRUST: u64 = 1 << 20;

/// Largest number of cell formats; Excel takes 65,490.
const MAX_CELL_FORMATS: usize = 65_536;

/// Longest attributes of a style in bytes. A number format has up to 255 characters.
const MAX_STYLE_BYTES: usize = 2048;

/// Checks the part with the texts of cells.
pub(super) fn check_texts<R: Read + Seek>(mut part: XmlPart<'_, R>) -> Result<(), WorkbookError> {
    let name = part.name().to_owned();
    let damaged = |cause: String| WorkbookError::damaged(&name, cause);
    let (mut promised, mut texts, mut text_start) = (0, 0, 0);
    loop {
        let position = part.position();
        match part.next_event()? {
            Event::Start(element) => match element.local_name().as_ref() {
                "sst" => {
                    if let Some(count) = raw_attribute(&name, &element, "uniqueCount")? {
                        promised = count
                            .parse()
                            .map_err(|_| damaged(format!("it has {count:?} texts")))?;
                    }
                }
                "si" => {
                    text_start = position;
                    texts += 1;
                }
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
        if texts > 0 && part.position() - text_start > MAX_TEXT_BYTES {
            return Err(damaged(format!("text number {texts} is too long")));
        }
        if texts > MAX_TEXTS {
            return Err(damaged(format!("it has more than {MAX_TEXTS} texts")));
        }
    }
    if promised > texts.saturating_add(TEXTS_ON_TRUST) {
        return Err(damaged(format!(
            "it says that it has {promised} texts, and has {texts}"
        )));
    }
    Ok(())
}

/// Checks the part with the styles.
pub(super) fn check_styles<R: Read + Seek>(mut part: XmlPart<'_, R>) -> Result<(), WorkbookError> {
    let name = part.name().to_owned();
    let mut is_cell_formats = false;
    let mut formats = 0;
    loop {
        match part.next_event()? {
            Event::Start(element) => {
                if element.attributes_raw().len() > MAX_STYLE_BYTES {
                    return Err(WorkbookError::damaged(&name, "a style is too long"));
                }
                match element.local_name().as_ref() {
                    "cellXfs" => is_cell_formats = true,
                    "xf" if is_cell_formats => formats += 1,
                    _ => {}
                }
                if formats > MAX_CELL_FORMATS {
                    let cause = format!("it has more than {MAX_CELL_FORMATS} cell formats");
                    return Err(WorkbookError::damaged(&name, cause));
                }
            }
            Event::End(element) if element.local_name().as_ref() == "cellXfs" => {
                is_cell_formats = false;
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Reads a part to its end, within the bounds of the part.
pub(super) fn read_to_end<R: Read + Seek>(mut part: XmlPart<'_, R>) -> Result<(), WorkbookError> {
    while !matches!(part.next_event()?, Event::Eof) {}
    Ok(())
}
