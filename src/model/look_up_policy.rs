//! Look-ups before records are made: the user's choice, and the objects between which the service's
//! own refusal of a second record counts.

use super::{ObjectRef, ObjectType};

/// User's choice of look-ups before records are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LookUpPolicy {
    /// Each row is looked up before its record is made.
    #[default]
    Each,
    /// New rows begin with the POST, once the run has proven that the service refuses a second
    /// record with the same `external_id`; only after a refusal is a row looked up.
    OnClash,
}

/// Look-ups of a run before records are made: [`LookUpPolicy`], with the scope of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LookUpMode {
    /// As [`LookUpPolicy::Each`].
    #[default]
    Each,
    /// As [`LookUpPolicy::OnClash`], with the refusal to be proven in this scope.
    OnClash(ClashScope),
}

/// Objects between which a second record with the same `external_id` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClashScope {
    /// All objects of the company.
    Company,
    /// All objects of a type, where the manifest has no other type.
    WithinType(ObjectType),
}

impl ClashScope {
    /// Returns the scope to be proven for a manifest with objects of these types. `None` without
    /// any type.
    pub fn for_types(types: impl IntoIterator<Item = ObjectType>) -> Option<Self> {
        let mut types = types.into_iter();
        let first = types.next()?;
        Some(if types.any(|other| other != first) {
            Self::Company
        } else {
            Self::WithinType(first)
        })
    }

    /// Returns true if a refusal of the second object's record, because of the first object's,
    /// proves this scope: the ids differ, and the types differ as far as the scope has two.
    pub fn is_proven_between(self, first: ObjectRef, second: ObjectRef) -> bool {
        first.id() != second.id()
            && match self {
                Self::Company => first.object_type() != second.object_type(),
                Self::WithinType(kind) => {
                    [first, second].iter().all(|one| one.object_type() == kind)
                }
            }
    }
}
