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
const HASTE: &str = "20";

/// Call which the shim can disturb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskCall {
    /// Sync of a file or a folder.
    Sync,
    /// Taking of a lock.
    Lock,
    /// Trial sync of a folder, to find out if the file system can sync folders.
    Probe,
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
    Invalid,
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
    pub(crate) results: u64,
    pub(crate) path: PathBuf,
}

/// Effect of the end of a run on data which the disk does not hold durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PowerLoss {
    /// No loss: only the run was killed.
    Nothing,
    /// All unsynced data is lost, renamings too.
    Everything,
    /// Some of the last bytes are lost.
    Torn,
    /// The file keeps its length, with zeros in place of the unsynced bytes.
    Zeros,
    /// Zeros replace some of the unsynced bytes, and the last bytes are intact.
    Hole,
}

/// Disk under the runs of a test.
pub(crate) struct TestDisk<'t> {
    test: &'t ImportTest,
    /// Folder of the shim's log.
    folder: TempDir,
    /// Inode of the results before the run, and the number of durable bytes.
    before: Cell<Option<(u64, u64)>>,
    /// Inodes of other durable files.
    certain: RefCell<HashSet<u64>>,
}

/// Gives a run a fast clock.
pub(super) fn hasten(run: TestRun<'_>) -> TestRun<'_> {
    run.variable("LD_PRELOAD", text(&SHIM))
        .variable("SHIM_HASTE", HASTE)
}

/// Lets SIGINT end a run even if the starting process ignores SIGINT.
pub(super) fn interruptible(run: TestRun<'_>) -> TestRun<'_> {
    run.variable("LD_PRELOAD", text(&SHIM))
        .variable("SHIM_INTERRUPTIBLE", "yes")
}

impl<'t> TestDisk<'t> {
    /// Disk under the runs of `test`.
    pub(crate) fn under(test: &'t ImportTest) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            test,
            folder,
            before: Cell::new(None),
            certain: RefCell::default(),
        }
    }

    /// Records the calls of a run, which gets a fast clock.
    pub(crate) fn watch(&self, run: TestRun<'t>) -> TestRun<'t> {
        let _ = fs::remove_file(self.log());
        let under = self.test.folder().canonicalize().unwrap();
        hasten(run)
            .variable("SHIM_LOG", text(&self.log()))
            .variable("SHIM_UNDER", text(&under))
            .variable("SHIM_RESULTS", text(&self.results()))
    }

    /// Prepares a run which may be killed, so that a loss of power can follow.
    pub(crate) fn endanger(&self, run: TestRun<'t>) -> TestRun<'t> {
        self.watch(run).variable("SHIM_KEPT", text(&self.kept()))
    }

    /// Disturbs the `nth` call of a kind.
    pub(crate) fn disturb(
        &self,
        run: TestRun<'t>,
        call: DiskCall,
        nth: usize,
        act: DiskFault,
    ) -> TestRun<'t> {
        let run = match act {
            DiskFault::KillBefore | DiskFault::KillAfter => self.endanger(run),
            _ => self.watch(run),
        };
        run.variable("SHIM_CALL", call.word())
            .variable("SHIM_NTH", &nth.to_string())
            .variable("SHIM_ACT", act.word())
    }

    /// Returns the recorded calls of the last run.
    pub(crate) fn calls(&self) -> Vec<RecordedCall> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().map(RecordedCall::read).collect()
    }

    /// Reduces the results to their durable bytes, and to the rest spared by `loss`.
    pub(crate) fn lose_power(&self, loss: PowerLoss, random: &mut Rng) {
        let calls = self.calls();
        if loss == PowerLoss::Everything
            && inode(&self.results()) != self.renamed_for_certain(&calls)
        {
            // The earlier results return, or none if there were none.
            let restored = fs::rename(self.kept(), self.results());
            restored.unwrap_or_else(|_| fs::remove_file(self.results()).unwrap());
        }
        self.let_go();
        let Ok(mut bytes) = fs::read(self.results()) else {
            self.before.set(None);
            return;
        };
        let inode = inode(&self.results());
        let certain = self.length_for_certain(&calls, inode).min(bytes.len());
        let somewhere = random.usize(certain..=bytes.len());
        match loss {
            PowerLoss::Nothing => {}
            PowerLoss::Everything => bytes.truncate(certain),
            PowerLoss::Torn => bytes.truncate(somewhere),
            PowerLoss::Zeros => bytes[certain..].fill(0),
            PowerLoss::Hole => bytes[certain..somewhere].fill(0),
        }
        fs::write(self.results(), &bytes).unwrap();
        let on_disk = match loss {
            PowerLoss::Nothing => certain,
            _ => bytes.len(),
        };
        self.before.set(Some((inode, on_disk as u64)));
    }

    /// Reduces the files of a folder to durable ones after a loss of power: synced bytes under
    /// synced names.
    pub(crate) fn lose_unsynced_in(&self, folder: &str, loss: PowerLoss) {
        let Ok(folder) = self.test.path(folder).canonicalize() else {
            return;
        };
        let calls = self.calls();
        let mut certain = self.certain.borrow_mut();
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let inode = inode(&path);
            let synced = calls.iter().position(|call| {
                call.call == DiskCall::Sync && call.outcome == "done" && call.inode == inode
            });
            let is_named =
                synced.is_some_and(|at| calls[at..].iter().any(|call| call.synced(&folder)));
            if is_named || certain.contains(&inode) {
                certain.insert(inode);
            } else if loss != PowerLoss::Nothing {
                match synced {
                    Some(_) => fs::remove_file(path).unwrap(),
                    None => fs::write(path, "").unwrap(),
                }
            }
        }
    }

    /// Forgets the replaced results, which a loss of power can no longer bring back.
    pub(crate) fn let_go(&self) {
        let _ = fs::remove_file(self.kept());
    }

    /// Returns the inode durably named as the results.
    fn renamed_for_certain(&self, calls: &[RecordedCall]) -> u64 {
        let folder = self.test.folder().canonicalize().unwrap();
        let synced = calls.iter().rfind(|call| call.synced(&folder));
        let before = self.before.get().map_or(0, |(inode, _)| inode);
        synced.map_or(before, |call| call.results)
    }

    /// Returns the number of durable bytes of a file.
    fn length_for_certain(&self, calls: &[RecordedCall], inode: u64) -> usize {
        let synced = calls.iter().rfind(|call| {
            call.call == DiskCall::Sync && call.outcome == "done" && call.inode == inode
        });
        let length = match (synced, self.before.get()) {
            (Some(call), _) => call.length,
            (None, Some((before, length))) if before == inode => length,
            (None, _) => 0,
        };
        usize::try_from(length).unwrap()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    /// Second name of the replaced results, kept by the shim for a loss of the renaming.
    fn kept(&self) -> PathBuf {
        self.folder.path().join("kept")
    }

    fn results(&self) -> PathBuf {
        self.test.path(ResultsTable::NAME)
    }
}

impl DiskCall {
    /// Word for the shim.
    fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Lock => "lock",
            Self::Probe => "probe",
        }
    }
}

impl DiskFault {
    /// Word for the shim.
    fn word(self) -> &'static str {
        match self {
            Self::KillBefore => "kill before",
            Self::KillAfter => "kill after",
            Self::StopBefore => "stop before",
            Self::InputOutputError => "EIO",
            Self::NoSpace => "ENOSPC",
            Self::Invalid => "EINVAL",
            Self::NotSupported => "EOPNOTSUPP",
            Self::NoLocks => "ENOLCK",
        }
    }
}

impl RecordedCall {
    /// Parses one line of the shim's log.
    fn read(line: &str) -> Self {
        let cells: Vec<&str> = line.splitn(6, '\t').collect();
        let [call, outcome, length, inode, results, path] = cells[..] else {
            panic!("the shim wrote {line:?}");
        };
        Self {
            call: match call {
                "sync" => DiskCall::Sync,
                "lock" => DiskCall::Lock,
                "probe" => DiskCall::Probe,
                other => panic!("the shim knows no {other}"),
            },
            outcome: outcome.to_owned(),
            length: length.parse().unwrap(),
            inode: inode.parse().unwrap(),
            results: results.parse().unwrap(),
            path: path.into(),
        }
    }

    /// Returns `true` for a completed sync of the file or folder.
    pub(crate) fn synced(&self, path: &Path) -> bool {
        self.call == DiskCall::Sync && self.outcome == "done" && self.path == path
    }
}

/// Returns the inode of a path, or 0 if there is no file.
fn inode(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.ino())
}

fn text(path: &Path) -> &str {
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
