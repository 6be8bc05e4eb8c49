//! Record of an attachment, and the changes that time brings to it. This module knows neither files
//! nor HTTP.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::attachment_settings::PurgeClock;
use super::object_text;
use crate::emulator::storage::{StoredContent, new_object_key};
use crate::model::ObjectRef;

/// Attachment as the service stores it; also the content of its file in the state folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AttachmentRecord {
    pub(super) id: u64,
    pub(super) external_id: Option<String>,
    pub(super) title: String,
    pub(super) file_name: String,
    /// Object to which the attachment belongs. No answer of the attachments API shows the object;
    /// the log and the object's own answers do.
    #[serde(with = "object_text")]
    pub(super) object: ObjectRef,
    /// E-mail address of the user who asked for the newest upload URL.
    pub(super) uploaded_by: String,
    /// Storage key of the newest upload URL.
    pub(super) key: String,
    /// Time of the creation; `None` in the state of an earlier version.
    #[serde(default)]
    pub(super) created: Option<Timestamp>,
    /// Time at which the record got its external id; `None` in the state of an earlier version.
    #[serde(default)]
    pub(super) named: Option<Timestamp>,
    /// Time since which the service waits for bytes.
    pub(super) empty_since: Timestamp,
    pub(super) content: Option<StoredContent>,
}

impl AttachmentRecord {
    /// Discards the content and gives the record a new, empty storage key.
    pub(super) fn discard_content(&mut self, uploaded_by: String, now: Timestamp) {
        self.key = new_object_key();
        self.uploaded_by = uploaded_by;
        // A record that never had bytes does not grow younger by requests for another URL.
        if self.content.take().is_some() {
            self.empty_since = now;
        }
    }

    /// True if the record has waited for bytes for so long that the service purges it.
    pub(super) fn is_stale(
        &self,
        now: Timestamp,
        purge_after: Duration,
        clock: PurgeClock,
    ) -> bool {
        let begin = match clock {
            PurgeClock::CreationOrRenewal => self.empty_since,
            PurgeClock::Creation => self.created.unwrap_or(self.empty_since),
        };
        self.content.is_none() && elapsed_between(begin, now) >= purge_after
    }

    /// True if a look-up by the external id finds the record, `delay` after the record got the id.
    pub(super) fn is_indexed(&self, now: Timestamp, delay: Duration) -> bool {
        self.named
            .is_none_or(|named| elapsed_between(named, now) >= delay)
    }

    /// Content of the record, once `delay` has passed since its upload; `None` before.
    pub(super) fn visible_content(&self, now: Timestamp, delay: Duration) -> Option<StoredContent> {
        self.content
            .filter(|content| elapsed_between(content.stored_at, now) >= delay)
    }
}

/// Time from `then` to `now`; zero if the clock went back.
fn elapsed_between(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectType;

    const CREATED: Timestamp = Timestamp::UNIX_EPOCH;
    const LIMIT: Duration = Duration::from_mins(45);

    fn minutes(count: u64) -> Timestamp {
        CREATED + Duration::from_mins(count)
    }

    fn record() -> AttachmentRecord {
        AttachmentRecord {
            id: 1,
            external_id: None,
            title: String::new(),
            file_name: String::new(),
            object: ObjectRef::parse(ObjectType::Contract, "7").unwrap(),
            uploaded_by: String::new(),
            key: new_object_key(),
            created: Some(CREATED),
            named: Some(CREATED),
            empty_since: CREATED,
            content: None,
        }
    }

    fn stored_at(minute: u64) -> AttachmentRecord {
        let content = StoredContent {
            size: 5,
            stored_at: minutes(minute),
        };
        AttachmentRecord {
            content: Some(content),
            ..record()
        }
    }

    #[test]
    fn a_record_without_bytes_is_given_up_after_its_time_and_one_with_bytes_never() {
        assert!(!record().is_stale(minutes(44), LIMIT, PurgeClock::CreationOrRenewal));
        assert!(record().is_stale(minutes(45), LIMIT, PurgeClock::CreationOrRenewal));
        assert!(!stored_at(44).is_stale(minutes(1000), LIMIT, PurgeClock::CreationOrRenewal));
    }

    #[test]
    fn another_url_does_not_put_off_the_end_of_a_record_that_never_had_bytes() {
        let mut renewed = record();
        let old_key = renewed.key.clone();
        renewed.discard_content("someone@example.com".to_owned(), minutes(44));
        assert_ne!(renewed.key, old_key);
        assert!(renewed.is_stale(minutes(45), LIMIT, PurgeClock::CreationOrRenewal));
    }

    #[test]
    fn a_record_that_let_go_of_its_bytes_has_the_whole_time_for_new_ones() {
        let mut renewed = stored_at(10);
        renewed.discard_content("someone@example.com".to_owned(), minutes(100));
        assert_eq!(renewed.content, None);
        assert!(!renewed.is_stale(minutes(144), LIMIT, PurgeClock::CreationOrRenewal));
        assert!(renewed.is_stale(minutes(145), LIMIT, PurgeClock::CreationOrRenewal));
        assert!(renewed.is_stale(minutes(100), LIMIT, PurgeClock::Creation));
    }

    #[test]
    fn a_record_is_found_by_its_external_id_after_the_delay() {
        let delay = Duration::from_mins(2);
        assert!(!record().is_indexed(minutes(1), delay));
        assert!(record().is_indexed(minutes(2), delay));
    }

    #[test]
    fn bytes_show_after_the_delay() {
        let delay = Duration::from_mins(2);
        assert_eq!(stored_at(10).visible_content(minutes(11), delay), None);
        let shown = stored_at(10).visible_content(minutes(12), delay);
        assert_eq!(shown.map(|content| content.size), Some(5));
    }
}
