//! What is wrong, in words that say what to do about it.

use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

use super::address::BrokerAddress;

/// Why there is no connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It may pass by itself: the broker is away, starting, or slow.
    Passing(String),
    /// A person has to do something.
    Standing(String),
}

impl Fault {
    /// What a failure to connect to `address`, or to declare our queues there, means.
    pub(super) fn of(address: &BrokerAddress, error: &lapin::Error) -> Self {
        let ErrorKind::ProtocolError(refusal) = error.kind() else {
            return Self::Passing(error.to_string());
        };
        let said = refusal.get_message();
        let (user, host) = (address.user(), address.virtual_host());
        match refusal.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) if said.as_str().contains("ogin") => {
                Self::Standing(format!(
                    "it refuses these credentials: check user and password in the broker's address (--broker or \
                     TRADEWIND_BROKER), where the user is {user} ({said})"
                ))
            }
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => Self::Standing(format!(
                "the user {user} lacks a permission; grant it with `rabbitmqctl set_permissions -p {host} {user} \
                 '.*' '.*' '.*'` ({said})"
            )),
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) if said.as_str().contains("not found") => {
                Self::Standing(format!(
                    "it has no virtual host {host}: create it with `rabbitmqctl add_vhost {host}`, or name another \
                     in the broker's address; the embedded broker has `/` alone ({said})"
                ))
            }
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => Self::Standing(format!(
                "the user {user} may not use the virtual host {host}: grant it with `rabbitmqctl set_permissions -p \
                 {host} {user} '.*' '.*' '.*'` ({said})"
            )),
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED)
                if said.as_str().contains("inequivalent") =>
            {
                Self::Standing(format!(
                    "a queue or exchange stands there that was declared otherwise: stop the shop, delete it once it \
                     is empty (`rabbitmqctl delete_queue NAME`, or queue.delete of any client), and start the shop \
                     again, which declares it anew ({said})"
                ))
            }
            AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) if said.as_str().contains("inaccessible") => {
                Self::Passing(format!(
                    "a queue has not come back yet; should that last for minutes, restart the broker, and as a last \
                     resort stop the shop, delete the queue with what is in it (`rabbitmqctl delete_queue NAME`), and \
                     start the shop again ({said})"
                ))
            }
            _ => Self::Passing(format!("it refused: {said}")),
        }
    }

    /// What to tell people.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Passing(text) | Self::Standing(text) => text,
        }
    }
}

/// Whether the broker says that something does not exist: a queue or an exchange that somebody deleted.
pub(super) fn is_missing(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(refusal)
        if *refusal.kind() == AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND))
}

/// Whether the broker says that something stands there which was declared otherwise.
pub(in crate::messaging) fn is_declared_otherwise(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(refusal)
        if *refusal.kind() == AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED))
}

/// Whether the broker says that another connection has something for itself.
pub(in crate::messaging) fn is_locked(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(refusal)
        if *refusal.kind() == AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::protocol::AMQPError;

    fn fault(kind: AMQPErrorKind, said: &str) -> Fault {
        let address = BrokerAddress::parse("amqp://shop:hunter2@host/orders").expect("an address");
        Fault::of(&address, &ErrorKind::ProtocolError(AMQPError::new(kind, said.into())).into())
    }

    #[test]
    fn what_a_person_must_mend_says_what_and_how() {
        for (kind, said, advice) in [
            (
                AMQPSoftError::ACCESSREFUSED.into(),
                "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN",
                "refuses these credentials: check user and password",
            ),
            (AMQPSoftError::ACCESSREFUSED.into(), "ACCESS_REFUSED - access to queue", "set_permissions"),
            (AMQPHardError::NOTALLOWED.into(), "NOT_ALLOWED - vhost orders not found", "add_vhost orders"),
            (AMQPHardError::NOTALLOWED.into(), "NOT_ALLOWED - access to vhost refused", "set_permissions"),
            (
                AMQPSoftError::PRECONDITIONFAILED.into(),
                "PRECONDITION_FAILED - inequivalent arg 'x-queue-type'",
                "delete_queue",
            ),
        ] {
            let fault = fault(kind, said);
            assert!(matches!(fault, Fault::Standing(_)), "{fault:?}");
            assert!(fault.text().contains(advice) && fault.text().contains(said), "{fault:?}");
            assert!(!fault.text().contains("hunter2"), "{fault:?}");
        }
    }

    #[test]
    fn what_passes_by_itself_is_told_apart() {
        let away: lapin::Error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into();
        let address = BrokerAddress::parse("amqp://host").expect("an address");
        assert!(matches!(Fault::of(&address, &away), Fault::Passing(_)));
        assert!(matches!(fault(AMQPHardError::INTERNALERROR.into(), "x"), Fault::Passing(_)));
    }
}
