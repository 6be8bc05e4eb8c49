//! Progress of a run on standard error: bars on a terminal, lines every few seconds elsewhere.
//!
//! The only user of `indicatif`, and the only receiver of events.

use std::collections::{BTreeMap, VecDeque};
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::destination::Kind;
use crate::event::{Event, Events};
use crate::prepare::Watch;
use crate::results::Status;
use crate::text::{counted, escape, grouped, tell};

/// Interval between two progress lines without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Interval between two updates of a bar.
const BAR_EVERY: Duration = Duration::from_millis(200);

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
pub enum Style {
    /// Moving bars.
    Bars,
    /// Lines, one every few seconds.
    Lines,
    /// No progress at all.
    Silent,
}

impl Style {
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
pub struct Hashing {
    figures: Arc<HashingFigures>,
    bar: ProgressBar,
    ticker: Option<JoinHandle<()>>,
}

/// Counts of the hashing, shared with the thread that writes lines.
#[derive(Debug, Default)]
struct HashingFigures {
    files: AtomicU64,
    all_files: AtomicU64,
    bytes: AtomicU64,
    all_bytes: AtomicU64,
    ended: AtomicBool,
}

impl Hashing {
    /// Starts to show progress.
    pub fn show(style: Style) -> Self {
        let figures = Arc::new(HashingFigures::default());
        let ticker = (style == Style::Lines).then(|| {
            let figures = Arc::clone(&figures);
            std::thread::spawn(move || figures.write_lines())
        });
        Self {
            figures,
            bar: style.bar("checking {wide_bar} {bytes}/{total_bytes} {msg}"),
            ticker,
        }
    }
}

impl HashingFigures {
    fn write_lines(&self) {
        while !self.ended.load(Ordering::Acquire) {
            std::thread::park_timeout(LINE_EVERY);
            if !self.ended.load(Ordering::Acquire) {
                tell(&format!("checking: {}\n", self.words()));
            }
        }
    }

    fn words(&self) -> String {
        let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        format!(
            "{} of {} files, {} of {}",
            grouped(load(&self.files)),
            grouped(load(&self.all_files)),
            size(load(&self.bytes)),
            size(load(&self.all_bytes)),
        )
    }
}

impl Watch for Hashing {
    fn begin(&self, files: u64, bytes: u64) {
        self.figures.all_files.store(files, Ordering::Relaxed);
        self.figures.all_bytes.store(bytes, Ordering::Relaxed);
        self.bar.set_length(bytes);
    }

    fn bytes(&self, more: u64) {
        self.figures.bytes.fetch_add(more, Ordering::Relaxed);
        self.bar.inc(more);
    }

    fn file(&self) {
        let done = self.figures.files.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.bar.is_hidden() && done.is_multiple_of(64) {
            let all = self.figures.all_files.load(Ordering::Relaxed);
            let words = format!("{} of {} files", grouped(done), grouped(all));
            self.bar.set_message(words);
        }
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        self.figures.ended.store(true, Ordering::Release);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            // The panic of a ticker was shown already, and spoils nothing else.
            let _ = ticker.join();
        }
        self.bar.finish_and_clear();
    }
}

/// Counts of the events of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// API requests.
    pub requests: u64,
    /// API requests without changes.
    pub reads: u64,
    /// Records created.
    pub created: u64,
    /// Bytes of files sent, repeated uploads included.
    pub bytes_sent: u64,
    /// Bytes of files received, repeated downloads included.
    pub bytes_received: u64,
    /// Rows whose content in the service was inspected.
    pub inspected: u64,
    /// Answers with status 429.
    pub throttled: u64,
    /// Ended rows, by status.
    pub ended: BTreeMap<Status, u64>,
}

impl Tally {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Request(kind) => {
                self.requests += 1;
                self.reads += u64::from(*kind == Kind::Read);
            }
            Event::Created => self.created += 1,
            Event::Sent(bytes) => self.bytes_sent += bytes,
            Event::Ended { status } => *self.ended.entry(*status).or_default() += 1,
            Event::Inspected => self.inspected += 1,
            Event::Received(bytes) => self.bytes_received += bytes,
            Event::Throttled { .. } => self.throttled += 1,
            Event::Spent { .. }
            | Event::Away { .. }
            | Event::LastRowsUnanswered { .. }
            | Event::Back
            | Event::FilesAway { .. }
            | Event::FilesBack => {}
        }
    }

    fn rows(&self) -> u64 {
        self.ended.values().sum::<u64>() + self.inspected
    }

    /// Bytes sent or received, in words; `None` for a verification without any.
    fn moved(&self) -> Option<String> {
        match (self.bytes_received, self.inspected) {
            (0, 0) => Some(format!("{} sent", size(self.bytes_sent))),
            (0, _) => None,
            (bytes, _) => Some(format!("{} received", size(bytes))),
        }
    }

    fn failures(&self) -> u64 {
        let is_failure = |status: &Status| matches!(status, Status::Failed | Status::Conflict);
        let failed = self.ended.iter().filter(|(status, _)| is_failure(status));
        failed.map(|(_, rows)| rows).sum()
    }
}

/// Progress of the requests, shown by a thread until the last sender of events is gone.
#[derive(Debug)]
pub struct Sending(JoinHandle<Tally>);

impl Sending {
    /// Starts to show progress. `what` names the work in messages; `rows` is the number of rows to
    /// go through.
    pub fn show(style: Style, what: &'static str, rows: u64) -> (Self, Events) {
        let (events, receiver) = Events::channel();
        let thread = std::thread::spawn(move || Display::new(style, what, rows).follow(&receiver));
        (Self(thread), events)
    }

    /// Waits for the last event, and returns the counts. Blocks until all senders of events are
    /// dropped.
    pub fn finish(self) -> Tally {
        match self.0.join() {
            Ok(tally) => tally,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Display of the requests, on a thread of its own.
struct Display {
    style: Style,
    what: &'static str,
    rows: u64,
    bar: ProgressBar,
    tally: Tally,
    began: Instant,
    shown: Instant,
    /// Numbers of requests at moments of the last seconds, oldest first.
    past: VecDeque<(Instant, u64)>,
    /// True while the user knows of an outage of the service.
    away: bool,
    /// True while the user knows that the folder of the files is away.
    files_away: bool,
    /// True once the user knows that the service does not answer for the last rows.
    last_rows_told: bool,
}

impl Display {
    fn new(style: Style, what: &'static str, rows: u64) -> Self {
        let bar = style.bar("{prefix} {wide_bar} {pos}/{len} rows {msg}");
        bar.set_length(rows);
        bar.set_prefix(what);
        let now = Instant::now();
        Self {
            style,
            what,
            rows,
            bar,
            tally: Tally::default(),
            began: now,
            shown: now,
            past: VecDeque::from([(now, 0)]),
            away: false,
            files_away: false,
            last_rows_told: false,
        }
    }

    fn follow(mut self, events: &Receiver<Event>) -> Tally {
        let every = match self.style {
            Style::Bars => BAR_EVERY,
            Style::Lines | Style::Silent => LINE_EVERY,
        };
        loop {
            let left = every.saturating_sub(self.shown.elapsed());
            match events.recv_timeout(left) {
                Ok(event) => {
                    self.tally.take(&event);
                    self.tell(&event);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.shown.elapsed() >= every {
                self.show();
            }
        }
        self.bar.finish_and_clear();
        self.tally
    }

    /// Writes a line of its own for a noteworthy event, once for each outage.
    fn tell(&mut self, event: &Event) {
        let line = match event {
            Event::Away { why, wait } if !self.away => {
                self.away = true;
                format!(
                    "the service does not answer ({}); the run waits for it, next try in {} s",
                    escape(why),
                    wait.as_secs() + 1
                )
            }
            Event::FilesAway { why } if !self.files_away => {
                self.files_away = true;
                format!(
                    "the folder of the files is away ({}); the run waits for it",
                    escape(why)
                )
            }
            Event::FilesBack if self.files_away => {
                self.files_away = false;
                "the folder of the files is there again".to_owned()
            }
            Event::LastRowsUnanswered { why } if !self.last_rows_told => {
                self.last_rows_told = true;
                format!(
                    "the service does not answer for the last rows ({}); they are asked for 5 more \
                     minutes at the most, then left to a later run",
                    escape(why)
                )
            }
            Event::Back if self.away => {
                self.away = false;
                "the service answers again".to_owned()
            }
            Event::Spent { kind, wait } => format!(
                "the service allows no more {} for now; the run goes on with them at {}, in {}",
                in_words(*kind),
                time_after(*wait),
                span(wait.as_secs_f64()),
            ),
            Event::Throttled {
                kind: Some(kind),
                wait,
            } if self.tally.throttled == 1 || *wait >= LINE_EVERY => format!(
                "the service says that there are too many {}; they wait {} s",
                in_words(*kind),
                wait.as_secs()
            ),
            Event::Throttled { wait, .. } if self.tally.throttled == 1 => format!(
                "the service says that there are too many requests; all wait {} s, then go on \
                 more slowly for a while (does somebody else use the limit?)",
                wait.as_secs()
            ),
            _ => return,
        };
        match self.style {
            Style::Bars => self.bar.println(line),
            Style::Lines => tell(&format!("{line}\n")),
            Style::Silent => {}
        }
    }

    fn show(&mut self) {
        let words = self.words();
        match self.style {
            Style::Bars => {
                self.bar.set_position(self.tally.rows());
                self.bar.set_message(words);
            }
            Style::Lines => tell(&format!(
                "{}: {} of {}, {words}\n",
                self.what,
                grouped(self.tally.rows()),
                counted(self.rows, "row"),
            )),
            Style::Silent => {}
        }
        self.shown = Instant::now();
    }

    /// Requests per second during the last seconds.
    fn pace(&mut self) -> f64 {
        let now = Instant::now();
        self.past.push_back((now, self.tally.requests));
        while self.past.len() > 2 && now - self.past[1].0 >= LINE_EVERY {
            self.past.pop_front();
        }
        let (then, requests) = self.past[0];
        let seconds = (now - then).as_secs_f64().max(0.001);
        (self.tally.requests - requests) as f64 / seconds
    }

    fn words(&mut self) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        let per_second = self.pace();
        let mut words = format!("{per_second:.1} requests/s");
        if let Some(moved) = self.tally.moved() {
            words = format!("{words}, {moved}");
        }
        let failures = self.tally.failures();
        if failures > 0 {
            words = format!("{words}, {} failed", grouped(failures));
        }
        let done = self.tally.rows();
        if done > 0 && self.rows > done {
            let left = seconds / done as f64 * (self.rows - done) as f64;
            words = format!("{words}, about {} left", span(left));
        }
        words
    }
}

/// Noun for requests of a kind, in messages about the limit of a kind.
fn in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Read => "look-ups",
        Kind::Change => "jobs",
    }
}

/// Time of day at the end of a wait, with the date if the wait ends on another day.
fn time_after(wait: Duration) -> String {
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
pub fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

/// Returns a time in seconds in words, for people.
pub fn span(seconds: f64) -> String {
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
