//! Permissions. An [`Editor`], [`Publisher`] or [`Admin`] is the proof that a principal has that scope; functions that
//! need the scope take it.

use uuid::Uuid;

use super::text_enum::text_enum;

text_enum! {
    /// What a token permits.
    pub enum Scope {
        InsightsWrite => "insights:write",
        InsightsPublish => "insights:publish",
        WebhooksManage => "webhooks:manage",
        Admin => "admin",
    }
}

impl Scope {
    /// Parses a space-separated list, as in OAuth. Unknown names are ignored: a removed scope grants nothing.
    #[must_use]
    pub fn parse_list(text: &str) -> Vec<Self> {
        text.split_ascii_whitespace().filter_map(Self::parse).collect()
    }

    #[must_use]
    pub fn join(scopes: &[Self]) -> String {
        scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    }
}

text_enum! {
    /// What a user is.
    #[derive(Default)]
    pub enum Role {
        #[default]
        Author => "author",
        Editor => "editor",
        Admin => "admin",
    }
}

impl Role {
    #[must_use]
    pub fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Author => &[Scope::InsightsWrite],
            Self::Editor => &[Scope::InsightsWrite, Scope::InsightsPublish, Scope::WebhooksManage],
            Self::Admin => &Scope::ALL,
        }
    }
}

text_enum! {
    /// The way by which a write arrived.
    pub enum Origin {
        Api => "api",
        Import => "import",
        /// An earlier revision, written again.
        Restore => "restore",
        Cli => "cli",
        Demo => "demo",
        /// The service itself: it empties the trash, for example.
        System => "system",
    }
}

/// The holder of a verified token.
#[derive(Clone, Debug)]
pub struct Principal {
    pub user_id: Option<Uuid>,
    /// The machine token.
    pub token_id: Option<Uuid>,
    /// The session of a signed-in user.
    pub session_id: Option<Uuid>,
    pub name: String,
    /// None for a machine token without a user.
    pub role: Option<Role>,
    pub scopes: Vec<Scope>,
    pub origin: Origin,
    /// The id of the request; empty outside of requests.
    pub request_id: String,
}

impl Principal {
    /// The service itself, for commands of the operator: loading samples, importing files.
    #[must_use]
    pub fn system(origin: Origin) -> Self {
        let name = origin.as_str().to_owned();
        Self {
            user_id: None,
            token_id: None,
            session_id: None,
            name,
            role: None,
            scopes: Scope::ALL.to_vec(),
            origin,
            request_id: String::new(),
        }
    }

    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// The user whose insights alone this principal can see and change; None for everybody but authors.
    #[must_use]
    pub fn limited_to_own(&self) -> Option<Uuid> {
        let limited = self.role == Some(Role::Author) && !self.has(Scope::InsightsPublish);
        if limited { self.user_id } else { None }
    }
}

/// The scope that a principal lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingScope(pub Scope);

macro_rules! proof_of_scope {
    ($(#[$doc:meta])* $name:ident, $scope:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Principal);

        impl $name {
            pub const SCOPE: Scope = $scope;

            /// # Errors
            /// If the principal does not have the scope.
            pub fn try_from_principal(principal: Principal) -> Result<Self, MissingScope> {
                if principal.has($scope) { Ok(Self(principal)) } else { Err(MissingScope($scope)) }
            }

            /// The authority of the service itself, or of its operator on the command line.
            #[must_use]
            pub fn system(origin: Origin) -> Self {
                Self(Principal::system(origin))
            }

            #[must_use]
            pub fn principal(&self) -> &Principal {
                &self.0
            }
        }
    };
}

proof_of_scope!(/// May write drafts.
    Editor, Scope::InsightsWrite);
proof_of_scope!(/// May decide what is public.
    Publisher, Scope::InsightsPublish);
proof_of_scope!(/// May administer users, tokens and the site.
    Admin, Scope::Admin);
