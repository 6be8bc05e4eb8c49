//! Disk under a run, and losses of power.
//!
//! A shim between the real binary and the C library (`shim.c`) records every sync, so a test knows
//! which bytes and which renamings of the results are durable. A loss of power may take or mangle
//! all others. The shim can also kill or stop the run at a call, or make the call fail. A fast
//! clock spares tests the wait before the look-ups after a lost POST.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use fastrand::Rng;
use tempfile::{NamedTempFile, TempDir};

use super::{ImportTest, ResultsTable, TestRun};

/// Speed of the tool's clock: seconds for the tool in each real second.
const CLOCK_SPEED_UP: &str = "20";

/// Call which the shim can disturb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskCall {
    /// Sync of a file or a folder.
    Sync,
    /// Taking of a lock.
    Lock,
    /// Trial sync of a folder, to find out if the file system can sync folders.
    Probe,
    /// Refused replacing of results held open by another program.
    Rename,
}

/// Disturbance of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskFault {
    /// Kills the run before the call.
    KillBefore,
    /// Kills the run after the call.
    KillAfter,
    /// Stops the run before the call, until a signal continues the run.
    StopBefore,
    /// Fails with `EIO`: the disk has failed.
    InputOutputError,
    /// Fails with `ENOSPC`: the disk is full.
    NoSpace,
    /// Fails with `EINVAL`: the file system does not support the call.
    InvalidArgument,
    /// Fails with `EOPNOTSUPP`: the file system does not support the call.
    NotSupported,
    /// Fails with `ENOLCK`: the file system has no locks left, or supports none.
    NoLocks,
}

/// Call recorded by the shim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedCall {
    pub(crate) call: DiskCall,
    /// `done`, `refused`, or the disturbance.
    pub(crate) outcome: String,
    /// Size of the file in bytes before the call.
    pub(crate) length: u64,
    /// Inode of the file, independent of its name.
    pub(crate) inode: u64,
    /// Inode under the path of the results, or 0 if there is no file.
    pub(crate) results_inode: u64,
    pub(crate) path: PathBuf,
}

/// Effect of the end of a run on data which the disk does not hold durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PowerLoss {
    /// No loss: only the run was killed.
    OnlyKilled,
    /// All unsynced data is lost, renamings too.
    AllUnsynced,
    /// Some of the last bytes are lost.
    TornTail,
    /// The file keeps its length, with zeros in place of the unsynced bytes.
    ZeroedTail,
    /// Zeros replace some of the unsynced bytes, and the last bytes are intact.
    ZeroedHole,
}

/// Disk under the runs of a test.
pub(crate) struct TestDisk<'t> {
    test: &'t ImportTest,
    /// Folder of the shim's log.
    folder: TempDir,
    /// Inode of the results before the run, and the number of durable bytes.
    durable_results: Cell<Option<(u64, u64)>>,
    /// Inodes of other durable files.
    durable_inodes: RefCell<HashSet<u64>>,
    /// Inodes of other files with durable bytes, under names that may be lost.
    synced_inodes: RefCell<HashSet<u64>>,
}

/// Gives a run a fast clock.
pub(super) fn speed_up_clock(run: TestRun<'_>) -> TestRun<'_> {
    run.env_var("LD_PRELOAD", path_text(&SHIM))
        .env_var("SHIM_HASTE", CLOCK_SPEED_UP)
}

/// Lets SIGINT end a run even if the starting process ignores SIGINT.
pub(super) fn interruptible(run: TestRun<'_>) -> TestRun<'_> {
    run.env_var("LD_PRELOAD", path_text(&SHIM))
        .env_var("SHIM_INTERRUPTIBLE", "yes")
}

impl<'t> TestDisk<'t> {
    /// Disk under the runs of `test`.
    pub(crate) fn new(test: &'t ImportTest) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            test,
            folder,
            durable_results: Cell::new(None),
            durable_inodes: RefCell::default(),
            synced_inodes: RefCell::default(),
        }
    }

    /// Records the calls of a run, which gets a fast clock.
    pub(crate) fn record_calls(&self, run: TestRun<'t>) -> TestRun<'t> {
        let _ = fs::remove_file(self.log_path());
        let under = self.test.folder().canonicalize().unwrap();
        speed_up_clock(run)
            .env_var("SHIM_LOG", path_text(&self.log_path()))
            .env_var("SHIM_UNDER", path_text(&under))
            .env_var("SHIM_RESULTS", path_text(&self.results_path()))
    }

    /// Prepares a run which may be killed, so that a loss of power can follow.
    pub(crate) fn record_for_power_loss(&self, run: TestRun<'t>) -> TestRun<'t> {
        self.record_calls(run)
            .env_var("SHIM_KEPT", path_text(&self.kept_path()))
    }

    /// Disturbs the `nth` call of a kind.
    pub(crate) fn inject_fault(
        &self,
        run: TestRun<'t>,
        call: DiskCall,
        nth: usize,
        act: DiskFault,
    ) -> TestRun<'t> {
        let run = match act {
            DiskFault::KillBefore | DiskFault::KillAfter => self.record_for_power_loss(run),
            _ => self.record_calls(run),
        };
        run.env_var("SHIM_CALL", call.shim_word())
            .env_var("SHIM_NTH", &nth.to_string())
            .env_var("SHIM_ACT", act.shim_word())
    }

    /// Makes another program hold a file of the test's folder open during a run, as on a Windows
    /// server, until [`TestDisk::release_file`]: no file can replace this file.
    pub(crate) fn hold_file(&self, run: TestRun<'t>, name: &str) -> TestRun<'t> {
        fs::write(self.held_mark_path(), "").unwrap();
        self.record_calls(run)
            .env_var("SHIM_RESULTS", path_text(&self.test.path(name)))
            .env_var("SHIM_HELD", path_text(&self.held_mark_path()))
    }

    /// Closes the file in the other program.
    pub(crate) fn release_file(&self) {
        fs::remove_file(self.held_mark_path()).unwrap();
    }

    /// Returns the number of refused attempts to replace the held file.
    pub(crate) fn refused_replacements(&self) -> usize {
        let calls = self.recorded_calls();
        let refused = calls.iter().filter(|call| call.call == DiskCall::Rename);
        refused.count()
    }

    /// Returns the recorded calls of the last run.
    pub(crate) fn recorded_calls(&self) -> Vec<RecordedCall> {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        log.lines().map(RecordedCall::parse).collect()
    }

    /// Reduces the results to their durable bytes, and to the rest spared by `loss`.
    pub(crate) fn lose_power(&self, loss: PowerLoss, random: &mut Rng) {
        let calls = self.recorded_calls();
        if loss == PowerLoss::AllUnsynced
            && inode(&self.results_path()) != self.durable_results_inode(&calls)
        {
            // The earlier results return, or none if there were none.
            let restored = fs::rename(self.kept_path(), self.results_path());
            restored.unwrap_or_else(|_| fs::remove_file(self.results_path()).unwrap());
        }
        self.forget_replaced_results();
        let Ok(mut bytes) = fs::read(self.results_path()) else {
            self.durable_results.set(None);
            return;
        };
        let inode = inode(&self.results_path());
        let certain = self.durable_length(&calls, inode).min(bytes.len());
        let somewhere = random.usize(certain..=bytes.len());
        match loss {
            PowerLoss::OnlyKilled => {}
            PowerLoss::AllUnsynced => bytes.truncate(certain),
            PowerLoss::TornTail => bytes.truncate(somewhere),
            PowerLoss::ZeroedTail => bytes[certain..].fill(0),
            PowerLoss::ZeroedHole => bytes[certain..somewhere].fill(0),
        }
        fs::write(self.results_path(), &bytes).unwrap();
        let on_disk = match loss {
            PowerLoss::OnlyKilled => certain,
            _ => bytes.len(),
        };
        self.durable_results.set(Some((inode, on_disk as u64)));
    }

    /// Reduces the files of a folder to durable ones after a loss of power: synced bytes under
    /// synced names.
    pub(crate) fn lose_unsynced_files(&self, folder: &str, loss: PowerLoss) {
        let Ok(folder) = self.test.path(folder).canonicalize() else {
            return;
        };
        let calls = self.recorded_calls();
        let mut certain = self.durable_inodes.borrow_mut();
        // A run that was only killed may have synced bytes that a later run has not synced again.
        let mut with_bytes = self.synced_inodes.borrow_mut();
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let inode = inode(&path);
            let synced = calls.iter().position(|call| {
                call.call == DiskCall::Sync && call.outcome == "done" && call.inode == inode
            });
            let is_named = synced
                .is_some_and(|at| calls[at..].iter().any(|call| call.is_done_sync_of(&folder)));
            if synced.is_some() {
                with_bytes.insert(inode);
            }
            if is_named || certain.contains(&inode) {
                certain.insert(inode);
            } else if loss != PowerLoss::OnlyKilled {
                if with_bytes.remove(&inode) {
                    fs::remove_file(path).unwrap();
                } else {
                    fs::write(path, "").unwrap();
                }
            }
        }
    }

    /// Forgets the replaced results, which a loss of power can no longer bring back.
    pub(crate) fn forget_replaced_results(&self) {
        let _ = fs::remove_file(self.kept_path());
    }

    /// Returns the inode durably named as the results.
    fn durable_results_inode(&self, calls: &[RecordedCall]) -> u64 {
        let folder = self.test.folder().canonicalize().unwrap();
        let synced = calls.iter().rfind(|call| call.is_done_sync_of(&folder));
        let before = self.durable_results.get().map_or(0, |(inode, _)| inode);
        synced.map_or(before, |call| call.results_inode)
    }

    /// Returns the number of durable bytes of a file.
    fn durable_length(&self, calls: &[RecordedCall], inode: u64) -> usize {
        let synced = calls.iter().rfind(|call| {
            call.call == DiskCall::Sync && call.outcome == "done" && call.inode == inode
        });
        let length = match (synced, self.durable_results.get()) {
            (Some(call), _) => call.length,
            (None, Some((before, length))) if before == inode => length,
            (None, _) => 0,
        };
        usize::try_from(length).unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    fn held_mark_path(&self) -> PathBuf {
        self.folder.path().join("held")
    }

    /// Second name of the replaced results, kept by the shim for a loss of the renaming.
    fn kept_path(&self) -> PathBuf {
        self.folder.path().join("kept")
    }

    fn results_path(&self) -> PathBuf {
        self.test.path(ResultsTable::DEFAULT_NAME)
    }
}

impl DiskCall {
    /// Word for the shim.
    fn shim_word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Lock => "lock",
            Self::Probe => "probe",
            Self::Rename => "rename",
        }
    }
}

impl DiskFault {
    /// Word for the shim.
    fn shim_word(self) -> &'static str {
        match self {
            Self::KillBefore => "kill before",
            Self::KillAfter => "kill after",
            Self::StopBefore => "stop before",
            Self::InputOutputError => "EIO",
            Self::NoSpace => "ENOSPC",
            Self::InvalidArgument => "EINVAL",
            Self::NotSupported => "EOPNOTSUPP",
            Self::NoLocks => "ENOLCK",
        }
    }
}

impl RecordedCall {
    /// Parses one line of the shim's log.
    fn parse(line: &str) -> Self {
        let cells: Vec<&str> = line.splitn(6, '\t').collect();
        let [call, outcome, length, inode, results, path] = cells[..] else {
            panic!("the shim wrote {line:?}");
        };
        Self {
            call: match call {
                "sync" => DiskCall::Sync,
                "lock" => DiskCall::Lock,
                "probe" => DiskCall::Probe,
                "rename" => DiskCall::Rename,
                other => panic!("the shim knows no {other}"),
            },
            outcome: outcome.to_owned(),
            length: length.parse().unwrap(),
            inode: inode.parse().unwrap(),
            results_inode: results.parse().unwrap(),
            path: path.into(),
        }
    }

    /// Returns `true` for a completed sync of the file or folder.
    pub(crate) fn is_done_sync_of(&self, path: &Path) -> bool {
        self.call == DiskCall::Sync && self.outcome == "done" && self.path == path
    }
}

/// Returns the inode of a path, or 0 if there is no file.
fn inode(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.ino())
}

fn path_text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Path of the shim, compiled once for all tests of a process.
static SHIM: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/harness/shim.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // The complete file is renamed into place, since other processes may use the shim, too.
    let unfinished = NamedTempFile::new_in(folder).unwrap().into_temp_path();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compiled = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-o"])
        .args([unfinished.as_os_str(), source.as_ref()])
        .status()
        .expect("a C compiler, which the build needs, too");
    assert!(compiled.success());
    let shim = folder.join("shim.so");
    unfinished.persist(&shim).unwrap();
    shim
});
