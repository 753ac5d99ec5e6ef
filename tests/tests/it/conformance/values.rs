//! Requests and replies cross every wire unchanged, field by field.

use super::house::{House, unhurried, ways};
use super::{cases, scripted::Script};

#[tokio::test]
async fn every_request_arrives_and_every_reply_comes_back_as_it_was() {
    for way in ways().await {
        let house = House::over(way).await;
        for case in cases::all() {
            house.callee.play(Script::Reply(case.reply.clone()));
            let reply = case.call(&house.clients, unhurried()).await;
            let reply = reply.unwrap_or_else(|error| panic!("{} over {way}: {error}", case.operation));
            case.assert_reply(&reply, way);
            let seen = house.callee.take_seen();
            assert_eq!(seen.len(), 1, "{} over {way}: calls that arrived", case.operation);
            assert_eq!(seen[0].operation, case.operation, "over {way}");
            case.assert_request(&seen[0].request, way);
        }
    }
}
