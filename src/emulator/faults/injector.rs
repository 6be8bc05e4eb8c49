//! The faults of one emulator: which of them befalls a request, and what then becomes of it.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::befall::{Befallen, perform_under};
use super::fault::{BadFault, Effect, Fault};
use super::script::{Fired, Script};
use crate::emulator::context::ServerContext;
use crate::emulator::log::Entry;
use crate::emulator::reply::Answer;
use crate::sync::lock;

/// The faults of one emulator.
pub(in crate::emulator) struct FaultInjector {
    context: Arc<ServerContext>,
    script: Mutex<Script>,
}

impl FaultInjector {
    /// Takes faults that can all fire. Spans of time are counted from `began`.
    pub(in crate::emulator) fn new(
        context: Arc<ServerContext>,
        faults: &[Fault],
        began: Instant,
    ) -> Result<Self, BadFault> {
        let script = Mutex::new(Script::new(faults, began)?);
        Ok(Self { context, script })
    }

    /// Counts a request, and says what befalls it, noted in the log.
    pub(in crate::emulator) fn fire(&self, entry: &mut Entry, now: Instant) -> Option<Effect> {
        let effect = lock(&self.script).fire(entry.operation, now);
        entry.fault = effect.as_ref().map(|effect| effect.name().to_owned());
        effect
    }

    /// Carries a request out under the fault that is due.
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

    /// The answer as it reaches the client, where `effect` is something that happens on the way.
    pub(in crate::emulator) fn deliver(&self, answer: Answer, effect: Option<&Effect>) -> Answer {
        answer.under(effect, &self.context)
    }

    /// How often each fault has fired, in the order in which they were given.
    pub(in crate::emulator) fn fired(&self) -> Vec<Fired> {
        lock(&self.script).fired()
    }
}
