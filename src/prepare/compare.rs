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

    use super::super::Nobody;
    use super::*;

    #[test]
    fn only_the_content_of_a_file_decides_whether_it_has_changed() {
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
        assert_eq!(
            compare(&root, &files, &Nobody),
            [
                LocalFile::Unchanged,
                LocalFile::Unchanged,
                LocalFile::Changed,
                LocalFile::Changed,
                LocalFile::Gone,
                LocalFile::Changed,
            ]
        );
    }
}
