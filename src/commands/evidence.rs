//! Service and destination of the results that a command takes as evidence.

use crate::config::{Base, ConfigError, ServiceConfig, variable};
use crate::error::Error;
use crate::model::Service;
use crate::results::ledger::Ledger;

/// Returns the service of the first row whose service is known. Fails with [`Error::NoRows`] when
/// there is no such row.
pub(super) fn service_of(ledger: &Ledger) -> Result<Service, Error> {
    let mut services = ledger.entries().filter_map(|entry| entry.service());
    services.next().ok_or_else(|| Error::NoRows {
        path: ledger.path().to_owned(),
    })
}

/// Returns the destination that the user named.
///
/// Fails with [`Error::NotWhereItWent`] when the user named none, or when the results name another
/// one.
// The user names the destination, since results must not decide where keys are sent.
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

/// True if an emulator that lived for one run made some of the results.
pub(super) fn was_a_rehearsal(ledger: &Ledger) -> bool {
    let destinations = &ledger.previous().destinations;
    destinations.contains(Base::Emulator.label().as_str())
}
