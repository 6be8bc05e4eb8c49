//! Faults of requests, drawn from a seed: lasting troubles, and faults of single requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::memory_service::{Fault, Operation, Script};
use fastrand::Rng;
use tokio::time::Instant;

/// Counts of faults, by kind of request and kind of fault.
pub(crate) type Counts = BTreeMap<(Operation, &'static str), u64>;

/// Latest arrival of a request of unknown fate.
const LATEST: Duration = Duration::from_mins(5);

/// Latest arrival of a PATCH of unknown fate: the protocol relies on the end of every PATCH within
/// the minute.
const LATEST_PATCH: Duration = Duration::from_secs(59);

/// Period of a kind of trouble.
#[derive(Debug, Clone)]
struct Spell {
    from: Instant,
    to: Instant,
    trouble: Trouble,
}

/// Kind of trouble that lasts for a while.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// 429 for all but a few requests.
    Storm,
    /// The API answers 5xx, with or without an effect, or does not answer.
    ApiAway,
    /// The storage answers 5xx, with or without an effect, or does not answer.
    StorageAway,
    /// There is no network.
    NoNetwork,
    /// The keys have expired.
    KeysRejected,
    /// Each address is refused, although it is new.
    AddressesRefused,
}

/// Troubles of a seed.
#[derive(Debug)]
pub(crate) struct Chaos {
    /// Time before which there are no faults.
    pub(crate) from: Instant,
    /// Time from which on there are no faults.
    pub(crate) until: Instant,
    /// Probability of a fault for a single request, beside the periods of trouble.
    intensity: f64,
    spells: Vec<Spell>,
}

impl Chaos {
    /// Draws the troubles of a seed, which begin in a minute.
    pub(crate) fn draw(random: &mut Rng) -> Self {
        let minutes = random.choice([1, 5, 20, 180, 600]).unwrap_or(1);
        let length = Duration::from_mins(minutes);
        let from = Instant::now() + Duration::from_mins(1);
        let spells = (0..random.usize(0..=2))
            .map(|_| Spell::draw(random, from, length))
            .collect();
        Self {
            from,
            until: from + length,
            intensity: random.choice([0.0, 0.05, 0.2, 0.5]).unwrap_or(0.0),
            spells,
        }
    }

    /// Returns the longest time for which the service cannot be reached at all.
    pub(crate) fn longest_outage(&self) -> Duration {
        let outages = self
            .spells
            .iter()
            .filter(|spell| matches!(spell.trouble, Trouble::ApiAway | Trouble::NoNetwork));
        let lengths = outages.map(|spell| spell.to.min(self.until) - spell.from);
        lengths.max().unwrap_or_default()
    }

    /// Returns the faults of the service under these troubles, and counts each fault. `refused` are
    /// the kinds of requests refused for good at times.
    pub(crate) fn script(
        &self,
        seed: u64,
        counts: Arc<Mutex<Counts>>,
        refused: &'static [Operation],
    ) -> Script {
        let mut random = Rng::with_seed(seed);
        let (from, until) = (self.from, self.until);
        let (intensity, spells) = (self.intensity, self.spells.clone());
        Box::new(move |operation, _| {
            let now = Instant::now();
            if now < from || now >= until {
                return None;
            }
            let of_spell = spells
                .iter()
                .filter(|spell| spell.from <= now && now < spell.to)
                .find_map(|spell| spell.trouble.befalls(operation, &mut random));
            let fault = of_spell.or_else(|| {
                let single = random.f64() < intensity;
                single.then(|| single_fault(operation, refused, &mut random))
            })?;
            *counts
                .lock()
                .unwrap()
                .entry((operation, name(fault)))
                .or_default() += 1;
            Some(fault)
        })
    }
}

impl Spell {
    fn draw(random: &mut Rng, begin: Instant, length: Duration) -> Self {
        let trouble = match random.u8(0..6) {
            0 => Trouble::Storm,
            1 => Trouble::ApiAway,
            2 => Trouble::StorageAway,
            3 => Trouble::NoNetwork,
            4 => Trouble::KeysRejected,
            _ => Trouble::AddressesRefused,
        };
        let from = begin + length.mul_f64(random.f64() * 0.7);
        Self {
            from,
            to: from + length.mul_f64(random.f64()),
            trouble,
        }
    }
}

impl Trouble {
    fn befalls(self, operation: Operation, random: &mut Rng) -> Option<Fault> {
        let of_api = !matches!(operation, Operation::Put | Operation::Fetch);
        match self {
            Self::Storm => (of_api && random.u8(0..10) > 0).then_some(Fault::Throttled),
            Self::ApiAway => of_api.then(|| away(random)),
            Self::StorageAway => (!of_api).then(|| away(random)),
            Self::NoNetwork => Some(Fault::NotSent),
            Self::KeysRejected => of_api.then_some(Fault::Denied),
            Self::AddressesRefused => (!of_api).then_some(Fault::Denied),
        }
    }
}

/// Draws a fault of a service that is away.
fn away(random: &mut Rng) -> Fault {
    match random.u8(0..8) {
        0 => Fault::FailedAfter,
        1 => Fault::LostBefore,
        2 => Fault::LostAfter,
        _ => Fault::Failed,
    }
}

/// Draws a fault of a single request.
fn single_fault(operation: Operation, refused: &[Operation], random: &mut Rng) -> Fault {
    let is_patch = matches!(operation, Operation::Renew | Operation::Amend);
    let latest = match operation {
        Operation::Renew | Operation::Amend => LATEST_PATCH,
        _ => LATEST,
    };
    // Most delays are a matter of seconds.
    let late = latest.mul_f64(random.f64().powi(3));
    match random.u8(0..11) {
        0 => Fault::NotSent,
        1 => Fault::LostBefore,
        2 => Fault::LostAfter,
        3 | 4 => Fault::Late(late),
        // A PATCH that arrives again after its answer looks like a PATCH by other people.
        5 if is_patch => Fault::Twice(Duration::ZERO),
        5 => Fault::Twice(late),
        6 => Fault::Failed,
        7 => Fault::FailedAfter,
        8 | 9 => Fault::Throttled,
        _ if refused.contains(&operation) && random.bool() => Fault::Refused,
        _ => Fault::Denied,
    }
}

/// Returns the name of a kind of fault.
fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::NotSent => "not sent",
        Fault::LostBefore => "lost before its effect",
        Fault::LostAfter => "answer lost",
        Fault::Late(_) => "executed late",
        Fault::Twice(_) => "executed twice",
        Fault::Failed => "5xx",
        Fault::FailedAfter => "5xx after its effect",
        Fault::Throttled => "429",
        Fault::Denied => "denied or expired",
        Fault::Refused => "refused",
    }
}
