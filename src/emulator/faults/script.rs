//! Selection of the fault for each request, and counts of fired faults.

use std::time::Instant;

use super::fault::{BadFault, Effect, Fault};
use crate::emulator::operation::Operation;

/// Fault with the count of its firings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Fault from the script.
    pub fault: Fault,
    /// Count of the fault's firings.
    pub times: u64,
}

/// Faults of one emulator, each with its counts of requests.
#[derive(Debug)]
pub(super) struct Script {
    began: Instant,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    fault: Fault,
    seen: u64,
    fired: u64,
}

impl Script {
    /// Checks the faults and starts counting at zero. Spans of time are counted from `began`. Fails
    /// with [`BadFault`] if a fault can never fire or cannot be injected.
    pub(super) fn new(faults: &[Fault], began: Instant) -> Result<Self, BadFault> {
        faults.iter().try_for_each(Fault::check)?;
        let line = |fault: &Fault| Line {
            fault: fault.clone(),
            seen: 0,
            fired: 0,
        };
        Ok(Self {
            began,
            lines: faults.iter().map(line).collect(),
        })
    }

    /// Counts a request for each fault, and returns the effect of the first fault that is due;
    /// `None` if none is due.
    pub(super) fn fire(&mut self, operation: Operation, now: Instant) -> Option<Effect> {
        let elapsed = now.saturating_duration_since(self.began);
        let mut befalls = None;
        for line in &mut self.lines {
            if !line.fault.operation.includes(operation) {
                continue;
            }
            line.seen += 1;
            if befalls.is_none() && line.fault.when.is_due(line.seen, elapsed) {
                line.fired += 1;
                befalls = Some(line.fault.effect.clone());
            }
        }
        befalls
    }

    /// Counts of firings for each fault, in the order of the script.
    pub(super) fn fired(&self) -> Vec<Fired> {
        let fired = |line: &Line| Fired {
            fault: line.fault.clone(),
            times: line.fired,
        };
        self.lines.iter().map(fired).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fault::When;
    use super::super::target::Target;
    use super::*;

    fn fault(target: impl Into<Target>, when: When, effect: Effect) -> Fault {
        Fault {
            operation: target.into(),
            when,
            effect,
        }
    }

    /// Numbers of the requests hit by a fault, out of seven requests, one per second from the
    /// start.
    fn befallen(when: When) -> Vec<u64> {
        let start = Instant::now();
        let faults = [fault(Operation::Create, when, Effect::Reset)];
        let mut script = Script::new(&faults, start).unwrap();
        (1..=7)
            .filter(|number| {
                let now = start + Duration::from_secs(number - 1);
                assert_eq!(script.fire(Operation::Get, now), None);
                script.fire(Operation::Create, now).is_some()
            })
            .collect()
    }

    #[test]
    fn a_fault_befalls_the_requests_that_its_script_names() {
        assert_eq!(befallen(When::Nth(3)), [3]);
        assert_eq!(befallen(When::EveryNth(3)), [3, 6]);
        assert_eq!(befallen(When::FirstN(3)), [1, 2, 3]);
    }

    #[test]
    fn a_fault_befalls_all_requests_of_its_time_and_none_before_and_after() {
        let during = |from, lasting| When::During {
            from: Duration::from_secs(from),
            lasting: Duration::from_secs(lasting),
        };
        assert_eq!(befallen(during(2, 3)), [3, 4, 5]);
        assert_eq!(befallen(during(0, 1)), [1]);
        assert_eq!(befallen(during(6, 100)), [7]);
    }

    #[test]
    fn a_fault_of_a_whole_service_befalls_each_of_its_operations_and_no_other() {
        let now = Instant::now();
        let befallen = |target: Target| -> Vec<&str> {
            let faults = [fault(target, When::EveryNth(1), Effect::Reset)];
            let mut script = Script::new(&faults, now).unwrap();
            let all = [Operation::Other, Operation::Purge, Operation::OtherClient];
            Operation::BEFALLEN
                .into_iter()
                .chain(all)
                .filter(|operation| script.fire(*operation, now).is_some())
                .map(Operation::name)
                .collect()
        };
        let api = "list create get get_by_external_id update update_by_external_id create_job \
                   get_job list_jobs";
        assert_eq!(befallen(Target::Api).join(" "), api);
        assert_eq!(befallen(Target::Storage), ["upload", "download"]);
    }

    #[test]
    fn of_two_faults_that_are_due_the_first_fires_and_both_count() {
        let now = Instant::now();
        let faults = [
            fault(Operation::Create, When::Nth(1), Effect::Reset),
            fault(Target::Api, When::FirstN(2), Effect::LoseAnswer),
        ];
        let mut script = Script::new(&faults, now).unwrap();
        let all = [(); 3].map(|()| script.fire(Operation::Create, now));
        assert_eq!(all, [Some(Effect::Reset), Some(Effect::LoseAnswer), None]);
        let times: Vec<u64> = script.fired().iter().map(|fired| fired.times).collect();
        assert_eq!(times, [1, 1]);
    }
}
