//! The folder for relative file paths, and the only way to a file below the folder.
//!
//! Every examination and every opening of a file goes through [`Root`]. Neither `..` nor a symbolic
//! link leads out of the root, and only regular files are ever read. `missing_path` explains
//! missing files from the names in `folder_listing`.

mod folder_listing;
mod folder_walk;
mod missing_path;
mod system_file;

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};

use crate::model::FileStamp;
use crate::model::NonFileKind;
use crate::mutex::lock_despite_poison;
use crate::platform::{self, FileIdentity, FolderNames, PATH_SYNTAX, PathSyntax};
use crate::text::{WindowsNameFault, escape};

pub use folder_walk::{FolderWalkEnd, WalkFinding};
pub use missing_path::{MissingPathCause, MissingPathExplainer, RespeltPath};
pub use system_file::SystemFileKind;

/// Folder to which the manifest's paths are relative.
#[derive(Debug)]
pub struct Root {
    /// Handle of the folder. [`Root::reopen`] replaces the handle when files cannot be reached
    /// through it.
    dir: Mutex<Arc<Dir>>,
    path: PathBuf,
    /// Absolute path. A relative path is no use for opening the folder again, because a working
    /// directory on a share disappears with the share.
    absolute_path: PathBuf,
    /// Paths of some files once seen below the root.
    known_files: OnceLock<Vec<String>>,
    /// Syntax of paths on the present system. Tests set the other one.
    path_syntax: PathSyntax,
}

/// Error: the folder of the files is unavailable. Its path cannot be opened, or leads to a folder
/// without any of the files seen before, such as the mount point of an unmounted share.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", escape(&path.to_string_lossy()))]
pub struct RootUnavailable {
    path: PathBuf,
    cause: String,
}

/// Error: the root cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} cannot be opened: {cause}; name the folder of the files with --root", escape(&path.to_string_lossy()))]
pub struct OpenRootError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl OpenRootError {
    /// Returns the error of the system alone, for a folder not named by `--root`.
    pub fn into_cause(self) -> io::Error {
        self.cause
    }
}

/// File open for reading, with its stamp at that moment.
#[derive(Debug)]
pub struct OpenedFile {
    /// File, positioned at its first byte.
    pub file: File,
    /// Size and time of modification at the opening.
    pub stamp: FileStamp,
}

/// Reason for which a file cannot be examined or opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFileError {
    /// No file has the path.
    #[error("does not exist")]
    Missing,
    /// A symbolic link leads out of the root.
    #[error("leads out of the root through a symbolic link")]
    OutsideRoot,
    /// The path leads to something other than a regular file.
    #[error("is not a regular file")]
    NotAFile(NonFileKind),
    /// Another program holds the file.
    #[error("is in use by another program")]
    InUse,
    /// The system refused.
    #[error("cannot be opened: {0}")]
    Io(#[source] io::Error),
}

impl Root {
    /// Opens a folder as the root.
    pub fn from_path(path: &Path) -> Result<Self, OpenRootError> {
        let opened = Dir::open_ambient_dir(path, ambient_authority());
        let path = path.to_owned();
        match opened {
            Ok(dir) => Ok(Self {
                dir: Mutex::new(Arc::new(dir)),
                absolute_path: std::path::absolute(&path).unwrap_or_else(|_| path.clone()),
                path,
                known_files: OnceLock::new(),
                path_syntax: PATH_SYNTAX,
            }),
            Err(cause) => Err(OpenRootError { path, cause }),
        }
    }

    fn dir(&self) -> Arc<Dir> {
        Arc::clone(&lock_despite_poison(&self.dir))
    }

    /// Records the paths of some files present now. [`Root::reopen`] recognises the folder by
    /// them. Only the first call counts.
    pub fn remember_files(&self, seen: Vec<String>) {
        // The first list counts.
        let _ = self.known_files.set(seen);
    }

    /// Opens the folder anew by its path, after the file `missed` could not be reached: a remounted
    /// share is reached in no other way. Fails with [`RootUnavailable`] when the folder cannot be
    /// opened or holds no recorded file other than `missed`. On success the folder is available,
    /// and the failure concerns the file alone.
    pub fn reopen(&self, missed: &str) -> Result<(), RootUnavailable> {
        let away = |why| RootUnavailable {
            path: self.path.clone(),
            cause: why,
        };
        let dir = Dir::open_ambient_dir(&self.absolute_path, ambient_authority())
            .map_err(|cause| away(cause.to_string()))?;
        let mut others = self.known_files.get().into_iter().flatten();
        let mut others = others.by_ref().filter(|seen| *seen != missed).peekable();
        if others.peek().is_some() && !others.any(|seen| dir.metadata(seen).is_ok()) {
            return Err(away("none of the checked files is there".into()));
        }
        *lock_despite_poison(&self.dir) = Arc::new(dir);
        Ok(())
    }

    /// Returns size and time of modification of a file without opening the file.
    pub fn stamp_file(&self, file_path: &str) -> Result<FileStamp, OpenFileError> {
        self.refuse_unreachable(file_path)?;
        let metadata = self
            .dir()
            .metadata(file_path)
            .map_err(OpenFileError::from_io_error)?;
        stamp_of_regular_file(&metadata)
    }

    /// Opens a file for reading. Never blocks, even on a named pipe without a writer.
    pub fn open_file(&self, file_path: &str) -> Result<OpenedFile, OpenFileError> {
        self.refuse_unreachable(file_path)?;
        let dir = self.dir();
        let file = dir
            .open_with(file_path, &non_blocking_read())
            .map_err(OpenFileError::from_io_error)?;
        let metadata = file.metadata().map_err(OpenFileError::from_io_error)?;
        let stamp = stamp_of_regular_file(&metadata)?;
        let file =
            platform::file_for_content(file, &dir, &self.absolute_path, Path::new(file_path))
                .map_err(OpenFileError::from_io_error)?;
        Ok(OpenedFile { file, stamp })
    }

    /// Returns the identity of a file, which is the same for all paths of the file: in another case on
    /// a file system that ignores case, in another encoding of accents, by a short name of Windows.
    /// `None` for a file that cannot be opened.
    pub(crate) fn identify_file(&self, file_path: &str) -> Option<FileIdentity> {
        let opened = self.open_file(file_path).ok()?;
        platform::identify_file(&opened.file).ok()
    }

    /// Refuses a path that Windows would take for a device, a stream of a file or another file.
    fn refuse_unreachable(&self, file_path: &str) -> Result<(), OpenFileError> {
        match WindowsNameFault::in_path(file_path, self.path_syntax) {
            Some(_) => Err(OpenFileError::Missing),
            None => Ok(()),
        }
    }

    /// Lists the names in a folder, the root itself being the empty path.
    fn list_folder(&self, folder: &str) -> io::Result<FolderNames> {
        let folder = Path::new(if folder.is_empty() { "." } else { folder });
        platform::list_folder(&self.dir(), &self.absolute_path, folder)
    }
}

/// Returns the folder of a path: its parent, or `.` for a bare name.
pub fn parent_folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns the path of a file in a folder, in the spelling of the system: on Windows with `\`
/// throughout, even if the user typed the folder with `/`.
pub fn path_in_folder(folder: &Path, name: impl AsRef<Path>) -> PathBuf {
    folder.join(name).components().collect()
}

/// Returns the path of another file in the folder of a file, in the spelling of the system.
pub fn path_beside(file: &Path, name: impl AsRef<OsStr>) -> PathBuf {
    file.with_file_name(name).components().collect()
}

fn non_blocking_read() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    platform::without_blocking(options)
}

impl OpenedFile {
    /// Returns the size and the time of modification at the time of the call, for comparison with
    /// `stamp`.
    pub fn current_stamp(&self) -> io::Result<FileStamp> {
        let metadata = self.file.metadata()?;
        Ok(stamp_from_parts(metadata.len(), metadata.modified()?))
    }
}

fn stamp_of_regular_file(metadata: &Metadata) -> Result<FileStamp, OpenFileError> {
    if !metadata.is_file() {
        return Err(OpenFileError::NotAFile(non_file_kind(metadata)));
    }
    let modified = metadata.modified().map_err(OpenFileError::Io)?;
    Ok(stamp_from_parts(metadata.len(), modified.into_std()))
}

/// Replaces a time beyond the year 9999 by the epoch: times are only ever compared for equality.
fn stamp_from_parts(size: u64, modified: std::time::SystemTime) -> FileStamp {
    FileStamp {
        size,
        modified: modified.try_into().unwrap_or_default(),
    }
}

fn non_file_kind(metadata: &Metadata) -> NonFileKind {
    if metadata.is_dir() {
        return NonFileKind::Folder;
    }
    if platform::is_pipe(metadata) {
        return NonFileKind::Pipe;
    }
    NonFileKind::Device
}

impl OpenFileError {
    fn from_io_error(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            // The system gives this error for the opening of a socket.
            _ if platform::has_no_driver(&error) => Self::NotAFile(NonFileKind::Device),
            _ if platform::is_file_in_use(&error) => Self::InUse,
            // cap-std refuses ways out of the root with an error of its own, without an error
            // number of the system.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Self::OutsideRoot,
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_file_below_the_root_opens_and_shows_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b ü.txt"), "hello").unwrap();
        let root = Root::from_path(folder.path()).unwrap();
        let mut opened = root.open_file("a/b ü.txt").unwrap();
        let mut text = String::new();
        opened.file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert_eq!(opened.stamp.size, 5);
        assert_eq!(root.stamp_file("a/b ü.txt").unwrap(), opened.stamp);
        assert_eq!(opened.current_stamp().unwrap(), opened.stamp);
    }

    #[test]
    fn a_root_that_is_not_there_is_named() {
        let path = Path::new("/no/such/folder");
        let why = fs::metadata(path).unwrap_err();
        assert_eq!(
            Root::from_path(path).unwrap_err().to_string(),
            format!(
                "the folder /no/such/folder cannot be opened: {why}; name the folder of the files \
                 with --root"
            )
        );
    }

    #[test]
    #[cfg_attr(windows, ignore = "an open folder keeps its name")]
    fn a_folder_is_away_when_its_path_leads_to_nothing_or_none_of_its_files_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let [files, elsewhere] = ["files", "elsewhere"].map(|name| folder.path().join(name));
        fs::create_dir(&files).unwrap();
        for name in ["a", "b", "c"] {
            fs::write(files.join(name), name).unwrap();
        }
        let root = Root::from_path(&files).unwrap();
        root.remember_files(vec!["a".into(), "b".into()]);
        root.reopen("a").unwrap();

        fs::rename(&files, &elsewhere).unwrap();
        let away = root.reopen("a").unwrap_err().to_string();
        let why = fs::metadata(&files).unwrap_err();
        assert!(away.ends_with(&format!("files: {why}")), "{away}");
        fs::create_dir(&files).unwrap();
        let away = root.reopen("a").unwrap_err().to_string();
        assert!(
            away.ends_with("files: none of the checked files is there"),
            "{away}"
        );

        // The path leads to another folder now, and files are opened in the new folder from now on.
        fs::write(files.join("b"), "new b").unwrap();
        root.reopen("a").unwrap();
        assert_eq!(root.stamp_file("b").unwrap().size, 5);
        // A single missing file does not make the folder unavailable.
        root.reopen("b").unwrap_err();
        fs::write(files.join("a"), "new a").unwrap();
        root.reopen("b").unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nothing_but_a_regular_file_below_the_root_is_opened() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("folder")).unwrap();
        fs::write(path("file"), "x").unwrap();
        symlink(outside.path().join("secret"), path("absolute link")).unwrap();
        symlink("../..", path("folder/upwards")).unwrap();
        symlink("../file", path("folder/inside")).unwrap();
        symlink("nothing", path("dangling")).unwrap();
        symlink("/dev/null", path("device link")).unwrap();
        make_pipe(&path("pipe"));
        let _socket = UnixListener::bind(path("socket")).unwrap();

        let root = Root::from_path(folder.path()).unwrap();
        assert!(root.open_file("folder/inside").is_ok());
        for (name, expected) in [
            ("nothing", "Missing"),
            ("file/x", "Missing"),
            ("dangling", "Missing"),
            ("absolute link", "OutsideRoot"),
            ("device link", "OutsideRoot"),
            ("folder/upwards/x", "OutsideRoot"),
            ("../x", "OutsideRoot"),
            ("folder", "NotAFile(Folder)"),
            ("pipe", "NotAFile(Pipe)"),
            ("socket", "NotAFile(Device)"),
        ] {
            assert_eq!(
                format!("{:?}", root.stamp_file(name).unwrap_err()),
                expected,
                "{name}"
            );
            assert_eq!(
                format!("{:?}", root.open_file(name).unwrap_err()),
                expected,
                "{name}"
            );
        }
    }

    #[cfg(unix)]
    fn make_pipe(path: &Path) {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_refused_without_being_read() {
        let root = Root::from_path(Path::new("/dev")).unwrap();
        assert!(matches!(
            root.open_file("zero"),
            Err(OpenFileError::NotAFile(NonFileKind::Device))
        ));
    }
}
