//! The service of a manifest, and the checks of rows for the service.

use super::names::Names;
use super::{Column, Manifest, RawRow};
use crate::manifest::problem::{Problems, Wrong};
use crate::model::Service;

/// State of the service checks while the rows are scanned.
#[derive(Default)]
pub(super) struct OneService {
    /// First row with a valid object type, and the service of the type. The manifest is for this
    /// service.
    first: Option<(u32, Service)>,
    /// File names of the Keelvar rows.
    names: Names,
    /// `true` once a title has been reported as not sent.
    title_told: bool,
}

impl OneService {
    /// Adds a row with its service, and reports a row of another service.
    pub(super) fn take(&mut self, row: &RawRow<'_>, service: Service, problems: &mut Problems) {
        let (first, ours) = *self.first.get_or_insert((row.number, service));
        if service != ours {
            let wrong = Wrong::OtherService { first, ours };
            problems.push(row.problem(Some(Column::ObjectType), wrong));
            return;
        }
        match service {
            Service::Workday => {}
            Service::Keelvar => self.take_of_keelvar(row, problems),
        }
    }

    fn take_of_keelvar(&mut self, row: &RawRow<'_>, problems: &mut Problems) {
        self.names.take(row);
        // All titles have the same cause, so a single warning is enough.
        if !self.title_told && !row.cell(Column::Title).is_empty() {
            self.title_told = true;
            problems.push(row.problem(Some(Column::Title), Wrong::TitleNotSent));
        }
    }

    /// Returns the service, or `None` before the first row with a valid object type.
    pub(super) fn known(&self) -> Option<Service> {
        self.first.map(|(_, service)| service)
    }

    /// Reports the problems that only all rows together show.
    pub(super) fn report(self, manifest: &Manifest, problems: &mut Problems) {
        self.names.report(manifest, problems);
    }
}
