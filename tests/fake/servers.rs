//! The real servers answer, and are gone when they are dropped.

use std::net::TcpStream;

use support::servers::RealServer;

#[track_caller]
fn check_end(server: RealServer) {
    let host = server.url().strip_prefix("http://").expect("plain HTTP").to_owned();
    drop(server);
    assert!(TcpStream::connect(host).is_err());
}

#[test]
fn influxdb_1_keeps_points() {
    let Some(server) = RealServer::influxdb_1() else { return };
    assert_eq!(server.post("/query?q=create+database+b", "").status, 200);
    assert_eq!(server.post("/write?db=b&precision=ns", "m,t=a f=1.5 1").status, 204);
    let reply = server.get("/query?db=b&epoch=ns&q=select+*+from+m");
    let expected = r#"{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f","t"],"values":[[1,1.5,"a"]]}]}]}"#;
    assert_eq!(reply.text().trim_end(), expected);
    check_end(server);
}

#[test]
fn victoria_metrics_keeps_points_of_long_ago() {
    let Some(server) = RealServer::victoria_metrics() else { return };
    assert_eq!(
        server.post("/api/v2/write?precision=ns", "m,t=a f=1.5 1000000000000000000").status,
        204
    );
    // Points can be read once they are flushed, which can be asked for.
    assert_eq!(server.get("/internal/force_flush").status, 200);
    let reply = server.get("/api/v1/export?match=m_f&start=0");
    let expected =
        r#"{"metric":{"__name__":"m_f","t":"a"},"values":[1.5],"timestamps":[1000000000000]}"#;
    assert_eq!(reply.text().trim_end(), expected);
    check_end(server);
}
