//! gRPC through the gateway: unary and duplex, statuses in trailers, and refusals as statuses.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use contracts::grpc::pb::common::PageRequest;
use contracts::grpc::pb::inventory::inventory_client::InventoryClient;
use contracts::grpc::pb::inventory::inventory_server::{Inventory, InventoryServer};
use contracts::grpc::pb::inventory::{
    CommitRequest, InventoryRecordPage, ReleaseRequest, Reservation, ReservationRequest, ReserveRequest,
    StockLevel, StockRequest, WatchRequest, watch_request::Change,
};
use contracts::grpc::status::{from_status, to_status};
use contracts::{Code, Problem};
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::support::{Setup, nobody, serve, within};

struct Fake;

fn level(sku: &str) -> StockLevel {
    StockLevel { sku: sku.to_owned(), available: 5, reserved: 1, version: 1 }
}

#[tonic::async_trait]
impl Inventory for Fake {
    async fn stock(&self, request: Request<StockRequest>) -> Result<Response<StockLevel>, Status> {
        assert_eq!(request.metadata().get("tradewind-audience").expect("set"), "public");
        match request.get_ref().sku.as_str() {
            "SLOW" => std::future::pending().await,
            "NONE" => Err(to_status(&Problem::new(Code::UnknownSku, "there is no NONE"))),
            sku => Ok(Response::new(level(sku))),
        }
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<StockLevel, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<Streaming<WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let levels = request.into_inner().map(|change| match change?.change {
            Some(Change::Add(sku)) => Ok(level(&sku)),
            _ => Err(Status::data_loss("dropped")),
        });
        Ok(Response::new(Box::pin(levels)))
    }

    async fn reserve(&self, _: Request<ReserveRequest>) -> Result<Response<Reservation>, Status> {
        Err(Status::internal("an internal operation was reached"))
    }

    async fn commit(&self, _: Request<CommitRequest>) -> Result<Response<Reservation>, Status> {
        Err(Status::internal("an internal operation was reached"))
    }

    async fn release(&self, _: Request<ReleaseRequest>) -> Result<Response<Reservation>, Status> {
        Err(Status::internal("an internal operation was reached"))
    }

    async fn reservation(&self, _: Request<ReservationRequest>) -> Result<Response<Reservation>, Status> {
        Err(Status::internal("an internal operation was reached"))
    }

    async fn audit(&self, _: Request<PageRequest>) -> Result<Response<InventoryRecordPage>, Status> {
        Err(Status::internal("an internal operation was reached"))
    }
}

async fn client(address: SocketAddr) -> InventoryClient<tonic::transport::Channel> {
    within(InventoryClient::connect(format!("http://{address}"))).await.expect("connects")
}

#[tokio::test]
async fn a_call_and_its_status_pass_through() {
    let (address, _running) = serve(chassis::grpc::routes(InventoryServer::new(Fake))).await;
    let edge = Setup::new().service("inventory", &[address]).start().await;
    let mut client = client(edge.address).await;
    let answer = within(client.stock(StockRequest { sku: "KETTLE-1".into() })).await.expect("known");
    assert!(answer.metadata().get("trace-id").is_some());
    assert_eq!(answer.into_inner(), level("KETTLE-1"));
    let refused = within(client.stock(StockRequest { sku: "NONE".into() })).await.expect_err("unknown");
    assert_eq!(from_status(&refused).expect("ours").code, Code::UnknownSku);
}

#[tokio::test]
async fn both_directions_stream_at_the_same_time() {
    let (address, _running) = serve(chassis::grpc::routes(InventoryServer::new(Fake))).await;
    let edge = Setup::new().service("inventory", &[address]).start().await;
    let mut client = client(edge.address).await;
    let (send, changes) = mpsc::channel(1);
    let mut levels = within(client.watch(ReceiverStream::new(changes))).await.expect("watches").into_inner();
    for sku in ["A", "B", "C"] {
        send.send(WatchRequest { change: Some(Change::Add(sku.into())) }).await.unwrap();
        assert_eq!(within(levels.message()).await.unwrap(), Some(level(sku)));
    }
    // a status at the end of a stream is a trailer
    send.send(WatchRequest { change: Some(Change::Drop("A".into())) }).await.unwrap();
    assert_eq!(within(levels.message()).await.unwrap_err().code(), tonic::Code::DataLoss);
}

#[tokio::test]
async fn an_internal_operation_is_not_there() {
    let (address, _running) = serve(chassis::grpc::routes(InventoryServer::new(Fake))).await;
    let edge = Setup::new().service("inventory", &[address]).start().await;
    let refused =
        within(client(edge.address).await.reserve(ReserveRequest::default())).await.expect_err("internal");
    assert_eq!(from_status(&refused).expect("ours").code, Code::NotFound);
}

#[tokio::test]
async fn what_the_gateway_refuses_it_refuses_as_a_status() {
    let away = Setup::new().service("inventory", &[nobody().await]).start().await;
    let refused =
        within(client(away.address).await.stock(StockRequest { sku: "A".into() })).await.expect_err("away");
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    let problem = from_status(&refused).expect("ours");
    assert_eq!(problem.code, Code::DependencyUnavailable);
    assert!(problem.detail.contains("inventory"), "{problem}");

    let (address, _running) = serve(chassis::grpc::routes(InventoryServer::new(Fake))).await;
    let slow = Setup::new()
        .service("inventory", &[address])
        .config(|config| config.routes.iter_mut().for_each(|route| route.timeout_ms = 50))
        .start()
        .await;
    let late = within(client(slow.address).await.stock(StockRequest { sku: "SLOW".into() }))
        .await
        .expect_err("late");
    assert_eq!(from_status(&late).expect("ours").code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_route_speaks_its_own_protocol_only() {
    let edge = Setup::new().start().await;
    let post = |path: &str, kind: &'static str| {
        let request = reqwest::Client::new().post(edge.url(path)).header("content-type", kind);
        request.timeout(Duration::from_secs(20)).send()
    };
    let plain = post("/tradewind.orders.v1.Orders/Place", "application/json").await.unwrap();
    assert_eq!(plain.status(), 415);
    let grpc = post("/api/orders", "application/grpc+proto").await.unwrap();
    assert_eq!((grpc.status().as_u16(), &grpc.headers()["grpc-status"]), (200, &"3".parse().unwrap()));
}
