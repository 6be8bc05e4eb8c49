//! Report of an import with `--lookup on-clash`: what the run relied on, and the records made to
//! find out.

use serde::Serialize;

use crate::event::{ClashFinding, NotProvenReason};
use crate::model::ClashScope;
use crate::progress::RunTally;
use crate::text::{count_with_noun, escape};

/// Finding of an import with `--lookup on-clash`. The serialised fields are part of the JSON summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct LookUpReport {
    /// `on_clash` if the run relied on the service's refusals, else `each`.
    way: &'static str,
    /// Scope of the proof: `company`, or the only object type of the manifest. `None` without proof.
    proven_in: Option<&'static str>,
    /// Reason for look-ups of every row, as a word. `None` with a proof.
    why: Option<&'static str>,
    /// Number of records made to find out.
    proof_records: u64,
    /// Number of records that may have been made, too: the answers were lost.
    proof_records_unknown: u64,
    #[serde(skip)]
    explanation: String,
}

impl LookUpReport {
    /// Returns the report of a run. `None` for a run that was to look up every row, or that sent no
    /// request.
    pub(super) fn from_tally(tally: &RunTally) -> Option<Self> {
        let finding = tally
            .clash_finding
            .as_ref()
            .filter(|_| tally.requests > 0)?;
        let (way, proven_in, why, explanation) = match finding {
            ClashFinding::Proven(scope) => (
                "on_clash",
                Some(scope_word(*scope)),
                None,
                format!(
                    "the service refuses a second external_id {}, so new rows were not looked up",
                    scope_in_words(*scope)
                ),
            ),
            ClashFinding::NotProven(why) => {
                let (word, words) = reason_in_words(why);
                let rows = match why {
                    NotProvenReason::RunEnded => "the rows begun were",
                    _ => "every row was",
                };
                let text = format!("{rows} looked up, because {words}");
                ("each", None, Some(word), text)
            }
        };
        Some(Self {
            way,
            proven_in,
            why,
            proof_records: tally.proof_records_made,
            proof_records_unknown: tally.proof_records_unknown,
            explanation,
        })
    }

    /// Returns the report as lines for people.
    pub(super) fn for_people(&self) -> String {
        let mut text = format!("lookup on-clash: {}\n", self.explanation);
        let (made, unknown) = (self.proof_records, self.proof_records_unknown);
        if made + unknown > 0 {
            let named = |count| {
                let attachments = count_with_noun(count, "attachment");
                format!("{attachments} named consign-proof-..., without content,")
            };
            let records = match (made, unknown) {
                (0, unknown) => format!("{} may have been made to find out", named(unknown)),
                (made, 0) => format!("{} {} made to find out", named(made), was_or_were(made)),
                (made, unknown) => format!(
                    "{} {} made to find out, and {unknown} more may have been",
                    named(made),
                    was_or_were(made)
                ),
            };
            text.push_str(&records);
            text.push_str("; the service removes such attachments within an hour\n");
        }
        text
    }
}

fn was_or_were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// Returns the word of a scope for scripts.
fn scope_word(scope: ClashScope) -> &'static str {
    match scope {
        ClashScope::Company => "company",
        ClashScope::WithinType(kind) => kind.as_str(),
    }
}

/// Returns a scope in words.
pub(in crate::commands::import) fn scope_in_words(scope: ClashScope) -> String {
    match scope {
        ClashScope::Company => "in the whole company".to_owned(),
        ClashScope::WithinType(kind) => {
            format!("within the type {kind}, the only one of the rows")
        }
    }
}

/// Returns the reason for look-ups of every row, as a word for scripts and in words for people.
fn reason_in_words(why: &NotProvenReason) -> (&'static str, String) {
    let (word, words) = match why {
        NotProvenReason::NoRecordMade => ("no_record_made", "no row needed an attachment"),
        NotProvenReason::OneObject => (
            "one_object",
            "all attachments made are on one record, which proves nothing",
        ),
        NotProvenReason::NoFittingPair => (
            "no_fitting_pair",
            "no two of the records that got attachments differ in type and id",
        ),
        NotProvenReason::NotNeeded => ("not_needed", "no new row was left to save one for"),
        NotProvenReason::RunEnded => ("run_ended", "the run ended before the proof"),
        NotProvenReason::SecondAccepted => (
            "not_refused",
            "the service accepts a second attachment with the same external_id",
        ),
        NotProvenReason::FirstRefused(said) => {
            let words = format!(
                "the service refused the attachment made to find out ({})",
                escape(said)
            );
            return ("first_refused", words);
        }
        NotProvenReason::SecondRefusedOtherwise(said) => {
            let words = format!(
                "only a refusal with status 409 or 422 proves anything, and the service said: {}",
                escape(said)
            );
            return ("refused_otherwise", words);
        }
        NotProvenReason::NoAnswer(said) => {
            let words = format!(
                "a request made to find out stayed without an answer ({})",
                escape(said)
            );
            return ("no_answer", words);
        }
    };
    (word, words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectType;

    fn told(finding: ClashFinding, made: u64, unknown: u64) -> String {
        let tally = RunTally {
            clash_finding: Some(finding),
            proof_records_made: made,
            proof_records_unknown: unknown,
            requests: 1,
            ..RunTally::default()
        };
        LookUpReport::from_tally(&tally).unwrap().for_people()
    }

    #[test]
    fn a_summary_says_what_the_run_relied_on_and_what_was_made_to_find_out() {
        let removed = "; the service removes such attachments within an hour\n";
        let each = "lookup on-clash: every row was looked up, because";
        assert_eq!(
            told(ClashFinding::Proven(ClashScope::Company), 1, 0),
            format!(
                "lookup on-clash: the service refuses a second external_id in the whole company, so \
                 new rows were not looked up\n1 attachment named consign-proof-..., without content, \
                 was made to find out{removed}"
            )
        );
        let within = ClashScope::WithinType(ObjectType::Contract);
        assert!(
            told(ClashFinding::Proven(within), 1, 0)
                .contains("within the type contract, the only one of the rows, so")
        );
        assert_eq!(
            told(
                ClashFinding::NotProven(NotProvenReason::SecondAccepted),
                2,
                0
            ),
            format!(
                "{each} the service accepts a second attachment with the same external_id\n\
                 2 attachments named consign-proof-..., without content, were made to find out{removed}"
            )
        );
        let unanswered = NotProvenReason::NoAnswer("status 503".into());
        assert_eq!(
            told(ClashFinding::NotProven(unanswered.clone()), 1, 1),
            format!(
                "{each} a request made to find out stayed without an answer (status 503)\n\
                 1 attachment named consign-proof-..., without content, was made to find out, and 1 \
                 more may have been{removed}"
            )
        );
        assert!(told(ClashFinding::NotProven(unanswered), 0, 1).contains(
            "1 attachment named consign-proof-..., without content, may have been made to find out;"
        ));
        assert_eq!(
            told(ClashFinding::NotProven(NotProvenReason::RunEnded), 0, 0),
            "lookup on-clash: the rows begun were looked up, because the run ended before the proof\n"
        );
        assert_eq!(
            told(ClashFinding::NotProven(NotProvenReason::OneObject), 0, 0),
            format!("{each} all attachments made are on one record, which proves nothing\n")
        );
    }
}
