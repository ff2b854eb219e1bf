//! What the log speaks of: a closed list, so that every line has words in every language.

/// One of the two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Who came, who was refused, who left.
    SignIn,
    /// What was done to accounts, groups, settings and the log itself.
    Operation,
}

impl Log {
    /// Both.
    pub const ALL: [Self; 2] = [Self::SignIn, Self::Operation];

    /// As it is stored and sent.
    pub fn word(self) -> &'static str {
        match self {
            Self::SignIn => "signin",
            Self::Operation => "operation",
        }
    }

    /// One by its word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|log| log.word() == word)
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Event {
    SignedIn, SignInFailed, CodeFailed, TriedTooOften, SignedOut, SessionEnded, Confirmed, ConfirmFailed,
    UserMade, UserInvited, UserChanged, GroupsChanged, UserClosed, UserOpened, LinkMade, PasswordSet, SecondOn, SecondOff, CodesMade, SessionsEnded, TokenMade, TokenRevoked,
    IdentityTied, IdentityUntied, LogExported, SettingChanged, PacksInstalled, RightsChanged, ViewedAs,
}

impl Event {
    /// Every one, in the order people choose from.
    pub const ALL: [Self; 29] = [
        Self::SignedIn, Self::SignInFailed, Self::CodeFailed, Self::TriedTooOften, Self::SignedOut, Self::SessionEnded, Self::Confirmed, Self::ConfirmFailed,
        Self::UserMade, Self::UserInvited, Self::UserChanged, Self::GroupsChanged, Self::UserClosed, Self::UserOpened, Self::LinkMade, Self::PasswordSet, Self::SecondOn, Self::SecondOff, Self::CodesMade,
        Self::SessionsEnded, Self::TokenMade, Self::TokenRevoked, Self::IdentityTied, Self::IdentityUntied, Self::LogExported, Self::SettingChanged, Self::PacksInstalled, Self::RightsChanged, Self::ViewedAs,
    ];

    /// As it is stored and sent; its words stand in the texts of the interface under `log.event_WORD`.
    pub fn word(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::CodeFailed => "code_failed",
            Self::TriedTooOften => "tried_too_often",
            Self::SignedOut => "signed_out",
            Self::SessionEnded => "session_ended",
            Self::Confirmed => "confirmed",
            Self::ConfirmFailed => "confirm_failed",
            Self::UserMade => "user_made",
            Self::UserInvited => "user_invited",
            Self::UserChanged => "user_changed",
            Self::GroupsChanged => "groups_changed",
            Self::UserClosed => "user_closed",
            Self::UserOpened => "user_opened",
            Self::LinkMade => "link_made",
            Self::PasswordSet => "password_set",
            Self::SecondOn => "second_on",
            Self::SecondOff => "second_off",
            Self::CodesMade => "codes_made",
            Self::SessionsEnded => "sessions_ended",
            Self::TokenMade => "token_made",
            Self::TokenRevoked => "token_revoked",
            Self::IdentityTied => "identity_tied",
            Self::IdentityUntied => "identity_untied",
            Self::LogExported => "log_exported",
            Self::SettingChanged => "setting_changed",
            Self::PacksInstalled => "packs_installed",
            Self::RightsChanged => "rights_changed",
            Self::ViewedAs => "viewed_as",
        }
    }

    /// In which log it stands.
    pub fn log(self) -> Log {
        match self {
            Self::SignedIn | Self::SignInFailed | Self::CodeFailed | Self::TriedTooOften | Self::SignedOut | Self::SessionEnded | Self::Confirmed | Self::ConfirmFailed => Log::SignIn,
            _ => Log::Operation,
        }
    }

    /// One by its word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.word() == word)
    }
}
