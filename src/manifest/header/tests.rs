//! Headers: known and unknown columns, and what is refused.

use super::*;
use crate::manifest::column_sources::tests::column_sources_from;

fn header(text: &str) -> ManifestHeader {
    ManifestHeader::read(text, &ColumnSources::default())
        .unwrap()
        .0
}

fn refusal(text: &str) -> String {
    refusal_with(text, &[], &[])
}

fn header_with(text: &str, headings: &[&str], constants: &[&str]) -> ManifestHeader {
    let sources = sources(headings, constants);
    ManifestHeader::read(text, &sources).unwrap().0
}

fn refusal_with(text: &str, headings: &[&str], constants: &[&str]) -> String {
    let sources = sources(headings, constants);
    let refused = ManifestHeader::read(text, &sources);
    refused.unwrap_err().to_string()
}

fn sources(headings: &[&str], constants: &[&str]) -> ColumnSources {
    column_sources_from(headings, constants).unwrap()
}

#[test]
fn the_delimiter_is_seen_from_the_header() {
    for delimiter in [",", ";", "\t"] {
        let text = [
            "file_path",
            "object_type",
            "object_id",
            "external_id",
            "a,b;c",
        ]
        .map(|name| format!("\"{name}\""))
        .join(delimiter);
        let header = header(&text);
        assert_eq!(char::from(header.delimiter).to_string(), delimiter);
        assert_eq!(header.width, 5);
    }
}

#[test]
fn names_are_known_in_any_case_and_with_blanks_or_hyphens() {
    let header = header("\n,,,\nFile Path, OBJECT-TYPE ,\"object id\",External_ID,Sha256\n");
    assert_eq!(header.line, 3);
    assert_eq!(header.column_index(Column::FilePath), Some(0));
    assert_eq!(header.column_index(Column::ExternalId), Some(3));
    assert_eq!(header.column_index(Column::Sha256), Some(4));
    assert_eq!(header.column_index(Column::Title), None);
}

#[test]
fn a_missing_column_is_named_with_what_was_found_and_what_may_be_meant() {
    assert_eq!(
        refusal("file_path,object_type,object_id,externalid,note\n"),
        "line 1: missing column external_id; found \"file_path\", \"object_type\", \
         \"object_id\", \"externalid\", \"note\"; expected file_path, object_type, object_id or \
         object_external_id, external_id; rename \"externalid\" or say --column \
         external_id=externalid if it is external_id"
    );
    assert_eq!(
        refusal("path,type\n"),
        "line 1: missing columns file_path, object_type, object_id or object_external_id, \
         external_id; found \"path\", \"type\"; expected file_path, object_type, object_id or \
         object_external_id, external_id; rename \"path\" or say --column file_path=path, for \
         example, if it is file_path; if all rows are of one type, say it once, such as --set \
         object_type=contract"
    );
}

#[test]
fn either_column_names_the_record_and_of_neither_each_is_looked_for() {
    for names in [
        "object_id",
        "Object External-ID",
        "object_external_id,object_id",
    ] {
        header(&format!("file_path,object_type,{names},external_id\n"));
    }
    let of_neither = |name: &str, meant: &str| {
        assert!(
            refusal(&format!("file_path,object_type,{name},external_id\n")).ends_with(&format!(
                "missing column object_id or object_external_id; found \"file_path\", \
                 \"object_type\", \"{name}\", \"external_id\"; expected file_path, object_type, \
                 object_id or object_external_id, external_id; rename \"{name}\" or say \
                 --column {meant}={name} if it is {meant}"
            ))
        );
    };
    of_neither("objectid", "object_id");
    of_neither("object_extrenal_id", "object_external_id");
}

#[test]
fn two_columns_of_one_name_are_refused() {
    assert_eq!(
        refusal("file_path,object_type,object_id,external_id,File Path\n"),
        "line 1: the columns 1 and 5 are both named \"File Path\"; rename or remove one"
    );
}

#[test]
fn a_wrong_quote_in_the_header_is_located() {
    assert_eq!(
        refusal("\"file\"_path,object_type,object_id,external_id\n"),
        "line 1: a quote in the header closes in the middle of a name; close it where the \
         name ends, and double each quote inside a name"
    );
    assert_eq!(
        refusal("\n\"file_path,object_type\nx\n"),
        "line 2: the quote that opens here is never closed; close it, or double it if it is \
         part of the text"
    );
}

#[test]
fn a_file_without_any_text_is_refused() {
    assert!(matches!(
        ManifestHeader::read(" \n,,\n", &ColumnSources::default()),
        Err(ManifestErrorKind::EmptyFile)
    ));
}

#[test]
fn columns_besides_the_known_ones_are_carried_under_names_free_in_the_results() {
    let header = header(
        "file_path,object_type,object_id,external_id,sha256,Title,My Note,STATUS,\
         manifest_status,,size\n",
    );
    assert_eq!(
        header.extra_names,
        [
            "title",
            "My Note",
            "manifest_manifest_status",
            "manifest_status",
            "manifest_size"
        ]
    );
    let positions = [5, 6, 7, 8, 10].map(ExtraColumn::Position);
    assert_eq!(header.extra_columns, positions);
    assert_eq!(header.unnamed_indices, [9]);
}

#[test]
fn only_a_name_that_is_nearly_that_of_an_absent_column_is_warned_of() {
    let required = "file_path,object_type,object_id,external_id";
    for (more, warned) in [
        ("titel", Some(("titel", Column::Title))),
        ("File Nmae", Some(("File Nmae", Column::FileName))),
        ("titel,title", None),
        ("department", None),
        ("status", None),
        ("project_external_id", None),
    ] {
        let header = header(&format!("{required},{more}\n"));
        let warned: Vec<_> = warned
            .into_iter()
            .map(|(name, column)| (name.to_owned(), column))
            .collect();
        assert_eq!(header.misspelt_columns, warned, "{more}");
    }
}

#[test]
fn a_named_heading_counts_before_a_heading_with_the_name_of_the_column() {
    let text = "Document link;Type;object_id;external_id;file_path;Title;Doc name\n";
    let header = header_with(
        text,
        &[
            "file_path=document  LINK",
            "object_type=Type",
            "title=Doc name",
        ],
        &[],
    );
    assert_eq!(header.delimiter, b';');
    assert_eq!(header.column_index(Column::FilePath), Some(0));
    assert_eq!(header.column_index(Column::ObjectType), Some(1));
    assert_eq!(header.column_index(Column::Title), Some(6));
    assert_eq!(
        header.extra_names,
        ["manifest_file_path", "manifest_title", "title"]
    );
    let renamed: Vec<_> = header.renamed_columns().collect();
    assert_eq!(
        renamed,
        [
            (Column::FilePath, "Document link"),
            (Column::ObjectType, "Type"),
            (Column::Title, "Doc name"),
        ]
    );
}

#[test]
fn a_delimiter_is_seen_from_named_headings_too() {
    let text = "Datei, gescannt;Art;Nr;Id\n";
    let headings = [
        "file_path=Datei, gescannt",
        "object_type=Art",
        "object_id=Nr",
        "external_id=Id",
    ];
    assert_eq!(header_with(text, &headings, &[]).width, 4);
}

#[test]
fn a_value_for_all_rows_stands_for_a_column_that_is_not_there() {
    let text = "file_path,object_id,external_id,note\n";
    let header = header_with(text, &[], &["object_type=contract", "title=Scan 2026"]);
    let constants: Vec<_> = header.constants().collect();
    assert_eq!(
        constants,
        [
            (Column::ObjectType, "contract"),
            (Column::Title, "Scan 2026")
        ]
    );
    assert_eq!(header.extra_names, ["note", "title"]);
    assert_eq!(
        header.extra_columns,
        [
            ExtraColumn::Position(3),
            ExtraColumn::Constant(Column::Title)
        ]
    );
}

#[test]
fn a_value_for_a_column_that_is_there_is_refused() {
    let text = "file_path,Object Type,object_id,external_id\n";
    assert_eq!(
        refusal_with(text, &[], &["object_type=contract"]),
        "line 1: the manifest has a column object_type, so --set object_type could contradict its \
         cells; leave --set object_type out, or remove the column"
    );
}

#[test]
fn a_heading_that_is_in_no_column_is_named_with_those_that_are_there() {
    let text = "Document link,object_type,object_id,external_id\n";
    assert_eq!(
        refusal_with(text, &["file_path=Dokument link"], &[]),
        "line 1: no column has the heading \"Dokument link\", which --column names for file_path; \
         did you mean \"Document link\"? found \"Document link\", \"object_type\", \"object_id\", \
         \"external_id\""
    );
    assert!(refusal_with(text, &["file_path=Scan"], &[]).contains("for file_path; found \"Doc"));
}

#[test]
fn a_heading_that_serves_for_another_column_leaves_its_own_without() {
    let text = "file_path,object_type,object_id,external_id\n";
    assert!(
        refusal_with(text, &["title=file_path"], &[])
            .starts_with("line 1: missing column file_path; found \"file_path\"")
    );
}

#[test]
fn a_line_that_names_the_delimiter_is_said_where_columns_are_missing() {
    let columns = "file_path,object_type,object_id,external_id\n";
    assert_eq!(header(&format!("sep=,\n{columns}")).line, 2);
    let refused = refusal(&format!("sep=;\r\n\r\n{columns}"));
    assert!(
        refused.starts_with("line 3: missing columns file_path, object_type"),
        "{refused}"
    );
    assert!(
        refused.contains(
            "; the delimiter is the one that \"sep=;\" above the header names: correct or remove \
             that line if it is wrong"
        ),
        "{refused}"
    );
}
