//! What the commands that deal with results as evidence have in common: whose they are, and where
//! their attachments are.

use crate::config::{Base, ConfigError, ServiceConfig, variable};
use crate::error::Error;
use crate::model::Service;
use crate::results::ledger::Ledger;

/// The service to which the rows went.
pub(super) fn service_of(ledger: &Ledger) -> Result<Service, Error> {
    let mut services = ledger.entries().filter_map(|entry| entry.service());
    services.next().ok_or_else(|| Error::NoRows {
        path: ledger.path().to_owned(),
    })
}

/// Where the attachments are: what the user names, which must be what stands in the results. The
/// results themselves have no say in where keys go.
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

/// Whether some of the results were made with an emulator that lived for one run.
pub(super) fn was_a_rehearsal(ledger: &Ledger) -> bool {
    let destinations = &ledger.previous().destinations;
    destinations.contains(Base::Emulator.label().as_str())
}
