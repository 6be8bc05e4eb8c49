//! Refusals that the attachments API and its sister services have in common, and the header of the
//! API's version.

use axum::http::header::HeaderName;
use axum::http::{HeaderValue, Method, StatusCode};

use super::attachment_settings::DottedIdRouting;
use super::jsonapi::JsonApiProblem;
use crate::emulator::reply::WholeReply;

/// Web page with which a router answers a path without a route.
const ROUTER_PAGE: &str = "<!DOCTYPE html><html><head><title>The page you were looking for doesn't \
     exist (404)</title></head><body><h1>Not Found</h1></body></html>";

const API_VERSION: HeaderName = HeaderName::from_static("x-api-version");

/// Returns the answer with the version of the API.
pub(in crate::emulator) fn with_api_version(reply: WholeReply) -> WholeReply {
    reply.with_header(API_VERSION, HeaderValue::from_static("1.0"))
}

/// Returns the answer to a path whose external id holds a dot, if dotted paths have no route;
/// otherwise `None`.
// A router's page knows nothing of the API's version, so that its answer lacks the version
// header.
pub(in crate::emulator) fn dotted_id_reply(
    external_id: &str,
    routing: DottedIdRouting,
) -> Option<WholeReply> {
    match routing {
        _ if !external_id.contains('.') => None,
        DottedIdRouting::Routed => None,
        DottedIdRouting::NotFound404 => Some(with_api_version(not_found().into_reply())),
        DottedIdRouting::RouterPage => Some(WholeReply::new(
            StatusCode::NOT_FOUND,
            "text/html; charset=utf-8",
            ROUTER_PAGE.into(),
        )),
    }
}

/// Creates the problem of a request that cannot be understood.
pub(in crate::emulator) fn bad_request(detail: impl Into<String>) -> JsonApiProblem {
    JsonApiProblem::new(StatusCode::BAD_REQUEST, detail)
}

/// Creates the problem of an unknown query parameter, in the words of the sister services.
pub(in crate::emulator) fn unsupported_parameter(name: &str) -> JsonApiProblem {
    bad_request(format!("'{name}' parameter is not supported"))
}

/// Creates the problem of a path or an identifier that leads to nothing.
pub(in crate::emulator) fn not_found() -> JsonApiProblem {
    JsonApiProblem::new(StatusCode::NOT_FOUND, "not found")
}

/// Creates the problem of a method that a path does not have.
pub(in crate::emulator) fn wrong_method(method: &Method) -> JsonApiProblem {
    let detail = format!("{method} is not supported here");
    JsonApiProblem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
