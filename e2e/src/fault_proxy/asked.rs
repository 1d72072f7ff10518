//! What a request asks for, by its method and path.

use http::{Method, Uri};

/// A request to the API server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: &'static str,
    /// The API group; empty for the core.
    pub group: String,
    /// The plural, with a subresource as `tradingsystems/status`; empty where none is meant.
    pub resource: String,
    /// The namespace, or empty.
    pub namespace: String,
    /// The object's name; empty where many are meant.
    pub name: String,
}

impl Asked {
    /// By a request's method and path.
    pub fn of(method: &Method, uri: &Uri) -> Self {
        let path: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
        let (group, rest) = match path.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => ("", &[][..]),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, resource, rest @ ..] if !is_subresource(resource) => {
                (*namespace, [&[*resource], rest].concat())
            }
            rest => ("", rest.to_vec()),
        };
        let name = rest.get(1).copied().unwrap_or_default();
        let mut resource = rest.first().copied().unwrap_or_default().to_owned();
        if let Some(below) = rest.get(2) {
            resource = format!("{resource}/{below}");
        }
        let query = uri.query().unwrap_or_default();
        let watches = query.split('&').any(|part| matches!(part, "watch=true" | "watch=1"));
        let verb = match (method.as_str(), name.is_empty()) {
            ("GET", _) if watches => "watch",
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "deletecollection",
            ("DELETE", false) => "delete",
            _ => "other",
        };
        Self {
            verb,
            group: group.to_owned(),
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// Of a Namespace itself.
fn is_subresource(word: &str) -> bool {
    matches!(word, "status" | "finalize")
}

/// Which requests are meant: all, unless something is said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matching {
    verb: Option<&'static str>,
    resource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

impl Matching {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Those of a verb, as in [`Asked::verb`].
    #[must_use]
    pub fn verb(self, verb: &'static str) -> Self {
        Self { verb: Some(verb), ..self }
    }

    /// Those for a resource, a subresource as `tradingsystems/status`.
    #[must_use]
    pub fn resource(self, resource: &str) -> Self {
        Self { resource: Some(resource.to_owned()), ..self }
    }

    /// Those within a namespace.
    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..self }
    }

    /// Those for an object of this name.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// Whether a request is meant.
    pub fn takes(&self, asked: &Asked) -> bool {
        let is = |wanted: &Option<String>, has: &str| wanted.as_ref().is_none_or(|w| w == has);
        self.verb.is_none_or(|verb| verb == asked.verb)
            && is(&self.resource, &asked.resource)
            && is(&self.namespace, &asked.namespace)
            && is(&self.name, &asked.name)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("GET", "/api/v1/namespaces/trading", "get namespaces // trading")]
    #[case("PUT", "/api/v1/namespaces/trading/status", "update namespaces/status // trading")]
    #[case("GET", "/api/v1/namespaces/trading/pods?watch=true", "watch pods /trading/ ")]
    #[case("GET", "/api/v1/pods?limit=5", "list pods // ")]
    #[case("POST", "/apis/apps/v1/namespaces/a/deployments", "create deployments apps/a/ ")]
    #[case(
        "DELETE",
        "/apis/apps/v1/namespaces/a/deployments",
        "deletecollection deployments apps/a/ "
    )]
    #[case(
        "PATCH",
        "/apis/sapphiretrade.xyz/v1alpha1/namespaces/a/tradingsystems/desk/status?fieldManager=x",
        "patch tradingsystems/status sapphiretrade.xyz/a/ desk"
    )]
    #[case("GET", "/version", "list  // ")]
    fn a_path_says_what_is_asked(#[case] method: &str, #[case] path: &str, #[case] said: &str) {
        let asked = Asked::of(&method.parse().unwrap(), &path.parse().unwrap());
        let Asked { verb, group, resource, namespace, name } = &asked;
        assert_eq!(format!("{verb} {resource} {group}/{namespace}/ {name}"), said);
    }

    #[test]
    fn what_is_not_said_is_any() {
        let path = "/apis/apps/v1/namespaces/a/deployments/b".parse().unwrap();
        let asked = Asked::of(&Method::PATCH, &path);
        assert!(Matching::any().takes(&asked));
        assert!(Matching::any().verb("patch").resource("deployments").name("b").takes(&asked));
        assert!(!Matching::any().namespace("b").takes(&asked));
        assert!(!Matching::any().resource("deployments/scale").takes(&asked));
    }
}
