//! What is said after a call, given how it ended: pure.

use contracts::messages::{Command, CommandReply, Event, Message, MessageId, Origin, Outcome, Outgoing};
use contracts::orders::Reason;
use contracts::{Code, PortError, PortResult, Timestamp};

/// What a module says after a request that an event led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<E> {
    /// The books say so: it is said under one id, however many messages lead to it.
    Fact(E),
    /// A refusal, of which the books know nothing: it is said once to each message that asks.
    Answer(E),
    /// Nothing: the request came again, after what it led to had been undone. Whatever undid it was said.
    Nothing,
    /// Nothing yet, for this cause: it must be asked again.
    Again(String),
    /// The request was refused, and the choreography does not provide for that: somebody has to look.
    Hopeless(String),
}

impl<E: Event> Told<E> {
    /// What is said after an error: a decision is answered by what `refusal` makes of it, and anything
    /// else is not the end.
    pub fn refused(error: &PortError, refusal: impl FnOnce(Reason) -> Option<E>) -> Self {
        if !error.is_decision() {
            return Self::Again(error.to_string());
        }
        // no choreographed step is undone before it was done, so the message was dealt with once before;
        // a refusal now would be a second answer to it, and others would act on that
        if error.code() == Some(Code::Compensated) {
            return Self::Nothing;
        }
        let problem = error.clone().into_problem();
        let reason = Reason { code: problem.code.as_str().to_owned(), detail: problem.detail };
        match refusal(reason) {
            Some(event) => Self::Answer(event),
            None => Self::Hopeless(format!("nobody expects this to be refused: {error}")),
        }
    }

    /// The message that says it in answer to `cause`, where there is something to say.
    pub fn message(
        self,
        cause: MessageId,
        origin: &Origin,
        at: Timestamp,
    ) -> Result<Option<Outgoing>, Unsaid> {
        match self {
            Self::Fact(event) => Ok(Some(event.fact(origin, at))),
            Self::Answer(event) => Ok(Some(event.answer(cause, origin, at))),
            Self::Nothing => Ok(None),
            Self::Again(cause) => Err(Unsaid::Again(cause)),
            Self::Hopeless(cause) => Err(Unsaid::Hopeless(cause)),
        }
    }
}

/// Why there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsaid {
    /// See [`Told::Again`].
    Again(String),
    /// See [`Told::Hopeless`].
    Hopeless(String),
}

/// The event of type `E` in `message`; nothing where it says something else, or in a version that this
/// code does not know. An error, for whoever looks at dead letters, where it cannot be read.
pub fn heard<E: Event>(message: &Message) -> Result<Option<E>, String> {
    E::read(message).map_err(|error| format!("{} cannot be read: {error}", message.kind))
}

/// The reply to a command that ended so, or the cause for which it must be tried again.
pub fn replied<T>(command: &Command, result: PortResult<T>) -> Result<CommandReply, PortError> {
    match result {
        Err(error) if !error.is_decision() => Err(error),
        ended => Ok(reply(command, Outcome::of(ended))),
    }
}

/// The reply to a command that will not be tried again, although it is not known how it ended: an earlier
/// attempt may have done it.
pub fn given_up(command: &Command, error: PortError) -> CommandReply {
    let problem = error.into_problem();
    let outcome = Outcome::Failed {
        code: problem.code.as_str().to_owned(),
        detail: problem.detail,
        may_have_happened: true,
    };
    reply(command, outcome)
}

fn reply(command: &Command, outcome: Outcome) -> CommandReply {
    CommandReply { order_id: command.subject(), command: command.name().to_owned(), outcome }
}
