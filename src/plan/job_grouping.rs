//! The grouping of rows into jobs: a job has rows of one object, few enough to send all of their
//! files within the minute for which a job's addresses live.

use std::collections::{HashMap, HashSet};

use crate::model::{AttachmentId, ObjectRef};
use crate::text::{fold_case_and_accents, without_blanks};

/// Highest number of jobs of one object searched for free room. A file without room in these jobs
/// gets a job of its own, lest the time for a manifest of large files grow with the square of its
/// rows.
const MAX_OPEN_JOBS_SEARCHED: usize = 16;

/// Limits of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLimits {
    /// Highest number of files.
    pub max_files: usize,
    /// Highest number of bytes in all. A larger file gets a job alone.
    pub max_bytes: u64,
}

/// Facts about a row in need of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCandidate {
    /// Index of the row in the manifest.
    pub index: u32,
    /// Object of the row's file.
    pub object: ObjectRef,
    /// Job of the row in an earlier run; `None` for a row without an earlier job.
    pub job: Option<AttachmentId>,
    /// Name of the file in the job.
    pub file_name: String,
    /// Size of the file in bytes.
    pub size: u64,
}

/// A job in the making.
#[derive(Debug, Default)]
struct OpenJob {
    rows: Vec<u32>,
    names: HashSet<String>,
    bytes: u64,
}

/// Limits of an earlier job, which keeps all of its rows. Rows of an earlier job may go into
/// another job, then only with each other, so the rows have to be fit to share a job.
const NO_JOB_LIMITS: JobLimits = JobLimits {
    max_files: usize::MAX,
    max_bytes: u64::MAX,
};

/// Groups rows into jobs, in the order of the rows. The rows of an earlier job stay together,
/// except rows that now belong to another object, and come first: their addresses may still be
/// good. In a new job no two file names differ in nothing but case, blanks or the spelling of
/// accents, since nobody knows which names the service takes for the same.
pub fn group_into_jobs(
    candidates: impl IntoIterator<Item = JobCandidate>,
    limits: JobLimits,
) -> Vec<Vec<u32>> {
    let mut earlier: InsertionOrderMap<(AttachmentId, ObjectRef), Vec<OpenJob>> =
        InsertionOrderMap::default();
    let mut new: InsertionOrderMap<ObjectRef, Vec<OpenJob>> = InsertionOrderMap::default();
    for candidate in candidates {
        let object = candidate.object;
        match candidate.job.clone() {
            Some(job) => place_in_job(
                earlier.entry_or_default((job, object)),
                &candidate,
                NO_JOB_LIMITS,
            ),
            None => place_in_job(new.entry_or_default(object), &candidate, limits),
        }
    }
    let jobs = earlier.values.into_iter().chain(new.values).flatten();
    jobs.map(|open| open.rows).collect()
}

fn place_in_job(jobs: &mut Vec<OpenJob>, candidate: &JobCandidate, limits: JobLimits) {
    let name = fold_case_and_accents(&without_blanks(&candidate.file_name)).into_owned();
    let latest = jobs.len().saturating_sub(MAX_OPEN_JOBS_SEARCHED);
    let fits = |job: &&mut OpenJob| {
        job.rows.len() < limits.max_files
            && job.bytes.saturating_add(candidate.size) <= limits.max_bytes
            && !job.names.contains(&name)
    };
    let job = match jobs[latest..].iter_mut().find(fits) {
        Some(job) => job,
        None => jobs.push_mut(OpenJob::default()),
    };
    job.rows.push(candidate.index);
    job.bytes = job.bytes.saturating_add(candidate.size);
    job.names.insert(name);
}

/// Values by key, in the order in which the keys came.
#[derive(Debug)]
struct InsertionOrderMap<K, V> {
    positions: HashMap<K, usize>,
    values: Vec<V>,
}

impl<K, V> Default for InsertionOrderMap<K, V> {
    fn default() -> Self {
        Self {
            positions: HashMap::new(),
            values: Vec::new(),
        }
    }
}

impl<K: Eq + std::hash::Hash, V: Default> InsertionOrderMap<K, V> {
    fn entry_or_default(&mut self, key: K) -> &mut V {
        let place = *self.positions.entry(key).or_insert(self.values.len());
        if place == self.values.len() {
            self.values.push(V::default());
        }
        &mut self.values[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectType;

    const LIMITS: JobLimits = JobLimits {
        max_files: 3,
        max_bytes: 100,
    };

    fn file(index: u32, object: u32, file_name: &str, size: u64) -> JobCandidate {
        let id = format!("00000000-0000-0000-0000-{object:012}");
        JobCandidate {
            index,
            object: ObjectRef::parse(ObjectType::SourcingEvent, &id).unwrap(),
            job: None,
            file_name: file_name.into(),
            size,
        }
    }

    fn small(index: u32, object: u32) -> JobCandidate {
        file(index, object, &format!("{index}.pdf"), 1)
    }

    #[test]
    fn rows_of_one_object_share_jobs_wherever_they_stand() {
        let rows = [
            small(0, 1),
            small(1, 2),
            small(2, 1),
            small(3, 1),
            small(4, 2),
            small(5, 1),
        ];
        assert_eq!(
            group_into_jobs(rows, LIMITS),
            [vec![0, 2, 3], vec![5], vec![1, 4]]
        );
    }

    #[test]
    fn large_files_share_a_job_with_few_others_or_none() {
        let rows = [
            file(0, 1, "a", 60),
            file(1, 1, "b", 60),
            file(2, 1, "c", 40),
            file(3, 1, "d", 1_000),
            file(4, 1, "e", 40),
        ];
        assert_eq!(
            group_into_jobs(rows, LIMITS),
            [vec![0, 2], vec![1, 4], vec![3]]
        );
    }

    #[test]
    fn the_same_file_name_goes_into_different_jobs_whatever_its_case() {
        let rows = [
            file(0, 1, "a.pdf", 1),
            file(1, 1, "A.PDF", 1),
            file(2, 2, "a.pdf", 1),
            file(3, 1, "b.pdf", 1),
        ];
        assert_eq!(
            group_into_jobs(rows, LIMITS),
            [vec![0, 3], vec![1], vec![2]]
        );
    }

    #[test]
    fn names_that_a_service_may_spell_alike_go_into_different_jobs() {
        let rows = [
            file(0, 1, "caf\u{e9}.pdf", 1),
            file(1, 1, "cafe\u{301}.pdf", 1),
            file(2, 1, "a b.pdf", 1),
            file(3, 1, "a  b.pdf", 1),
        ];
        assert_eq!(group_into_jobs(rows, LIMITS), [vec![0, 2], vec![1, 3]]);
    }

    #[test]
    fn the_rows_of_an_earlier_job_stay_together_and_come_first() {
        let of_job = |candidate, job| JobCandidate {
            job: Some(AttachmentId::parse(job).unwrap()),
            ..candidate
        };
        let rows = [
            small(0, 1),
            of_job(small(1, 1), "j1"),
            of_job(small(2, 1), "j2"),
            of_job(file(3, 1, "3.pdf", 500), "j1"),
            small(4, 1),
        ];
        assert_eq!(
            group_into_jobs(rows, LIMITS),
            [vec![1, 3], vec![2], vec![0, 4]]
        );
    }

    #[test]
    fn rows_of_an_earlier_job_that_can_share_no_other_one_go_on_apart() {
        let of_job = |candidate| JobCandidate {
            job: Some(AttachmentId::parse("j1").unwrap()),
            ..candidate
        };
        let rows = [
            of_job(small(0, 1)),
            of_job(small(1, 2)),
            of_job(file(2, 1, "0.PDF", 1)),
            of_job(small(3, 1)),
        ];
        assert_eq!(
            group_into_jobs(rows, LIMITS),
            [vec![0, 3], vec![2], vec![1]]
        );
    }
}
