//! The paths of requests, still percent-encoded.

/// The rest of a path below a base, without the slash between them.
pub(super) fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    path.strip_prefix(base)?.strip_prefix('/')
}
