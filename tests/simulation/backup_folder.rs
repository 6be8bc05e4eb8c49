//! Folder for backups on the simulated disk. A loss of power takes drafts away, and leaves kept
//! backups.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use consign::backup::{BackupDraft, BackupName, BackupStore};
use consign::model::{FileStamp, Sha256Digest};
use consign::upload_source::UploadSource;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use tokio::io::AsyncWrite;

use crate::power_and_disk::{PowerSupply, SimulatedDisk};
use crate::row_files;

/// Folder for backups of one run.
pub(crate) struct SimulatedBackupFolder {
    pub(crate) disk: Arc<SimulatedDisk>,
    pub(crate) power: Arc<PowerSupply>,
}

impl BackupStore for SimulatedBackupFolder {
    fn begin_backup(&self) -> BoxFuture<'_, io::Result<Box<dyn BackupDraft>>> {
        let draft = SimulatedBackupDraft {
            written: Vec::new(),
            disk: Arc::clone(&self.disk),
            power: Arc::clone(&self.power),
        };
        async {
            draft.power.take_step().await;
            Ok(Box::new(draft) as Box<dyn BackupDraft>)
        }
        .boxed()
    }

    fn open_backup(
        &self,
        backup: &str,
    ) -> BoxFuture<'static, io::Result<(UploadSource, FileStamp)>> {
        let kept = self.disk.backup_digest(backup);
        let found = kept.map(|sha256| (row_files::source("a backup"), row_files::stamp_of(sha256)));
        ready(found.ok_or_else(|| io::ErrorKind::NotFound.into())).boxed()
    }
}

/// Backup without a name yet. Its bytes are a digest: the service in memory has nothing else.
struct SimulatedBackupDraft {
    written: Vec<u8>,
    disk: Arc<SimulatedDisk>,
    power: Arc<PowerSupply>,
}

impl AsyncWrite for SimulatedBackupDraft {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl BackupDraft for SimulatedBackupDraft {
    fn commit(self: Box<Self>, name: &BackupName) -> BoxFuture<'static, io::Result<String>> {
        let path = format!("backups/{name}");
        async move {
            self.power.take_step().await;
            let whole = <[u8; 32]>::try_from(self.written.as_slice());
            let whole = whole.map_err(|_| io::Error::other("not what one attachment holds"))?;
            self.disk.write_backup(&path, Sha256Digest(whole));
            self.power.take_step().await;
            self.disk.sync_backup(&path);
            self.power.take_step().await;
            Ok(path)
        }
        .boxed()
    }
}
