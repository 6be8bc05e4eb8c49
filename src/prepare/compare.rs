//! Whether files are still what they were when they were imported.

use rayon::prelude::*;

use super::read::hash;
use super::{Watch, on_many_workers};
use crate::model::Content;
use crate::root::{OpenError, Root};
use crate::verification::LocalFile;

/// Looks at each file. Those that look untouched are not read; the others are, unless their size
/// says enough.
pub fn compare(root: &Root, files: &[(String, Content)], watch: &dyn Watch) -> Vec<LocalFile> {
    on_many_workers(|| {
        let looked: Vec<Look> = files.par_iter().map(|file| look(root, file)).collect();
        let sizes = looked
            .iter()
            .zip(files)
            .filter_map(|(look, (_, content))| match look {
                Look::Touched => Some(content.stamp.size),
                Look::Settled(_) => None,
            });
        let (count, bytes) = sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
        watch.begin(count, bytes);
        let settled = looked.into_par_iter().zip(files).with_max_len(1);
        settled
            .map(|(look, (path, content))| match look {
                Look::Settled(local) => local,
                Look::Touched => read(root, path, content, watch),
            })
            .collect()
    })
}

enum Look {
    /// There is no need to read it.
    Settled(LocalFile),
    /// It has its size, and was modified since.
    Touched,
}

fn look(root: &Root, (path, content): &(String, Content)) -> Look {
    Look::Settled(match root.stamp(path) {
        Ok(stamp) if stamp == content.stamp => LocalFile::Unchanged,
        Ok(stamp) if stamp.size == content.stamp.size => return Look::Touched,
        Ok(_) | Err(OpenError::NotAFile(_)) => LocalFile::Changed,
        Err(OpenError::Missing) => LocalFile::Gone,
        Err(OpenError::OutsideRoot | OpenError::Io(_)) => LocalFile::NotCompared,
    })
}

fn read(root: &Root, path: &str, content: &Content, watch: &dyn Watch) -> LocalFile {
    let found = hash(root, path, watch);
    watch.file();
    match found {
        Ok(found) if found.sha256 == content.sha256 => LocalFile::Unchanged,
        Ok(_) => LocalFile::Changed,
        Err(_) => LocalFile::NotCompared,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::Nobody;
    use super::*;

    /// Counts files and bytes: those that were to be read, and those that were.
    #[derive(Default)]
    struct Counts {
        to_read: [AtomicU64; 2],
        read: [AtomicU64; 2],
    }

    impl Watch for Counts {
        fn begin(&self, files: u64, bytes: u64) {
            for (count, more) in self.to_read.iter().zip([files, bytes]) {
                count.fetch_add(more, Ordering::Relaxed);
            }
        }

        fn bytes(&self, more: u64) {
            self.read[1].fetch_add(more, Ordering::Relaxed);
        }

        fn file(&self) {
            self.read[0].fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_the_content_of_a_file_decides_whether_it_has_changed_and_few_are_read_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let root = Root::at(folder.path()).unwrap();
        let names = ["same", "touched", "rewritten", "grown", "gone", "folder"];
        let files: Vec<(String, Content)> = names
            .map(|name| {
                write(name, "hello");
                (name.to_owned(), hash(&root, name, &Nobody).unwrap())
            })
            .into();
        let later = fs::File::options();
        let touch = |name: &str| {
            let file = later
                .clone()
                .append(true)
                .open(folder.path().join(name))
                .unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        };
        touch("touched");
        write("rewritten", "HELLO");
        touch("rewritten");
        write("grown", "hello!");
        fs::remove_file(folder.path().join("gone")).unwrap();
        fs::remove_file(folder.path().join("folder")).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        let counts = Counts::default();
        assert_eq!(
            compare(&root, &files, &counts),
            [
                LocalFile::Unchanged,
                LocalFile::Unchanged,
                LocalFile::Changed,
                LocalFile::Changed,
                LocalFile::Gone,
                LocalFile::Changed,
            ]
        );
        // The one that was touched, and the one that was written anew with the same size.
        let told = |counts: [AtomicU64; 2]| counts.map(AtomicU64::into_inner);
        assert_eq!(told(counts.to_read), [2, 10]);
        assert_eq!(told(counts.read), [2, 10]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_reached_is_neither_unchanged_nor_changed() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("a.pdf");
        fs::write(&path, "hello").unwrap();
        let root = Root::at(folder.path()).unwrap();
        let content = hash(&root, "a.pdf", &Nobody).unwrap();
        fs::rename(&path, other.path().join("a.pdf")).unwrap();
        std::os::unix::fs::symlink(other.path().join("a.pdf"), &path).unwrap();
        let files = [("a.pdf".to_owned(), content)];
        assert_eq!(compare(&root, &files, &Nobody), [LocalFile::NotCompared]);
    }
}
