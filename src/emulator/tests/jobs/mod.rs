//! Tests of the jobs API over real connections, as a client sees it.

mod asking;
mod budgets;
mod faults;
mod life;
mod unknowns;

use std::time::Duration;

use super::*;
use crate::emulator::{JobFile, JobSettings, Terms, job_files};

const EVENT: &str = "0b6f4c1e-3f0a-4f0e-9d0a-6f2d4f1f7a01";

/// Terms under which a job starts at once and ends with its last file.
fn at_once() -> Terms {
    Terms {
        start_delay: Duration::ZERO,
        end_delay: Duration::ZERO,
        ..Terms::default()
    }
}

/// Settings under which no test waits.
fn quick() -> JobSettings {
    JobSettings {
        terms: at_once(),
        ..JobSettings::default()
    }
}

fn with_jobs(jobs: JobSettings) -> Settings {
    Settings { jobs, ..fast() }
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

    fn word(&self) -> String {
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
fn for_event(files: &[&str]) -> Value {
    json!({"sourcing_event": EVENT, "created_by": "john.doe@email.com", "files": files})
}

impl Service {
    fn jobs_request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.emulator.jobs_base_url());
        self.client.request(method, url)
    }

    /// Builds a request with a key.
    fn keyed(&self, method: Method, path: &str) -> RequestBuilder {
        self.jobs_request(method, path)
            .header("Authorization", "Bearer key-canary")
    }

    fn job_post(&self, body: &Value) -> RequestBuilder {
        self.keyed(Method::POST, "/jobs/attach-files-to-sourcing-event")
            .header("Content-Type", "application/json")
            .body(body.to_string())
    }

    async fn ask_for_job(&self, body: &Value) -> JobAnswer {
        job_answer(self.job_post(body)).await
    }

    async fn create_job(&self, files: &[&str]) -> JobAnswer {
        let created = self.ask_for_job(&for_event(files)).await;
        assert_eq!(created.status, 201, "{created:?}");
        created
    }

    async fn job(&self, id: &str) -> JobAnswer {
        job_answer(self.keyed(Method::GET, &format!("/jobs/{id}"))).await
    }

    async fn put_file(&self, url: &str, bytes: &'static str) -> reqwest::Response {
        self.client.put(url).body(bytes).send().await.unwrap()
    }

    /// Uploads bytes to each upload URL of a job.
    async fn fill(&self, job: &JobAnswer, bytes: &'static str) {
        for (_, url) in job.files() {
            let response = self.put_file(&url, bytes).await;
            assert_eq!(response.status(), StatusCode::OK);
        }
    }

    fn attached(&self) -> Vec<JobFile> {
        job_files(self.emulator.state()).unwrap()
    }

    /// Returns name and bytes of each attached file.
    fn attached_bytes(&self) -> Vec<(String, String)> {
        let read = |file: JobFile| (file.name, std::fs::read_to_string(file.bytes).unwrap());
        self.attached().into_iter().map(read).collect()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    pairs.iter().map(owned).collect()
}
