//! Percent-encoded paths of requests.

/// Returns the part of a path below a base, without the slash in between; `None` if the path is not
/// below the base.
pub(super) fn strip_base<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    path.strip_prefix(base)?.strip_prefix('/')
}
