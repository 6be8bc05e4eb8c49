//! Client of a run. Each request takes steps of the power, a request under way may outlive a loss
//! of power, and a referee watches requests and answers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::memory_service::MemoryAddress;
use consign::destination::attachment_metadata::{AttachmentDownload, AttachmentMetadata};
use consign::destination::{
    AttachmentApi, AttachmentNames, AttachmentPresence, AttachmentSelector, BudgetKind,
    CreatedAttachment, CreatedJob, Destination, FileOutcome, JobApi, JobOutcome, JobPresence,
    NameUpdate, NewAttachment, NewJob, UpdatedAttachment, UploadTarget,
};
use consign::http::{
    ApiFailure, FetchFailure, FetchedContent, PutFailure, PutReceipt, RefusalKind, RequestRefusal,
};
use consign::model::{AttachmentId, CheckedContent, ExternalId};
use consign::throttle::quota::QuotaBudget;
use consign::upload_source::UploadSource;
use fastrand::Rng;
use tokio::io::AsyncWrite;
use tokio::task::JoinHandle;

use crate::power_and_disk::{PowerSupply, ResultsSight, SimulatedDisk};
use crate::scene::{AttachmentWatcher, JobWatcher, RunWatcher};

/// Question taken out of the protocol, as if the program forgot to ask: the client answers without
/// asking the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OmittedQuestion {
    /// Look-ups by `external_id`.
    Find,
    /// Look-ups by id.
    Get,
    /// Look-ups of many ids at once.
    List,
    /// Look-ups by id with an address for the bytes, except the first for each attachment.
    Original,
    /// Look-ups of new `external_id`s of rows, until the request for the new name is sent.
    FindNewId,
    /// Look-ups by `external_id` of attachments just created.
    FindAfterCreate,
    /// Second POST for a throwaway record: the client takes the refusal for granted.
    Clash,
}

/// Row that fails alone: a kind of its requests stays unanswered, while other rows get answers.
#[derive(Debug)]
pub(crate) struct UnansweredRow {
    pub(crate) external_id: ExternalId,
    pub(crate) content: CheckedContent,
    pub(crate) request: UnansweredRequest,
    /// Number of requests left unanswered.
    pub(crate) unanswered_count: AtomicU64,
}

/// Kind of request left unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnansweredRequest {
    LookUp,
    Create,
    Upload,
}

/// Client of one run.
pub(crate) struct SimulatedClient<'a, D, W> {
    pub(crate) service: &'a Arc<D>,
    pub(crate) power: &'a PowerSupply,
    pub(crate) disk: &'a SimulatedDisk,
    pub(crate) results_sight: ResultsSight,
    pub(crate) referee: &'a W,
    /// Budgets for reads and for changes.
    pub(crate) budgets: Option<[QuotaBudget; 2]>,
    pub(crate) forgotten_guard: Option<OmittedQuestion>,
    pub(crate) unanswered_row: Option<&'a UnansweredRow>,
    /// Sizes of sent files, for a client that forgets to ask and answers itself.
    pub(crate) sizes_sent: Mutex<HashMap<AttachmentId, u64>>,
    /// Jobs created by the run.
    pub(crate) own_jobs: Mutex<HashSet<AttachmentId>>,
    /// Attachments created by the run, by their first `external_id`.
    pub(crate) own_attachments: Mutex<HashMap<ExternalId, AttachmentId>>,
    /// Downloads seen by the run, for a client that forgets to ask and answers itself.
    pub(crate) originals: Mutex<HashMap<AttachmentId, AttachmentDownload<MemoryAddress>>>,
    /// New `external_id`s of rows for which no request has been sent yet.
    pub(crate) new_ids: Mutex<HashSet<ExternalId>>,
    pub(crate) random: Mutex<Rng>,
}

impl<D: Destination<Target = MemoryAddress>, W: RunWatcher> SimulatedClient<'_, D, W> {
    /// Sends a request. If the power fails meanwhile, the request goes on without the client or is
    /// cut off, at random.
    async fn send<T: Send + 'static>(
        &self,
        request: impl Future<Output = T> + Send + 'static,
    ) -> T {
        self.power.take_step().await;
        self.referee.look_at_service();
        let mut under_way = RequestUnderWay {
            request: tokio::spawn(request),
            outlives_client: self.random.lock().unwrap().bool(),
        };
        let answer = (&mut under_way.request).await.unwrap();
        self.referee.look_at_service();
        self.power.take_step().await;
        answer
    }

    /// Notes a foul if something is about to change although the results were displaced.
    fn check_results_before_change(&self) {
        if self.results_sight == ResultsSight::Checked && self.disk.results_are_displaced() {
            let what = "something is changed although the results were displaced";
            self.referee.log().foul(what.to_owned());
        }
    }

    /// Returns `true` if a request belongs to the unanswered row and is of the unanswered kind.
    /// Counts the request.
    async fn leave_unanswered(
        &self,
        request: UnansweredRequest,
        is_its: impl FnOnce(&UnansweredRow) -> bool,
    ) -> bool {
        let bad = self.unanswered_row.filter(|bad| bad.request == request);
        let Some(bad) = bad.filter(|bad| is_its(bad)) else {
            return false;
        };
        self.power.take_step().await;
        bad.unanswered_count.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn service(&self) -> Arc<D> {
        Arc::clone(self.service)
    }
}

/// Request on its way.
struct RequestUnderWay<T> {
    request: JoinHandle<T>,
    outlives_client: bool,
}

impl<T> Drop for RequestUnderWay<T> {
    fn drop(&mut self) {
        if !self.outlives_client {
            self.request.abort();
        }
    }
}

impl<D, W> Destination for SimulatedClient<'_, D, W>
where
    D: Destination<Target = MemoryAddress> + 'static,
    W: RunWatcher,
{
    type Target = MemoryAddress;

    fn budget(&self, kind: BudgetKind) -> Option<&QuotaBudget> {
        let [reads, changes] = self.budgets.as_ref()?;
        Some(match kind {
            BudgetKind::Read => reads,
            BudgetKind::Change => changes,
        })
    }

    async fn put_file(
        &self,
        address: &MemoryAddress,
        source: &UploadSource,
        content: &CheckedContent,
        _sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PutReceipt, PutFailure> {
        self.check_results_before_change();
        let id = self.referee.before_put(*address);
        let size = content.stamp.size;
        self.sizes_sent.lock().unwrap().insert(id, size);
        let (service, target) = (self.service(), *address);
        let (source, content) = (source.clone(), *content);
        let is_its = |bad: &UnansweredRow| bad.content == content;
        let answer = if self
            .leave_unanswered(UnansweredRequest::Upload, is_its)
            .await
        {
            Err(PutFailure::Interrupted("connection reset".into()))
        } else {
            self.send(async move { service.put_file(&target, &source, &content, &|_| ()).await })
                .await
        };
        self.referee.after_put(*address, &answer);
        answer
    }
}

impl<D, W> AttachmentApi for SimulatedClient<'_, D, W>
where
    D: AttachmentApi<Target = MemoryAddress> + 'static,
    W: AttachmentWatcher,
{
    async fn get_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> Result<AttachmentPresence, ApiFailure> {
        let is_new = || self.new_ids.lock().unwrap().contains(external_id);
        match self.forgotten_guard {
            Some(OmittedQuestion::Find) => return Ok(AttachmentPresence::Absent),
            Some(OmittedQuestion::FindNewId) if is_new() => return Ok(AttachmentPresence::Absent),
            Some(OmittedQuestion::FindAfterCreate) => {
                if let Some(id) = self.own_attachments.lock().unwrap().get(external_id) {
                    return Ok(AttachmentPresence::pending_without_names(id.clone()));
                }
            }
            _ => {}
        }
        let (service, key) = (self.service(), external_id.clone());
        let is_its = |bad: &UnansweredRow| bad.external_id == *external_id;
        let answer = if self
            .leave_unanswered(UnansweredRequest::LookUp, is_its)
            .await
        {
            Err(ApiFailure::Unanswered("status 500".into()))
        } else {
            self.send(async move { service.get_by_external_id(&key).await })
                .await
        };
        self.referee.after_get_by_external_id(external_id, &answer);
        answer
    }

    async fn get_by_id(&self, id: &AttachmentId) -> Result<AttachmentPresence, ApiFailure> {
        if self.forgotten_guard == Some(OmittedQuestion::Get) {
            return Ok(AttachmentPresence::pending_without_names(id.clone()));
        }
        let (service, key) = (self.service(), id.clone());
        let answer = self
            .send(async move { service.get_by_id(&key).await })
            .await;
        self.referee.after_get_by_id(id, &answer);
        answer
    }

    async fn create(
        &self,
        new: &NewAttachment,
    ) -> Result<CreatedAttachment<MemoryAddress>, ApiFailure> {
        self.check_results_before_change();
        self.referee.before_create(new);
        let (service, record) = (self.service(), new.clone());
        let external_id = &new.file.external_id;
        let is_made = || {
            self.own_attachments
                .lock()
                .unwrap()
                .contains_key(external_id)
        };
        if self.forgotten_guard == Some(OmittedQuestion::Clash) && is_made() {
            return Err(ApiFailure::Refused(RequestRefusal {
                kind: RefusalKind::ConflictOrInvalid,
                message: "status 422".into(),
            }));
        }
        let is_its = |bad: &UnansweredRow| bad.external_id == *external_id;
        let answer = if self
            .leave_unanswered(UnansweredRequest::Create, is_its)
            .await
        {
            Err(ApiFailure::Unanswered("status 500".into()))
        } else {
            self.send(async move { service.create(&record).await })
                .await
        };
        self.referee.after_create(new, &answer);
        if let Ok(created) = &answer {
            let mut made_as = self.own_attachments.lock().unwrap();
            made_as.insert(external_id.clone(), created.id.clone());
        }
        answer
    }

    async fn renew_upload_target(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> Result<UploadTarget<MemoryAddress>, ApiFailure> {
        self.check_results_before_change();
        self.referee.before_renew(id);
        let (service, key) = (self.service(), id.clone());
        let (name, title) = (file_name.to_owned(), title.map(ToOwned::to_owned));
        let answer = self
            .send(async move {
                service
                    .renew_upload_target(&key, &name, title.as_deref())
                    .await
            })
            .await;
        self.referee.after_renew(id, &answer);
        answer
    }

    async fn update_names(
        &self,
        key: AttachmentSelector<'_>,
        names: &NameUpdate,
    ) -> Result<UpdatedAttachment, ApiFailure> {
        self.check_results_before_change();
        self.referee.before_update_names(key, names);
        if let Some(external_id) = &names.external_id {
            self.new_ids.lock().unwrap().remove(external_id);
        }
        let (service, names) = (self.service(), names.clone());
        let answer = match key {
            AttachmentSelector::Id(id) => {
                let id = id.clone();
                self.send(async move {
                    service
                        .update_names(AttachmentSelector::Id(&id), &names)
                        .await
                })
                .await
            }
            AttachmentSelector::ExternalId(external_id) => {
                let external_id = external_id.clone();
                let key = async move {
                    service
                        .update_names(AttachmentSelector::ExternalId(&external_id), &names)
                        .await
                };
                self.send(key).await
            }
        };
        self.referee.after_update_names(key, &answer);
        answer
    }

    async fn list(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentPresence>, ApiFailure> {
        if self.forgotten_guard == Some(OmittedQuestion::List) {
            let sizes = self.sizes_sent.lock().unwrap();
            let presence = |id: &AttachmentId| match sizes.get(id) {
                Some(size) => AttachmentPresence::Stored {
                    id: id.clone(),
                    size: *size,
                    names: AttachmentNames::default(),
                },
                None => AttachmentPresence::pending_without_names(id.clone()),
            };
            return Ok(ids.iter().map(|id| (id.clone(), presence(id))).collect());
        }
        let (service, keys) = (self.service(), ids.to_vec());
        let answer = self.send(async move { service.list(&keys).await }).await;
        self.referee.after_list(ids, &answer);
        answer
    }

    async fn list_metadata(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentMetadata>, ApiFailure> {
        // Imports do not send this request.
        self.service.list_metadata(ids).await
    }

    async fn get_download(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<AttachmentDownload<MemoryAddress>>, ApiFailure> {
        let mut known = self.originals.lock().unwrap().get(id).cloned();
        if let Some(known) =
            known.take_if(|_| self.forgotten_guard == Some(OmittedQuestion::Original))
        {
            return Ok(Some(known));
        }
        let (service, key) = (self.service(), id.clone());
        let answer = self
            .send(async move { service.get_download(&key).await })
            .await;
        self.referee.after_get_download(id, &answer);
        if let Ok(Some(original)) = &answer {
            let mut originals = self.originals.lock().unwrap();
            originals.insert(id.clone(), original.clone());
        }
        answer
    }

    async fn download(
        &self,
        place: &MemoryAddress,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<FetchedContent, FetchFailure> {
        self.power.take_step().await;
        let answer = self.service.download(place, most, into, received).await;
        self.power.take_step().await;
        self.referee.after_download(*place, &answer);
        answer
    }
}

impl<D, W> JobApi for SimulatedClient<'_, D, W>
where
    D: JobApi<Target = MemoryAddress> + 'static,
    W: JobWatcher,
{
    fn job_timeout(&self) -> Duration {
        self.service.job_timeout()
    }

    async fn create_job(&self, new: &NewJob) -> Result<CreatedJob<MemoryAddress>, ApiFailure> {
        self.check_results_before_change();
        self.referee.before_create_job(new);
        let (service, record) = (self.service(), new.clone());
        let is_its = |bad: &UnansweredRow| {
            let mut files = new.files.iter();
            files.any(|file| file.external_id == bad.external_id)
        };
        let answer = if self
            .leave_unanswered(UnansweredRequest::Create, is_its)
            .await
        {
            Err(ApiFailure::Unanswered("status 500".into()))
        } else {
            self.send(async move { service.create_job(&record).await })
                .await
        };
        self.referee.after_create_job(new, &answer);
        let made = answer.iter().map(|created| created.id.clone());
        self.own_jobs.lock().unwrap().extend(made);
        answer
    }

    async fn get_job(&self, id: &AttachmentId) -> Result<JobPresence<MemoryAddress>, ApiFailure> {
        // The client needs true answers about jobs of its own, which say where the files go.
        let is_own = || self.own_jobs.lock().unwrap().contains(id);
        if self.forgotten_guard == Some(OmittedQuestion::Get) && !is_own() {
            return Ok(JobPresence::Ended(JobOutcome {
                message: "FAILED".into(),
                named_files: BTreeMap::new(),
                other_files: FileOutcome::NotAttached("as we suppose".into()),
            }));
        }
        let (service, key) = (self.service(), id.clone());
        let answer = self.send(async move { service.get_job(&key).await }).await;
        self.referee.after_get_job(id, &answer);
        answer
    }
}
