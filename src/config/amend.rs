//! Policy for existing attachments: changes wanted by the user, and backups of replaced content.
//!
//! Replaced content is gone for good, so a run replaces nothing unless the user has decided about a
//! backup.

use std::path::{Path, PathBuf};

use crate::model::Service;
use crate::plan::{OnConflict, Titles, Wishes};

/// User's policy for existing attachments, for any service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangePolicy {
    /// Treatment of attachments with other content.
    pub on_conflict: OnConflict,
    /// Decision about backups of replaced content, if any.
    pub backups: Option<Backups>,
    /// Treatment of attachments with other titles.
    pub titles: Titles,
}

/// Policy for existing attachments, checked for one service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Amending {
    /// Treatment of attachments with other content.
    conflicts: Amends,
    /// Treatment of attachments with other titles.
    titles: Titles,
}

/// Treatment of other content: [`OnConflict`], with the backup for a replacement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Amends {
    #[default]
    Nothing,
    Skips,
    Replaces(Backups),
}

/// Decision about backups of replaced content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backups {
    /// Content is downloaded into the folder before the replacement.
    Into(PathBuf),
    /// No backup, by the user's choice.
    Waived,
}

/// Error for options about changes that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmendError {
    /// Content would be lost, and the user has decided nothing about a backup.
    #[error(
        "nothing was sent: --on-conflict replace takes the stored content away for good; say \
         where to keep it with --backup DIR, or do without with --no-backup"
    )]
    NoBackup,
    /// A decision about backups in a run without replacements.
    #[error(
        "nothing was sent: {option} is about content that is replaced, and this run replaces \
         none; give --on-conflict replace, too, or leave {option} out"
    )]
    NothingReplaced {
        /// The typed option.
        option: &'static str,
    },
    /// The service has no means for the change.
    #[error(
        "nothing was sent: {option} is not for Keelvar, whose jobs can neither find nor change what \
         is attached; leave {option} out"
    )]
    NothingToFind {
        /// The typed option.
        option: &'static str,
    },
}

impl ChangePolicy {
    /// Checks the policy for a service. Fails if the options cannot be meant together, or not for
    /// the service.
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

    /// Returns the first option asking for a change.
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
    /// Returns the policy in the form for `plan`.
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

    /// Returns the decision about backups; `None` if nothing is replaced.
    pub fn backups(&self) -> Option<&Backups> {
        match &self.conflicts {
            Amends::Replaces(backups) => Some(backups),
            Amends::Nothing | Amends::Skips => None,
        }
    }
}

impl Backups {
    /// Returns the folder for backups; `None` without backups.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Into(folder) => Some(folder),
            Self::Waived => None,
        }
    }

    /// Returns the option for the decision.
    fn option(&self) -> &'static str {
        match self {
            Self::Into(_) => "--backup",
            Self::Waived => "--no-backup",
        }
    }
}
