//! The `.proto` files and the operations table say the same, and every part of the files says what
//! it is for.

use std::collections::BTreeSet;

use protox::prost_reflect::DescriptorPool;

use crate::grpc::FILE_DESCRIPTOR_SET;
use crate::operation::Shape;

fn pool() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("a descriptor set")
}

#[test]
fn every_operation_is_a_method_of_the_same_shape_and_every_method_an_operation() {
    let described: BTreeSet<_> = pool()
        .services()
        .flat_map(|service| {
            let methods: Vec<_> = service.methods().collect();
            methods.into_iter().map(move |method| {
                let name = format!("/{}/{}", service.full_name(), method.name());
                (name, method.is_client_streaming(), method.is_server_streaming())
            })
        })
        .collect();
    let operations: BTreeSet<_> = crate::all_operations()
        .map(|operation| {
            let (requests, replies) = match operation.shape {
                Shape::Unary => (false, false),
                Shape::ServerStream => (false, true),
                Shape::Duplex => (true, true),
            };
            (operation.grpc.to_owned(), requests, replies)
        })
        .collect();
    assert_eq!(described, operations);
}

#[test]
fn every_enum_begins_with_unspecified() {
    for message in pool().all_enums().filter(|of| of.package_name().starts_with("tradewind")) {
        let zero = message.get_value(0).expect("proto3 asks for it");
        assert!(zero.name().ends_with("_UNSPECIFIED"), "{}", zero.full_name());
    }
}

/// Comments are what reflection shows to whoever explores a service.
#[test]
fn every_part_has_a_comment() {
    // numbers of fields in descriptor.proto: message 4, enum 5, service 6 of a file; field 2 of a
    // message, value 2 of an enum, method 2 of a service, oneof 8 of a message
    let is_part = |path: &[i32]| matches!(path, [4..=6, _] | [4..=6, _, 2, _] | [4, _, 8, _]);
    let mut parts = 0;
    for file in pool().file_descriptor_protos().filter(|file| file.package().starts_with("tradewind")) {
        let info = file.source_code_info.as_ref().expect("comments are kept");
        // an `optional` field has a oneof that is not written down, and so no location
        for location in info.location.iter().filter(|location| is_part(&location.path)) {
            parts += 1;
            assert!(
                !location.leading_comments().is_empty(),
                "{}: line {}",
                file.name(),
                location.span[0] + 1
            );
        }
    }
    assert!(parts > 200, "only {parts} parts were seen");
}
