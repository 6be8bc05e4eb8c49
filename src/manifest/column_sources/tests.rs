//! Options about columns: what is taken, and what is refused before any manifest is read.

use super::*;

fn heading_refusal(text: &str) -> String {
    ColumnHeading::parse(text).unwrap_err().to_string()
}

fn constant_refusal(text: &str) -> String {
    ColumnConstant::parse(text).unwrap_err().to_string()
}

/// Reads the options for columns as a user types the options.
pub(in crate::manifest) fn column_sources_from(
    headings: &[&str],
    constants: &[&str],
) -> Result<ColumnSources, ColumnSourceConflict> {
    let headings = headings
        .iter()
        .map(|text| ColumnHeading::parse(text).unwrap());
    let constants = constants
        .iter()
        .map(|text| ColumnConstant::parse(text).unwrap());
    ColumnSources::new(headings.collect(), constants.collect())
}

fn conflict(headings: &[&str], constants: &[&str]) -> String {
    let sources = column_sources_from(headings, constants);
    sources.unwrap_err().to_string()
}

#[test]
fn an_option_is_split_at_its_first_equals_sign() {
    let heading = ColumnHeading::parse("File Path=a=b").unwrap();
    assert_eq!(
        (heading.column, &*heading.heading),
        (Column::FilePath, "a=b")
    );
    let constant = ColumnConstant::parse("title=x = 1").unwrap();
    assert_eq!(
        (constant.column, &*constant.value),
        (Column::Title, "x = 1")
    );
}

#[test]
fn a_wrong_option_is_refused_with_what_is_expected() {
    let columns = "the columns are file_path, object_type, object_id, object_external_id, \
                   external_id, title, file_name, sha256, new_external_id";
    for (refused, message) in [
        (
            heading_refusal("Document link"),
            "COLUMN=HEADING is expected, such as file_path=\"Document link\"".to_owned(),
        ),
        (
            constant_refusal("contract"),
            "COLUMN=VALUE is expected, such as object_type=contract".to_owned(),
        ),
        (
            heading_refusal("flie_path=Document link"),
            format!("there is no column \"flie_path\"; did you mean file_path? {columns}"),
        ),
        (
            constant_refusal("department=Legal"),
            format!("there is no column \"department\"; {columns}"),
        ),
        (heading_refusal("title= \u{200b}"), "no heading is named for title".to_owned()),
        (
            constant_refusal("title="),
            "the value for title is empty; leave the option out".to_owned(),
        ),
        (
            constant_refusal("object_type=contrat"),
            "\"contrat\" is not an object type; did you mean contract? Allowed are contract, event, \
             project, supplier_company, sourcing_event, sourcing_request"
                .to_owned(),
        ),
        (
            constant_refusal("object_id=048213"),
            "\"048213\" is not a positive whole number in plain digits; write 48213".to_owned(),
        ),
        (
            constant_refusal("file_name=a/b.pdf"),
            "\"a/b.pdf\" contains a `/` or a `\\`; write only the name of the file".to_owned(),
        ),
        (
            constant_refusal("external_id=A1"),
            "external_id cannot have one value in all rows: each row needs an id of its own, by \
             which its attachment is found again"
                .to_owned(),
        ),
        (
            constant_refusal("file_path=a.pdf"),
            "file_path cannot have one value in all rows: each row names a file of its own".to_owned(),
        ),
    ] {
        assert_eq!(refused, message);
    }
    for column in ["new_external_id", "sha256"] {
        assert!(constant_refusal(&format!("{column}=x")).contains("in all rows"));
    }
}

#[test]
fn an_id_of_either_service_may_stand_for_all_rows() {
    for id in ["48213", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"] {
        ColumnConstant::parse(&format!("object_id={id}")).unwrap();
    }
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    for (headings, constants, message) in [
        (
            &["title=Name", "title=Titel"][..],
            &[][..],
            "--column names title twice; leave one of the two out",
        ),
        (
            &["title=Doc Name", "file_name=doc-name"],
            &[],
            "--column names the heading \"doc-name\" for title and for file_name; a heading is one \
             column",
        ),
        (
            &[],
            &["title=x", "title=x"],
            "--set names title twice; leave one of the two out",
        ),
        (
            &["title=Name"],
            &["title=x"],
            "--column and --set both name title; leave one of the two out",
        ),
        (
            &[],
            &["object_id=1", "object_external_id=C-1"],
            "--set names object_id and object_external_id, and a row has one of them alone",
        ),
    ] {
        assert_eq!(conflict(headings, constants), message);
    }
    let wrong = conflict(&[], &["object_type=sourcing_event", "object_id=48213"]);
    assert!(
        wrong.starts_with(
            "--set object_id does not go with --set object_type=sourcing_event: \"48213\""
        ),
        "{wrong}"
    );
}

#[test]
fn an_option_is_shown_as_a_shell_takes_it() {
    let [posix, cmd, powershell] = [
        CommandShell::Posix,
        CommandShell::Cmd,
        CommandShell::PowerShell,
    ];
    for (heading, shell, shown) in [
        ("externalid", posix, "externalid"),
        ("externalid", powershell, "externalid"),
        ("Document link", posix, "\"Document link\""),
        ("Document link", cmd, "\"Document link\""),
        ("Document\n link\u{200b}", posix, "\"Document link\""),
        ("Preis in $", posix, "'Preis in $'"),
        ("Preis in $", cmd, "\"Preis in $\""),
        ("Preis in $", powershell, "'Preis in $'"),
        ("it's", posix, r"'it'\''s'"),
        ("it's", powershell, "\"it's\""),
        ("100% sure", cmd, "^\"100^%^ sure^\""),
    ] {
        let option = ColumnHeading {
            column: Column::Title,
            heading: heading.to_owned(),
        };
        assert_eq!(option.to_option(shell), format!("--column title={shown}"));
    }
}
