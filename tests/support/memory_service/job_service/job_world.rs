//! State of the service for jobs in memory, and the effects of requests.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::super::faulty_delivery;
use super::memory_job::{JobDoom, JobPhase, MemoryJob};
use super::{
    AddressRule, FileOnObjectInMemory, JobServiceRules, JobStartRule, StuckJobRule,
    UnknownObjectRule,
};
use crate::memory_service::{
    LoggedRequest, MemoryAddress, RequestKind, attachment_id, upload_target,
};
use consign::destination::{JobPresence, NewJob, UploadTarget};
use consign::model::CheckedContent;
use consign::throttle::quota::RequestAllowance;

/// Jobs, addresses and request times of the service.
pub(super) struct JobWorld {
    rules: JobServiceRules,
    jobs: BTreeMap<u64, MemoryJob>,
    /// File of each address, and the time of issue.
    addresses: HashMap<MemoryAddress, IssuedAddress>,
    changes: RequestTimes,
    reads: RequestTimes,
    throttled_count: u64,
    log: Vec<LoggedRequest>,
    jobs_made: u64,
    next_address: u64,
}

/// File of a job that an address was issued for, and the time of issue.
#[derive(Debug, Clone, Copy)]
struct IssuedAddress {
    job: u64,
    file: usize,
    at: Instant,
}

/// Change by a request, made on arrival.
#[derive(Clone)]
pub(super) enum JobEffect {
    Create(NewJob),
    Put(MemoryAddress, CheckedContent),
}

/// Result of a change.
pub(super) enum JobEffectOutcome {
    JobMade(u64, Vec<UploadTarget<MemoryAddress>>),
    NoSuchObject,
    Throttled(Duration),
    BytesTaken,
    AddressExpired,
}

impl faulty_delivery::MemoryWorld for JobWorld {
    type Effect = JobEffect;
    type Done = JobEffectOutcome;

    fn apply(&mut self, effect: JobEffect, now: Instant) -> JobEffectOutcome {
        match effect {
            JobEffect::Create(new) => self.create(new, now),
            JobEffect::Put(address, content) => self.put(address, content, now),
        }
    }

    /// Removes nothing: the effect of time on a job is computed at each question.
    fn remove_expired(&mut self, _now: Instant) {}
}

impl JobWorld {
    pub(super) fn new(rules: JobServiceRules) -> Self {
        Self {
            rules,
            jobs: BTreeMap::new(),
            addresses: HashMap::new(),
            changes: RequestTimes::default(),
            reads: RequestTimes::default(),
            throttled_count: 0,
            log: Vec::new(),
            jobs_made: 0,
            next_address: 1,
        }
    }

    pub(super) fn log(&self) -> &[LoggedRequest] {
        &self.log
    }

    pub(super) fn throttled_count(&self) -> u64 {
        self.throttled_count
    }

    pub(super) fn attached_files(&self, now: Instant) -> Vec<FileOnObjectInMemory> {
        let of_each = self.jobs.iter().flat_map(|(id, job)| {
            let files = job.attached_files(&self.rules, now);
            files.map(|(file, content)| FileOnObjectInMemory {
                object: job.object,
                file_name: file.file.file_name.clone(),
                external_id: file.file.external_id.clone(),
                sha256: content.sha256,
                job: attachment_id(*id),
            })
        });
        of_each.collect()
    }

    /// Returns the state of a job. Fails with the time to wait if the limit of reads is reached.
    pub(super) fn look_up(
        &mut self,
        id: u64,
        now: Instant,
    ) -> Result<JobPresence<MemoryAddress>, Duration> {
        self.reads
            .admit(self.rules.read_allowances, now)
            .inspect_err(|_| self.throttled_count += 1)?;
        self.log_request(RequestKind::Get, Some(id), now);
        let Some(job) = self.jobs.get(&id) else {
            return Ok(JobPresence::Absent);
        };
        let forgotten = |age| job.ended_before(age, &self.rules, now);
        if self.rules.forgets_ended_after.is_some_and(forgotten) {
            return Ok(JobPresence::Absent);
        }
        if let Some(end) = job.reported_outcome(&self.rules, now) {
            return Ok(JobPresence::Ended(end));
        }
        let started = job.phase(&self.rules, now) == JobPhase::Running;
        Ok(JobPresence::Running {
            status: if started { "RUNNING" } else { "PENDING" }.to_owned(),
            upload_targets: if started {
                self.upload_targets(id, now)
            } else {
                Vec::new()
            },
        })
    }

    fn create(&mut self, new: NewJob, now: Instant) -> JobEffectOutcome {
        if let Err(wait) = self.changes.admit(self.rules.post_allowances, now) {
            self.throttled_count += 1;
            return JobEffectOutcome::Throttled(wait);
        }
        let unknown = self.rules.unknown_objects.contains(&new.object);
        if unknown && self.rules.unknown_as == UnknownObjectRule::Refused {
            self.log_request(RequestKind::Create, None, now);
            return JobEffectOutcome::NoSuchObject;
        }
        self.jobs_made += 1;
        let id = self.jobs_made;
        self.log_request(RequestKind::Create, Some(id), now);
        let fate = match self.rules.stuck_jobs {
            _ if unknown => JobDoom::FailsAtStart,
            StuckJobRule::Every(nth) if id.is_multiple_of(nth) => JobDoom::NeverEnds,
            _ => JobDoom::EndsByRules,
        };
        let (starts, told) = match self.rules.start {
            JobStartRule::AtOnce => (now, !unknown),
            JobStartRule::After(delay) => (now + delay, false),
        };
        self.jobs.insert(id, MemoryJob::new(new, starts, fate));
        let places = if told {
            self.upload_targets(id, now)
        } else {
            Vec::new()
        };
        JobEffectOutcome::JobMade(id, places)
    }

    /// Returns the addresses for the files of a job, as the job shows them now.
    fn upload_targets(&mut self, id: u64, now: Instant) -> Vec<UploadTarget<MemoryAddress>> {
        let job = &self.jobs[&id];
        let at = match self.rules.addresses {
            AddressRule::GoodFromStart => job.starts_at,
            AddressRule::NewAtEachLookUp => now,
        };
        let files = job.files.iter().enumerate();
        let places = files.map(|(file, item)| {
            let issued =
                |issued: &IssuedAddress| (issued.job, issued.file, issued.at) == (id, file, at);
            let before = self.addresses.iter().find(|(_, one)| issued(one));
            let address = before.map_or_else(
                || {
                    let address = MemoryAddress(self.next_address);
                    self.next_address += 1;
                    address
                },
                |(address, _)| *address,
            );
            self.addresses
                .insert(address, IssuedAddress { job: id, file, at });
            upload_target(&item.file.file_name, address)
        });
        places.collect()
    }

    fn put(
        &mut self,
        address: MemoryAddress,
        content: CheckedContent,
        now: Instant,
    ) -> JobEffectOutcome {
        let Some(issued) = self.addresses.get(&address).copied() else {
            return JobEffectOutcome::AddressExpired;
        };
        if now - issued.at > self.rules.address_life {
            return JobEffectOutcome::AddressExpired;
        }
        self.log_request(RequestKind::Put, Some(issued.job), now);
        let job = self.jobs.get_mut(&issued.job).expect("jobs stay");
        // The storage takes bytes that come too late for the job, and the job has no use for them.
        if job.phase(&self.rules, now) == JobPhase::Running {
            job.files[issued.file].bytes = Some((content, now));
        }
        JobEffectOutcome::BytesTaken
    }

    fn log_request(&mut self, operation: RequestKind, id: Option<u64>, at: Instant) {
        self.log.push(LoggedRequest {
            kind: operation,
            id,
            at,
        });
    }
}

/// Times of the requests of a kind, the oldest first.
#[derive(Debug, Default)]
struct RequestTimes(VecDeque<Instant>);

impl RequestTimes {
    /// Counts a request. Fails with the time to wait if the request comes too early. Refused
    /// requests do not count.
    fn admit(&mut self, allowances: &[RequestAllowance], now: Instant) -> Result<(), Duration> {
        let wait = |allowance: &RequestAllowance| {
            let place = self.0.len().checked_sub(allowance.requests as usize)?;
            let free_at = self.0[place] + allowance.window;
            (now < free_at).then(|| free_at - now)
        };
        if let Some(wait) = allowances.iter().filter_map(wait).max() {
            return Err(wait);
        }
        self.0.push_back(now);
        let longest = allowances.iter().map(|allowance| allowance.window).max();
        while self
            .0
            .front()
            .is_some_and(|first| *first + longest.unwrap_or_default() < now)
        {
            self.0.pop_front();
        }
        Ok(())
    }
}
