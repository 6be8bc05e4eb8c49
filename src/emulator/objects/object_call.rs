//! Call of a sister service: the decision about one request, from the checks of keys and rate to
//! the answer.

use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::object_directory::{ObjectDirectory, ObjectRecord};
use super::object_list_query::{BracketSpelling, ObjectListQuery, ObjectPlace};
use super::object_route::{ObjectRoute, list_path};
use super::object_settings::{LinkageDisplay, NextLink, ObjectSettings};
use super::object_view::ObjectView;
use crate::emulator::attachments::refusals::{
    dotted_id_reply, not_found, unsupported_parameter, with_api_version, wrong_method,
};
use crate::emulator::attachments::{
    AttachmentSettings, AttachmentState, JsonApiProblem, document, refuse_by_keys_and_rate,
};
use crate::emulator::context::ServerContext;
use crate::emulator::faults::FaultableRequest;
use crate::emulator::reply::WholeReply;
use crate::emulator::request_log::{RequestLog, RequestLogEntry};
use crate::model::{ObjectRef, ObjectType};

/// Request being decided, with the parts of the servers, their locked states and the log.
pub(super) struct ObjectCall<'a> {
    pub(super) context: &'a ServerContext,
    pub(super) settings: &'a ObjectSettings,
    pub(super) attachment_settings: &'a AttachmentSettings,
    pub(super) attachments: &'a mut AttachmentState,
    pub(super) directory: &'a mut ObjectDirectory,
    pub(super) log: &'a mut RequestLog,
    pub(super) entry: &'a mut RequestLogEntry,
    pub(super) route: &'a ObjectRoute,
    pub(super) head: &'a Parts,
    pub(super) now: Timestamp,
}

impl FaultableRequest for ObjectCall<'_> {
    fn log_and_entry(&mut self) -> (&mut RequestLog, &mut RequestLogEntry) {
        (self.log, self.entry)
    }

    fn perform(&mut self) -> WholeReply {
        if let ObjectRoute::GetByExternalId(_, external_id) = self.route
            && let Some(reply) =
                dotted_id_reply(external_id, self.attachment_settings.dotted_id_routing)
        {
            return reply;
        }
        let outcome = match self.route {
            ObjectRoute::List(kind) | ObjectRoute::Filter(kind) => self.list(*kind),
            ObjectRoute::Get(kind, id) => self.get(*kind, *id),
            ObjectRoute::GetByExternalId(kind, text) => self.get_by_external_id(*kind, text),
            ObjectRoute::WrongMethod => Err(wrong_method(&self.head.method)),
            ObjectRoute::UnknownPath => Err(not_found()),
        };
        let mut reply = outcome.unwrap_or_else(JsonApiProblem::into_reply);
        if *self.route == ObjectRoute::WrongMethod {
            reply = reply.with_header(ALLOW, HeaderValue::from_static("GET"));
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
        _url: Option<&str>,
        _headers: &BTreeMap<String, String>,
    ) -> WholeReply {
        // No answer about an object names an upload target.
        reply
    }
}

impl ObjectCall<'_> {
    /// Checks the keys, then the rate. Returns the refusal; `None` if the request may be performed.
    pub(super) fn check_keys_and_rate(&mut self, arrival: Instant) -> Option<WholeReply> {
        refuse_by_keys_and_rate(
            self.attachment_settings,
            self.attachments,
            &self.head.headers,
            arrival,
            self.log,
        )
    }

    fn list(&mut self, kind: ObjectType) -> Result<WholeReply, JsonApiProblem> {
        let query = ObjectListQuery::parse(self.query())?;
        self.directory
            .learn(self.attachments.objects_with_attachments());
        let mut found = match &query.external_id {
            Some(external_id) => self.objects_with_external_id(kind, external_id, &query)?,
            None => self.objects_after(kind, &query),
        };
        let is_last = found.len() <= query.page_size;
        found.truncate(query.page_size);
        let next = match found.last() {
            Some((place, _)) if !is_last => Some(self.next_link(kind, &query, place)),
            _ => None,
        };
        let mut data = Vec::with_capacity(found.len());
        for (_, record) in &found {
            data.push(self.item(record, self.settings.list_linkage)?);
        }
        let (path, _) = list_path(kind);
        let answer = json!({
            "meta": { "count": data.len() },
            "data": data,
            "links": { "self": self.context.url(&path), "next": next },
        });
        Ok(document(StatusCode::OK, &answer))
    }

    /// Objects of a page of a list without a filter, and the first object of the next page.
    fn objects_after(
        &self,
        kind: ObjectType,
        query: &ObjectListQuery,
    ) -> Vec<(ObjectPlace, ObjectRecord)> {
        self.directory
            .objects_after(kind, query.after.as_ref())
            .filter(|(_, record)| !self.is_taken_away(record.object))
            .take(query.page_size + 1)
            .map(|(place, record)| (place.clone(), record.clone()))
            .collect()
    }

    /// Objects of a filtered list, from the page on.
    fn objects_with_external_id(
        &mut self,
        kind: ObjectType,
        external_id: &str,
        query: &ObjectListQuery,
    ) -> Result<Vec<(ObjectPlace, ObjectRecord)>, JsonApiProblem> {
        let mut found = self.find_by_external_id(kind, external_id)?;
        found.retain(|(place, _)| query.after.as_ref().is_none_or(|after| place > after));
        Ok(found)
    }

    fn next_link(&self, kind: ObjectType, query: &ObjectListQuery, last: &ObjectPlace) -> String {
        // As in the vendor's examples.
        let brackets = match kind {
            ObjectType::SupplierCompany => BracketSpelling::Raw,
            _ => BracketSpelling::Encoded,
        };
        let (path, _) = list_path(kind);
        let path = format!("{path}?{}", query.next_page(last, brackets));
        match &self.settings.next_link {
            NextLink::SameHost => self.context.url(&path),
            NextLink::BlanksAround => format!(" {} ", self.context.url(&path)),
            NextLink::OtherHost { origin } => format!("{origin}{path}"),
        }
    }

    fn get(&mut self, kind: ObjectType, id: u64) -> Result<WholeReply, JsonApiProblem> {
        self.check_no_parameters()?;
        let object = ObjectRef::parse(kind, &id.to_string()).map_err(|_| not_found())?;
        self.entry.object = Some(object.to_string());
        if self.is_taken_away(object) {
            return Err(not_found());
        }
        let record = self.directory.find(object)?.ok_or_else(not_found)?;
        self.single_reply(&record)
    }

    fn get_by_external_id(
        &mut self,
        kind: ObjectType,
        external_id: &str,
    ) -> Result<WholeReply, JsonApiProblem> {
        self.check_no_parameters()?;
        self.directory
            .learn(self.attachments.objects_with_attachments());
        let mut found = self.find_by_external_id(kind, external_id)?.into_iter();
        let (_, record) = found.next().ok_or_else(not_found)?;
        self.entry.object = Some(record.object.to_string());
        self.single_reply(&record)
    }

    fn find_by_external_id(
        &mut self,
        kind: ObjectType,
        external_id: &str,
    ) -> Result<Vec<(ObjectPlace, ObjectRecord)>, JsonApiProblem> {
        let unknown = &self.settings.unknown_external_ids;
        if external_id.is_empty() || unknown.iter().any(|id| id == external_id) {
            return Ok(Vec::new());
        }
        let mut found = self.directory.find_by_external_id(kind, external_id)?;
        found.retain(|(_, record)| !self.is_taken_away(record.object));
        Ok(found)
    }

    fn single_reply(&mut self, record: &ObjectRecord) -> Result<WholeReply, JsonApiProblem> {
        let data = self.item(record, self.settings.single_linkage)?;
        Ok(document(StatusCode::OK, &json!({ "data": data })))
    }

    fn item(
        &mut self,
        record: &ObjectRecord,
        display: LinkageDisplay,
    ) -> Result<Value, JsonApiProblem> {
        let attachments = self.attachments.attachments_of(
            record.object,
            self.now,
            self.attachment_settings,
            self.log,
        )?;
        let view = ObjectView {
            context: self.context,
            settings: self.settings,
            now: self.now,
        };
        Ok(view.item(record, &attachments, display))
    }

    /// True if the settings take the object away, although the directory may have the object.
    // The directory holds what exists otherwise, and is faster than a search of a long catalogue.
    fn is_taken_away(&self, object: ObjectRef) -> bool {
        self.attachment_settings.unknown_objects.contains(&object)
    }

    fn check_no_parameters(&self) -> Result<(), JsonApiProblem> {
        let mut parameters = url::form_urlencoded::parse(self.query().as_bytes());
        match parameters.next() {
            Some((name, _)) => Err(unsupported_parameter(&name)),
            None => Ok(()),
        }
    }

    fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }
}
