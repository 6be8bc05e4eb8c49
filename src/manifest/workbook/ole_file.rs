//! Recognition of OLE files: workbooks of Excel 97-2003, and encrypted workbooks of any format.

use std::io::{self, Read};

use super::error::{OtherFileFormat, WorkbookError};

/// First bytes of an OLE file.
pub(super) const OLE_SIGNATURE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Length of an entry of the directory, which starts at a multiple of this length.
const ENTRY_BYTES: usize = 128;

/// Place in an entry of the length of its name in bytes, the final zero included.
const NAME_LENGTH_AT: usize = 64;

/// Number of bytes read at once; a multiple of [`ENTRY_BYTES`].
const CHUNK_BYTES: usize = 64 * 1024;

/// Tells the kind of an OLE file from the names in its directory.
///
/// The directory may stand anywhere in the file, so the whole file is searched.
pub(super) fn ole_file_error(mut file: impl Read) -> io::Result<WorkbookError> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut found = OtherFileFormat::OfficeDocument;
    loop {
        let length = fill(&mut file, &mut chunk)?;
        for entry in chunk[..length].chunks_exact(ENTRY_BYTES) {
            if has_name(entry, "EncryptedPackage") {
                return Ok(WorkbookError::Encrypted);
            }
            if has_name(entry, "Workbook") || has_name(entry, "Book") {
                found = OtherFileFormat::Xls;
            }
        }
        if length < chunk.len() {
            return Ok(WorkbookError::OtherFormat(found));
        }
    }
}

fn fill(file: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < chunk.len() {
        match file.read(&mut chunk[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Returns `true` if a directory entry has a name. Names are UTF-16 with a zero at the end.
fn has_name(entry: &[u8], name: &str) -> bool {
    let wide: Vec<u8> = name
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect();
    entry.starts_with(&wide) && usize::from(entry[NAME_LENGTH_AT]) == wide.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ole_file(names: &[&str]) -> Vec<u8> {
        let mut bytes = OLE_SIGNATURE.to_vec();
        bytes.resize(512, 0);
        for name in names {
            let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let length = entry.len() + 2;
            entry.resize(ENTRY_BYTES, 0);
            entry[NAME_LENGTH_AT] = u8::try_from(length).unwrap();
            bytes.extend(entry);
        }
        bytes
    }

    #[test]
    fn an_old_workbook_an_encrypted_one_and_any_other_file_are_told_apart() {
        let kind = |names: &[&str]| ole_file_error(&*ole_file(names)).unwrap();
        assert!(matches!(
            kind(&["Root Entry", "Workbook"]),
            WorkbookError::OtherFormat(OtherFileFormat::Xls)
        ));
        assert!(matches!(
            kind(&["Root Entry", "EncryptionInfo", "EncryptedPackage"]),
            WorkbookError::Encrypted
        ));
        assert!(matches!(
            kind(&["Root Entry", "WordDocument"]),
            WorkbookError::OtherFormat(OtherFileFormat::OfficeDocument)
        ));
        assert!(matches!(
            ole_file_error(OLE_SIGNATURE).unwrap(),
            WorkbookError::OtherFormat(OtherFileFormat::OfficeDocument)
        ));
    }
}
