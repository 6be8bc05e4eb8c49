//! What users see of whole manifests.

use super::*;

pub(super) fn read_ids(ids: &[&str], similar_ids: SimilarIds) -> Reading {
    let mut text = String::from("file_path,object_type,object_id,external_id\n");
    for id in ids {
        text += &format!("a.pdf,contract,1,\"{id}\"\n");
    }
    let options = Options {
        similar_ids,
        ..Options::default()
    };
    read_text(Path::new("m.csv"), text, &options).unwrap()
}
