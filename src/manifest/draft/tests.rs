//! Tests of drafts: cells, columns, and the bytes of the files.

use super::*;

fn draft(paths: &[&str], pattern: Option<&str>) -> ManifestDraft {
    let files = paths.iter().map(|path| DraftedFile {
        path: (*path).to_owned(),
        stamp: FileStamp {
            size: path.len() as u64,
            modified: "2026-11-28T12:00:00.5Z".parse().unwrap(),
        },
    });
    let pattern = pattern.map(|pattern| PathPattern::parse(pattern).unwrap());
    ManifestDraft::new(files.collect(), pattern)
}

fn csv_of(draft: &ManifestDraft) -> (String, DraftTally) {
    let mut bytes = Vec::new();
    let tally = draft.write(DraftFormat::Csv, &mut bytes).unwrap();
    (String::from_utf8(bytes).unwrap(), tally)
}

#[test]
fn a_row_has_the_path_an_id_and_what_a_person_goes_by_when_filling_in() {
    let (text, tally) = csv_of(&draft(&["b.pdf", "a/c, d.pdf"], None));
    assert_eq!(
        text,
        "\u{feff}file_path,object_type,object_id,external_id,size,modified\n\
         \"a/c, d.pdf\",,,a_c-d-pdf-9d286df629cbae6d,10,2026-11-28T12:00:00.5Z\n\
         b.pdf,,,b-pdf-9a3f96912c5f85bc,5,2026-11-28T12:00:00.5Z\n"
    );
    assert_eq!(tally, DraftTally::default());
}

#[test]
fn cells_of_a_pattern_stand_in_columns_and_a_file_that_does_not_fit_has_none() {
    let paths = ["legal/CTR-1/Amendment.pdf", "readme.txt"];
    let pattern = "{Department}/{object_external_id}/{title}.{ext}";
    let (text, tally) = csv_of(&draft(&paths, Some(pattern)));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "\u{feff}file_path,object_type,object_external_id,external_id,title,Department,size,modified"
    );
    assert!(lines[1].starts_with("legal/CTR-1/Amendment.pdf,,CTR-1,legal_CTR-1_"));
    assert!(lines[1].contains(",Amendment,legal,25,"), "{text}");
    assert!(lines[2].starts_with("readme.txt,,,readme-txt-"), "{text}");
    assert!(lines[2].contains(",,,10,"), "{text}");
    assert_eq!(tally.unmatched, ["readme.txt"]);
}

#[test]
fn a_pattern_may_give_both_ids_of_a_record_and_the_key() {
    let pattern = "{object_type}/{object_id}/{object_external_id}/{external_id}";
    let (text, _) = csv_of(&draft(&["event/1/E/K"], Some(pattern)));
    assert!(text.starts_with(
        "\u{feff}file_path,object_type,object_id,object_external_id,external_id,size,modified\n\
         ./event/1/E/K,event,1,E,K,"
    ));
}

#[test]
fn a_path_that_a_spreadsheet_would_change_begins_with_the_folder_itself() {
    for (path, cell) in [
        ("a.pdf", "a.pdf"),
        ("0815.pdf", "0815.pdf"),
        ("2024/03/05.pdf", "2024/03/05.pdf"),
        ("archive.7z", "archive.7z"),
        ("Q1 12.Mar", "Q1 12.Mar"),
        ("=1+1.pdf", "./=1+1.pdf"),
        ("-a.pdf", "./-a.pdf"),
        ("@a.pdf", "./@a.pdf"),
        ("\u{ff1d}a.pdf", "./\u{ff1d}a.pdf"),
        ("#REF!", "./#REF!"),
        ("2024/03/05", "./2024/03/05"),
        ("00123", "./00123"),
        ("2024.10", "./2024.10"),
        ("1.E5", "./1.E5"),
        ("12.Mar", "./12.Mar"),
        ("MAR-11", "./MAR-11"),
        ("a.b/c", "./a.b/c"),
        ("A: Anlage.pdf", "./A: Anlage.pdf"),
    ] {
        assert_eq!(file_path_cell(path), cell);
        assert_eq!(refusal_of_file_path(path), None, "{path}");
    }
    let refusal = |path| refusal_of_file_path(path).unwrap();
    assert_eq!(refusal("a\nb.pdf"), "control character");
    assert_eq!(refusal("a\\b.pdf"), "backslash");
}

#[test]
fn a_cell_that_a_spreadsheet_would_run_is_left_empty_in_text_and_counted() {
    let draft = draft(&["x/=cmd.pdf", "x/b.pdf"], Some("{object_id}/{title}.pdf"));
    let (text, tally) = csv_of(&draft);
    assert!(
        text.contains("x/=cmd.pdf,,x,x_cmd-pdf-44ae3ba2bd920775,,10,"),
        "{text}"
    );
    assert_eq!(tally.formula_cells, 1);
    let mut bytes = Vec::new();
    let tally = draft.write(DraftFormat::Workbook, &mut bytes).unwrap();
    assert_eq!(tally.formula_cells, 0, "a cell of text is no formula");
}

#[test]
fn an_id_depends_on_the_path_alone_even_if_accents_are_encoded_otherwise() {
    let ids = |paths: &[&str]| -> Vec<String> {
        let draft = draft(paths, None);
        let spelling = |file: &DraftedFile| path_id(&file.path, &draft.hashed_spelling(&file.path));
        draft.files().iter().map(spelling).collect()
    };
    let [composed, decomposed] = ["\u{e4}.pdf", "a\u{308}.pdf"];
    assert_eq!(ids(&[composed]), ids(&[decomposed, "other.pdf"])[..1]);
    // Only where the folder holds both is one of them told apart.
    let both = ids(&[composed, decomposed]);
    assert_ne!(both[0], both[1]);
    assert!(both.contains(&ids(&[composed])[0]));
    let half_composed = ["a\u{323}\u{302}", "\u{1ea1}\u{302}"];
    let both = ids(&half_composed);
    assert_ne!(both[0], both[1]);
}

#[test]
fn equal_folders_give_equal_workbooks() {
    let bytes = || {
        let mut bytes = Vec::new();
        let draft = draft(&["a.pdf", "b/c.pdf"], Some("**/{title}.{ext}"));
        draft.write(DraftFormat::Workbook, &mut bytes).unwrap();
        bytes
    };
    assert!(bytes().starts_with(b"PK"));
    assert_eq!(bytes(), bytes());
}

#[test]
fn a_sheet_takes_as_many_files_as_it_has_rows() {
    let mut draft = draft(&[], None);
    let file = DraftedFile {
        path: String::new(),
        stamp: FileStamp {
            size: 1,
            modified: jiff::Timestamp::UNIX_EPOCH,
        },
    };
    draft.files = vec![file.clone(); 1_048_575];
    assert!(draft.check_size(DraftFormat::Workbook).is_ok());
    draft.files.push(file);
    assert!(draft.check_size(DraftFormat::Csv).is_ok());
    assert_eq!(
        draft
            .check_size(DraftFormat::Workbook)
            .unwrap_err()
            .to_string(),
        "nothing was written: 1048576 files are more than a sheet has rows (1048575); write a .csv, \
         or a manifest for each of several folders"
    );
}
