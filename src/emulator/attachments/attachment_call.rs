//! Call of the attachments API: the decision about one request, from the checks of keys and rate to
//! the answer.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Instant;

use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use url::form_urlencoded;

use super::admission::refuse_by_keys_and_rate;
use super::attachment_record::AttachmentRecord;
use super::attachment_route::{ATTACHMENTS_BASE, AttachmentIdentifier, AttachmentRoute};
use super::attachment_settings::{
    AttachmentSettings, ExternalIdClashStatus, ExternalIdUniqueness, TitleOnRename,
};
use super::attachment_state::AttachmentState;
use super::attachment_view::AttachmentView;
use super::jsonapi::{
    AttachmentAttributes, CreateAttachmentBody, JsonApiProblem, MEDIA_TYPE, document,
    with_upload_target,
};
use super::refusals::{
    bad_request, dotted_id_reply, not_found, unsupported_parameter, with_api_version, wrong_method,
};
use crate::emulator::body;
use crate::emulator::context::ServerContext;
use crate::emulator::faults::FaultableRequest;
use crate::emulator::reply::WholeReply;
use crate::emulator::request_log::{RequestLog, RequestLogEntry};
use crate::emulator::storage::{StorageServer, new_object_key};
use crate::model::ObjectRef;

/// Largest number of ids in the filter of one list.
const MAX_IDS_PER_LIST: usize = 50;

/// Request being decided, with the parts of the server, its locked state and the log.
pub(super) struct AttachmentCall<'a> {
    pub(super) context: &'a ServerContext,
    pub(super) storage: &'a StorageServer,
    pub(super) settings: &'a AttachmentSettings,
    pub(super) state: &'a mut AttachmentState,
    pub(super) log: &'a mut RequestLog,
    pub(super) entry: &'a mut RequestLogEntry,
    pub(super) route: &'a AttachmentRoute,
    pub(super) head: &'a Parts,
    pub(super) body: &'a [u8],
    pub(super) now: Timestamp,
}

impl FaultableRequest for AttachmentCall<'_> {
    fn log_and_entry(&mut self) -> (&mut RequestLog, &mut RequestLogEntry) {
        (self.log, self.entry)
    }

    fn perform(&mut self) -> WholeReply {
        if let Some(answer) = self.dotted_id_reply() {
            return answer;
        }
        let outcome = self.check_head().and_then(|()| match self.route {
            AttachmentRoute::List => self.list(),
            AttachmentRoute::Create => self.create(),
            AttachmentRoute::Get(name) => self.get(name),
            AttachmentRoute::Update(name) => self.update(name),
            AttachmentRoute::WrongMethod { .. } => Err(wrong_method(&self.head.method)),
            AttachmentRoute::UnknownPath => Err(not_found()),
        });
        let mut reply = outcome.unwrap_or_else(JsonApiProblem::into_reply);
        if let AttachmentRoute::WrongMethod { allowed } = self.route {
            reply = reply.with_header(ALLOW, HeaderValue::from_static(allowed));
        }
        with_api_version(reply)
    }

    fn error_reply(&self, status: StatusCode, detail: &str) -> WholeReply {
        JsonApiProblem::new(status, detail).into_reply()
    }

    fn disk_error_reply(&self, error: io::Error) -> WholeReply {
        JsonApiProblem::from(error).into_reply()
    }

    fn redirect_upload(
        &self,
        reply: WholeReply,
        url: Option<&str>,
        headers: &BTreeMap<String, String>,
    ) -> WholeReply {
        with_upload_target(reply, url, headers)
    }
}

impl AttachmentCall<'_> {
    /// Checks the keys, then the rate. Returns the refusal; `None` if the request may be performed.
    pub(super) fn check_keys_and_rate(&mut self, arrival: Instant) -> Option<WholeReply> {
        refuse_by_keys_and_rate(
            self.settings,
            self.state,
            &self.head.headers,
            arrival,
            self.log,
        )
    }

    /// Answer to a path whose external id holds a dot, if the settings give dotted paths no route;
    /// otherwise `None`.
    fn dotted_id_reply(&mut self) -> Option<WholeReply> {
        let (AttachmentRoute::Get(name) | AttachmentRoute::Update(name)) = self.route else {
            return None;
        };
        let AttachmentIdentifier::ExternalId(text) = name else {
            return None;
        };
        let answer = dotted_id_reply(text, self.settings.dotted_id_routing)?;
        self.entry.external_id = Some(text.clone());
        Some(answer)
    }

    /// Checks the media type and the query parameters, for which the head of the request suffices.
    fn check_head(&self) -> Result<(), JsonApiProblem> {
        if matches!(
            self.route,
            AttachmentRoute::Create | AttachmentRoute::Update(_)
        ) && body::media_type(&self.head.headers) != Some(MEDIA_TYPE)
        {
            let detail = format!("the Content-Type must be {MEDIA_TYPE}");
            return Err(JsonApiProblem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                detail,
            ));
        }
        let known =
            |name: &str| *self.route == AttachmentRoute::List && name == "filter[id_equals]";
        match self.query().find(|(name, _)| !known(name)) {
            Some((name, _)) => Err(unsupported_parameter(&name)),
            None => Ok(()),
        }
    }

    fn query(&self) -> form_urlencoded::Parse<'_> {
        form_urlencoded::parse(self.head.uri.query().unwrap_or_default().as_bytes())
    }

    fn list(&mut self) -> Result<WholeReply, JsonApiProblem> {
        let mut data = Vec::new();
        for id in self.listed_ids()? {
            if let Some(record) = self.find_record(&AttachmentIdentifier::Id(id))? {
                data.push(self.view().get_document(&record));
            }
        }
        let answer = json!({
            "meta": { "count": data.len() },
            "data": data,
            "links": { "self": self.context.url(&format!("{ATTACHMENTS_BASE}/attachments")) },
        });
        Ok(document(StatusCode::OK, &answer))
    }

    fn listed_ids(&self) -> Result<BTreeSet<u64>, JsonApiProblem> {
        let filters: Vec<_> = self.query().map(|(_, value)| value).collect();
        let [filter] = filters.as_slice() else {
            return Err(bad_request("filter[id_equals] must be given, once"));
        };
        let ids: Vec<&str> = filter.split(',').map(str::trim).collect();
        if ids.len() > MAX_IDS_PER_LIST {
            let detail = format!("filter[id_equals] takes no more than {MAX_IDS_PER_LIST} ids");
            return Err(bad_request(detail));
        }
        let parse = |id: &str| {
            id.parse()
                .map_err(|_| bad_request(format!("filter[id_equals]: '{id}' is not an id")))
        };
        ids.into_iter().map(parse).collect()
    }

    fn get(&mut self, name: &AttachmentIdentifier) -> Result<WholeReply, JsonApiProblem> {
        let record = self.existing_record(name)?;
        Ok(document(
            StatusCode::OK,
            &json!({ "data": self.view().get_document(&record) }),
        ))
    }

    fn create(&mut self) -> Result<WholeReply, JsonApiProblem> {
        let creation = CreateAttachmentBody::parse(self.body)?;
        self.entry.external_id.clone_from(&creation.external_id);
        self.entry.object = Some(creation.object.to_string());
        self.check_object(creation.object)?;
        if let Some(external_id) = &creation.external_id {
            self.check_external_id_is_free(external_id, creation.object, None)?;
        }
        let record = AttachmentRecord {
            id: self.state.store.next_id(),
            external_id: creation.external_id,
            title: creation.title.unwrap_or_else(|| creation.file_name.clone()),
            file_name: creation.file_name,
            object: creation.object,
            uploaded_by: self.user_email(),
            key: new_object_key(),
            created: Some(self.now),
            named: Some(self.now),
            empty_since: self.now,
            content: None,
        };
        self.state.store.put(record.clone())?;
        self.entry.id = Some(record.id);
        let data = self.view().upload_document(&record);
        Ok(document(StatusCode::CREATED, &json!({ "data": data })))
    }

    fn update(&mut self, name: &AttachmentIdentifier) -> Result<WholeReply, JsonApiProblem> {
        let mut record = self.existing_record(name)?;
        let attributes = AttachmentAttributes::parse_update(self.body, name)?;
        self.entry.changes = attributes.names();
        if let Some(external_id) = &attributes.external_id {
            self.check_external_id_is_free(external_id, record.object, Some(record.id))?;
        }
        let renews = attributes.file_name.is_some();
        let derived = match self.settings.title_on_rename {
            TitleOnRename::Keep => None,
            TitleOnRename::Derive => attributes.file_name.clone(),
        };
        if attributes.external_id.is_some() {
            record.external_id = attributes.external_id;
            record.named = Some(self.now);
        }
        record.title = attributes.title.or(derived).unwrap_or(record.title);
        if let Some(file_name) = attributes.file_name {
            record.file_name = file_name;
            record.discard_content(self.user_email(), self.now);
        }
        self.state.store.put(record.clone())?;
        let data = if renews {
            self.view().upload_document(&record)
        } else {
            self.view().patch_document(&record)
        };
        Ok(document(StatusCode::OK, &json!({ "data": data })))
    }

    /// Finds an existing attachment and notes it in the log entry. Fails with 404 if no attachment
    /// is found.
    fn existing_record(
        &mut self,
        name: &AttachmentIdentifier,
    ) -> Result<AttachmentRecord, JsonApiProblem> {
        match name {
            AttachmentIdentifier::Id(id) => self.entry.id = Some(*id),
            AttachmentIdentifier::ExternalId(text) => self.entry.external_id = Some(text.clone()),
        }
        let record = self.find_record(name)?.ok_or_else(not_found)?;
        let delay = self.settings.external_id_delay;
        if matches!(name, AttachmentIdentifier::ExternalId(_))
            && !record.is_indexed(self.now, delay)
        {
            return Err(not_found());
        }
        self.entry.id = Some(record.id);
        self.entry.external_id.clone_from(&record.external_id);
        self.entry.object = Some(record.object.to_string());
        Ok(record)
    }

    fn find_record(
        &mut self,
        name: &AttachmentIdentifier,
    ) -> Result<Option<AttachmentRecord>, JsonApiProblem> {
        Ok(self
            .state
            .look_up(name, self.now, self.settings, self.log)?)
    }

    /// Fails with 404 if the object is unknown, and with 422 if the object is closed.
    fn check_object(&self, object: ObjectRef) -> Result<(), JsonApiProblem> {
        let settings = self.settings;
        if !settings.object_exists(object) {
            let detail = format!("{object} does not exist");
            return Err(JsonApiProblem::new(StatusCode::NOT_FOUND, detail));
        }
        if settings.closed_objects.contains(&object) {
            let pointer = format!("/data/relationships/{}", object.object_type());
            let detail = format!("{object} is closed, and takes no more attachments");
            return Err(JsonApiProblem::invalid_value(&pointer, detail));
        }
        Ok(())
    }

    /// Fails if an attachment other than `own` has this external id, as far as the attachment of
    /// `object` must not have the same.
    fn check_external_id_is_free(
        &mut self,
        external_id: &str,
        object: ObjectRef,
        own: Option<u64>,
    ) -> Result<(), JsonApiProblem> {
        let (clash, is_within_reach): (_, &dyn Fn(ObjectRef) -> bool) =
            match self.settings.external_id_uniqueness {
                ExternalIdUniqueness::Unique { clash_status } => (clash_status, &|_| true),
                ExternalIdUniqueness::UniquePerType { clash_status } => {
                    (clash_status, &|other: ObjectRef| {
                        other.object_type() == object.object_type()
                    })
                }
                ExternalIdUniqueness::UniquePerObject { clash_status } => {
                    (clash_status, &|other| other == object)
                }
                ExternalIdUniqueness::NotUnique => return Ok(()),
            };
        let holders = self
            .state
            .holders_of(external_id, self.now, self.settings, self.log)?;
        let mut others = holders.iter().filter(|other| Some(other.id) != own);
        if !others.any(|other| is_within_reach(other.object)) {
            return Ok(());
        }
        let status = match clash {
            ExternalIdClashStatus::Conflict409 => StatusCode::CONFLICT,
            ExternalIdClashStatus::Unprocessable422 => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let detail = "external_id has already been taken";
        let problem = JsonApiProblem::invalid_value("/data/attributes/external_id", detail);
        Err(problem.with_status(status))
    }

    fn view(&self) -> AttachmentView<'_> {
        AttachmentView {
            context: self.context,
            storage: self.storage,
            settings: self.settings,
            now: self.now,
        }
    }

    fn user_email(&self) -> String {
        let email = self.head.headers.get("x-user-email");
        email
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    }
}
