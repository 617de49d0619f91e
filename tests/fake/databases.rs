//! Which databases and buckets a server has, on which paths, and whom it lets in.

use support::client::{self, Reply};
use support::influx::{Databases, FakeInflux, Mapping, Points, Settings, Version};

use super::influxql::{check_maps, recorded, server};
use super::{FORM, INFLUXQL, ask_influxql, check_answer, influxql_form, query_body};

const SELECT: &str =
    r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 10 GROUP BY *"#;

/// A version 2 with this mapping of databases, and the recorded buckets.
fn with(databases: Databases) -> FakeInflux {
    let org = Some("o".to_owned());
    let influx = FakeInflux::with(Settings { databases, org, ..Settings::default() });
    influx.load("fake", "m f=1 1\n");
    ["fake/r p", "fa ke&<x>"].iter().for_each(|bucket| influx.create(bucket));
    influx
}

fn mapping(database: &str, policy: &str, bucket: &str) -> Mapping {
    let [database, policy, bucket] = [database, policy, bucket].map(str::to_owned);
    Mapping { database, policy, bucket, is_default: true }
}

/// The mappings that were made when `influxql_v2_dbrps_explicit.http` was recorded.
fn mappings() -> Vec<Mapping> {
    vec![mapping("fake", "autogen", "fake/r p"), mapping("other", "rp", "fake")]
}

pub(super) fn get(influx: &FakeInflux, target: &str) -> Reply {
    client::request(&influx.url(), "GET", target, &[], &[])
}

/// Compares listings, but for ids and for when buckets were made.
#[track_caller]
pub(super) fn check_listing(reply: &Reply, recorded: &str) {
    let mut reply = reply.clone();
    reply.body = nameless(reply.text()).into_bytes();
    check_answer(&reply, nameless(recorded));
}

/// A listing with zeros in its ids and times.
fn nameless(listing: &str) -> String {
    let is_time = |line: &str| line.contains("createdAt") || line.contains("updatedAt");
    let lines = listing.split_inclusive('\n');
    let lines = lines.map(|line| if is_time(line) { "…\n" } else { line });
    without_ids(&lines.collect::<String>())
}

/// A text with zeros in its ids.
pub(super) fn without_ids(text: &str) -> String {
    let is_id = |word: &&str| word.len() == 16 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = text.split(|character: char| !character.is_ascii_alphanumeric());
    let ids = words.filter(is_id).map(str::to_owned).collect::<Vec<_>>();
    ids.iter().fold(text.to_owned(), |text, id| text.replace(id.as_str(), "0000000000000000"))
}

fn bucket_id(influx: &FakeInflux, name: &str) -> String {
    let reply = get(influx, &format!("/api/v2/buckets?org=o&name={name}"));
    let (_, id) = reply.text().split_once(r#""id": ""#).expect("it lists the bucket");
    id[..16].to_owned()
}

#[test]
fn buckets_are_listed_as_recorded() {
    let influx = with(Databases::Virtual(Vec::new()));
    let check = |parameters: &str, recorded: &str| {
        check_listing(&get(&influx, &format!("/api/v2/buckets?{parameters}")), recorded);
    };
    check("org=o&name=fake%2Fr+p", include_str!("../recorded/http/influxql_v2_buckets.http"));
    check(
        "org=o&name=fa+ke%26%3Cx%3E",
        include_str!("../recorded/http/influxql_v2_buckets_odd.http"),
    );
    check("org=o&name=nosuch", include_str!("../recorded/http/influxql_v2_buckets_none.http"));
    check("org=nosuch&name=fake", include_str!("../recorded/http/influxql_v2_buckets_no_org.http"));
    assert_eq!(get(&influx, "/api/v2/buckets?org=o").status, 400);
}

#[test]
fn virtual_mappings_follow_from_the_names_of_buckets_as_recorded() {
    let influx = with(Databases::Virtual(Vec::new()));
    let check = |parameters: &str, recorded: &str| {
        check_listing(&get(&influx, &format!("/api/v2/dbrps?{parameters}")), recorded);
    };
    check("org=o&db=fake", include_str!("../recorded/http/influxql_v2_dbrps.http"));
    check("org=o&db=nosuch", include_str!("../recorded/http/influxql_v2_dbrps_none.http"));
    check("db=fake", include_str!("../recorded/http/influxql_v2_dbrps_no_org.http"));
    check("org=nosuch&db=fake", include_str!("../recorded/http/influxql_v2_dbrps_wrong_org.http"));
    check("org=o&bucketID=zz", include_str!("../recorded/http/influxql_v2_dbrps_bad_id.http"));
}

#[test]
fn a_mapping_that_was_made_takes_the_place_of_a_virtual_one_as_recorded() {
    let influx = with(Databases::Virtual(mappings()));
    let explicit = get(&influx, "/api/v2/dbrps?org=o&db=fake");
    check_listing(&explicit, include_str!("../recorded/http/influxql_v2_dbrps_explicit.http"));
    // Asked by the bucket, the server does not see that its database leads elsewhere.
    let id = bucket_id(&influx, "fake");
    let hidden = get(&influx, &format!("/api/v2/dbrps?org=o&bucketID={id}"));
    check_listing(&hidden, include_str!("../recorded/http/influxql_v2_dbrps_hidden.http"));
    assert_eq!(ask_influxql(&influx, INFLUXQL, SELECT).body, recorded("empty.msgpack"));
    let other = SELECT.replace(r#""fake"."autogen""#, r#""other"."rp""#);
    let found = ask_influxql(&with(Databases::Virtual(Vec::new())), INFLUXQL, SELECT);
    check_maps(&ask_influxql(&influx, INFLUXQL, &other).body, &found.body);
}

#[test]
fn without_a_mapping_there_is_no_database() {
    let influx = with(Databases::Explicit(Vec::new()));
    let none = include_str!("../recorded/http/influxql_v2_dbrps_none.http");
    check_listing(&get(&influx, "/api/v2/dbrps?org=o&db=fake"), none);
    let nosuch = SELECT.replace("fake", "nosuch");
    let missing = ask_influxql(&influx, INFLUXQL, &nosuch);
    assert_eq!(missing.body, recorded("error.msgpack"));
    let reply = ask_influxql(&influx, INFLUXQL, SELECT);
    assert!(reply.body.ends_with(b"database not found: fake"));
    let influx = with(Databases::Explicit(mappings()));
    let other = SELECT.replace(r#""fake"."autogen""#, r#""other"."rp""#);
    assert_ne!(ask_influxql(&influx, INFLUXQL, &other).body, recorded("empty.msgpack"));
    let id = bucket_id(&influx, "fa+ke%26%3Cx%3E");
    check_listing(&get(&influx, &format!("/api/v2/dbrps?org=o&bucketID={id}")), none);
}

#[test]
fn a_server_may_know_flux_alone() {
    let influx = with(Databases::Absent);
    assert_eq!(ask_influxql(&influx, INFLUXQL, SELECT).status, 404);
    assert_eq!(get(&influx, "/api/v2/dbrps?org=o&db=fake").status, 404);
    assert_eq!(get(&influx, "/api/v2/buckets?org=o&name=fake").status, 200);
    let script = query_body(r#"from(bucket: "fake") |> range(start: 1970-01-01T00:00:00Z)"#);
    let reply = client::request(&influx.url(), "POST", "/api/v2/query?org=o", &[], &script);
    assert_eq!(reply.status, 200);
}

#[test]
fn version_1_knows_no_path_of_version_2_as_recorded() {
    let influx = server(Version::V1_6);
    let reply = get(&influx, "/api/v2/buckets?org=o&name=fake");
    check_answer(&reply, include_bytes!("../recorded/http/influxql_v1_no_such_path.http"));
    for (method, target) in
        [("POST", "/api/v2/query"), ("POST", "/api/v2/write"), ("GET", "/api/v2/dbrps")]
    {
        assert_eq!(client::request(&influx.url(), method, target, &[], &[]).status, 404);
    }
}

#[test]
fn a_policy_of_version_1_is_written_and_read() {
    let influx = server(Version::V1_6);
    influx.create("fake/r p");
    let target = "/write?db=fake&rp=r+p&precision=ns";
    let written = client::request(&influx.url(), "POST", target, &[], b"m f=1 1\n");
    assert_eq!(written.status, 204);
    influx.points("fake/r p").assert_same(&Points::parse("m f=1 1"));
    let select = SELECT.replace("autogen", "r p");
    let found = ask_influxql(&with(Databases::Virtual(Vec::new())), INFLUXQL, SELECT);
    check_maps(&ask_influxql(&influx, INFLUXQL, &select).body, &found.body);
    assert_eq!(ask_influxql(&influx, INFLUXQL, SELECT).body, recorded("empty.msgpack"));
}

#[test]
fn version_1_wants_a_user_and_a_password_as_recorded() {
    let server = |is_admin| {
        let (version, token) = (Version::V1_6, Some("reader:p:w".to_owned()));
        let influx = FakeInflux::with(Settings { version, token, is_admin, ..Settings::default() });
        influx.create("fake");
        influx
    };
    let ask = |influx: &FakeInflux, authorization: &str, statements: &str| {
        let headers = [FORM[0], FORM[1], ("authorization", authorization)];
        let body = influxql_form(statements);
        client::request(&influx.url(), "POST", INFLUXQL, &headers, &body)
    };
    let influx = server(false);
    let basic = "Basic cmVhZGVyOnA6dw==";
    check_answer(
        &ask_influxql(&influx, INFLUXQL, SELECT),
        include_bytes!("../recorded/http/influxql_v1_unauthorized.http"),
    );
    check_answer(
        &ask(&influx, "Token reader:p:w", SELECT),
        include_bytes!("../recorded/http/influxql_v1_token.http"),
    );
    check_answer(
        &ask(&influx, "Basic cmVhZGVyOndyb25n", SELECT),
        include_bytes!("../recorded/http/influxql_v1_wrong_password.http"),
    );
    check_answer(
        &ask(&influx, basic, "SHOW SHARDS"),
        include_bytes!("../recorded/http/influxql_v1_not_an_admin.http"),
    );
    assert_eq!(ask(&influx, basic, SELECT).status, 200);
    assert_eq!(ask(&server(true), basic, "SHOW SHARDS").status, 200);
}

#[test]
fn version_2_takes_a_token_with_and_without_a_user_as_recorded() {
    let influx = FakeInflux::with(Settings { token: Some("tok".into()), ..Settings::default() });
    influx.create("fake");
    let ask = |authorization: &str| {
        let headers = [FORM[0], FORM[1], ("authorization", authorization)];
        client::request(&influx.url(), "POST", INFLUXQL, &headers, &influxql_form(SELECT))
    };
    let unauthorized = include_bytes!("../recorded/http/influxql_v2_unauthorized.http");
    check_answer(&ask_influxql(&influx, INFLUXQL, SELECT), unauthorized);
    check_answer(&ask("Bearer tok"), unauthorized);
    let wrong = include_bytes!("../recorded/http/influxql_v2_wrong_token.http");
    // The last is `tok:`.
    for authorization in ["Token wrong", "Basic dG9rOg=="] {
        check_answer(&ask(authorization), wrong);
    }
    // The last is `any:tok`.
    for authorization in ["Token tok", "Token any:tok", "Basic YW55OnRvaw=="] {
        assert_eq!(ask(authorization).status, 200, "{authorization}");
    }
    let headers = [("authorization", "Token wrong")];
    let target = "/api/v2/buckets?org=o&name=fake";
    let reply = client::request(&influx.url(), "GET", target, &headers, &[]);
    check_answer(&reply, include_bytes!("../recorded/http/influxql_v2_buckets_unauthorized.http"));
}
