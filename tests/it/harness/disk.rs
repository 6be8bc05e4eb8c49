//! The disk under a run, and what a loss of power leaves on it.
//!
//! A shim between the real binary and the C library (`shim.c`) writes down every sync, so that a
//! test knows which bytes of the results, and which of their renamings, the disk has for certain.
//! All others a loss of power may take, or mangle. The shim can also kill or stop the run at a call,
//! or make the call fail; and it lets time pass faster, so that nobody waits for the look-ups that
//! follow a lost POST.

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

/// How many seconds pass for the tool in one.
const HASTE: &str = "20";

/// What a run does that can be disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskCall {
    /// Syncing a file or a folder.
    Sync,
    /// Taking a lock.
    Lock,
    /// Trying whether a folder can be synced.
    Probe,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskFault {
    /// The run is killed before it.
    KillBefore,
    /// The run is killed after it.
    KillAfter,
    /// The run is stopped before it, until it is told to continue.
    StopBefore,
    /// The disk has failed.
    InputOutputError,
    /// The disk is full.
    NoSpace,
    /// The file system cannot do this, as it says with `EINVAL`.
    Invalid,
    /// The same, as it says with `EOPNOTSUPP`.
    NotSupported,
    /// It has no locks left, or knows none.
    NoLocks,
}

/// A call, as the shim wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedCall {
    pub(crate) call: DiskCall,
    /// `done`, or what happened instead.
    pub(crate) outcome: String,
    /// How long the file was.
    pub(crate) length: u64,
    /// The file itself, whatever it is called.
    pub(crate) inode: u64,
    /// The file that the path of the results led to, or 0.
    pub(crate) results: u64,
    pub(crate) path: PathBuf,
}

/// What a loss of power does to what the disk does not have for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PowerLoss {
    /// Nothing: only the run was killed.
    Nothing,
    /// All of it is lost, renamings too.
    Everything,
    /// Some of the last bytes are lost.
    Torn,
    /// The file has its length, and zeros in place of the bytes.
    Zeros,
    /// Likewise, but the last bytes are there.
    Hole,
}

/// The disk under the runs of a test.
pub(crate) struct TestDisk<'t> {
    test: &'t ImportTest,
    /// Where the shim writes.
    folder: TempDir,
    /// The results file before the run, and how many of its bytes the disk has for certain.
    before: Cell<Option<(u64, u64)>>,
    /// Other files that the disk has for certain.
    certain: RefCell<HashSet<u64>>,
}

/// A run for which time passes faster.
pub(super) fn hasten(run: TestRun<'_>) -> TestRun<'_> {
    run.variable("LD_PRELOAD", text(&SHIM))
        .variable("SHIM_HASTE", HASTE)
}

/// A run that does not ignore SIGINT, although the process that starts it does.
pub(super) fn interruptible(run: TestRun<'_>) -> TestRun<'_> {
    run.variable("LD_PRELOAD", text(&SHIM))
        .variable("SHIM_INTERRUPTIBLE", "yes")
}

impl<'t> TestDisk<'t> {
    pub(crate) fn under(test: &'t ImportTest) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            test,
            folder,
            before: Cell::new(None),
            certain: RefCell::default(),
        }
    }

    /// A run whose calls are written down, and which is hasty.
    pub(crate) fn watch(&self, run: TestRun<'t>) -> TestRun<'t> {
        let _ = fs::remove_file(self.log());
        let under = self.test.folder().canonicalize().unwrap();
        hasten(run)
            .variable("SHIM_LOG", text(&self.log()))
            .variable("SHIM_UNDER", text(&under))
            .variable("SHIM_RESULTS", text(&self.results()))
    }

    /// A run that may be killed, after which power may be lost.
    pub(crate) fn endanger(&self, run: TestRun<'t>) -> TestRun<'t> {
        self.watch(run).variable("SHIM_KEPT", text(&self.kept()))
    }

    /// A run whose `nth` call of a kind is disturbed.
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

    /// The calls of the run.
    pub(crate) fn calls(&self) -> Vec<RecordedCall> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().map(RecordedCall::read).collect()
    }

    /// Leaves of the results what the disk has for certain, and what `loss` spares of the rest.
    pub(crate) fn lose_power(&self, loss: PowerLoss, random: &mut Rng) {
        let calls = self.calls();
        if loss == PowerLoss::Everything
            && inode(&self.results()) != self.renamed_for_certain(&calls)
        {
            // What there was before is there again, and where there was nothing, nothing is.
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

    /// Leaves of the files in a folder what the disk has for certain, where power is lost: bytes that
    /// were synced, under names that were.
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

    /// Lets go of the results that were replaced, which power can be lost no more.
    pub(crate) fn let_go(&self) {
        let _ = fs::remove_file(self.kept());
    }

    /// The file that the disk knows by the results' name.
    fn renamed_for_certain(&self, calls: &[RecordedCall]) -> u64 {
        let folder = self.test.folder().canonicalize().unwrap();
        let synced = calls.iter().rfind(|call| call.synced(&folder));
        let before = self.before.get().map_or(0, |(inode, _)| inode);
        synced.map_or(before, |call| call.results)
    }

    /// How many bytes of a file the disk has.
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

    fn kept(&self) -> PathBuf {
        self.folder.path().join("kept")
    }

    fn results(&self) -> PathBuf {
        self.test.path(ResultsTable::NAME)
    }
}

impl DiskCall {
    fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Lock => "lock",
            Self::Probe => "probe",
        }
    }
}

impl DiskFault {
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

    /// Whether it is a sync of this file or folder that was carried out.
    pub(crate) fn synced(&self, path: &Path) -> bool {
        self.call == DiskCall::Sync && self.outcome == "done" && self.path == path
    }
}

/// The file that a path leads to, or 0.
fn inode(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.ino())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The shim, compiled once for all tests of a process.
static SHIM: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/harness/shim.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Renamed when it is whole: other processes may be at it, too.
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
