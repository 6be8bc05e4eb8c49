//! Test harness: a folder with a manifest and files, a service, and runs of the real binary. Open
//! this file first, then `run`.
//!
//! To write a test, make an [`ImportTest`], such as `ImportTest::with_rows(2)`, change the emulator
//! or inject a fault, and make a run: `import`, `resume`, `check`, `verify`, `consign`. A
//! [`TestRun`] collects arguments and expectations (`rows`, `requests`, `stored`, `prints`);
//! `exits` makes the run and checks everything.
//!
//! `judge_run` checks after every run, whatever the test is about: nothing on standard error unless
//! expected, nothing sent and no results changed after exit code 2, complete results with valid
//! line checks, done rows stored with their bytes, and no attachment stored twice.
//!
//! Something new belongs in `run` (an expectation of one run), in `judge` (a promise of every run),
//! in `holding_proxy`, `tls` or `test_disk` (trouble between tool and service, or on the disk), in
//! `tamper` (changes on the service), or beside its only test.

mod browser;
mod endless_host;
mod holding_proxy;
mod jobs;
mod judge;
#[cfg(target_os = "linux")]
#[path = "../../support/long_run.rs"]
mod long_run;
mod replaced_attachment;
mod request_log_check;
mod results_table;
mod run;
mod running_tool;
mod service;
mod strange_host;
mod system;
mod tamper;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(target_os = "linux")]
mod test_disk;
mod tls;
mod verification;

use std::cell::{Cell, OnceCell};
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::request::Parts;
use axum::response::Response;
use consign::emulator::{
    AttachmentSettings, EmulatorSettings, Fault, FaultEffect, FaultTarget, FaultTrigger,
};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use browser::{ColourScheme, TestBrowser};
pub(crate) use endless_host::EndlessHost;
pub(crate) use holding_proxy::HoldMoment;
use holding_proxy::ProxyBehaviour;
pub(crate) use jobs::{
    OTHER_SOURCING_EVENT, SOURCING_EVENT, SOURCING_REQUEST, assert_attached_once,
    manifest_row_for_object,
};
#[cfg(target_os = "linux")]
pub(crate) use judge::without_progress;
#[cfg(target_os = "linux")]
pub(crate) use long_run::short_or_long;
#[cfg(target_os = "linux")]
pub(crate) use replaced_attachment::detached_ids;
pub(crate) use replaced_attachment::{ReplacedAttachment, assert_no_content_lost};
pub(crate) use request_log_check::assert_stored_exactly_once;
pub(crate) use results_table::ResultsTable;
pub(crate) use run::{EXIT_CODE_KILLED, FinishedRun, TestRun};
pub(crate) use running_tool::RunningTool;
use service::EmulatorUnderTest;
pub(crate) use strange_host::StrangeHost;
pub(crate) use system::{
    EXIT_CODE_STOPPED, SHELL, STOP_SIGNAL, STOP_SIGNALS, has_mode, make_pipe, name_from_bytes,
    set_mode, symlink,
};
#[cfg(target_os = "linux")]
pub(crate) use test_disk::{DiskCall, DiskFault, PowerLoss, RecordedCall, TestDisk};
pub(crate) use tls::{API_HOST, STORAGE_HOST, TestCertificate};

/// Header of every manifest.
pub(crate) const MANIFEST_HEADER: &str = "file_path,object_type,object_id,external_id\n";

/// Option which leaves out the preflight request.
const SKIP_PREFLIGHT: &str = "--skip-preflight";

/// File name of the manifest in every test.
pub(crate) const MANIFEST_FILE: &str = "m.csv";

/// Servers between the tool and the emulator.
#[derive(Clone, Default)]
struct ServiceNeighbours {
    /// Proxy between the tool and the emulator.
    holding_proxy: Option<ProxyBehaviour>,
    /// TLS in front of the proxy, and the route of the tool.
    tls: Option<(TestCertificate, ServiceRoute)>,
}

/// Route of the tool to a service with TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ServiceRoute {
    /// Service as a host on this machine.
    Direct,
    /// Service as a public host, reached through a tunnel proxy.
    ThroughProxy,
}

/// Service under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TestedService {
    /// Workday, with attachments.
    WorkdayAttachments,
    /// Keelvar, with jobs.
    KeelvarJobs,
}

impl TestedService {
    /// Path of the base URL.
    fn base_path(self) -> &'static str {
        match self {
            Self::WorkdayAttachments => "/services/attachments/v1",
            Self::KeelvarJobs => "/api",
        }
    }
}

/// Folder with files, and a service which starts at its first use.
pub(crate) struct ImportTest {
    folder: TempDir,
    api: TestedService,
    settings: EmulatorSettings,
    neighbours: ServiceNeighbours,
    service: OnceCell<EmulatorUnderTest>,
    /// `true` once the test allows second copies.
    allows_second_copies: Cell<bool>,
}

impl ImportTest {
    /// Test with an empty folder.
    pub(crate) fn new() -> Self {
        let settings = EmulatorSettings {
            // The tool's own `--rate` sets the pace; no test should meet an unexpected 429.
            attachments: AttachmentSettings {
                requests_per_second: NonZeroU32::new(100_000).unwrap(),
                ..AttachmentSettings::default()
            },
            ..EmulatorSettings::default()
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            api: TestedService::WorkdayAttachments,
            settings,
            neighbours: ServiceNeighbours::default(),
            service: OnceCell::new(),
            allows_second_copies: Cell::new(false),
        }
    }

    /// Test with a manifest of `rows` rows. Row 1 attaches `A1.pdf`, with the content `content of
    /// A1`, to contract 1 as `A1`; further rows likewise.
    pub(crate) fn with_rows(rows: usize) -> Self {
        let test = Self::new();
        let mut manifest = MANIFEST_HEADER.to_owned();
        for number in 1..=rows {
            let id = format!("A{number}");
            test.write(&format!("{id}.pdf"), content_of(&id));
            manifest.push_str(&manifest_row(&id));
        }
        test.write(MANIFEST_FILE, manifest);
        test
    }

    /// Adds a file.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// Sets the manifest.
    pub(crate) fn manifest(self, text: impl AsRef<[u8]>) -> Self {
        self.file(MANIFEST_FILE, text)
    }

    /// Changes the emulator's settings.
    pub(crate) fn configure_emulator(mut self, change: impl FnOnce(&mut EmulatorSettings)) -> Self {
        assert!(self.service.get().is_none(), "the emulator runs already");
        change(&mut self.settings);
        self
    }

    /// Injects a fault.
    pub(crate) fn inject_fault(
        self,
        operation: impl Into<FaultTarget>,
        when: FaultTrigger,
        effect: FaultEffect,
    ) -> Self {
        self.configure_emulator(|settings| {
            settings.faults.push(Fault {
                operation: operation.into(),
                when,
                effect,
            });
        })
    }

    /// Puts a proxy between the tool and the emulator, which can hold requests.
    pub(crate) fn with_holding_proxy(self) -> Self {
        self.altering_json(|_| {})
    }

    /// Lets the proxy alter the JSON of all answers, too.
    pub(crate) fn altering_json(mut self, alter: fn(&mut Value)) -> Self {
        assert!(self.service.get().is_none(), "the emulator runs already");
        self.neighbours
            .holding_proxy
            .get_or_insert_default()
            .alter_json = alter;
        self
    }

    /// Lets the proxy change whole answers.
    pub(crate) fn forging_responses(
        mut self,
        forge: impl Fn(&Parts, &mut Response<Vec<u8>>) + Send + Sync + 'static,
    ) -> Self {
        assert!(self.service.get().is_none(), "the emulator runs already");
        self.neighbours
            .holding_proxy
            .get_or_insert_default()
            .forge_response = Arc::new(forge);
        self
    }

    /// Puts TLS in front of the service. `ca.pem` in the folder is the certificate of its
    /// authority.
    pub(crate) fn over_tls(self, certificate: TestCertificate) -> Self {
        self.with_tls(certificate, ServiceRoute::Direct)
    }

    /// Makes the service a public host, reached through a tunnel proxy.
    pub(crate) fn over_tls_by_proxy(self, certificate: TestCertificate) -> Self {
        self.with_tls(certificate, ServiceRoute::ThroughProxy)
    }

    /// Puts TLS in front of the service, on the given route.
    fn with_tls(mut self, certificate: TestCertificate, road: ServiceRoute) -> Self {
        assert!(self.service.get().is_none(), "the emulator runs already");
        self.write("ca.pem", certificate.authority_pem());
        self.neighbours.holding_proxy.get_or_insert_default();
        self.neighbours.tls = Some((certificate, road));
        self
    }

    /// Returns the service, started at the first call.
    pub(crate) fn service(&self) -> &EmulatorUnderTest {
        self.service.get_or_init(|| {
            EmulatorUnderTest::start(self.api, self.settings.clone(), self.neighbours.clone())
        })
    }

    /// Returns the path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the path of the folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, and creates the folders above.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Returns the text of a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Returns the sorted names of all files in the folder.
    pub(crate) fn file_names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    /// Returns the results with the default name.
    pub(crate) fn results(&self) -> ResultsTable {
        ResultsTable::read(&self.path(ResultsTable::DEFAULT_NAME)).expect("there are results")
    }

    /// Run of the tool with the given arguments.
    pub(crate) fn consign<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> TestRun<'_> {
        TestRun::new(self, args.into_iter().map(str::to_owned).collect())
    }

    /// Run of `check` on the manifest.
    pub(crate) fn check(&self) -> TestRun<'_> {
        self.consign(["check", MANIFEST_FILE])
    }

    /// Run of `import`, one row at a time, so that the order of requests is known. Keelvar runs
    /// have eight rows at once, since rows share jobs, and a fast clock, since jobs are polled
    /// seldom.
    pub(crate) fn import(&self) -> TestRun<'_> {
        match self.api {
            TestedService::WorkdayAttachments => self.import_at_once(1),
            TestedService::KeelvarJobs => self.import_at_once(8).with_fast_clock(),
        }
    }

    /// Run of `import` with `rows` rows at once. The preflight request is left out, except with
    /// [`TestRun::with_preflight`]: most tests are about the requests of the rows.
    pub(crate) fn import_at_once(&self, rows: usize) -> TestRun<'_> {
        let base = self.service().base_url();
        self.consign(["import", MANIFEST_FILE, "--base-url", &base])
            .args(["--rate", "2000", "--concurrency", &rows.to_string()])
            .args([SKIP_PREFLIGHT])
    }

    /// Run of `import --resume`.
    pub(crate) fn resume(&self) -> TestRun<'_> {
        self.import().args(["--resume"])
    }
}

/// Returns the manifest row of [`ImportTest::with_rows`] with this external id.
pub(crate) fn manifest_row(id: &str) -> String {
    let number = &id[1..];
    format!("{id}.pdf,contract,{number},{id}\n")
}

/// Returns the content of the file of this row.
pub(crate) fn content_of(id: &str) -> String {
    format!("content of {id}")
}

/// Returns the fault of an answer with this status.
pub(crate) fn status_effect(code: u16) -> FaultEffect {
    FaultEffect::Status {
        code,
        retry_after: None,
    }
}
