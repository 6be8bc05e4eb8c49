//! The computer on which runs go on. Its power may fail at any step. After a loss of power, its
//! disk keeps all synced lines and, at random, some of the others.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use consign::model::{AttachmentId, Sha256Digest};
use consign::results::journal::{Journal, JournalClosed};
use consign::results::lost_lines::{LatestLine, LostLines};
use consign::results::{ResultsEntry, Status, StatusReason};
use fastrand::Rng;
use tokio::sync::Notify;
use tokio::time::sleep;

pub(crate) use crate::results_numbers::LostLineKind;
use crate::results_numbers::ResultsNumbers;

/// Power of a run, for a number of steps. A step is taken before and after each request, and on the
/// way of each line to the disk.
pub(crate) struct PowerSupply {
    steps_left: Mutex<Option<u64>>,
    lost: Notify,
}

impl PowerSupply {
    /// Returns power for a number of steps; `None` means for ever.
    pub(crate) fn with_steps(steps: Option<u64>) -> Self {
        Self {
            steps_left: Mutex::new(steps),
            lost: Notify::new(),
        }
    }

    /// Takes a step. Never returns once no step is left.
    pub(crate) async fn take_step(&self) {
        if !self.use_step() {
            self.lost.notify_one();
            pending::<()>().await;
        }
    }

    fn use_step(&self) -> bool {
        match &mut *self.steps_left.lock().unwrap() {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Waits until the power is lost.
    pub(crate) async fn wait_until_lost(&self) {
        self.lost.notified().await;
    }
}

/// Kind of a results line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// Announces the creation of a record.
    Creating,
    /// Names the record, or reports something else of a created record.
    Created,
    /// Announces bytes for a job.
    Sending,
    /// Says that an attachment waits for other bytes than before.
    Replacing,
    /// Says that the row is done.
    Uploaded,
}

impl LineKind {
    fn matches(self, entry: &ResultsEntry) -> bool {
        match self {
            Self::Creating => entry.status == Status::Creating,
            Self::Created => entry.status == Status::Created,
            Self::Sending => entry.reason == StatusReason::Sending,
            Self::Replacing => entry.status == Status::Replacing,
            Self::Uploaded => entry.status == Status::Uploaded,
        }
    }
}

/// Data called durable too early, by a disk that lies or a program that forgot to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DurabilityLie {
    /// Lines of a kind.
    Lines(LineKind),
    /// Backups of replaced content.
    Backups,
}

/// Disk with the lines of the journal and with the backups.
pub(crate) struct SimulatedDisk(Mutex<DiskContents>);

/// Contents of the disk: the results in place, the results displacing them, and the backups.
struct DiskContents {
    lines: Vec<ResultsEntry>,
    numbers: ResultsNumbers,
    /// Number of synced lines.
    durable_lines: usize,
    /// Number of lines until the disk is full. `None` for no limit.
    room_left: Option<usize>,
    /// Earlier version of the results, put in place of the newest: the first lines only.
    displaced_by: Option<Vec<ResultsEntry>>,
    /// Backups by path.
    backups: BTreeMap<String, KeptBackup>,
    lies_about: Option<DurabilityLie>,
    /// `true` for a disk that leaves out the word for a POST without a look-up.
    forgets_unseen_posts: bool,
    random: Rng,
}

/// Backup of an attachment's content.
#[derive(Debug, Clone, Copy)]
struct KeptBackup {
    sha256: Sha256Digest,
    is_durable: bool,
}

impl SimulatedDisk {
    /// Returns an empty disk.
    pub(crate) fn new(seed: u64, lies_about: Option<DurabilityLie>) -> Self {
        Self(Mutex::new(DiskContents {
            lines: Vec::new(),
            numbers: ResultsNumbers::default(),
            durable_lines: 0,
            room_left: None,
            displaced_by: None,
            backups: BTreeMap::new(),
            lies_about,
            forgets_unseen_posts: false,
            random: Rng::with_seed(seed),
        }))
    }

    /// Leaves room for a number of further lines.
    pub(crate) fn set_room(&self, room: Option<usize>) {
        self.0.lock().unwrap().room_left = room;
    }

    /// Writes a durable line outside of a run.
    pub(crate) fn write_durably(&self, entry: ResultsEntry) {
        let mut disk = self.0.lock().unwrap();
        disk.push(entry);
        disk.durable_lines = disk.lines.len();
    }

    /// Writes the file anew, with the newest line of each row.
    pub(crate) fn rewrite_results(&self) {
        let disk = &mut *self.0.lock().unwrap();
        disk.numbers.rewrite(&disk.lines[..disk.durable_lines]);
    }

    /// Removes some lines, as a person filtering the file would, but never lines whose loss no
    /// reader could notice. Returns the number of removed lines.
    pub(crate) fn filter_out_lines(&self, random: &mut Rng) -> usize {
        self.0.lock().unwrap().numbers.filter_out_lines(random)
    }

    /// Returns the losses noticed by a reader of the file.
    pub(crate) fn lost_lines(&self) -> LostLines {
        let disk = self.0.lock().unwrap();
        disk.numbers.lost_lines(&disk.lines)
    }

    /// Returns the newest durable line of a row, as the count of lines sees it.
    pub(crate) fn counting_line(&self, external_id: &str) -> Option<LatestLine> {
        let disk = self.0.lock().unwrap();
        let (place, line) = disk.newest_durable_line(external_id)?;
        Some(LatestLine {
            serial: disk.numbers.serial(place)?,
            row_when_written: line.row.and_then(|row| u32::try_from(row).ok()),
            was_done: line.was_done(),
        })
    }

    /// Returns `true` if people have filtered out a line of a row, of the given kind, and have not
    /// put the line back.
    pub(crate) fn has_lost(&self, external_id: &str, what: LostLineKind) -> bool {
        let disk = self.0.lock().unwrap();
        let mut lost = disk.numbers.lost_places().map(|place| &disk.lines[place]);
        lost.any(|line| {
            let is_it = what == LostLineKind::AnyLine || line.attachment_id.is_some();
            line.external_id == external_id && is_it
        })
    }

    /// Puts back a copy of the file from before the loss of lines.
    pub(crate) fn restore_filtered_lines(&self) {
        self.0.lock().unwrap().numbers.restore_filtered_lines();
    }

    /// Stops the count of lines, as if no line gave the number of lines.
    pub(crate) fn stop_counting_lines(&self) {
        self.0.lock().unwrap().numbers.stop_counting();
    }

    /// Leaves the word for a POST without a look-up out of all lines.
    pub(crate) fn forget_unseen_posts(&self) {
        self.0.lock().unwrap().forgets_unseen_posts = true;
    }

    /// Makes all lines and backups durable: the run has ended in good order.
    pub(crate) fn sync_all(&self) {
        let mut disk = self.0.lock().unwrap();
        disk.durable_lines = disk.lines.len();
        for kept in disk.backups.values_mut() {
            kept.is_durable = true;
        }
    }

    /// Loses the power: the disk keeps all durable lines and a random number of the others, and
    /// durable backups only.
    pub(crate) fn lose_power(&self) {
        let mut disk = self.0.lock().unwrap();
        let (durable, written) = (disk.durable_lines, disk.lines.len());
        let left = disk.random.usize(durable..=written);
        disk.lines.truncate(left);
        disk.numbers.truncate(left);
        disk.durable_lines = left;
        disk.backups.retain(|_, kept| kept.is_durable);
    }

    /// Puts an earlier version of the results in the place of the newest while a run writes, with
    /// the given percentage of the lines.
    pub(crate) fn displace_results(&self, percent: usize) {
        let mut disk = self.0.lock().unwrap();
        let lines = disk.durable_lines * percent / 100;
        disk.displaced_by = Some(disk.lines[..lines].to_vec());
    }

    /// Returns `true` if the next run would read other results than the last run has written.
    pub(crate) fn results_are_displaced(&self) -> bool {
        self.0.lock().unwrap().displaced_by.is_some()
    }

    /// Puts the newest results back: the run has noticed the displacement and notified the user.
    pub(crate) fn restore_results(&self) {
        self.0.lock().unwrap().displaced_by = None;
    }

    /// Takes the displacing results for the next run.
    pub(crate) fn adopt_displaced_results(&self) {
        let mut disk = self.0.lock().unwrap();
        if let Some(lines) = disk.displaced_by.take() {
            disk.durable_lines = lines.len();
            disk.numbers.replace_with(lines.len());
            disk.lines = lines;
        }
    }

    /// Writes a backup, which is not durable yet.
    pub(crate) fn write_backup(&self, path: &str, sha256: Sha256Digest) {
        let mut disk = self.0.lock().unwrap();
        let is_durable = false;
        let kept = KeptBackup { sha256, is_durable };
        disk.backups.entry(path.to_owned()).or_insert(kept);
    }

    /// Makes a backup durable, unless the disk lies about backups.
    pub(crate) fn sync_backup(&self, path: &str) {
        let mut disk = self.0.lock().unwrap();
        let is_durable = disk.lies_about != Some(DurabilityLie::Backups);
        if let Some(kept) = disk.backups.get_mut(path) {
            kept.is_durable |= is_durable;
        }
    }

    /// Returns the digest of a backup.
    pub(crate) fn backup_digest(&self, path: &str) -> Option<Sha256Digest> {
        let disk = self.0.lock().unwrap();
        disk.backups.get(path).map(|kept| kept.sha256)
    }

    /// Returns the digest of a backup if the backup is durable.
    pub(crate) fn durable_backup_digest(&self, path: &str) -> Option<Sha256Digest> {
        let disk = self.0.lock().unwrap();
        let kept = disk.backups.get(path).filter(|kept| kept.is_durable);
        kept.map(|kept| kept.sha256)
    }

    /// Returns the newest durable line of a row.
    pub(crate) fn durable_line(&self, external_id: &str) -> Option<ResultsEntry> {
        let disk = self.0.lock().unwrap();
        disk.newest_durable_line(external_id)
            .map(|(_, line)| line.clone())
    }

    /// Returns the newest durable line of each row, where the line names the attachment.
    pub(crate) fn durable_lines_naming(&self, id: &AttachmentId) -> Vec<ResultsEntry> {
        let disk = self.0.lock().unwrap();
        let newest: BTreeMap<&str, &ResultsEntry> = disk
            .durable_lines_in_file()
            .map(|(_, line)| (line.external_id.as_str(), line))
            .collect();
        let of_it = newest.into_values();
        let of_it = of_it.filter(|line| line.attachment_id.as_ref() == Some(id));
        of_it.cloned().collect()
    }

    /// Returns all durable lines naming the attachment.
    pub(crate) fn all_durable_lines_naming(&self, id: &AttachmentId) -> Vec<ResultsEntry> {
        let disk = self.0.lock().unwrap();
        let durable = disk.lines[..disk.durable_lines].iter();
        let of_it = durable.filter(|line| line.attachment_id.as_ref() == Some(id));
        of_it.cloned().collect()
    }
}

impl DiskContents {
    fn append(&mut self, entry: ResultsEntry) -> Result<(), JournalClosed> {
        match &mut self.room_left {
            Some(0) => return Err(JournalClosed),
            Some(room) => *room -= 1,
            None => {}
        }
        self.push(entry);
        Ok(())
    }

    fn push(&mut self, entry: ResultsEntry) {
        self.lines.push(entry);
        self.numbers.append();
    }

    /// Returns the durable lines in the file, with their places among all lines ever written.
    fn durable_lines_in_file(&self) -> impl DoubleEndedIterator<Item = (usize, &ResultsEntry)> {
        let durable = self.lines[..self.durable_lines].iter().enumerate();
        durable.filter(|(place, _)| self.numbers.serial(*place).is_some())
    }

    fn newest_durable_line(&self, external_id: &str) -> Option<(usize, &ResultsEntry)> {
        let mut newest_first = self.durable_lines_in_file().rev();
        newest_first.find(|(_, line)| line.external_id == external_id)
    }
}

/// Journal of a run.
pub(crate) struct SimulatedJournal<'a> {
    pub(crate) disk: &'a SimulatedDisk,
    pub(crate) power: &'a PowerSupply,
    pub(crate) sight: ResultsSight,
}

/// Choice whether a run checks the place of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultsSight {
    Checked,
    Unchecked,
}

impl SimulatedJournal<'_> {
    fn check_results_in_place(&self) -> Result<(), JournalClosed> {
        match self.sight {
            ResultsSight::Checked if self.disk.results_are_displaced() => Err(JournalClosed),
            ResultsSight::Checked | ResultsSight::Unchecked => Ok(()),
        }
    }
}

impl Journal for SimulatedJournal<'_> {
    async fn check_in_place(&self) -> Result<(), JournalClosed> {
        self.check_results_in_place()
    }

    async fn record(&self, entries: Vec<ResultsEntry>) -> Result<(), JournalClosed> {
        self.power.take_step().await;
        self.check_results_in_place()?;
        let (length, lie, sync_time) = {
            let mut disk = self.disk.0.lock().unwrap();
            let lie = match disk.lies_about {
                Some(DurabilityLie::Lines(line)) => entries.iter().any(|entry| line.matches(entry)),
                Some(DurabilityLie::Backups) | None => false,
            };
            // The power may fail, or the disk be full, after each of the lines.
            for mut entry in entries {
                if disk.forgets_unseen_posts && entry.reason == StatusReason::NotLookedUp {
                    entry.reason = StatusReason::None;
                }
                disk.append(entry)?;
            }
            let sync_time = Duration::from_millis(disk.random.u64(0..20));
            (disk.lines.len(), lie, sync_time)
        };
        if lie {
            return Ok(());
        }
        self.power.take_step().await;
        sleep(sync_time).await;
        self.power.take_step().await;
        {
            // There is one file: a sync covers all lines written before.
            let mut disk = self.disk.0.lock().unwrap();
            disk.durable_lines = disk.durable_lines.max(length);
        }
        self.power.take_step().await;
        self.check_results_in_place()
    }
}
