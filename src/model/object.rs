//! Records with attached files, and the services that keep these records.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Service for procurement records and their attached files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProcurementService {
    /// Workday Strategic Sourcing, with the Attachments API.
    Workday,
    /// Keelvar, with the jobs of the Intake APIs.
    Keelvar,
}

impl ProcurementService {
    /// Returns the record types of the service, in the order of messages.
    pub fn object_types(self) -> impl Iterator<Item = ObjectType> {
        ObjectType::ALL
            .into_iter()
            .filter(move |kind| kind.service() == self)
    }
}

impl fmt::Display for ProcurementService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Workday => "Workday Strategic Sourcing",
            Self::Keelvar => "Keelvar",
        })
    }
}

/// Type of a record with attached files.
///
/// Four types come from the vendor's specification of Workday Strategic Sourcing Attachments 1.0
/// (`AttachmentCreate.relationships`). The other two are the types to which a job of Keelvar
/// attaches files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectType {
    /// Contract in Workday.
    Contract,
    /// Sourcing event in Workday.
    Event,
    /// Project in Workday.
    Project,
    /// Company of a supplier in Workday.
    SupplierCompany,
    /// Sourcing event in Keelvar's Sourcing Optimizer.
    SourcingEvent,
    /// Request in Keelvar's Autonomous Sourcing.
    SourcingRequest,
}

impl ObjectType {
    /// All types, in the order of messages.
    pub const ALL: [Self; 6] = [
        Self::Contract,
        Self::Event,
        Self::Project,
        Self::SupplierCompany,
        Self::SourcingEvent,
        Self::SourcingRequest,
    ];

    /// Returns the service that keeps records of the type.
    pub fn service(self) -> ProcurementService {
        match self {
            Self::Contract | Self::Event | Self::Project | Self::SupplierCompany => {
                ProcurementService::Workday
            }
            Self::SourcingEvent | Self::SourcingRequest => ProcurementService::Keelvar,
        }
    }

    /// Returns the word for the type in manifests and results. The JSON:API relationship and a job
    /// happen to use the same word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Event => "event",
            Self::Project => "project",
            Self::SupplierCompany => "supplier_company",
            Self::SourcingEvent => "sourcing_event",
            Self::SourcingRequest => "sourcing_request",
        }
    }

    /// Returns the words for one record of the type.
    pub fn noun(self) -> String {
        self.as_str().replace('_', " ")
    }

    /// Returns the words for several records of the type.
    pub fn plural_noun(self) -> String {
        match self {
            Self::SupplierCompany => "supplier companies".to_owned(),
            other => other.noun() + "s",
        }
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Refusal of a text as the word of an [`ObjectType`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not one of contract, event, project, supplier_company, sourcing_event, sourcing_request"
)]
pub struct UnknownObjectType;

impl FromStr for ObjectType {
    type Err = UnknownObjectType;

    fn from_str(text: &str) -> Result<Self, UnknownObjectType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownObjectType)
    }
}

/// Reference to a record: the type, and the service's id.
///
/// Guarantees: the id has the form of the type's service. Workday uses a positive whole number,
/// Keelvar a UUID other than the nil UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    object_type: ObjectType,
    id: ObjectId,
}

/// Service's own id of a record. Ids are compared by their text. JSON holds the form that the
/// service expects: a number for Workday, a string for Keelvar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(untagged)]
pub enum ObjectId {
    /// Id of a Workday record.
    Number(NonZeroU64),
    /// Id of a Keelvar record.
    Uuid(Uuid),
}

/// Reason for which a text is not the id of a record of a given type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObjectId {
    /// The text is not a positive whole number in plain digits, the form of Workday's ids.
    #[error("is not a positive whole number in plain digits")]
    NotANumber,
    /// The text is not a hyphenated UUID, the form of Keelvar's ids.
    #[error("is not a hyphenated UUID")]
    NotAUuid,
    /// The text is the UUID of zeros, which no record has.
    #[error("is the nil UUID, which no record has")]
    NilUuid,
}

impl ObjectRef {
    /// Checks an id of the manifest by the form required for the record type.
    pub fn parse(kind: ObjectType, id: &str) -> Result<Self, InvalidObjectId> {
        let id = match kind.service() {
            ProcurementService::Workday => ObjectId::Number(parse_number(id)?),
            ProcurementService::Keelvar => ObjectId::Uuid(parse_uuid(id)?),
        };
        Ok(Self {
            object_type: kind,
            id,
        })
    }

    /// Returns the type of the record.
    pub fn object_type(self) -> ObjectType {
        self.object_type
    }

    /// Returns the service's own id of the record.
    pub fn id(self) -> ObjectId {
        self.id
    }
}

fn parse_number(text: &str) -> Result<NonZeroU64, InvalidObjectId> {
    let is_plain = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_plain => Ok(number),
        _ => Err(InvalidObjectId::NotANumber),
    }
}

fn parse_uuid(text: &str) -> Result<Uuid, InvalidObjectId> {
    // The library accepts braces, a prefix and missing hyphens, too. A spreadsheet with such ids
    // was made from another source than the ids in the apps.
    let is_hyphenated = text.len() == Hyphenated::LENGTH;
    match Uuid::try_parse(text) {
        Ok(uuid) if uuid.is_nil() && is_hyphenated => Err(InvalidObjectId::NilUuid),
        Ok(uuid) if is_hyphenated => Ok(uuid),
        _ => Err(InvalidObjectId::NotAUuid),
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Uuid(uuid) => uuid.fmt(f),
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object_type, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_type_reads_back_as_it_is_written_and_belongs_to_one_service() {
        for kind in ObjectType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let words = |service: ProcurementService| -> Vec<&str> {
            service.object_types().map(ObjectType::as_str).collect()
        };
        assert_eq!(
            words(ProcurementService::Workday),
            ["contract", "event", "project", "supplier_company"]
        );
        assert_eq!(
            words(ProcurementService::Keelvar),
            ["sourcing_event", "sourcing_request"]
        );
        let all = ObjectType::ALL.map(ObjectType::as_str).join(", ");
        assert_eq!(
            UnknownObjectType.to_string(),
            format!("is not one of {all}")
        );
    }

    #[test]
    fn an_id_has_the_form_that_the_service_of_its_type_uses() {
        let uuid = "0190f3a8-6c1e-7b5a-9c0d-2f4e6a8b0c1d";
        for (kind, id, shown) in [
            (ObjectType::Contract, "7", "contract 7".to_owned()),
            (
                ObjectType::Event,
                "18446744073709551615",
                "event 18446744073709551615".to_owned(),
            ),
            (
                ObjectType::SourcingEvent,
                uuid,
                format!("sourcing_event {uuid}"),
            ),
            (
                ObjectType::SourcingRequest,
                &uuid.to_uppercase(),
                format!("sourcing_request {uuid}"),
            ),
        ] {
            let object = ObjectRef::parse(kind, id).unwrap();
            assert_eq!(object.object_type(), kind);
            assert_eq!(object.to_string(), shown);
        }
    }

    #[test]
    fn an_id_of_another_form_is_refused() {
        use InvalidObjectId::{NilUuid, NotANumber, NotAUuid};
        let uuid = "0190f3a8-6c1e-7b5a-9c0d-2f4e6a8b0c1d";
        let bare = uuid.replace('-', "");
        let braced = format!("{{{uuid}}}");
        for (kind, id, why) in [
            (ObjectType::Contract, "", NotANumber),
            (ObjectType::Contract, "0", NotANumber),
            (ObjectType::Contract, "007", NotANumber),
            (ObjectType::Contract, "+7", NotANumber),
            (ObjectType::Contract, uuid, NotANumber),
            (ObjectType::SourcingEvent, "", NotAUuid),
            (ObjectType::SourcingEvent, "7", NotAUuid),
            (ObjectType::SourcingEvent, &bare, NotAUuid),
            (ObjectType::SourcingEvent, &braced, NotAUuid),
            (ObjectType::SourcingRequest, &uuid[1..], NotAUuid),
            (
                ObjectType::SourcingRequest,
                &uuid.replace('a', "g"),
                NotAUuid,
            ),
            (
                ObjectType::SourcingRequest,
                "00000000-0000-0000-0000-000000000000",
                NilUuid,
            ),
        ] {
            assert_eq!(ObjectRef::parse(kind, id), Err(why), "{kind} {id:?}");
        }
    }

    #[test]
    fn an_id_is_a_number_or_a_string_for_the_service() {
        let json = |kind, id| serde_json::json!(ObjectRef::parse(kind, id).unwrap().id());
        assert_eq!(json(ObjectType::Project, "7"), 7);
        assert_eq!(
            json(
                ObjectType::SourcingEvent,
                "0190F3A8-6C1E-7B5A-9C0D-2F4E6A8B0C1D"
            ),
            "0190f3a8-6c1e-7b5a-9c0d-2f4e6a8b0c1d"
        );
    }
}
