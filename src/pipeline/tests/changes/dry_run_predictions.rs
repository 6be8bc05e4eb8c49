//! Dry runs predict the outcome of the import, for any stored content and any start of the row.

use super::*;
use crate::plan::{BegunProgress, BegunRecord, ChangeStage, ExistingAttachment, OtherObject};
use crate::results::{CompletedAction, ContentMatch};

const POLICIES: [ConflictPolicy; 3] = [
    ConflictPolicy::Fail,
    ConflictPolicy::Skip,
    ConflictPolicy::Replace,
];

/// Content in the service, under a name or as an attachment left by an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ContentUnderName {
    Nothing,
    RecordWithoutBytes,
    FileContent,
    OtherOfSameSize,
    OtherOfOtherSize,
}

impl ContentUnderName {
    const ALL: [Self; 5] = [
        Self::Nothing,
        Self::RecordWithoutBytes,
        Self::FileContent,
        Self::OtherOfSameSize,
        Self::OtherOfOtherSize,
    ];

    /// Returns the stored content. `None` for no attachment or no bytes.
    fn content(self) -> Option<CheckedContent> {
        let (file, _) = new_file();
        match self {
            Self::Nothing | Self::RecordWithoutBytes => None,
            Self::FileContent => Some(file),
            Self::OtherOfSameSize => Some(CheckedContent {
                sha256: old_content().sha256,
                ..file
            }),
            Self::OtherOfOtherSize => Some(old_content()),
        }
    }

    /// Stores the content under a name. Returns the id of the attachment.
    async fn store_under(
        self,
        memory: &MemoryAttachmentService,
        external_id: &str,
    ) -> Option<AttachmentId> {
        if let Some(content) = self.content() {
            return Some(store(memory, external_id, content).await);
        }
        if self == Self::Nothing {
            return None;
        }
        let file = NewFile {
            external_id: ExternalId::parse(external_id).unwrap(),
            file_name: "old.pdf".into(),
            title: None,
        };
        let object = row(1).object;
        let made = memory.create(&NewAttachment { object, file }).await;
        Some(made.unwrap().id)
    }
}

/// Row with the content under its present and its new name, and the start of its protocol, given
/// the id under the present name.
struct ForesightCase {
    new_name: Option<ContentUnderName>,
    stored: ContentUnderName,
    start: Box<dyn Fn(AttachmentId) -> AttachmentStart>,
    changes: AttachmentChanges,
    description: String,
}

impl ForesightCase {
    fn new(
        stored: ContentUnderName,
        start: impl Fn(AttachmentId) -> AttachmentStart + 'static,
    ) -> Self {
        let description = format!("{stored:?}, {:?}", start(AttachmentId::parse("1").unwrap()));
        Self {
            new_name: None,
            stored,
            start: Box::new(start),
            changes: AttachmentChanges::default(),
            description,
        }
    }

    fn row(&self) -> ManifestRow {
        let new = self.new_name.map(|_| ExternalId::parse("N1").unwrap());
        ManifestRow {
            new_external_id: new,
            ..row(1)
        }
    }

    fn task(&self, id: AttachmentId) -> AttachmentTask {
        let (content, source) = new_file();
        let mut task = task(self.row(), content, (self.start)(id));
        task.source = source;
        task.changes = self.changes.clone();
        task
    }

    /// Predicts the outcome of the row, and imports the row. Returns a description of any
    /// difference.
    async fn unforeseen_end(&self, on_conflict: ConflictPolicy) -> Option<String> {
        // Records stay, so that the prediction does not change with time.
        let rules = AttachmentServiceRules {
            purge_after: Duration::from_hours(1_000),
            ..AttachmentServiceRules::default()
        };
        let memory = MemoryAttachmentService::new(rules);
        let id = self.stored.store_under(&memory, "A1").await;
        if let Some(new) = self.new_name {
            new.store_under(&memory, "N1").await;
        }
        // The id belongs to no attachment.
        let id = id.unwrap_or_else(|| AttachmentId::parse("99").unwrap());
        let settings = settings_with_policy(UpdatePolicy {
            on_conflict,
            ..UpdatePolicy::default()
        });
        let (events, _) = EventSender::channel();
        let tasks = vec![self.task(id.clone())].into_iter();
        let never = std::future::pending();
        let (seen, halt) = survey_attachments(tasks, &memory, &settings, &events, never).await;
        assert_eq!(halt, None);
        let lines = MemoryJournal::default();
        let backups = MemoryBackupStore::default();
        let tasks = vec![self.task(id)];
        run_with_backups(&memory, &lines, Some(&backups), tasks, &settings).await;
        let last = lines.last_line(1).unwrap();
        let outlook = &seen[0].rows[0].predicted_outcome;
        if came_true(outlook, &last) {
            return None;
        }
        let ResultsEntry { status, reason, .. } = last;
        Some(format!(
            "{}, under the new name {:?}, {on_conflict:?}: {outlook:?}, and then {status}, {reason:?}\n",
            self.description, self.new_name
        ))
    }
}

/// Returns `true` if the row has ended as predicted.
fn came_true(outlook: &PredictedOutcome, last: &ResultsEntry) -> bool {
    match outlook {
        // The row may end before its new name is looked up.
        PredictedOutcome::NotDone(_, StatusReason::NewIdTaken) if ends_unforeseen(last) => true,
        PredictedOutcome::NotDone(status, reason) => {
            (*status, reason) == (last.status, &last.reason)
        }
        PredictedOutcome::Create => {
            last.status.is_done() && last.verified_by != VerifiedBy::Nothing
        }
        PredictedOutcome::Replace { .. } => last.status == Status::Replaced,
        PredictedOutcome::SendToBegunRecord | PredictedOutcome::ReplaceUnlessSame => {
            last.status.is_done() || ends_unforeseen(last)
        }
        PredictedOutcome::KeepOtherContent => {
            last.status.is_done() && last.reason == StatusReason::KeptExisting
        }
        PredictedOutcome::DoneWithoutSending(_) => last.status.is_done(),
    }
}

/// Returns `true` for ends that no dry run can know: bytes never sent are never reported, and the
/// bytes of others may differ from the file's when read.
fn ends_unforeseen(last: &ResultsEntry) -> bool {
    match last.status {
        Status::Conflict => {
            [StatusReason::FileChanged, StatusReason::StoredOtherSize].contains(&last.reason)
        }
        _ => last.reason == StatusReason::SizeNotShown,
    }
}

fn other_object() -> OtherObject {
    OtherObject {
        object_type: "event".into(),
        object_id: "8".into(),
        object_external_id: String::new(),
    }
}

/// Returns rows that start with a look-up.
fn look_up_cases() -> impl Iterator<Item = ForesightCase> {
    let prior_create = || {
        [
            PriorCreate::NoneUnanswered,
            PriorCreate::Unanswered,
            PriorCreate::UnansweredWithoutLookUp,
            PriorCreate::UnansweredForOtherObject(other_object()),
        ]
    };
    ContentUnderName::ALL.into_iter().flat_map(move |held| {
        prior_create().into_iter().map(move |prior_create| {
            ForesightCase::new(held, move |_| AttachmentStart::LookUp(prior_create.clone()))
        })
    })
}

/// Returns rows that start with a record begun by an earlier run.
fn begun_record_cases() -> Vec<ForesightCase> {
    let (file, _) = new_file();
    let mut scenes = Vec::new();
    for held in ContentUnderName::ALL {
        for content in [None, Some(file), Some(old_content())] {
            for elsewhere in [None, Some(other_object())] {
                for progress in [
                    BegunProgress::Unknown,
                    BegunProgress::Sent,
                    BegunProgress::AddressRenewing,
                ] {
                    let elsewhere = elsewhere.clone();
                    scenes.push(ForesightCase::new(held, move |id| {
                        AttachmentStart::BegunRecord(BegunRecord {
                            id,
                            file_path: "1.pdf".into(),
                            content,
                            other_object: elsewhere.clone(),
                            progress,
                        })
                    }));
                }
            }
        }
    }
    scenes
}

/// Returns the content that an earlier run was replacing.
fn former_content() -> FormerContent {
    let CheckedContent { stamp, sha256 } = old_content();
    FormerContent {
        size: stamp.size,
        sha256: Some(sha256),
        backup: BackupOutcome::Waived,
    }
}

/// Returns rows that start with an attachment left by an earlier run.
fn existing_attachment_cases() -> Vec<ForesightCase> {
    let (file, _) = new_file();
    let mut scenes = Vec::new();
    for held in ContentUnderName::ALL {
        for known in [
            KnownContent::Complete(file),
            KnownContent::Complete(old_content()),
            KnownContent::Size(3),
        ] {
            for (verified, done_as, content) in [
                (
                    VerifiedBy::Size,
                    CompletedAction::Uploaded,
                    ContentMatch::AsVerified,
                ),
                (
                    VerifiedBy::Nothing,
                    CompletedAction::Skipped,
                    ContentMatch::AsVerified,
                ),
                (
                    VerifiedBy::Nothing,
                    CompletedAction::Skipped,
                    ContentMatch::KeptExisting,
                ),
            ] {
                for change in [
                    ChangeStage::NotBegun,
                    ChangeStage::NameSent,
                    ChangeStage::ReleaseRequested,
                    ChangeStage::Released,
                    ChangeStage::NewBytesSent,
                ] {
                    for elsewhere in [None, Some(other_object())] {
                        let mut scene = ForesightCase::new(held, move |id| {
                            AttachmentStart::ExistingAttachment(ExistingAttachment {
                                id,
                                known_content: known,
                                verified_by: verified,
                                completed_action: done_as,
                                content_match: content,
                                other_object: elsewhere.clone(),
                                change_stage: change,
                            })
                        });
                        if !matches!(change, ChangeStage::NotBegun | ChangeStage::NameSent) {
                            scene.changes.replaced = Some(former_content());
                        }
                        scenes.push(scene);
                    }
                }
            }
        }
    }
    scenes
}

/// Checks the predictions for all rows, with each content under the new name and each policy.
async fn assert_foreseen(
    scenes: impl IntoIterator<Item = ForesightCase>,
    new_names: &[Option<ContentUnderName>],
) {
    let mut surprises = Vec::new();
    for mut scene in scenes {
        for new_name in new_names {
            scene.new_name = *new_name;
            for on_conflict in POLICIES {
                surprises.extend(scene.unforeseen_end(on_conflict).await);
            }
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.concat());
}

const CONTENT_UNDER_NEW_NAME: [Option<ContentUnderName>; 5] = [
    None,
    Some(ContentUnderName::Nothing),
    Some(ContentUnderName::RecordWithoutBytes),
    Some(ContentUnderName::FileContent),
    Some(ContentUnderName::OtherOfOtherSize),
];

#[tokio::test(start_paused = true)]
async fn the_end_of_a_row_that_is_looked_up_is_foreseen() {
    assert_foreseen(look_up_cases(), &CONTENT_UNDER_NEW_NAME).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_row_whose_attachment_was_renamed_and_is_gone_is_foreseen() {
    let renamed = |scene| ForesightCase {
        changes: AttachmentChanges {
            renamed_to: Some("N1".into()),
            ..AttachmentChanges::default()
        },
        ..scene
    };
    assert_foreseen(look_up_cases().map(renamed), &CONTENT_UNDER_NEW_NAME[1..]).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_row_that_was_begun_is_foreseen() {
    assert_foreseen(begun_record_cases(), &CONTENT_UNDER_NEW_NAME[..4]).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_row_that_was_left_is_foreseen() {
    assert_foreseen(existing_attachment_cases(), &CONTENT_UNDER_NEW_NAME[..3]).await;
}
