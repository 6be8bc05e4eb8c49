//! Workbooks made of bytes: facts that no library writes, damage, and hostile files.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

use super::{WorkbookContainer, WorkbookError, read_workbook};
use crate::manifest::problem::{ManifestProblem, ProblemKind, SheetCellFault, SheetWarning};
use crate::manifest::table::ManifestTable;
use crate::manifest::{ManifestErrorKind, ManifestOptions};

const HEADER: &str = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>file_path</t></is></c>\
                      <c r=\"B1\" t=\"inlineStr\"><is><t>object_type</t></is></c>\
                      <c r=\"C1\" t=\"inlineStr\"><is><t>object_id</t></is></c>\
                      <c r=\"D1\" t=\"inlineStr\"><is><t>external_id</t></is></c>\
                      <c r=\"E1\" t=\"inlineStr\"><is><t>note</t></is></c></row>";

const STYLES: &str = "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"#,##0.00\"/></numFmts>\
                      <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\"/><xf numFmtId=\"14\"/>\
                      <xf numFmtId=\"5\"/></cellXfs></styleSheet>";

/// Parts of a small workbook, each to be replaced by a test.
struct WorkbookParts(Vec<(&'static str, Vec<u8>)>);

impl WorkbookParts {
    fn new() -> Self {
        Self(vec![
            (
                "[Content_Types].xml",
                b"<Types><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.\
                  openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/></Types>"
                    .to_vec(),
            ),
            (
                "_rels/.rels",
                b"<Relationships><Relationship Id=\"r1\" Target=\"xl/workbook.xml\" \
                  Type=\"http://x/relationships/officeDocument\"/></Relationships>"
                    .to_vec(),
            ),
            (
                "xl/workbook.xml",
                b"<workbook><workbookPr/><sheets><sheet name=\"Contracts\" sheetId=\"1\" \
                  r:id=\"r1\"/></sheets></workbook>"
                    .to_vec(),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                b"<Relationships><Relationship Id=\"r1\" Target=\"worksheets/sheet1.xml\" \
                  Type=\"http://x/relationships/worksheet\"/></Relationships>"
                    .to_vec(),
            ),
            ("xl/styles.xml", STYLES.into()),
            (
                "xl/sharedStrings.xml",
                b"<sst uniqueCount=\"1\"><si><t>a</t></si></sst>".to_vec(),
            ),
            ("xl/worksheets/sheet1.xml", Vec::new()),
        ])
    }

    /// Workbook with the header and the given rows.
    fn with_rows(rows: &str) -> Self {
        Self::with_sheet(&format!("<sheetData>{HEADER}{rows}</sheetData>"))
    }

    fn with_sheet(content: &str) -> Self {
        Self::new().part(
            "xl/worksheets/sheet1.xml",
            format!("<worksheet>{content}</worksheet>"),
        )
    }

    fn part(mut self, name: &'static str, content: impl Into<Vec<u8>>) -> Self {
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, content.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| *other != name);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in &self.0 {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn read(&self) -> Result<ManifestTable, ManifestErrorKind> {
        read(&self.bytes())
    }

    fn refusal(&self) -> String {
        self.read().unwrap_err().to_string()
    }
}

fn read(bytes: &[u8]) -> Result<ManifestTable, ManifestErrorKind> {
    let container = WorkbookContainer::from_signature(bytes).expect("a ZIP archive");
    read_workbook(container, Cursor::new(bytes), &ManifestOptions::default())
}

fn faults(table: &ManifestTable) -> Vec<ManifestProblem> {
    (1..=10)
        .flat_map(|row| table.faults.of_row(row).to_vec())
        .collect()
}

#[test]
fn a_sheet_becomes_the_text_of_a_table_with_the_lines_of_its_rows() {
    let table = WorkbookParts::with_rows(
        "<row r=\"3\"><c r=\"A3\" t=\"s\"><v>0</v></c><c r=\"C3\"><v>48213</v></c>\
         <c r=\"D3\" t=\"str\"><v>x,&quot;y&quot;</v></c></row>\
         <row r=\"4\"><c r=\"E4\" t=\"inlineStr\"><is><t>  </t></is></c></row>\
         <row><c/><c/><c/><c/><c s=\"2\"><v>46093</v></c></row>\
         <row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>",
    )
    .read()
    .unwrap();
    assert_eq!(
        table.text,
        "file_path,object_type,object_id,external_id,note\n\
         a,,48213,\"x,\"\"y\"\"\",\n\
         ,,,,2026-03-12\n"
    );
    assert_eq!(table.record_lines.as_deref(), Some(&[3, 5][..]));
    let outside = SheetWarning::CellsOutsideTable {
        first: "XFD1048576".into(),
        count: 1,
    };
    let kinds: Vec<_> = table.warnings.into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [ProblemKind::Sheet(outside)]);
}

#[test]
fn error_values_that_excel_has_made_up_since_are_known_with_their_addresses() {
    let table = WorkbookParts::with_rows(
        "<row r=\"2\"><c r=\"A2\" t=\"e\"><v>#SPILL!</v></c><c r=\"B2\" t=\"e\"><v>#N/A</v></c>\
         <c r=\"C2\" t=\"e\"><v>#CALC!</v></c><c r=\"D2\" t=\"s\"><v>0</v></c></row>\
         <row r=\"3\"><c r=\"D3\" t=\"e\"><v>#BUSY!</v></c></row>",
    )
    .read()
    .unwrap();
    assert_eq!(
        table.text.lines().skip(1).collect::<Vec<_>>(),
        ["#SPILL!,#N/A,#CALC!,a,", ",,,#BUSY!,"]
    );
}

#[test]
fn a_formula_without_a_result_is_a_fault_of_every_known_column() {
    let table = WorkbookParts::with_rows(
        "<row r=\"2\"><c r=\"A2\"><f>B2</f></c><c r=\"B2\"><f>B2</f><v></v></c>\
         <c r=\"C2\" t=\"str\"><f>B2</f><v></v></c><c r=\"D2\"><f>B2</f><v>7</v></c>\
         <c r=\"E2\"><f>B2</f></c></row>",
    )
    .read()
    .unwrap();
    let columns: Vec<_> = faults(&table)
        .into_iter()
        .map(|fault| (fault.column.unwrap().as_str(), fault.kind))
        .collect();
    let fault = ProblemKind::SheetCell(SheetCellFault::NotCalculated);
    assert_eq!(
        columns,
        [("file_path", fault.clone()), ("object_type", fault)]
    );
    assert_eq!(table.text.lines().nth(1), Some(",,,7,"));
}

#[test]
fn merged_cells_are_a_fault_of_each_row_of_a_key_column() {
    let row =
        |number: u32| format!("<row r=\"{number}\"><c r=\"A{number}\" t=\"s\"><v>0</v></c></row>");
    let rows: String = (2..=6).map(row).collect();
    let merged = "<mergeCells><mergeCell ref=\"E2:E6\"/><mergeCell ref=\"C4:D5\"/>\
                  <mergeCell ref=\"A1:E1\"/></mergeCells>";
    let table =
        WorkbookParts::with_sheet(&format!("<sheetData>{HEADER}{rows}</sheetData>{merged}"))
            .read()
            .unwrap();
    let places: Vec<_> = faults(&table)
        .iter()
        .map(|fault| (fault.row, fault.column.unwrap().as_str()))
        .collect();
    assert_eq!(
        places,
        [
            (3, "object_id"),
            (3, "external_id"),
            (4, "object_id"),
            (4, "external_id")
        ]
    );
}

#[test]
fn dates_of_a_workbook_from_1904_are_right() {
    let table = WorkbookParts::with_rows("<row><c r=\"E2\" s=\"2\"><v>44631</v></c></row>")
        .part(
            "xl/workbook.xml",
            "<workbook><workbookPr date1904=\"1\"/><sheets><sheet name=\"C\" r:id=\"r1\"/></sheets>\
             </workbook>",
        )
        .read()
        .unwrap();
    assert_eq!(table.text.lines().nth(1), Some(",,,,2026-03-12"));
}

#[test]
fn a_built_in_format_with_an_unknown_code_is_not_taken_for_a_plain_one() {
    let table = WorkbookParts::with_rows("<row><c r=\"D2\" s=\"3\"><v>7</v></c></row>")
        .read()
        .unwrap();
    assert!(matches!(
        faults(&table)[0].kind,
        ProblemKind::SheetCell(SheetCellFault::SpecialFormat { .. })
    ));
}

#[test]
fn damage_is_said_with_the_part() {
    let sheet = "xl/worksheets/sheet1.xml";
    for (parts, said) in [
        (
            WorkbookParts::with_rows("<row r=\"5\"/><row r=\"4\"/>"),
            "is a damaged workbook: xl/worksheets/sheet1.xml: row 4 is out of order; open it in a \
             spreadsheet program and save it again",
        ),
        (
            WorkbookParts::with_rows("<row r=\"2\"><c r=\"B2\"/><c r=\"A2\"/></row>"),
            "the cell A2 is out of order",
        ),
        (
            WorkbookParts::with_rows("<row r=\"2\"><c r=\"B3\"/></row>"),
            "the cell B3 is out of order",
        ),
        (
            WorkbookParts::with_rows("<row r=\"2\"><c r=\"ZZZZZZZZ2\"/></row>"),
            "a cell has the address",
        ),
        (
            WorkbookParts::with_rows("<row r=\"4294967296\"/>"),
            "a row has the number",
        ),
        (
            WorkbookParts::with_rows("<row r=\"2\"><c r=\"A2\" t=\"s\"><v>99</v></c></row>"),
            "not found in shared strings",
        ),
        (
            WorkbookParts::with_rows("<row r=\"2\"><c r=\"A2\"><x/></c></row>"),
            "Contracts",
        ),
        (WorkbookParts::with_rows("<row r=\"2\"><c>"), sheet),
        (WorkbookParts::with_sheet(""), "Contracts"),
        (WorkbookParts::new().without(sheet), "the part is missing"),
        (WorkbookParts::new().without("_rels/.rels"), "_rels/.rels"),
        (
            WorkbookParts::new().part("XL/Workbook.xml", ""),
            "the part is there twice",
        ),
        (
            WorkbookParts::with_sheet(&format!(
                "<dimension ref=\"B9:A1\"/><sheetData>{HEADER}</sheetData>"
            )),
            "the dimension is",
        ),
    ] {
        let message = parts.refusal();
        assert!(message.contains(said), "{message}");
        assert!(message.starts_with("is a damaged workbook: "), "{message}");
    }
}

#[test]
fn a_part_that_unpacks_to_more_than_its_bound_is_refused_with_the_number() {
    let styles = format!("<styleSheet>{}</styleSheet>", "<x/>".repeat(17 << 20));
    let bytes = WorkbookParts::with_rows("")
        .part("xl/styles.xml", styles)
        .bytes();
    assert!(bytes.len() < 1 << 20, "the archive is small");
    let mut lying = bytes.clone();
    let mut lies = 0;
    for at in 0..lying.len() - 46 {
        // The sizes in the directory, and before each part.
        let (signature, size) = (lying[at..at + 4].to_vec(), at);
        let size = match &signature[..] {
            b"PK\x01\x02" => size + 24,
            b"PK\x03\x04" => size + 22,
            _ => continue,
        };
        lying[size..size + 4].copy_from_slice(&100_u32.to_le_bytes());
        lies += 1;
    }
    assert_eq!(lies, 14, "each part lies twice");
    assert_eq!(
        read(&bytes).unwrap_err().to_string(),
        "is a workbook whose part xl/styles.xml unpacks to more than 67,108,864 bytes, the most that one \
         run takes; copy the rows into a new workbook, or split them"
    );
    let message = read(&lying).unwrap_err().to_string();
    assert!(
        message.contains("larger than its declared uncompressed size"),
        "{message}"
    );
}

#[test]
fn nothing_is_reserved_by_a_number_in_the_file() {
    let promise = "<sst uniqueCount=\"999999999999999\"><si><t>a</t></si></sst>";
    let parts = WorkbookParts::with_rows("").part("xl/sharedStrings.xml", promise);
    assert!(
        parts
            .refusal()
            .contains("it says that it has 999999999999999 texts, and has 1")
    );
    let no_number = "<sst uniqueCount=\"many\"/>";
    let parts = WorkbookParts::with_rows("").part("xl/sharedStrings.xml", no_number);
    assert!(parts.refusal().contains("it has \"many\" texts"));
    let formats = format!(
        "<styleSheet><cellXfs>{}</cellXfs></styleSheet>",
        "<xf/>".repeat(70_000)
    );
    let parts = WorkbookParts::with_rows("").part("xl/styles.xml", formats);
    assert!(
        parts
            .refusal()
            .contains("it has more than 65536 cell formats")
    );
    let code = "0".repeat(5000);
    let code = format!("<styleSheet><numFmt formatCode=\"{code}\"/></styleSheet>");
    let parts = WorkbookParts::with_rows("").part("xl/styles.xml", code);
    assert!(parts.refusal().contains("a style is too long"));
    let text = "x".repeat(3 << 20);
    let cell = format!("<row><c r=\"A2\" t=\"str\"><v>{text}</v></c></row>");
    let refusal = WorkbookParts::with_rows(&cell).refusal();
    assert!(
        refusal.contains("one value has more than 1,048,576 bytes"),
        "{refusal}"
    );
}

#[test]
fn a_changed_byte_is_noticed_by_the_check_sum() {
    let rows = "<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>one</t></is></c></row>";
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in WorkbookParts::with_rows(rows).0 {
        zip.start_file(name, stored).unwrap();
        zip.write_all(&content).unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    assert!(read(&bytes).is_ok());
    let at = bytes.windows(3).position(|found| found == b"one").unwrap();
    bytes[at] = b'0';
    let message = read(&bytes).unwrap_err().to_string();
    assert!(message.contains("sheet1.xml: "), "{message}");
    let half = &bytes[..bytes.len() / 2];
    assert!(matches!(
        read(half),
        Err(ManifestErrorKind::Workbook(WorkbookError::Damaged { .. }))
    ));
}

/// Parts of a workbook with everything that the reader looks at.
fn rich_workbook() -> WorkbookParts {
    let rows = "<row r=\"2\" hidden=\"1\"><c r=\"A2\" t=\"s\"><v>0</v></c><c r=\"B2\" t=\"b\"><v>1</v></c>\
                <c r=\"C2\" s=\"1\"><v>48213.5</v></c><c r=\"D2\" t=\"e\"><v>#SPILL!</v></c>\
                <c r=\"E2\" t=\"inlineStr\"><is><r><t xml:space=\"preserve\"> a_x000D_b </t></r></is></c></row>\
                <row r=\"3\"><c r=\"A3\"><f t=\"shared\" si=\"4\" ref=\"A3:A4\">B3</f></c>\
                <c r=\"D3\" s=\"2\"><v>46093.5</v></c><c r=\"XFD3\"><v>9</v></c></row>";
    WorkbookParts::with_sheet(&format!(
        "<dimension ref=\"A1:XFD3\"/><sheetData>{HEADER}{rows}</sheetData>\
         <autoFilter ref=\"A1:E3\"/><mergeCells><mergeCell ref=\"C2:C3\"/></mergeCells>"
    ))
}

/// Reads workbooks with random changes in the XML of their parts. Most changes are refused; none may
/// panic or take the memory of the machine.
#[test]
fn no_change_in_a_workbook_makes_the_reader_panic() {
    let parts = rich_workbook();
    assert!(parts.read().is_ok());
    let pieces = [
        "<",
        ">",
        "\"",
        "&",
        "/",
        "0",
        "9",
        "99999999999",
        "-1",
        "A1",
        "ZZZZZZZZZZZ1",
        "<c>",
        "</c>",
        "<row>",
        "<v>",
        "</v>",
        "<f si=\"99999999999\" t=\"shared\">",
        "<row r=\"4294967295\">",
        "<sst uniqueCount=\"88888888888888\">",
        "ref=\"A0:B1\"",
        "r=\"\"",
        "s=\"9999999999\"",
        "t=\"d\"",
        "<!--",
        "]]>",
        "\u{0}",
        "\u{fffd}",
        "<mergeCell ref=\"XFD1048577:A1\"/>",
    ];
    let mut random = fastrand::Rng::with_seed(17);
    let mut read_all_the_same = 0;
    for _ in 0..1000 {
        let mut changed = WorkbookParts(parts.0.clone());
        let (_, content) = random.choice(&mut changed.0).unwrap();
        let mut text = String::from_utf8(content.clone()).unwrap();
        for _ in 0..random.usize(1..4) {
            let start = random.usize(0..=text.len());
            let end = (start + random.usize(0..12)).min(text.len());
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, random.choice(pieces).unwrap());
            }
        }
        *content = text.into_bytes();
        read_all_the_same += usize::from(changed.read().is_ok());
    }
    assert!(read_all_the_same > 30, "{read_all_the_same}");
}

/// The same for changes of bytes in the archive.
#[test]
fn no_change_in_an_archive_makes_the_reader_panic() {
    let bytes = rich_workbook().bytes();
    let mut random = fastrand::Rng::with_seed(18);
    for _ in 0..1000 {
        let mut changed = bytes.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(4..changed.len());
            changed[at] = random.u8(..);
        }
        let _ = read(&changed);
    }
}

#[test]
fn other_archives_are_told_by_their_content() {
    let said = |parts: WorkbookParts| parts.refusal();
    let types = |content_type: &str| {
        WorkbookParts::new().part(
            "[Content_Types].xml",
            format!("<Types><Override ContentType=\"{content_type}\"/></Types>"),
        )
    };
    assert!(
        said(types(
            "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
        ))
        .starts_with("is a binary workbook (.xlsb); save it as .xlsx")
    );
    assert!(
        said(types(
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
        ))
        .starts_with("is a document of an office program")
    );
    let without_types = || WorkbookParts::new().without("[Content_Types].xml");
    let ods = without_types().part("mimetype", "application/vnd.oasis.opendocument.spreadsheet");
    assert!(said(ods).starts_with("is an OpenDocument spreadsheet (.ods); save it as .xlsx"));
    assert!(said(without_types()).starts_with("is a ZIP archive without a workbook"));
    let with_macros = types("application/vnd.ms-excel.sheet.macroEnabled.main+xml").part(
        "xl/worksheets/sheet1.xml",
        format!("<worksheet><sheetData>{HEADER}</sheetData></worksheet>"),
    );
    assert!(with_macros.read().is_ok());
}
