//! Text of an object in the files of the state folder, such as `contract 7`.

use serde::{Deserialize as _, Deserializer, Serializer, de};

use crate::model::ObjectRef;

/// Writes an object as the type and the number.
pub(in crate::emulator) fn serialize<S: Serializer>(
    object: &ObjectRef,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(object)
}

/// Reads the text of an object. Fails if the text names no object.
pub(in crate::emulator) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<ObjectRef, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parts = text.split_once(' ');
    parts
        .and_then(|(kind, id)| ObjectRef::parse(kind.parse().ok()?, id).ok())
        .ok_or_else(|| de::Error::custom(format!("{text:?} names no object")))
}
