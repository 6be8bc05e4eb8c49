//! Server of the sister services, after the checks of keys and rate and under the due fault.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::extract::Request;
use jiff::Timestamp;

use super::object_call::ObjectCall;
use super::object_directory::ObjectDirectory;
use super::object_route::ObjectRoute;
use super::object_settings::ObjectSettings;
use crate::emulator::attachments::{AttachmentServer, JsonApiProblem};
use crate::emulator::context::ServerContext;
use crate::emulator::faults::FaultInjector;
use crate::emulator::reply::RequestEnd;
use crate::emulator::request_log::RequestLogEntry;
use crate::emulator::state_folder::{StateError, StatePaths};
use crate::mutex::lock_despite_poison;

/// Sister services of one emulator.
pub(in crate::emulator) struct ObjectServer {
    context: Arc<ServerContext>,
    faults: Arc<FaultInjector>,
    attachments: Arc<AttachmentServer>,
    settings: ObjectSettings,
    directory: Mutex<ObjectDirectory>,
}

impl ObjectServer {
    /// Loads the objects that an earlier emulator left in `folder`, or those of a catalogue.
    pub(in crate::emulator) fn load(
        context: Arc<ServerContext>,
        faults: Arc<FaultInjector>,
        attachments: Arc<AttachmentServer>,
        settings: ObjectSettings,
        folder: &StatePaths,
    ) -> Result<Self, StateError> {
        let existing = &attachments.settings().existing_objects;
        let directory = ObjectDirectory::load(folder.clone(), existing)?;
        Ok(Self {
            context,
            faults,
            attachments,
            settings,
            directory: Mutex::new(directory),
        })
    }

    /// Answers a request to a sister service and logs the request.
    // A body is not read: no request that has one is performed.
    pub(in crate::emulator) fn answer(
        &self,
        request: Request,
        route: &ObjectRoute,
        entry: RequestLogEntry,
        arrival: Instant,
    ) -> RequestEnd {
        let (head, _body) = request.into_parts();
        self.context
            .decide_and_log(entry, |log, entry| {
                let mut call = ObjectCall {
                    context: &self.context,
                    settings: &self.settings,
                    attachment_settings: self.attachments.settings(),
                    attachments: &mut self.attachments.state(),
                    directory: &mut lock_despite_poison(&self.directory),
                    log,
                    entry,
                    route,
                    head: &head,
                    now: Timestamp::now(),
                };
                match call.check_keys_and_rate(arrival) {
                    Some(refusal) => refusal.into(),
                    None => self.faults.perform_with_due_fault(&mut call, arrival),
                }
            })
            .unwrap_or_else(|error| JsonApiProblem::from(error).into_reply().into())
    }
}
