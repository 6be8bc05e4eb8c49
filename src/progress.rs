//! Progress of a run on standard error: bars on a terminal, lines every few seconds elsewhere.
//!
//! The only user of `indicatif`, and the only receiver of events.

mod run_tally;

use std::collections::{HashSet, VecDeque};
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::destination::BudgetKind;
use crate::event::{EventSender, RunEvent};
use crate::prepare::HashProgress;
use crate::text::{count_with_noun, escape, group_thousands, quoted, write_stderr};

pub use run_tally::{RunTally, Workload};

/// Interval between two progress lines without a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Interval between two updates of a bar.
const BAR_INTERVAL: Duration = Duration::from_millis(200);

/// Amount of messages from a command on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// Notices and progress.
    Normal,
    /// Log lines for the steps of the work, too.
    Steps,
    /// Log lines for the details of each step, too.
    Details,
    /// All log lines.
    Everything,
}

/// Form in which progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressForm {
    /// Moving bars.
    Bars,
    /// Lines, one every few seconds.
    Lines,
    /// No progress at all.
    Silent,
}

impl ProgressForm {
    /// Chooses the form for the terminal and the verbosity. Log lines exclude bars, because each
    /// would spoil the other.
    pub fn choose(verbosity: Verbosity) -> Self {
        match verbosity {
            Verbosity::Quiet => Self::Silent,
            Verbosity::Normal if std::io::stderr().is_terminal() => Self::Bars,
            Verbosity::Normal | Verbosity::Steps | Verbosity::Details | Verbosity::Everything => {
                Self::Lines
            }
        }
    }

    fn bar(self, template: &str) -> ProgressBar {
        let target = match self {
            Self::Bars => ProgressDrawTarget::stderr(),
            Self::Lines | Self::Silent => ProgressDrawTarget::hidden(),
        };
        let style = ProgressStyle::with_template(template).expect("a template of ours");
        ProgressBar::with_draw_target(Some(0), target).with_style(style)
    }
}

/// Progress of the hashing, shown until the value is dropped.
#[derive(Debug)]
pub struct HashingProgress {
    counts: Arc<HashingCounts>,
    bar: ProgressBar,
    ticker: Option<JoinHandle<()>>,
}

/// Counts of the hashing, shared with the thread that writes lines.
#[derive(Debug, Default)]
struct HashingCounts {
    files: AtomicU64,
    all_files: AtomicU64,
    bytes: AtomicU64,
    all_bytes: AtomicU64,
    ended: AtomicBool,
}

impl HashingProgress {
    /// Starts to show progress.
    pub fn start(style: ProgressForm) -> Self {
        let counts = Arc::new(HashingCounts::default());
        let ticker = (style == ProgressForm::Lines).then(|| {
            let figures = Arc::clone(&counts);
            std::thread::spawn(move || figures.write_lines())
        });
        Self {
            counts,
            bar: style.bar("checking {wide_bar} {bytes}/{total_bytes} {msg}"),
            ticker,
        }
    }
}

impl HashingCounts {
    fn write_lines(&self) {
        while !self.ended.load(Ordering::Acquire) {
            std::thread::park_timeout(LINE_INTERVAL);
            if !self.ended.load(Ordering::Acquire) {
                write_stderr(&format!("checking: {}\n", self.progress_words()));
            }
        }
    }

    fn progress_words(&self) -> String {
        let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        format!(
            "{} of {} files, {} of {}",
            group_thousands(load(&self.files)),
            group_thousands(load(&self.all_files)),
            human_size(load(&self.bytes)),
            human_size(load(&self.all_bytes)),
        )
    }
}

impl HashProgress for HashingProgress {
    fn begin(&self, files: u64, bytes: u64) {
        self.counts.all_files.store(files, Ordering::Relaxed);
        self.counts.all_bytes.store(bytes, Ordering::Relaxed);
        self.bar.set_length(bytes);
    }

    fn add_bytes(&self, more: u64) {
        self.counts.bytes.fetch_add(more, Ordering::Relaxed);
        self.bar.inc(more);
    }

    fn add_file(&self) {
        let done = self.counts.files.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.bar.is_hidden() && done.is_multiple_of(64) {
            let all = self.counts.all_files.load(Ordering::Relaxed);
            let words = format!(
                "{} of {} files",
                group_thousands(done),
                group_thousands(all)
            );
            self.bar.set_message(words);
        }
    }
}

impl Drop for HashingProgress {
    fn drop(&mut self) {
        self.counts.ended.store(true, Ordering::Release);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            // The panic of a ticker was shown already, and spoils nothing else.
            let _ = ticker.join();
        }
        self.bar.finish_and_clear();
    }
}

/// Progress of the requests, shown by a thread until the last sender of events is gone.
#[derive(Debug)]
pub struct SendingProgress(JoinHandle<RunTally>);

impl SendingProgress {
    /// Starts to show progress. `what` names the work in messages.
    pub fn start(
        style: ProgressForm,
        what: &'static str,
        workload: Workload,
    ) -> (Self, EventSender) {
        let (events, receiver) = EventSender::channel();
        let display = move || SendingDisplay::new(style, what, workload).follow(&receiver);
        let thread = std::thread::spawn(display);
        (Self(thread), events)
    }

    /// Waits for the last event, and returns the counts. Blocks until all senders of events are
    /// dropped.
    pub fn finish(self) -> RunTally {
        match self.0.join() {
            Ok(tally) => tally,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Display of the requests, on a thread of its own.
struct SendingDisplay {
    style: ProgressForm,
    work_name: &'static str,
    workload: Workload,
    bar: ProgressBar,
    tally: RunTally,
    began: Instant,
    last_shown: Instant,
    /// Numbers of requests at moments of the last seconds, oldest first.
    recent_request_counts: VecDeque<(Instant, u64)>,
    /// True while the user knows of an outage of the service.
    told_service_away: bool,
    /// True while the user knows that the folder of the files is away.
    told_files_away: bool,
    /// Files of which a line has said that another program holds the file.
    told_files_in_use: HashSet<String>,
    /// True once the user knows that the service does not answer for the last rows.
    told_last_rows_unanswered: bool,
}

impl SendingDisplay {
    fn new(style: ProgressForm, work_name: &'static str, workload: Workload) -> Self {
        let bar = style.bar(match workload {
            Workload::Rows(_) => "{prefix} {wide_bar} {pos}/{len} rows {msg}",
            Workload::Records(_) => "{prefix} {wide_bar} {pos}/{len} records {msg}",
            Workload::Attachments(_) => "{prefix} {wide_bar} {pos}/{len} attachments {msg}",
        });
        bar.set_length(workload.total());
        bar.set_prefix(work_name);
        let now = Instant::now();
        Self {
            style,
            work_name,
            workload,
            bar,
            tally: RunTally::default(),
            began: now,
            last_shown: now,
            recent_request_counts: VecDeque::from([(now, 0)]),
            told_service_away: false,
            told_files_away: false,
            told_files_in_use: HashSet::new(),
            told_last_rows_unanswered: false,
        }
    }

    fn follow(mut self, events: &Receiver<RunEvent>) -> RunTally {
        let every = match self.style {
            ProgressForm::Bars => BAR_INTERVAL,
            ProgressForm::Lines | ProgressForm::Silent => LINE_INTERVAL,
        };
        loop {
            let left = every.saturating_sub(self.last_shown.elapsed());
            match events.recv_timeout(left) {
                Ok(event) => {
                    self.tally.count_event(&event);
                    self.write_event_line(&event);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.last_shown.elapsed() >= every {
                self.show();
            }
        }
        self.bar.finish_and_clear();
        self.tally
    }

    /// Writes a line of its own for a noteworthy event, once for each outage.
    fn write_event_line(&mut self, event: &RunEvent) {
        let line = match event {
            RunEvent::ServiceUnavailable { why, wait } if !self.told_service_away => {
                self.told_service_away = true;
                format!(
                    "the service does not answer ({}); the run waits for it, next try in {} s",
                    escape(why),
                    wait.as_secs() + 1
                )
            }
            RunEvent::FilesUnavailable { why } if !self.told_files_away => {
                self.told_files_away = true;
                format!(
                    "the folder of the files is away ({}); the run waits for it",
                    escape(why)
                )
            }
            RunEvent::FilesRecovered if self.told_files_away => {
                self.told_files_away = false;
                "the folder of the files is there again".to_owned()
            }
            RunEvent::FileInUse { file_path }
                if self.told_files_in_use.insert(file_path.clone()) =>
            {
                format!(
                    "{} is in use by another program; the run tries it again for a minute: close \
                     the program that has it open",
                    quoted(file_path)
                )
            }
            RunEvent::LastRowsUnanswered { why } if !self.told_last_rows_unanswered => {
                self.told_last_rows_unanswered = true;
                format!(
                    "the service does not answer for the last rows ({}); they are asked for 5 more \
                     minutes at the most, then left to a later run",
                    escape(why)
                )
            }
            RunEvent::ServiceRecovered if self.told_service_away => {
                self.told_service_away = false;
                "the service answers again".to_owned()
            }
            RunEvent::BudgetExhausted { kind, wait } => format!(
                "the service allows no more {} for now; the run goes on with them at {}, in {}",
                request_class_noun(*kind),
                time_of_day_after(*wait),
                human_duration(wait.as_secs_f64()),
            ),
            RunEvent::Throttled {
                kind: Some(kind),
                wait,
            } if self.tally.throttled == 1 || *wait >= LINE_INTERVAL => format!(
                "the service says that there are too many {}; they wait {} s",
                request_class_noun(*kind),
                wait.as_secs()
            ),
            RunEvent::Throttled { wait, .. } if self.tally.throttled == 1 => format!(
                "the service says that there are too many requests; all wait {} s, then go on \
                 more slowly for a while (does somebody else use the limit?)",
                wait.as_secs()
            ),
            _ => return,
        };
        match self.style {
            ProgressForm::Bars => self.bar.println(line),
            ProgressForm::Lines => write_stderr(&format!("{line}\n")),
            ProgressForm::Silent => {}
        }
    }

    fn show(&mut self) {
        let words = self.progress_words();
        match self.style {
            ProgressForm::Bars => {
                self.bar.set_position(self.workload.ended(&self.tally));
                self.bar.set_message(words);
            }
            ProgressForm::Lines => write_stderr(&format!(
                "{}: {} of {}, {words}\n",
                self.work_name,
                group_thousands(self.workload.ended(&self.tally)),
                count_with_noun(self.workload.total(), self.workload.noun()),
            )),
            ProgressForm::Silent => {}
        }
        self.last_shown = Instant::now();
    }

    /// Requests per second during the last seconds.
    fn requests_per_second(&mut self) -> f64 {
        let now = Instant::now();
        self.recent_request_counts
            .push_back((now, self.tally.requests));
        while self.recent_request_counts.len() > 2
            && now - self.recent_request_counts[1].0 >= LINE_INTERVAL
        {
            self.recent_request_counts.pop_front();
        }
        let (then, requests) = self.recent_request_counts[0];
        let seconds = (now - then).as_secs_f64().max(0.001);
        (self.tally.requests - requests) as f64 / seconds
    }

    fn progress_words(&mut self) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        let per_second = self.requests_per_second();
        let mut words = format!("{per_second:.1} requests/s");
        if let Some(moved) = self.tally.bytes_moved_words() {
            words = format!("{words}, {moved}");
        }
        let failures = self.tally.failed_rows();
        if failures > 0 {
            words = format!("{words}, {} failed", group_thousands(failures));
        }
        let (done, total) = (self.workload.ended(&self.tally), self.workload.total());
        if done > 0 && total > done {
            let left = seconds / done as f64 * (total - done) as f64;
            words = format!("{words}, about {} left", human_duration(left));
        }
        words
    }
}

/// Noun for requests of a kind, in messages about the limit of a kind.
fn request_class_noun(kind: BudgetKind) -> &'static str {
    match kind {
        BudgetKind::Read => "look-ups",
        BudgetKind::Change => "jobs",
    }
}

/// Time of day at the end of a wait, with the date if the wait ends on another day.
fn time_of_day_after(wait: Duration) -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::system());
    let then = now.checked_add(wait).unwrap_or_else(|_| now.clone());
    let form = if then.date() == now.date() {
        "%H:%M %Z"
    } else {
        "%H:%M %Z on %B %-d"
    };
    then.strftime(form).to_string()
}

/// Returns a number of bytes in binary units, for people.
pub fn human_size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

/// Returns a time in seconds in words, for people.
pub fn human_duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    if seconds < 1.0 {
        "less than 1 s".to_owned()
    } else if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else if minutes < 90.0 {
        format!("{minutes:.0} min")
    } else if minutes < 60.0 * 48.0 {
        format!("{:.1} h", minutes / 60.0)
    } else {
        format!("{:.1} days", minutes / 60.0 / 24.0)
    }
}
