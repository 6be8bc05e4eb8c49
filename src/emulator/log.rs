//! The request log: one line of JSON for each request, in the order in which their effects were
//! decided.
//!
//! It is what a rehearsal is judged by, so it holds whatever tells one request from another, and
//! never a key, a signature or the query of a signed URL. It is appended to for as long as the
//! state folder lives.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::operation::Operation;

/// The log's name in the state folder.
pub(super) const FILE_NAME: &str = "requests.jsonl";

/// One request, or one record that was purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the log, from 1.
    pub seq: u64,
    /// When the request arrived.
    pub at: Timestamp,
    /// What was asked for.
    pub operation: Operation,
    /// The method; empty for a purge.
    pub method: String,
    /// The path as it was sent, with the query only where it is not a signature; empty for a purge.
    pub path: String,
    /// The attachment's id, as far as the request or its effect tells.
    pub id: Option<u64>,
    /// The attachment's external id, likewise. A renaming shows the old one.
    pub external_id: Option<String>,
    /// What the attachment hangs on, in the manner of `contract 7`, or what the job attaches files
    /// to, in the manner of `sourcing_event UUID`.
    pub object: Option<String>,
    /// The job's id, as far as the request or its effect tells.
    #[serde(default)]
    pub job: Option<String>,
    /// The name of the job's file that was uploaded.
    #[serde(default)]
    pub file: Option<String>,
    /// The attributes that a PATCH names, in the order of their names, whatever became of it. One
    /// with `file_name` among them lets go of the stored bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// How many requests the budget had left after this one, where it was counted.
    #[serde(default)]
    pub budget_left: Option<u32>,
    /// The status that was answered, or would have been had the answer not been lost on purpose.
    /// Null where the connection ended before anything was decided.
    pub status: Option<u16>,
    /// How many bytes of a file were received or are being sent.
    pub bytes: Option<u64>,
    /// The scripted fault that fired.
    pub fault: Option<String>,
}

impl Entry {
    /// What a request shows before anything is known about it.
    pub(super) fn new(operation: Operation, at: Timestamp) -> Self {
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

/// Why a request log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It cannot be read or written.
    #[error("the request log {}: {source}", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not one of ours.
    #[error("the request log {}, line {line}: {source}; move the file away to begin another", path.display())]
    Line {
        /// The log.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl LogError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Every entry of a log, which may be in use by a running emulator. A last line without its end
/// was torn off by a kill, and is left out.
pub fn read(path: &Path) -> Result<Vec<Entry>, LogError> {
    let bytes = std::fs::read(path).map_err(LogError::at(path))?;
    parse(path, &bytes[..whole_lines(&bytes)])
}

fn parse(path: &Path, lines: &[u8]) -> Result<Vec<Entry>, LogError> {
    lines
        .split_inclusive(|byte| *byte == b'\n')
        .zip(1..)
        .map(|(text, line)| {
            serde_json::from_slice(text).map_err(|source| LogError::Line {
                path: path.to_owned(),
                line,
                source,
            })
        })
        .collect()
}

fn whole_lines(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1)
}

/// The log of a running emulator.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    last_seq: u64,
}

impl Log {
    /// Opens the log to go on with it, and reads what it holds. A torn last line is cut off, lest
    /// the next one be glued to it.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Entry>), LogError> {
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .map_err(LogError::at(path))?;
        let bytes = std::fs::read(path).map_err(LogError::at(path))?;
        let end = whole_lines(&bytes);
        file.set_len(end as u64).map_err(LogError::at(path))?;
        let earlier = parse(path, &bytes[..end])?;
        let last_seq = earlier.last().map_or(0, |entry| entry.seq);
        Ok((Self { file, last_seq }, earlier))
    }

    /// Gives an entry its number and writes it through.
    pub(super) fn append(&mut self, mut entry: Entry) -> io::Result<()> {
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
        let path = folder.path().join(FILE_NAME);
        let entry = || Entry::new(Operation::List, Timestamp::UNIX_EPOCH);

        let (mut log, _) = Log::open(&path).unwrap();
        log.append(entry()).unwrap();
        log.append(entry()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();

        let (mut log, earlier) = Log::open(&path).unwrap();
        assert_eq!(earlier.len(), 1);
        log.append(entry()).unwrap();
        let seqs: Vec<u64> = read(&path).unwrap().iter().map(|e| e.seq).collect();
        assert_eq!(seqs, [1, 2]);
    }

    #[test]
    fn a_line_of_another_program_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, "hello\n").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("requests.jsonl, line 1: "), "{message}");
    }
}
