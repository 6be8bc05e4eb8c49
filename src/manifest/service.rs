//! The one service that a manifest is for, and what is wrong with its rows as that service sees them.

use super::names::Names;
use super::{Column, Manifest, RawRow};
use crate::manifest::problem::{Problems, Wrong};
use crate::model::Service;

/// What is known of the service while the rows go by.
#[derive(Default)]
pub(super) struct OneService {
    /// The first row whose type is known, and its service, which is that of the manifest.
    first: Option<(u32, Service)>,
    /// Of the rows of Keelvar.
    names: Names,
    /// Whether a title was met that is not sent.
    title_told: bool,
}

impl OneService {
    /// Takes a row of this service.
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
        // All titles have one cause, and one word about it is enough.
        if !self.title_told && !row.cell(Column::Title).is_empty() {
            self.title_told = true;
            problems.push(row.problem(Some(Column::Title), Wrong::TitleNotSent));
        }
    }

    /// The service, where any row says it.
    pub(super) fn known(&self) -> Option<Service> {
        self.first.map(|(_, service)| service)
    }

    /// Reports what only all rows together show.
    pub(super) fn report(self, manifest: &Manifest, problems: &mut Problems) {
        self.names.report(manifest, problems);
    }
}
