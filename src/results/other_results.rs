//! The other results files in a folder, found by their headers and read as they are.
//!
//! Readers take no lock. A file that another run is writing is read up to the last line written so
//! far.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::ResultsError;
use super::earlier_results::{EarlierResults, results_header};
use crate::model::Sha256Digest;
use crate::platform::{FileIdentity, identify_target};
use crate::root::path_in_folder;
use crate::text::decode::Encoding;

/// Bytes read from a file to find the header of results. No header is longer.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

/// Size in bytes above which a results file is searched for digests before its lines are parsed:
/// half a minute would pass over a folder with the results of many large imports.
const LARGE_RESULTS_BYTES: usize = 8 * 1024 * 1024;

/// Number of digits of a digest.
const SHA256_HEX_DIGITS: usize = 64;

/// Size in bytes of the largest results file that is read. Ten million rows take less.
const MAX_RESULTS_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Other results files, and files that may be results but cannot be read.
#[derive(Debug, Default)]
pub struct OtherResultsFiles {
    /// Files with the header of results, in the order of their paths.
    pub paths: Vec<PathBuf>,
    /// Files and folders that cannot be read.
    pub unreadable: Vec<UnreadableFile>,
}

/// A file or a folder that cannot be read.
#[derive(Debug)]
pub struct UnreadableFile {
    /// Path of the file or folder.
    pub path: PathBuf,
    /// Error of the operating system, or the missing mark of results.
    pub why: String,
}

/// Finds the results files in these folders, each once, and without the file at `ours`.
pub fn find_other_results(folders: &[&Path], ours: &Path) -> OtherResultsFiles {
    let mut found = OtherResultsFiles::default();
    let mut known: HashSet<FileIdentity> = identify_target(ours).into_iter().collect();
    let mut folders_known = HashSet::new();
    for folder in folders {
        if identify_target(folder).is_ok_and(|identity| folders_known.insert(identity)) {
            search_folder(folder, &mut known, &mut found);
        }
    }
    found.paths.sort();
    found
}

fn search_folder(folder: &Path, known: &mut HashSet<FileIdentity>, found: &mut OtherResultsFiles) {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) => {
            let (path, why) = (folder.to_owned(), error.to_string());
            return found.unreadable.push(UnreadableFile { path, why });
        }
    };
    for file in files.flatten() {
        let name = file.file_name();
        if !has_csv_extension(&name) {
            continue;
        }
        // The path as the user would type it: `m.csv`, and not `./m.csv`.
        let path = if folder == Path::new(".") {
            PathBuf::from(name)
        } else {
            path_in_folder(folder, name)
        };
        let is_file = fs::metadata(&path).is_ok_and(|about| about.is_file());
        let mut is_new = || identify_target(&path).is_ok_and(|identity| known.insert(identity));
        // A pipe, a link to nothing, or a file seen before.
        if !is_file || !is_new() {
            continue;
        }
        match check_results_header(&path) {
            Some(Ok(())) => found.paths.push(path),
            Some(Err(why)) => found.unreadable.push(UnreadableFile { path, why }),
            None => {}
        }
    }
}

/// Reads results without locking them. `path` must be a plain file: opening a pipe could take for
/// ever. The encoding named by the user counts only where the lines agree.
pub fn read_unlocked(
    path: &Path,
    encoding: Option<&'static Encoding>,
) -> Result<EarlierResults, ResultsError> {
    EarlierResults::parse_with_encoding(read_bytes(path)?, path, encoding)
}

/// Reads results if a line may speak of a wanted content. Returns `None` for large results without
/// any wanted digest, whose lines are not parsed.
pub fn read_if_mentioned(
    path: &Path,
    is_wanted: impl Fn(&Sha256Digest) -> bool,
) -> Result<Option<EarlierResults>, ResultsError> {
    let text = read_bytes(path)?;
    if text.len() > LARGE_RESULTS_BYTES && !may_mention(&text, is_wanted) {
        return Ok(None);
    }
    EarlierResults::parse(text, path).map(Some)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, ResultsError> {
    let failed = |doing: &'static str| {
        move |source| ResultsError::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    };
    let not_results = |why: &str| ResultsError::NotResults {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let about = fs::metadata(path).map_err(failed("open"))?;
    if !about.is_file() {
        return Err(not_results("a plain file is expected"));
    }
    if about.len() > MAX_RESULTS_BYTES {
        return Err(not_results(
            "the file has more than 4 GiB, the most that consign reads",
        ));
    }
    fs::read(path).map_err(failed("read"))
}

/// True if a wanted digest is in the text, or if the text has two bytes a letter, where no digest
/// would be seen.
fn may_mention(text: &[u8], is_wanted: impl Fn(&Sha256Digest) -> bool) -> bool {
    let is_wide = memchr::memchr(0, text).is_some();
    let digits = text.split(|byte| !byte.is_ascii_hexdigit());
    let mut digests = digits
        .filter(|digits| digits.len() == SHA256_HEX_DIGITS)
        .filter_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    is_wide || digests.any(|digest| is_wanted(&digest))
}

fn has_csv_extension(name: &OsStr) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

/// Checks the header of a file. Returns `None` for a header of something else than results.
fn check_results_header(path: &Path) -> Option<Result<(), String>> {
    let mut start = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(MAX_HEADER_BYTES).read_to_end(&mut start));
    match read {
        Ok(_) => results_header::check_header(&start),
        Err(error) => Some(Err(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{COLUMNS, LINE_CHECK_COLUMN};

    fn found_beside(text: impl AsRef<[u8]>) -> (usize, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("other.CSV"), text).unwrap();
        fs::write(folder.path().join("other.txt"), "not looked at").unwrap();
        let found = find_other_results(&[folder.path()], &folder.path().join("m.results.csv"));
        let whys = found.unreadable.into_iter().map(|file| file.why);
        (found.paths.len(), whys.collect())
    }

    #[test]
    fn results_are_known_by_their_headers_in_any_encoding_and_with_any_delimiter() {
        let header = format!("{},{LINE_CHECK_COLUMN},title\n", COLUMNS.join(","));
        let wide = format!("\u{feff}{header}");
        let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [
            header.clone().into_bytes(),
            format!("\u{feff}{header}").into_bytes(),
            header.replace(',', ";").into_bytes(),
            format!("\u{feff}{}", header.replace(',', ";")).into_bytes(),
            header.replace(',', "\t").into_bytes(),
            format!(",,,\r\n{header}").into_bytes(),
            wide,
        ] {
            assert_eq!(found_beside(&text), (1, Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn what_is_something_else_is_left_alone_and_what_was_mutilated_is_named() {
        for text in [
            "",
            "\n",
            "a,b\n",
            "file_path,object_type,object_id,external_id,status\n",
        ] {
            assert_eq!(found_beside(text), (0, Vec::new()), "{text:?}");
        }
        let header = format!(
            "{},{LINE_CHECK_COLUMN}\n",
            COLUMNS.join(",").replace(",sha256", "")
        );
        assert_eq!(
            found_beside(header),
            (
                0,
                vec!["the first line has no column \"sha256\"".to_owned()]
            )
        );
    }

    #[test]
    fn a_large_text_is_read_only_if_it_names_a_content() {
        let digest = |text: &str| crate::digest::sha256(text.as_bytes());
        let wanted = [digest("a"), digest("b")];
        let named = |text: &str| may_mention(text.as_bytes(), |digest| wanted.contains(digest));
        for around in [",", ";", "\t", "\"", "\n"] {
            assert!(named(&format!("x{around}{}{around}", digest("b"))));
        }
        assert!(named(&digest("a").to_string().to_uppercase()));
        assert!(!named(&format!(
            "{},{}",
            digest("c"),
            &digest("a").to_string()[1..]
        )));
        assert!(!named(&format!("{}{}", digest("a"), digest("b"))));
        assert!(named("\0"), "nobody knows");
    }

    #[test]
    fn our_own_results_are_no_others_and_no_file_is_found_twice() {
        let folder = tempfile::tempdir().unwrap();
        let header = format!("{},{LINE_CHECK_COLUMN}\n", COLUMNS.join(","));
        let path = |name: &str| folder.path().join(name);
        for name in ["m.results.csv", "a.csv", "b.csv"] {
            fs::write(path(name), &header).unwrap();
        }
        fs::hard_link(path("a.csv"), path("c.csv")).unwrap();
        fs::hard_link(path("m.results.csv"), path("d.csv")).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(path("a.csv"), path("e.csv")).unwrap();
            std::os::unix::fs::symlink(path("m.results.csv"), path("f.csv")).unwrap();
        }
        let again = folder.path().join(".");
        let found = find_other_results(&[folder.path(), &again], &path("m.results.csv"));
        assert_eq!(found.paths.len(), 2, "{found:?}");
        assert!(found.unreadable.is_empty());
    }
}
