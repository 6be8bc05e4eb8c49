//! The request log: a line of JSON for each request, in the order in which the effects were
//! decided.
//!
//! Rehearsals are judged by the log. So an entry holds everything which distinguishes requests, and
//! never an API key, a signature or the query of a signed URL. Later emulators on the same state
//! folder append to the same log.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::operation::EmulatorOperation;

/// Name of the log in the state folder.
pub(super) const LOG_FILE_NAME: &str = "requests.jsonl";

/// Entry for a request, or for a purged record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLogEntry {
    /// Number of the entry in the log, from 1.
    pub seq: u64,
    /// Arrival of the request.
    pub at: Timestamp,
    /// Operation of the request.
    pub operation: EmulatorOperation,
    /// HTTP method; empty for a purge.
    pub method: String,
    /// Path as the client sent it, with the query unless the query holds a signature; empty for a
    /// purge.
    pub path: String,
    /// Id of the attachment, as far as the request or its effect shows the id.
    pub id: Option<u64>,
    /// External id of the attachment, as far as the request or its effect shows the external id.
    /// The old external id in a request which changes it.
    pub external_id: Option<String>,
    /// Object of the attachment, such as `contract 7`, or object of the job, such as
    /// `sourcing_event UUID`.
    pub object: Option<String>,
    /// Id of the job, as far as the request or its effect shows the id.
    #[serde(default)]
    pub job: Option<String>,
    /// Name of the job's file which was uploaded.
    #[serde(default)]
    pub file: Option<String>,
    /// Attributes in a PATCH, sorted by name, even if the PATCH was refused. A PATCH which contains
    /// `file_name` detaches the stored bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Remaining requests in the budget after this one; `None` if the request did not count.
    #[serde(default)]
    pub budget_left: Option<u32>,
    /// Status of the answer, even if the answer was lost on purpose. Null if the connection ended
    /// before the request was decided.
    pub status: Option<u16>,
    /// Number of a file's bytes which were received or are being sent.
    pub bytes: Option<u64>,
    /// Name of the scripted fault which fired.
    pub fault: Option<String>,
}

impl RequestLogEntry {
    /// Creates the entry of a request about which nothing more is known.
    pub(super) fn new(operation: EmulatorOperation, at: Timestamp) -> Self {
        Self {
            seq: 0,
            at,
            operation,
            method: String::new(),
            path: String::new(),
            id: None,
            external_id: None,
            object: None,
            job: None,
            file: None,
            changes: Vec::new(),
            budget_left: None,
            status: None,
            bytes: None,
            fault: None,
        }
    }
}

/// Reason why a request log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RequestLogError {
    /// The log cannot be read or written.
    #[error("the request log {}: {source}", path.display())]
    Io {
        /// Path of the log.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A line was not written by an emulator.
    #[error("the request log {}, line {line}: {source}; move the file away to begin a new log", path.display())]
    Line {
        /// Path of the log.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Error of the JSON parser.
        source: serde_json::Error,
    },
}

impl RequestLogError {
    fn io_at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Reads every entry of a log, also while an emulator appends to the log. An incomplete last line,
/// left by a kill, is ignored.
pub fn read(path: &Path) -> Result<Vec<RequestLogEntry>, RequestLogError> {
    let bytes = std::fs::read(path).map_err(RequestLogError::io_at(path))?;
    parse(path, &bytes[..whole_lines_length(&bytes)])
}

fn parse(path: &Path, lines: &[u8]) -> Result<Vec<RequestLogEntry>, RequestLogError> {
    lines
        .split_inclusive(|byte| *byte == b'\n')
        .zip(1..)
        .map(|(text, line)| {
            serde_json::from_slice(text).map_err(|source| RequestLogError::Line {
                path: path.to_owned(),
                line,
                source,
            })
        })
        .collect()
}

fn whole_lines_length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1)
}

/// Request log of a running emulator.
#[derive(Debug)]
pub(super) struct RequestLog {
    file: File,
    last_seq: u64,
}

impl RequestLog {
    /// Opens a log for appending, and returns the earlier entries. An incomplete last line is cut
    /// off, lest the next entry continue the torn line.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<RequestLogEntry>), RequestLogError> {
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .map_err(RequestLogError::io_at(path))?;
        let bytes = std::fs::read(path).map_err(RequestLogError::io_at(path))?;
        let end = whole_lines_length(&bytes);
        file.set_len(end as u64)
            .map_err(RequestLogError::io_at(path))?;
        let earlier = parse(path, &bytes[..end])?;
        let last_seq = earlier.last().map_or(0, |entry| entry.seq);
        Ok((Self { file, last_seq }, earlier))
    }

    /// Writes an entry under the next number.
    pub(super) fn append(&mut self, mut entry: RequestLogEntry) -> io::Result<()> {
        entry.seq = self.last_seq + 1;
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.last_seq = entry.seq;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_kill_tore_off_is_cut_off_and_the_numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG_FILE_NAME);
        let entry = || RequestLogEntry::new(EmulatorOperation::List, Timestamp::UNIX_EPOCH);

        let (mut log, _) = RequestLog::open(&path).unwrap();
        log.append(entry()).unwrap();
        log.append(entry()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();

        let (mut log, earlier) = RequestLog::open(&path).unwrap();
        assert_eq!(earlier.len(), 1);
        log.append(entry()).unwrap();
        let seqs: Vec<u64> = read(&path).unwrap().iter().map(|e| e.seq).collect();
        assert_eq!(seqs, [1, 2]);
    }

    #[test]
    fn a_line_of_another_program_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG_FILE_NAME);
        std::fs::write(&path, "hello\n").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("requests.jsonl, line 1: "), "{message}");
    }
}
