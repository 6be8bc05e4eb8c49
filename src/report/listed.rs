//! Lists that are bounded: all are counted, and so many are shown.

use serde::Serialize;

use super::value::Count;

/// How much of a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// So many things.
    pub things: usize,
    /// Which take so many bytes in HTML.
    pub bytes: usize,
}

/// What knows how many bytes it takes in HTML.
pub trait Weigh {
    /// So many, about; never far more.
    fn weight(&self) -> usize;
}

/// The first of some things, and how many there are.
#[derive(Debug, Clone, Serialize)]
pub struct Listed<T> {
    /// How many there are.
    pub count: Count,
    /// The first of them, in their order.
    pub listed: Vec<T>,
    #[serde(skip)]
    room: Room,
}

impl<T: Weigh> Listed<T> {
    /// An empty list with so much room.
    pub fn with(room: Room) -> Self {
        Self {
            count: Count(0),
            listed: Vec::new(),
            room,
        }
    }

    /// Takes one more. What has no room is not even made.
    pub fn push(&mut self, make: impl FnOnce() -> T) {
        self.count.increase();
        if self.room.things == 0 {
            return;
        }
        let thing = make();
        let weight = thing.weight();
        if weight > self.room.bytes {
            // Nothing after it is shown either, so that what is shown is the beginning of the list.
            self.room.things = 0;
            return;
        }
        self.room.things -= 1;
        self.room.bytes -= weight;
        self.listed.push(thing);
    }
}

impl<T> Listed<T> {
    /// How many are not shown.
    pub fn unlisted(&self) -> Count {
        Count(self.count.0 - self.listed.len() as u64)
    }

    /// Whether there is none.
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
