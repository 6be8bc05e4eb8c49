//! Rows with which a run begins so that it can soon prove the refusal of a second record: rows of
//! different objects, of each type.

use crate::model::{ObjectRef, ObjectType};

/// Number of rows of each type that begin before all others. Some of them may turn out to be there
/// already, and make no record.
const MAX_ROWS_PER_TYPE: usize = 8;

/// Rows that begin before all others, collected in the order of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowsForProof {
    /// Types in the order of their first rows, each with rows of different objects.
    types: Vec<(ObjectType, Vec<(u32, ObjectRef)>)>,
}

impl RowsForProof {
    /// Takes a row of which nothing is begun, unless its object or type has enough rows.
    pub fn offer(&mut self, row: u32, object: ObjectRef) {
        let kind = object.object_type();
        let known = self.types.iter().position(|(of, _)| *of == kind);
        let known = known.unwrap_or_else(|| {
            self.types.push((kind, Vec::new()));
            self.types.len() - 1
        });
        let rows = &mut self.types[known].1;
        if rows.len() < MAX_ROWS_PER_TYPE && rows.iter().all(|(_, other)| *other != object) {
            rows.push((row, object));
        }
    }

    /// Returns the rows, the types in turn.
    pub fn in_order(&self) -> Vec<u32> {
        let nth_rows = |nth: usize| {
            let of_types = self.types.iter();
            of_types.filter_map(move |(_, rows)| rows.get(nth).map(|(row, _)| *row))
        };
        (0..MAX_ROWS_PER_TYPE).flat_map(nth_rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_different_objects_come_first_the_types_in_turn() {
        let mut rows = RowsForProof::default();
        assert_eq!(rows.in_order(), [0_u32; 0]);
        for (row, kind, id) in [
            (0, ObjectType::Contract, "1"),
            (1, ObjectType::Contract, "1"),
            (2, ObjectType::Contract, "2"),
            (3, ObjectType::Event, "1"),
            (5, ObjectType::Contract, "3"),
            (8, ObjectType::Project, "1"),
            (9, ObjectType::Event, "2"),
        ] {
            rows.offer(row, ObjectRef::parse(kind, id).unwrap());
        }
        assert_eq!(rows.in_order(), [0, 3, 8, 2, 9, 5]);
        for row in 10..30 {
            let object = ObjectRef::parse(ObjectType::Contract, &row.to_string()).unwrap();
            rows.offer(row, object);
        }
        assert_eq!(rows.in_order().len(), MAX_ROWS_PER_TYPE + 3);
    }
}
