//! Bounded lists: every item is counted, and the first items are kept.

use serde::Serialize;

use super::value::Count;

/// Limits of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Most items.
    pub things: usize,
    /// Most bytes of HTML for all items together.
    pub bytes: usize,
}

/// Estimate of the size of a value in HTML.
pub trait Weigh {
    /// Returns roughly the number of bytes in HTML; never far more.
    fn weight(&self) -> usize;
}

/// First items of a list, and the number of all items.
#[derive(Debug, Clone, Serialize)]
pub struct Listed<T> {
    /// Number of all items.
    pub count: Count,
    /// First items, in their order.
    pub listed: Vec<T>,
    #[serde(skip)]
    room: Room,
}

impl<T: Weigh> Listed<T> {
    /// Returns an empty list with these limits.
    pub fn with(room: Room) -> Self {
        Self {
            count: Count(0),
            listed: Vec::new(),
            room,
        }
    }

    /// Counts an item, and keeps the item if there is room. `make` is not called if no further item
    /// is kept.
    pub fn push(&mut self, make: impl FnOnce() -> T) {
        self.count.increase();
        if self.room.things == 0 {
            return;
        }
        let thing = make();
        let weight = thing.weight();
        if weight > self.room.bytes {
            // No later item is kept either, so that the kept items are the beginning of the list.
            self.room.things = 0;
            return;
        }
        self.room.things -= 1;
        self.room.bytes -= weight;
        self.listed.push(thing);
    }
}

impl<T> Listed<T> {
    /// Number of items not kept.
    pub fn unlisted(&self) -> Count {
        Count(self.count.0 - self.listed.len() as u64)
    }

    /// True if there is no item.
    pub fn is_empty(&self) -> bool {
        self.count.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weigh for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    fn of(room: Room, weights: &[usize]) -> (u64, Vec<usize>) {
        let mut list = Listed::with(room);
        for weight in weights {
            list.push(|| *weight);
        }
        assert_eq!(
            list.unlisted().0,
            (weights.len() - list.listed.len()) as u64
        );
        (list.count.0, list.listed)
    }

    #[test]
    fn a_list_shows_its_beginning_as_far_as_there_is_room_and_counts_the_rest() {
        let room = Room {
            things: 2,
            bytes: 10,
        };
        assert_eq!(of(room, &[1, 2, 3]), (3, vec![1, 2]));
        assert_eq!(of(room, &[8, 3, 1]), (3, vec![8]));
        assert_eq!(of(room, &[11, 1]), (2, vec![]));
    }
}
