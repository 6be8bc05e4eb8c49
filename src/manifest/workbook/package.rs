//! Package of a workbook: a ZIP archive, its format, and the parts that describe its sheets.
//!
//! calamine reads these parts again when it opens the workbook. Here they are read first, within
//! bounds, and for facts that calamine does not show: the part of each sheet, and if the workbook
//! asks for a calculation when it is opened.

use std::collections::HashMap;
use std::io::{Read, Seek};

use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::error::{OtherFileFormat, WorkbookError};
use super::memory_checks::{check_styles, check_texts, read_to_end};
use super::xml_part::{XmlPart, raw_attribute};

/// Largest part other than cells and texts, in bytes. The style sheets of real workbooks have a few
/// megabytes at most.
const MAX_DESCRIPTION_BYTES: u64 = 64 << 20;

/// Largest part with the texts of cells, in bytes: 1 KiB for each row of the longest sheet. A million
/// rows with six different texts each have about 400 MB.
const MAX_TEXT_BYTES: u64 = 1 << 30;

/// Largest number of parts in a package. Real workbooks have a few thousand at most.
const MAX_PARTS: usize = 100_000;

const ROOT_RELATIONSHIPS: &str = "_rels/.rels";
const CONTENT_TYPES: &str = "[content_types].xml";

/// Content type of an `.ods` file, in the part `mimetype`; templates have more after these words.
const OPEN_DOCUMENT_SPREADSHEET: &str = "application/vnd.oasis.opendocument.spreadsheet";

/// Package of a workbook.
pub(super) struct WorkbookPackage<R> {
    zip: ZipArchive<R>,
    /// Index of each part by its name in lower case.
    parts: HashMap<String, usize>,
    /// Name of the workbook part.
    workbook: String,
}

/// Sheets of a workbook and its way of calculating.
pub(super) struct WorkbookOutline {
    /// Part of each sheet, in the order of the sheets.
    pub(super) sheet_parts: Vec<String>,
    /// Treatment of the results of formulas when the workbook is opened.
    pub(super) formula_results: FormulaResults,
}

/// Trust in stored results of formulas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormulaResults {
    /// The results were calculated by a spreadsheet program.
    Stored,
    /// The workbook asks for a calculation when it is opened. Programs that write workbooks
    /// without calculating store the result 0.
    ToBeCalculated,
}

impl<R: Read + Seek> WorkbookPackage<R> {
    /// Opens a package and tells its format. Fails for any format other than .xlsx and its variants
    /// with macros or for templates.
    pub(super) fn open(reader: R) -> Result<Self, WorkbookError> {
        let damaged = |cause: &dyn std::fmt::Display| WorkbookError::damaged("ZIP archive", cause);
        let zip = ZipArchive::new(reader).map_err(|error| damaged(&error))?;
        if zip.len() > MAX_PARTS {
            return Err(damaged(&format!("it has {} parts", zip.len())));
        }
        let mut parts = HashMap::with_capacity(zip.len());
        for index in 0..zip.len() {
            let name = zip.name_for_index(index).transpose();
            let name = name.map_err(|error| damaged(&error))?.unwrap_or_default();
            let name = name.replace('\\', "/").to_ascii_lowercase();
            if parts.contains_key(&name) {
                return Err(WorkbookError::damaged(&name, "the part is there twice"));
            }
            parts.insert(name, index);
        }
        let mut package = Self {
            zip,
            parts,
            workbook: String::new(),
        };
        package.refuse_other_formats()?;
        package.workbook = package.find_workbook_part()?;
        Ok(package)
    }

    /// Returns a part by its name, without regard to case, or `None` if there is none.
    pub(super) fn part(
        &mut self,
        name: &str,
        limit: u64,
    ) -> Result<Option<XmlPart<'_, R>>, WorkbookError> {
        let Some(index) = self.parts.get(&name.to_ascii_lowercase()) else {
            return Ok(None);
        };
        let file = self
            .zip
            .by_index(*index)
            .map_err(|error| WorkbookError::damaged(name, error))?;
        Ok(Some(XmlPart::new(name, file, limit)))
    }

    /// Refuses parts that calamine would read into memory without a bound.
    pub(super) fn check_parts_kept_in_memory(&mut self) -> Result<(), WorkbookError> {
        let folder = self.workbook_folder().to_owned();
        if let Some(texts) = self.part(&format!("{folder}sharedStrings.xml"), MAX_TEXT_BYTES)? {
            check_texts(texts)?;
        }
        for (name, check) in [
            ("styles.xml", check_styles as fn(XmlPart<'_, R>) -> _),
            ("theme/theme1.xml", read_to_end),
        ] {
            if let Some(part) = self.part(&format!("{folder}{name}"), MAX_DESCRIPTION_BYTES)? {
                check(part)?;
            }
        }
        Ok(())
    }

    fn required_part(&mut self, name: &str) -> Result<XmlPart<'_, R>, WorkbookError> {
        let part = self.part(name, MAX_DESCRIPTION_BYTES)?;
        part.ok_or_else(|| WorkbookError::damaged(name, "the part is missing"))
    }

    fn refuse_other_formats(&mut self) -> Result<(), WorkbookError> {
        let other = if self.parts.contains_key(CONTENT_TYPES) {
            match self.main_format()? {
                None => return Ok(()),
                Some(other) => other,
            }
        } else if let Some(index) = self.parts.get("mimetype") {
            let mut content_type = String::new();
            let read = self
                .zip
                .by_index(*index)
                .map(|file| file.take(200).read_to_string(&mut content_type));
            if read.is_ok() && content_type.starts_with(OPEN_DOCUMENT_SPREADSHEET) {
                OtherFileFormat::Ods
            } else {
                OtherFileFormat::OfficeDocument
            }
        } else {
            OtherFileFormat::ZipArchive
        };
        Err(WorkbookError::OtherFormat(other))
    }

    /// Tells the format from the content types of the parts. `None` is .xlsx.
    fn main_format(&mut self) -> Result<Option<OtherFileFormat>, WorkbookError> {
        let mut part = self.required_part(CONTENT_TYPES)?;
        let mut format = Some(OtherFileFormat::OfficeDocument);
        loop {
            match part.next_event()? {
                Event::Start(element) => {
                    let content_type = raw_attribute(CONTENT_TYPES, &element, "ContentType")?;
                    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
                    if content_type.contains("ms-excel.sheet.binary.") {
                        return Ok(Some(OtherFileFormat::Xlsb));
                    }
                    let is_of_excel = ["spreadsheetml.", "ms-excel."]
                        .into_iter()
                        .any(|words| content_type.contains(words));
                    if is_of_excel && content_type.ends_with(".main+xml") {
                        format = None;
                    }
                }
                Event::Eof => return Ok(format),
                _ => {}
            }
        }
    }

    fn find_workbook_part(&mut self) -> Result<String, WorkbookError> {
        let relationships = self.relationships(ROOT_RELATIONSHIPS)?;
        let of_document = relationships
            .iter()
            .rfind(|relationship| relationship.kind.ends_with("/relationships/officeDocument"));
        let document = of_document.ok_or_else(|| {
            WorkbookError::damaged(ROOT_RELATIONSHIPS, "the part names no workbook")
        })?;
        let target = document
            .target
            .strip_prefix('/')
            .unwrap_or(&document.target);
        if target.contains('&') {
            let cause = format!("the workbook part is named {target:?}");
            return Err(WorkbookError::damaged(ROOT_RELATIONSHIPS, cause));
        }
        Ok(target.to_owned())
    }

    /// Returns the folder of the workbook part with a slash at its end, or an empty text.
    pub(super) fn workbook_folder(&self) -> &str {
        let end = self.workbook.rfind('/').map_or(0, |at| at + 1);
        &self.workbook[..end]
    }

    fn relationships(&mut self, name: &str) -> Result<Vec<PartRelationship>, WorkbookError> {
        let mut part = self.required_part(name)?;
        let mut relationships = Vec::new();
        loop {
            match part.next_event()? {
                Event::Start(element) if element.local_name().as_ref() == "Relationship" => {
                    relationships.push(PartRelationship::read(name, &element)?);
                }
                Event::Eof => return Ok(relationships),
                _ => {}
            }
        }
    }

    /// Reads the workbook part.
    pub(super) fn outline(&mut self) -> Result<WorkbookOutline, WorkbookError> {
        let folder = self.workbook_folder().to_owned();
        let file_name = &self.workbook[folder.len()..];
        let relationships = self.relationships(&format!("{folder}_rels/{file_name}.rels"))?;
        let targets: HashMap<&str, &str> = relationships
            .iter()
            .map(|one| (one.id.as_str(), one.target.as_str()))
            .collect();
        let name = self.workbook.clone();
        let mut part = self.required_part(&name)?;
        let mut outline = WorkbookOutline {
            sheet_parts: Vec::new(),
            formula_results: FormulaResults::Stored,
        };
        loop {
            match part.next_event()? {
                Event::Start(element) if element.local_name().as_ref() == "sheet" => {
                    let id = relationship_id(&name, &element)?;
                    let target = targets.get(id.as_str()).ok_or_else(|| {
                        WorkbookError::damaged(&name, format!("nothing has the id {id:?}"))
                    })?;
                    outline.sheet_parts.push(match target.strip_prefix('/') {
                        Some(absolute) => absolute.to_owned(),
                        None => format!("{folder}{target}"),
                    });
                }
                Event::Start(element) if element.local_name().as_ref() == "calcPr" => {
                    let on_load = raw_attribute(&name, &element, "fullCalcOnLoad")?;
                    if matches!(on_load.as_deref(), Some("1" | "true")) {
                        outline.formula_results = FormulaResults::ToBeCalculated;
                    }
                }
                Event::Eof => return Ok(outline),
                _ => {}
            }
        }
    }
}

/// Relationship of a part to another part.
struct PartRelationship {
    id: String,
    kind: String,
    target: String,
}

impl PartRelationship {
    fn read(part: &str, element: &BytesStart<'_>) -> Result<Self, WorkbookError> {
        let text = |key: &str| -> Result<String, WorkbookError> {
            let value = raw_attribute(part, element, key)?;
            Ok(value.unwrap_or_default().into_owned())
        };
        Ok(Self {
            id: text("Id")?,
            kind: text("Type")?,
            target: text("Target")?,
        })
    }
}

/// Returns the last attribute `id` in any namespace, as calamine takes it.
fn relationship_id(part: &str, element: &BytesStart<'_>) -> Result<String, WorkbookError> {
    let mut id = String::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| WorkbookError::damaged(part, error))?;
        if attribute.key.local_name().as_ref() == "id" {
            id = attribute.value.into_owned();
        }
    }
    Ok(id)
}
