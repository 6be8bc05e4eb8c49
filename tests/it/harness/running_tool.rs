//! Running process of the tool: waits, signals, a kill, and the output so far.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::ImportTest;
use super::system::{self, ToolEnd};

/// Longest run before the test gives up: the longest test takes a good minute.
const RUN_GIVE_UP_AFTER: Duration = Duration::from_mins(4);

/// Shortest pause between two polls of a run.
const SHORTEST_POLL: Duration = Duration::from_millis(2);

/// Longest pause between two polls of a run.
const LONGEST_POLL: Duration = Duration::from_millis(20);

/// Running process of the tool.
pub(crate) struct RunningTool<'t> {
    pub(crate) test: &'t ImportTest,
    pub(super) child: Child,
    pub(super) end: ToolEnd,
    /// Folder of the files which receive standard output and standard error: writes to files never
    /// block.
    pub(super) output: TempDir,
}

impl RunningTool<'_> {
    /// Kills the process, as by a loss of power. A held request is lost with the process: if
    /// released, the request could reach the service during the next run.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.end = ToolEnd::Killed;
        while self.test.service().is_holding() {
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Returns the process id.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end by a signal. Returns `true` if the system dumped a core.
    pub(crate) fn has_dumped_core(&mut self) -> bool {
        system::has_dumped_core(self.child.wait().unwrap())
    }

    /// Sends a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        system::send_signal(&self.child, name);
    }

    /// Continues the process after a stop before a call to the disk. The call is recorded before the
    /// process stops, so the signal to continue has to wait for the stop, or else comes too early.
    #[cfg(target_os = "linux")]
    pub(crate) fn continue_after_stop(&mut self) {
        let stat = format!("/proc/{}/stat", self.process_id());
        self.wait_until("its process has stopped", || {
            let about = std::fs::read_to_string(&stat).unwrap();
            // The name of the program, in brackets before the state, may contain brackets.
            about
                .rsplit_once(") ")
                .is_some_and(|(_, rest)| rest.starts_with('T'))
        });
        self.signal("CONT");
    }

    /// Waits until standard output or standard error contains the text.
    pub(crate) fn wait_until_it_prints(&mut self, what: &str) {
        self.wait_for(what, |running| {
            running.output_so_far("stdout").contains(what)
                || running.output_so_far("stderr").contains(what)
        });
    }

    /// Waits until a condition outside the process is true.
    pub(crate) fn wait_until(&mut self, what: &str, is_true: impl Fn() -> bool) {
        self.wait_for(what, |_| is_true());
    }

    /// Waits for the end. Returns the exit code, as a shell reports exit codes, standard output and
    /// standard error.
    pub(crate) fn wait_for_exit(&mut self) -> (i32, String, String) {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if began.elapsed() > RUN_GIVE_UP_AFTER => panic!(
                    "it does not end:\n{}\n{}",
                    self.output_so_far("stdout"),
                    self.output_so_far("stderr")
                ),
                // Long runs are polled less often: tests wait for many of them at once.
                None => thread::sleep((began.elapsed() / 16).clamp(SHORTEST_POLL, LONGEST_POLL)),
            }
        };
        (
            system::shell_exit_code(status, self.end),
            self.output_so_far("stdout"),
            self.output_so_far("stderr"),
        )
    }

    /// Waits for the end, or until the time is over.
    pub(super) fn wait_at_most(&mut self, time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time && self.child.try_wait().unwrap().is_none() {
            thread::sleep(SHORTEST_POLL.min(time.saturating_sub(began.elapsed())));
        }
    }

    pub(super) fn wait_until_held(&mut self) {
        let service = self.test.service();
        self.wait_for("a request is held", |_| service.is_holding());
    }

    /// Polls a condition. Fails if the process ends first, since the condition would never become
    /// true.
    fn wait_for(&mut self, what: &str, is_true: impl Fn(&Self) -> bool) {
        while !is_true(self) {
            if let Some(status) = self.child.try_wait().unwrap() {
                let (stdout, stderr) = (self.output_so_far("stdout"), self.output_so_far("stderr"));
                panic!("ended with {status} before {what}:\n{stdout}\n{stderr}");
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Returns the output so far on `stdout` or `stderr`.
    pub(crate) fn output_so_far(&self, name: &str) -> String {
        let bytes = std::fs::read(self.output.path().join(name)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for RunningTool<'_> {
    fn drop(&mut self) {
        // Only a failed test leaves a process behind, and the failure itself is reported.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
