//! Bounded lists: every item is counted, and the first items are kept.

use serde::Serialize;

use super::values::ItemCount;

/// Limits of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListLimits {
    /// Most items.
    pub items: usize,
    /// Most bytes of HTML for all items together.
    pub html_bytes: usize,
}

/// Estimate of the size of a value in HTML.
pub trait HtmlSize {
    /// Returns roughly the number of bytes in HTML; never far more.
    fn html_bytes(&self) -> usize;
}

/// First items of a list, and the number of all items.
#[derive(Debug, Clone, Serialize)]
pub struct BoundedList<T> {
    /// Number of all items.
    pub count: ItemCount,
    /// First items, in their order.
    pub listed: Vec<T>,
    #[serde(skip)]
    space_left: ListLimits,
}

impl<T: HtmlSize> BoundedList<T> {
    /// Returns an empty list with these limits.
    pub fn with_limits(space_left: ListLimits) -> Self {
        Self {
            count: ItemCount(0),
            listed: Vec::new(),
            space_left,
        }
    }

    /// Counts an item, and keeps the item if there is room. `make` is not called if no further item
    /// is kept.
    pub fn push(&mut self, make: impl FnOnce() -> T) {
        self.count.increase();
        if self.space_left.items == 0 {
            return;
        }
        let thing = make();
        let weight = thing.html_bytes();
        if weight > self.space_left.html_bytes {
            // No later item is kept either, so that the kept items are the beginning of the list.
            self.space_left.items = 0;
            return;
        }
        self.space_left.items -= 1;
        self.space_left.html_bytes -= weight;
        self.listed.push(thing);
    }
}

impl<T> BoundedList<T> {
    /// Number of items not kept.
    pub fn unlisted(&self) -> ItemCount {
        ItemCount(self.count.0 - self.listed.len() as u64)
    }

    /// True if there is no item.
    pub fn is_empty(&self) -> bool {
        self.count.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl HtmlSize for usize {
        fn html_bytes(&self) -> usize {
            *self
        }
    }

    fn bounded(room: ListLimits, weights: &[usize]) -> (u64, Vec<usize>) {
        let mut list = BoundedList::with_limits(room);
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
        let room = ListLimits {
            items: 2,
            html_bytes: 10,
        };
        assert_eq!(bounded(room, &[1, 2, 3]), (3, vec![1, 2]));
        assert_eq!(bounded(room, &[8, 3, 1]), (3, vec![8]));
        assert_eq!(bounded(room, &[11, 1]), (2, vec![]));
    }
}
