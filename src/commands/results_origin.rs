//! Service and destination of results, for commands with results as evidence.

use crate::config::{ConfigError, ResolvedDestination, ServiceConfig, environment_variable};
use crate::error::CommandError;
use crate::model::ProcurementService;
use crate::results::ledger::Ledger;

/// Returns the service of the first row with a known service. Fails with [`CommandError::NoRows`]
/// without such a row.
pub(super) fn service_of(ledger: &Ledger) -> Result<ProcurementService, CommandError> {
    let mut services = ledger.entries().filter_map(|entry| entry.service());
    services.next().ok_or_else(|| CommandError::NoRows {
        path: ledger.path().to_owned(),
    })
}

/// Returns the destination named by the user: results must not decide where keys are sent.
///
/// Fails with [`CommandError::DestinationMismatch`] when the user named no destination, or when the
/// results name a different one.
pub(super) fn checked_destination(
    config: &ServiceConfig,
    ledger: &Ledger,
    service: ProcurementService,
) -> Result<ResolvedDestination, CommandError> {
    let theirs = &ledger.earlier_results().destinations;
    let wrong = |ours: Option<String>| CommandError::DestinationMismatch {
        path: ledger.path().to_owned(),
        theirs: theirs.iter().cloned().collect(),
        ours,
    };
    let base = match config.resolve_destination(service, environment_variable) {
        Err(ConfigError::NoDestination { .. }) => return Err(wrong(None)),
        base => base?,
    };
    let ours = base.label();
    if theirs.iter().all(|theirs| *theirs == ours) {
        Ok(base)
    } else {
        Err(wrong(Some(ours)))
    }
}

/// True if some of the results came from an emulator started for one run.
pub(super) fn used_run_emulator(ledger: &Ledger) -> bool {
    let destinations = &ledger.earlier_results().destinations;
    destinations.contains(ResolvedDestination::Emulator.label().as_str())
}
