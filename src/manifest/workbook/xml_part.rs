//! One XML part of a workbook's package, read as a stream of events within bounds.
//!
//! The bounds count the bytes that are really unpacked. The sizes in the directory of a ZIP archive
//! may be wrong.

use std::cell::Cell;
use std::io::{self, BufReader, Read, Seek};
use std::rc::Rc;

use quick_xml::Reader as XmlReader;
use quick_xml::events::{BytesStart, Event};
use zip::read::ZipFile;

use super::error::WorkbookError;
use crate::text::group_thousands;

/// Largest number of bytes in one event, a tag or a run of text. A cell has up to 32,767
/// characters, and each character up to 7 bytes when it is escaped.
const MAX_EVENT_BYTES: u64 = 1 << 20;

/// Bytes unpacked at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Part of a package, read event by event.
pub(super) struct XmlPart<'z, R: Read> {
    name: String,
    xml: XmlReader<BufReader<BoundedReader<ZipFile<'z, R>>>>,
    buffer: Vec<u8>,
    bounds: Rc<ReadBounds>,
}

/// Numbers of bytes that may still be read.
struct ReadBounds {
    of_part: Cell<u64>,
    of_event: Cell<u64>,
    limit: u64,
    /// Bound that was exceeded, if any.
    exceeded: Cell<Option<ExceededBound>>,
}

/// Bound of a reading.
#[derive(Debug, Clone, Copy)]
enum ExceededBound {
    OfPart,
    OfEvent,
}

struct BoundedReader<R> {
    inner: R,
    bounds: Rc<ReadBounds>,
}

impl<R: Read> Read for BoundedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let bounds = &self.bounds;
        for (left, bound) in [
            (&bounds.of_part, ExceededBound::OfPart),
            (&bounds.of_event, ExceededBound::OfEvent),
        ] {
            let Some(rest) = left.get().checked_sub(read as u64) else {
                bounds.exceeded.set(Some(bound));
                return Err(io::Error::other("the part is too large"));
            };
            left.set(rest);
        }
        Ok(read)
    }
}

impl<'z, R: Read + Seek> XmlPart<'z, R> {
    /// Begins to read a part of at most `limit` bytes.
    pub(super) fn new(name: &str, file: ZipFile<'z, R>, limit: u64) -> Self {
        let bounds = Rc::new(ReadBounds {
            of_part: Cell::new(limit),
            of_event: Cell::new(0),
            limit,
            exceeded: Cell::new(None),
        });
        let reader = BoundedReader {
            inner: file,
            bounds: Rc::clone(&bounds),
        };
        let mut xml = XmlReader::from_reader(BufReader::with_capacity(BUFFER_BYTES, reader));
        xml.config_mut().expand_empty_elements = true;
        Self {
            name: name.to_owned(),
            xml,
            buffer: Vec::new(),
            bounds,
        }
    }

    /// Returns the next event. The event after the last one is [`Event::Eof`], which proves the
    /// check sum of the part as well.
    pub(super) fn next_event(&mut self) -> Result<Event<'_>, WorkbookError> {
        self.buffer.clear();
        self.bounds
            .of_event
            .set(MAX_EVENT_BYTES + BUFFER_BYTES as u64);
        self.xml.read_event_into(&mut self.buffer).map_err(|error| {
            match self.bounds.exceeded.get() {
                Some(ExceededBound::OfPart) => WorkbookError::TooLarge {
                    part: self.name.clone(),
                    limit: self.bounds.limit,
                },
                Some(ExceededBound::OfEvent) => {
                    let limit = group_thousands(MAX_EVENT_BYTES);
                    let cause = format!("one value has more than {limit} bytes");
                    WorkbookError::damaged(&self.name, cause)
                }
                None => WorkbookError::damaged(&self.name, error),
            }
        })
    }

    /// Returns the number of bytes of the events read so far.
    pub(super) fn position(&self) -> u64 {
        self.xml.buffer_position()
    }

    /// Returns the name of the part in the package.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Returns the value of an attribute as written, with its escapes. Fails where an attribute is
/// malformed or given twice.
pub(super) fn raw_attribute<'e>(
    part: &str,
    element: &'e BytesStart<'_>,
    key: &str,
) -> Result<Option<std::borrow::Cow<'e, str>>, WorkbookError> {
    let mut found = None;
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| WorkbookError::damaged(part, error))?;
        if attribute.key.as_ref() == key {
            found = Some(attribute.value);
        }
    }
    Ok(found)
}
