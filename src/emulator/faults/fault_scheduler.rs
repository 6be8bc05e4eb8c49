//! Selection of the fault for each request, and counts of fired faults.

use std::time::Instant;

use super::fault::{Fault, FaultEffect, InvalidFault};
use crate::emulator::operation::EmulatorOperation;

/// Fault with the count of its firings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiredFault {
    /// Fault from the script.
    pub fault: Fault,
    /// Count of the fault's firings.
    pub times_fired: u64,
}

/// Faults of one emulator, each with its counts of requests.
#[derive(Debug)]
pub(super) struct FaultScheduler {
    began: Instant,
    counters: Vec<FaultCounter>,
}

#[derive(Debug)]
struct FaultCounter {
    fault: Fault,
    requests_seen: u64,
    times_fired: u64,
}

impl FaultScheduler {
    /// Checks the faults and starts counting at zero. Spans of time are counted from `began`. Fails
    /// with [`InvalidFault`] if a fault can never fire or cannot be injected.
    pub(super) fn new(faults: &[Fault], began: Instant) -> Result<Self, InvalidFault> {
        faults.iter().try_for_each(Fault::check)?;
        let line = |fault: &Fault| FaultCounter {
            fault: fault.clone(),
            requests_seen: 0,
            times_fired: 0,
        };
        Ok(Self {
            began,
            counters: faults.iter().map(line).collect(),
        })
    }

    /// Counts a request for each fault, and returns the effect of the first fault that is due;
    /// `None` if none is due.
    pub(super) fn pick_effect(
        &mut self,
        operation: EmulatorOperation,
        now: Instant,
    ) -> Option<FaultEffect> {
        let elapsed = now.saturating_duration_since(self.began);
        let mut effect = None;
        for line in &mut self.counters {
            if !line.fault.operation.includes(operation) {
                continue;
            }
            line.requests_seen += 1;
            if effect.is_none() && line.fault.when.is_due(line.requests_seen, elapsed) {
                line.times_fired += 1;
                effect = Some(line.fault.effect.clone());
            }
        }
        effect
    }

    /// Counts of firings for each fault, in the order of the script.
    pub(super) fn fired_faults(&self) -> Vec<FiredFault> {
        let fired = |line: &FaultCounter| FiredFault {
            fault: line.fault.clone(),
            times_fired: line.times_fired,
        };
        self.counters.iter().map(fired).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fault::FaultTrigger;
    use super::super::fault_target::FaultTarget;
    use super::*;

    fn fault(target: impl Into<FaultTarget>, when: FaultTrigger, effect: FaultEffect) -> Fault {
        Fault {
            operation: target.into(),
            when,
            effect,
        }
    }

    /// Numbers of the requests hit by a fault, out of seven requests, one per second from the
    /// start.
    fn numbers_hit(when: FaultTrigger) -> Vec<u64> {
        let start = Instant::now();
        let faults = [fault(EmulatorOperation::Create, when, FaultEffect::Reset)];
        let mut script = FaultScheduler::new(&faults, start).unwrap();
        (1..=7)
            .filter(|number| {
                let now = start + Duration::from_secs(number - 1);
                assert_eq!(script.pick_effect(EmulatorOperation::Get, now), None);
                script.pick_effect(EmulatorOperation::Create, now).is_some()
            })
            .collect()
    }

    #[test]
    fn a_fault_hits_the_requests_that_its_script_names() {
        assert_eq!(numbers_hit(FaultTrigger::Nth(3)), [3]);
        assert_eq!(numbers_hit(FaultTrigger::EveryNth(3)), [3, 6]);
        assert_eq!(numbers_hit(FaultTrigger::FirstN(3)), [1, 2, 3]);
    }

    #[test]
    fn a_fault_hits_all_requests_of_its_time_and_none_before_and_after() {
        let during = |from, lasting| FaultTrigger::During {
            from: Duration::from_secs(from),
            duration: Duration::from_secs(lasting),
        };
        assert_eq!(numbers_hit(during(2, 3)), [3, 4, 5]);
        assert_eq!(numbers_hit(during(0, 1)), [1]);
        assert_eq!(numbers_hit(during(6, 100)), [7]);
    }

    #[test]
    fn a_fault_of_a_whole_service_hits_each_of_its_operations_and_no_other() {
        let now = Instant::now();
        let hit_operations = |target: FaultTarget| -> Vec<&str> {
            let faults = [fault(target, FaultTrigger::EveryNth(1), FaultEffect::Reset)];
            let mut script = FaultScheduler::new(&faults, now).unwrap();
            let all = [
                EmulatorOperation::Other,
                EmulatorOperation::Purge,
                EmulatorOperation::OtherClient,
            ];
            EmulatorOperation::FAULT_TARGETS
                .into_iter()
                .chain(all)
                .filter(|operation| script.pick_effect(*operation, now).is_some())
                .map(EmulatorOperation::name)
                .collect()
        };
        let api = "list create get get_by_external_id update update_by_external_id list_objects \
                   filter_objects get_object get_object_by_external_id create_job get_job \
                   list_jobs";
        assert_eq!(hit_operations(FaultTarget::AllApis).join(" "), api);
        assert_eq!(hit_operations(FaultTarget::Storage), ["upload", "download"]);
    }

    #[test]
    fn of_two_faults_that_are_due_the_first_fires_and_both_count() {
        let now = Instant::now();
        let faults = [
            fault(
                EmulatorOperation::Create,
                FaultTrigger::Nth(1),
                FaultEffect::Reset,
            ),
            fault(
                FaultTarget::AllApis,
                FaultTrigger::FirstN(2),
                FaultEffect::LoseAnswer,
            ),
        ];
        let mut script = FaultScheduler::new(&faults, now).unwrap();
        let all = [(); 3].map(|()| script.pick_effect(EmulatorOperation::Create, now));
        assert_eq!(
            all,
            [
                Some(FaultEffect::Reset),
                Some(FaultEffect::LoseAnswer),
                None
            ]
        );
        let times: Vec<u64> = script
            .fired_faults()
            .iter()
            .map(|fired| fired.times_fired)
            .collect();
        assert_eq!(times, [1, 1]);
    }
}
