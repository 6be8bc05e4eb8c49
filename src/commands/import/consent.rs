//! Questions to the user before an act without a way back.
//!
//! Documents of a sourcing event in Keelvar are visible to all of its bidders by default, and
//! nobody can make a bidder forget what he has seen. Replaced content is gone from the service for
//! good. Scripts say `--yes`; without a terminal to ask at, nothing is sent.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use tokio::runtime::Runtime;

use super::dry_run;
use super::plan::Plan;
use crate::commands::halt::words;
use crate::commands::session::Session;
use crate::config::{Amending, Backups, Base, ConsentPolicy, ImportPlan};
use crate::error::{Error, Exit};
use crate::http::target::ApiHost;
use crate::model::ObjectType;
use crate::pipeline::{Halt, Outlook, Survey};
use crate::signals::Stop;
use crate::text::{counted, counted_with_verb, escape, tell};

/// Tells the user once about bidders, who will see the files, and asks for consent. Returns at once
/// if no row is for a sourcing event. Fails with [`Error::NobodyToAsk`] without a terminal, with
/// [`Error::NotAgreed`] without a yes.
pub(super) fn ask_about_bidders(
    config: &ImportPlan,
    base: &Base,
    plan: &Plan<'_>,
) -> Result<(), Error> {
    let files = plan.to_send_to(ObjectType::SourcingEvent);
    if files == 0 {
        return Ok(());
    }
    // An emulator on this machine has no bidders.
    let is_agreed = config.consent == ConsentPolicy::Given || base.host() == ApiHost::Loopback;
    // A question needs its reason, even where output is quiet.
    if !(is_agreed && config.output.is_quiet()) {
        tell("files on a sourcing event are visible to all of its bidders by default\n");
    }
    if is_agreed {
        return Ok(());
    }
    if !has_terminal() {
        return Err(Error::NobodyToAsk);
    }
    let question = format!("attach {} now? [y/N] ", counted(files, "file"));
    if is_yes(&answer_to(&question)?) {
        Ok(())
    } else {
        Err(Error::NotAgreed)
    }
}

/// Returns the backup setting to ask about before content is replaced; `None` if the user has
/// agreed already, or if nothing can be replaced. Fails with [`Error::NobodyToAskAboutContent`]
/// without a terminal.
pub(super) fn to_ask_about_content<'a>(
    config: &ImportPlan,
    base: &Base,
    plan: &Plan<'_>,
    amending: &'a Amending,
) -> Result<Option<&'a Backups>, Error> {
    let Some(backups) = amending.backups() else {
        return Ok(None);
    };
    // An emulator of this run holds no content that could be lost.
    let can_lose_nothing = plan.to_send() == 0 || *base == Base::Emulator;
    if config.consent == ConsentPolicy::Given || can_lose_nothing {
        return Ok(None);
    }
    if has_terminal() {
        Ok(Some(backups))
    } else {
        Err(Error::NobodyToAskAboutContent)
    }
}

/// Looks up the content to be replaced, tells the user its amount and the place of backups, and
/// asks for consent. Asks nothing if no content would be replaced. Fails with
/// [`Error::NotLookedUp`] when the look-up or the question was cut short, with [`Error::NotAgreed`]
/// without a yes.
pub(super) fn ask_about_content(
    config: &ImportPlan,
    plan: &Plan<'_>,
    session: &Session,
    runtime: &Runtime,
    backups: &Backups,
) -> Result<(), Error> {
    let (seen, halt) = dry_run::look_up(config, plan, session, runtime);
    if let Some(halt) = halt {
        return Err(Error::NotLookedUp {
            why: words(&halt, plan.service()),
            exit: session.stopping.stop().map_or(Exit::STOPPED, Stop::exit),
        });
    }
    let Some(loss) = Loss::of(&seen).in_words(backups) else {
        return Ok(());
    };
    tell(&loss);
    // The first Ctrl-C only asks a session to end, so the question has to end on a wish to stop,
    // too.
    let answer = runtime.block_on(async {
        tokio::select! {
            () = session.stopping.requested() => Ok(String::new()),
            answer = typed_after("replace it now? [y/N] ") => answer,
        }
    });
    match (session.stopping.stop(), is_yes(&answer?)) {
        (Some(stop), _) => Err(Error::NotLookedUp {
            why: words(&Halt::Interrupted, plan.service()),
            exit: stop.exit(),
        }),
        (None, true) => Ok(()),
        (None, false) => Err(Error::NotAgreed),
    }
}

/// Numbers of attachments with content to lose.
#[derive(Debug, Default, PartialEq, Eq)]
struct Loss {
    certainly: u64,
    /// Attachments of the same size as the file. Only a download shows whether their content is the
    /// file's already.
    perhaps: u64,
}

impl Loss {
    fn of(seen: &[Survey]) -> Self {
        let rows = seen.iter().flat_map(|one| &one.rows);
        rows.fold(Self::default(), |mut loss, row| {
            match row.outlook {
                Outlook::Replace { .. } => loss.certainly += 1,
                Outlook::Compare => loss.perhaps += 1,
                _ => {}
            }
            loss
        })
    }

    /// Warning to the user before he agrees; `None` if no content is lost.
    fn in_words(&self, backups: &Backups) -> Option<String> {
        let mut text = String::new();
        if self.certainly > 0 {
            let attachments = counted(self.certainly, "attachment");
            let _ = writeln!(
                text,
                "{attachments} will lose {}",
                what_they_have(self.certainly)
            );
        }
        if self.perhaps > 0 {
            let attachments = counted_with_verb(self.perhaps, "attachment", ["has", "have"]);
            let _ = writeln!(
                text,
                "{attachments} the size of the file, and will be downloaded and lose what is other \
                 content"
            );
        }
        if text.is_empty() {
            return None;
        }
        let _ = match backups {
            Backups::Into(folder) => {
                writeln!(text, "backups go to {}", escape(&folder.to_string_lossy()))
            }
            Backups::Waived => writeln!(text, "no backup is kept: what is lost is lost for good"),
        };
        Some(text)
    }
}

fn what_they_have(attachments: u64) -> &'static str {
    if attachments == 1 {
        "its present content"
    } else {
        "their present content"
    }
}

fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn answer_to(question: &str) -> io::Result<String> {
    io::stderr().write_all(question.as_bytes())?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer)
}

/// Asks at the keyboard without blocking the runtime. A thread left waiting at the keyboard ends
/// with the program.
async fn typed_after(question: &'static str) -> io::Result<String> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Without a receiver, the answer does not count.
        let _ = sender.send(answer_to(question));
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
        let told = |certainly, perhaps, backups: &Backups| {
            let loss = Loss { certainly, perhaps };
            loss.in_words(backups)
        };
        let kept = Backups::Into("old".into());
        assert_eq!(
            told(37, 0, &kept).unwrap(),
            "37 attachments will lose their present content\nbackups go to old\n"
        );
        assert_eq!(
            told(0, 1, &Backups::Waived).unwrap(),
            "1 attachment has the size of the file, and will be downloaded and lose what is other \
             content\nno backup is kept: what is lost is lost for good\n"
        );
        assert_eq!(told(1, 2, &kept).unwrap().lines().count(), 3);
        assert_eq!(told(0, 0, &kept), None);
    }
}
