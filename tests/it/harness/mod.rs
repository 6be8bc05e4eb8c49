//! A test: a folder with a manifest and files, a service, and runs of the tool in between.
//!
//! [`ImportTest`] is the world before and after a run; [`TestRun`] is one run with all that is expected of
//! it. What is true after every run, whatever the test is about, is checked after every run.

mod amended;
mod between;
mod browser;
#[cfg(target_os = "linux")]
mod disk;
mod endless;
mod jobs;
mod judge;
#[path = "../../support/long_run.rs"]
mod long_run;
mod once;
mod results;
mod run;
mod service;
mod stranger;
mod tamper;
#[cfg(target_os = "linux")]
mod terminal;
mod tls;
mod verify;

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

pub(crate) use amended::{ReplacedAttachment, detached, nothing_is_lost};
pub(crate) use between::HoldMoment;
use between::ProxyBehaviour;
pub(crate) use browser::{ColourScheme, TestBrowser};
#[cfg(target_os = "linux")]
pub(crate) use disk::{DiskCall, DiskFault, PowerLoss, RecordedCall, TestDisk};
pub(crate) use endless::EndlessHost;
pub(crate) use jobs::{EVENT, OTHER_EVENT, REQUEST, attached_once, row_of};
pub(crate) use long_run::short_or_long;
pub(crate) use once::exactly_once;
pub(crate) use results::ResultsTable;
pub(crate) use run::{FinishedRun, KILLED, RunningTool, TestRun};
use service::EmulatorUnderTest;
pub(crate) use stranger::StrangeHost;
pub(crate) use tls::{API_HOST, STORAGE_HOST, TestCertificate};

/// The columns that every manifest has.
pub(crate) const HEADER: &str = "file_path,object_type,object_id,external_id\n";

/// The option with which no question is asked before the hashing.
const SKIP_PREFLIGHT: &str = "--skip-preflight";

/// The manifest of all tests.
pub(crate) const MANIFEST: &str = "m.csv";

/// Who else is there.
#[derive(Clone, Default)]
struct ServiceNeighbours {
    /// Somebody between the tool and the emulator.
    between: Option<ProxyBehaviour>,
    /// TLS before that, and the road to it.
    tls: Option<(TestCertificate, ServiceRoute)>,
}

/// How the tool comes to a service with TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ServiceRoute {
    /// As a host on this machine.
    Straight,
    /// As a public host, by way of a proxy.
    ByProxy,
}

/// Which service a test is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TestedService {
    /// Workday's, with attachments.
    Attachments,
    /// Keelvar's, with jobs.
    Jobs,
}

impl TestedService {
    /// The path of its base.
    fn path(self) -> &'static str {
        match self {
            Self::Attachments => "/services/attachments/v1",
            Self::Jobs => "/api",
        }
    }
}

/// A folder, and a service that starts when it is first needed.
pub(crate) struct ImportTest {
    folder: TempDir,
    api: TestedService,
    settings: EmulatorSettings,
    company: ServiceNeighbours,
    service: OnceCell<EmulatorUnderTest>,
    /// Whether somebody has asked for second copies.
    has_second_copies: Cell<bool>,
}

impl ImportTest {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let settings = EmulatorSettings {
            // The pace of the tool is set by its own `--rate`; no test should meet a 429 that it
            // did not ask for.
            attachments: AttachmentSettings {
                requests_per_second: NonZeroU32::new(100_000).unwrap(),
                ..AttachmentSettings::default()
            },
            ..EmulatorSettings::default()
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            api: TestedService::Attachments,
            settings,
            company: ServiceNeighbours::default(),
            service: OnceCell::new(),
            has_second_copies: Cell::new(false),
        }
    }

    /// A manifest of so many rows. Row 1 attaches `A1.pdf`, which holds `content of A1`, to
    /// contract 1 as `A1`; and so on.
    pub(crate) fn of_rows(rows: usize) -> Self {
        let test = Self::new();
        let mut manifest = HEADER.to_owned();
        for number in 1..=rows {
            let id = format!("A{number}");
            test.write(&format!("{id}.pdf"), content_of(&id));
            manifest.push_str(&row(&id));
        }
        test.write(MANIFEST, manifest);
        test
    }

    /// Adds a file.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// Sets the manifest.
    pub(crate) fn manifest(self, text: impl AsRef<[u8]>) -> Self {
        self.file(MANIFEST, text)
    }

    /// Changes how the emulator behaves.
    pub(crate) fn emulator(mut self, change: impl FnOnce(&mut EmulatorSettings)) -> Self {
        assert!(self.service.get().is_none(), "the emulator runs already");
        change(&mut self.settings);
        self
    }

    /// Lets something go wrong.
    pub(crate) fn fault(
        self,
        operation: impl Into<FaultTarget>,
        when: FaultTrigger,
        effect: FaultEffect,
    ) -> Self {
        self.emulator(|settings| {
            settings.faults.push(Fault {
                operation: operation.into(),
                when,
                effect,
            });
        })
    }

    /// Puts somebody between the tool and the emulator, who can hold requests.
    pub(crate) fn between(self) -> Self {
        self.altering(|_| {})
    }

    /// Puts somebody there who also alters the JSON of the answers.
    pub(crate) fn altering(mut self, alter: fn(&mut Value)) -> Self {
        assert!(self.service.get().is_none(), "the emulator runs already");
        self.company.between.get_or_insert_default().alter = alter;
        self
    }

    /// Puts somebody there who does what he likes with whole answers.
    pub(crate) fn forging(
        mut self,
        forge: impl Fn(&Parts, &mut Response<Vec<u8>>) + Send + Sync + 'static,
    ) -> Self {
        assert!(self.service.get().is_none(), "the emulator runs already");
        self.company.between.get_or_insert_default().forge = Arc::new(forge);
        self
    }

    /// Puts TLS before the service. `ca.pem` in the folder has the certificate's authority.
    pub(crate) fn over_tls(self, certificate: TestCertificate) -> Self {
        self.behind(certificate, ServiceRoute::Straight)
    }

    /// Makes the service a public one, which is reached by way of a proxy.
    pub(crate) fn over_tls_by_proxy(self, certificate: TestCertificate) -> Self {
        self.behind(certificate, ServiceRoute::ByProxy)
    }

    fn behind(mut self, certificate: TestCertificate, road: ServiceRoute) -> Self {
        assert!(self.service.get().is_none(), "the emulator runs already");
        self.write("ca.pem", certificate.authority());
        self.company.between.get_or_insert_default();
        self.company.tls = Some((certificate, road));
        self
    }

    /// The service.
    pub(crate) fn service(&self) -> &EmulatorUnderTest {
        self.service.get_or_init(|| {
            EmulatorUnderTest::start(self.api, self.settings.clone(), self.company.clone())
        })
    }

    /// The path of something in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// The names of everything in the folder, in order.
    pub(crate) fn names(&self) -> Vec<String> {
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

    /// The results, with the default name.
    pub(crate) fn results(&self) -> ResultsTable {
        ResultsTable::read(&self.path(ResultsTable::NAME)).expect("there are results")
    }

    /// A run of the tool.
    pub(crate) fn consign<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> TestRun<'_> {
        TestRun::of(self, args.into_iter().map(str::to_owned).collect())
    }

    /// A check of the manifest.
    pub(crate) fn check(&self) -> TestRun<'_> {
        self.consign(["check", MANIFEST])
    }

    /// An import of the manifest into the emulator, one row at a time: so the order of the
    /// requests is known. Jobs have several rows, and are asked for so seldom that the run is hasty.
    pub(crate) fn import(&self) -> TestRun<'_> {
        match self.api {
            TestedService::Attachments => self.import_at_once(1),
            TestedService::Jobs => self.import_at_once(8).hasty(),
        }
    }

    /// An import of the manifest with so many rows at once. The question before the hashing is left
    /// out, unless [`TestRun::with_preflight`] wants it: most tests are about the requests of the rows.
    pub(crate) fn import_at_once(&self, rows: usize) -> TestRun<'_> {
        let base = self.service().base_url();
        self.consign(["import", MANIFEST, "--base-url", &base])
            .args([
                "--requests_per_second",
                "2000",
                "--concurrency",
                &rows.to_string(),
            ])
            .args([SKIP_PREFLIGHT])
    }

    /// An import that goes on with the results of an earlier one.
    pub(crate) fn resume(&self) -> TestRun<'_> {
        self.import().args(["--resume"])
    }
}

/// The row of [`ImportTest::of_rows`] with this id.
pub(crate) fn row(id: &str) -> String {
    let number = &id[1..];
    format!("{id}.pdf,contract,{number},{id}\n")
}

/// What the file of that row holds.
pub(crate) fn content_of(id: &str) -> String {
    format!("content of {id}")
}

/// The fault of being answered with this status.
pub(crate) fn status(code: u16) -> FaultEffect {
    FaultEffect::Status {
        code,
        retry_after: None,
    }
}
