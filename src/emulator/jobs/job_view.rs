//! JSON of a job in an answer, with signed URLs, which only answers hold.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::job_record::{JobFileRecord, JobRecord, StoredJobPhase, later_by};
use super::job_settings::{FileStatusDisplay, JobSettings, UrlClock};
use super::jobs_route::JOB_UPLOADS_BASE;
use crate::emulator::storage::{StorageServer, object_path};

/// Status word for failure, the only final status word documented by the vendor.
const FAILED: &str = "FAILED";

/// View of jobs at one moment, `now`.
pub(super) struct JobView<'a> {
    pub(super) storage: &'a StorageServer,
    pub(super) settings: &'a JobSettings,
    pub(super) now: Timestamp,
}

impl JobView<'_> {
    /// Job as GET returns it.
    pub(super) fn job_document(&self, job: &JobRecord) -> Value {
        let phase = job.phase_at(self.now);
        json!({
            "id": job.id,
            "type": job.object.kind.type_name(),
            "status": self.status_word(phase),
            "created": format!("{:.6}", job.created),
            "detail": self.detail(job, phase),
        })
    }

    fn status_word(&self, phase: StoredJobPhase) -> &str {
        let words = &self.settings.status_words;
        match phase {
            StoredJobPhase::Pending => &words.pending,
            StoredJobPhase::Running => &words.running,
            StoredJobPhase::Succeeded => &words.success,
            StoredJobPhase::Failed => FAILED,
        }
    }

    fn detail(&self, job: &JobRecord, phase: StoredJobPhase) -> Value {
        if phase == StoredJobPhase::Pending {
            return Value::Null;
        }
        let files = job
            .files
            .iter()
            .map(|file| self.file_document(job, file, phase));
        let mut detail = json!({ "files": files.collect::<Vec<_>>() });
        let names = self.settings.file_naming;
        let errors = job.errors(phase).into_iter();
        let errors: Vec<String> = errors.map(|error| names.apply(&error)).collect();
        if !errors.is_empty() {
            detail["errors"] = json!(errors);
        }
        detail
    }

    fn file_document(&self, job: &JobRecord, file: &JobFileRecord, phase: StoredJobPhase) -> Value {
        let mut shown = json!({ "file_name": self.settings.file_naming.apply(&file.name) });
        if phase == StoredJobPhase::Running {
            shown["upload_url"] = json!(self.upload_url(job, file));
        } else if let FileStatusDisplay::NameAndStatus {
            attached,
            not_attached,
        } = &self.settings.file_status
        {
            let word = if job.attaches(file, phase) {
                attached
            } else {
                not_attached
            };
            shown["status"] = json!(word);
        }
        shown
    }

    fn upload_url(&self, job: &JobRecord, file: &JobFileRecord) -> String {
        let path = object_path(JOB_UPLOADS_BASE, job.id, &file.key, &file.name);
        let begin = match self.settings.url_clock {
            UrlClock::JobStart => job.start(),
            UrlClock::EachGet => self.now,
        };
        let end = later_by(begin, self.settings.url_lifetime);
        self.storage.signed_url(&Method::PUT, &path, &[], end)
    }
}
