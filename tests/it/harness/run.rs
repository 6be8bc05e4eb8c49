//! One run of the real binary, with all that is expected of it.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::between::HoldMoment;
use super::judge;
use super::tls::SYSTEM_AUTHORITIES;
use super::{ImportTest, ResultsTable, SKIP_PREFLIGHT};

/// What a shell says of a process that was ended by SIGKILL.
pub(crate) const KILLED: i32 = 128 + 9;

/// What takes longer than this will never end: the longest test takes a good minute.
const LIMIT: Duration = Duration::from_mins(4);

/// The variable that names the file with the authorities that the system knows.
const AUTHORITIES: &str = "SSL_CERT_FILE";

type DuringRun<'t> = Box<dyn FnOnce(&mut RunningTool<'t>) + 't>;

/// A run that is about to be made. What is not said is expected all the same: nothing on standard
/// error, and all that [`judge`] expects of every run.
#[must_use = "a run is made by `exits`"]
pub(crate) struct TestRun<'t> {
    pub(super) test: &'t ImportTest,
    pub(super) args: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
    hold: Option<(usize, HoldMoment, DuringRun<'t>)>,
    /// What a shell does just before it.
    limit: Option<String>,
    killed_after: Option<Duration>,
    pub(super) results: PathBuf,
    pub(super) expected: ExpectedRun,
}

/// What is expected of a run.
#[derive(Default)]
pub(super) struct ExpectedRun {
    pub(super) stdout: Option<String>,
    pub(super) stderr: Option<String>,
    pub(super) parts: Vec<String>,
    pub(super) words: StderrCheck,
    pub(super) rows: Option<Vec<String>>,
    pub(super) requests: Option<Vec<String>>,
    pub(super) stored: Option<Vec<(String, String)>>,
    pub(super) attached: Option<Vec<String>>,
    pub(super) outcomes: Option<Vec<String>>,
    pub(super) ending: ExpectedResults,
}

/// Whether what a run says on standard error counts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum StderrCheck {
    /// It must be what is expected.
    #[default]
    Count,
    /// It may be anything.
    Differ,
}

/// How a run leaves its results.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExpectedResults {
    /// With one line for each row.
    #[default]
    Whole,
    /// As the journal that they are while it goes on.
    Journal,
}

/// A run that was made, and was as expected.
#[derive(Debug)]
pub(crate) struct FinishedRun {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The results afterwards, if there are any.
    pub(crate) results: Option<ResultsTable>,
    /// The requests that it made.
    pub(crate) requests: Vec<String>,
}

impl<'t> TestRun<'t> {
    pub(super) fn of(test: &'t ImportTest, args: Vec<String>) -> Self {
        Self {
            test,
            args,
            variables: vec![(
                AUTHORITIES.to_owned(),
                SYSTEM_AUTHORITIES.to_string_lossy().into_owned(),
            )],
            hold: None,
            killed_after: None,
            limit: None,
            results: test.path(ResultsTable::NAME),
            expected: ExpectedRun::default(),
        }
    }

    /// Adds arguments.
    pub(crate) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    /// Asks the question before the hashing, as users do.
    pub(crate) fn with_preflight(mut self) -> Self {
        self.args.retain(|arg| arg != SKIP_PREFLIGHT);
        self
    }

    /// Uses another results file.
    pub(crate) fn with_results(mut self, name: &str) -> Self {
        self.results = self.test.path(name);
        self.args(["--results", name])
    }

    /// Trusts the authorities that this system knows, as users do.
    pub(crate) fn with_the_systems_authorities(mut self) -> Self {
        self.variables.retain(|(name, _)| name != AUTHORITIES);
        self
    }

    /// Sets a variable of the environment, in which nothing else is but the authorities.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With keys, and by way of the proxy to a service that is a public one.
    pub(crate) fn by_proxy(self) -> Self {
        let proxy = self.test.service().proxy();
        let (url, label) = (proxy.url("me:word"), proxy.label());
        self.variable("WORKDAY_API_KEY", "the-key")
            .variable("WORKDAY_USER_TOKEN", "the-token")
            .variable("WORKDAY_USER_EMAIL", "me@example.com")
            .variable("KEELVAR_API_KEY", "the-key")
            .variable("KEELVAR_USER_EMAIL", "me@example.com")
            .variable("HTTPS_PROXY", &url)
            .variable("NO_PROXY", "")
            .args(["--ca-file", "ca.pem"])
            .says(format!(
                "the service is reached by way of the proxy {label}\n"
            ))
    }

    /// Lets time pass faster for it, where that can be done: else it takes as long as it takes.
    pub(crate) fn hasty(self) -> Self {
        #[cfg(target_os = "linux")]
        return super::disk::hasten(self);
        #[cfg(not(target_os = "linux"))]
        self
    }

    /// Lets an interruption end it even if the tests run where SIGINT is ignored, as in the background
    /// of a script or under `nohup`.
    pub(crate) fn interruptible(self) -> Self {
        #[cfg(target_os = "linux")]
        return super::disk::interruptible(self);
        #[cfg(not(target_os = "linux"))]
        self
    }

    /// Lets no file grow beyond so many half kilobytes, as if the disk were full then.
    pub(crate) fn with_files_of_at_most(mut self, blocks: usize) -> Self {
        self.limit = Some(format!("trap '' XFSZ; ulimit -f {blocks}"));
        self
    }

    /// Lets the system dump its memory, as far as it ever does.
    pub(crate) fn with_core_dumps(mut self) -> Self {
        self.limit = Some("ulimit -c $(ulimit -H -c)".to_owned());
        self
    }

    /// Does something while the `nth` request of the run is held.
    pub(crate) fn while_held(
        mut self,
        nth: usize,
        moment: HoldMoment,
        act: impl FnOnce(&mut RunningTool<'t>) + 't,
    ) -> Self {
        self.hold = Some((nth, moment, Box::new(act)));
        self
    }

    /// All of standard output. In place of what differs from run to run stand `[consign]`,
    /// `[base]`, `[label]`, `[folder]` and `[time]`.
    pub(crate) fn stdout(mut self, text: impl Into<String>) -> Self {
        self.expected.stdout = Some(text.into());
        self
    }

    /// All of standard error, likewise. Lines that tell how far the run has come are left out.
    pub(crate) fn stderr(mut self, text: impl Into<String>) -> Self {
        self.expected.stderr = Some(text.into());
        self
    }

    /// A part of what is said, on whichever of the two. Where no part and no whole of standard
    /// error is expected, it must be empty.
    pub(crate) fn says(mut self, text: impl Into<String>) -> Self {
        self.expected.parts.push(text.into());
        self
    }

    /// What it says on standard error differs from run to run.
    pub(crate) fn whatever_it_says(mut self) -> Self {
        self.expected.words = StderrCheck::Differ;
        self
    }

    /// Every line of the results, each as `external_id status reason`.
    pub(crate) fn rows<'a>(mut self, rows: impl IntoIterator<Item = &'a str>) -> Self {
        self.expected.rows = Some(rows.into_iter().map(str::to_owned).collect());
        self
    }

    /// As [`Self::rows`], for so many rows of [`ImportTest::of_rows`] that are all done.
    pub(crate) fn all_uploaded(mut self, rows: usize) -> Self {
        let uploaded = |number| format!("A{number} uploaded");
        self.expected.rows = Some((1..=rows).map(uploaded).collect());
        self
    }

    /// Every request of the run, each as `operation external_id status fault`.
    pub(crate) fn requests<'a>(mut self, requests: impl IntoIterator<Item = &'a str>) -> Self {
        self.expected.requests = Some(requests.into_iter().map(str::to_owned).collect());
        self
    }

    /// Every attachment that is stored afterwards, and what it holds.
    pub(crate) fn stored<'a>(
        mut self,
        stored: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let owned = |(id, text): (&str, &str)| (id.to_owned(), text.to_owned());
        self.expected.stored = Some(stored.into_iter().map(owned).collect());
        self
    }

    /// As [`Self::stored`], for rows of [`ImportTest::of_rows`].
    pub(crate) fn stored_rows<'a>(mut self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        let with_content = |id: &str| (id.to_owned(), super::content_of(id));
        self.expected.stored = Some(ids.into_iter().map(with_content).collect());
        self
    }

    /// Every row of the manifest whose file is on its object afterwards, once, and no other file.
    pub(crate) fn attached<'a>(mut self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        self.expected.attached = Some(ids.into_iter().map(str::to_owned).collect());
        self
    }

    /// Kills it so long after its start, if it goes on for so long.
    pub(crate) fn killed_after(mut self, delay: Duration) -> Self {
        self.killed_after = Some(delay);
        self
    }

    /// From here on, files may be there twice: that is what the user wants.
    pub(crate) fn meaning_second_copies(self) -> Self {
        self.test.has_second_copies.set(true);
        self
    }

    /// The run is ended so suddenly that it cannot put its results in order.
    pub(crate) fn leaving_a_journal(mut self) -> Self {
        self.expected.ending = ExpectedResults::Journal;
        self
    }

    /// Makes the run, and compares everything at once.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> FinishedRun {
        self.ends(|_| code)
    }

    /// Likewise, where the run is killed unless it was faster.
    #[track_caller]
    pub(crate) fn killed_or_exits(self, code: i32) -> FinishedRun {
        self.ends(|found| if found == KILLED { KILLED } else { code })
    }

    /// Likewise, where the test judges itself whether all rows should be done.
    #[track_caller]
    pub(crate) fn done_or_exits(self, code: i32) -> FinishedRun {
        self.ends(|found| if found == 0 { 0 } else { code })
    }

    /// Likewise, where the run may be killed before that.
    #[track_caller]
    pub(crate) fn killed_or_done_or_exits(self, code: i32) -> FinishedRun {
        self.ends(|found| match found {
            0 | KILLED => found,
            _ => code,
        })
    }

    /// Makes the run. The code that is expected may depend on the one that is found.
    #[track_caller]
    fn ends(mut self, expected: impl FnOnce(i32) -> i32) -> FinishedRun {
        let before = judge::BeforeRun::of(&self);
        let held = self.hold.take();
        if let Some((nth, moment, _)) = &held {
            self.test.service().between().hold(*nth, *moment);
        }
        let mut running = self.start();
        if let Some((_, _, act)) = held {
            running.wait_until_held();
            act(&mut running);
            self.test.service().between().release();
        }
        if let Some(delay) = self.killed_after {
            thread::sleep(delay);
            running.kill();
        }
        let (code, stdout, stderr) = running.finish();
        judge::judge(&self, expected(code), &before, code, &stdout, &stderr)
    }

    fn command(&self) -> Command {
        let consign = env!("CARGO_BIN_EXE_consign");
        let Some(limit) = &self.limit else {
            return Command::new(consign);
        };
        let mut shell = Command::new("sh");
        let limited = format!("{limit}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited, consign]);
        shell
    }

    /// Begins it, for a test that does without judgement.
    pub(crate) fn start(&self) -> RunningTool<'t> {
        let output = tempfile::tempdir().unwrap();
        let file = |name| File::create(output.path().join(name)).unwrap();
        let child = self
            .command()
            .args(&self.args)
            .current_dir(self.test.folder())
            .env_clear()
            .env("NO_PROXY", "*")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap();
        RunningTool {
            test: self.test,
            child,
            output,
        }
    }
}

impl ImportTest {
    /// Pastes a command that the tool has told into a shell. Returns its exit code, and what it said.
    pub(crate) fn paste(&self, command: &str) -> (i32, String) {
        let base = self.service().base_url();
        let command = command
            .replace("[consign]", env!("CARGO_BIN_EXE_consign"))
            .replace("[base]", &base);
        let hasty = TestRun::of(self, Vec::new()).hasty();
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(self.folder())
            .env_clear()
            .env("NO_PROXY", "*")
            .env("PATH", "/usr/bin:/bin")
            .envs(hasty.variables)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.code().unwrap_or(KILLED), said)
    }
}

/// A run that is being made.
pub(crate) struct RunningTool<'t> {
    pub(crate) test: &'t ImportTest,
    child: Child,
    /// Standard output and standard error go to files, which never make anybody wait.
    output: TempDir,
}

impl RunningTool<'_> {
    /// Ends it as a loss of power would. A request that is being held is lost with it: were it let
    /// go, it could reach the service during the next run.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while self.test.service().is_holding() {
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end by a signal, and says whether the system dumped its memory.
    pub(crate) fn dumped_core(&mut self) -> bool {
        self.child.wait().unwrap().core_dumped()
    }

    /// Sends it a signal, `INT` or the like.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id();
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {pid}")])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits until it has said this on standard output or standard error.
    pub(crate) fn wait_until_it_says(&mut self, what: &str) {
        self.wait_for(what, |running| {
            running.text("stdout").contains(what) || running.text("stderr").contains(what)
        });
    }

    /// Waits until something that a test sees from outside is so.
    pub(crate) fn wait_until(&mut self, what: &str, is_true: impl Fn() -> bool) {
        self.wait_for(what, |_| is_true());
    }

    /// Waits for its end. Returns its exit code, as a shell does, and what it said.
    pub(crate) fn finish(&mut self) -> (i32, String, String) {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if began.elapsed() > LIMIT => panic!(
                    "it does not end:\n{}\n{}",
                    self.text("stdout"),
                    self.text("stderr")
                ),
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        let code = status.code();
        let code = code.unwrap_or_else(|| 128 + status.signal().unwrap());
        (code, self.text("stdout"), self.text("stderr"))
    }

    fn wait_until_held(&mut self) {
        let service = self.test.service();
        self.wait_for("a request is held", |_| service.is_holding());
    }

    /// Looks again and again. A run that ends meanwhile will never do what is waited for.
    fn wait_for(&mut self, what: &str, is_true: impl Fn(&Self) -> bool) {
        while !is_true(self) {
            if let Some(status) = self.child.try_wait().unwrap() {
                let (stdout, stderr) = (self.text("stdout"), self.text("stderr"));
                panic!("ended with {status} before {what}:\n{stdout}\n{stderr}");
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// What it has said so far on `stdout` or `stderr`.
    pub(crate) fn text(&self, name: &str) -> String {
        let bytes = std::fs::read(self.output.path().join(name)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for RunningTool<'_> {
    fn drop(&mut self) {
        // Only a test that failed leaves a run behind, and its failure is what matters.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
