//! The engines, the brokers and the proxy of the testkit itself.

mod brokers;
mod proxy;
mod rabbitmq;
