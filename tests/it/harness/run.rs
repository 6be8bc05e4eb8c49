//! Run of the real binary, with all expectations.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::holding_proxy::HoldMoment;
use super::judge;
use super::running_tool::RunningTool;
use super::system::{self, ToolEnd};
use super::tls::SYSTEM_AUTHORITIES;
use super::{ImportTest, ResultsTable, SKIP_PREFLIGHT};

/// Exit code reported by a shell for a process ended by SIGKILL.
pub(crate) const EXIT_CODE_KILLED: i32 = 128 + 9;

/// Environment variable which names the file with the system's authorities.
const SYSTEM_AUTHORITIES_VARIABLE: &str = "SSL_CERT_FILE";

/// Action of a test while a request is held.
type DuringRun<'t> = Box<dyn FnOnce(&mut RunningTool<'t>) + 't>;

/// Run to be made. Without further expectations a run must print nothing on standard error, and
/// must meet every check of [`judge_run`].
#[must_use = "a run is made by `exits`"]
pub(crate) struct TestRun<'t> {
    pub(super) test: &'t ImportTest,
    pub(super) args: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
    hold: Option<(usize, HoldMoment, DuringRun<'t>)>,
    /// Treatment of the notice about files in no row.
    pub(super) unnamed_files: UnnamedFileNotice,
    /// Shell commands executed just before the run.
    shell_prelude: Option<String>,
    killed_after: Option<Duration>,
    pub(super) results_path: PathBuf,
    pub(super) expected: ExpectedRun,
}

/// Expectations of a run.
#[derive(Default)]
pub(super) struct ExpectedRun {
    pub(super) stdout: Option<String>,
    pub(super) stderr: Option<String>,
    pub(super) texts: Vec<String>,
    pub(super) stderr_check: StderrCheck,
    pub(super) rows: Option<Vec<String>>,
    pub(super) requests: Option<Vec<String>>,
    pub(super) stored: Option<Vec<(String, String)>>,
    pub(super) attached: Option<Vec<String>>,
    pub(super) outcomes: Option<Vec<String>>,
    pub(super) results: ExpectedResults,
}

/// Check of standard error.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum StderrCheck {
    /// Standard error must be as expected.
    #[default]
    Exact,
    /// Standard error may be anything.
    Ignored,
}

/// Treatment of the notice about files in no row. Many tests have other files in their folder, and
/// only a few tests are about the notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnnamedFileNotice {
    /// The notice is left out of the compared outputs.
    LeftOut,
    /// The notice is compared.
    Compared,
}

/// Expected state of the results after a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExpectedResults {
    /// One line for each row.
    #[default]
    Complete,
    /// Journal, as during the run.
    Journal,
}

/// Finished run which met all expectations.
#[derive(Debug)]
pub(crate) struct FinishedRun {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Results after the run, or `None` if there is no file.
    pub(crate) results: Option<ResultsTable>,
    /// Requests of the run, in words.
    pub(crate) requests: Vec<String>,
}

impl<'t> TestRun<'t> {
    /// Run with the given arguments and default expectations.
    pub(super) fn new(test: &'t ImportTest, args: Vec<String>) -> Self {
        Self {
            test,
            args,
            variables: vec![
                (
                    SYSTEM_AUTHORITIES_VARIABLE.to_owned(),
                    SYSTEM_AUTHORITIES.to_string_lossy().into_owned(),
                ),
                // cmd sets this variable, so commands are printed for cmd on Windows.
                ("PROMPT".to_owned(), "$P$G".to_owned()),
            ],
            hold: None,
            killed_after: None,
            shell_prelude: None,
            unnamed_files: UnnamedFileNotice::LeftOut,
            results_path: test.path(ResultsTable::DEFAULT_NAME),
            expected: ExpectedRun::default(),
        }
    }

    /// Adds arguments.
    pub(crate) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    /// Compares the notice about files in no row, too.
    pub(crate) fn with_unnamed_files(mut self) -> Self {
        self.unnamed_files = UnnamedFileNotice::Compared;
        self
    }

    /// Sends the preflight request, as for users.
    pub(crate) fn with_preflight(mut self) -> Self {
        self.args.retain(|arg| arg != SKIP_PREFLIGHT);
        self
    }

    /// Uses another results file.
    pub(crate) fn with_results(mut self, name: &str) -> Self {
        self.results_path = self.test.path(name);
        self.args(["--results", name])
    }

    /// Trusts the authorities of this system, as for users.
    pub(crate) fn with_system_authorities(mut self) -> Self {
        self.variables
            .retain(|(name, _)| name != SYSTEM_AUTHORITIES_VARIABLE);
        self
    }

    /// Sets an environment variable. Otherwise the environment names only the authorities.
    pub(crate) fn env_var(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends the run through the tunnel proxy to a public service, with keys.
    pub(crate) fn through_proxy(self) -> Self {
        let proxy = self.test.service().proxy();
        let (url, label) = (proxy.url("me:word"), proxy.label());
        self.env_var("WORKDAY_API_KEY", "the-key")
            .env_var("WORKDAY_USER_TOKEN", "the-token")
            .env_var("WORKDAY_USER_EMAIL", "me@example.com")
            .env_var("KEELVAR_API_KEY", "the-key")
            .env_var("KEELVAR_USER_EMAIL", "me@example.com")
            .env_var("HTTPS_PROXY", &url)
            .env_var("NO_PROXY", "")
            .args(["--ca-file", "ca.pem"])
            .prints(format!(
                "the service is reached by way of the proxy {label}\n"
            ))
    }

    /// Gives the run a fast clock on Linux. Elsewhere the clock is unchanged.
    pub(crate) fn with_fast_clock(self) -> Self {
        #[cfg(target_os = "linux")]
        return super::test_disk::speed_up_clock(self);
        #[cfg(not(target_os = "linux"))]
        self
    }

    /// Lets SIGINT end the run even if the tests run with SIGINT ignored, as in the background of a
    /// script or under `nohup`.
    pub(crate) fn interruptible(self) -> Self {
        #[cfg(target_os = "linux")]
        return super::test_disk::interruptible(self);
        #[cfg(not(target_os = "linux"))]
        self
    }

    /// Limits every file to `blocks` blocks of 512 bytes, as on a full disk.
    pub(crate) fn with_file_size_limit(mut self, blocks: usize) -> Self {
        self.shell_prelude = Some(format!("trap '' XFSZ; ulimit -f {blocks}"));
        self
    }

    /// Allows core dumps, as far as the system does.
    pub(crate) fn with_core_dumps(self) -> Self {
        self.with_shell_prelude("ulimit -c $(ulimit -H -c)")
    }

    /// Executes shell commands just before the run, in the process that becomes the run.
    pub(crate) fn with_shell_prelude(mut self, commands: &str) -> Self {
        self.shell_prelude = Some(commands.to_owned());
        self
    }

    /// Gives the run a standard error with nobody at its other end, as after the closing of a
    /// terminal.
    pub(crate) fn with_unread_stderr(self) -> Self {
        self.with_shell_prelude("mkfifo err; { true < err & } ; exec 2> err; wait; rm err")
    }

    /// Calls `act` while the `nth` request of the run is held.
    pub(crate) fn while_held(
        mut self,
        nth: usize,
        moment: HoldMoment,
        act: impl FnOnce(&mut RunningTool<'t>) + 't,
    ) -> Self {
        self.hold = Some((nth, moment, Box::new(act)));
        self
    }

    /// Expects the whole standard output. Placeholders stand for parts which differ from run to
    /// run: `[consign]`, `[base]`, `[label]`, `[folder]` and `[time]`.
    pub(crate) fn stdout(mut self, text: impl Into<String>) -> Self {
        self.expected.stdout = Some(text.into());
        self
    }

    /// Expects the whole standard error, with placeholders as in [`Self::stdout`] and without
    /// progress lines.
    pub(crate) fn stderr(mut self, text: impl Into<String>) -> Self {
        self.expected.stderr = Some(text.into());
        self
    }

    /// Expects a text on standard output or standard error. Without any expected text on standard
    /// error, standard error must be empty.
    pub(crate) fn prints(mut self, text: impl Into<String>) -> Self {
        self.expected.texts.push(text.into());
        self
    }

    /// Accepts anything on standard error, for messages which differ from run to run.
    pub(crate) fn with_any_stderr(mut self) -> Self {
        self.expected.stderr_check = StderrCheck::Ignored;
        self
    }

    /// Expects all lines of the results, each as `external_id status reason`.
    pub(crate) fn rows<'a>(mut self, rows: impl IntoIterator<Item = &'a str>) -> Self {
        self.expected.rows = Some(rows.into_iter().map(str::to_owned).collect());
        self
    }

    /// Expects the given number of rows of [`ImportTest::with_rows`], all uploaded.
    pub(crate) fn all_uploaded(mut self, rows: usize) -> Self {
        let uploaded = |number| format!("A{number} uploaded");
        self.expected.rows = Some((1..=rows).map(uploaded).collect());
        self
    }

    /// Expects all requests of the run, each as `operation external_id status fault`.
    pub(crate) fn requests<'a>(mut self, requests: impl IntoIterator<Item = &'a str>) -> Self {
        self.expected.requests = Some(requests.into_iter().map(str::to_owned).collect());
        self
    }

    /// Expects all stored attachments, each as external id and content.
    pub(crate) fn stored<'a>(
        mut self,
        stored: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let owned = |(id, text): (&str, &str)| (id.to_owned(), text.to_owned());
        self.expected.stored = Some(stored.into_iter().map(owned).collect());
        self
    }

    /// Expects the stored attachments of rows of [`ImportTest::with_rows`].
    pub(crate) fn stored_rows<'a>(mut self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        let with_content = |id: &str| (id.to_owned(), super::content_of(id));
        self.expected.stored = Some(ids.into_iter().map(with_content).collect());
        self
    }

    /// Expects the files of these rows on their objects, once each, and no other file.
    pub(crate) fn attached<'a>(mut self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        self.expected.attached = Some(ids.into_iter().map(str::to_owned).collect());
        self
    }

    /// Kills the run after `delay`, unless the run has ended.
    #[cfg(target_os = "linux")]
    pub(crate) fn killed_after(mut self, delay: Duration) -> Self {
        self.killed_after = Some(delay);
        self
    }

    /// Allows second copies in this and all later runs of the test.
    pub(crate) fn allowing_second_copies(self) -> Self {
        self.test.allows_second_copies.set(true);
        self
    }

    /// Expects a journal as results, because the run ends too suddenly to put the results in order.
    pub(crate) fn leaving_a_journal(mut self) -> Self {
        self.expected.results = ExpectedResults::Journal;
        self
    }

    /// Makes the run, and checks all expectations. The exit code must be `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> FinishedRun {
        self.run_and_judge(|_| code)
    }

    /// Makes the run, as [`Self::exits`] does. A killed run is accepted, too.
    #[track_caller]
    pub(crate) fn killed_or_exits(self, code: i32) -> FinishedRun {
        self.run_and_judge(|found| {
            if found == EXIT_CODE_KILLED {
                EXIT_CODE_KILLED
            } else {
                code
            }
        })
    }

    /// Makes the run, as [`Self::exits`] does. Exit code 0 is accepted, too: the test itself
    /// decides about the rows.
    #[track_caller]
    pub(crate) fn done_or_exits(self, code: i32) -> FinishedRun {
        self.run_and_judge(|found| if found == 0 { 0 } else { code })
    }

    /// Makes the run, as [`Self::exits`] does. A killed run and exit code 0 are accepted, too.
    #[track_caller]
    #[cfg(target_os = "linux")]
    pub(crate) fn killed_or_done_or_exits(self, code: i32) -> FinishedRun {
        self.run_and_judge(|found| match found {
            0 | EXIT_CODE_KILLED => found,
            _ => code,
        })
    }

    /// Makes the run. `expected` maps the actual exit code to the expected one.
    #[track_caller]
    fn run_and_judge(mut self, expected: impl FnOnce(i32) -> i32) -> FinishedRun {
        let before = judge::BeforeRun::capture(&self);
        let held = self.hold.take();
        if let Some((nth, moment, _)) = &held {
            self.test.service().holding_proxy().hold_nth(*nth, *moment);
        }
        let mut running = self.start();
        if let Some((_, _, act)) = held {
            running.wait_until_held();
            act(&mut running);
            self.test.service().holding_proxy().release();
        }
        if let Some(delay) = self.killed_after {
            running.wait_at_most(delay);
            running.kill();
        }
        let (code, stdout, stderr) = running.wait_for_exit();
        judge::judge_run(&self, expected(code), &before, code, &stdout, &stderr)
    }

    /// Returns the command of the tool, started by a shell if the run has limits.
    fn command(&self) -> Command {
        let consign = env!("CARGO_BIN_EXE_consign");
        let Some(limit) = &self.shell_prelude else {
            return Command::new(consign);
        };
        let mut shell = Command::new("sh");
        let limited = format!("{limit}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited, consign]);
        shell
    }

    /// Starts the run, without any check afterwards.
    pub(crate) fn start(&self) -> RunningTool<'t> {
        let output = tempfile::tempdir().unwrap();
        let file = |name| File::create(output.path().join(name)).unwrap();
        let mut command = self.command();
        system::prepare_for_signals(&mut command);
        let child = command
            .args(&self.args)
            .current_dir(self.test.folder())
            .env_clear()
            .envs(system::basic_environment())
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
            end: ToolEnd::OwnOrSignal,
            output,
        }
    }
}

impl ImportTest {
    /// Executes a command printed by the tool in a shell. Returns the exit code and all outputs.
    pub(crate) fn run_shell_command(&self, command: &str) -> (i32, String) {
        let base = self.service().base_url();
        let command = command
            .replace("[consign]", env!("CARGO_BIN_EXE_consign"))
            .replace("[base]", &base);
        let hasty = TestRun::new(self, Vec::new()).with_fast_clock();
        let output = system::shell(&command)
            .current_dir(self.folder())
            .env_clear()
            .envs(system::basic_environment())
            .env("NO_PROXY", "*")
            .envs(hasty.variables)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.code().unwrap_or(EXIT_CODE_KILLED), said)
    }
}
