use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::arbitrary::proptest_config;
use crate::digest::sha256;
use crate::model::{ExternalId, FileStamp};
use crate::results::{AttachmentChanges, KnownContent, Status, StatusReason, VerifiedBy};

fn file_on_object(object: u64, content: &str) -> FileOnObject {
    FileOnObject {
        object: ObjectRef::parse(ObjectType::Contract, &object.to_string()).unwrap(),
        sha256: sha256(content.as_bytes()),
    }
}

fn new_row(row: usize, external_id: &str, what: FileOnObject) -> NewRow {
    NewRow {
        file_on_object: FileOnObject {
            object: NamedObject::Known(what.object),
            sha256: what.sha256,
        },
        row,
        line: row as u64 + 1,
        external_id: external_id.to_owned(),
        new_external_id: None,
        file_path: format!("{row}.pdf"),
    }
}

fn earlier_copy(row: usize, external_id: &str, what: FileOnObject) -> EarlierCopy {
    EarlierCopy {
        file_on_object: what,
        object_external_id: None,
        row: Some(row),
        external_id: external_id.to_owned(),
        renamed_to: None,
        attachment_id: None,
        file_path: format!("{row}.pdf"),
        results_index: 0,
    }
}

fn renamed_copy(external_id: &str, new: &str, what: FileOnObject) -> EarlierCopy {
    EarlierCopy {
        renamed_to: Some(new.to_owned()),
        ..earlier_copy(1, external_id, what)
    }
}

/// True if a copy has the content of a row, on the row's object.
fn is_of(copy: &EarlierCopy, row: &NewRow) -> bool {
    copy.names_of_file().any(|file| file == row.file_on_object)
}

/// Returns each pair as the new and the old key.
fn ids(copies: &[SecondCopy]) -> Vec<(&str, &str)> {
    let ids = copies.iter().map(|copy| {
        let (new, old) = (&copy.row.external_id, &copy.first_copy.external_id);
        (new.as_str(), old.as_str())
    });
    ids.collect()
}

fn entry(
    kind: ObjectType,
    object_id: &str,
    status: Status,
    reason: StatusReason,
    id: bool,
) -> ResultsEntry {
    ResultsEntry {
        row: Some(1),
        file_path: "a.pdf".into(),
        object_type: kind.to_string(),
        object_id: object_id.into(),
        object_external_id: String::new(),
        external_id: "A1".into(),
        status,
        reason,
        attachment_id: id.then(|| AttachmentId::parse("7").unwrap()),
        known_content: KnownContent::Complete(CheckedContent {
            stamp: FileStamp {
                size: 1,
                modified: jiff::Timestamp::UNIX_EPOCH,
            },
            sha256: sha256(b"x"),
        }),
        verified_by: VerifiedBy::Nothing,
        attempts: 1,
        destination: "here".into(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        message: String::new(),
        changes: AttachmentChanges::default(),
    }
}

#[test]
fn a_row_with_the_file_of_one_that_has_left_is_a_second_copy() {
    for service in [ProcurementService::Workday, ProcurementService::Keelvar] {
        let rows = [
            new_row(1, "10", file_on_object(1, "a")),
            new_row(2, "11", file_on_object(2, "a")),
            new_row(3, "12", file_on_object(1, "b")),
        ];
        let left = vec![earlier_copy(1, "00010", file_on_object(1, "a"))];
        let found = find_second_copies(service, rows, left, Vec::new());
        assert_eq!(ids(&found.renamed), [("10", "00010")]);
        assert_eq!(found.in_other_results, []);
    }
}

#[test]
fn rows_of_one_file_are_paired_with_the_copies_of_their_paths_first() {
    let file = file_on_object(1, "a");
    let rows = [(3, "c"), (1, "a"), (4, "d"), (5, "e")];
    let rows = rows.map(|(row, id)| new_row(row, id, file));
    let left = vec![earlier_copy(1, "A", file), earlier_copy(2, "B", file)];
    let found = find_second_copies(ProcurementService::Workday, rows, left, Vec::new());
    assert_eq!(
        ids(&found.renamed),
        [("a", "A"), ("c", "B"), ("d", "A"), ("e", "A")]
    );
}

#[test]
fn a_row_that_has_the_new_id_of_a_line_is_its_row() {
    let copy = renamed_copy("A", "B", file_on_object(1, "a"));
    assert!(!copy.has_left_manifest(|id| id == "A"));
    assert!(!copy.has_left_manifest(|id| id == "B"));
    assert!(copy.has_left_manifest(|id| id == "C"));
    assert_eq!(copy.current_external_id(), "B");
}

#[test]
fn other_results_stop_a_row_unless_its_look_up_finds_what_they_tell_of() {
    let file = file_on_object(1, "a");
    for (row_id, copies, in_workday) in [
        ("A", vec![earlier_copy(1, "B", file)], true),
        ("A", vec![earlier_copy(1, "A", file)], false),
        ("A", vec![renamed_copy("B", "A", file)], false),
        // Nothing has the old key any more, so nothing is found.
        ("A", vec![renamed_copy("A", "B", file)], true),
        // One of two rows with the same file.
        (
            "A",
            vec![earlier_copy(1, "B", file), earlier_copy(2, "A", file)],
            false,
        ),
        (
            "A",
            vec![earlier_copy(1, "B", file_on_object(2, "a"))],
            false,
        ),
    ] {
        let about_it = copies.iter().any(|copy| copy.file_on_object == file);
        for (service, stops) in [
            (ProcurementService::Workday, in_workday),
            (ProcurementService::Keelvar, about_it),
        ] {
            let rows = [new_row(1, row_id, file)];
            let found = find_second_copies(service, rows, Vec::new(), copies.clone());
            assert_eq!(
                found.in_other_results.len(),
                usize::from(stops),
                "{service} {copies:?}"
            );
            assert_eq!(found.renamed, []);
        }
    }
}

#[test]
fn a_copy_is_found_by_the_new_id_that_a_row_asks_for_as_well() {
    let file = file_on_object(1, "a");
    let row = NewRow {
        new_external_id: Some("B".to_owned()),
        ..new_row(1, "A", file)
    };
    for copy in [renamed_copy("A", "B", file), earlier_copy(1, "B", file)] {
        for (left, beside) in [(vec![copy.clone()], vec![]), (vec![], vec![copy.clone()])] {
            let found =
                find_second_copies(ProcurementService::Workday, [row.clone()], left, beside);
            assert_eq!(found, SecondCopiesFound::default());
        }
    }
}

#[test]
fn a_line_tells_of_a_copy_that_is_there_or_was_begun() {
    const EVENT: &str = "0b1e7a52-6a5c-4f5e-9d0c-2f4b8a1c3d5e";
    let (contract, event) = (ObjectType::Contract, ObjectType::SourcingEvent);
    for (kind, status, reason, id, is_one) in [
        (contract, Status::Uploaded, StatusReason::None, true, true),
        (contract, Status::Skipped, StatusReason::None, true, true),
        (
            contract,
            Status::Conflict,
            StatusReason::FileChanged,
            true,
            true,
        ),
        (contract, Status::Creating, StatusReason::None, false, true),
        (contract, Status::Created, StatusReason::None, true, true),
        (
            contract,
            Status::Created,
            StatusReason::NotFoundAgain,
            true,
            false,
        ),
        (contract, Status::Replacing, StatusReason::None, true, true),
        (
            contract,
            Status::Failed,
            StatusReason::UploadRefused,
            true,
            true,
        ),
        (
            contract,
            Status::Pending,
            StatusReason::ObjectChanged,
            false,
            true,
        ),
        (
            contract,
            Status::Pending,
            StatusReason::NotReached,
            false,
            false,
        ),
        (
            contract,
            Status::Failed,
            StatusReason::Refused,
            false,
            false,
        ),
        (
            contract,
            Status::Invalid,
            StatusReason::NotFit,
            false,
            false,
        ),
        (event, Status::Uploaded, StatusReason::None, true, true),
        (event, Status::Failed, StatusReason::JobFailed, true, true),
        (event, Status::Pending, StatusReason::JobWaiting, true, true),
        (
            event,
            Status::Failed,
            StatusReason::NotAttached,
            true,
            false,
        ),
    ] {
        let object = if kind == contract { "7" } else { EVENT };
        let line = entry(kind, object, status, reason, id);
        assert_eq!(is_begun(&line), is_one, "{line:?}");
        assert_eq!(EarlierCopy::from_entry(line, 0).is_some(), is_one);
    }
}

#[test]
fn what_somebody_else_has_stored_is_no_copy_of_ours() {
    let line = ResultsEntry {
        known_content: KnownContent::Size(1),
        ..entry(
            ObjectType::Contract,
            "7",
            Status::Conflict,
            StatusReason::StoredOtherSize,
            true,
        )
    };
    assert!(!is_begun(&line));
    assert_eq!(EarlierCopy::from_entry(line, 0), None);
}

#[test]
fn an_object_is_the_same_in_whichever_form_its_id_was_written() {
    const EVENT: &str = "0b1e7a52-6a5c-4f5e-9d0c-2f4b8a1c3d5e";
    let copy = |id: &str| {
        let line = entry(
            ObjectType::SourcingEvent,
            id,
            Status::Uploaded,
            StatusReason::None,
            true,
        );
        EarlierCopy::from_entry(line, 0).unwrap().file_on_object
    };
    assert_eq!(copy(EVENT), copy(&EVENT.to_uppercase()));
}

/// Returns a row whose contract is not known yet, and is named by an external id.
fn row_by_external_id(row: usize, external_id: &str, contract: &str, content: &str) -> NewRow {
    let named = ObjectExternalId::parse(contract).unwrap();
    NewRow {
        file_on_object: FileOnObject {
            object: NamedObject::ByExternalId(ObjectType::Contract, named),
            sha256: sha256(content.as_bytes()),
        },
        ..new_row(row, external_id, file_on_object(1, content))
    }
}

#[test]
fn a_row_whose_object_is_not_known_yet_is_compared_by_the_external_id_of_the_object() {
    let copy = |external_id: &str, kind, named: &str| {
        let line = ResultsEntry {
            external_id: external_id.into(),
            object_external_id: named.into(),
            ..entry(kind, "7", Status::Uploaded, StatusReason::None, true)
        };
        EarlierCopy::from_entry(line, 0).unwrap()
    };
    for (kind, named, contract, content, is_second) in [
        (ObjectType::Contract, "CW-1", "CW-1", "x", true),
        (ObjectType::Contract, "CW-1", "cw-1", "x", false),
        (ObjectType::Contract, "CW-1", "CW-1", "y", false),
        (ObjectType::Contract, "", "CW-1", "x", false),
        (ObjectType::Project, "CW-1", "CW-1", "x", false),
    ] {
        let rows = || [row_by_external_id(2, "B", contract, content)];
        let copies = || vec![copy("A", kind, named)];
        let service = ProcurementService::Workday;
        let left = find_second_copies(service, rows(), copies(), Vec::new());
        let beside = find_second_copies(service, rows(), Vec::new(), copies());
        let pairs: &[(&str, &str)] = if is_second { &[("B", "A")] } else { &[] };
        assert_eq!(ids(&left.renamed), pairs, "{kind} {named:?} {contract:?}");
        assert_eq!(ids(&beside.in_other_results), pairs, "{kind} {named:?}");
    }
    // Once the object is known, its own id counts.
    let known = new_row(2, "B", file_on_object(7, "x"));
    let copies = vec![copy("A", ObjectType::Contract, "CW-1")];
    let found = find_second_copies(ProcurementService::Workday, [known], copies, Vec::new());
    assert_eq!(ids(&found.renamed), [("B", "A")]);
}

/// A key and a file on an object, each of only a few, for a row or a line.
fn any_key_and_file() -> impl Strategy<Value = (&'static str, FileOnObject)> {
    let ids = select(vec!["A", "B", "C", "D", "E"]);
    let files = (1_u64..3, select(vec!["a", "b"]));
    (
        ids,
        files.prop_map(|(object, content)| file_on_object(object, content)),
    )
}

/// Returns an object as named by its external id: the id after `CW-`.
fn by_external_id(object: ObjectRef) -> NamedObject {
    let id = ObjectExternalId::parse(&format!("CW-{}", object.id())).unwrap();
    NamedObject::ByExternalId(object.object_type(), id)
}

/// Rows, each with a number and a key of its own.
fn rows() -> impl Strategy<Value = Vec<NewRow>> {
    prop::collection::vec(any_key_and_file(), 0..6).prop_map(|rows| {
        let rows = rows.into_iter().zip(1..).map(|((id, what), row)| {
            let id = ExternalId::parse(&format!("{id}{row}")).unwrap();
            let known = new_row(row, id.as_str(), what);
            // The object of every third row is not known yet.
            match row % 3 {
                0 => NewRow {
                    file_on_object: FileOnObject {
                        object: by_external_id(what.object),
                        sha256: what.sha256,
                    },
                    ..known
                },
                _ => known,
            }
        });
        rows.collect()
    })
}

fn copies() -> impl Strategy<Value = Vec<EarlierCopy>> {
    prop::collection::vec(any_key_and_file(), 0..6).prop_map(|copies| {
        let copies = copies.into_iter().zip(1..);
        copies
            .map(|((id, what), row)| EarlierCopy {
                object_external_id: by_external_id(what.object).external_id().cloned(),
                ..earlier_copy(row, id, what)
            })
            .collect()
    })
}

fn service() -> impl Strategy<Value = ProcurementService> {
    select(vec![
        ProcurementService::Workday,
        ProcurementService::Keelvar,
    ])
}

fn rows_named(found: &SecondCopiesFound) -> Vec<usize> {
    let all = found.renamed.iter().chain(&found.in_other_results);
    let mut rows: Vec<usize> = all.map(|copy| copy.row.row).collect();
    rows.sort_unstable();
    rows
}

proptest! {
    #![proptest_config(proptest_config(256))]

    #[test]
    fn each_pair_is_one_file_on_one_object_and_no_row_is_named_twice(
        (service, rows, left, beside) in (service(), rows(), copies(), copies())
    ) {
        let found = find_second_copies(service, rows, left.clone(), beside.clone());
        for (pairs, copies) in [(&found.renamed, &left), (&found.in_other_results, &beside)] {
            for pair in pairs {
                prop_assert!(is_of(&pair.first_copy, &pair.row));
                prop_assert!(copies.contains(&pair.first_copy));
            }
        }
        let mut named = rows_named(&found);
        let all = named.len();
        named.dedup();
        prop_assert_eq!(named.len(), all);
    }

    #[test]
    fn a_row_is_let_through_only_if_nothing_that_its_look_up_misses_has_its_file(
        (service, rows, left, beside) in (service(), rows(), copies(), copies())
    ) {
        let found = find_second_copies(service, rows.clone(), left.clone(), beside.clone());
        let named = rows_named(&found);
        for row in rows.iter().filter(|row| !named.contains(&row.row)) {
            let has_its_file = |copy: &&EarlierCopy| is_of(copy, row);
            prop_assert!(!left.iter().any(|copy| has_its_file(&copy)));
            let theirs: Vec<_> = beside.iter().filter(has_its_file).collect();
            let is_found = theirs.iter().any(|copy| copy.external_id == row.external_id);
            prop_assert!(theirs.is_empty() || (service == ProcurementService::Workday && is_found));
        }
    }

    #[test]
    fn the_order_of_rows_and_lines_never_matters_to_which_rows_are_named(
        (service, rows, left, beside) in (service(), rows(), copies(), copies())
    ) {
        let forwards = find_second_copies(service, rows.clone(), left.clone(), beside.clone());
        let turned = find_second_copies(
            service,
            rows.into_iter().rev(),
            left.into_iter().rev().collect(),
            beside.into_iter().rev().collect(),
        );
        prop_assert_eq!(rows_named(&forwards), rows_named(&turned));
    }

    #[test]
    fn a_line_whose_key_stays_in_the_manifest_has_not_left(
        (copies, stay) in (copies(), prop::collection::vec(select(vec!["A", "B", "C"]), 0..3))
    ) {
        for copy in copies {
            let has_left = copy.has_left_manifest(|id| stay.contains(&id));
            prop_assert_eq!(has_left, !stay.contains(&&*copy.external_id));
        }
    }
}
