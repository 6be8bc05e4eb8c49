//! `consign report`: reads the evidence and writes a report for people, for machines and for
//! `sha256sum`. Sends nothing, unless the user wants the report attached.

mod attach;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::ReportPlan;
use crate::digest::sha256;
use crate::error::{Error, Exit};
use crate::manifest::{self, Manifest, ManifestError, Options};
use crate::model::Sha256Digest;
use crate::report::facts::{InputFile, Inputs, ManifestAtHand, Report};
use crate::report::sums::Sums;
use crate::report::{html, html_path_for, json, json_path_for, manifest_path_for, sums_path_for};
use crate::results::ledger::Ledger;
use crate::text::decode::Encoding;
use crate::text::{counted, escape, grouped, tell};
use crate::verification::file::{Verification, path_for};
use crate::whole_file;

use super::show;
use attach::Attached;

/// Runs the command.
pub fn run(config: &ReportPlan) -> Result<Exit, Error> {
    let ledger = Ledger::read_as(&config.results, config.encoding).map_err(Error::Evidence)?;
    tracing::info!(rows = ledger.len(), "read the results");
    if let Some(attach) = &config.attach {
        attach::check(attach, &ledger)?;
    }
    let verification = Verified::read(&path_for(&config.results), config.encoding)?;
    let manifest = NamedManifest::find(config)?;
    if let NamedManifest::Unreadable(error) = &manifest
        && !config.output.is_quiet()
    {
        tell(&format!(
            "{error}; the report is written without the manifest\n"
        ));
    }
    let inputs = Inputs {
        ledger: &ledger,
        verification: verification.as_ref().map(|one| (&one.read, &one.file)),
        manifest: manifest.at_hand(),
    };
    let mut sums = Sums::default();
    let entries = ledger.entries().inspect(|entry| sums.take(entry));
    let report = Report::gather(&inputs, entries);
    let mut written = Written::default();
    written.write("sha256sums", sums_path_for(&config.results), &sums.render())?;
    written.write(
        "report_json",
        json_path_for(&config.results),
        &json::render(&report),
    )?;
    let html_path = html_path_for(&config.results);
    let html_digest = written.write("report_html", html_path.clone(), &html::render(&report))?;
    if let Some(verification) = &verification {
        let size = verification.file.size.0;
        written.note(
            "verification",
            &path_for(&config.results),
            &verification.file.sha256,
            size,
        );
    }
    let digest = ledger.sha256.to_string();
    written.note("results", &config.results, &digest, ledger.size);
    let attached = config
        .attach
        .as_ref()
        .map(|attach| attach::attach(attach, config.output, &html_path, html_digest));
    // The summary names the written files even if the report could not be attached.
    let (attached, ended) = match attached.transpose() {
        Ok(attached) => {
            let exit = attached
                .as_ref()
                .map_or(Exit::DONE, |attached| attached.exit);
            (attached, Ok(exit))
        }
        Err(error) => (None, Err(error)),
    };
    let summary = Summary::of(&report, written, attached);
    show(config.output, &summary.for_people(), &summary.for_scripts())?;
    ended
}

/// Verification and its file.
struct Verified {
    read: Verification,
    file: InputFile,
}

impl Verified {
    /// Reads the verification file at `path`. Returns `None` for a missing file. Fails with
    /// [`Error::RefusedVerification`] when the file cannot be read or parsed.
    fn read(path: &Path, encoding: Option<&'static Encoding>) -> Result<Option<Self>, Error> {
        let refused = |why: String| Error::RefusedVerification {
            path: path.to_owned(),
            why,
        };
        // Opening a pipe could block for ever.
        let text = match fs::metadata(path) {
            Ok(about) if !about.is_file() => return Err(refused("it is not a plain file".into())),
            Ok(_) => fs::read(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        };
        let text = text.map_err(|error| refused(format!("it cannot be read: {error}")))?;
        let size = text.len() as u64;
        let read = Verification::parse(text, encoding).map_err(|why| refused(why.to_string()))?;
        let file = InputFile::of(path, read.sha256, size);
        Ok(Some(Self { read, file }))
    }
}

/// Manifest with which the rows are reconciled.
enum NamedManifest {
    Read(Box<Manifest>, InputFile),
    Unreadable(ManifestError),
    Absent,
}

impl NamedManifest {
    /// Finds the manifest named by the user, or else the manifest beside the results. Fails only
    /// when a named manifest cannot be read.
    fn find(config: &ReportPlan) -> Result<Self, Error> {
        if let Some(path) = &config.manifest {
            return Ok(Self::read(path, config)?);
        }
        match manifest_path_for(&config.results).filter(|path| path.is_file()) {
            Some(path) => Ok(Self::read(&path, config).unwrap_or_else(Self::Unreadable)),
            None => Ok(Self::Absent),
        }
    }

    fn read(path: &Path, config: &ReportPlan) -> Result<Self, ManifestError> {
        let options = Options {
            encoding: config.encoding,
            ..Options::default()
        };
        let bytes = fs::read(path).map_err(|error| ManifestError {
            path: path.to_owned(),
            reason: manifest::Reason::Unreadable(error),
        })?;
        let file = InputFile::of(path, sha256(&bytes), bytes.len() as u64);
        let read = manifest::of_bytes(path, bytes, &options)?;
        Ok(Self::Read(Box::new(read.manifest), file))
    }

    fn at_hand(&self) -> ManifestAtHand<'_> {
        match self {
            Self::Read(manifest, file) => ManifestAtHand::Read(manifest, file),
            Self::Unreadable(error) => ManifestAtHand::Unreadable(error),
            Self::Absent => ManifestAtHand::Absent,
        }
    }
}

/// File with a digest for the user to note elsewhere.
#[derive(Debug, Serialize)]
struct NotedFile {
    what: &'static str,
    path: String,
    sha256: String,
    size: u64,
}

/// Files of a report, in the order in which the summary names them.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
struct Written(Vec<NotedFile>);

impl Written {
    /// Writes a file and notes its digest. Returns the digest.
    fn write(
        &mut self,
        what: &'static str,
        path: PathBuf,
        text: &str,
    ) -> Result<Sha256Digest, Error> {
        let digest = sha256(text.as_bytes());
        self.note(what, &path, &digest.to_string(), text.len() as u64);
        whole_file::replace(&path, |out| out.write_all(text.as_bytes()))
            .map_err(|source| Error::NotWritten { path, source })?;
        Ok(digest)
    }

    fn note(&mut self, what: &'static str, path: &Path, digest: &str, size: u64) {
        self.0.push(NotedFile {
            what,
            path: path.to_string_lossy().into_owned(),
            sha256: digest.to_owned(),
            size,
        });
    }
}

/// Counts of a report. The serialised fields are the JSON summary.
#[derive(Debug, Serialize)]
struct Summary {
    rows: u64,
    rows_done: u64,
    rows_not_done: u64,
    statuses: BTreeMap<&'static str, u64>,
    evidence: BTreeMap<&'static str, u64>,
    exceptions: u64,
    reconciled: bool,
    damaged: bool,
    finished: bool,
    files: Written,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached: Option<Attached>,
    #[serde(skip)]
    verdict: String,
    #[serde(skip)]
    lines: Vec<(&'static str, u64)>,
}

impl Summary {
    fn of(report: &Report, files: Written, attached: Option<Attached>) -> Self {
        let statuses = report.statuses.iter();
        let lines: Vec<_> = statuses.map(|one| (one.status, one.rows.0)).collect();
        let evidence = report.evidence.iter();
        Self {
            rows: report.rows.0,
            rows_done: report.rows_done.0,
            rows_not_done: report.rows_not_done.0,
            statuses: lines.iter().copied().collect(),
            evidence: evidence.map(|one| (one.level, one.rows.0)).collect(),
            exceptions: report.serious_exceptions().0,
            reconciled: report.reconciliation.complete,
            damaged: !report.damage.is_none(),
            finished: !report.damage.is_journal(),
            files,
            attached,
            verdict: report.verdict.clone(),
            lines,
        }
    }

    fn for_scripts(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and strings are always JSON");
        format!("{json}\n")
    }

    fn for_people(&self) -> String {
        let mut text = format!("{}\n", self.verdict);
        for (status, rows) in &self.lines {
            let _ = writeln!(text, "  {status:<9} {:>9}", grouped(*rows));
        }
        if self.exceptions > 0 {
            let _ = writeln!(
                text,
                "{} in the report, each with what to do",
                counted(self.exceptions, "exception")
            );
        }
        text.push_str("SHA-256, to be noted elsewhere:\n");
        for file in &self.files.0 {
            let _ = writeln!(text, "{}  {}", file.sha256, escape(&file.path));
        }
        if let Some(attached) = &self.attached {
            text.push_str(&attached.for_people());
        }
        text
    }
}
