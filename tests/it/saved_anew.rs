//! Results opened and saved again in another program: other encodings, delimiters, quotes and line
//! breaks, empty rows. The cells are the same, so the results are believed.

use encoding_rs::WINDOWS_1252;

use crate::harness::{
    ImportTest, MANIFEST_HEADER, ResultsTable, assert_attached_once, manifest_row_for_object,
};

const SAVED: &str = "saved.csv";

/// Function which turns the text of results into the bytes saved by a program.
type SaveFormat = fn(&str) -> Vec<u8>;

/// Formats in which spreadsheets and editors save results.
const WAYS: [(&str, SaveFormat); 8] = [
    ("Unicode text", |text| {
        let text = format!("\u{feff}{}", resaved_with(text, b'\t'));
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }),
    ("UTF-16, the other way round", |text| {
        let text = format!("\u{feff}{}", resaved_with(text, b','));
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }),
    ("UTF-16 without a mark", |text| {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }),
    ("CSV UTF-8", |text| {
        format!("\u{feff}{}", resaved_with(text, b';')).into_bytes()
    }),
    ("empty rows at the end", |text| {
        format!("{text}{}", ",,,,,,,,,,,,,,,,,,,,,,\r\n".repeat(3)).into_bytes()
    }),
    ("empty rows between", |text| {
        text.replace('\n', "\n; ;;;\n\n")
            .replace(';', ",")
            .into_bytes()
    }),
    ("an empty row at the beginning", |text| {
        format!(",,,,\r\n{text}").into_bytes()
    }),
    ("line breaks of an old Macintosh", |text| {
        text.replace('\n', "\r").into_bytes()
    }),
];

/// Returns the text with another delimiter, every cell in quotes, and the line breaks of Windows.
fn resaved_with(text: &str, delimiter: u8) -> String {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for record in reader.records() {
        writer.write_record(&record.unwrap()).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// Returns the text as a program saves it that knows no mark in this encoding.
fn in_windows_1252(text: &str) -> Vec<u8> {
    let text = text.trim_start_matches('\u{feff}');
    WINDOWS_1252.encode(text).0.into_owned()
}

/// Imports three rows, one of them with a name outside ASCII.
fn imported() -> ImportTest {
    let test = ImportTest::with_rows(2).file("Verträge/ü, 5€.pdf", "content of A3");
    let manifest = test.read("m.csv") + "\"Verträge/ü, 5€.pdf\",contract,3,A3\n";
    let test = test.manifest(manifest);
    test.import().exits(0);
    test
}

#[test]
fn results_say_the_same_however_they_were_saved() {
    let test = imported();
    let whole = test.read(ResultsTable::DEFAULT_NAME);
    let base = test.service().base_url();
    for (way, save) in WAYS {
        println!("{way}");
        test.write(SAVED, save(&whole));
        test.consign(["verify", SAVED, "--base-url", &base])
            .with_fast_clock()
            .prints("all 3 rows match")
            .exits(0);
        test.consign(["report", SAVED])
            .prints("All 3 rows are done. ")
            .exits(0);
        test.write(ResultsTable::DEFAULT_NAME, save(&whole));
        test.resume().all_uploaded(3).requests([]).exits(0);
    }
}

#[test]
fn results_that_were_saved_in_an_encoding_of_their_own_are_read_in_the_one_that_is_named() {
    let test = imported();
    let whole = test.read(ResultsTable::DEFAULT_NAME);
    let windows = in_windows_1252(&whole);
    test.write(SAVED, &windows);
    let base = test.service().base_url();
    test.consign(["verify", SAVED, "--base-url", &base])
        .prints(
            "saved.csv line 4 (external_id \"A3\") is not believed: the line is not UTF-8 text; if \
             another program saved the file, name its encoding with --encoding, such as \
             windows-1252; ",
        )
        .exits(1);
    for command in ["verify", "report"] {
        let run = test.consign([command, SAVED, "--encoding", "windows-1252"]);
        let run = match command {
            "verify" => run.args(["--base-url", &base]).prints("all 3 rows match"),
            _ => run.prints("All 3 rows are done. "),
        };
        run.exits(0);
    }
    // The verification may be saved in the same way.
    let verification = test.read("saved.verification.csv");
    test.write("saved.verification.csv", in_windows_1252(&verification));
    // With the manifest saved in the same way, the encoding option is meant for the manifest, and
    // the results keep their own encoding.
    test.write("m.csv", in_windows_1252(&test.read("m.csv")));
    for results in [&*windows, whole.as_bytes()] {
        test.write(ResultsTable::DEFAULT_NAME, results);
        test.resume()
            .args(["--encoding", "windows-1252"])
            .all_uploaded(3)
            .requests([])
            .exits(0);
    }
}

#[test]
fn jobs_of_results_that_were_saved_anew_are_known_too() {
    let test = ImportTest::with_event_rows(1).file("Verträge.pdf", "content of A2");
    let rows = manifest_row_for_object("A2", crate::harness::SOURCING_EVENT)
        .replace("A2.pdf", "Verträge.pdf");
    let manifest = test.read("m.csv") + &rows;
    let test = test.manifest(manifest);
    test.import().exits(0);
    let whole = test.read(ResultsTable::DEFAULT_NAME);
    for (way, save) in WAYS {
        println!("{way}");
        test.write(ResultsTable::DEFAULT_NAME, save(&whole));
        test.resume()
            .rows(["A1 uploaded", "A2 uploaded"])
            .requests([])
            .exits(0);
    }
    assert_attached_once(&test);
}

#[test]
fn what_is_no_text_is_told_with_what_to_do() {
    let test = ImportTest::new().manifest(format!("{MANIFEST_HEADER}A1.pdf,contract,1,A1\n"));
    test.write("A1.pdf", "content of A1");
    test.write(ResultsTable::DEFAULT_NAME, b"PK\x03\x04...");
    test.resume()
        .stderr(
            "error: m.results.csv: is a spreadsheet's own file, not text; save it as CSV (UTF-8) and name \
             that file\n",
        )
        .leaving_a_journal()
        .exits(2);
    let half = "\u{feff}row,file_path\n".encode_utf16();
    let mut half: Vec<u8> = half.flat_map(u16::to_le_bytes).collect();
    half.push(b'x');
    test.write("half.results.csv", half);
    test.consign(["report", "half.results.csv"])
        .stderr(
            "error: half.results.csv: line 2: the byte at offset 30 is not UTF-16LE; name its encoding \
             with --encoding, or save it as UTF-8\n",
        )
        .leaving_a_journal()
        .exits(2);
}
