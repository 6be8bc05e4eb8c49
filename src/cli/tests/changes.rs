//! Arguments about existing attachments.

use std::path::Path;

use super::import;
use crate::config::{BackupPolicy, ServiceChangePolicy};
use crate::model::ProcurementService;
use crate::plan::{ConflictPolicy, TitlePolicy, UpdatePolicy};

fn resolve_changes(
    args: &[&str],
    service: ProcurementService,
) -> Result<ServiceChangePolicy, String> {
    let changes = import(args)?.changes;
    let amending = changes.for_service(service);
    amending.map_err(|refusal| refusal.to_string())
}

fn workday_changes(args: &[&str]) -> ServiceChangePolicy {
    resolve_changes(args, ProcurementService::Workday).unwrap()
}

#[test]
fn unasked_nothing_is_changed() {
    for service in [ProcurementService::Workday, ProcurementService::Keelvar] {
        for args in [&[][..], &["--on-conflict", "fail"]] {
            let amending = resolve_changes(args, service).unwrap();
            assert_eq!(amending, ServiceChangePolicy::default());
            assert_eq!(amending.update_policy(), UpdatePolicy::default());
            assert_eq!(amending.backup_policy(), None);
        }
    }
}

#[test]
fn what_is_wished_for_is_told_apart() {
    let wishes = |args: &[&str]| workday_changes(args).update_policy();
    let with = |on_conflict, titles| UpdatePolicy {
        on_conflict,
        title_policy: titles,
    };
    assert_eq!(
        wishes(&["--on-conflict", "skip"]),
        with(ConflictPolicy::Skip, TitlePolicy::Leave)
    );
    assert_eq!(
        wishes(&["--update", "title"]),
        with(ConflictPolicy::Fail, TitlePolicy::Update)
    );
    assert_eq!(
        wishes(&[
            "--on-conflict",
            "replace",
            "--no-backup",
            "--update",
            "title"
        ]),
        with(ConflictPolicy::Replace, TitlePolicy::Update)
    );
}

#[test]
fn a_replacement_knows_what_becomes_of_what_it_replaces() {
    let kept = workday_changes(&["--on-conflict", "replace", "--backup", "old files"]);
    let folder = kept.backup_policy().unwrap().folder();
    assert_eq!(folder, Some(Path::new("old files")));
    let waived = workday_changes(&["--on-conflict", "replace", "--no-backup"]);
    assert_eq!(waived.backup_policy(), Some(&BackupPolicy::Waived));
    assert_eq!(waived.backup_policy().unwrap().folder(), None);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (args, said) in [
        (
            &["--on-conflict", "replace"][..],
            "--backup DIR, or give --no-backup",
        ),
        (&["--backup", "d"], "--backup is for replaced content"),
        (&["--no-backup"], "--no-backup is for replaced content"),
        (
            &["--on-conflict", "skip", "--backup", "d"],
            "leave --backup out",
        ),
        (
            &["--backup", "d", "--no-backup"],
            "cannot be used with '--no-backup'",
        ),
        (
            &["--on-conflict", "overwrite"],
            "[possible values: fail, skip, replace]",
        ),
        (
            &["--update", "file_name"],
            "the service would release the stored bytes",
        ),
        (&["--update", "size"], "title is expected"),
    ] {
        let refused = resolve_changes(args, ProcurementService::Workday).unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn keelvar_is_asked_for_none_of_it() {
    for (args, option) in [
        (&["--on-conflict", "skip"][..], "--on-conflict skip"),
        (
            &["--on-conflict", "replace", "--no-backup"],
            "--on-conflict replace",
        ),
        (&["--backup", "d"], "--backup"),
        (&["--no-backup"], "--no-backup"),
        (&["--update", "title"], "--update title"),
    ] {
        assert_eq!(
            resolve_changes(args, ProcurementService::Keelvar).unwrap_err(),
            format!(
                "nothing was sent: {option} is not for Keelvar, whose jobs can neither find \
                 nor change what is attached; leave {option} out"
            )
        );
    }
}
