//! State of the service for jobs in memory, and the effects of requests.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::super::delivery;
use super::job::{Doom, Job, Phase};
use super::{Addresses, AttachedFile, JobRules, Start, Stuck, UnknownAs};
use crate::memory_service::{Address, Logged, Operation, place, public};
use consign::destination::{JobPresence, NewJob, Place};
use consign::model::Content;
use consign::throttle::quota::Allowance;

/// Jobs, addresses and request times of the service.
pub(super) struct World {
    rules: JobRules,
    jobs: BTreeMap<u64, Job>,
    /// File of each address, and the time of issue.
    addresses: HashMap<Address, Issued>,
    changes: Window,
    reads: Window,
    throttled: u64,
    log: Vec<Logged>,
    made: u64,
    next_address: u64,
}

/// File of a job that an address was issued for, and the time of issue.
#[derive(Debug, Clone, Copy)]
struct Issued {
    job: u64,
    file: usize,
    at: Instant,
}

/// Change by a request, made on arrival.
#[derive(Clone)]
pub(super) enum Effect {
    Create(NewJob),
    Put(Address, Content),
}

/// Result of a change.
pub(super) enum Done {
    Made(u64, Vec<Place<Address>>),
    NoSuchObject,
    Throttled(Duration),
    Stored,
    Expired,
}

impl delivery::World for World {
    type Effect = Effect;
    type Done = Done;

    fn happen(&mut self, effect: Effect, now: Instant) -> Done {
        match effect {
            Effect::Create(new) => self.create(new, now),
            Effect::Put(address, content) => self.put(address, content, now),
        }
    }

    /// Removes nothing: the effect of time on a job is computed at each question.
    fn age(&mut self, _now: Instant) {}
}

impl World {
    pub(super) fn new(rules: JobRules) -> Self {
        Self {
            rules,
            jobs: BTreeMap::new(),
            addresses: HashMap::new(),
            changes: Window::default(),
            reads: Window::default(),
            throttled: 0,
            log: Vec::new(),
            made: 0,
            next_address: 1,
        }
    }

    pub(super) fn log(&self) -> &[Logged] {
        &self.log
    }

    pub(super) fn throttled(&self) -> u64 {
        self.throttled
    }

    pub(super) fn attached(&self, now: Instant) -> Vec<AttachedFile> {
        let of_each = self.jobs.iter().flat_map(|(id, job)| {
            let files = job.attached(&self.rules, now);
            files.map(|(file, content)| AttachedFile {
                object: job.object,
                file_name: file.new.file_name.clone(),
                external_id: file.new.external_id.clone(),
                sha256: content.sha256,
                job: public(*id),
            })
        });
        of_each.collect()
    }

    /// Returns the state of a job. Fails with the time to wait if the limit of reads is reached.
    pub(super) fn get(&mut self, id: u64, now: Instant) -> Result<JobPresence<Address>, Duration> {
        self.reads
            .admit(self.rules.reads, now)
            .inspect_err(|_| self.throttled += 1)?;
        self.note(Operation::Get, Some(id), now);
        let Some(job) = self.jobs.get(&id) else {
            return Ok(JobPresence::Absent);
        };
        let forgotten = |age| job.ended_before(age, &self.rules, now);
        if self.rules.forgets_after.is_some_and(forgotten) {
            return Ok(JobPresence::Absent);
        }
        if let Some(end) = job.told(&self.rules, now) {
            return Ok(JobPresence::Ended(end));
        }
        let started = job.phase(&self.rules, now) == Phase::Running;
        Ok(JobPresence::Running {
            word: if started { "RUNNING" } else { "PENDING" }.to_owned(),
            places: if started {
                self.places(id, now)
            } else {
                Vec::new()
            },
        })
    }

    fn create(&mut self, new: NewJob, now: Instant) -> Done {
        if let Err(wait) = self.changes.admit(self.rules.posts, now) {
            self.throttled += 1;
            return Done::Throttled(wait);
        }
        let unknown = self.rules.unknown.contains(&new.object);
        if unknown && self.rules.unknown_as == UnknownAs::Refused {
            self.note(Operation::Create, None, now);
            return Done::NoSuchObject;
        }
        self.made += 1;
        let id = self.made;
        self.note(Operation::Create, Some(id), now);
        let fate = match self.rules.stuck {
            _ if unknown => Doom::NoObject,
            Stuck::Every(nth) if id.is_multiple_of(nth) => Doom::Stuck,
            _ => Doom::None,
        };
        let (starts, told) = match self.rules.start {
            Start::AtOnce => (now, !unknown),
            Start::After(delay) => (now + delay, false),
        };
        self.jobs.insert(id, Job::new(new, starts, fate));
        let places = if told {
            self.places(id, now)
        } else {
            Vec::new()
        };
        Done::Made(id, places)
    }

    /// Returns the addresses for the files of a job, as the job shows them now.
    fn places(&mut self, id: u64, now: Instant) -> Vec<Place<Address>> {
        let job = &self.jobs[&id];
        let at = match self.rules.addresses {
            Addresses::OfTheStart => job.starts,
            Addresses::OfEachLook => now,
        };
        let files = job.files.iter().enumerate();
        let places = files.map(|(file, item)| {
            let issued = |issued: &Issued| (issued.job, issued.file, issued.at) == (id, file, at);
            let before = self.addresses.iter().find(|(_, one)| issued(one));
            let address = before.map_or_else(
                || {
                    let address = Address(self.next_address);
                    self.next_address += 1;
                    address
                },
                |(address, _)| *address,
            );
            self.addresses.insert(address, Issued { job: id, file, at });
            place(&item.new.file_name, address)
        });
        places.collect()
    }

    fn put(&mut self, address: Address, content: Content, now: Instant) -> Done {
        let Some(issued) = self.addresses.get(&address).copied() else {
            return Done::Expired;
        };
        if now - issued.at > self.rules.address_life {
            return Done::Expired;
        }
        self.note(Operation::Put, Some(issued.job), now);
        let job = self.jobs.get_mut(&issued.job).expect("jobs stay");
        // The storage takes bytes that come too late for the job, and the job has no use for them.
        if job.phase(&self.rules, now) == Phase::Running {
            job.files[issued.file].bytes = Some((content, now));
        }
        Done::Stored
    }

    fn note(&mut self, operation: Operation, id: Option<u64>, at: Instant) {
        self.log.push(Logged { operation, id, at });
    }
}

/// Times of the requests of a kind, the oldest first.
#[derive(Debug, Default)]
struct Window(VecDeque<Instant>);

impl Window {
    /// Counts a request. Fails with the time to wait if the request comes too early. Refused
    /// requests do not count.
    fn admit(&mut self, allowances: &[Allowance], now: Instant) -> Result<(), Duration> {
        let wait = |allowance: &Allowance| {
            let place = self.0.len().checked_sub(allowance.requests as usize)?;
            let free_at = self.0[place] + allowance.within;
            (now < free_at).then(|| free_at - now)
        };
        if let Some(wait) = allowances.iter().filter_map(wait).max() {
            return Err(wait);
        }
        self.0.push_back(now);
        let longest = allowances.iter().map(|allowance| allowance.within).max();
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
