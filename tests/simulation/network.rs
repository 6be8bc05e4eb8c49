//! The client as a run has it: every request takes steps of the machine's power, what is on its way
//! when the power goes may still arrive, and a referee watches what is asked and answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use consign::destination::memory::{Address, Memory};
use consign::destination::{
    Created, Destination, Failure, Keeps, NewRecord, Place, Presence, PutFailure, Receipt,
};
use consign::model::{AttachmentId, Content, ExternalId};
use consign::source::Source;
use fastrand::Rng;
use tokio::task::JoinHandle;

use crate::machine::Power;
use crate::referee::Referee;

/// A guard of the protocol that is taken away, as if somebody had forgotten it: the client answers
/// for the service without having asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgotten {
    /// Look-ups by `external_id`.
    Find,
    /// Look-ups by id.
    Get,
    /// Look-ups of many ids at once.
    List,
}

/// The client of one run.
pub(crate) struct Client<'a> {
    pub(crate) memory: &'a Arc<Memory>,
    pub(crate) power: &'a Power,
    pub(crate) referee: &'a Referee,
    pub(crate) forgotten: Option<Forgotten>,
    /// Sizes of what was sent, by which a client that forgets to ask would answer itself.
    pub(crate) sizes_sent: Mutex<HashMap<AttachmentId, u64>>,
    pub(crate) random: Mutex<Rng>,
}

impl Client<'_> {
    /// Sends a request. It goes on without us where the power goes meanwhile, or is cut off.
    async fn send<T: Send + 'static>(
        &self,
        request: impl Future<Output = T> + Send + 'static,
    ) -> T {
        self.power.step().await;
        let mut under_way = UnderWay {
            request: tokio::spawn(request),
            outlives_us: self.random.lock().unwrap().bool(),
        };
        let answer = (&mut under_way.request).await.unwrap();
        self.power.step().await;
        answer
    }

    fn memory(&self) -> Arc<Memory> {
        Arc::clone(self.memory)
    }
}

/// A request that is on its way.
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

impl Destination for Client<'_> {
    type Target = Address;

    fn keeps(&self) -> Keeps {
        self.memory.keeps()
    }

    async fn find(&self, external_id: &ExternalId) -> Result<Presence<Address>, Failure> {
        if self.forgotten == Some(Forgotten::Find) {
            return Ok(Presence::Absent);
        }
        let (memory, key) = (self.memory(), external_id.clone());
        let answer = self.send(async move { memory.find(&key).await }).await;
        self.referee.found(external_id, &answer);
        answer
    }

    async fn get(&self, id: &AttachmentId) -> Result<Presence<Address>, Failure> {
        if self.forgotten == Some(Forgotten::Get) {
            return Ok(Presence::Pending { id: id.clone() });
        }
        let (memory, key) = (self.memory(), id.clone());
        let answer = self.send(async move { memory.get(&key).await }).await;
        self.referee.got(id, &answer);
        answer
    }

    async fn create(&self, new: &NewRecord) -> Result<Created<Address>, Failure> {
        let key = &new.files[0].external_id;
        self.referee.creating(key);
        let (memory, record) = (self.memory(), new.clone());
        let answer = self.send(async move { memory.create(&record).await }).await;
        self.referee.created(key, &answer);
        answer
    }

    async fn renew(&self, id: &AttachmentId, file_name: &str) -> Result<Place<Address>, Failure> {
        self.referee.renewing(id);
        let (memory, key, name) = (self.memory(), id.clone(), file_name.to_owned());
        let answer = self
            .send(async move { memory.renew(&key, &name).await })
            .await;
        self.referee.renewed(id, &answer);
        answer
    }

    async fn list(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Presence<Address>>, Failure> {
        if self.forgotten == Some(Forgotten::List) {
            let sizes = self.sizes_sent.lock().unwrap();
            let presence = |id: &AttachmentId| match sizes.get(id) {
                Some(size) => Presence::Stored {
                    id: id.clone(),
                    size: *size,
                },
                None => Presence::Pending { id: id.clone() },
            };
            return Ok(ids.iter().map(|id| (id.clone(), presence(id))).collect());
        }
        let (memory, keys) = (self.memory(), ids.to_vec());
        let answer = self.send(async move { memory.list(&keys).await }).await;
        self.referee.listed(ids, &answer);
        answer
    }

    async fn put(
        &self,
        target: &Address,
        source: &Source,
        content: &Content,
        _sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        let id = self.referee.putting(*target);
        let size = content.stamp.size;
        self.sizes_sent.lock().unwrap().insert(id.clone(), size);
        let (memory, target) = (self.memory(), *target);
        let (source, content) = (source.clone(), *content);
        let answer = self
            .send(async move { memory.put(&target, &source, &content, &|_| ()).await })
            .await;
        self.referee.put(&id, &answer);
        answer
    }
}
