//! An embedded stand-in for Workday Strategic Sourcing Attachments 1.0, for the part of Keelvar's
//! Intake APIs that attaches files by jobs, and for the storage behind them, for whoever wants to
//! try the tool without an account or to rehearse a migration.
//!
//! It is an HTTP server on one address: the attachments API below `/services/attachments/v1`, the
//! jobs API below `/api`, the storage below `/storage`. It keeps its state in a folder that survives
//! a restart and a kill, and a log of every request ([`log`]). It is not the service: where the
//! vendors' documents are silent it assumes something, as told here, and no other module of the
//! product relies on it.
//!
//! # Rooms
//!
//! Each room has what belongs to one thing, with its state, which its own handlers alone know. From the
//! ground up, where an import runs downwards only:
//!
//! - What all share: the names of the operations, the request log, replies, the state folder, and the
//!   one place where a request is decided and logged (`context`).
//! - `faults`: what goes wrong on purpose, and with which request.
//! - `storage`: signed URLs, and the bytes behind them. Whose an object is, it asks its owner.
//! - `attachments` and `jobs`, side by side: the two APIs, each with its settings, paths, documents and
//!   records, and each an owner of stored objects.
//! - `server`: the address, and which room answers a request (`route`).
//!
//! # Attachments: documented by the vendor, and done so here
//!
//! - The six operations, their paths, the three headers and 401 without them, the media type.
//! - The four relationships with their types; `file_name` required to create; `title` and
//!   `external_id` of at most 255 characters; lists only by `filter[id_equals]`, 50 at a time.
//! - `file_size` is text, or null until bytes are there. `upload_url` and `upload_headers` come with
//!   POST and with a PATCH that carries `file_name`, which lets go of the stored bytes at once.
//!   No answer shows what an attachment hangs on.
//! - 409 and its text for a wrong `type`. 429 beyond so many requests a second.
//! - Upload URLs that live 15 minutes, and the purging of records that got no bytes in 30 to 60
//!   minutes after they were created.
//!
//! # Attachments: assumed, and how to assume otherwise
//!
//! | assumption | switch |
//! |---|---|
//! | external ids are unique, a clash is answered with 422 | [`AttachmentSettings::external_ids`] |
//! | without uniqueness, a look-up finds the oldest | none |
//! | a record is found by its external id at once | [`AttachmentSettings::external_id_delay`] |
//! | a path with any external id leads to it | [`AttachmentSettings::dotted_ids`] |
//! | every contract, event, project and supplier company exists | [`AttachmentSettings::unknown_objects`]: 404 |
//! | and takes attachments | [`AttachmentSettings::closed_objects`]: 422 |
//! | a size is null until the bytes are there | [`AttachmentSettings::empty_sizes`] |
//! | a size shows as soon as the bytes are stored | [`AttachmentSettings::size_delay`] |
//! | a record without bytes goes at 45 minutes | [`AttachmentSettings::purge_after`] |
//! | a new URL does not put the purge off, unless bytes were let go of for it | [`AttachmentSettings::purge_clock`] |
//! | the limit is a sliding window over arrivals; requests that were refused, for the rate or for their keys, do not count | [`AttachmentSettings::rate`] for the number |
//! | 429 brings `Retry-After: 1` | [`Effect::Status`] |
//! | nobody else uses the limit | [`AttachmentSettings::others`] |
//! | download URLs live as long as upload URLs | [`AttachmentSettings::url_life`] |
//! | unknown query parameters, a list without filter or of more than 50 ids: 400 | none |
//! | other invalid values: 422, told as the sister services do | none |
//! | ids that do not exist are left out of a list; the rest comes in order | none |
//! | the title is the file name where none is given | none |
//! | it stays when a PATCH changes the file name alone | [`AttachmentSettings::titles`] |
//! | a PATCH without a file name leaves the bytes alone, and its answer shows their size | none |
//! | there is no DELETE: 405 | none |
//! | the storage is S3: it refuses wrong headers, expired or altered URLs (403) and chunked bodies (501), and answers with an MD5 `ETag` | [`Effect::ExpiredUrl`] |
//! | bytes sent to a URL that was renewed since are taken, and show nowhere | none |
//!
//! # Jobs: documented by the vendor, and done so here
//!
//! - The two POSTs with their members, and that the body is checked before a job is created.
//! - `Authorization: Bearer`; 401 without a key, an empty 403 with one that is not taken.
//! - 120 POSTs an hour and 500 a day, 30 reads a minute and 600 an hour. `RateLimit-Limit`,
//!   `RateLimit-Remaining` and `RateLimit-Reset` with what went well, 429 with `Retry-After` beyond.
//! - The job's members, its `type`, the words `RUNNING` and `FAILED`; upload URLs in `detail.files`
//!   once it has started, which live 60 seconds and are then refused as `Request has expired`.
//! - A job whose files do not come fails after a while.
//! - 400 with `errors` and `field_errors`, these in dot notation.
//!
//! # Jobs: assumed, and how to assume otherwise
//!
//! | assumption | switch |
//! |---|---|
//! | one job is read at `/jobs/{id}`, several at `/jobs/` as `{"results":[…]}`, the newest 100 first | none |
//! | a slash may end the path of a read, or be left out | [`JobSettings::slashes`] |
//! | likewise that of a POST | [`JobSettings::post_slashes`] |
//! | where it must or must not, the wrong form is redirected before keys and budgets are looked at | [`JobSettings::wrong_slash`] |
//! | any key is taken | [`JobSettings::keys`] |
//! | both POSTs count together, and both reads | [`BudgetSettings::posts`] |
//! | requests over the budget do not count; others do, whatever their answer | [`BudgetSettings::refused`] |
//! | budgets are sliding windows over arrivals; the headers tell of the window with the least left, and `RateLimit-Reset` when it has one more | [`BudgetSettings`] for the numbers |
//! | every member is required; e-mail addresses need not be users' | none |
//! | no files, a name twice, a path in a name, or over 255 bytes: 400 | none |
//! | a POST is answered with 201 | [`JobSettings::post_status`] |
//! | and the whole job | [`JobSettings::post_body`] |
//! | a job calls its files as they were called | [`JobSettings::file_names`] |
//! | a job starts after a second; before, its `detail` is null | [`Terms::start_delay`] |
//! | it is `PENDING` until then, and `COMPLETED` when it ends well | [`JobSettings::words`] |
//! | it ends a second after the last of its files came | [`Terms::end_delay`] |
//! | it always ends | [`Terms::ending`] |
//! | it fails where files are missing five minutes after its start | [`Terms::give_up_after`], [`Terms::missing`] |
//! | one that failed attaches nothing | [`Partial`] |
//! | one that has ended shows its files without URLs, and not what became of each | [`JobSettings::file_status`] |
//! | what went wrong stands in `detail.errors` | none |
//! | upload URLs live from the start of the job, so that asking again brings no fresh ones | [`JobSettings::url_clock`], [`JobSettings::url_life`] |
//! | every event and request exists | [`JobSettings::unknown_objects`] |
//! | one that does not is told with 400, before a job is created | [`JobSettings::unknown_as`] |
//! | a file of a name that is there already stands beside the other one | [`Terms::namesakes`] |
//! | a second upload of a file before the job ends takes the place of the first, one after it is taken and changes nothing | none |
//!
//! In one thing it is stricter on purpose: the storage refuses a request that shows it an API's
//! keys, because a client that does so leaks them.

mod attachments;
mod body;
mod context;
mod error;
mod faults;
mod folder;
mod home;
mod jobs;
mod listener;
pub mod log;
mod operation;
mod path;
mod reply;
mod route;
mod server;
mod settings;
mod storage;

#[cfg(test)]
mod tests;

pub use self::attachments::{
    AttachmentSettings, Clash, DottedIds, EmptySizes, ExternalIds, Keys, PurgeClock,
    StoredAttachment, Titles, stored, stored_by_external_id,
};
pub use self::error::EmulatorError;
pub use self::faults::{BadFault, Effect, Fault, Fired, Target, When, scenario};
pub use self::folder::StateError;
pub use self::jobs::{
    BudgetSettings, Ending, FileNames, FileStatus, JobFile, JobKeys, JobSettings, JobWords,
    Missing, Namesakes, Partial, Phase, PostBody, PostBudgets, PostStatus, Refused, Slashes,
    StoredJob, Terms, UnknownAs, UrlClock, WrongSlash, job_files, jobs,
};
pub use self::operation::Operation;
pub use self::server::Emulator;
pub use self::settings::Settings;
