//! Policy for existing attachments: changes wanted by the user, and backups of replaced content.
//!
//! Replaced content is gone for good, so a run replaces nothing unless the user has decided about a
//! backup.

use std::path::{Path, PathBuf};

use crate::model::ProcurementService;
use crate::plan::{ConflictPolicy, TitlePolicy, UpdatePolicy};

/// User's policy for existing attachments, for any service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangePolicy {
    /// Treatment of attachments with other content.
    pub on_conflict: ConflictPolicy,
    /// Decision about backups of replaced content, if any.
    pub backup_policy: Option<BackupPolicy>,
    /// Treatment of attachments with other titles.
    pub titles: TitlePolicy,
}

/// Policy for existing attachments, checked for one service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceChangePolicy {
    /// Treatment of attachments with other content.
    conflicts: ConflictTreatment,
    /// Treatment of attachments with other titles.
    titles: TitlePolicy,
}

/// Treatment of other content: [`ConflictPolicy`], with the backup for a replacement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum ConflictTreatment {
    #[default]
    Fail,
    Skip,
    Replace(BackupPolicy),
}

/// Decision about backups of replaced content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupPolicy {
    /// Content is downloaded into the folder before the replacement.
    Folder(PathBuf),
    /// No backup, by the user's choice.
    Waived,
}

/// Error for options about changes that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangePolicyError {
    /// Content would be lost, and the user has decided nothing about a backup.
    #[error(
        "nothing was sent: --on-conflict replace deletes the stored content for good; name a \
         folder for backups with --backup DIR, or give --no-backup"
    )]
    NoBackup,
    /// A decision about backups in a run without replacements.
    #[error(
        "nothing was sent: {option} is for replaced content, and this run replaces none; give \
         --on-conflict replace, too, or leave {option} out"
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
    NotForService {
        /// The typed option.
        option: &'static str,
    },
}

impl ChangePolicy {
    /// Checks the policy for a service. Fails if the options cannot be meant together, or not for
    /// the service.
    pub fn for_service(
        &self,
        service: ProcurementService,
    ) -> Result<ServiceChangePolicy, ChangePolicyError> {
        if let (ProcurementService::Keelvar, Some(option)) = (service, self.first_option()) {
            return Err(ChangePolicyError::NotForService { option });
        }
        let conflicts = match (self.on_conflict, &self.backup_policy) {
            (ConflictPolicy::Replace, Some(backups)) => ConflictTreatment::Replace(backups.clone()),
            (ConflictPolicy::Replace, None) => return Err(ChangePolicyError::NoBackup),
            (_, Some(backups)) => {
                let option = backups.option();
                return Err(ChangePolicyError::NothingReplaced { option });
            }
            (ConflictPolicy::Skip, None) => ConflictTreatment::Skip,
            (ConflictPolicy::Fail, None) => ConflictTreatment::Fail,
        };
        Ok(ServiceChangePolicy {
            conflicts,
            titles: self.titles,
        })
    }

    /// Returns the first option asking for a change.
    fn first_option(&self) -> Option<&'static str> {
        match (self.on_conflict, &self.backup_policy, self.titles) {
            (ConflictPolicy::Skip, _, _) => Some("--on-conflict skip"),
            (ConflictPolicy::Replace, _, _) => Some("--on-conflict replace"),
            (ConflictPolicy::Fail, Some(backups), _) => Some(backups.option()),
            (ConflictPolicy::Fail, None, TitlePolicy::Update) => Some("--update title"),
            (ConflictPolicy::Fail, None, TitlePolicy::Leave) => None,
        }
    }
}

impl ServiceChangePolicy {
    /// Returns the policy in the form for `plan`.
    pub fn update_policy(&self) -> UpdatePolicy {
        UpdatePolicy {
            on_conflict: match self.conflicts {
                ConflictTreatment::Fail => ConflictPolicy::Fail,
                ConflictTreatment::Skip => ConflictPolicy::Skip,
                ConflictTreatment::Replace(_) => ConflictPolicy::Replace,
            },
            title_policy: self.titles,
        }
    }

    /// Returns the decision about backups; `None` if nothing is replaced.
    pub fn backup_policy(&self) -> Option<&BackupPolicy> {
        match &self.conflicts {
            ConflictTreatment::Replace(backups) => Some(backups),
            ConflictTreatment::Fail | ConflictTreatment::Skip => None,
        }
    }
}

impl BackupPolicy {
    /// Returns the folder for backups; `None` without backups.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Waived => None,
        }
    }

    /// Returns the option for the decision.
    fn option(&self) -> &'static str {
        match self {
            Self::Folder(_) => "--backup",
            Self::Waived => "--no-backup",
        }
    }
}
