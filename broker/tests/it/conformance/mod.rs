//! What the embedded broker and RabbitMQ do alike, down to the words with which they refuse. Each test runs
//! against both, and says what RabbitMQ really does: all were written against 3.10.8, and pass on 4.0.5.
//!
//! To run it against another RabbitMQ, name it in `TRADEWIND_TEST_RABBITMQ` and its management API in
//! `TRADEWIND_TEST_RABBITMQ_API`.
//!
//! Where the versions differ, a test takes both:
//!
//! | What | RabbitMQ 3.10 | RabbitMQ 4.0 |
//! |---|---|---|
//! | an exchange of an unknown type | ends the connection: 503 | ends the channel: 406 |
//! | the default `x-queue-type`, where inequivalent | `current is none` | `current is 'classic'` |
//! | the answer to another protocol's header | AMQP 0-9-1 | AMQP 1.0 |
//! | the largest message | 128 MiB | 16 MiB, 406 beyond |
//! | the older entries of `x-death` | turned round with each death | newest first |
//! | `x-last-death-queue`, `-reason`, `-exchange` | absent | there; nothing is said of them here |
//! | a fresh message that is got from a quorum queue | has `x-delivery-count: 0` | has no such header |
//! | a quorum queue's delivery limit unless declared | none | 20 |
//! | where a quorum queue puts what is given back | at its end | before what is new |
//! | a stream's reader without prefetch, or with `no_ack` | another text | another text |
//! | `basic.nack` and `basic.reject` of a stream's message | end the connection: 540 | are acknowledgements |
//! | `delivery_mode` other than 1 and 2 | 406 | taken; not tested |
//!
//! What RabbitMQ does and nobody should rely on is not asked of the broker: a quorum queue counts a cancelled
//! consumer as long as that owes acknowledgements, and of several of which one is active, that one alone; it
//! lets in others beside an exclusive consumer; methods that do not exist close the socket without a word.
//!
//! - before there is anything to say: [`handshake`], [`connection`]
//! - what is declared: [`exchanges`], [`bindings`], [`queues`], [`queue_arguments`], [`deletion`]
//! - what is published: [`publishing`], [`routing`], [`limits`]
//! - what is delivered: [`getting`], [`consuming`], [`prefetch`], [`acknowledging`], [`single_active`]
//! - what becomes of the rest: [`expiry`], [`dead_letters`]
//! - what is special: [`quorum`], [`streams`], [`reply_to`]

mod acknowledging;
mod bindings;
mod connection;
mod consuming;
mod dead_letters;
mod deletion;
mod exchanges;
mod expiry;
mod getting;
mod handshake;
mod limits;
mod prefetch;
mod publishing;
mod queue_arguments;
mod queues;
mod quorum;
mod reply_to;
mod routing;
mod single_active;
mod streams;
