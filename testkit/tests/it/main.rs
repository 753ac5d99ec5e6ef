//! The engines and the proxy of the testkit itself.

mod proxy;
mod rabbitmq;
