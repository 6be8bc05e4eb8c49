//! What the user wants changed of what is attached already, and what is kept of it.
//!
//! Replaced content is gone for good, so nobody replaces anything without having said what is to
//! become of it.

use std::path::{Path, PathBuf};

use crate::model::Service;
use crate::plan::{OnConflict, Titles, Wishes};

/// Treatment of attachments that are there already, as the user wants it of any service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangePolicy {
    /// Treatment of those that hold other content.
    pub on_conflict: OnConflict,
    /// What becomes of content that is replaced, where the user says so.
    pub backups: Option<Backups>,
    /// Treatment of those that have other titles.
    pub titles: Titles,
}

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

impl ChangePolicy {
    /// What it means for a service, or why it cannot be meant.
    pub fn for_service(&self, service: Service) -> Result<Amending, AmendError> {
        if let (Service::Keelvar, Some(option)) = (service, self.first_wish()) {
            return Err(AmendError::NothingToFind { option });
        }
        let conflicts = match (self.on_conflict, &self.backups) {
            (OnConflict::Replace, Some(backups)) => Amends::Replaces(backups.clone()),
            (OnConflict::Replace, None) => return Err(AmendError::NoBackup),
            (_, Some(backups)) => {
                let option = backups.option();
                return Err(AmendError::NothingReplaced { option });
            }
            (OnConflict::Skip, None) => Amends::Skips,
            (OnConflict::Fail, None) => Amends::Nothing,
        };
        Ok(Amending {
            conflicts,
            titles: self.titles,
        })
    }

    /// The first option with which something is wished for.
    fn first_wish(&self) -> Option<&'static str> {
        match (self.on_conflict, &self.backups, self.titles) {
            (OnConflict::Skip, _, _) => Some("--on-conflict skip"),
            (OnConflict::Replace, _, _) => Some("--on-conflict replace"),
            (OnConflict::Fail, Some(backups), _) => Some(backups.option()),
            (OnConflict::Fail, None, Titles::Update) => Some("--update title"),
            (OnConflict::Fail, None, Titles::Leave) => None,
        }
    }
}

impl Amending {
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

    /// The option that says it.
    fn option(&self) -> &'static str {
        match self {
            Self::Into(_) => "--backup",
            Self::Waived => "--no-backup",
        }
    }
}
