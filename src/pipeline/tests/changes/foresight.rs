//! Dry runs predict the outcome of the import, for any stored content and any start of the row.

use super::*;
use crate::plan::{Begun, Change, OtherObject, Progress, There};
use crate::results::{DoneAs, DoneContent};

const POLICIES: [OnConflict; 3] = [OnConflict::Fail, OnConflict::Skip, OnConflict::Replace];

/// Content in the service, under a name or as an attachment left by an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Nothing,
    Record,
    TheFile,
    AsManyBytes,
    OtherBytes,
}

impl Held {
    const ALL: [Self; 5] = [
        Self::Nothing,
        Self::Record,
        Self::TheFile,
        Self::AsManyBytes,
        Self::OtherBytes,
    ];

    /// Returns the stored content. `None` for no attachment or no bytes.
    fn content(self) -> Option<Content> {
        let (file, _) = new_file();
        match self {
            Self::Nothing | Self::Record => None,
            Self::TheFile => Some(file),
            Self::AsManyBytes => Some(Content {
                sha256: old().sha256,
                ..file
            }),
            Self::OtherBytes => Some(old()),
        }
    }

    /// Stores the content under a name. Returns the id of the attachment.
    async fn hang(self, memory: &Memory, external_id: &str) -> Option<AttachmentId> {
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
struct Scene {
    new_name: Option<Held>,
    held: Held,
    start: Box<dyn Fn(AttachmentId) -> AttachmentStart>,
    changes: Changes,
    told: String,
}

impl Scene {
    fn of(held: Held, start: impl Fn(AttachmentId) -> AttachmentStart + 'static) -> Self {
        let told = format!("{held:?}, {:?}", start(AttachmentId::parse("1").unwrap()));
        Self {
            new_name: None,
            held,
            start: Box::new(start),
            changes: Changes::default(),
            told,
        }
    }

    fn row(&self) -> Row {
        let new = self.new_name.map(|_| ExternalId::parse("N1").unwrap());
        Row {
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
    async fn surprise(&self, on_conflict: OnConflict) -> Option<String> {
        // Records stay, so that the prediction does not change with time.
        let rules = Rules {
            purge_after: Duration::from_hours(1_000),
            ..Rules::default()
        };
        let memory = Memory::new(rules);
        let id = self.held.hang(&memory, "A1").await;
        if let Some(new) = self.new_name {
            new.hang(&memory, "N1").await;
        }
        // The id belongs to no attachment.
        let id = id.unwrap_or_else(|| AttachmentId::parse("99").unwrap());
        let settings = wishing(Wishes {
            on_conflict,
            ..Wishes::default()
        });
        let (events, _) = Events::channel();
        let tasks = vec![self.task(id.clone())].into_iter();
        let never = std::future::pending();
        let (seen, halt) = survey_attachments(tasks, &memory, &settings, &events, never).await;
        assert_eq!(halt, None);
        let lines = Lines::default();
        let backups = Shelf::default();
        let tasks = vec![self.task(id)];
        run_with(&memory, &lines, Some(&backups), tasks, &settings).await;
        let last = lines.last(1).unwrap();
        let outlook = &seen[0].rows[0].outlook;
        if came_true(outlook, &last) {
            return None;
        }
        let Entry { status, reason, .. } = last;
        Some(format!(
            "{}, under the new name {:?}, {on_conflict:?}: {outlook:?}, and then {status}, {reason:?}\n",
            self.told, self.new_name
        ))
    }
}

/// Returns `true` if the row has ended as predicted.
fn came_true(outlook: &Outlook, last: &Entry) -> bool {
    match outlook {
        // The row may end before its new name is looked up.
        Outlook::NotDone(_, Reason::NewIdTaken) if ends_unforeseen(last) => true,
        Outlook::NotDone(status, reason) => (*status, reason) == (last.status, &last.reason),
        Outlook::Create => last.status.is_done() && last.verified != Verified::No,
        Outlook::Replace { .. } => last.status == Status::Replaced,
        Outlook::GoOn | Outlook::Compare => last.status.is_done() || ends_unforeseen(last),
        Outlook::Keep => last.status.is_done() && last.reason == Reason::KeptExisting,
        Outlook::Done(_) => last.status.is_done(),
    }
}

/// Returns `true` for ends that no dry run can know: bytes never sent never show, and the bytes of
/// others may differ from the file's when read.
fn ends_unforeseen(last: &Entry) -> bool {
    match last.status {
        Status::Conflict => [Reason::FileChanged, Reason::StoredOtherSize].contains(&last.reason),
        _ => last.reason == Reason::SizeNotShown,
    }
}

fn elsewhere() -> OtherObject {
    OtherObject {
        kind: "event".into(),
        id: "8".into(),
    }
}

/// Returns rows that start with a look-up.
fn looked_up() -> impl Iterator<Item = Scene> {
    let posted = || {
        [
            Posted::No,
            Posted::Perhaps,
            Posted::ForAnotherObject(elsewhere()),
        ]
    };
    Held::ALL.into_iter().flat_map(move |held| {
        posted()
            .into_iter()
            .map(move |posted| Scene::of(held, move |_| AttachmentStart::LookUp(posted.clone())))
    })
}

/// Returns rows that start with a record begun by an earlier run.
fn begun() -> Vec<Scene> {
    let (file, _) = new_file();
    let mut scenes = Vec::new();
    for held in Held::ALL {
        for content in [None, Some(file), Some(old())] {
            for elsewhere in [None, Some(elsewhere())] {
                for progress in [Progress::Unknown, Progress::Sent, Progress::Renewing] {
                    let elsewhere = elsewhere.clone();
                    scenes.push(Scene::of(held, move |id| {
                        AttachmentStart::Resume(Begun {
                            id,
                            file_path: "1.pdf".into(),
                            content,
                            elsewhere: elsewhere.clone(),
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
fn gave_way() -> Former {
    let Content { stamp, sha256 } = old();
    Former {
        size: stamp.size,
        sha256: Some(sha256),
        backup: Backup::Waived,
    }
}

/// Returns rows that start with an attachment left by an earlier run.
fn left() -> Vec<Scene> {
    let (file, _) = new_file();
    let mut scenes = Vec::new();
    for held in Held::ALL {
        for known in [Known::Content(file), Known::Content(old()), Known::Size(3)] {
            for (verified, done_as, content) in [
                (Verified::Size, DoneAs::Uploaded, DoneContent::AsVerified),
                (Verified::No, DoneAs::Skipped, DoneContent::AsVerified),
                (Verified::No, DoneAs::Skipped, DoneContent::KeptExisting),
            ] {
                for change in [
                    Change::None,
                    Change::Names,
                    Change::LettingGo,
                    Change::LetGo,
                    Change::Sent,
                ] {
                    for elsewhere in [None, Some(elsewhere())] {
                        let mut scene = Scene::of(held, move |id| {
                            AttachmentStart::There(There {
                                id,
                                known,
                                verified,
                                done_as,
                                content,
                                elsewhere: elsewhere.clone(),
                                change,
                            })
                        });
                        if !matches!(change, Change::None | Change::Names) {
                            scene.changes.replaced = Some(gave_way());
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
async fn are_foreseen(scenes: impl IntoIterator<Item = Scene>, new_names: &[Option<Held>]) {
    let mut surprises = Vec::new();
    for mut scene in scenes {
        for new_name in new_names {
            scene.new_name = *new_name;
            for on_conflict in POLICIES {
                surprises.extend(scene.surprise(on_conflict).await);
            }
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.concat());
}

const NEW_NAMES: [Option<Held>; 5] = [
    None,
    Some(Held::Nothing),
    Some(Held::Record),
    Some(Held::TheFile),
    Some(Held::OtherBytes),
];

#[tokio::test(start_paused = true)]
async fn the_end_of_a_row_that_is_looked_up_is_foreseen() {
    are_foreseen(looked_up(), &NEW_NAMES).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_row_whose_attachment_was_renamed_and_is_gone_is_foreseen() {
    let renamed = |scene| Scene {
        changes: Changes {
            renamed_to: Some("N1".into()),
            ..Changes::default()
        },
        ..scene
    };
    are_foreseen(looked_up().map(renamed), &NEW_NAMES[1..]).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_row_that_was_begun_is_foreseen() {
    are_foreseen(begun(), &NEW_NAMES[..4]).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_row_that_was_left_is_foreseen() {
    are_foreseen(left(), &NEW_NAMES[..3]).await;
}
