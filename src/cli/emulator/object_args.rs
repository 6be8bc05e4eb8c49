//! Arguments about the emulator's contracts, events, projects and supplier companies.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::Args;
use url::Url;

use crate::duration::parse_duration;
use crate::emulator::{LinkageDisplay, NextLink, ObjectSettings, PendingLinkage};
use crate::model::{ObjectRef, ObjectType};

/// Arguments about the emulator's contracts, events, projects and supplier companies.
#[derive(Debug, Args)]
pub struct EmulatorObjectArgs {
    /// The contracts, events, projects and supplier companies that exist, in CSV; the README shows an
    /// example [default: every id and external id exists]
    #[arg(long, value_name = "FILE")]
    pub objects: Option<PathBuf>,
    /// An external id that no contract, event, project or supplier company has; may be given several
    /// times
    #[arg(long, value_name = "ID")]
    pub unknown_external_id: Vec<String>,
    /// Attachments of a record in lists: reported, absent, bare, malformed, short:N (the oldest N
    /// alone) or lagging:TIME (none younger)
    #[arg(long, value_name = "WAY", default_value = "reported", value_parser = parse_linkage)]
    pub list_linkage: LinkageDisplay,
    /// Likewise in answers about one record
    #[arg(long, value_name = "WAY", default_value = "reported", value_parser = parse_linkage)]
    pub single_linkage: LinkageDisplay,
    /// Attachments without bytes among those of a record
    #[arg(long, value_name = "WAY", default_value = "shown")]
    pub pending_linkage: PendingLinkage,
    /// Link to the next page of a list: same-host, blanks (around it), or the address of another host
    // An address as an example would become a link of the documentation.
    #[arg(long, value_name = "FORM", default_value = "same-host", value_parser = parse_next_link)]
    pub next_link: NextLink,
    /// An event to which the service still copies attachments, such as event:7; may be given several
    /// times
    #[arg(long, value_name = "TYPE:ID", value_parser = parse_event)]
    pub copying_event: Vec<ObjectRef>,
    /// Length added to each contract, event, project and supplier company in an answer, such as 50KB
    #[arg(long, value_name = "SIZE", default_value = "0")]
    pub object_padding: ByteSize,
}

impl EmulatorObjectArgs {
    /// Resolves the arguments to settings; the file with the objects is read later.
    pub(super) fn into_settings(self) -> ObjectSettings {
        ObjectSettings {
            unknown_external_ids: self.unknown_external_id,
            list_linkage: self.list_linkage,
            single_linkage: self.single_linkage,
            pending_linkage: self.pending_linkage,
            next_link: self.next_link,
            copying_events: self.copying_event,
            padding_bytes: usize::try_from(self.object_padding.as_u64()).unwrap_or(usize::MAX),
        }
    }
}

fn parse_linkage(text: &str) -> Result<LinkageDisplay, String> {
    let unknown = || {
        "reported, absent, bare, malformed, short:N or lagging:TIME is expected, such as short:10 or \
         lagging:5m"
            .to_owned()
    };
    Ok(match text.split_once(':') {
        None => match text {
            "reported" => LinkageDisplay::Reported,
            "absent" => LinkageDisplay::Absent,
            "bare" => LinkageDisplay::Bare,
            "malformed" => LinkageDisplay::Malformed,
            _ => return Err(unknown()),
        },
        Some(("short", limit)) => LinkageDisplay::Short {
            limit: limit.parse().map_err(|_| unknown())?,
        },
        Some(("lagging", lag)) => LinkageDisplay::Lagging {
            lag: parse_duration(lag)?,
        },
        Some(_) => return Err(unknown()),
    })
}

fn parse_next_link(text: &str) -> Result<NextLink, String> {
    match text {
        "same-host" => Ok(NextLink::SameHost),
        "blanks" => Ok(NextLink::BlanksAround),
        _ => {
            let url = Url::parse(text).ok().filter(|url| {
                url.has_host() && matches!(url.scheme(), "http" | "https") && url.path() == "/"
            });
            let origin = url.map(|url| url.origin().ascii_serialization());
            origin
                .map(|origin| NextLink::OtherHost { origin })
                .ok_or_else(|| {
                    "same-host, blanks or a host is expected, such as http://localhost:8461"
                        .to_owned()
                })
        }
    }
}

fn parse_event(text: &str) -> Result<ObjectRef, String> {
    let object = crate::cli::parse_record(text)?;
    match object.object_type() {
        ObjectType::Event => Ok(object),
        _ => {
            Err("an event is expected, such as event:7: nothing else is made by a copy".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_display_of_attachments_is_a_word_some_with_a_number_or_a_time() {
        for (text, display) in [
            ("reported", LinkageDisplay::Reported),
            ("absent", LinkageDisplay::Absent),
            ("bare", LinkageDisplay::Bare),
            ("malformed", LinkageDisplay::Malformed),
            ("short:10", LinkageDisplay::Short { limit: 10 }),
            (
                "lagging:5m",
                LinkageDisplay::Lagging {
                    lag: Duration::from_mins(5),
                },
            ),
        ] {
            assert_eq!(parse_linkage(text), Ok(display));
        }
        for text in ["", "short", "short:x", "lagging:", "bare:1"] {
            assert!(parse_linkage(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_link_to_another_host_has_scheme_and_host_alone() {
        let origin = "http://localhost:8461".to_owned();
        assert_eq!(
            parse_next_link(&format!("{origin}/")),
            Ok(NextLink::OtherHost { origin })
        );
        for text in [
            "elsewhere",
            "localhost:8461",
            "http://localhost/x",
            "ftp://a",
        ] {
            assert!(parse_next_link(text).is_err(), "{text}");
        }
    }
}
