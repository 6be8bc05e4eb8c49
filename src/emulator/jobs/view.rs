//! JSON of a job in an answer, with signed URLs, which only answers hold.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::job::{Item, Job, Phase, after};
use super::route::UPLOADS_BASE;
use super::settings::{FileStatus, JobSettings, UrlClock};
use crate::emulator::storage::{StorageServer, object_path};

/// Status word for failure, the only final status word documented by the vendor.
const FAILED: &str = "FAILED";

/// View of jobs at one moment, `now`.
pub(super) struct View<'a> {
    pub(super) storage: &'a StorageServer,
    pub(super) settings: &'a JobSettings,
    pub(super) now: Timestamp,
}

impl View<'_> {
    /// Job as GET shows it.
    pub(super) fn shown(&self, job: &Job) -> Value {
        let phase = job.phase(self.now);
        json!({
            "id": job.id,
            "type": job.object.kind.type_name(),
            "status": self.word(phase),
            "created": format!("{:.6}", job.created),
            "detail": self.detail(job, phase),
        })
    }

    fn word(&self, phase: Phase) -> &str {
        let words = &self.settings.words;
        match phase {
            Phase::Pending => &words.pending,
            Phase::Running => &words.running,
            Phase::Succeeded => &words.success,
            Phase::Failed => FAILED,
        }
    }

    fn detail(&self, job: &Job, phase: Phase) -> Value {
        if phase == Phase::Pending {
            return Value::Null;
        }
        let files = job.files.iter().map(|file| self.file(job, file, phase));
        let mut detail = json!({ "files": files.collect::<Vec<_>>() });
        let names = self.settings.file_names;
        let errors = job.errors(phase).into_iter();
        let errors: Vec<String> = errors.map(|error| names.show(&error)).collect();
        if !errors.is_empty() {
            detail["errors"] = json!(errors);
        }
        detail
    }

    fn file(&self, job: &Job, file: &Item, phase: Phase) -> Value {
        let mut shown = json!({ "file_name": self.settings.file_names.show(&file.name) });
        if phase == Phase::Running {
            shown["upload_url"] = json!(self.upload_url(job, file));
        } else if let FileStatus::Told {
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

    fn upload_url(&self, job: &Job, file: &Item) -> String {
        let path = object_path(UPLOADS_BASE, job.id, &file.key, &file.name);
        let begin = match self.settings.url_clock {
            UrlClock::JobStart => job.start(),
            UrlClock::EachGet => self.now,
        };
        let end = after(begin, self.settings.url_life);
        self.storage.signed_url(&Method::PUT, &path, &[], end)
    }
}
