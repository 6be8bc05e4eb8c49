//! New names for attachments whose content is right: a title, an `external_id`. No bytes are
//! touched.
//!
//! A durable line announces each change, since a late request would undo a later change; a change
//! without an answer is waited out before anything else is sent. No two attachments get the same
//! `external_id` from us: look-ups come before and after the change, and a clash is undone.

use tokio::time::sleep;

use super::look_up::SEARCHES;
use super::{AttachmentMachine, Next};
use crate::destination::archive::Shown;
use crate::destination::{Amended, AttachmentApi, Key, NewNames};
use crate::model::{AttachmentId, ExternalId};
use crate::pipeline::Halt;
use crate::pipeline::requests::Unmet;
use crate::pipeline::verdict::Verdict;
use crate::plan::{NameHolder, Renaming, changed_as, name_holder, renaming};
use crate::results::journal::Journal;
use crate::results::{DoneAs, DoneContent, NewWord, RowState};

/// Number of requests for a new name that may stay without an effect.
const MOST_LOST: u32 = 3;

/// Result of a change of names.
enum Progress {
    /// The attachment has the new name.
    Done,
    /// The new name is refused or its effect is unknown, so the row ends.
    Ended(Box<Verdict>),
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Gives the attachment of a finished row its new names, and ends the row.
    pub(super) async fn settle(
        &mut self,
        (done_as, content): (DoneAs, DoneContent),
        verdict: Verdict,
    ) -> Next<D> {
        let Some(id) = verdict.id.clone() else {
            return self.end(&verdict).await;
        };
        let mut is_retitled = false;
        while let Some(next) = self.next_name() {
            let progress = match next {
                Renaming::Title { from, to } => {
                    is_retitled = true;
                    self.retitle(&id, from, to, &verdict).await?
                }
                Renaming::ExternalId { from, to } => self.rename(&id, from, to, &verdict).await?,
                Renaming::Unexpected(name) => {
                    Progress::Ended(Box::new(verdict.clone().renamed_elsewhere(&name)))
                }
            };
            if let Progress::Ended(verdict) = progress {
                return self.end(&verdict).await;
            }
        }
        if let Some(taken) = self.note_new_id(&id, &verdict).await? {
            return self.end(&taken).await;
        }
        let otherwise = if is_retitled {
            DoneAs::Updated
        } else {
            done_as
        };
        let done_as = changed_as(&self.row.changes).unwrap_or(otherwise);
        let state = RowState::Done(done_as, content);
        self.end(&Verdict { state, ..verdict }).await
    }

    /// Returns the next change of names, if any is left.
    fn next_name(&self) -> Option<Renaming> {
        let names = self.names.clone().unwrap_or_default();
        let wishes = self.run.settings.wishes;
        renaming(&self.row.row, wishes, &names, &self.row.changes)
    }

    /// Notes the new `external_id` of the attachment, given by any run.
    ///
    /// A look-up checks that no other attachment has the same `external_id`, unless the results
    /// say so already. Returns the verdict of a row whose `external_id` is taken or cannot be checked.
    async fn note_new_id(
        &mut self,
        id: &AttachmentId,
        verdict: &Verdict,
    ) -> Result<Option<Verdict>, Halt> {
        let row = &self.row.row;
        let (from, to) = (row.external_id.clone(), row.new_external_id.clone());
        let known = self.row.changes.renamed_to.as_deref();
        let Some(to) = to.filter(|to| known != Some(to.as_str())) else {
            return Ok(None);
        };
        Ok(match self.holder(&to, id).await {
            Ok(NameHolder::Another) => {
                self.give_back(id, &from).await?;
                Some(verdict.clone().new_id_taken(&to, "as well"))
            }
            Ok(NameHolder::Ours | NameHolder::Nobody) => {
                self.row.changes.renamed_to = Some(to.as_str().to_owned());
                None
            }
            Err(unmet) => {
                let why = unmet.words()?;
                let announced = verdict.while_renaming(NewWord::ExternalId);
                Some(announced.name_unanswered("external_id", &why))
            }
        })
    }

    /// Changes the title, and repeats the request until the title is shown.
    async fn retitle(
        &mut self,
        id: &AttachmentId,
        from: Option<String>,
        to: String,
        verdict: &Verdict,
    ) -> Result<Progress, Halt> {
        self.context.give_slots_back();
        let before = std::mem::replace(&mut self.row.changes.previous_title, from);
        let announced = verdict.while_renaming(NewWord::Title);
        self.record(&announced).await?;
        let new = NewNames {
            title: Some(to.clone()),
            ..NewNames::default()
        };
        loop {
            let (why, is_last) = match self.amend(Key::Id(id), &new).await {
                Ok(amended) => match amended.names.title {
                    Shown::Text { value, words } if value != to => {
                        let why = format!("it shows {words:?}");
                        return Ok(ended(verdict.clone().name_refused("title", &why)));
                    }
                    _ => break,
                },
                Err(Unmet::NotSent) => continue,
                Err(Unmet::Unknown(why)) => (why, false),
                Err(Unmet::GivenUp(why)) => (why, true),
                Err(Unmet::Halt(halt) | Unmet::HaltUnknown(halt)) => return Err(halt),
                Err(Unmet::Refused(why)) => {
                    self.row.changes.previous_title = before;
                    return Ok(ended(verdict.clone().name_refused("title", &why)));
                }
                Err(Unmet::Forbidden(why)) => {
                    self.row.changes.previous_title = before;
                    return Ok(ended(verdict.clone().name_forbidden("title", &why)));
                }
            };
            self.drain().await;
            self.context.give_slots_back();
            if self.shows_title(id, &to).await? {
                break;
            }
            if is_last {
                return Ok(ended(announced.name_unanswered("title", &why)));
            }
        }
        let names = self.names.get_or_insert_default();
        names.title = Shown::of(&to);
        Ok(Progress::Done)
    }

    /// Returns `true` if the service shows the title.
    async fn shows_title(&mut self, id: &AttachmentId, title: &str) -> Result<bool, Halt> {
        match self.run.requests.original(self.context.owner(), id).await {
            Ok(original) => {
                let shown = original.map(|original| original.exhibit.title);
                Ok(shown.is_some_and(|shown| shown.value() == Some(title)))
            }
            Err(unmet) => unmet.words().map(|_| false),
        }
    }

    /// Changes the `external_id`, with look-ups before and after the request.
    async fn rename(
        &mut self,
        id: &AttachmentId,
        from: ExternalId,
        to: ExternalId,
        verdict: &Verdict,
    ) -> Result<Progress, Halt> {
        self.context.give_slots_back();
        while self.is_kept_waiting(&to).await? {}
        let announced = verdict.while_renaming(NewWord::ExternalId);
        self.record(&announced).await?;
        let new = NewNames {
            external_id: Some(to.clone()),
            ..NewNames::default()
        };
        let mut lost = 0;
        loop {
            // The look-up must not be outdated when the change is sent.
            self.context.waited_to_change().await;
            match self.holder(&to, id).await {
                Ok(NameHolder::Nobody) => {}
                Ok(NameHolder::Ours) => break,
                Ok(NameHolder::Another) => {
                    return Ok(ended(verdict.clone().new_id_taken(&to, "already")));
                }
                Err(unmet) => {
                    let why = unmet.words()?;
                    return Ok(ended(announced.name_unanswered("external_id", &why)));
                }
            }
            let (why, is_last) = match self.amend(Key::ExternalId(&from), &new).await {
                Ok(amended) if amended.id != *id => {
                    self.give_back(&amended.id, &from).await?;
                    return Ok(ended(verdict.clone().ambiguous(&from)));
                }
                Ok(_) => match self.holder_by_now(&to, id).await {
                    Ok(NameHolder::Ours) => break,
                    // The attachment is still found under its old name.
                    Ok(NameHolder::Nobody) if self.is_on_trial(&to) => {
                        self.give_back(id, &from).await?;
                        let done = "the attachment was given its old one back";
                        return Err(self.does_not_route("new_external_id", &to, done));
                    }
                    Ok(NameHolder::Another) => {
                        self.give_back(id, &from).await?;
                        let taken = verdict.clone().new_id_taken(&to, "since just now");
                        return Ok(ended(taken));
                    }
                    Ok(NameHolder::Nobody) => {
                        lost += 1;
                        let why = "a look-up of the new one finds nothing".to_owned();
                        (why, lost > MOST_LOST)
                    }
                    Err(unmet) => (unmet.words()?, true),
                },
                Err(Unmet::NotSent) => continue,
                Err(Unmet::Unknown(why)) => (why, false),
                Err(Unmet::GivenUp(why)) => (why, true),
                Err(Unmet::Halt(halt) | Unmet::HaltUnknown(halt)) => return Err(halt),
                Err(Unmet::Refused(why)) => {
                    return match self.holder(&to, id).await {
                        Ok(NameHolder::Ours) => break,
                        Ok(NameHolder::Another) => {
                            Ok(ended(verdict.clone().new_id_taken(&to, "already")))
                        }
                        Ok(NameHolder::Nobody) => {
                            Ok(ended(verdict.clone().name_refused("external_id", &why)))
                        }
                        Err(unmet) => {
                            let why = unmet.words()?;
                            Ok(ended(announced.name_unanswered("external_id", &why)))
                        }
                    };
                }
                Err(Unmet::Forbidden(why)) => {
                    return Ok(ended(verdict.clone().name_forbidden("external_id", &why)));
                }
            };
            self.drain().await;
            self.context.give_slots_back();
            if is_last {
                return Ok(ended(announced.name_unanswered("external_id", &why)));
            }
        }
        let names = self.names.get_or_insert_default();
        names.external_id = Shown::of(to.as_str());
        self.row.changes.renamed_to = Some(to.as_str().to_owned());
        Ok(Progress::Done)
    }

    /// Looks up which attachment has an `external_id`.
    async fn holder(
        &self,
        external_id: &ExternalId,
        ours: &AttachmentId,
    ) -> Result<NameHolder, Unmet> {
        Ok(name_holder(&self.find_by(external_id).await?, ours))
    }

    /// Looks up which attachment has a new `external_id`, with waits, because a new id may not be
    /// found at once.
    async fn holder_by_now(
        &self,
        external_id: &ExternalId,
        ours: &AttachmentId,
    ) -> Result<NameHolder, Unmet> {
        let mut holder = self.holder(external_id, ours).await?;
        for wait in SEARCHES {
            if !matches!(holder, NameHolder::Nobody) || !self.is_on_trial(external_id) {
                break;
            }
            sleep(wait).await;
            holder = self.holder(external_id, ours).await?;
        }
        Ok(holder)
    }

    /// Returns `true` if the row holds the trial for the characters of an `external_id`.
    fn is_on_trial(&self, external_id: &ExternalId) -> bool {
        self.trial.is_some() && !self.common.routing.unproven(external_id).is_empty()
    }

    /// Gives an attachment its old `external_id` back.
    async fn give_back(&mut self, id: &AttachmentId, from: &ExternalId) -> Result<(), Halt> {
        let old = NewNames {
            external_id: Some(from.clone()),
            ..NewNames::default()
        };
        for _ in 0..=MOST_LOST {
            match self.amend(Key::Id(id), &old).await {
                Err(Unmet::NotSent) => {}
                Err(Unmet::Unknown(_) | Unmet::GivenUp(_)) => {
                    self.drain().await;
                    self.context.give_slots_back();
                }
                Err(Unmet::Halt(halt) | Unmet::HaltUnknown(halt)) => return Err(halt),
                Ok(_) | Err(Unmet::Refused(_) | Unmet::Forbidden(_)) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Sends new names once.
    async fn amend(&mut self, key: Key<'_>, new: &NewNames) -> Result<Amended, Unmet> {
        let (owner, leave) = (self.context.owner(), self.context.leave_to_change());
        self.run
            .requests
            .change_once(owner, leave, async |service| service.amend(key, new).await)
            .await
    }
}

/// Returns the result that ends the row.
fn ended(verdict: Verdict) -> Progress {
    Progress::Ended(Box::new(verdict))
}
