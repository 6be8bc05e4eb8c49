//! Changing what is attached already: only where the user asks for it.

mod dry_run;
mod refusals;
