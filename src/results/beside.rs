//! The other results files in a folder, found by their headers and read as they are.
//!
//! Readers take no lock. A file that another run is writing is read up to the last line written so
//! far.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::ResultsError;
use super::previous::{Previous, header};
use crate::model::Sha256Digest;
use crate::text::decode::Encoding;

/// Bytes read from a file to find the header of results. No header is longer.
const HEADER_LOOK: u64 = 64 * 1024;

/// Size in bytes above which a results file is searched for digests before its lines are parsed:
/// half a minute would pass over a folder with the results of many large imports.
const LARGE: usize = 8 * 1024 * 1024;

/// Number of digits of a digest.
const DIGITS: usize = 64;

/// Size in bytes of the largest results file that is read. Ten million rows take less.
const LARGEST: u64 = 4 * 1024 * 1024 * 1024;

/// Other results files, and files that may be results but cannot be read.
#[derive(Debug, Default)]
pub struct FilesBeside {
    /// Files with the header of results, in the order of their paths.
    pub results: Vec<PathBuf>,
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
pub fn find(folders: &[&Path], ours: &Path) -> FilesBeside {
    let mut found = FilesBeside::default();
    let mut known: HashSet<(u64, u64)> = fs::metadata(ours).iter().map(identity).collect();
    let mut folders_known = HashSet::new();
    for folder in folders {
        let about = fs::metadata(folder);
        if about.is_ok_and(|about| folders_known.insert(identity(&about))) {
            look_into(folder, &mut known, &mut found);
        }
    }
    found.results.sort();
    found
}

fn look_into(folder: &Path, known: &mut HashSet<(u64, u64)>, found: &mut FilesBeside) {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) => {
            let (path, why) = (folder.to_owned(), error.to_string());
            return found.unreadable.push(UnreadableFile { path, why });
        }
    };
    for file in files.flatten() {
        let name = file.file_name();
        if !is_csv(&name) {
            continue;
        }
        // The path as the user would type it: `m.csv`, and not `./m.csv`.
        let path = if folder == Path::new(".") {
            PathBuf::from(name)
        } else {
            file.path()
        };
        match fs::metadata(&path) {
            Ok(about) if about.is_file() && known.insert(identity(&about)) => {}
            // A pipe, a link to nothing, or a file seen before.
            _ => continue,
        }
        match look_at(&path) {
            Some(Ok(())) => found.results.push(path),
            Some(Err(why)) => found.unreadable.push(UnreadableFile { path, why }),
            None => {}
        }
    }
}

/// Reads results without locking them. `path` must be a plain file: opening a pipe could take for
/// ever. The encoding named by the user counts only where the lines agree.
pub fn read(path: &Path, encoding: Option<&'static Encoding>) -> Result<Previous, ResultsError> {
    Previous::parse_as(text_of(path)?, path, encoding)
}

/// Reads results if a line may speak of a wanted content. Returns `None` for large results without
/// any wanted digest, whose lines are not parsed.
pub fn read_about(
    path: &Path,
    is_wanted: impl Fn(&Sha256Digest) -> bool,
) -> Result<Option<Previous>, ResultsError> {
    let text = text_of(path)?;
    if text.len() > LARGE && !may_name(&text, is_wanted) {
        return Ok(None);
    }
    Previous::parse(text, path).map(Some)
}

fn text_of(path: &Path) -> Result<Vec<u8>, ResultsError> {
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
        return Err(not_results("it is not a plain file"));
    }
    if about.len() > LARGEST {
        return Err(not_results("it has more than 4 GiB, the most that is read"));
    }
    fs::read(path).map_err(failed("read"))
}

/// True if a wanted digest stands in the text, or if the text has two bytes a letter, where no
/// digest would be seen.
fn may_name(text: &[u8], is_wanted: impl Fn(&Sha256Digest) -> bool) -> bool {
    let is_wide = memchr::memchr(0, text).is_some();
    let digits = text.split(|byte| !byte.is_ascii_hexdigit());
    let mut digests = digits
        .filter(|digits| digits.len() == DIGITS)
        .filter_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    is_wide || digests.any(|digest| is_wanted(&digest))
}

fn identity(about: &fs::Metadata) -> (u64, u64) {
    (about.dev(), about.ino())
}

fn is_csv(name: &OsStr) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

/// Checks the header of a file. Returns `None` for a header of something else than results.
fn look_at(path: &Path) -> Option<Result<(), String>> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEADER_LOOK).read_to_end(&mut start));
    match read {
        Ok(_) => header::judge(&start),
        Err(error) => Some(Err(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{COLUMNS, LINE_CHECK};

    fn beside(text: impl AsRef<[u8]>) -> (usize, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("other.CSV"), text).unwrap();
        fs::write(folder.path().join("other.txt"), "not looked at").unwrap();
        let found = find(&[folder.path()], &folder.path().join("m.results.csv"));
        let whys = found.unreadable.into_iter().map(|file| file.why);
        (found.results.len(), whys.collect())
    }

    #[test]
    fn results_are_known_by_their_headers_in_any_encoding_and_with_any_delimiter() {
        let header = format!("{},{LINE_CHECK},title\n", COLUMNS.join(","));
        let wide = format!("\u{feff}{header}");
        let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [
            header.clone().into_bytes(),
            format!("\u{feff}{header}").into_bytes(),
            header.replace(',', ";").into_bytes(),
            header.replace(',', "\t").into_bytes(),
            format!(",,,\r\n{header}").into_bytes(),
            wide,
        ] {
            assert_eq!(beside(&text), (1, Vec::new()), "{text:?}");
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
            assert_eq!(beside(text), (0, Vec::new()), "{text:?}");
        }
        let header = format!(
            "{},{LINE_CHECK}\n",
            COLUMNS.join(",").replace(",sha256", "")
        );
        assert_eq!(
            beside(header),
            (
                0,
                vec!["its first line names no column \"sha256\"".to_owned()]
            )
        );
    }

    #[test]
    fn a_large_text_is_read_only_if_it_names_a_content() {
        let digest = |text: &str| crate::digest::sha256(text.as_bytes());
        let wanted = [digest("a"), digest("b")];
        let named = |text: &str| may_name(text.as_bytes(), |digest| wanted.contains(digest));
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
        let header = format!("{},{LINE_CHECK}\n", COLUMNS.join(","));
        let path = |name: &str| folder.path().join(name);
        for name in ["m.results.csv", "a.csv", "b.csv"] {
            fs::write(path(name), &header).unwrap();
        }
        std::os::unix::fs::symlink(path("a.csv"), path("c.csv")).unwrap();
        std::os::unix::fs::symlink(path("m.results.csv"), path("d.csv")).unwrap();
        let again = folder.path().join(".");
        let found = find(&[folder.path(), &again], &path("m.results.csv"));
        assert_eq!(found.results.len(), 2, "{found:?}");
        assert!(found.unreadable.is_empty());
    }
}
