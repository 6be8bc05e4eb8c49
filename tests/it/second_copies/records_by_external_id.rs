//! Files attached already, to records that the manifest names by the customer's own ids.

use consign::results::{COLUMNS, LINE_CHECK_COLUMN, line_check, parse_serial};

use crate::harness::ImportTest;

/// Returns a test after an import of two rows whose results name the contracts 1 and 2 `CW-1` and
/// `CW-2`, too. The manifest now names the contracts so alone, and both rows have another key.
fn imported_then_rekeyed() -> ImportTest {
    let test = ImportTest::with_rows(2);
    test.import().exits(0);
    let results = with_object_external_ids(&test.read("m.results.csv"));
    test.write("m.results.csv", results);
    let header = "file_path,object_type,object_external_id,external_id";
    let rows = test.read("m.csv");
    let rows = rows.lines().skip(1).map(|row| {
        let mut cells: Vec<String> = row.split(',').map(str::to_owned).collect();
        cells[2].insert_str(0, "CW-");
        cells[3].insert(0, 'B');
        cells.join(",")
    });
    let rows: Vec<String> = rows.collect();
    test.write("m.csv", format!("{header}\n{}\n", rows.join("\n")));
    test
}

/// Fills in `object_external_id` in each line: `CW-` and the object's own id.
fn with_object_external_ids(results: &str) -> String {
    let place = |name: &str| COLUMNS.iter().position(|column| *column == name).unwrap();
    let check_place = COLUMNS.len();
    let mut csv = csv::Reader::from_reader(results.as_bytes());
    let mut written = csv::Writer::from_writer(Vec::new());
    let header = csv.headers().unwrap().clone();
    assert_eq!(&header[check_place], LINE_CHECK_COLUMN);
    written.write_record(&header).unwrap();
    for line in csv.records() {
        let mut cells: Vec<String> = line.unwrap().iter().map(str::to_owned).collect();
        cells[place("object_external_id")] = format!("CW-{}", cells[place("object_id")]);
        let serial = parse_serial(&cells[check_place]).unwrap();
        let values = cells[..check_place].iter().map(String::as_str);
        cells[check_place] = line_check(values, serial);
        written.write_record(&cells).unwrap();
    }
    String::from_utf8(written.into_inner().unwrap()).unwrap()
}

#[test]
fn rows_with_other_keys_are_known_by_the_external_ids_of_their_records_before_any_request() {
    let test = imported_then_rekeyed();
    test.check()
        .prints(
            "second copies would be attached: 2 rows have another external_id than in \
             m.results.csv\n",
        )
        .prints("column external_id: \"BA1\" was \"A1\" (")
        .exits(2);
    test.resume()
        .prints("column external_id: \"BA2\" was \"A2\" (")
        .requests([])
        .exits(2);
}

#[test]
fn another_record_is_no_second_copy_and_other_results_are_compared_the_same_way() {
    let test = imported_then_rekeyed();
    test.write("other.results.csv", test.read("m.results.csv"));
    test.remove("m.results.csv");
    test.write("m.csv", test.read("m.csv").replace("CW-2", "cw-2"));
    test.check()
        .prints("in an import to the same destination, second copies would be attached: 1 row has")
        .prints("row 1 of other.results.csv has \"A1\" on contract 1\n")
        .exits(0);
}
