//! What the user wants changed of what is attached already, and what is kept of it.
//!
//! Replaced content is gone for good, so nobody replaces anything without having said what is to
//! become of it.

use std::path::{Path, PathBuf};

use crate::cli::{AmendArgs, Attribute, Conflicts};
use crate::model::Service;
use crate::plan::{OnConflict, Titles, Wishes};

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Amending {
    /// What becomes of attachments that hold other content.
    conflicts: Amends,
    /// What becomes of attachments that have other titles.
    titles: Titles,
}

/// As [`OnConflict`], with what a replacement needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Amends {
    #[default]
    Nothing,
    Skips,
    Replaces(Backups),
}

/// What becomes of content before it is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backups {
    /// It is downloaded into this folder.
    Into(PathBuf),
    /// The user does without it.
    Waived,
}

/// Why what was typed cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmendError {
    /// Content would be lost, and nobody has said that it may be.
    #[error(
        "nothing was sent: --on-conflict replace takes the stored content away for good; say \
         where to keep it with --backup DIR, or do without with --no-backup"
    )]
    NoBackup,
    /// A backup of nothing.
    #[error(
        "nothing was sent: {option} is about content that is replaced, and this run replaces \
         none; give --on-conflict replace, too, or leave {option} out"
    )]
    NothingReplaced {
        /// What was typed.
        option: &'static str,
    },
    /// The service has nothing with which to do it.
    #[error(
        "nothing was sent: {option} is not for Keelvar, whose jobs can neither find nor change what \
         is attached; leave {option} out"
    )]
    NothingToFind {
        /// What was typed.
        option: &'static str,
    },
}

impl Amending {
    /// What the arguments mean for a service.
    pub fn of(args: &AmendArgs, service: Service) -> Result<Self, AmendError> {
        if let (Service::Keelvar, Some(option)) = (service, wish(args)) {
            return Err(AmendError::NothingToFind { option });
        }
        let conflicts = match (args.on_conflict, backups(args)) {
            (Conflicts::Replace, Some((_, backups))) => Amends::Replaces(backups),
            (Conflicts::Replace, None) => return Err(AmendError::NoBackup),
            (_, Some((option, _))) => return Err(AmendError::NothingReplaced { option }),
            (Conflicts::Skip, None) => Amends::Skips,
            (Conflicts::Fail, None) => Amends::Nothing,
        };
        let titles = match args.update {
            Some(Attribute::Title) => Titles::Update,
            None => Titles::Leave,
        };
        Ok(Self { conflicts, titles })
    }

    /// The same, for those who decide what is to be done.
    pub fn wishes(&self) -> Wishes {
        Wishes {
            on_conflict: match self.conflicts {
                Amends::Nothing => OnConflict::Fail,
                Amends::Skips => OnConflict::Skip,
                Amends::Replaces(_) => OnConflict::Replace,
            },
            titles: self.titles,
        }
    }

    /// What becomes of content before it is replaced, where any is to be.
    pub fn backups(&self) -> Option<&Backups> {
        match &self.conflicts {
            Amends::Replaces(backups) => Some(backups),
            Amends::Nothing | Amends::Skips => None,
        }
    }
}

impl Backups {
    /// The folder, where there is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Into(folder) => Some(folder),
            Self::Waived => None,
        }
    }
}

/// The first option with which something is wished for.
fn wish(args: &AmendArgs) -> Option<&'static str> {
    let on_conflict = match args.on_conflict {
        Conflicts::Fail => None,
        Conflicts::Skip => Some("--on-conflict skip"),
        Conflicts::Replace => Some("--on-conflict replace"),
    };
    let backups = || backups(args).map(|(option, _)| option);
    let update = || args.update.map(|Attribute::Title| "--update title");
    on_conflict.or_else(backups).or_else(update)
}

/// What was said of backups, and with which option. They exclude each other.
fn backups(args: &AmendArgs) -> Option<(&'static str, Backups)> {
    match &args.backup {
        Some(folder) => Some(("--backup", Backups::Into(folder.clone()))),
        None if args.no_backup => Some(("--no-backup", Backups::Waived)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn amending(args: &[&str], service: Service) -> Result<Amending, String> {
        let words = ["consign", "import", "m.csv"].iter().chain(args);
        let cli = Cli::try_parse_from(words).map_err(|refusal| refusal.to_string())?;
        let Command::Import(args) = cli.command else {
            panic!("another command");
        };
        Amending::of(&args.amend, service).map_err(|refusal| refusal.to_string())
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
}
