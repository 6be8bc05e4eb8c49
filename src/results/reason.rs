//! The words of the column `reason`: each with its meaning, and with advice to the user.

/// Makes [`StatusReason`] of one list, so that no reason can be without its word, meaning and
/// remedy.
macro_rules! reasons {
    ($($name:ident = $word:literal, $meaning:literal, $remedy:literal;)+) => {
        /// Reason for the status of a row, as a stable word for scripts.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        #[expect(clippy::doc_markdown, reason = "the meanings are for users, who read no markdown")]
        pub enum StatusReason {
            /// The status needs no explanation.
            #[default]
            None,
            $(#[doc = $meaning] $name,)+
            /// Word of another version of consign.
            Other(String),
        }

        impl StatusReason {
            /// Returns the word in the results file.
            pub fn as_str(&self) -> &str {
                match self {
                    Self::None => "",
                    $(Self::$name => $word,)+
                    Self::Other(word) => word,
                }
            }

            /// Returns the meaning, in sentences; empty for [`Self::None`] and for words of other
            /// versions.
            pub fn meaning(&self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)+
                    Self::None | Self::Other(_) => "",
                }
            }

            /// Returns the advice to the user, in the imperative, without a capital and a full
            /// stop, because the advice may end a message. Empty where the meaning is empty.
            pub fn remedy(&self) -> &'static str {
                match self {
                    $(Self::$name => $remedy,)+
                    Self::None | Self::Other(_) => "",
                }
            }

            /// Returns every reason of this version.
            #[cfg(test)]
            pub(crate) fn all() -> Vec<Self> {
                vec![Self::None, $(Self::$name),+]
            }
        }

        impl From<&str> for StatusReason {
            fn from(word: &str) -> Self {
                match word {
                    "" => Self::None,
                    $($word => Self::$name,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

reasons! {
    NotReached = "not_reached",
        "The import ended before the row's turn came.",
        "run the import again with --resume";
    PendingElsewhere = "pending_elsewhere",
        "A record without bytes has the external_id, and is not known to be this import's.",
        "the service removes such records within an hour: run the import again with --resume then";
    StoredOtherSize = "stored_other_size",
        "An attachment of another size has the external_id. The attachment was left as it is.",
        "give the row another external_id, take it out of the manifest, or run the import again \
         with --on-conflict replace, or skip if it should stay";
    FileChanged = "file_changed",
        "The file has changed since the row was done. The stored content was left as it is.",
        "restore the file, give the new one an external_id of its own, or run the import again \
         with --on-conflict replace";
    ObjectChanged = "object_changed",
        "The row was begun for another object than the manifest names now.",
        "undo the change, or give the row a new external_id; an unfinished row can be resumed \
         after an hour";
    NotLookedUp = "not_looked_up",
        "A record was being created with no look-up before, and the result is not recorded.",
        "run the import again with --resume";
    LookupMismatch = "lookup_mismatch",
        "The service answered the look-up with an attachment of another external_id.",
        "choose an external_id without special characters";
    Refused = "refused",
        "The service refused the request; the message holds the answer.",
        "mend what the message names, then run the import again with --resume";
    Forbidden = "forbidden",
        "The keys work, but not for this row.",
        "ask for the rights on its object, then run the import again with --resume";
    UnsafeUploadUrl = "unsafe_upload_url",
        "The service gave an unsafe upload address. Nothing was sent there.",
        "ask the service's support";
    UploadRefused = "upload_refused",
        "The storage refused the file; the message holds the answer.",
        "mend what the message names, then run the import again with --resume";
    NoAnswer = "no_answer",
        "The service answered other requests, but not the requests for this row.",
        "run the import again with --resume later";
    SourceChanged = "source_changed",
        "The file changed after it was checked, or could not be read any more, and was not stored.",
        "run the import again with --resume to check and send the file as it is now";
    NotFoundAgain = "not_found_again",
        "The service took the external_id, and does not find the record again. No bytes were sent.",
        "the service removes such records within an hour: give the row an external_id of \
         letters, digits, _ and - alone";
    SizeNotShown = "size_not_shown",
        "The storage took the file, and the service did not show its size in time.",
        "run the import again with --resume later, which asks the service before sending anything";
    Renewing = "renewing",
        "A new upload address was requested, and the result is not recorded.",
        "run the import again with --resume";
    SizeMismatch = "size_mismatch",
        "The service shows another size than was sent.",
        "look at the attachment in the service";
    Purged = "purged",
        "The service removed the record after its bytes were sent, twice.",
        "ask the service's support, or run the import again with --resume";
    Sending = "sending",
        "The file was being sent to a job, and the result is not recorded.",
        "run the import again with --resume";
    JobWaiting = "job_waiting",
        "The job did not say in time where its files go. Nothing was sent.",
        "run the import again with --resume later";
    JobRunning = "job_running",
        "The storage took the file, and its job did not end in time.",
        "run the import again with --resume later";
    JobFailed = "job_failed",
        "The job failed after files were sent, and the service does not say which files were \
         attached. Bidders may see some already.",
        "look at the object, and if the file is not there, run the import again with --resume \
         --retry-failed-jobs";
    NotAttached = "not_attached",
        "No job attached the file.",
        "run the import again with --resume";
    KeptExisting = "kept_existing",
        "Other content is stored, and stays there, as the import was told.",
        "nothing is left to do; if the file should take its place, import with --on-conflict \
         replace";
    SameContent = "same_content",
        "The stored content was downloaded, and is the content of the file.",
        "nothing is left to do";
    Updating = "updating",
        "A new title was sent, and the result is not recorded.",
        "run the import again with --resume";
    Renaming = "renaming",
        "A new external_id was sent, and the result is not recorded.",
        "run the import again with --resume";
    NewIdTaken = "new_id_taken",
        "Another attachment has the new external_id. Neither attachment was changed.",
        "give the row another new external_id, or leave the cell empty";
    RenamedElsewhere = "renamed_elsewhere",
        "The attachment has an external_id from neither the manifest nor an earlier import.",
        "find out who renamed the attachment, and which external_id is right";
    NoBackup = "no_backup",
        "The content to be replaced could not be backed up or compared, and was left as it is.",
        "mend what the message names, then run the import again with --resume";
    Gone = "gone",
        "The attachment does not exist any more, or has no bytes any more. Nothing was changed.",
        "look at the object in the service; to attach the file again, give the row a new \
         external_id";
    NotFit = "not_fit",
        "The row or its file is not fit to send; the message says why.",
        "mend the manifest or the file, then run the import again with --resume";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_as_it_is_written_and_so_are_words_of_other_versions() {
        for reason in StatusReason::all() {
            assert_eq!(StatusReason::from(reason.as_str()), reason);
        }
        let later = StatusReason::from("of_a_later_version");
        assert_eq!(later, StatusReason::Other("of_a_later_version".into()));
        assert_eq!(later.as_str(), "of_a_later_version");
    }

    #[test]
    fn every_meaning_is_a_sentence_and_every_remedy_may_end_one() {
        for reason in StatusReason::all().into_iter().skip(1) {
            let (meaning, remedy) = (reason.meaning(), reason.remedy());
            assert!(meaning.ends_with('.') && meaning.starts_with(char::is_uppercase));
            assert!(!remedy.ends_with('.') && remedy.starts_with(char::is_lowercase));
        }
    }

    /// Sources of lines.
    const LINE_WRITERS: [&str; 11] = [
        include_str!("../commands/import/result_lines.rs"),
        include_str!("../pipeline/attachment/look_up_and_create.rs"),
        include_str!("../pipeline/attachment/name_changes.rs"),
        include_str!("../pipeline/attachment/replacement.rs"),
        include_str!("../pipeline/attachment/send_attachment.rs"),
        include_str!("../pipeline/job/mod.rs"),
        include_str!("../pipeline/row_verdict.rs"),
        include_str!("../pipeline/row_verdict/existing_attachment_verdicts.rs"),
        include_str!("../pipeline/row_verdict/row_end_verdicts.rs"),
        include_str!("../plan.rs"),
        include_str!("../plan/next_step/row_end.rs"),
    ];

    /// Returns true if the source mentions the name, and not only as the beginning of a longer
    /// name, in a line with more than a comparison, a pattern or the loan of a remedy.
    fn mentions_reason(source: &str, name: &str) -> bool {
        let is_read = |line: &str| {
            let read = ["==", "!=", ".remedy()", "=> {"];
            read.iter().any(|read| line.contains(read))
        };
        let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric());
        let lines = source.lines().filter(|line| !is_read(line));
        let mut said = lines.flat_map(|line| line.split(name).skip(1));
        said.any(ends)
    }

    /// Returns the states, or parts of states, written as this reason.
    fn states_encoding(reason: &StatusReason) -> Vec<String> {
        let name = format!("Reason::{reason:?}");
        // A long arm of the match has its words on a line of their own.
        let arms = include_str!("row_state.rs").replace("=> {\n", "=> ");
        let encoding = arms.lines().filter_map(|line| {
            let (state, words) = line.trim().split_once(" => ")?;
            mentions_reason(words, &name).then_some(state)
        });
        let state = |state: &str| match state.strip_suffix(')').and_then(|it| it.split_once('(')) {
            Some((_, part)) => part.to_owned(),
            None => state.replace("Self::", ""),
        };
        encoding.map(state).collect()
    }

    #[test]
    fn every_reason_is_given_by_some_line() {
        for reason in StatusReason::all() {
            let mut names = states_encoding(&reason);
            names.push(format!("Reason::{reason:?}"));
            let is_given = |name: &String| {
                LINE_WRITERS
                    .iter()
                    .any(|source| mentions_reason(source, name))
            };
            assert!(names.iter().any(is_given), "{reason:?}: nothing gives it");
        }
    }
}
