//! Compiles `proto/` into Rust, and into the descriptor set that gRPC reflection serves. In Rust
//! from end to end: no protoc to install.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

const FILES: [&str; 8] = [
    "tradewind/common/v1/common.proto",
    "tradewind/catalog/v1/catalog.proto",
    "tradewind/inventory/v1/inventory.proto",
    "tradewind/payments/v1/payments.proto",
    "tradewind/shipping/v1/shipping.proto",
    "tradewind/orders/v1/orders.proto",
    "tradewind/notifications/v1/notifications.proto",
    "tradewind/recommendations/v1/recommendations.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build.rs");

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    tonic_prost_build::configure()
        // google.protobuf.Timestamp is generated like any other message: one type of one crate less
        .compile_well_known_types(true)
        // its comments hold examples in other languages, which rustdoc would take for Rust
        .disable_comments([".google.protobuf"])
        .include_file("modules.rs")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
