//! Tests of the jobs API over real connections, as a client sees it.

mod budgets;
mod faults;
mod job_life;
mod request_checks;
mod undocumented;

use std::time::Duration;

use super::*;
use crate::emulator::{JobSettings, JobTerms, StoredJobFile, stored_job_files};

const EVENT_ID: &str = "0b6f4c1e-3f0a-4f0e-9d0a-6f2d4f1f7a01";

/// Terms under which a job starts at once and ends with its last file.
fn immediate_terms() -> JobTerms {
    JobTerms {
        start_delay: Duration::ZERO,
        end_delay: Duration::ZERO,
        ..JobTerms::default()
    }
}

/// Settings under which no test waits.
fn immediate_settings() -> JobSettings {
    JobSettings {
        terms: immediate_terms(),
        ..JobSettings::default()
    }
}

fn with_jobs(jobs: JobSettings) -> EmulatorSettings {
    EmulatorSettings {
        jobs,
        ..unlimited_settings()
    }
}

/// Answer of the jobs API, possibly without a document.
#[derive(Debug)]
struct JobAnswer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl JobAnswer {
    fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_str(&self.text).unwrap()
    }

    fn id(&self) -> String {
        self.json()["id"].as_str().expect("an id").to_owned()
    }

    fn status_word(&self) -> String {
        self.json()["status"].as_str().expect("a word").to_owned()
    }

    /// Returns name and upload URL of each file.
    fn files(&self) -> Vec<(String, String)> {
        let json = self.json();
        let files = json["detail"]["files"].as_array().expect("files");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pair = |file: &Value| (text(&file["file_name"]), text(&file["upload_url"]));
        files.iter().map(pair).collect()
    }

    fn url(&self, file: usize) -> String {
        self.files()[file].1.clone()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn job_answer(request: RequestBuilder) -> JobAnswer {
    let response = request.send().await.unwrap();
    JobAnswer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

/// Returns the body which requests a job for an event.
fn event_job_body(files: &[&str]) -> Value {
    json!({"sourcing_event": EVENT_ID, "created_by": "john.doe@email.com", "files": files})
}

impl EmulatorFixture {
    fn jobs_request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.emulator.jobs_base_url());
        self.client.request(method, url)
    }

    /// Builds a request with a key.
    fn jobs_request_with_key(&self, method: Method, path: &str) -> RequestBuilder {
        self.jobs_request(method, path)
            .header("Authorization", "Bearer key-canary")
    }

    fn job_post(&self, body: &Value) -> RequestBuilder {
        self.jobs_request_with_key(Method::POST, "/jobs/attach-files-to-sourcing-event")
            .header("Content-Type", "application/json")
            .body(body.to_string())
    }

    async fn post_job(&self, body: &Value) -> JobAnswer {
        job_answer(self.job_post(body)).await
    }

    async fn create_job(&self, files: &[&str]) -> JobAnswer {
        let created = self.post_job(&event_job_body(files)).await;
        assert_eq!(created.status, 201, "{created:?}");
        created
    }

    async fn job(&self, id: &str) -> JobAnswer {
        job_answer(self.jobs_request_with_key(Method::GET, &format!("/jobs/{id}"))).await
    }

    async fn put_file(&self, url: &str, bytes: &'static str) -> reqwest::Response {
        self.client.put(url).body(bytes).send().await.unwrap()
    }

    /// Uploads bytes to each upload URL of a job.
    async fn upload_all(&self, job: &JobAnswer, bytes: &'static str) {
        for (_, url) in job.files() {
            let response = self.put_file(&url, bytes).await;
            assert_eq!(response.status(), StatusCode::OK);
        }
    }

    fn attached_files(&self) -> Vec<StoredJobFile> {
        stored_job_files(self.emulator.state_path()).unwrap()
    }

    /// Returns name and bytes of each attached file.
    fn attached_bytes(&self) -> Vec<(String, String)> {
        let read = |file: StoredJobFile| (file.name, std::fs::read_to_string(file.bytes).unwrap());
        self.attached_files().into_iter().map(read).collect()
    }
}

fn owned_pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    pairs.iter().map(owned).collect()
}
