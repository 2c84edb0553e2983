//! The times of an insight's publication. A new one is one line of the list below: database rows, lists, imports, exports
//! and front matter follow from it. How to add one: `docs/contributing/add-a-field.md`.

use super::clock::Timestamp;

/// What a time describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeScope {
    /// The current publication: a draft has no such time.
    Publication,
    /// The insight: the time stays when a publication ends.
    Insight,
}

/// Defines [`PublicationTimes`] and the list of its members.
macro_rules! publication_times {
    ($($(#[$meta:meta])* $name:ident: $scope:expr),+ $(,)?) => {
        /// The times of an insight's publication.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct PublicationTimes {
            $($(#[$meta])* pub $name: Option<Timestamp>),+
        }

        impl PublicationTimes {
            /// The names of the times, as the API and the database spell them, in the order of every output.
            pub const NAMES: [&'static str; [$(stringify!($name)),+].len()] = [$(stringify!($name)),+];
            pub const SCOPES: [(&'static str, TimeScope); Self::NAMES.len()] = [$((stringify!($name), $scope)),+];

            /// Each time with its name.
            #[must_use]
            pub const fn members(&self) -> [(&'static str, Option<Timestamp>); Self::NAMES.len()] {
                [$((stringify!($name), self.$name)),+]
            }

            /// Reads each time by its name.
            #[must_use]
            pub fn from_fn(mut read: impl FnMut(&'static str) -> Option<Timestamp>) -> Self {
                Self { $($name: read(stringify!($name))),+ }
            }

            /// As [`PublicationTimes::from_fn`]; `None` if one cannot be read.
            #[must_use]
            pub fn try_from_fn(mut read: impl FnMut(&'static str) -> Option<Option<Timestamp>>) -> Option<Self> {
                Some(Self { $($name: read(stringify!($name))?),+ })
            }
        }
    };
}

publication_times! {
    published_at: TimeScope::Publication,
    unpublish_at: TimeScope::Publication,
    /// When the first publication begins. In the future, it is that of a schedule and has not happened yet.
    first_published_at: TimeScope::Insight,
}

impl PublicationTimes {
    /// When the first publication began; `None` until then.
    ///
    /// The publication itself counts where there is no other: a node of an older version writes only that.
    #[must_use]
    pub fn first_begun(&self, now: Timestamp) -> Option<Timestamp> {
        [self.first_published_at, self.published_at].into_iter().flatten().find(|first| *first <= now)
    }

    /// The times as readers see them: what is planned for the first publication is not shown.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        Self { first_published_at: self.first_begun(now), ..self }
    }
}
