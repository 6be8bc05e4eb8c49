//! Tests of the backup folder as seen by a user.

use tempfile::TempDir;

use super::*;
use crate::digest::sha256;
use crate::model::CheckedContent;
use crate::platform::identify_path;

const OLD_CONTENT: &[u8] = b"the old content";

fn backup_name(external_id: &str, file_name: &str) -> BackupName {
    let external_id = ExternalId::parse(external_id).unwrap();
    let id = AttachmentId::parse("4711").unwrap();
    BackupName::new(&external_id, &id, sha256(OLD_CONTENT), Some(file_name))
}

async fn written_draft(folder: &BackupFolder, bytes: &[u8]) -> Box<dyn BackupDraft> {
    let mut draft = folder.begin_backup().await.unwrap();
    draft.write_all(bytes).await.unwrap();
    draft
}

/// Keeps the old content in a folder, as `AT1`.
async fn keep_old_content(folder: &BackupFolder) -> io::Result<String> {
    let draft = written_draft(folder, OLD_CONTENT).await;
    draft.commit(&backup_name("AT1", "a.pdf")).await
}

fn files_in(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap();
    let name = |file: io::Result<fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
    files.map(name).collect()
}

const BACKUP_FILE_NAME: &str = "AT1.4711.5894430863bf.pdf";

#[tokio::test]
async fn a_backup_is_found_again_by_the_text_in_the_results_and_only_its_owner_can_read_it() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("new/backups");
    let folder = BackupFolder::open(&path).unwrap();
    let backup = keep_old_content(&folder).await.unwrap();
    // With `/` on every system: results may be gone on with on another system.
    let folder_text = path.to_str().unwrap().replace('\\', "/");
    assert_eq!(backup, format!("{folder_text}/{BACKUP_FILE_NAME}"));
    assert_eq!(files_in(&path), [BACKUP_FILE_NAME]);
    assert_eq!(fs::read(&backup).unwrap(), OLD_CONTENT);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(Path::new(&backup)), 0o600);
        assert_eq!([mode(&path), mode(path.parent().unwrap())], [0o700; 2]);
    }

    let (source, stamp) = folder.open_backup(&backup).await.unwrap();
    assert_eq!(stamp.size, OLD_CONTENT.len() as u64);
    let content = CheckedContent {
        stamp,
        sha256: sha256(OLD_CONTENT),
    };
    assert_eq!(
        io::read_to_string(source.open(&content).unwrap())
            .unwrap()
            .as_bytes(),
        OLD_CONTENT
    );
}

#[tokio::test]
async fn a_backup_that_is_given_up_leaves_nothing() {
    let path = TempDir::new().unwrap();
    let folder = BackupFolder::open(path.path()).unwrap();
    let draft = written_draft(&folder, OLD_CONTENT).await;
    assert_eq!(files_in(path.path()).len(), 1, "it has no name that lasts");
    drop(draft);
    assert_eq!(files_in(path.path()), [""; 0]);
}

#[tokio::test]
async fn what_a_killed_run_left_half_written_is_cleared_away_and_nothing_else_is() {
    let path = TempDir::new().unwrap();
    for left in [".consign-x1.tmp", "AT1.pdf"] {
        fs::write(path.path().join(left), "x").unwrap();
    }
    let folder = BackupFolder::open(path.path()).unwrap();
    let draft = written_draft(&folder, OLD_CONTENT).await;
    BackupFolder::open(path.path()).unwrap();
    assert_eq!(
        files_in(path.path()).len(),
        2,
        "what another run is at work on stays"
    );
    drop(draft);
    assert_eq!(files_in(path.path()), ["AT1.pdf"]);
}

#[tokio::test]
async fn a_backup_that_was_made_already_is_used_as_it_is() {
    let path = TempDir::new().unwrap();
    let folder = BackupFolder::open(path.path()).unwrap();
    let first = keep_old_content(&folder).await.unwrap();
    let identity = identify_path(Path::new(&first)).unwrap();
    assert_eq!(keep_old_content(&folder).await.unwrap(), first);
    assert_eq!(identify_path(Path::new(&first)).unwrap(), identity);
    assert_eq!(files_in(path.path()), [BACKUP_FILE_NAME]);
}

#[tokio::test]
async fn whatever_else_has_the_name_of_a_backup_is_named_and_stays_as_it_is() {
    let path = TempDir::new().unwrap();
    let folder = BackupFolder::open(path.path()).unwrap();
    let taken = path.path().join(BACKUP_FILE_NAME);
    let refusal = async |why: &str| {
        let error = keep_old_content(&folder).await.unwrap_err();
        let expected = format!("cannot keep a backup as {}: {why}", taken.display());
        assert_eq!(error.to_string(), expected);
    };
    fs::write(&taken, "other content").unwrap();
    refusal("the name is taken by a file with other content; move the file away").await;
    assert_eq!(fs::read(&taken).unwrap(), b"other content");

    fs::remove_file(&taken).unwrap();
    fs::create_dir(&taken).unwrap();
    refusal("the name is taken by something other than a file; free the name").await;
    assert_eq!(files_in(path.path()).len(), 1, "and nothing is left over");

    #[cfg(unix)]
    {
        fs::remove_dir(&taken).unwrap();
        fs::write(path.path().join("elsewhere"), OLD_CONTENT).unwrap();
        std::os::unix::fs::symlink("elsewhere", &taken).unwrap();
        refusal("the name is taken by something other than a file; free the name").await;
        assert_eq!(files_in(path.path()).len(), 2, "and nothing is left over");
    }
}

#[tokio::test]
async fn what_is_not_what_was_to_be_kept_gets_no_name() {
    let path = TempDir::new().unwrap();
    let folder = BackupFolder::open(path.path()).unwrap();
    // A broken download may begin anew in the same draft.
    let draft = written_draft(&folder, b"the old the old content").await;
    let error = draft
        .commit(&backup_name("AT1", "a.pdf"))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(": the written bytes differ from the content to be kept"),
        "{error}"
    );
    assert_eq!(files_in(path.path()), [""; 0]);
}

#[test]
fn a_folder_that_cannot_hold_backups_is_refused_when_it_is_opened() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("below");
    let (file, below) = (file.to_str().unwrap(), below.to_str().unwrap());
    for (path, doing) in [
        (file, "make the folder for backups"),
        (below, "make the folder for backups"),
        // Not even the system's administrator can create a file in this folder.
        #[cfg(target_os = "linux")]
        ("/proc/self", "keep backups in"),
    ] {
        let error = BackupFolder::open(Path::new(path)).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot {doing} {path}: ")),
            "{error}"
        );
    }
    assert_eq!(fs::read(file).unwrap(), b"");
}

#[tokio::test]
async fn a_backup_that_is_gone_is_named() {
    let path = TempDir::new().unwrap();
    let folder = BackupFolder::open(path.path()).unwrap();
    for (gone, why) in [
        ("gone", "the path does not exist"),
        ("folder", "the path is not a regular file"),
    ] {
        fs::create_dir_all(path.path().join("folder")).unwrap();
        let backup = path.path().join(gone);
        let backup = backup.to_str().unwrap();
        let error = folder.open_backup(backup).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot open the backup {backup}: {why}")
        );
    }
    let nowhere = "no/such/folder/x";
    let error = folder.open_backup(nowhere).await.unwrap_err();
    let why = fs::metadata(nowhere).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot open the backup {nowhere}: {why}")
    );
}

#[test]
fn a_backup_is_named_after_its_attachment_with_nothing_in_its_name_that_acts() {
    let digits = "5894430863bf";
    for (external_id, file_name, named) in [
        ("AT1", "a.pdf", format!("AT1.4711.{digits}.pdf")),
        ("a/b\\c d", "a.tar.gz", format!("a_b_c_d.4711.{digits}.gz")),
        ("...x.y", "noextension", format!("___x.y.4711.{digits}")),
        ("-Ä文%2E-", ".pdf", format!("-___2E-.4711.{digits}")),
        ("v1.2", "a.p/f", format!("v1.2.4711.{digits}")),
        ("v1.2", "a.ünf", format!("v1.2.4711.{digits}")),
        (
            "v1.2",
            "a.abcdefghij",
            format!("v1.2.4711.{digits}.abcdefghij"),
        ),
        ("v1.2", "a.abcdefghijk", format!("v1.2.4711.{digits}")),
        ("CON", "a.pdf", format!("_CON.4711.{digits}.pdf")),
        ("nul.1", "a.pdf", format!("_nul.1.4711.{digits}.pdf")),
        (".nul", "a.pdf", format!("_nul.4711.{digits}.pdf")),
    ] {
        assert_eq!(backup_name(external_id, file_name).to_string(), named);
    }
    let longest = backup_name(&"文".repeat(255), "a.abcdefghij").to_string();
    assert!(longest.len() <= 190, "{longest}");
    assert!(longest.starts_with(&format!("{}.4711.", "_".repeat(100))));
}

#[test]
fn the_results_name_a_folder_of_backups_in_a_way_that_every_system_reads() {
    for (path, syntax, spelling) in [
        (r"old\kept", PathSyntax::Windows, "old/kept"),
        (r"S:\old/kept", PathSyntax::Windows, "S:/old/kept"),
        (
            r"\\server\share\old",
            PathSyntax::Windows,
            "//server/share/old",
        ),
        (r"\\?\S:\old", PathSyntax::Windows, r"\\?\S:\old"),
        (r"old\kept", PathSyntax::Posix, r"old\kept"),
    ] {
        assert_eq!(recorded_spelling(path, syntax), spelling);
    }
}
