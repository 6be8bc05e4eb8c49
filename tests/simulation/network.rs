//! Client of a run. Each request takes steps of the power, a request under way may outlive a loss
//! of power, and a referee watches requests and answers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::memory_service::Address;
use consign::destination::archive::{Exhibit, Original};
use consign::destination::{
    Amended, AttachmentApi, CreatedAttachment, CreatedJob, Destination, End, Fate, JobApi,
    JobPresence, Key, Kind, Names, NewAttachment, NewJob, NewNames, Place, Presence,
};
use consign::http::{Failure, FetchFailure, Fetched, PutFailure, Receipt};
use consign::model::{AttachmentId, Content, ExternalId};
use consign::source::Source;
use consign::throttle::quota::Budget;
use fastrand::Rng;
use tokio::io::AsyncWrite;
use tokio::task::JoinHandle;

use crate::machine::{Disk, Power, Sight};
use crate::scene::{Watches, WatchesAttachments, WatchesJobs};

/// Question taken out of the protocol, as if the program forgot to ask: the client answers without
/// asking the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgotten {
    /// Look-ups by `external_id`.
    Find,
    /// Look-ups by id.
    Get,
    /// Look-ups of many ids at once.
    List,
    /// Look-ups by id with an address for the bytes, except the first for each attachment.
    Original,
    /// Look-ups of new `external_id`s of rows, until the request for the new name is sent.
    NewId,
    /// Look-ups by `external_id` of attachments just created.
    Routing,
}

/// Row that fails alone: a kind of its requests stays unanswered, while other rows get answers.
#[derive(Debug)]
pub(crate) struct BadRow {
    pub(crate) external_id: ExternalId,
    pub(crate) content: Content,
    pub(crate) request: BadRequest,
    /// Number of requests left unanswered.
    pub(crate) unanswered: AtomicU64,
}

/// Kind of request left unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadRequest {
    LookUp,
    Create,
    Upload,
}

/// Client of one run.
pub(crate) struct Client<'a, D, W> {
    pub(crate) service: &'a Arc<D>,
    pub(crate) power: &'a Power,
    pub(crate) disk: &'a Disk,
    pub(crate) sight: Sight,
    pub(crate) referee: &'a W,
    /// Budgets for reads and for changes.
    pub(crate) budgets: Option<[Budget; 2]>,
    pub(crate) forgotten: Option<Forgotten>,
    pub(crate) bad_row: Option<&'a BadRow>,
    /// Sizes of sent files, for a client that forgets to ask and answers itself.
    pub(crate) sizes_sent: Mutex<HashMap<AttachmentId, u64>>,
    /// Jobs created by the run.
    pub(crate) made: Mutex<HashSet<AttachmentId>>,
    /// Attachments created by the run, by their first `external_id`.
    pub(crate) made_as: Mutex<HashMap<ExternalId, AttachmentId>>,
    /// Downloads seen by the run, for a client that forgets to ask and answers itself.
    pub(crate) originals: Mutex<HashMap<AttachmentId, Original<Address>>>,
    /// New `external_id`s of rows for which no request has been sent yet.
    pub(crate) new_ids: Mutex<HashSet<ExternalId>>,
    pub(crate) random: Mutex<Rng>,
}

impl<D: Destination<Target = Address>, W: Watches> Client<'_, D, W> {
    /// Sends a request. If the power fails meanwhile, the request goes on without the client or is
    /// cut off, at random.
    async fn send<T: Send + 'static>(
        &self,
        request: impl Future<Output = T> + Send + 'static,
    ) -> T {
        self.power.step().await;
        self.referee.look();
        let mut under_way = UnderWay {
            request: tokio::spawn(request),
            outlives_us: self.random.lock().unwrap().bool(),
        };
        let answer = (&mut under_way.request).await.unwrap();
        self.referee.look();
        self.power.step().await;
        answer
    }

    /// Notes a foul if something is about to change although the results were displaced.
    fn is_about_to_change_something(&self) {
        if self.sight == Sight::Open && self.disk.is_displaced() {
            let what = "something is changed although the results were displaced";
            self.referee.record().foul(what.to_owned());
        }
    }

    /// Returns `true` if a request belongs to the unanswered row and is of the unanswered kind.
    /// Counts the request.
    async fn is_bad(&self, request: BadRequest, is_its: impl FnOnce(&BadRow) -> bool) -> bool {
        let bad = self.bad_row.filter(|bad| bad.request == request);
        let Some(bad) = bad.filter(|bad| is_its(bad)) else {
            return false;
        };
        self.power.step().await;
        bad.unanswered.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn service(&self) -> Arc<D> {
        Arc::clone(self.service)
    }
}

/// Request on its way.
struct UnderWay<T> {
    request: JoinHandle<T>,
    outlives_us: bool,
}

impl<T> Drop for UnderWay<T> {
    fn drop(&mut self) {
        if !self.outlives_us {
            self.request.abort();
        }
    }
}

impl<D, W> Destination for Client<'_, D, W>
where
    D: Destination<Target = Address> + 'static,
    W: Watches,
{
    type Target = Address;

    fn budget(&self, kind: Kind) -> Option<&Budget> {
        let [reads, changes] = self.budgets.as_ref()?;
        Some(match kind {
            Kind::Read => reads,
            Kind::Change => changes,
        })
    }

    async fn put(
        &self,
        address: &Address,
        source: &Source,
        content: &Content,
        _sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        self.is_about_to_change_something();
        let id = self.referee.putting(*address);
        let size = content.stamp.size;
        self.sizes_sent.lock().unwrap().insert(id, size);
        let (service, target) = (self.service(), *address);
        let (source, content) = (source.clone(), *content);
        let is_its = |bad: &BadRow| bad.content == content;
        let answer = if self.is_bad(BadRequest::Upload, is_its).await {
            Err(PutFailure::Interrupted("connection reset".into()))
        } else {
            self.send(async move { service.put(&target, &source, &content, &|_| ()).await })
                .await
        };
        self.referee.put(*address, &answer);
        answer
    }
}

impl<D, W> AttachmentApi for Client<'_, D, W>
where
    D: AttachmentApi<Target = Address> + 'static,
    W: WatchesAttachments,
{
    async fn find(&self, external_id: &ExternalId) -> Result<Presence, Failure> {
        let is_new = || self.new_ids.lock().unwrap().contains(external_id);
        match self.forgotten {
            Some(Forgotten::Find) => return Ok(Presence::Absent),
            Some(Forgotten::NewId) if is_new() => return Ok(Presence::Absent),
            Some(Forgotten::Routing) => {
                if let Some(id) = self.made_as.lock().unwrap().get(external_id) {
                    return Ok(Presence::Pending { id: id.clone() });
                }
            }
            _ => {}
        }
        let (service, key) = (self.service(), external_id.clone());
        let is_its = |bad: &BadRow| bad.external_id == *external_id;
        let answer = if self.is_bad(BadRequest::LookUp, is_its).await {
            Err(Failure::Unanswered("status 500".into()))
        } else {
            self.send(async move { service.find(&key).await }).await
        };
        self.referee.found(external_id, &answer);
        answer
    }

    async fn get(&self, id: &AttachmentId) -> Result<Presence, Failure> {
        if self.forgotten == Some(Forgotten::Get) {
            return Ok(Presence::Pending { id: id.clone() });
        }
        let (service, key) = (self.service(), id.clone());
        let answer = self.send(async move { service.get(&key).await }).await;
        self.referee.got(id, &answer);
        answer
    }

    async fn create(&self, new: &NewAttachment) -> Result<CreatedAttachment<Address>, Failure> {
        self.is_about_to_change_something();
        self.referee.creating(new);
        let (service, record) = (self.service(), new.clone());
        let external_id = &new.file.external_id;
        let is_its = |bad: &BadRow| bad.external_id == *external_id;
        let answer = if self.is_bad(BadRequest::Create, is_its).await {
            Err(Failure::Unanswered("status 500".into()))
        } else {
            self.send(async move { service.create(&record).await })
                .await
        };
        self.referee.created(new, &answer);
        if let Ok(created) = &answer {
            let mut made_as = self.made_as.lock().unwrap();
            made_as.insert(external_id.clone(), created.id.clone());
        }
        answer
    }

    async fn renew(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> Result<Place<Address>, Failure> {
        self.is_about_to_change_something();
        self.referee.renewing(id);
        let (service, key) = (self.service(), id.clone());
        let (name, title) = (file_name.to_owned(), title.map(ToOwned::to_owned));
        let answer = self
            .send(async move { service.renew(&key, &name, title.as_deref()).await })
            .await;
        self.referee.renewed(id, &answer);
        answer
    }

    async fn amend(&self, key: Key<'_>, names: &NewNames) -> Result<Amended, Failure> {
        self.is_about_to_change_something();
        self.referee.amending(key, names);
        if let Some(external_id) = &names.external_id {
            self.new_ids.lock().unwrap().remove(external_id);
        }
        let (service, names) = (self.service(), names.clone());
        let answer = match key {
            Key::Id(id) => {
                let id = id.clone();
                self.send(async move { service.amend(Key::Id(&id), &names).await })
                    .await
            }
            Key::ExternalId(external_id) => {
                let external_id = external_id.clone();
                let key = async move { service.amend(Key::ExternalId(&external_id), &names).await };
                self.send(key).await
            }
        };
        self.referee.amended(key, &answer);
        answer
    }

    async fn list(&self, ids: &[AttachmentId]) -> Result<HashMap<AttachmentId, Presence>, Failure> {
        if self.forgotten == Some(Forgotten::List) {
            let sizes = self.sizes_sent.lock().unwrap();
            let presence = |id: &AttachmentId| match sizes.get(id) {
                Some(size) => Presence::Stored {
                    id: id.clone(),
                    size: *size,
                    names: Names::default(),
                },
                None => Presence::Pending { id: id.clone() },
            };
            return Ok(ids.iter().map(|id| (id.clone(), presence(id))).collect());
        }
        let (service, keys) = (self.service(), ids.to_vec());
        let answer = self.send(async move { service.list(&keys).await }).await;
        self.referee.listed(ids, &answer);
        answer
    }

    async fn inspect(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Exhibit>, Failure> {
        // Imports do not send this request.
        self.service.inspect(ids).await
    }

    async fn original(&self, id: &AttachmentId) -> Result<Option<Original<Address>>, Failure> {
        let mut known = self.originals.lock().unwrap().get(id).cloned();
        if let Some(known) = known.take_if(|_| self.forgotten == Some(Forgotten::Original)) {
            return Ok(Some(known));
        }
        let (service, key) = (self.service(), id.clone());
        let answer = self.send(async move { service.original(&key).await }).await;
        self.referee.original(id, &answer);
        if let Ok(Some(original)) = &answer {
            let mut originals = self.originals.lock().unwrap();
            originals.insert(id.clone(), original.clone());
        }
        answer
    }

    async fn fetch(
        &self,
        place: &Address,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Fetched, FetchFailure> {
        self.power.step().await;
        let answer = self.service.fetch(place, most, into, received).await;
        self.power.step().await;
        self.referee.fetched(*place, &answer);
        answer
    }
}

impl<D, W> JobApi for Client<'_, D, W>
where
    D: JobApi<Target = Address> + 'static,
    W: WatchesJobs,
{
    fn job_timeout(&self) -> Duration {
        self.service.job_timeout()
    }

    async fn create_job(&self, new: &NewJob) -> Result<CreatedJob<Address>, Failure> {
        self.is_about_to_change_something();
        self.referee.creating(new);
        let (service, record) = (self.service(), new.clone());
        let is_its = |bad: &BadRow| {
            let mut files = new.files.iter();
            files.any(|file| file.external_id == bad.external_id)
        };
        let answer = if self.is_bad(BadRequest::Create, is_its).await {
            Err(Failure::Unanswered("status 500".into()))
        } else {
            self.send(async move { service.create_job(&record).await })
                .await
        };
        self.referee.created(new, &answer);
        let made = answer.iter().map(|created| created.id.clone());
        self.made.lock().unwrap().extend(made);
        answer
    }

    async fn job(&self, id: &AttachmentId) -> Result<JobPresence<Address>, Failure> {
        // The client needs true answers about jobs of its own, which say where the files go.
        let is_own = || self.made.lock().unwrap().contains(id);
        if self.forgotten == Some(Forgotten::Get) && !is_own() {
            return Ok(JobPresence::Ended(End {
                word: "FAILED".into(),
                files: BTreeMap::new(),
                others: Fate::NotAttached("as we suppose".into()),
            }));
        }
        let (service, key) = (self.service(), id.clone());
        let answer = self.send(async move { service.job(&key).await }).await;
        self.referee.looked_up(id, &answer);
        answer
    }
}
