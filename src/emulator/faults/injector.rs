//! Injector for the faults of one emulator: picks the fault for each request and injects it.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::fault::{Fault, FaultEffect, InvalidFault};
use super::fault_scheduler::{FaultScheduler, FiredFault};
use super::faultable_request::{FaultableRequest, perform_with_effect};
use crate::emulator::context::ServerContext;
use crate::emulator::reply::RequestEnd;
use crate::emulator::request_log::RequestLogEntry;
use crate::mutex::lock_despite_poison;

/// Injector for the faults of one emulator.
pub(in crate::emulator) struct FaultInjector {
    context: Arc<ServerContext>,
    scheduler: Mutex<FaultScheduler>,
}

impl FaultInjector {
    /// Creates an injector. Spans of time are counted from `began`. Fails with [`InvalidFault`] if
    /// a fault can never fire or cannot be injected.
    pub(in crate::emulator) fn new(
        context: Arc<ServerContext>,
        faults: &[Fault],
        began: Instant,
    ) -> Result<Self, InvalidFault> {
        let script = Mutex::new(FaultScheduler::new(faults, began)?);
        Ok(Self {
            context,
            scheduler: script,
        })
    }

    /// Counts a request and returns the effect of the due fault, which is noted in the log entry.
    pub(in crate::emulator) fn pick_effect(
        &self,
        entry: &mut RequestLogEntry,
        now: Instant,
    ) -> Option<FaultEffect> {
        let effect = lock_despite_poison(&self.scheduler).pick_effect(entry.operation, now);
        entry.fault = effect.as_ref().map(|effect| effect.name().to_owned());
        effect
    }

    /// Performs a request and injects the due fault.
    pub(in crate::emulator) fn perform_with_due_fault(
        &self,
        request: &mut impl FaultableRequest,
        arrival: Instant,
    ) -> RequestEnd {
        let (_, entry) = request.log_and_entry();
        let effect = self.pick_effect(entry, arrival);
        let answer = perform_with_effect(request, effect.as_ref());
        self.inject_on_the_way(answer, effect.as_ref())
    }

    /// Injects a fault of delivery into the answer. Other effects leave the answer as it is.
    pub(in crate::emulator) fn inject_on_the_way(
        &self,
        answer: RequestEnd,
        effect: Option<&FaultEffect>,
    ) -> RequestEnd {
        answer.inject_on_the_way(effect, &self.context)
    }

    /// Counts of firings for each fault, in the order of the script.
    pub(in crate::emulator) fn fired_faults(&self) -> Vec<FiredFault> {
        lock_despite_poison(&self.scheduler).fired_faults()
    }
}
