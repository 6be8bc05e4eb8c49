//! `consign report`: reads the evidence and writes a report for people, for machines and for
//! `sha256sum`. Sends nothing, unless the user wants the report attached.

mod attach;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::atomic_file;
use crate::config::ReportPlan;
use crate::digest::sha256;
use crate::error::{CommandError, ProgramExit};
use crate::manifest::{self, Manifest, ManifestError, ManifestOptions};
use crate::model::Sha256Digest;
use crate::report::facts::{InputFile, ManifestAtHand, Report, ReportInputs};
use crate::report::sha256_sums::Sha256Sums;
use crate::report::{html, html_path_for, json, json_path_for, manifest_paths_for, sums_path_for};
use crate::results::ledger::Ledger;
use crate::text::decode::Encoding;
use crate::text::{count_with_noun, escape, group_thousands, write_stderr};
use crate::verification::verification_file::{VerificationFile, path_for};

use super::write_summary;
use attach::ReportAttachment;

/// Runs the command.
pub fn run(config: &ReportPlan) -> Result<ProgramExit, CommandError> {
    let ledger = Ledger::read_with_encoding(&config.results, config.encoding)
        .map_err(CommandError::Evidence)?;
    tracing::info!(rows = ledger.len(), "read the results");
    if let Some(attach) = &config.attach {
        attach::check_attach_target(attach, &ledger)?;
    }
    let verification = VerificationInput::read(&path_for(&config.results), config.encoding)?;
    let manifest = FoundManifest::find(config)?;
    if let FoundManifest::Unreadable(error) = &manifest
        && !config.output.is_quiet()
    {
        let advice = if error.reason.depends_on_sheet_or_columns() {
            ": where the import had --sheet, --column or --set, give the report the same"
        } else {
            ""
        };
        write_stderr(&format!(
            "{error}; the report is written without the manifest{advice}\n"
        ));
    }
    let inputs = ReportInputs {
        ledger: &ledger,
        verification: verification.as_ref().map(|one| (&one.read, &one.file)),
        manifest: manifest.as_input(),
    };
    let mut sums = Sha256Sums::default();
    let entries = ledger.entries().inspect(|entry| sums.take_line(entry));
    let report = Report::gather(&inputs, entries);
    let mut written = NotedFiles::default();
    written.write_and_note("sha256sums", sums_path_for(&config.results), &sums.render())?;
    written.write_and_note(
        "report_json",
        json_path_for(&config.results),
        &json::render(&report),
    )?;
    let html_path = html_path_for(&config.results);
    let html_digest =
        written.write_and_note("report_html", html_path.clone(), &html::render(&report))?;
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
    let dialect = ledger.earlier_results().dialect().for_output();
    let attached = config.attach.as_ref().map(|attach| {
        attach::attach_report(attach, config.output, (&html_path, html_digest), dialect)
    });
    // The summary names the written files even if the report could not be attached.
    let (attached, ended) = match attached.transpose() {
        Ok(attached) => {
            let exit = attached
                .as_ref()
                .map_or(ProgramExit::DONE, |attached| attached.exit);
            (attached, Ok(exit))
        }
        Err(error) => (None, Err(error)),
    };
    let summary = ReportSummary::new(&report, written, attached);
    write_summary(config.output, &summary.for_people(), &summary.for_scripts())?;
    ended
}

/// Verification and its file.
struct VerificationInput {
    read: VerificationFile,
    file: InputFile,
}

impl VerificationInput {
    /// Reads the verification file at `path`. Returns `None` for a missing file. Fails with
    /// [`CommandError::RefusedVerification`] when the file cannot be read or parsed.
    fn read(
        path: &Path,
        encoding: Option<&'static Encoding>,
    ) -> Result<Option<Self>, CommandError> {
        let refused = |why: String| CommandError::RefusedVerification {
            path: path.to_owned(),
            why,
        };
        // Opening a pipe could block for ever.
        let text = match fs::metadata(path) {
            Ok(about) if !about.is_file() => {
                return Err(refused("a plain file is expected".into()));
            }
            Ok(_) => fs::read(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        };
        let text = text.map_err(|error| refused(format!("the file cannot be read: {error}")))?;
        let size = text.len() as u64;
        let read =
            VerificationFile::parse(text, encoding).map_err(|why| refused(why.to_string()))?;
        let file = InputFile::new(path, read.sha256, size);
        Ok(Some(Self { read, file }))
    }
}

/// Manifest with which the rows are reconciled.
enum FoundManifest {
    Read(Box<Manifest>, InputFile),
    Unreadable(ManifestError),
    Absent,
}

impl FoundManifest {
    /// Finds the manifest named by the user, or else the manifest beside the results. Fails only
    /// when a named manifest cannot be read.
    fn find(config: &ReportPlan) -> Result<Self, CommandError> {
        if let Some(path) = &config.manifest {
            return Ok(Self::read(path, config)?);
        }
        let paths = manifest_paths_for(&config.results);
        match paths.into_iter().find(|path| path.is_file()) {
            Some(path) => Ok(Self::read(&path, config).unwrap_or_else(Self::Unreadable)),
            None => Ok(Self::Absent),
        }
    }

    fn read(path: &Path, config: &ReportPlan) -> Result<Self, ManifestError> {
        let options = ManifestOptions {
            encoding: config.encoding,
            sheet: config.sheet.clone(),
            columns: config.columns.clone(),
            ..ManifestOptions::default()
        };
        let bytes = fs::read(path).map_err(|error| ManifestError {
            path: path.to_owned(),
            reason: manifest::ManifestErrorKind::from_read_error(error),
        })?;
        let file = InputFile::new(path, sha256(&bytes), bytes.len() as u64);
        let read = manifest::read_manifest_bytes(path, bytes, &options)?;
        Ok(Self::Read(Box::new(read.manifest), file))
    }

    fn as_input(&self) -> ManifestAtHand<'_> {
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
struct NotedFiles(Vec<NotedFile>);

impl NotedFiles {
    /// Writes a file and notes its digest. Returns the digest.
    fn write_and_note(
        &mut self,
        what: &'static str,
        path: PathBuf,
        text: &str,
    ) -> Result<Sha256Digest, CommandError> {
        let digest = sha256(text.as_bytes());
        self.note(what, &path, &digest.to_string(), text.len() as u64);
        atomic_file::replace_file(&path, |out| out.write_all(text.as_bytes()))
            .map_err(|source| CommandError::OutputFileNotWritten { path, source })?;
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
struct ReportSummary {
    rows: u64,
    rows_done: u64,
    rows_not_done: u64,
    statuses: BTreeMap<&'static str, u64>,
    evidence: BTreeMap<&'static str, u64>,
    exceptions: u64,
    reconciled: bool,
    damaged: bool,
    finished: bool,
    files: NotedFiles,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached: Option<ReportAttachment>,
    #[serde(skip)]
    verdict: String,
    #[serde(skip)]
    status_lines: Vec<(&'static str, u64)>,
}

impl ReportSummary {
    fn new(report: &Report, files: NotedFiles, attached: Option<ReportAttachment>) -> Self {
        let statuses = report.statuses.iter();
        let status_lines: Vec<_> = statuses.map(|one| (one.status, one.rows.0)).collect();
        let evidence = report.evidence.iter();
        Self {
            rows: report.rows.0,
            rows_done: report.rows_done.0,
            rows_not_done: report.rows_not_done.0,
            statuses: status_lines.iter().copied().collect(),
            evidence: evidence.map(|one| (one.level, one.rows.0)).collect(),
            exceptions: report.serious_exceptions().0,
            reconciled: report.reconciliation.complete,
            damaged: !report.damage.is_none(),
            finished: !report.damage.is_journal(),
            files,
            attached,
            verdict: report.verdict.clone(),
            status_lines,
        }
    }

    fn for_scripts(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and strings are always JSON");
        format!("{json}\n")
    }

    fn for_people(&self) -> String {
        let mut text = format!("{}\n", self.verdict);
        for (status, rows) in &self.status_lines {
            let _ = writeln!(text, "  {status:<9} {:>9}", group_thousands(*rows));
        }
        if self.exceptions > 0 {
            let _ = writeln!(
                text,
                "{} in the report, each with what to do",
                count_with_noun(self.exceptions, "exception")
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
