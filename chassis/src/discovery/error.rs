//! What can go wrong between us and the registry.

/// Why a call to the registry failed.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The address of the registry makes no sense.
    #[error("the registry's address {address:?} cannot be used: {reason}")]
    Address {
        /// Without a password.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry did not answer, or not in time. The call may have been carried out.
    #[error("the registry at {registry} did not answer ({call})")]
    Away {
        /// What was asked.
        call: &'static str,
        /// Where.
        registry: String,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The registry does not know the check, session or service that the call names.
    #[error("the registry at {registry} knows no such thing ({call}): {message}")]
    Unknown {
        /// What was asked.
        call: &'static str,
        /// Where.
        registry: String,
        /// The registry's words.
        message: String,
    },
    /// The registry wants a token, or another one.
    #[error(
        "the registry at {registry} refuses these credentials ({call}): {message}; check its token \
         (--registry-token or TRADEWIND_REGISTRY_TOKEN)"
    )]
    Denied {
        /// What was asked.
        call: &'static str,
        /// Where.
        registry: String,
        /// The registry's words.
        message: String,
    },
    /// The registry refused for another reason.
    #[error("the registry at {registry} refused ({call}, status {status}): {message}")]
    Refused {
        /// What was asked.
        call: &'static str,
        /// Where.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// The registry's words.
        message: String,
    },
    /// The registry's answer is not what its API promises.
    #[error("the answer of the registry at {registry} makes no sense ({call}): {reason}")]
    Garbled {
        /// What was asked.
        call: &'static str,
        /// Where.
        registry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The process stops, so the wait is over.
    #[error("shutting down")]
    ShuttingDown,
}
