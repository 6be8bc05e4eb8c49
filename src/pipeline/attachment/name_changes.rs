//! New names for attachments whose content is right: a title, an `external_id`. No bytes are
//! touched.
//!
//! A durable line announces each change, since a late request would undo a later change; a change
//! without an answer is waited out before anything else is sent. No two attachments get the same
//! `external_id` from us: look-ups come before and after the change, and a clash is undone.

use tokio::time::sleep;

use super::look_up_and_create::SEARCH_WAITS;
use super::{AttachmentMachine, AttachmentTransition};
use crate::destination::attachment_metadata::Reported;
use crate::destination::{AttachmentApi, AttachmentSelector, NameUpdate, UpdatedAttachment};
use crate::model::{AttachmentId, ExternalId};
use crate::pipeline::HaltReason;
use crate::pipeline::request_sender::RequestFailure;
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::{
    NameHolder, NextNameChange, greatest_requested_change, name_holder, next_name_change,
};
use crate::results::journal::Journal;
use crate::results::{CompletedAction, ContentMatch, NameKind, RowState};

/// Number of requests for a new name that may stay without an effect.
const MAX_LOST_RENAMES: u32 = 3;

/// Result of a change of names.
enum NameChangeProgress {
    /// The attachment has the new name.
    Done,
    /// The attachment does not get the new name, or the effect of the change is unknown, so the row
    /// ends.
    Ended(Box<RowVerdict>),
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Gives the attachment of a finished row its new names, and ends the row.
    pub(super) async fn apply_name_changes(
        &mut self,
        (done_as, content): (CompletedAction, ContentMatch),
        verdict: RowVerdict,
    ) -> AttachmentTransition<D> {
        let Some(id) = verdict.record_id.clone() else {
            return self.end_row(&verdict).await;
        };
        let mut is_retitled = false;
        while let Some(next) = self.next_name_change() {
            let progress = match next {
                NextNameChange::Title { from, to } => {
                    is_retitled = true;
                    self.change_title(&id, from, to, &verdict).await?
                }
                NextNameChange::ExternalId { from, to } => {
                    self.change_external_id(&id, from, to, &verdict).await?
                }
                NextNameChange::UnexpectedExternalId(name) => {
                    NameChangeProgress::Ended(Box::new(verdict.clone().renamed_elsewhere(&name)))
                }
            };
            if let NameChangeProgress::Ended(verdict) = progress {
                return self.end_row(&verdict).await;
            }
        }
        if let Some(taken) = self.note_new_id(&id, &verdict).await? {
            return self.end_row(&taken).await;
        }
        let otherwise = if is_retitled {
            CompletedAction::Updated
        } else {
            done_as
        };
        let done_as = greatest_requested_change(&self.row.changes).unwrap_or(otherwise);
        let state = RowState::Done(done_as, content);
        self.end_row(&RowVerdict { state, ..verdict }).await
    }

    /// Returns the next change of names, if any is left.
    fn next_name_change(&self) -> Option<NextNameChange> {
        let names = self.names.clone().unwrap_or_default();
        let update_policy = self.run.settings.update_policy;
        next_name_change(&self.row.row, update_policy, &names, &self.row.changes)
    }

    /// Notes the new `external_id` of the attachment, given by any run.
    ///
    /// A look-up checks that no other attachment has the same `external_id`, unless the results say
    /// so already. Returns the verdict of a row whose `external_id` is taken or cannot be checked.
    async fn note_new_id(
        &mut self,
        id: &AttachmentId,
        verdict: &RowVerdict,
    ) -> Result<Option<RowVerdict>, HaltReason> {
        let row = &self.row.row;
        let (from, to) = (row.external_id.clone(), row.new_external_id.clone());
        let known = self.row.changes.renamed_to.as_deref();
        let Some(to) = to.filter(|to| known != Some(to.as_str())) else {
            return Ok(None);
        };
        Ok(match self.holder_of(&to, id).await {
            Ok(NameHolder::Another) => {
                self.restore_external_id(id, &from).await?;
                Some(verdict.clone().new_id_taken(&to, "as well"))
            }
            Ok(NameHolder::Ours | NameHolder::Nobody) => {
                self.row.changes.renamed_to = Some(to.as_str().to_owned());
                None
            }
            Err(unmet) => {
                let why = unmet.into_message()?;
                let announced = verdict.while_changing_name(NameKind::ExternalId);
                Some(announced.name_unanswered("external_id", &why))
            }
        })
    }

    /// Changes the title, and repeats the request until the title is reported.
    async fn change_title(
        &mut self,
        id: &AttachmentId,
        from: Option<String>,
        to: String,
        verdict: &RowVerdict,
    ) -> Result<NameChangeProgress, HaltReason> {
        self.context.give_slots_back();
        let before = std::mem::replace(&mut self.row.changes.previous_title, from);
        let announced = verdict.while_changing_name(NameKind::Title);
        self.record_verdict(&announced).await?;
        let new = NameUpdate {
            title: Some(to.clone()),
            ..NameUpdate::default()
        };
        loop {
            let (why, is_last) = match self.send_names(AttachmentSelector::Id(id), &new).await {
                Ok(amended) => match amended.names.title {
                    Reported::Text {
                        value,
                        redacted: words,
                    } if value != to => {
                        let why = format!("the service shows {words:?} instead");
                        return Ok(row_ends_with(verdict.clone().name_refused("title", &why)));
                    }
                    _ => break,
                },
                Err(RequestFailure::NotSent) => continue,
                Err(RequestFailure::EffectUnknown(why)) => (why, false),
                Err(RequestFailure::GivenUp(why)) => (why, true),
                Err(RequestFailure::Halt(halt) | RequestFailure::HaltEffectUnknown(halt)) => {
                    return Err(halt);
                }
                Err(RequestFailure::Refused(refusal)) => {
                    self.row.changes.previous_title = before;
                    let why = &refusal.message;
                    return Ok(row_ends_with(verdict.clone().name_refused("title", why)));
                }
                Err(RequestFailure::Forbidden(why)) => {
                    self.row.changes.previous_title = before;
                    return Ok(row_ends_with(verdict.clone().name_forbidden("title", &why)));
                }
            };
            self.wait_out_late_patch().await;
            self.context.give_slots_back();
            if self.shows_title(id, &to).await? {
                break;
            }
            if is_last {
                return Ok(row_ends_with(announced.name_unanswered("title", &why)));
            }
        }
        let names = self.names.get_or_insert_default();
        names.title = Reported::from_own_text(&to);
        Ok(NameChangeProgress::Done)
    }

    /// Returns `true` if the service reports the title.
    async fn shows_title(&mut self, id: &AttachmentId, title: &str) -> Result<bool, HaltReason> {
        match self
            .run
            .requests
            .get_download(self.context.owner(), id)
            .await
        {
            Ok(original) => {
                let shown = original.map(|original| original.metadata.title);
                Ok(shown.is_some_and(|shown| shown.value() == Some(title)))
            }
            Err(unmet) => unmet.into_message().map(|_| false),
        }
    }

    /// Changes the `external_id`, with look-ups before and after the request.
    async fn change_external_id(
        &mut self,
        id: &AttachmentId,
        from: ExternalId,
        to: ExternalId,
        verdict: &RowVerdict,
    ) -> Result<NameChangeProgress, HaltReason> {
        self.context.give_slots_back();
        while self.wait_for_routing_trial(&to).await? {}
        let announced = verdict.while_changing_name(NameKind::ExternalId);
        self.record_verdict(&announced).await?;
        let new = NameUpdate {
            external_id: Some(to.clone()),
            ..NameUpdate::default()
        };
        let mut lost = 0;
        loop {
            // The look-up must not be outdated when the change is sent.
            self.context.wait_to_change().await;
            match self.holder_of(&to, id).await {
                Ok(NameHolder::Nobody) => {}
                Ok(NameHolder::Ours) => break,
                Ok(NameHolder::Another) => {
                    return Ok(row_ends_with(verdict.clone().new_id_taken(&to, "already")));
                }
                Err(unmet) => {
                    let why = unmet.into_message()?;
                    return Ok(row_ends_with(
                        announced.name_unanswered("external_id", &why),
                    ));
                }
            }
            let (why, is_last) = match self
                .send_names(AttachmentSelector::ExternalId(&from), &new)
                .await
            {
                Ok(amended) if amended.id != *id => {
                    self.restore_external_id(&amended.id, &from).await?;
                    return Ok(row_ends_with(verdict.clone().ambiguous_external_id(&from)));
                }
                Ok(_) => match self.holder_after_rename(&to, id).await {
                    Ok(NameHolder::Ours) => break,
                    // Under its old `external_id` the attachment can be found, so the change is
                    // undone.
                    Ok(NameHolder::Nobody) if self.is_on_trial(&to) => {
                        self.restore_external_id(id, &from).await?;
                        let done = "the attachment has its old external_id again";
                        return Err(self.not_routed_halt("new_external_id", &to, done));
                    }
                    Ok(NameHolder::Another) => {
                        self.restore_external_id(id, &from).await?;
                        let taken = verdict.clone().new_id_taken(&to, "since just now");
                        return Ok(row_ends_with(taken));
                    }
                    Ok(NameHolder::Nobody) => {
                        lost += 1;
                        let why = "a look-up of the new external_id finds nothing".to_owned();
                        (why, lost > MAX_LOST_RENAMES)
                    }
                    Err(unmet) => (unmet.into_message()?, true),
                },
                Err(RequestFailure::NotSent) => continue,
                Err(RequestFailure::EffectUnknown(why)) => (why, false),
                Err(RequestFailure::GivenUp(why)) => (why, true),
                Err(RequestFailure::Halt(halt) | RequestFailure::HaltEffectUnknown(halt)) => {
                    return Err(halt);
                }
                Err(RequestFailure::Refused(refusal)) => {
                    return match self.holder_of(&to, id).await {
                        Ok(NameHolder::Ours) => break,
                        Ok(NameHolder::Another) => {
                            Ok(row_ends_with(verdict.clone().new_id_taken(&to, "already")))
                        }
                        Ok(NameHolder::Nobody) => Ok(row_ends_with(
                            verdict
                                .clone()
                                .name_refused("external_id", &refusal.message),
                        )),
                        Err(unmet) => {
                            let why = unmet.into_message()?;
                            Ok(row_ends_with(
                                announced.name_unanswered("external_id", &why),
                            ))
                        }
                    };
                }
                Err(RequestFailure::Forbidden(why)) => {
                    return Ok(row_ends_with(
                        verdict.clone().name_forbidden("external_id", &why),
                    ));
                }
            };
            self.wait_out_late_patch().await;
            self.context.give_slots_back();
            if is_last {
                return Ok(row_ends_with(
                    announced.name_unanswered("external_id", &why),
                ));
            }
        }
        let names = self.names.get_or_insert_default();
        names.external_id = Reported::from_own_text(to.as_str());
        self.row.changes.renamed_to = Some(to.as_str().to_owned());
        Ok(NameChangeProgress::Done)
    }

    /// Looks up which attachment has an `external_id`.
    async fn holder_of(
        &self,
        external_id: &ExternalId,
        ours: &AttachmentId,
    ) -> Result<NameHolder, RequestFailure> {
        Ok(name_holder(
            &self.find_by_external_id(external_id).await?,
            ours,
        ))
    }

    /// Looks up which attachment has a new `external_id`, with waits, because a new id may not be
    /// found at once.
    async fn holder_after_rename(
        &self,
        external_id: &ExternalId,
        ours: &AttachmentId,
    ) -> Result<NameHolder, RequestFailure> {
        let mut holder = self.holder_of(external_id, ours).await?;
        for wait in SEARCH_WAITS {
            if !matches!(holder, NameHolder::Nobody) || !self.is_on_trial(external_id) {
                break;
            }
            sleep(wait).await;
            holder = self.holder_of(external_id, ours).await?;
        }
        Ok(holder)
    }

    /// Returns `true` if the row holds the trial for the characters of an `external_id`.
    fn is_on_trial(&self, external_id: &ExternalId) -> bool {
        self.routing_trial.is_some() && !self.shared.routing.unproven(external_id).is_empty()
    }

    /// Gives an attachment its old `external_id` back.
    async fn restore_external_id(
        &mut self,
        id: &AttachmentId,
        from: &ExternalId,
    ) -> Result<(), HaltReason> {
        let old = NameUpdate {
            external_id: Some(from.clone()),
            ..NameUpdate::default()
        };
        for _ in 0..=MAX_LOST_RENAMES {
            match self.send_names(AttachmentSelector::Id(id), &old).await {
                Err(RequestFailure::NotSent) => {}
                Err(RequestFailure::EffectUnknown(_) | RequestFailure::GivenUp(_)) => {
                    self.wait_out_late_patch().await;
                    self.context.give_slots_back();
                }
                Err(RequestFailure::Halt(halt) | RequestFailure::HaltEffectUnknown(halt)) => {
                    return Err(halt);
                }
                Ok(_) | Err(RequestFailure::Refused(_) | RequestFailure::Forbidden(_)) => {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Sends new names once.
    async fn send_names(
        &mut self,
        key: AttachmentSelector<'_>,
        new: &NameUpdate,
    ) -> Result<UpdatedAttachment, RequestFailure> {
        let (owner, leave) = (self.context.owner(), self.context.take_change_permission());
        self.run
            .requests
            .send_change_once(owner, leave, async |service| {
                service.update_names(key, new).await
            })
            .await
    }
}

/// Returns the result that ends the row.
fn row_ends_with(verdict: RowVerdict) -> NameChangeProgress {
    NameChangeProgress::Ended(Box::new(verdict))
}
