//! Changing what is attached already: only where the user asks for it.

mod refusals;
