//! A choice among several, as a struct with one optional member a choice.
//!
//! A tagged enum would have a schema that depends on a value, which Kubernetes forbids and
//! `kubectl explain` cannot show. Here the schema is a plain struct and a CEL rule says "exactly one";
//! the macro gives the Rust side the enum back.

/// Not exactly one member of a choice is set.
///
/// Cannot happen to an object that passed validation; one built in code may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{owner} needs exactly one of {members}")]
pub struct NotOne {
    /// The struct.
    pub owner: &'static str,
    /// Its members.
    pub members: &'static str,
}

macro_rules! one_of {
    ($(#[$doc:meta])* $choice:ident of $owner:ident { $($member:ident => $variant:ident($type:ty)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum $choice<'a> {
            $(
                #[doc = concat!("`", stringify!($member), "` is set.")]
                $variant(&'a $type),
            )+
        }

        impl $owner {
            /// The member that is set.
            ///
            /// # Errors
            /// [`NotOne`](crate::one_of::NotOne) when none or several are, which validation refuses.
            pub fn choice(&self) -> Result<$choice<'_>, crate::one_of::NotOne> {
                let mut set = [$(self.$member.as_ref().map($choice::$variant)),+].into_iter().flatten();
                match (set.next(), set.next()) {
                    (Some(choice), None) => Ok(choice),
                    _ => Err(crate::one_of::NotOne {
                        owner: stringify!($owner),
                        members: concat!($(stringify!($member), " "),+),
                    }),
                }
            }
        }
    };
}
pub(crate) use one_of;
