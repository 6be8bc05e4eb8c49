//! Faults of requests, drawn from a seed: lasting troubles, and faults of single requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::memory_service::{DeliveryFault, FaultScript, RequestKind};
use fastrand::Rng;
use tokio::time::Instant;

/// Counts of faults, by kind of request and kind of fault.
pub(crate) type FaultCounts = BTreeMap<(RequestKind, &'static str), u64>;

/// Latest arrival of a request of unknown outcome.
const LATEST_ARRIVAL: Duration = Duration::from_mins(5);

/// Latest arrival of a PATCH of unknown outcome: the protocol relies on the end of every PATCH
/// within the minute.
const LATEST_PATCH_ARRIVAL: Duration = Duration::from_secs(59);

/// Period of a kind of trouble.
#[derive(Debug, Clone)]
struct TroubleSpell {
    from: Instant,
    until: Instant,
    kind: TroubleKind,
}

/// Kind of trouble that lasts for a while.
#[derive(Debug, Clone, Copy)]
enum TroubleKind {
    /// 429 for all but a few requests.
    Throttling,
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
pub(crate) struct SeededChaos {
    /// Time before which there are no faults.
    pub(crate) from: Instant,
    /// Time from which on there are no faults.
    pub(crate) until: Instant,
    /// Probability of a fault for a single request, beside the periods of trouble.
    single_fault_probability: f64,
    spells: Vec<TroubleSpell>,
}

impl SeededChaos {
    /// Draws the troubles of a seed, which begin in a minute.
    pub(crate) fn draw(random: &mut Rng) -> Self {
        let minutes = random.choice([1, 5, 20, 180, 600]).unwrap_or(1);
        let length = Duration::from_mins(minutes);
        let from = Instant::now() + Duration::from_mins(1);
        let spells = (0..random.usize(0..=2))
            .map(|_| TroubleSpell::draw(random, from, length))
            .collect();
        Self {
            from,
            until: from + length,
            single_fault_probability: random.choice([0.0, 0.05, 0.2, 0.5]).unwrap_or(0.0),
            spells,
        }
    }

    /// Returns the longest time for which the service cannot be reached at all.
    pub(crate) fn longest_outage(&self) -> Duration {
        let outages = self
            .spells
            .iter()
            .filter(|spell| matches!(spell.kind, TroubleKind::ApiAway | TroubleKind::NoNetwork));
        let lengths = outages.map(|spell| spell.until.min(self.until) - spell.from);
        lengths.max().unwrap_or_default()
    }

    /// Returns the faults of the service under these troubles, and counts each fault. `refused` are
    /// the kinds of requests refused for good at times.
    pub(crate) fn fault_script(
        &self,
        seed: u64,
        counts: Arc<Mutex<FaultCounts>>,
        refused: &'static [RequestKind],
    ) -> FaultScript {
        let mut random = Rng::with_seed(seed);
        let (from, until) = (self.from, self.until);
        let (intensity, spells) = (self.single_fault_probability, self.spells.clone());
        Box::new(move |operation, _| {
            let now = Instant::now();
            if now < from || now >= until {
                return None;
            }
            let of_spell = spells
                .iter()
                .filter(|spell| spell.from <= now && now < spell.until)
                .find_map(|spell| spell.kind.draw_fault(operation, &mut random));
            let fault = of_spell.or_else(|| {
                let single = random.f64() < intensity;
                single.then(|| draw_single_fault(operation, refused, &mut random))
            })?;
            *counts
                .lock()
                .unwrap()
                .entry((operation, fault_name(fault)))
                .or_default() += 1;
            Some(fault)
        })
    }
}

impl TroubleSpell {
    fn draw(random: &mut Rng, begin: Instant, length: Duration) -> Self {
        let kind = match random.u8(0..6) {
            0 => TroubleKind::Throttling,
            1 => TroubleKind::ApiAway,
            2 => TroubleKind::StorageAway,
            3 => TroubleKind::NoNetwork,
            4 => TroubleKind::KeysRejected,
            _ => TroubleKind::AddressesRefused,
        };
        let from = begin + length.mul_f64(random.f64() * 0.7);
        Self {
            from,
            until: from + length.mul_f64(random.f64()),
            kind,
        }
    }
}

impl TroubleKind {
    fn draw_fault(self, operation: RequestKind, random: &mut Rng) -> Option<DeliveryFault> {
        let of_api = !matches!(operation, RequestKind::Put | RequestKind::Fetch);
        match self {
            Self::Throttling => {
                (of_api && random.u8(0..10) > 0).then_some(DeliveryFault::Throttled)
            }
            Self::ApiAway => of_api.then(|| draw_outage_fault(random)),
            Self::StorageAway => (!of_api).then(|| draw_outage_fault(random)),
            Self::NoNetwork => Some(DeliveryFault::NotSent),
            Self::KeysRejected => of_api.then_some(DeliveryFault::Denied),
            Self::AddressesRefused => (!of_api).then_some(DeliveryFault::Denied),
        }
    }
}

/// Draws a fault of a service that is away.
fn draw_outage_fault(random: &mut Rng) -> DeliveryFault {
    match random.u8(0..8) {
        0 => DeliveryFault::FailedAfterEffect,
        1 => DeliveryFault::RequestLost,
        2 => DeliveryFault::AnswerLost,
        _ => DeliveryFault::FailedWithoutEffect,
    }
}

/// Draws a fault of a single request.
fn draw_single_fault(
    operation: RequestKind,
    refused: &[RequestKind],
    random: &mut Rng,
) -> DeliveryFault {
    let is_patch = matches!(operation, RequestKind::Renew | RequestKind::Amend);
    let latest = match operation {
        RequestKind::Renew | RequestKind::Amend => LATEST_PATCH_ARRIVAL,
        _ => LATEST_ARRIVAL,
    };
    // Most delays are a matter of seconds.
    let late = latest.mul_f64(random.f64().powi(3));
    match random.u8(0..11) {
        0 => DeliveryFault::NotSent,
        1 => DeliveryFault::RequestLost,
        2 => DeliveryFault::AnswerLost,
        3 | 4 => DeliveryFault::ExecutedLate(late),
        // A PATCH that arrives again after its answer looks like a PATCH by other people.
        5 if is_patch => DeliveryFault::ExecutedTwice(Duration::ZERO),
        5 => DeliveryFault::ExecutedTwice(late),
        6 => DeliveryFault::FailedWithoutEffect,
        7 => DeliveryFault::FailedAfterEffect,
        8 | 9 => DeliveryFault::Throttled,
        _ if refused.contains(&operation) && random.bool() => DeliveryFault::Refused,
        _ => DeliveryFault::Denied,
    }
}

/// Returns the name of a kind of fault.
fn fault_name(fault: DeliveryFault) -> &'static str {
    match fault {
        DeliveryFault::NotSent => "not sent",
        DeliveryFault::RequestLost => "lost before its effect",
        DeliveryFault::AnswerLost => "answer lost",
        DeliveryFault::ExecutedLate(_) => "executed late",
        DeliveryFault::ExecutedTwice(_) => "executed twice",
        DeliveryFault::FailedWithoutEffect => "5xx",
        DeliveryFault::FailedAfterEffect => "5xx after its effect",
        DeliveryFault::Throttled => "429",
        DeliveryFault::Denied => "denied or expired",
        DeliveryFault::Refused => "refused",
    }
}
