//! The service of a manifest, and the checks of rows for the service.

use super::{Column, RawRow};
use crate::manifest::problem::{ProblemKind, ProblemList};
use crate::model::ProcurementService;

/// State of the service checks while the rows are scanned.
#[derive(Default)]
pub(super) struct ManifestService {
    /// First row with a valid object type, and the service of the type. The manifest is for this
    /// service.
    first_row: Option<(u32, ProcurementService)>,
    /// `true` once a title has been reported as not sent.
    title_warned: bool,
}

impl ManifestService {
    /// Adds a row with its service, and reports a row of another service.
    pub(super) fn add_row(
        &mut self,
        row: &RawRow<'_>,
        service: ProcurementService,
        problems: &mut ProblemList,
    ) {
        let (first, ours) = *self.first_row.get_or_insert((row.number, service));
        if service != ours {
            let wrong = ProblemKind::OtherService {
                first_row: first,
                manifest_service: ours,
            };
            problems.push(row.problem(Some(Column::ObjectType), wrong));
            return;
        }
        match service {
            ProcurementService::Workday => {}
            ProcurementService::Keelvar => self.warn_of_title(row, problems),
        }
    }

    fn warn_of_title(&mut self, row: &RawRow<'_>, problems: &mut ProblemList) {
        // All titles have the same cause, so a single warning is enough.
        if !self.title_warned && !row.cell(Column::Title).is_empty() {
            self.title_warned = true;
            problems.push(row.problem(Some(Column::Title), ProblemKind::TitleNotSent));
        }
    }

    /// Returns the service, or `None` before the first row with a valid object type.
    pub(super) fn service(&self) -> Option<ProcurementService> {
        self.first_row.map(|(_, service)| service)
    }
}
