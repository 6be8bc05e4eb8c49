//! Pages of a list whose next page the service names by a link.
//!
//! A link is followed only to the list's own scheme, host, port and path, since keys go with the
//! request. A [`PageQuery`] holds the query of the link alone and so cannot name another place.

use percent_encoding::percent_decode_str;
use url::Url;

/// Query of a page of a list, as the service wrote the query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageQuery(Box<str>);

/// Reason for which a link to the next page is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignLinkError {
    /// The link is no address.
    #[error("the link to the next page is no address")]
    NoAddress,
    /// The link leads to another scheme, host or port. Holds the link's own, for example
    /// `https://example.com:8443`.
    #[error(
        "the link to the next page leads to {0}; consign follows links within the service alone, \
         because its keys go with the request"
    )]
    OtherOrigin(String),
    /// The link leads to another path of the service.
    #[error("the link to the next page leads to another path than that of the list")]
    OtherPath,
}

impl PageQuery {
    /// Returns the query of a link in the answer of `list`. Blanks around the link do not matter; a
    /// relative link is resolved.
    pub(super) fn from_link(list: &Url, link: &str) -> Result<Self, ForeignLinkError> {
        let there = list
            .join(link.trim())
            .map_err(|_| ForeignLinkError::NoAddress)?;
        if there.origin() != list.origin() {
            let origin = there.origin().ascii_serialization();
            return Err(ForeignLinkError::OtherOrigin(origin));
        }
        if there.path() != list.path() {
            return Err(ForeignLinkError::OtherPath);
        }
        Ok(Self(there.query().unwrap_or_default().into()))
    }

    /// Returns the query as the service wrote the query.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the query with the number of the parameter `name` lowered to `most`; unchanged where
    /// the number is not above `most`. A missing parameter is added.
    #[must_use]
    pub fn with_at_most(&self, name: &str, most: usize) -> Self {
        let is_named = |pair: &&str| {
            let written = pair.split('=').next().unwrap_or_default();
            percent_decode_str(written).decode_utf8_lossy() == name
        };
        let number = |pair: &str| pair.split_once('=')?.1.parse::<usize>().ok();
        let pairs = || self.0.split('&').filter(|pair| !pair.is_empty());
        if let Some(pair) = pairs().find(is_named)
            && number(pair).is_some_and(|number| number <= most)
        {
            return self.clone();
        }
        let kept = pairs().filter(|pair| !is_named(pair));
        let lowered = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(name, &most.to_string())
            .finish();
        let all: Vec<&str> = kept.chain([lowered.as_str()]).collect();
        Self(all.join("&").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "https://api.example.com/services/contracts/v1/contracts";

    fn query_of(link: &str) -> Result<String, ForeignLinkError> {
        let list = Url::parse(LIST).unwrap();
        PageQuery::from_link(&list, link).map(|query| query.as_str().to_owned())
    }

    #[test]
    fn a_link_is_followed_as_given_within_its_list() {
        for (link, query) in [
            (
                " https://api.example.com/services/contracts/v1/contracts?page[size]=100&page[cursor]=Ab%3D ",
                "page[size]=100&page[cursor]=Ab%3D",
            ),
            (
                "https://API.example.com:443/services/contracts/v1/contracts?page%5Bcursor%5D=x#end",
                "page%5Bcursor%5D=x",
            ),
            ("/services/contracts/v1/contracts?c=1", "c=1"),
            ("contracts?c=1", "c=1"),
            ("?c=1", "c=1"),
            (
                "https://user:secret@api.example.com/services/contracts/v1/contracts?c=1",
                "c=1",
            ),
        ] {
            assert_eq!(query_of(link).as_deref(), Ok(query), "{link}");
        }
    }

    #[test]
    fn a_link_to_another_place_is_refused() {
        let elsewhere = |origin: &str| ForeignLinkError::OtherOrigin(origin.to_owned());
        let path = "/services/contracts/v1/contracts?c=1";
        for (link, why) in [
            (
                format!("https://evil.example{path}"),
                elsewhere("https://evil.example"),
            ),
            (
                format!("//evil.example{path}"),
                elsewhere("https://evil.example"),
            ),
            (
                format!("\\\\evil.example{path}"),
                elsewhere("https://evil.example"),
            ),
            (
                format!("http://api.example.com{path}"),
                elsewhere("http://api.example.com"),
            ),
            (
                format!("https://api.example.com:8443{path}"),
                elsewhere("https://api.example.com:8443"),
            ),
            (
                format!("https://api.example.com@evil.example{path}"),
                elsewhere("https://evil.example"),
            ),
            ("data:text/plain,x".to_owned(), elsewhere("null")),
            (
                "/services/contracts/v1/contracts/?c=1".to_owned(),
                ForeignLinkError::OtherPath,
            ),
            (
                "/services/contracts/v1/../v2/contracts".to_owned(),
                ForeignLinkError::OtherPath,
            ),
            ("/".to_owned(), ForeignLinkError::OtherPath),
            ("https://[".to_owned(), ForeignLinkError::NoAddress),
        ] {
            assert_eq!(query_of(&link), Err(why), "{link}");
        }
    }

    #[test]
    fn the_number_of_records_on_a_page_is_lowered_and_never_raised() {
        for (query, most, lowered) in [
            ("page[size]=100&c=1", 100, "page[size]=100&c=1"),
            ("page[size]=50&c=1", 100, "page[size]=50&c=1"),
            ("page[size]=100&c=%5B", 25, "c=%5B&page%5Bsize%5D=25"),
            ("page%5Bsize%5D=100&c=1", 25, "c=1&page%5Bsize%5D=25"),
            ("c=1", 25, "c=1&page%5Bsize%5D=25"),
            ("page[size]=many", 25, "page%5Bsize%5D=25"),
            ("", 25, "page%5Bsize%5D=25"),
        ] {
            let query = PageQuery(query.into()).with_at_most("page[size]", most);
            assert_eq!(query.as_str(), lowered);
        }
    }
}
