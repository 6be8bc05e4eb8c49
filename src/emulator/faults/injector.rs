//! Injector for the faults of one emulator: picks the fault for each request and injects it.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::befall::{Befallen, perform_under};
use super::fault::{BadFault, Effect, Fault};
use super::script::{Fired, Script};
use crate::emulator::context::ServerContext;
use crate::emulator::log::Entry;
use crate::emulator::reply::Answer;
use crate::sync::lock;

/// Injector for the faults of one emulator.
pub(in crate::emulator) struct FaultInjector {
    context: Arc<ServerContext>,
    script: Mutex<Script>,
}

impl FaultInjector {
    /// Creates an injector. Spans of time are counted from `began`. Fails with [`BadFault`] if a
    /// fault can never fire or cannot be injected.
    pub(in crate::emulator) fn new(
        context: Arc<ServerContext>,
        faults: &[Fault],
        began: Instant,
    ) -> Result<Self, BadFault> {
        let script = Mutex::new(Script::new(faults, began)?);
        Ok(Self { context, script })
    }

    /// Counts a request and returns the effect of the due fault, which is noted in the log entry.
    pub(in crate::emulator) fn fire(&self, entry: &mut Entry, now: Instant) -> Option<Effect> {
        let effect = lock(&self.script).fire(entry.operation, now);
        entry.fault = effect.as_ref().map(|effect| effect.name().to_owned());
        effect
    }

    /// Performs a request and injects the due fault.
    pub(in crate::emulator) fn carry_out(
        &self,
        request: &mut impl Befallen,
        arrival: Instant,
    ) -> Answer {
        let (_, entry) = request.book();
        let effect = self.fire(entry, arrival);
        let answer = perform_under(request, effect.as_ref());
        self.deliver(answer, effect.as_ref())
    }

    /// Injects a fault of delivery into the answer. Other effects leave the answer as it is.
    pub(in crate::emulator) fn deliver(&self, answer: Answer, effect: Option<&Effect>) -> Answer {
        answer.under(effect, &self.context)
    }

    /// Counts of firings for each fault, in the order of the script.
    pub(in crate::emulator) fn fired(&self) -> Vec<Fired> {
        lock(&self.script).fired()
    }
}
