//! The machine on which runs go on: its power, which may go at any step, and its disk, which keeps
//! what was synced and, of the rest, as much as it pleases.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use consign::model::{AttachmentId, Sha256Digest};
use consign::results::census::{CountingLine, LostLines};
use consign::results::journal::{Journal, JournalClosed};
use consign::results::{Entry, Reason, Status};
use fastrand::Rng;
use tokio::sync::Notify;
use tokio::time::sleep;

pub(crate) use crate::file::Loss;
use crate::file::ResultsNumbers;

/// The power of a run: it lasts for so many steps. Before and after each request, and on the way
/// of each line to the disk, a step is taken.
pub(crate) struct Power {
    steps_left: Mutex<Option<u64>>,
    lost: Notify,
}

impl Power {
    /// Power for so many steps, or for ever.
    pub(crate) fn lasting(steps: Option<u64>) -> Self {
        Self {
            steps_left: Mutex::new(steps),
            lost: Notify::new(),
        }
    }

    /// Goes on, or never does.
    pub(crate) async fn step(&self) {
        if !self.lasts() {
            self.lost.notify_one();
            pending::<()>().await;
        }
    }

    fn lasts(&self) -> bool {
        match &mut *self.steps_left.lock().unwrap() {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Resolves once the power is lost.
    pub(crate) async fn lost(&self) {
        self.lost.notified().await;
    }
}

/// A kind of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// It announces that a record is to be made.
    Creating,
    /// It names the record, or says anything else of one that was made.
    Created,
    /// It announces that bytes are sent to a job.
    Sending,
    /// It says that an attachment waits for other bytes than it had.
    Replacing,
    /// It says that all is done.
    Uploaded,
}

impl Line {
    fn is(self, entry: &Entry) -> bool {
        match self {
            Self::Creating => entry.status == Status::Creating,
            Self::Created => entry.status == Status::Created,
            Self::Sending => entry.reason == Reason::Sending,
            Self::Replacing => entry.status == Status::Replacing,
            Self::Uploaded => entry.status == Status::Uploaded,
        }
    }
}

/// What is called durable before it is: a disk that lies, or a program that forgot to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Lines of this kind.
    Lines(Line),
    /// What was kept of attachments.
    Backups,
}

/// The journal's lines and the backups, on a disk.
pub(crate) struct Disk(Mutex<Written>);

struct Written {
    lines: Vec<Entry>,
    file: ResultsNumbers,
    /// So many of them have been synced.
    durable: usize,
    /// So many more can be written before the disk is full.
    room: Option<usize>,
    /// What somebody has put in the place of the results: some of the lines that they once had.
    displaced_by: Option<Vec<Entry>>,
    /// What was kept, by its path.
    backups: BTreeMap<String, Kept>,
    lies_about: Option<Lie>,
    random: Rng,
}

/// A file that holds what an attachment held.
#[derive(Debug, Clone, Copy)]
struct Kept {
    sha256: Sha256Digest,
    is_durable: bool,
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new(seed: u64, lies_about: Option<Lie>) -> Self {
        Self(Mutex::new(Written {
            lines: Vec::new(),
            file: ResultsNumbers::default(),
            durable: 0,
            room: None,
            displaced_by: None,
            backups: BTreeMap::new(),
            lies_about,
            random: Rng::with_seed(seed),
        }))
    }

    /// Has room for so many more lines.
    pub(crate) fn leave_room(&self, room: Option<usize>) {
        self.0.lock().unwrap().room = room;
    }

    /// Writes a line outside of a run.
    pub(crate) fn write(&self, entry: Entry) {
        let mut disk = self.0.lock().unwrap();
        disk.push(entry);
        disk.durable = disk.lines.len();
    }

    /// The file is written anew, with the newest line of each row.
    pub(crate) fn put_in_order(&self) {
        let disk = &mut *self.0.lock().unwrap();
        disk.file.put_in_order(&disk.lines[..disk.durable]);
    }

    /// Somebody filters the file: some of its lines are gone, but not those by which nobody could know
    /// it. Returns how many.
    pub(crate) fn lose_lines(&self, random: &mut Rng) -> usize {
        self.0.lock().unwrap().file.lose_lines(random)
    }

    /// What a reader of the file knows of lines that are gone.
    pub(crate) fn lost(&self) -> LostLines {
        let disk = self.0.lock().unwrap();
        disk.file.lost(&disk.lines)
    }

    /// The newest line of a row that is there, by its numbers.
    pub(crate) fn counting_line(&self, external_id: &str) -> Option<CountingLine> {
        let disk = self.0.lock().unwrap();
        let (place, line) = disk.newest(external_id)?;
        Some(CountingLine {
            serial: disk.file.serial(place)?,
            row: line.row.and_then(|row| u32::try_from(row).ok()),
            done: line.was_done(),
        })
    }

    /// Whether a row has lost a line, ever; one that names a record, where that is what is asked.
    pub(crate) fn has_lost(&self, external_id: &str, what: Loss) -> bool {
        let disk = self.0.lock().unwrap();
        let mut lost = disk.file.gone().map(|place| &disk.lines[place]);
        lost.any(|line| {
            let is_it = what == Loss::OfAnything || line.attachment_id.is_some();
            line.external_id == external_id && is_it
        })
    }

    /// Somebody puts back a copy of the file from before lines of it were lost.
    pub(crate) fn put_lines_back(&self) {
        self.0.lock().unwrap().file.put_back();
    }

    /// Nobody counts lines, as if they did not say how many there were.
    pub(crate) fn count_no_lines(&self) {
        self.0.lock().unwrap().file.count_no_lines();
    }

    /// The run has ended in good order: all that was written is there.
    pub(crate) fn flush(&self) {
        let mut disk = self.0.lock().unwrap();
        disk.durable = disk.lines.len();
        for kept in disk.backups.values_mut() {
            kept.is_durable = true;
        }
    }

    /// The power went: of what was not synced, as much is there as pleases the disk.
    pub(crate) fn lose_power(&self) {
        let mut disk = self.0.lock().unwrap();
        let (durable, written) = (disk.durable, disk.lines.len());
        let left = disk.random.usize(durable..=written);
        disk.lines.truncate(left);
        disk.file.truncate(left);
        disk.durable = left;
        disk.backups.retain(|_, kept| kept.is_durable);
    }

    /// Somebody puts an earlier version of the results in their place while a run writes to them: one
    /// that has so many hundredths of their lines.
    pub(crate) fn displace(&self, percent: usize) {
        let mut disk = self.0.lock().unwrap();
        let lines = disk.durable * percent / 100;
        disk.displaced_by = Some(disk.lines[..lines].to_vec());
    }

    /// Whether the next run would read something else than this one has written.
    pub(crate) fn is_displaced(&self) -> bool {
        self.0.lock().unwrap().displaced_by.is_some()
    }

    /// The run has noticed that its results were displaced, and somebody has put back what it knew.
    pub(crate) fn put_back(&self) {
        self.0.lock().unwrap().displaced_by = None;
    }

    /// The next run reads what is in the place of the results.
    pub(crate) fn read_what_is_there(&self) {
        let mut disk = self.0.lock().unwrap();
        if let Some(lines) = disk.displaced_by.take() {
            disk.durable = lines.len();
            disk.file.is_another(lines.len());
            disk.lines = lines;
        }
    }

    /// Writes a backup, which is not durable yet.
    pub(crate) fn write_backup(&self, path: &str, sha256: Sha256Digest) {
        let mut disk = self.0.lock().unwrap();
        let is_durable = false;
        let kept = Kept { sha256, is_durable };
        disk.backups.entry(path.to_owned()).or_insert(kept);
    }

    /// Makes a backup durable, unless the disk lies about it.
    pub(crate) fn sync_backup(&self, path: &str) {
        let mut disk = self.0.lock().unwrap();
        let is_durable = disk.lies_about != Some(Lie::Backups);
        if let Some(kept) = disk.backups.get_mut(path) {
            kept.is_durable |= is_durable;
        }
    }

    /// What a backup holds.
    pub(crate) fn backup(&self, path: &str) -> Option<Sha256Digest> {
        let disk = self.0.lock().unwrap();
        disk.backups.get(path).map(|kept| kept.sha256)
    }

    /// What a backup holds that a loss of power would leave there.
    pub(crate) fn durable_backup(&self, path: &str) -> Option<Sha256Digest> {
        let disk = self.0.lock().unwrap();
        let kept = disk.backups.get(path).filter(|kept| kept.is_durable);
        kept.map(|kept| kept.sha256)
    }

    /// The newest line of a row that a loss of power would leave there.
    pub(crate) fn durable(&self, external_id: &str) -> Option<Entry> {
        let disk = self.0.lock().unwrap();
        disk.newest(external_id).map(|(_, line)| line.clone())
    }

    /// The newest lines of rows that a loss of power would leave there, where they name an
    /// attachment.
    pub(crate) fn durable_of(&self, id: &AttachmentId) -> Vec<Entry> {
        let disk = self.0.lock().unwrap();
        let newest: BTreeMap<&str, &Entry> = disk
            .in_file()
            .map(|(_, line)| (line.external_id.as_str(), line))
            .collect();
        let of_it = newest.into_values();
        let of_it = of_it.filter(|line| line.attachment_id.as_ref() == Some(id));
        of_it.cloned().collect()
    }

    /// All lines that a loss of power would leave there and that name an attachment.
    pub(crate) fn history_of(&self, id: &AttachmentId) -> Vec<Entry> {
        let disk = self.0.lock().unwrap();
        let durable = disk.lines[..disk.durable].iter();
        let of_it = durable.filter(|line| line.attachment_id.as_ref() == Some(id));
        of_it.cloned().collect()
    }
}

impl Written {
    fn append(&mut self, entry: Entry) -> Result<(), JournalClosed> {
        match &mut self.room {
            Some(0) => return Err(JournalClosed),
            Some(room) => *room -= 1,
            None => {}
        }
        self.push(entry);
        Ok(())
    }

    fn push(&mut self, entry: Entry) {
        self.lines.push(entry);
        self.file.append();
    }

    /// The durable lines that are in the file, with their places among all that were ever written.
    fn in_file(&self) -> impl DoubleEndedIterator<Item = (usize, &Entry)> {
        let durable = self.lines[..self.durable].iter().enumerate();
        durable.filter(|(place, _)| self.file.serial(*place).is_some())
    }

    fn newest(&self, external_id: &str) -> Option<(usize, &Entry)> {
        let mut newest_first = self.in_file().rev();
        newest_first.find(|(_, line)| line.external_id == external_id)
    }
}

/// The journal of one run.
pub(crate) struct DiskJournal<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) power: &'a Power,
    pub(crate) sight: Sight,
}

/// Whether a run looks at the place of its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    Open,
    Blind,
}

impl DiskJournal<'_> {
    fn stands_in_place(&self) -> Result<(), JournalClosed> {
        match self.sight {
            Sight::Open if self.disk.is_displaced() => Err(JournalClosed),
            Sight::Open | Sight::Blind => Ok(()),
        }
    }
}

impl Journal for DiskJournal<'_> {
    async fn look(&self) -> Result<(), JournalClosed> {
        self.stands_in_place()
    }

    async fn record(&self, entries: Vec<Entry>) -> Result<(), JournalClosed> {
        self.power.step().await;
        self.stands_in_place()?;
        let (length, lie, sync_time) = {
            let mut disk = self.disk.0.lock().unwrap();
            let lie = match disk.lies_about {
                Some(Lie::Lines(line)) => entries.iter().any(|entry| line.is(entry)),
                Some(Lie::Backups) | None => false,
            };
            // The power may be gone, or the disk full, after each of the lines.
            for entry in entries {
                disk.append(entry)?;
            }
            let sync_time = Duration::from_millis(disk.random.u64(0..20));
            (disk.lines.len(), lie, sync_time)
        };
        if lie {
            return Ok(());
        }
        self.power.step().await;
        sleep(sync_time).await;
        self.power.step().await;
        {
            // One file: what was written before is synced with it.
            let mut disk = self.disk.0.lock().unwrap();
            disk.durable = disk.durable.max(length);
        }
        self.power.step().await;
        self.stands_in_place()
    }
}
