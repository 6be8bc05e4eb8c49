//! Attachments on a record that look like the file of a row, so that somebody may have uploaded the
//! file by hand.
//!
//! Only a look at the content would prove a copy. Name and size suffice to tell the user, who
//! decides.

use crate::destination::attachment_metadata::AttachmentMetadata;
use crate::text::looks_the_same;

/// File of a row for which an attachment would be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedUpload<'r> {
    /// Key of the row.
    pub external_id: &'r str,
    /// Name under which the file would be stored.
    pub file_name: &'r str,
    /// Title of the row, if given.
    pub title: Option<&'r str>,
    /// Size of the file in bytes.
    pub size: u64,
}

impl PlannedUpload<'_> {
    /// True if an attachment on the same record is probably a copy of the file, uploaded by other
    /// means: with the same size, the same file name or title, and not under the row's own key.
    ///
    /// A service without a title from the user derives the title from the file name (documented);
    /// no document says if the ending stays. Answers may leave the file name out (by the vendor's
    /// examples). So each of the names that the attachment shows is compared with the title and
    /// with the file name, with and without the ending.
    pub fn is_probably_copied_by(&self, attachment: &AttachmentMetadata) -> bool {
        if attachment.size != Some(self.size)
            || attachment.external_id.value() == Some(self.external_id)
        {
            return false;
        }
        let stem = self.file_name.rsplit_once('.').map(|(stem, _)| stem);
        let ours = [Some(self.file_name), self.title, stem];
        let ours = ours.into_iter().flatten().filter(|name| !name.is_empty());
        let theirs = [attachment.file_name.value(), attachment.title.value()];
        let mut theirs = theirs.into_iter().flatten();
        theirs.any(|their_name| {
            ours.clone()
                .any(|our_name| looks_the_same(our_name, their_name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::attachment_metadata::Reported;

    const PLANNED: PlannedUpload<'static> = PlannedUpload {
        external_id: "LEG-1",
        file_name: "Vertrag é.pdf",
        title: Some("Master agreement"),
        size: 20,
    };

    /// Returns an attachment with the given external id, file name, title and size; `-` stands for a
    /// text which the answer does not mention.
    fn attachment([external_id, file_name, title, size]: [&str; 4]) -> AttachmentMetadata {
        let reported = |text: &str| match text {
            "-" => Reported::NotReported,
            "" => Reported::Null,
            text => Reported::from_own_text(text),
        };
        AttachmentMetadata {
            external_id: reported(external_id),
            title: reported(title),
            file_name: reported(file_name),
            uploaded_at: Reported::NotReported,
            size: size.parse().ok(),
        }
    }

    #[test]
    fn the_same_size_with_the_same_name_or_title_under_another_key_is_probably_a_copy() {
        for (there, is_copy) in [
            (["", "Vertrag é.pdf", "", "20"], true),
            (["-", "Vertrag é.pdf", "-", "20"], true),
            (["OLD-1", "Vertrag é.pdf", "", "20"], true),
            // The same accent in two characters, as a Mac writes file names.
            (["", "Vertrag e\u{301}.pdf", "", "20"], true),
            (["", "-", "Vertrag é.pdf", "20"], true),
            (["", "-", "Vertrag é", "20"], true),
            (["", "scan.pdf", "Master agreement", "20"], true),
            (["", "Master agreement", "", "20"], true),
            // The row's own key.
            (["LEG-1", "Vertrag é.pdf", "", "20"], false),
            // Another size, or no bytes.
            (["", "Vertrag é.pdf", "Master agreement", "21"], false),
            (["", "Vertrag é.pdf", "", ""], false),
            // Other names, or none.
            (["", "vertrag é.pdf", "", "20"], false),
            (["", "scan.pdf", "Vertrag", "20"], false),
            (["", "-", "-", "20"], false),
            (["", "", "", "20"], false),
        ] {
            let found = PLANNED.is_probably_copied_by(&attachment(there));
            assert_eq!(found, is_copy, "{there:?}");
        }
    }

    #[test]
    fn a_file_without_a_title_or_without_a_stem_has_fewer_names() {
        let untitled = PlannedUpload {
            title: None,
            ..PLANNED
        };
        let titled = attachment(["", "scan.pdf", "Master agreement", "20"]);
        assert!(!untitled.is_probably_copied_by(&titled));
        let hidden = PlannedUpload {
            file_name: ".pdf",
            ..untitled
        };
        let nameless = attachment(["", "-", "x", "20"]);
        assert!(!hidden.is_probably_copied_by(&nameless));
        assert!(hidden.is_probably_copied_by(&attachment(["", ".pdf", "-", "20"])));
    }
}
