//! Keelvar tests: manifests of sourcing events and requests, and files attached by jobs.

use std::fs;
use std::num::NonZeroU32;
use std::time::Duration;

use consign::digest::sha256;
use consign::emulator::{JobSettings, stored_job_files};

use super::results_table::ResultsLine;
use super::results_table::table_reader;
use super::service::EmulatorUnderTest;
use super::{ImportTest, MANIFEST_FILE, MANIFEST_HEADER, TestedService, content_of};

/// Object type and id of a sourcing event.
pub(crate) const SOURCING_EVENT: &str = "sourcing_event 3f2504e0-4f89-41d3-9a0c-0305e82c3301";

/// Object type and id of another sourcing event.
pub(crate) const OTHER_SOURCING_EVENT: &str = "sourcing_event 9b2c0f5e-1d7a-4c3b-8e6f-5a4d3c2b1a09";

/// Object type and id of a sourcing request.
pub(crate) const SOURCING_REQUEST: &str = "sourcing_request 7d444840-9dc0-41d1-b245-5ffdce74fad2";

/// Start of the notice before files go to a sourcing event.
pub(super) const BIDDER_NOTICE: &str =
    "files on a sourcing event are visible to all of its bidders";

/// File attached to an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileOnJobObject {
    pub(crate) object: String,
    pub(crate) name: String,
    pub(crate) content: String,
}

impl ImportTest {
    /// Test with a manifest of `rows` rows for one event. Row 1 attaches `A1.pdf`, with the content
    /// `content of A1`, to [`SOURCING_EVENT`] as `A1`; further rows likewise.
    pub(crate) fn with_event_rows(rows: usize) -> Self {
        Self::with_object_rows([(SOURCING_EVENT, rows)])
    }

    /// Test with a manifest of the given number of rows for each of several objects.
    pub(crate) fn with_object_rows<'a>(
        objects: impl IntoIterator<Item = (&'a str, usize)>,
    ) -> Self {
        let test = Self::for_keelvar();
        let mut manifest = MANIFEST_HEADER.to_owned();
        let rows = objects
            .into_iter()
            .flat_map(|(object, rows)| std::iter::repeat_n(object, rows));
        for (object, number) in rows.zip(1..) {
            let id = format!("A{number}");
            test.write(&format!("{id}.pdf"), content_of(&id));
            manifest.push_str(&manifest_row_for_object(&id, object));
        }
        test.manifest(manifest)
    }

    /// Test with an empty folder and a service whose jobs start and end within milliseconds. Time
    /// passes faster for most runs but not for the service, so the request budgets are unlimited.
    pub(crate) fn for_keelvar() -> Self {
        let mut test = Self::new();
        test.api = TestedService::KeelvarJobs;
        test.configure_jobs(|jobs| {
            let many = NonZeroU32::new(100_000).unwrap();
            jobs.budgets.posts_an_hour = many;
            jobs.budgets.posts_a_day = many;
            jobs.budgets.reads_a_minute = many;
            jobs.budgets.reads_an_hour = many;
            jobs.terms.start_delay = Duration::from_millis(10);
            jobs.terms.end_delay = Duration::from_millis(10);
        })
    }

    /// Changes the emulator's settings of jobs.
    pub(crate) fn configure_jobs(self, change: impl FnOnce(&mut JobSettings)) -> Self {
        self.configure_emulator(|settings| change(&mut settings.jobs))
    }

    /// Returns the files of the chosen manifest rows, as required on their objects.
    pub(super) fn expected_files(&self, is_one: impl Fn(&str) -> bool) -> Vec<FileOnJobObject> {
        let manifest = self.read(MANIFEST_FILE);
        let mut reader = table_reader(manifest.as_bytes());
        let header = reader.headers().unwrap().clone();
        let mut files = Vec::new();
        for record in reader.records().map(Result::unwrap) {
            let cell = |name: &str| {
                let place = header.iter().position(|column| column == name)?;
                record.get(place).filter(|cell| !cell.is_empty())
            };
            let path = cell("file_path").unwrap();
            if is_one(cell("external_id").unwrap()) {
                files.push(FileOnJobObject {
                    object: [cell("object_type").unwrap(), cell("object_id").unwrap()].join(" "),
                    name: cell("file_name")
                        .unwrap_or_else(|| base_name(path))
                        .to_owned(),
                    content: self.read(path),
                });
            }
        }
        files.sort();
        files
    }
}

impl EmulatorUnderTest {
    /// Returns all files attached by jobs.
    pub(crate) fn attached_files(&self) -> Vec<FileOnJobObject> {
        let files = stored_job_files(self.state_folder()).unwrap();
        let mut attached: Vec<FileOnJobObject> = files
            .into_iter()
            .map(|file| FileOnJobObject {
                content: String::from_utf8(fs::read(&file.bytes).unwrap()).unwrap(),
                object: file.object,
                name: file.name,
            })
            .collect();
        attached.sort();
        attached
    }
}

/// Returns the manifest row of [`ImportTest::with_event_rows`] with this external id, for any
/// object.
pub(crate) fn manifest_row_for_object(id: &str, object: &str) -> String {
    format!("{id}.pdf,{},{id}\n", object.replace(' ', ","))
}

/// Checks all runs of a test at its end: each file of the manifest is on its object once, with all
/// its bytes, and no other file is there.
#[track_caller]
pub(crate) fn assert_attached_once(test: &ImportTest) {
    assert_eq!(
        test.service().attached_files(),
        test.expected_files(|_| true)
    );
}

/// Checks an uploaded row: the row's own job has attached the file, with all its bytes, to the
/// row's object.
pub(super) fn check_uploaded_job_line(
    line: &ResultsLine,
    service: &EmulatorUnderTest,
    wrong: &mut Vec<String>,
) {
    let object = [line.cell("object_type"), line.cell("object_id")].join(" ");
    let name = line.optional_cell("file_name");
    let name = name.unwrap_or_else(|| base_name(line.cell("file_path")));
    let files = stored_job_files(service.state_folder()).unwrap();
    let is_there = files.iter().any(|file| {
        file.job == line.cell("attachment_id")
            && file.object == object
            && file.name == name
            && sha256(&fs::read(&file.bytes).unwrap()).to_string() == line.cell("sha256")
    });
    if !is_there {
        wrong.push(format!("its job did not attach it: {line:?}"));
    }
}

/// Returns the last part of a path.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
