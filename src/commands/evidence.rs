//! Service and destination of results, for commands with results as evidence.

use crate::config::{Base, ConfigError, ServiceConfig, variable};
use crate::error::Error;
use crate::model::Service;
use crate::results::ledger::Ledger;

/// Returns the service of the first row with a known service. Fails with [`Error::NoRows`] without
/// such a row.
pub(super) fn service_of(ledger: &Ledger) -> Result<Service, Error> {
    let mut services = ledger.entries().filter_map(|entry| entry.service());
    services.next().ok_or_else(|| Error::NoRows {
        path: ledger.path().to_owned(),
    })
}

/// Returns the destination named by the user: results must not decide where keys are sent.
///
/// Fails with [`Error::NotWhereItWent`] when the user named no destination, or when the results
/// name a different one.
pub(super) fn destination(
    config: &ServiceConfig,
    ledger: &Ledger,
    service: Service,
) -> Result<Base, Error> {
    let theirs = &ledger.previous().destinations;
    let wrong = |ours: Option<String>| Error::NotWhereItWent {
        path: ledger.path().to_owned(),
        theirs: theirs.iter().cloned().collect(),
        ours,
    };
    let base = match config.base(service, variable) {
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
pub(super) fn was_a_rehearsal(ledger: &Ledger) -> bool {
    let destinations = &ledger.previous().destinations;
    destinations.contains(Base::Emulator.label().as_str())
}
