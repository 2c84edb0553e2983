//! Who may do what. An [`Editor`], [`Publisher`] or [`Admin`] is proof that a token with that scope was checked: nothing else makes one.

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
    /// A space-separated list, as OAuth writes it. Unknown names are dropped: a scope that is gone grants nothing.
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

/// The holder of a token that was checked.
#[derive(Clone, Debug)]
pub struct Principal {
    pub user_id: Option<Uuid>,
    pub token_id: Option<Uuid>,
    pub name: String,
    /// None for a machine token that no user owns.
    pub role: Option<Role>,
    pub scopes: Vec<Scope>,
    pub origin: Origin,
    /// The id of the request that this is about; empty where there is none.
    pub request_id: String,
}

impl Principal {
    /// The service itself, acting on the operator's command: loading samples, importing files.
    #[must_use]
    pub fn system(origin: Origin) -> Self {
        let name = origin.as_str().to_owned();
        Self { user_id: None, token_id: None, name, role: None, scopes: Scope::ALL.to_vec(), origin, request_id: String::new() }
    }

    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Authors see and change only what they made; everybody else with the scope, everything.
    #[must_use]
    pub fn limited_to_own(&self) -> Option<Uuid> {
        let limited = self.role == Some(Role::Author) && !self.has(Scope::InsightsPublish);
        if limited { self.user_id } else { None }
    }
}

/// A principal's scope did not reach.
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
            /// When the principal's token does not carry the scope.
            pub fn try_from_principal(principal: Principal) -> Result<Self, MissingScope> {
                if principal.has($scope) { Ok(Self(principal)) } else { Err(MissingScope($scope)) }
            }

            /// The service's own authority, or that of whoever sits at the machine's command line.
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
