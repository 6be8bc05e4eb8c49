//! Questions to the user before an act without a way back.
//!
//! Documents of a sourcing event in Keelvar are visible to all of its bidders by default, and
//! nobody can make a bidder forget what he has seen. Replaced content is gone from the service for
//! good. Scripts say `--yes`; without a terminal to ask at, nothing is sent.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use tokio::runtime::Runtime;

use super::dry_run;
use super::work_list::WorkList;
use crate::commands::halt_message::halt_message;
use crate::commands::session::Session;
use crate::config::{
    BackupPolicy, ConsentPolicy, ImportPlan, ResolvedDestination, ServiceChangePolicy,
};
use crate::error::{CommandError, ProgramExit};
use crate::http::target::ApiLocation;
use crate::model::ObjectType;
use crate::pipeline::{BatchSurvey, HaltReason, PredictedOutcome};
use crate::signals::StopSignal;
use crate::text::{count_with_noun, count_with_noun_and_verb, escape, write_stderr};

/// Notifies the user once about bidders, who will see the files, and asks for consent. Returns at
/// once if no row is for a sourcing event. Fails with [`CommandError::NoTerminalForBidderQuestion`]
/// without a terminal, with [`CommandError::ConsentRefused`] without a yes.
pub(super) fn ask_about_bidders(
    config: &ImportPlan,
    base: &ResolvedDestination,
    plan: &WorkList<'_>,
) -> Result<(), CommandError> {
    let files = plan.send_count_for(ObjectType::SourcingEvent);
    if files == 0 {
        return Ok(());
    }
    // An emulator on this machine has no bidders.
    let is_agreed =
        config.consent == ConsentPolicy::Given || base.api_location() == ApiLocation::Loopback;
    // A question needs its reason, even where output is quiet.
    if !(is_agreed && config.output.is_quiet()) {
        write_stderr("files on a sourcing event are visible to all of its bidders by default\n");
    }
    if is_agreed {
        return Ok(());
    }
    if !has_terminal() {
        return Err(CommandError::NoTerminalForBidderQuestion);
    }
    let question = format!("attach {} now? [y/N] ", count_with_noun(files, "file"));
    if is_yes(&read_answer(&question)?) {
        Ok(())
    } else {
        Err(CommandError::ConsentRefused)
    }
}

/// Returns the backup setting to ask about before content is replaced; `None` if the user has
/// agreed already, or if nothing can be replaced. Fails with
/// [`CommandError::NoTerminalForReplacementQuestion`] without a terminal.
pub(super) fn backups_to_ask_about<'a>(
    config: &ImportPlan,
    base: &ResolvedDestination,
    plan: &WorkList<'_>,
    amending: &'a ServiceChangePolicy,
) -> Result<Option<&'a BackupPolicy>, CommandError> {
    let Some(backups) = amending.backup_policy() else {
        return Ok(None);
    };
    // An emulator of this run holds no content that could be lost.
    let has_no_rows = plan.send_count() == 0 && plan.rows_to_find().is_empty();
    let can_lose_nothing = has_no_rows || *base == ResolvedDestination::Emulator;
    if config.consent == ConsentPolicy::Given || can_lose_nothing {
        return Ok(None);
    }
    if has_terminal() {
        Ok(Some(backups))
    } else {
        Err(CommandError::NoTerminalForReplacementQuestion)
    }
}

/// Looks up the content to be replaced, prints its amount and the folder of backups, and asks for
/// consent. Asks nothing if no content would be replaced. Fails with [`CommandError::LookUpFailed`]
/// when the look-up or the question was cut short, with [`CommandError::ConsentRefused`] without a
/// yes.
pub(super) fn ask_about_content(
    config: &ImportPlan,
    plan: &WorkList<'_>,
    session: &Session,
    runtime: &Runtime,
    backups: &BackupPolicy,
) -> Result<(), CommandError> {
    let (seen, halt) = dry_run::look_up(config, plan, session, runtime);
    if let Some(halt) = halt {
        return Err(CommandError::LookUpFailed {
            why: halt_message(&halt, plan.service()),
            exit: session
                .stop_listener
                .requested_stop()
                .map_or(ProgramExit::STOPPED, StopSignal::exit),
        });
    }
    let Some(loss) = ContentLoss::from_surveys(&seen).warning(backups) else {
        return Ok(());
    };
    write_stderr(&loss);
    // The first Ctrl-C only asks a session to end, so the question has to end on a stop signal,
    // too.
    let answer = runtime.block_on(async {
        tokio::select! {
            () = session.stop_listener.wait_for_stop() => Ok(String::new()),
            answer = read_answer_in_thread("replace the content now? [y/N] ") => answer,
        }
    });
    match (session.stop_listener.requested_stop(), is_yes(&answer?)) {
        (Some(stop), _) => Err(CommandError::LookUpFailed {
            why: halt_message(&HaltReason::Interrupted, plan.service()),
            exit: stop.exit(),
        }),
        (None, true) => Ok(()),
        (None, false) => Err(CommandError::ConsentRefused),
    }
}

/// Numbers of attachments with content to lose.
#[derive(Debug, Default, PartialEq, Eq)]
struct ContentLoss {
    certain: u64,
    /// Attachments of the same size as the file. Only a download proves whether their content is
    /// the file's already.
    possible: u64,
}

impl ContentLoss {
    fn from_surveys(seen: &[BatchSurvey]) -> Self {
        let rows = seen.iter().flat_map(|one| &one.rows);
        rows.fold(Self::default(), |mut loss, row| {
            match row.predicted_outcome {
                PredictedOutcome::Replace { .. } => loss.certain += 1,
                PredictedOutcome::ReplaceUnlessSame => loss.possible += 1,
                _ => {}
            }
            loss
        })
    }

    /// Warning to the user before he agrees; `None` if no content is lost.
    fn warning(&self, backups: &BackupPolicy) -> Option<String> {
        let mut text = String::new();
        if self.certain > 0 {
            let attachments = count_with_noun(self.certain, "attachment");
            let _ = writeln!(
                text,
                "{attachments} will lose {}",
                present_content(self.certain)
            );
        }
        if self.possible > 0 {
            let attachments =
                count_with_noun_and_verb(self.possible, "attachment", ["has", "have"]);
            let _ = writeln!(
                text,
                "{attachments} the size of the file: each will be downloaded, and replaced if the \
                 content differs"
            );
        }
        if text.is_empty() {
            return None;
        }
        let _ = match backups {
            BackupPolicy::Folder(folder) => {
                writeln!(text, "backups go to {}", escape(&folder.to_string_lossy()))
            }
            BackupPolicy::Waived => {
                writeln!(text, "no backup is kept: lost content is lost for good")
            }
        };
        Some(text)
    }
}

fn present_content(attachments: u64) -> &'static str {
    if attachments == 1 {
        "its present content"
    } else {
        "their present content"
    }
}

fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn read_answer(question: &str) -> io::Result<String> {
    io::stderr().write_all(question.as_bytes())?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer)
}

/// Asks at the keyboard without blocking the runtime. A thread left waiting at the keyboard ends
/// with the program.
async fn read_answer_in_thread(question: &'static str) -> io::Result<String> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Without a receiver, the answer does not count.
        let _ = sender.send(read_answer(question));
    });
    receiver.await.map_err(io::Error::other)?
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_yes_is_yes() {
        for yes in ["y\n", "Y\n", "yes\n", " YES \r\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no\n", "yess\n", "j\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }

    #[test]
    fn what_is_lost_is_told_with_what_becomes_of_it() {
        let told = |certainly, perhaps, backups: &BackupPolicy| {
            let loss = ContentLoss {
                certain: certainly,
                possible: perhaps,
            };
            loss.warning(backups)
        };
        let kept = BackupPolicy::Folder("old".into());
        assert_eq!(
            told(37, 0, &kept).unwrap(),
            "37 attachments will lose their present content\nbackups go to old\n"
        );
        assert_eq!(
            told(0, 1, &BackupPolicy::Waived).unwrap(),
            "1 attachment has the size of the file: each will be downloaded, and replaced if the \
             content differs\nno backup is kept: lost content is lost for good\n"
        );
        assert_eq!(told(1, 2, &kept).unwrap().lines().count(), 3);
        assert_eq!(told(0, 0, &kept), None);
    }
}
