//! Store for the old content of attachments, kept before the content is replaced.
//!
//! A backup is written under a temporary name and gets its final name once all bytes are on the
//! disk, so a file under a final name is whole. No file is ever overwritten. Opening the folder
//! removes half-written files of killed runs. `pipeline` decides which content is kept and which
//! step may follow.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::task::spawn_blocking;

use crate::atomic_file::{
    self, Durability, ExistingFilePolicy, NamingError, TemporaryFile, sync_folder,
};
use crate::digest::Sha256Hasher;
use crate::model::{AttachmentId, ExternalId, FileStamp, Sha256Digest};
use crate::platform::{self, PATH_SYNTAX, PathSyntax};
use crate::root::{OpenRootError, Root, parent_folder, path_in_folder};
use crate::text::{escape, is_device_name};
use crate::upload_source::UploadSource;

/// Store that makes backups and finds them again.
pub trait BackupStore: Send + Sync {
    /// Begins a backup without a name. A dropped draft leaves no file.
    fn begin_backup(&self) -> BoxFuture<'_, io::Result<Box<dyn BackupDraft>>>;

    /// Opens an earlier backup for sending it back. `backup` is the text returned by
    /// [`BackupDraft::commit`].
    fn open_backup(
        &self,
        backup: &str,
    ) -> BoxFuture<'static, io::Result<(UploadSource, FileStamp)>>;
}

/// Unfinished backup. Its bytes are written once, from the first to the last.
pub trait BackupDraft: AsyncWrite + Unpin + Send {
    /// Makes the backup durable under a name and returns the text for the column `backup`. A
    /// failure leaves no file of the draft.
    fn commit(self: Box<Self>, name: &BackupName) -> BoxFuture<'static, io::Result<String>>;
}

/// Longest part of a backup's name taken from an `external_id`, in characters. With this limit the
/// whole name fits every file system.
const MAX_ID_LENGTH: usize = 100;

/// Longest file extension taken over into a backup's name, in bytes.
const MAX_EXTENSION_LENGTH: usize = 10;

/// Number of hexadecimal digits of the SHA-256 in a backup's name.
const DIGEST_DIGITS: usize = 12;

/// Name of a backup, and the digest of its content.
///
/// Guarantees: at most 190 ASCII letters, digits, `-`, `_` and `.`; the first character is not `.`,
/// and no system takes the name for a device.
/// Different attachments have different names. Different contents of one attachment have different
/// names, unless their digests begin with the same 12 digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupName {
    file_name: String,
    sha256: Sha256Digest,
}

impl BackupName {
    /// Names the content of an attachment. `file_name` is the name in the service; only the
    /// extension is used.
    pub fn new(
        external_id: &ExternalId,
        id: &AttachmentId,
        sha256: Sha256Digest,
        file_name: Option<&str>,
    ) -> Self {
        let mut digits = sha256.to_string();
        digits.truncate(DIGEST_DIGITS);
        let mut backup_name = format!("{}.{id}.{digits}", file_name_safe_id(external_id));
        if let Some(extension) = file_name.and_then(plain_extension) {
            backup_name.push('.');
            backup_name.push_str(extension);
        }
        Self {
            file_name: backup_name,
            sha256,
        }
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file_name)
    }
}

/// Returns `true` if a file's name has the form of a [`BackupName`].
pub fn is_backup_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    let is_digest = |part: &str| {
        part.len() == DIGEST_DIGITS && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let has_names = |before: &[&str]| matches!(before, [id, .., attachment] if !id.is_empty() && AttachmentId::parse(attachment).is_ok());
    match parts.as_slice() {
        [before @ .., digits] if is_digest(digits) => has_names(before),
        [before @ .., digits, _] if is_digest(digits) => has_names(before),
        _ => false,
    }
}

/// Returns an `external_id` as the beginning of a file name, with `_` for other characters and before
/// the name of a device. Two ids may give the same text, so the attachment's own id follows in the
/// name.
fn file_name_safe_id(external_id: &ExternalId) -> String {
    let safe = |c: char| match c {
        '-' | '_' | '.' => c,
        c if c.is_ascii_alphanumeric() => c,
        _ => '_',
    };
    let text: String = external_id
        .as_str()
        .chars()
        .take(MAX_ID_LENGTH)
        .map(safe)
        .collect();
    let rest = text.trim_start_matches('.');
    let mark = if is_device_name(&text) { "_" } else { "" };
    format!("{mark}{}{rest}", "_".repeat(text.len() - rest.len()))
}

fn plain_extension(file_name: &str) -> Option<&str> {
    let extension = Path::new(file_name).extension().and_then(OsStr::to_str)?;
    let is_plain = (1..=MAX_EXTENSION_LENGTH).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then_some(extension)
}

/// Error of making or reading a backup: the action, the path and the system's error.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {cause}", escape(&path.to_string_lossy()))]
pub struct BackupError {
    action: &'static str,
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl BackupError {
    fn new(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            cause,
        }
    }

    /// Adds the action and the path to an error of the system.
    fn with_cause(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::new(doing, path, cause)
    }
}

impl From<BackupError> for io::Error {
    fn from(error: BackupError) -> Self {
        Self::new(error.cause.kind(), error)
    }
}

/// Folder on the disk with backups.
#[derive(Debug, Clone)]
pub struct BackupFolder {
    path: Arc<Path>,
    /// Path as written in the results.
    text: Arc<str>,
}

impl BackupFolder {
    /// Opens the folder named by the user, and creates a missing folder. Fails if no file can be
    /// made there: better known now than after an hour of look-ups.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let Some(text) = path.to_str() else {
            let cause = "the path is not UTF-8, so the results could not name the backups";
            let cause = io::Error::new(io::ErrorKind::InvalidInput, cause);
            return Err(BackupError::new("keep backups in", path, cause));
        };
        create_private_folder(path)
            .map_err(BackupError::with_cause("make the folder for backups", path))?;
        atomic_file::probe_folder(path).map_err(|unfit| {
            let cause = match unfit.missing_feature {
                Some(lack) => {
                    io::Error::new(unfit.cause.kind(), format!("{lack} ({})", unfit.cause))
                }
                None => unfit.cause,
            };
            BackupError::new("keep backups in", path, cause)
        })?;
        atomic_file::remove_left_over_files(path);
        Ok(Self {
            path: path.into(),
            text: recorded_spelling(text, PATH_SYNTAX).into(),
        })
    }

    fn create_draft(&self) -> Result<FileBackupDraft, BackupError> {
        let begin = || {
            let mut temporary = TemporaryFile::create(&self.path, Durability::Required)?;
            let file = temporary.as_file().try_clone()?;
            Ok((temporary, file))
        };
        let (temporary, file) =
            begin().map_err(BackupError::with_cause("begin a backup in", &self.path))?;
        Ok(FileBackupDraft {
            file: file.into(),
            temporary,
            folder: self.clone(),
            hasher: Sha256Hasher::default(),
        })
    }

    /// Returns the path of a backup, as a path and as the text for the results.
    fn path_and_text_of(&self, name: &BackupName) -> (PathBuf, String) {
        let between = if self.text.ends_with('/') { "" } else { "/" };
        let text = format!("{}{between}{name}", self.text);
        (path_in_folder(&self.path, &name.file_name), text)
    }
}

/// Returns the path of a folder as the results spell the path: with `/`, which every system reads,
/// because results move between systems. Behind `\\?\`, Windows reads no `/`.
fn recorded_spelling(path: &str, syntax: PathSyntax) -> Cow<'_, str> {
    match syntax {
        PathSyntax::Windows if !path.starts_with(r"\\?\") => path.replace('\\', "/").into(),
        PathSyntax::Windows | PathSyntax::Posix => path.into(),
    }
}

/// Creates a folder for its owner alone, with its parents, and syncs the parent folder. An existing
/// folder stays unchanged.
fn create_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    create_private_folder(parent_folder(path))?;
    platform::create_private_folder(path)?;
    sync_folder(parent_folder(path))
}

/// Opens a backup by its path in the column `backup`. A relative path starts at the working
/// directory.
fn open_backup_file(backup: &str) -> io::Result<(UploadSource, FileStamp)> {
    let path = Path::new(backup);
    let failed = BackupError::with_cause("open the backup", path);
    let found = || {
        let name = path.file_name().and_then(OsStr::to_str);
        let name = name.ok_or_else(|| io::Error::other("the path names no file"))?;
        let root = Root::from_path(parent_folder(path)).map_err(OpenRootError::into_cause)?;
        let stamp = root
            .stamp_file(name)
            .map_err(|error| io::Error::other(format!("the path {error}")))?;
        Ok((UploadSource::new(Arc::new(root), name.to_owned()), stamp))
    };
    Ok(found().map_err(failed)?)
}

/// Runs blocking disk work on a thread for blocking work.
async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

impl BackupStore for BackupFolder {
    fn begin_backup(&self) -> BoxFuture<'_, io::Result<Box<dyn BackupDraft>>> {
        let folder = self.clone();
        run_blocking(move || Ok(Box::new(folder.create_draft()?) as Box<dyn BackupDraft>)).boxed()
    }

    fn open_backup(
        &self,
        backup: &str,
    ) -> BoxFuture<'static, io::Result<(UploadSource, FileStamp)>> {
        let backup = backup.to_owned();
        run_blocking(move || open_backup_file(&backup)).boxed()
    }
}

/// Draft of a backup in a [`BackupFolder`].
struct FileBackupDraft {
    file: tokio::fs::File,
    temporary: TemporaryFile,
    folder: BackupFolder,
    hasher: Sha256Hasher,
}

impl FileBackupDraft {
    fn write_error(&self, cause: io::Error) -> io::Error {
        BackupError::new("write a backup to", &self.folder.path, cause).into()
    }
}

impl AsyncWrite for FileBackupDraft {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.file).poll_write(cx, bytes));
        let written = written.map_err(|cause| self.write_error(cause))?;
        self.hasher.update(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.file).poll_flush(cx));
        Poll::Ready(flushed.map_err(|cause| self.write_error(cause)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = ready!(Pin::new(&mut self.file).poll_shutdown(cx));
        Poll::Ready(shut.map_err(|cause| self.write_error(cause)))
    }
}

impl BackupDraft for FileBackupDraft {
    fn commit(mut self: Box<Self>, name: &BackupName) -> BoxFuture<'static, io::Result<String>> {
        let name = name.clone();
        let kept = async move {
            // A write may still be under way; its result is known only after the flush.
            self.flush().await?;
            let Self {
                file,
                temporary,
                folder,
                hasher,
            } = *self;
            drop(file);
            let written = hasher.finish();
            run_blocking(move || Ok(folder.commit_file(temporary, written, &name)?)).await
        };
        kept.boxed()
    }
}

impl BackupFolder {
    /// Gives a written file its final name, once the content is on the disk.
    fn commit_file(
        &self,
        temporary: TemporaryFile,
        written: Sha256Digest,
        name: &BackupName,
    ) -> Result<String, BackupError> {
        let (path, text) = self.path_and_text_of(name);
        if written != name.sha256 {
            let cause = io::Error::other("the written bytes differ from the content to be kept");
            return Err(BackupError::new("keep", &path, cause));
        }
        let failed = |doing, path, cause| Err(BackupError::new(doing, path, cause));
        match temporary.persist_as(&path, ExistingFilePolicy::Keep) {
            Ok(_) => Ok(text),
            Err(NamingError::NameTaken(_)) => {
                check_existing_backup(&path, written)
                    .map_err(BackupError::with_cause("keep a backup as", &path))?;
                sync_folder(&self.path)
                    .map_err(BackupError::with_cause("sync the folder", &self.path))?;
                Ok(text)
            }
            Err(NamingError::ContentNotSynced(cause)) => {
                failed("write a backup to", &self.path, cause)
            }
            Err(NamingError::NotRenamed(cause)) => failed("keep a backup as", &path, cause),
            Err(NamingError::FolderNotSynced(cause)) => {
                failed("sync the folder", &self.path, cause)
            }
        }
    }
}

/// Checks that an existing file under the final name is the same backup: a killed run may have left
/// the file there before recording the backup.
fn check_existing_backup(path: &Path, sha256: Sha256Digest) -> io::Result<()> {
    let refused = |why| Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    if !fs::symlink_metadata(path)?.is_file() {
        return refused("the name is taken by something other than a file; free the name");
    }
    let mut file = File::open(path)?;
    let mut hasher = Sha256Hasher::default();
    io::copy(&mut file, &mut hasher)?;
    if hasher.finish() != sha256 {
        return refused("the name is taken by a file with other content; move the file away");
    }
    // Windows syncs a file only through a handle for writing.
    platform::sync_file(&File::options().append(true).open(path)?)
}

#[cfg(test)]
mod tests;
