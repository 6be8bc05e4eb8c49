//! Settings of the sister services: one switch for each assumption about the answers.

use std::time::Duration;

use crate::model::ObjectRef;

/// Settings of the sister services of the attachments API, which show contracts, events, projects
/// and supplier companies. The default is the documented service, as far as the vendor documents
/// it. Keys, rate limit, routing of dots and the existence of objects are settings of
/// [`AttachmentSettings`](crate::emulator::AttachmentSettings).
///
/// # Documented by the vendor, and done so here
///
/// - The four lists and the objects by id; contracts, projects and supplier companies by external
///   id; `filter[external_id_equals]`; 400 for unknown query parameters.
/// - Pages of `page[size]` objects, 10 by default and 100 at most, and `links.next` with an opaque
///   `page[cursor]`, null at the end.
/// - `relationships.attachments.data` in the answers about single objects and, by the vendor's
///   examples, in lists; the states, and the `number` of contracts and projects, which is not the id.
/// - No path for events by external id, and external ids shared by several events.
///
/// # Assumed, and the switch for the alternative
///
/// | assumption | switch |
/// |---|---|
/// | every id and every external id exists | [`AttachmentSettings::existing_objects`], [`AttachmentSettings::unknown_objects`], [`ObjectSettings::unknown_external_ids`] |
/// | lists of contracts, events and projects are in the order of ids, lists of supplier companies in the order of lower-cased names, then ids | none |
/// | lists show all attachments of an object, at once, in the form of the examples | [`ObjectSettings::list_linkage`] |
/// | single objects show all of their attachments, at once, in the form of the examples | [`ObjectSettings::single_linkage`] |
/// | attachments without bytes are shown, too | [`ObjectSettings::pending_linkage`] |
/// | the next page is on the same host | [`ObjectSettings::next_link`] |
/// | no event is still a copy in progress | [`ObjectSettings::copying_events`] |
/// | objects have few attributes | [`ObjectSettings::padding_bytes`] |
/// | a closed object shows a state like any other | [`CatalogueObject::state`] |
/// | all services share one rate limit of the company | none |
///
/// [`AttachmentSettings::existing_objects`]: crate::emulator::AttachmentSettings::existing_objects
/// [`AttachmentSettings::unknown_objects`]: crate::emulator::AttachmentSettings::unknown_objects
/// [`CatalogueObject::state`]: crate::emulator::CatalogueObject::state
#[derive(Debug, Clone, Default)]
pub struct ObjectSettings {
    /// External ids without an object, whatever
    /// [`existing_objects`](crate::emulator::AttachmentSettings::existing_objects) says.
    pub unknown_external_ids: Vec<String>,
    /// Display of attachments in lists, filtered lists included.
    pub list_linkage: LinkageDisplay,
    /// Display of attachments in answers about a single object.
    pub single_linkage: LinkageDisplay,
    /// Display of attachments without bytes.
    pub pending_linkage: PendingLinkage,
    /// Form of the link to the next page.
    pub next_link: NextLink,
    /// Events to which the service still copies attachments, which show the `duplication_state`
    /// `started`. Other events show null.
    pub copying_events: Vec<ObjectRef>,
    /// Number of bytes by which the attributes of each object are longer.
    pub padding_bytes: usize,
}

/// Display of an object's attachments in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkageDisplay {
    /// `"attachments": {"data": [...]}` with all attachments.
    #[default]
    Reported,
    /// No member `attachments`.
    Absent,
    /// The array alone, without the object around the array, as in the vendor's schema.
    Bare,
    /// An object in place of the array, in a form without any document.
    Malformed,
    /// The oldest attachments only.
    Short {
        /// Largest number of attachments.
        limit: usize,
    },
    /// No attachments younger than a time.
    Lagging {
        /// Time from the creation of an attachment until its display.
        lag: Duration,
    },
}

/// Display of attachments without bytes among an object's attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PendingLinkage {
    /// Shown like all others.
    #[default]
    Shown,
    /// Left out.
    LeftOut,
}

/// Form of the link to the next page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NextLink {
    /// The next page, on the host of the request.
    #[default]
    SameHost,
    /// The next page, with blanks around the URL.
    BlanksAround,
    /// The path of the next page on another host.
    OtherHost {
        /// Scheme, host and port, such as `http://127.0.0.1:8461`.
        origin: String,
    },
}
