//! What holds for the protobuf side as a whole.
//!
//! - `any`: random values of every type
//! - `round_trip`: nothing changes on the way to bytes and back
//! - `hostile`: whatever arrives, the answer is a value or a problem that names the field
//! - `descriptors`: the `.proto` files and the operations table say the same

mod any;
mod descriptors;
mod hostile;
mod round_trip;
