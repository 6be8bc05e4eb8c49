//! Arguments about existing attachments.

use std::path::Path;

use super::import;
use crate::config::{Amending, Backups};
use crate::model::Service;
use crate::plan::{OnConflict, Titles, Wishes};

fn amending(args: &[&str], service: Service) -> Result<Amending, String> {
    let changes = import(args)?.changes;
    let amending = changes.for_service(service);
    amending.map_err(|refusal| refusal.to_string())
}

fn told(args: &[&str]) -> Amending {
    amending(args, Service::Workday).unwrap()
}

#[test]
fn unasked_nothing_is_changed() {
    for service in [Service::Workday, Service::Keelvar] {
        for args in [&[][..], &["--on-conflict", "fail"]] {
            let amending = amending(args, service).unwrap();
            assert_eq!(amending, Amending::default());
            assert_eq!(amending.wishes(), Wishes::default());
            assert_eq!(amending.backups(), None);
        }
    }
}

#[test]
fn what_is_wished_for_is_told_apart() {
    let wishes = |args: &[&str]| told(args).wishes();
    let with = |on_conflict, titles| Wishes {
        on_conflict,
        titles,
    };
    assert_eq!(
        wishes(&["--on-conflict", "skip"]),
        with(OnConflict::Skip, Titles::Leave)
    );
    assert_eq!(
        wishes(&["--update", "title"]),
        with(OnConflict::Fail, Titles::Update)
    );
    assert_eq!(
        wishes(&[
            "--on-conflict",
            "replace",
            "--no-backup",
            "--update",
            "title"
        ]),
        with(OnConflict::Replace, Titles::Update)
    );
}

#[test]
fn a_replacement_knows_what_becomes_of_what_it_replaces() {
    let kept = told(&["--on-conflict", "replace", "--backup", "old files"]);
    let folder = kept.backups().unwrap().folder();
    assert_eq!(folder, Some(Path::new("old files")));
    let waived = told(&["--on-conflict", "replace", "--no-backup"]);
    assert_eq!(waived.backups(), Some(&Backups::Waived));
    assert_eq!(waived.backups().unwrap().folder(), None);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (args, said) in [
        (
            &["--on-conflict", "replace"][..],
            "--backup DIR, or do without with --no-backup",
        ),
        (
            &["--backup", "d"],
            "--backup is about content that is replaced",
        ),
        (
            &["--no-backup"],
            "--no-backup is about content that is replaced",
        ),
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
            "the service would let go of the stored bytes",
        ),
        (&["--update", "size"], "title is expected"),
    ] {
        let refused = amending(args, Service::Workday).unwrap_err();
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
            amending(args, Service::Keelvar).unwrap_err(),
            format!(
                "nothing was sent: {option} is not for Keelvar, whose jobs can neither find \
                 nor change what is attached; leave {option} out"
            )
        );
    }
}
